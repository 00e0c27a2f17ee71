// SPDX-License-Identifier: MIT
#include "tools/media/pictures/filter_graph.h"

#include <dlfcn.h>

#include <new>
#include <tuple>
#include <vector>

#include <convoy/error.h>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
}

namespace convoy::media {
namespace {

// What is used of libavfilter (avfilter.h, buffersrc.h, buffersink.h), by its documentation.
struct Api {
    unsigned (*version)() = nullptr;
    const void* (*by_name)(const char*) = nullptr;
    void* (*graph_alloc)() = nullptr;
    void (*graph_free)(void**) = nullptr;
    int (*parse)(void* graph, const char* filters, void** inputs, void** outputs) = nullptr;
    void (*ends_free)(void**) = nullptr;
    int (*configure)(void* graph, void* log) = nullptr;
    void* (*find)(void* graph, const char* name) = nullptr;
    int (*add_frame)(void* source, AVFrame* frame, int flags) = nullptr;
    int (*get_frame)(void* sink, AVFrame* frame) = nullptr;
    std::string why_not;
};

constexpr const char* kSource = "buffer@in";
constexpr const char* kSink = "buffersink@out";

Api open_library() {
    Api api;
    // Those that go together: FFmpeg 5 has libavcodec 59 and libavfilter 8, FFmpeg 7 61 and 10.
    const std::string name = "libavfilter.so." + std::to_string(LIBAVCODEC_VERSION_MAJOR - 51);
    void* const library = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    const auto find = [&](const char* symbol, auto*& function) {
        if (!api.why_not.empty()) return;
        function =
            library ? reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, symbol)) : nullptr;
        if (!function) api.why_not = name + (library ? std::string(" has no ") + symbol : " is not installed");
    };
    find("avfilter_version", api.version);
    find("avfilter_get_by_name", api.by_name);
    find("avfilter_graph_alloc", api.graph_alloc);
    find("avfilter_graph_free", api.graph_free);
    find("avfilter_graph_parse2", api.parse);
    find("avfilter_inout_free", api.ends_free);
    find("avfilter_graph_config", api.configure);
    find("avfilter_graph_get_filter", api.find);
    find("av_buffersrc_add_frame_flags", api.add_frame);
    find("av_buffersink_get_frame", api.get_frame);
    return api;
}

const Api& library() {
    static const Api api = open_library();
    return api;
}

std::string ratio(AVRational r) { return std::to_string(r.num) + "/" + std::to_string(r.den); }

std::string source_for(const AVFrame& like, AVRational time_base) {
    std::string text = std::string(kSource) + "=width=" + std::to_string(like.width) +
                       ":height=" + std::to_string(like.height) + ":pix_fmt=" + std::to_string(like.format) +
                       ":time_base=" + ratio(time_base);
    // From FFmpeg 7.0 on a change of these would have the filters negotiate anew.
    if (library().version() >= AV_VERSION_INT(9, 16, 100))
        text += ":colorspace=" + std::to_string(like.colorspace) + ":range=" + std::to_string(like.color_range);
    return text;
}

using Kind = std::tuple<int, int, int, int, int, int, int>;

Kind kind_of(const AVFrame& f) {
    return {f.width, f.height, f.format, f.colorspace, f.color_range, f.color_trc, f.color_primaries};
}

}  // namespace

struct FilterGraph::Impl {
    ~Impl() { library().graph_free(&graph); }

    void* graph = nullptr;
    void *source = nullptr, *sink = nullptr;
    Kind kind;
};

std::string FilterGraph::obstacle(std::initializer_list<const char*> filters) {
    const Api& api = library();
    if (!api.why_not.empty()) return api.why_not;
    std::vector<const char*> needed(filters);
    needed.insert(needed.end(), {"buffer", "buffersink", "settb"});  // of every graph
    for (const char* filter : needed)
        if (!api.by_name(filter)) return std::string("this libavfilter has no ") + filter;
    return "";
}

FilterGraph::FilterGraph(const AVFrame& like, AVRational time_base, const std::string& filters)
    : impl_(std::make_unique<Impl>()) {
    const Api& api = library();
    if (!api.why_not.empty()) throw Error(ErrorKind::unsupported, api.why_not);
    Impl& g = *impl_;
    g.kind = kind_of(like);
    g.graph = api.graph_alloc();
    if (!g.graph) throw std::bad_alloc();
    av_opt_set_int(g.graph, "threads", 1, 0);  // many graphs run side by side
    const std::string text = source_for(like, time_base) + "," + filters + ",settb=" + ratio(time_base) + "," + kSink;
    void *inputs = nullptr, *outputs = nullptr;
    int code = api.parse(g.graph, text.c_str(), &inputs, &outputs);
    api.ends_free(&inputs);
    api.ends_free(&outputs);
    if (code >= 0) code = api.configure(g.graph, nullptr);
    g.source = api.find(g.graph, kSource);
    g.sink = api.find(g.graph, kSink);
    if (code < 0 || !g.source || !g.sink)
        throw Error(ErrorKind::unsupported, "libavfilter refuses '" + filters + "' (" + av_message(code) + ")");
}

FilterGraph::~FilterGraph() = default;
FilterGraph::FilterGraph(FilterGraph&&) noexcept = default;
FilterGraph& FilterGraph::operator=(FilterGraph&&) noexcept = default;

bool FilterGraph::takes(const AVFrame& picture) const { return kind_of(picture) == impl_->kind; }

bool FilterGraph::send(AVFrame* picture) { return library().add_frame(impl_->source, picture, 0) >= 0; }

bool FilterGraph::receive(AVFrame& picture) { return library().get_frame(impl_->sink, &picture) >= 0; }

}  // namespace convoy::media
