// SPDX-License-Identifier: MIT
//
// What the sinks that write lines of text share.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/media/byte_stream.h"
#include "tools/media/files.h"
#include "tools/sinks/input_names.h"
#include "tools/sinks/sink.h"

namespace convoy::tools {

/// A text file of whole records. Every record is on its way to the file, whole, before write() returns; the file
/// appears with the first. Where there is one of that name already, in a folder that can be written to, it stays until
/// close(), when the new one takes its place.
class RecordFile {
public:
    /// `path` may be "-" for standard output. The wait for whoever reads a pipe can be given up.
    explicit RecordFile(std::string path, media::GiveUp give_up = {});

    /// `record` is whole lines, their ends included, or empty. Throws Error(output), as close() does.
    void write(const std::string& record);
    void close();
    /// The path, once it was written to; nothing for standard output and for a file that could not be written.
    std::vector<std::string> outputs() const;

private:
    void open();
    [[noreturn]] void fail();

    std::string path_;
    media::GiveUp give_up_;
    std::optional<media::OutputFile> replacing_;  // where there is an older one
    std::optional<media::OutputStream> file_;     // from the first record on
    std::int64_t records_ = 0, bytes_ = 0;        // whole ones; what they take
    bool closed_ = false;
};

/// A sink, and so a file, for each input.
class FolderSink : public Sink {
public:
    using Make = std::function<std::unique_ptr<Sink>(const std::string& path)>;
    /// `paths[i]` is the file for input i; `make` makes its sink when its first frame comes. What goes wrong with the
    /// file of one of several inputs is one of take_errors(), unless it is that a wait was given up.
    FolderSink(InputNames paths, Make make, media::GiveUp give_up = {});

    void write(const FrameOutput& frame) override;
    void end_input(int input_index, bool whole) override;
    void close() override;
    std::vector<std::string> take_errors() override { return std::exchange(errors_, {}); }
    std::vector<std::string> outputs() const override { return finished_; }

private:
    void keep(const Error& error);

    InputNames paths_;
    Make make_;
    media::GiveUp give_up_;
    std::map<int, std::unique_ptr<Sink>> files_;  // of the inputs that are being written; null once one has failed
    std::vector<std::string> finished_, errors_;
};

}  // namespace convoy::tools
