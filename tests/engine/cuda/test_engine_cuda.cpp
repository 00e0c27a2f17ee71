// SPDX-License-Identifier: MIT
//
// The engine on a GPU, from pictures to boxes, against the engine on the CPU.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

#include <convoy/engine.h>
#include <convoy/load.h>
#include "engine/bind.h"
#include "tests/engine/cuda/scenes.h"
#include "tests/support/catch.h"
#include "tests/support/cuda.h"

using namespace convoy;
using namespace convoy::test;

namespace {

std::vector<std::vector<Detection>> run(Engine& engine, std::vector<Scene>& scenes, int frames) {
    std::thread producer([&] {
        for (int i = 0; i < frames; ++i) engine.submit(scenes[std::size_t(i) % scenes.size()].frame(i));
        engine.finish();
    });
    std::vector<std::vector<Detection>> out;
    while (std::optional<Result> r = engine.next()) {
        CHECK(r->frame.index == std::int64_t(out.size()));
        out.push_back(std::move(r->detections));
    }
    producer.join();
    return out;
}

}  // namespace

TEST_CASE("GPU: in fp32 the boxes are the CPU's within 0.01 pixels", "[cuda]") {
    REQUIRE_GPU();
    std::vector<Scene> pictures = scenes();
    for (Resize resize : {Resize::bilinear, Resize::darknet}) {
        EngineOptions gpu = on("cuda", Precision::fp32), cpu = on("cpu", Precision::fp32);
        gpu.detect.resize = cpu.detect.resize = resize;
        Engine a(demo(), gpu), b(demo(), cpu);
        const auto boxes = run(a, pictures, 13), expected = run(b, pictures, 13);
        REQUIRE(boxes.size() == 13);
        std::size_t found = 0;
        for (std::size_t i = 0; i < boxes.size(); ++i) {
            INFO("frame " << i << ": " << boxes[i].size() << " boxes, the CPU has " << expected[i].size());
            CHECK(same(boxes[i], expected[i], .01f, 1e-4f));
            found += boxes[i].size();
        }
        CHECK(found > 0);
    }
}

TEST_CASE("GPU: in fp32 the boxes of tiles are the CPU's within 0.01 pixels", "[cuda]") {
    REQUIRE_GPU();
    std::vector<Scene> pictures = scenes();
    for (const TileOptions& tiles : {TileOptions{2, 2, .2f, false}, TileOptions{3, 2, 0, true}}) {
        EngineOptions gpu = on("cuda", Precision::fp32), cpu = on("cpu", Precision::fp32);
        gpu.detect.tiles = cpu.detect.tiles = tiles;
        Engine a(demo(), gpu), b(demo(), cpu);
        const auto boxes = run(a, pictures, 13), expected = run(b, pictures, 13);
        REQUIRE(boxes.size() == 13);
        std::size_t found = 0;
        for (std::size_t i = 0; i < boxes.size(); ++i) {
            INFO("frame " << i << ": " << boxes[i].size() << " boxes, the CPU has " << expected[i].size());
            CHECK(same(boxes[i], expected[i], .01f, 1e-4f));
            found += boxes[i].size();
        }
        CHECK(found > 0);
    }
}

TEST_CASE("GPU: frames whose tiles span batches give the same bits one by one and in a row", "[cuda]") {
    REQUIRE_GPU();
    EngineOptions options = on("cuda:0", Precision::fp16);
    options.same_bits = true;
    options.detect.tiles = {3, 2, .2f, true};  // 7 pictures in batches of 4
    std::vector<Scene> pictures = scenes();
    Engine many(demo(), options), one(demo(), options);
    const auto boxes = run(many, pictures, 24);
    std::size_t found = 0;
    for (std::size_t i = 0; i < boxes.size(); ++i) {
        CHECK(same(boxes[i], one.detect(pictures[i % pictures.size()].frame()), 0, 0));
        found += boxes[i].size();
    }
    CHECK(found > 0);
}

TEST_CASE("GPU: the same input gives the same bits, in any engine, thread and batch of its kind", "[cuda]") {
    REQUIRE_GPU();
    const Network network = demo();
    std::atomic<int> wrong{0};
    std::vector<Scene> first = scenes();
    Engine reference(network, on("cuda:0", Precision::fp16));
    const auto expected = run(reference, first, 24);
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t)
        threads.emplace_back([&] {
            std::vector<Scene> pictures = scenes();
            Engine engine(network, on("cuda:0", Precision::fp16));
            const auto boxes = run(engine, pictures, 24);
            for (std::size_t i = 0; i < boxes.size(); ++i) wrong += !same(boxes[i], expected[i], 0, 0);
        });
    for (std::thread& t : threads) t.join();
    CHECK(wrong == 0);
}

TEST_CASE("GPU: more candidates than the device keeps are decoded on the host, and that is counted", "[cuda]") {
    REQUIRE_GPU();
    std::vector<Scene> pictures = scenes();
    EngineOptions gpu = on("cuda:0", Precision::fp32, 1e-15f), cpu = on("cpu", Precision::fp32, 1e-15f);
    gpu.detect.max_boxes = cpu.detect.max_boxes = 20;  // among the faintest, order is a matter of the last bit
    Engine a(demo(288), gpu), b(demo(288), cpu);
    const auto boxes = run(a, pictures, 2), expected = run(b, pictures, 2);
    for (std::size_t i = 0; i < boxes.size(); ++i) {
        INFO("frame " << i << ": " << boxes[i].size() << " boxes, the CPU has " << expected[i].size());
        CHECK(same(boxes[i], expected[i], .02f, 1e-4f));
    }
    const std::vector<StageStats> stats = a.stats();
    const auto host =
        std::find_if(stats.begin(), stats.end(), [](const StageStats& s) { return s.name == "decode on the host"; });
    REQUIRE(host != stats.end());
    CHECK(host->count == 2);
}

TEST_CASE("GPU: boxes that are not finite are left out, as on the CPU, and the layer is named", "[cuda]") {
    REQUIRE_GPU();
    const auto look = [](const Network& network, const EngineOptions& options) {
        std::vector<Scene> pictures = scenes();
        Engine engine(network, options);
        for (int i = 0; i < 3; ++i) engine.submit(pictures.front().frame(i));
        engine.finish();
        const Result first = engine.next().value();
        while (const auto more = engine.next()) CHECK(more->not_finite == first.not_finite);
        return first;
    };
    Network network = demo();
    std::size_t last = network.layers.size();
    while (!std::holds_alternative<ConvolutionalLayer>(network.layers[--last].kind)) {
    }
    auto& conv = std::get<ConvolutionalLayer>(network.layers[last].kind);
    std::vector<float> biases(conv.biases.begin(), conv.biases.end());
    biases[4] = 5, biases[2] = 1000;  // of the first anchor: an object in every cell, of a size that overflows
    conv.biases = {biases.data(), biases.size()};
    const Result cpu = look(network, on("cpu", Precision::fp32)), gpu = look(network, on("cuda:0", Precision::fp32));
    CHECK(cpu.not_finite > 0);
    CHECK(gpu.not_finite == cpu.not_finite);
    CHECK(gpu.first_not_finite == cpu.first_not_finite);
    CHECK(same(gpu.detections, cpu.detections, .02f, 1e-4f));
    std::vector<float> weights(conv.weights.begin(), conv.weights.end());
    for (float& w : weights) w *= 1e9f;
    conv.weights = {weights.data(), weights.size()};
    const Result fp16 = look(network, on("cuda:0", Precision::fp16));
    CHECK(fp16.not_finite > 0);
    CHECK(fp16.first_not_finite == "layer " + std::to_string(last) + " (convolutional), in fp16, which ends at 65504");
}

TEST_CASE("GPU: a tree of classes leads where it leads on the CPU", "[cuda]") {
    REQUIRE_GPU();
    Network network = parse_network(
        "[net]\nwidth=96\nheight=96\nchannels=3\n"
        "[convolutional]\nfilters=16\nsize=3\nstride=8\npad=1\nactivation=leaky\n"
        "[convolutional]\nfilters=24\nsize=1\nactivation=linear\n"
        "[region]\nanchors=1,1, 2,2\nclasses=7\nnum=2\nsoftmax=1\ntree=seven.tree\n",
        "tree.cfg");
    randomize_weights(network, 2);
    std::get<RegionLayer>(network.layers[2].kind).parents = {-1, -1, 0, 0, 1, 1, 1};
    std::vector<Scene> pictures = scenes();
    Engine a(network, on("cuda:0", Precision::fp32)), b(network, on("cpu", Precision::fp32));
    const auto boxes = run(a, pictures, 3), expected = run(b, pictures, 3);
    std::size_t found = 0;
    for (std::size_t i = 0; i < boxes.size(); ++i) {
        INFO("frame " << i << ": " << boxes[i].size() << " boxes, the CPU has " << expected[i].size());
        CHECK(same(boxes[i], expected[i], .02f, 1e-4f));
        found += boxes[i].size();
    }
    CHECK(found > 0);
}

TEST_CASE("GPU: frames in device memory give what the same frames in host memory give", "[cuda]") {
    REQUIRE_GPU();
    EngineOptions options = on("cuda:0", Precision::fp16), tiled = options;
    tiled.detect.tiles = {3, 2, .2f, true};
    Engine plain(demo(), options), in_tiles(demo(), tiled);
    for (PixelFormat format : {PixelFormat::rgb8, PixelFormat::nv12}) {
        test::RandomPicture picture(format, 333, 217, 5);
        Frame host, device;
        host.pixels = device.pixels = picture.view();
        std::vector<test::DeviceBytes> planes;
        for (int plane : {0, 1}) {
            if (picture.bytes(plane).empty()) continue;
            planes.push_back(test::upload(picture.bytes(plane)));
            device.pixels.plane[plane] = static_cast<const std::uint8_t*>(planes.back().data());
        }
        device.pixels.on_device = true;
        for (Engine* engine : {&plain, &in_tiles}) CHECK(same(engine->detect(device), engine->detect(host), 0, 0));
    }
}

TEST_CASE("GPU: the tuner's choice is kept, and a damaged cache is made anew", "[cuda]") {
    REQUIRE_GPU();
    namespace fs = std::filesystem;
    const fs::path folder = fs::temp_directory_path() / "convoy-test-tuning";
    fs::remove_all(folder);
    EngineOptions options = on("cuda", Precision::fp16);
    options.tuning = Tuning::measured;
    options.libraries = false;  // theirs take long to make ready
    options.max_batch = 1;
    options.tuning_cache = folder.string();
    std::vector<Scene> pictures = scenes();
    std::vector<std::vector<Detection>> first;
    std::vector<fs::file_time_type> written;
    for (int start = 0; start < 3; ++start) {
        Engine engine(demo(), options);
        CHECK(engine.notes().empty());
        const auto boxes = run(engine, pictures, 5);
        if (start == 0) first = boxes;
        // The same kernels give the same bits; kernels that are chosen anew may round otherwise.
        if (start == 1)
            for (std::size_t i = 0; i < boxes.size(); ++i) CHECK(same(boxes[i], first[i], 0, 0));
        const fs::path file = fs::directory_iterator(folder)->path();
        written.push_back(fs::last_write_time(file));
        if (start == 1) fs::resize_file(file, fs::file_size(file) / 2);
    }
    CHECK(written[1] == written[0]);
    CHECK(written[2] != written[1]);
    fs::remove_all(folder);
}

TEST_CASE("GPU: a start measures only when it is asked to, as long as nobody stops it", "[cuda]") {
    REQUIRE_GPU();
    namespace fs = std::filesystem;
    const fs::path folder = fs::temp_directory_path() / "convoy-test-asked";
    fs::remove_all(folder);
    EngineOptions options = on("cuda:0", Precision::fp16);
    options.libraries = false;
    options.max_batch = 1;
    options.tuning_cache = folder.string();
    const auto start = [&](Tuning tuning) {
        options.tuning = tuning;
        return bind_gpu(demo(), options);
    };
    const auto by_rule = [](const GpuBackend& backend) {
        const std::vector<std::string> notes = backend.notes();
        return notes.size() == 1 && notes[0].find("by rule") != std::string::npos ? std::stoi(notes[0]) : 0;
    };

    const auto nothing_known = start(Tuning::remembered);
    CHECK(nothing_known->kernel_choice() == start(Tuning::fixed)->kernel_choice());
    const int all = by_rule(*nothing_known);
    CHECK(all > 10);
    CHECK_FALSE(fs::exists(folder));

    int questions = 0, sentences = 0;
    options.notice = [&](const std::string&) { ++sentences; };
    options.stop_measuring = [&] { return ++questions > 300; };
    const int left = by_rule(*start(Tuning::measured));
    CHECK(sentences > 0);
    CHECK(left > 0);
    CHECK(left < all);
    options.stop_measuring = {};
    CHECK(by_rule(*start(Tuning::remembered)) == left);  // what was found is kept

    const auto measured = start(Tuning::measured);
    CHECK(measured->notes().empty());
    CHECK(measured->kernel_choice() != nothing_known->kernel_choice());
    CHECK(start(Tuning::remembered)->kernel_choice() == measured->kernel_choice());
    fs::remove_all(folder);
}

TEST_CASE("GPU: what cannot be is an error that says what to do", "[cuda]") {
    REQUIRE_GPU();
    const auto kind = [](const std::function<void()>& f) {
        try {
            f();
        } catch (const Error& e) {
            INFO(e.what());
            return int(e.kind());
        }
        return -1;
    };
    CHECK(kind([] { Engine(demo(), on("cuda:99", Precision::fp16)); }) == int(ErrorKind::unsupported));
    CHECK(kind([] { Engine(demo(), on("cuda:x", Precision::fp16)); }) == int(ErrorKind::usage));
    EngineOptions huge = on("cuda", Precision::fp32);
    huge.max_batch = 1024;
    CHECK(kind([&] { Engine(demo(4096), huge); }) == int(ErrorKind::device));
    Engine after(demo(), on("cuda", Precision::fp16));  // the device is as good as before
    std::vector<Scene> pictures = scenes();
    CHECK(run(after, pictures, 3).size() == 3);
}

TEST_CASE("GPU: starting and ending engines leaks nothing", "[cuda]") {
    REQUIRE_GPU();
    const Network network = demo();
    const auto free_bytes = [] {
        std::size_t free = 0, total = 0;
        test::cuda_ok(cudaMemGetInfo(&free, &total));
        return free;
    };
    std::vector<Scene> pictures = scenes();
    std::size_t before = 0;
    for (int i = 0; i < 6; ++i) {
        Engine engine(network, on("cuda", Precision::fp16));
        run(engine, pictures, 9);
        if (i == 1) before = free_bytes();  // modules are loaded and pools filled by then
        if (i == 5) CHECK(free_bytes() + (8u << 20) >= before);
    }
}

TEST_CASE("the batch follows a limit of GPU memory, and what cannot be is said in MiB", "[cuda]") {
    const Network network = demo(416);
    EngineOptions options = on("cuda:0", Precision::fp16);
    options.max_batch = 0;
    const auto needed = [](const Plan& plan) { return cuda_memory(plan, Precision::fp16, kGpuSlots).at_start(0); };
    const Plan whole = compile_for_gpus(network, options, Precision::fp16, {});
    int last = whole.max_batch;
    for (std::size_t limit = needed(whole) - 1; last > 1; limit = limit / 2) {
        options.gpu_memory = limit;
        if (limit < (std::size_t(8) << 20)) break;
        try {
            const Plan plan = compile_for_gpus(network, options, Precision::fp16, {});
            CHECK(plan.max_batch < whole.max_batch);
            CHECK(plan.max_batch <= last);
            CHECK(needed(plan) <= limit);
            last = plan.max_batch;
        } catch (const Error& error) {
            CHECK(std::string(error.what()).find("at a batch of 1 ") != std::string::npos);
            CHECK(
                std::string(error.what()).find(std::to_string((limit + (1u << 20) - 1) >> 20) + " MiB may be taken") !=
                std::string::npos);
        }
    }
    CHECK(last < whole.max_batch);
    options.gpu_memory = needed(whole) - 1;
    options.max_batch = whole.max_batch;
    CHECK_THROWS_AS(compile_for_gpus(network, options, Precision::fp16, {}), Error);
}

TEST_CASE("GPU: an engine takes no more memory than it may", "[cuda]") {
    REQUIRE_GPU();
    EngineOptions options = on("cuda:0", Precision::fp16);
    options.max_batch = 0;
    for (std::size_t limit : {std::size_t(500) << 20, std::size_t(350) << 20}) {
        options.gpu_memory = limit;
        const std::unique_ptr<GpuBackend> backend = bind_gpu(demo(416), options);
        std::vector<std::unique_ptr<Slot>> slots;
        for (int i = 0; i < kGpuSlots; ++i) slots.push_back(backend->make_slot());
        INFO("batch " << backend->plan().max_batch << ", " << backend->device_bytes() << " bytes");
        CHECK(backend->device_bytes() <= limit);
        CHECK(backend->device_bytes() > 0);
    }
}
