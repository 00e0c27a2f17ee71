// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tools/sinks/formats/record_format.h"
#include "tools/sinks/record_file.h"

namespace convoy::tools {

/// A file of records in one of the formats.
class RecordSink : public Sink {
public:
    /// `path` may be "-" for standard output. The wait for whoever reads a pipe can be given up.
    RecordSink(std::string path, std::unique_ptr<RecordFormat> format, media::GiveUp give_up = {});
    /// A run that something else ends leaves a file that can be read, too.
    ~RecordSink() override;

    void write(const FrameOutput& frame) override;
    void close() override;
    std::vector<std::string> outputs() const override { return file_.outputs(); }

private:
    void end();

    RecordFile file_;
    std::unique_ptr<RecordFormat> format_;
    bool begun_ = false, ended_ = false;
};

}  // namespace convoy::tools
