// SPDX-License-Identifier: MIT
#pragma once

#include "tools/media/draw.h"
#include "tools/sinks/sink.h"

namespace convoy::tools {

/// Evenly chosen annotated frames of all inputs on one picture.
class ContactSheetSink : public Sink {
public:
    explicit ContactSheetSink(std::string path);

    void write(const FrameOutput& frame) override;
    void close() override;
    std::vector<std::string> outputs() const override;

private:
    std::string path_;
    media::ContactSheet sheet_;
};

}  // namespace convoy::tools
