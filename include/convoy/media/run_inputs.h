// SPDX-License-Identifier: MIT
//
// What expand_inputs() gives, as what an engine's run takes:
//
//     convoy::media::RunInputs inputs(convoy::media::expand_inputs(paths));
//     inputs.open_first(options);                            // where the engine is made for these inputs alone
//     convoy::Network network = convoy::load_network(cfg, weights);
//     convoy::Engine engine(network, options);
//     engine.run(inputs.list(), observer, stop, inputs.threads(engine));
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <convoy/engine.h>
#include <convoy/export.h>
#include <convoy/media/input.h>
#include <convoy/options.h>
#include <convoy/run.h>

namespace convoy::media {

/// The inputs of a run: which lane each gets, what is refused unopened, and the first one opened ahead of the run.
/// Copies share what was opened.
class CONVOY_API RunInputs {
public:
    /// `at_once` recordings are read side by side, each in its lane. What is or may be live (is_live(), is_address())
    /// has a lane of its own, since nothing may wait for its end. Throws Error(usage) for no inputs, and for an
    /// `at_once` under 1.
    explicit RunInputs(ExpandedInputs inputs, const InputOptions& options = {}, int at_once = 1);
    RunInputs(const RunInputs&);
    RunInputs(RunInputs&&) noexcept;
    RunInputs& operator=(const RunInputs&);
    RunInputs& operator=(RunInputs&&) noexcept;
    ~RunInputs();

    /// Begins to open the first input on a thread of its own, while the model is loaded and the engine made, and sets
    /// two of that engine's options: `expected_frames`, by which a short job starts no GPU that would come too late,
    /// and `early_reader`, by which GPUs make their decoders beside the rest of their start. `threads` are those of the
    /// run. Does nothing where the first input is live or refused. An error of opening it comes in the run, at its
    /// turn. Until then, or until all copies and the engine are gone, it stays open.
    void open_first(EngineOptions& engine, const RunThreads& threads = {});

    /// Frames that all inputs will have, as far as that is known without reading them: their number for pictures, what
    /// the container says for a lone recording that was opened; else 0. Waits until that is open, but not for long:
    /// half a second from open_first() on.
    std::int64_t expected_frames() const;

    /// For Engine::run(), any number of times; what open_first() has opened is for the first of them. `opens` is told,
    /// from any thread, when the input of that index is about to be opened. What is refused throws Error(input) then.
    std::vector<RunInput> list(std::function<void(std::size_t input)> opens = {}) const;

    /// `asked`, for a run of these inputs: where decoders are left to the engine, and it has GPUs, a short first video
    /// gets fewer. To make one more takes so long that it is decoded sooner by fewer.
    RunThreads threads(const Engine& engine, RunThreads asked = {}) const;

    /// As they were named: ExpandedInputs::paths.
    const std::vector<std::string>& paths() const;
    const InputOptions& options() const;

private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

}  // namespace convoy::media
