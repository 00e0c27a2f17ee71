// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <convoy/segment.h>
#include "tools/media/av_handles.h"

namespace convoy::media {

/// The target's GPU as libav's decoders take it: its context and stream, nothing of libav's own. Null, with a few words
/// on why, when this libav or machine cannot.
BufferPtr cuda_device(const DecodeTarget& target, std::string& why_not);

/// libav's decoder of a codec that has NVDEC do its work, to the bit what the CPU computes; null when there is none.
const AVCodec* cuda_decoder(AVCodecID codec);

}  // namespace convoy::media
