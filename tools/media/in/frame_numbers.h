// SPDX-License-Identifier: MIT
#pragma once

#include <map>

#include "tools/media/in/nal_units.h"

namespace convoy::media {

/// Follows H.264's frame_num from picture to picture (ITU-T H.264, 7.4.3), to see where frames have been lost although
/// the container knows of nothing. May be wrong about streams that reset the numbers between IDR pictures.
class FrameNumbers {
public:
    /// A NAL unit of the stream, any. Whether it is the first slice that tells of frames missing before it.
    bool see(ByteSpan unit);

private:
    struct Sequence {
        bool separate_planes = false;
        int bits = 0;  // of frame_num
    };

    void see_sequence(ByteSpan unit);

    std::map<unsigned, Sequence> sequences_;
    std::map<unsigned, unsigned> sequence_of_picture_set_;
    unsigned number_ = 0, reference_ = 0;  // of the last picture; of the last one that others may be predicted from
    bool known_ = false;
};

}  // namespace convoy::media
