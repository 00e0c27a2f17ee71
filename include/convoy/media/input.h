// SPDX-License-Identifier: MIT
//
// Videos, pictures and cameras as inputs of an engine's run, over libav, NVDEC and stb_image. How they are cut, and
// what the GPU cannot decode: docs/media.md.
//
// libav writes about damaged input to standard error unless told otherwise. Its log level belongs to the whole process,
// so this library leaves it alone; a program that wants silence calls av_log_set_level(AV_LOG_QUIET).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <convoy/export.h>
#include <convoy/segment.h>

namespace convoy::media {

struct InputOptions {
    /// Threads that decode what cannot be cut; 0 lets libav choose.
    int threads = 0;
    /// How long a live input may go without a frame, counted from its begin or its last frame, until it is given up.
    /// Until then it is connected to again and again, at first after 0.5 s, at last every 10 s and once at the end, for
    /// which it has 5 s; unless it refuses the user or the password. Any address may say nothing for so long at a time,
    /// and for 30 s at most.
    double give_up_s = 60;
    /// The input ends after so many frames; 0 takes all. A recording is decoded in sequence then, since only that tells
    /// where the last of them is.
    std::int64_t frames = 0;
    /// Only every N-th frame is wanted; what lies between is decoded where it must be, and nothing else. Numbers
    /// stay those of the input's frames.
    std::int64_t every = 1;
    /// Frames before start_s seconds of a recording are left out, and those from stop_s on where that is not 0. Of a
    /// live input the seconds count from its first frame. Where a container has an index it is read from the keyframe
    /// before; frames are numbered from the first that is wanted, and their times stay those of the recording.
    double start_s = 0, stop_s = 0;
    /// Which video stream of a recording or a stream is read, counted from 0 among them, cover pictures aside; -1: the
    /// one that is marked as the default, else the largest. Input::remark() says where there are several.
    int stream = -1;
    /// Interlaced pictures are made whole ones, by libavfilter's bwdif, on the CPU; others stay as they are. Throws
    /// Error(unsupported) where that is not to be had.
    bool deinterlace = false;
};

/// Whether a path names a live input by what it is: a camera (/dev/video0), or an address whose protocol carries no
/// recordings (rtsp, rtmp, srt, udp, rtp, tcp, …). An http(s) address shows only when it is opened what it is: live are
/// a playlist without an end and multipart JPEGs of no stated length; all else is a recording.
CONVOY_API bool is_live(const std::string& path);

/// Whether a path is left to libav's protocols, e.g. https://example.org/clip.mp4.
CONVOY_API bool is_address(const std::string& path);

/// A text without the passwords of the addresses in it: "rtsp://user:***@camera/1". "***" also stands for a user
/// without a password, and for parameters whose names say that they are secret (pwd=, access_token=). InputInfo::path
/// of what open_input() gives, and the sentences of its errors and notes, are such texts.
CONVOY_API std::string without_passwords(const std::string& text);

/// Opens what an engine's run reads.
///
/// A picture (is_picture) is one closed segment of one RGB8 frame, read and decoded by its reader.
///
/// A recording, the video stream that is asked for in a file or at an address, is read once. It is cut into closed
/// segments of some dozens of frames at the places where decoding can begin; what has too few of them is decoded by
/// next_segment() and handed out in parts of up to 16 frames. Whatever the segments are read by, in whatever order,
/// they give the frames that decoding the file in sequence gives. 8-bit 4:2:0 video with a BT.601 or BT.709 matrix
/// comes as NV12, sample by sample as it was decoded; everything else, and video that is shown turned, as upright RGB8.
/// Pixels that are not square stay as they are, and InputInfo has their shape; a frame has at most 2^28 pixels. Readers
/// for a GPU decode with its NVDEC where that gives the same bits, and leave frames in its memory: no more than four of
/// a reader's frames may be held at a time. Frames may outlive their reader and input.
///
/// Where a server drops a recording, it is asked for the rest if it knows ranges. If the rest does not come, or is that
/// of another file, next_segment() throws Error(input), which says how far it came, once all that came has been handed
/// out.
///
/// Nothing is opened beside the file but for a playlist (HLS): a local one, by its name .m3u8 or .m3u, may name files
/// in its folder and below, one over HTTP (and DASH) what HTTP gives. What else it names, or itself, is an
/// Error(input).
///
/// A live input is one endless segment, which connects when its reader is opened, and again when it drops out. Each
/// drop-out counts as damage, and over it frames' times go on by the clock: docs/media.md. The size and rate of its
/// frames are not known before.
///
/// A pipe, a terminal or another character device is a recording that cannot be read again: what its container needs to
/// go back for is an Error(input).
///
/// When `cancel` is asked to stop, whatever waits for a pipe, a network or a camera gives up soon, and the input ends.
///
/// Throws Error(input) that names the path when it is missing, empty, unreadable, of no known kind, or holds no video
/// stream or not one decodable frame. What is wrong with a picture or a live input comes from its reader.
CONVOY_API std::unique_ptr<Input> open_input(const std::string& path, const InputOptions& options = {},
                                             std::stop_token cancel = {});

/// What a command line's inputs stand for.
struct ExpandedInputs {
    std::vector<std::string> paths;              ///< of what open_input() reads, in order
    std::map<std::size_t, std::string> refused;  ///< by index in `paths`: why that cannot be read, a sentence
    std::vector<std::string> left_out;           ///< what folders hold beside inputs: sentences
    std::vector<std::string> lists;              ///< list files that were read
};

/// Files as they are, folders as the pictures and videos directly inside them in natural order (2.jpg before 10.jpg).
/// Of a folder's files each counts that is a picture or holds a video by its bytes, or is called as a video; left out
/// are other files, a sentence a folder, and pictures that this libav cannot read, a sentence each. A text file (.txt,
/// .list, .lst) that lists paths or addresses, one a line, stands for these, and a .data file of Darknet's for the list
/// that its `valid` names; "@FILE" says outright that FILE is a list. What cannot be read among several is refused, and
/// the others can be done. Throws Error(input) where nothing can be read.
CONVOY_API ExpandedInputs expand_inputs(const std::vector<std::string>& paths);

}  // namespace convoy::media
