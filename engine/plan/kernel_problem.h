// SPDX-License-Identifier: MIT
//
// Graph nodes in the kernels' terms: what the backends have in common.
#pragma once

#include <functional>
#include <new>
#include <string>
#include <vector>

#include <convoy/detection.h>
#include "engine/plan/compile.h"
#include "kernels/conv.h"
#include "kernels/nms.h"

namespace convoy {

/// The kernel's view of a convolution node that reads `x`, for a batch of n.
kernels::ConvProblem conv_problem(const ConvOp& op, const Shape& x, int n);

/// A detection head and the tensor that it reads.
struct Head {
    kernels::YoloHead decode;
    TensorId tensor;
};
std::vector<Head> heads_of(const Plan& plan);

/// Appends what survived of `candidates` as detections with corner boxes; replaces `out`.
void list_detections(const kernels::Candidates& candidates, const std::vector<kernels::Survivor>& survivors,
                     std::vector<Detection>& out);

/// Whether no channel of any pixel is NaN or infinite; `pitch` from pixel to pixel.
bool all_finite(const float* data, std::size_t pixels, int channels, int pitch);

/// Slot::first_not_finite(), whatever the device: runs node by node until the output of one is not clean, or what a
/// head makes of its input is not.
std::string seek_not_finite(const Graph& graph, const std::vector<Head>& heads,
                            const std::function<void(int node)>& run, const std::function<bool(TensorId)>& is_clean,
                            const std::function<bool(const Head&)>& decodes_clean);

/// "layer 3 (conv)".
inline std::string layer_name(const Node& node) {
    return "layer " + std::to_string(node.layer) + " (" + node.name() + ")";
}

/// Calls f(). The libraries below throw exceptions of their own; whoever embeds us knows one type only, and wants to
/// know the layer.
template <typename F>
void with_layer_name(const Node& node, const char* device, F&& f) {
    const auto say = [&](const char* what) {
        return Error(ErrorKind::device, layer_name(node) + " failed on " + device + ": " + what);
    };
    try {
        f();
    } catch (const Error& e) {
        if (e.kind() == ErrorKind::device) throw say(e.what());
        throw;
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception& e) {
        throw say(e.what());
    }
}

}  // namespace convoy
