// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>
#include <memory>
#include <string>

#include "tools/media/av_handles.h"

namespace convoy::media {

/// A chain of libavfilter's filters, one picture in, one out. The library is opened at run time: linked, it would bring
/// some hundred others along.
class FilterGraph {
public:
    /// Why these filters cannot be had, a few words; empty when they can.
    static std::string obstacle(std::initializer_list<const char*> filters);

    /// For pictures like this one, whose time stamps have this base, before and behind the filters, which are given in
    /// libavfilter's own words. Throws Error(unsupported) when the library refuses.
    FilterGraph(const AVFrame& like, AVRational time_base, const std::string& filters);
    ~FilterGraph();
    FilterGraph(FilterGraph&&) noexcept;
    FilterGraph& operator=(FilterGraph&&) noexcept;

    /// Whether a picture is like the one that it was made for.
    bool takes(const AVFrame& picture) const;
    /// Takes a picture, which is empty then; null at the end. False when the filters refuse it.
    bool send(AVFrame* picture);
    /// The next picture, into an empty one; false when there is none yet, or none any more.
    bool receive(AVFrame& picture);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace convoy::media
