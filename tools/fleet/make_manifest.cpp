// SPDX-License-Identifier: MIT
#include "tools/fleet/make_manifest.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include <convoy/error.h>
#include "tools/fleet/content_key.h"
#include "tools/fleet/video_parts.h"

namespace fs = std::filesystem;

namespace convoy::fleet {
namespace {

/// As the manifest names it: an absolute path stays one, and so does what a run from that folder would be given.
std::string named_from(const fs::path& folder, const std::string& path) {
    std::error_code code;
    if (media::is_address(path) || fs::path(path).is_absolute()) return path;
    if (folder.empty() || fs::equivalent(folder, ".", code)) return path;
    const fs::path whole = fs::absolute(path), relative = whole.lexically_relative(fs::absolute(folder));
    // Where a folder on the way is a link, ".." leads elsewhere.
    return !relative.empty() && fs::equivalent(folder / relative, path, code) ? relative.string() : whole.string();
}

struct Look {
    std::vector<Unit> units;
    std::string left_out, whole;
};

Look look_at(const std::string& path, const ManifestOptions& options) {
    Look look;
    try {
        const Content content = content_of(path);
        const VideoParts parts = parts_of(path, options.part_s);
        if (!parts.why_whole.empty())
            look.whole = fmt::format("'{}' stays in one part: {}", media::without_passwords(path), parts.why_whole);
        Unit unit{named_from(options.folder, path)};
        unit.parts = int(parts.cuts.size()) + 1;
        unit.bytes = content.bytes, unit.mtime_ns = content.mtime_ns, unit.key = content.key;
        for (unit.part = 1; unit.part <= unit.parts; ++unit.part) {
            unit.start_s = unit.stop_s;
            unit.stop_s = unit.part < unit.parts ? parts.cuts[std::size_t(unit.part) - 1] : 0;
            unit.seconds = std::max((unit.part < unit.parts ? unit.stop_s : parts.seconds) - unit.start_s, 0.);
            look.units.push_back(unit);
        }
    } catch (const Error& error) {
        look.left_out = error.what();
    }
    return look;
}

}  // namespace

MadeManifest make_manifest(const media::ExpandedInputs& inputs, const ManifestOptions& options) {
    const std::size_t count = inputs.paths.size();
    std::vector<Look> looks(count);
    std::atomic<std::size_t> next = 0;
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t done = 0;  // guarded by the mutex, as is the next one
    std::exception_ptr failure;
    const auto work = [&] {
        for (std::size_t i; (i = next++) < count;) {
            std::exception_ptr thrown;
            try {
                if (const auto refused = inputs.refused.find(i); refused != inputs.refused.end())
                    looks[i].left_out = refused->second;
                else
                    looks[i] = look_at(inputs.paths[i], options);
            } catch (...) {
                thrown = std::current_exception();
                next = count;
            }
            const std::lock_guard lock(mutex);
            ++done;
            if (thrown && !failure) failure = thrown;
            changed.notify_one();
        }
    };
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < options.at_once && std::size_t(i) < count; ++i) threads.emplace_back(work);
        std::unique_lock lock(mutex);
        while (done < count && !failure) {
            changed.wait_for(lock, std::chrono::seconds(5), [&] { return done == count || failure; });
            if (options.tell && done < count && !failure) options.tell(done);
        }
    }
    if (failure) std::rethrow_exception(failure);
    MadeManifest made;
    for (Look& look : looks) {
        made.inputs += !look.units.empty();
        std::move(look.units.begin(), look.units.end(), std::back_inserter(made.units));
        if (!look.left_out.empty()) made.left_out.push_back(std::move(look.left_out));
        if (!look.whole.empty()) made.whole.push_back(std::move(look.whole));
    }
    return made;
}

}  // namespace convoy::fleet
