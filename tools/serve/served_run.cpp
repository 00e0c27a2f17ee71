// SPDX-License-Identifier: MIT
#include "tools/serve/served_run.h"

#include <convoy/error.h>

namespace convoy::tools {

std::unique_ptr<SegmentWork> ServedRun::work(int input, const InputInfo& info, int threads) {
    return input == own_ ? nullptr : told_.work(input, info, threads);
}

void ServedRun::in_order(int input, const InputInfo& info, Result& result) {
    if (input != own_) told_.in_order(input, info, result);
}

void ServedRun::begin_input(int input, const InputInfo& info) {
    if (input == own_) return;
    live_.begin_input(input, info);
    told_.begin_input(input, info);
}

void ServedRun::result(int input, Result& result) {
    if (input == own_) return queue_.result(result);
    live_.result(input, result);
    told_.result(input, result);
}

void ServedRun::end_input(int input, const InputEnd& end) {
    if (input == own_) {
        queue_.close();
        if (!end.error.empty()) throw Error(ErrorKind::input, "POST /detect: " + end.error);
        return;
    }
    live_.end_input(input, end);
    told_.end_input(input, end);
    if (++ended_ == others_) queue_.close();
}

}  // namespace convoy::tools
