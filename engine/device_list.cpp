// SPDX-License-Identifier: MIT
#include "engine/device_list.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include <convoy/error.h>

namespace convoy {
namespace {

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
    throw Error(ErrorKind::usage, "unknown device '" + text + "'" + why +
                                      ": use auto, cpu, cuda (all GPUs), or some of one kind, for example cuda:1 or "
                                      "cuda:0,2");
}

}  // namespace

DeviceList parse_devices(const std::string& text) {
    if (text == "auto") return {};
    if (text == "cpu") return {DeviceList::Kind::cpu, {}};
    if (text == "cuda") return {DeviceList::Kind::cuda, {}};
    DeviceList list;
    for (std::size_t start = 0; start <= text.size();) {
        const std::size_t comma = std::min(text.find(',', start), text.size());
        std::string_view item = std::string_view(text).substr(start, comma - start);
        start = comma + 1;
        const auto kind = item.starts_with("cuda:")  ? DeviceList::Kind::cuda
                          : item.starts_with("cpu:") ? DeviceList::Kind::cpu
                                                     : DeviceList::Kind::automatic;
        if (kind != DeviceList::Kind::automatic) {
            if (!list.numbers.empty() && kind != list.kind)
                refuse(text,
                       " (GPUs and CPUs differ in the last digits, so "
                       "they do not mix)");
            list.kind = kind;
            item.remove_prefix(item.find(':') + 1);
        } else if (list.numbers.empty()) {
            refuse(text, "");
        }
        int number = -1;
        const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), number);
        if (error != std::errc() || end != item.data() + item.size() || number < 0) refuse(text, "");
        if (std::find(list.numbers.begin(), list.numbers.end(), number) != list.numbers.end())
            refuse(text, " (device " + std::to_string(number) + " is named twice)");
        list.numbers.push_back(number);
    }
    return list;
}

}  // namespace convoy
