// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

extern "C" {
#include <libavformat/avio.h>
}

#include "tools/media/byte_stream.h"

namespace convoy::media {

struct AvioDeleter {
    void operator()(AVIOContext* p) const;
};
using AvioPtr = std::unique_ptr<AVIOContext, AvioDeleter>;

/// What libav reads from or writes to: a stream that cannot be seeked, and outlives it. Whoever gives it to a format
/// context as `pb` sets AVFMT_FLAG_CUSTOM_IO there.
AvioPtr avio_over(InputStream& stream);
AvioPtr avio_over(OutputStream& stream);

}  // namespace convoy::media
