// SPDX-License-Identifier: MIT
#include "tools/c_api/engine.h"

#include <chrono>
#include <memory>
#include <utility>

#include <convoy/convoy.h>
#include <convoy/load.h>
#include <convoy/media/image.h>
#include "tools/c_api/guard.h"
#include "tools/c_api/options.h"
#include "tools/c_api/results.h"

using convoy::c_api::emptied;
using convoy::c_api::guarded;
using convoy::c_api::needed;

namespace {

using Clock = std::chrono::steady_clock;

void detect(convoy_engine& engine, const convoy::Frame& frame, convoy_result*& result) {
    convoy::Result found;
    const Clock::time_point start = Clock::now();
    {
        const std::lock_guard lock(engine.detecting);
        found.detections = engine.engine.detect(frame);
    }
    found.latency_ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    found.frame = frame;
    auto made = std::make_unique<convoy_result>();
    convoy::c_api::assign(*made, found);
    result = made.release();
}

}  // namespace

int convoy_options_create(convoy_options** options) {
    return guarded([&] {
        convoy_options*& made = emptied(options, "options");
        made = std::make_unique<convoy_options>().release();
        return int(CONVOY_OK);
    });
}

void convoy_options_destroy(convoy_options* options) { delete options; }

int convoy_options_set(convoy_options* options, const char* name, const char* value) {
    return guarded([&] {
        convoy::c_api::set_option(needed(options, "options"), &needed(name, "name"), &needed(value, "value"));
        return int(CONVOY_OK);
    });
}

int convoy_options_set_inputs(convoy_options* options, const char* const* inputs, std::size_t count) {
    return guarded([&] {
        needed(options, "options").inputs = convoy::c_api::texts(inputs, count);
        return int(CONVOY_OK);
    });
}

int convoy_engine_create(convoy_engine** engine, const char* cfg, const char* weights, const char* names,
                         const convoy_options* options) {
    return guarded([&] {
        convoy_engine*& made = emptied(engine, "engine");
        needed(cfg, "cfg"), needed(weights, "weights");
        convoy_options given = options ? *options : convoy_options{};
        std::optional<convoy::c_api::ExpectedRun> run;
        if (!given.inputs.empty()) {
            run = {given.inputs, convoy::media::RunInputs(convoy::media::expand_inputs(given.inputs), given.input)};
            run->inputs.open_first(given.engine);
        }
        const convoy::Network network = convoy::load_network(cfg, weights, names ? names : "", given.load);
        made = std::make_unique<convoy_engine>(network, convoy::c_api::engine_options(given, network), given.input,
                                               std::move(run))
                   .release();
        return int(CONVOY_OK);
    });
}

int convoy_engine_destroy(convoy_engine* engine) {
    return guarded([&] {
        if (engine && engine->running)
            throw convoy::Error(convoy::ErrorKind::usage,
                                "an engine cannot be destroyed while its convoy_run() goes on: stop that first");
        delete engine;
        return int(CONVOY_OK);
    });
}

int convoy_class_count(const convoy_engine* engine) { return engine ? engine->classes : -1; }

const char* convoy_class_name(const convoy_engine* engine, int class_id) {
    if (!engine || class_id < 0 || std::size_t(class_id) >= engine->names.size()) return nullptr;
    return engine->names[std::size_t(class_id)].c_str();
}

const char* convoy_engine_description(const convoy_engine* engine) { return engine ? engine->description.c_str() : ""; }

int convoy_engine_input_size(const convoy_engine* engine, int* width, int* height) {
    return guarded([&] {
        convoy::c_api::zeroed(width, height);
        *width = needed(engine, "engine").width, *height = engine->height;
        return int(CONVOY_OK);
    });
}

int convoy_engine_capacity(const convoy_engine* engine) { return engine ? engine->engine.capacity() : -1; }

int convoy_detect(convoy_engine* engine, const convoy_picture* picture, convoy_result** result) {
    if (result) *result = nullptr;
    return guarded([&] {
        const convoy::Frame frame = convoy::c_api::frame_of(picture);  // first: its `release` is seen to in any case
        convoy_result*& made = emptied(result, "result");
        detect(needed(engine, "engine"), frame, made);
        return int(CONVOY_OK);
    });
}

int convoy_detect_file(convoy_engine* engine, const char* path, convoy_result** result) {
    return guarded([&] {
        convoy_result*& made = emptied(result, "result");
        needed(engine, "engine");
        const convoy::media::Image image = convoy::media::read_image(&needed(path, "path"));
        detect(*engine, convoy::rgb_frame(image.rgb.data(), image.width, image.height), made);
        return int(CONVOY_OK);
    });
}

int convoy_submit(convoy_engine* engine, const convoy_picture* picture) {
    return guarded([&] {
        convoy::Frame frame = convoy::c_api::frame_of(picture);
        return int(needed(engine, "engine").engine.submit(std::move(frame)) ? CONVOY_OK : CONVOY_STOPPED);
    });
}

int convoy_try_submit(convoy_engine* engine, const convoy_picture* picture) {
    return guarded([&] {
        convoy::Frame frame = convoy::c_api::frame_of(picture);
        return int(needed(engine, "engine").engine.try_submit(std::move(frame)) ? CONVOY_OK : CONVOY_FULL);
    });
}

int convoy_flush(convoy_engine* engine) {
    return guarded([&] { return needed(engine, "engine").engine.flush(), int(CONVOY_OK); });
}

int convoy_finish(convoy_engine* engine) {
    return guarded([&] { return needed(engine, "engine").engine.finish(), int(CONVOY_OK); });
}

int convoy_cancel(convoy_engine* engine) {
    return guarded([&] { return needed(engine, "engine").engine.cancel(), int(CONVOY_OK); });
}

int convoy_resume(convoy_engine* engine) {
    return guarded([&] { return needed(engine, "engine").engine.resume(), int(CONVOY_OK); });
}

int convoy_next(convoy_engine* engine, convoy_result** result) {
    return guarded([&] {
        convoy_result*& made = emptied(result, "result");
        // Made before: what is out of the engine must not be lost for want of memory.
        auto next = std::make_unique<convoy_result>();
        const std::optional<convoy::Result> found = needed(engine, "engine").engine.next();
        if (!found) return int(CONVOY_END);
        convoy::c_api::assign(*next, *found);
        made = next.release();
        return int(CONVOY_OK);
    });
}
