// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <convoy/error.h>
#include <convoy/media/input.h>
#include "tests/fuzz/input.h"
#include "tests/fuzz/packet_count.h"
#include "tools/media/in/packet_segment.h"

extern "C" {
#include <libavutil/log.h>
}

namespace convoy::fuzz {

/// Reads an input to its end; nothing but a convoy::Error may come out of that.
inline void read_input(const std::string& path, PacketCount& packets) {
    av_log_set_level(AV_LOG_QUIET);
    media::InputOptions options;
    options.threads = 1;
    try {
        const auto input = media::open_input(path, options);
        const auto reader = input->make_reader({});
        while (const auto segment = input->next_segment()) {
            if (const auto* part = dynamic_cast<const media::PacketSegment*>(segment.get()))
                packets.add(part->packets.size());
            reader->open(segment);
            while (const auto frame = reader->next())
                require(frame->owner && frame->pixels.width > 0 && frame->pixels.height > 0);
        }
    } catch (const Error&) {  // says what is wrong with it
    }
}

}  // namespace convoy::fuzz
