// SPDX-License-Identifier: MIT
#include "tools/sinks/crops_sink.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <mutex>

#include <convoy/error.h>
#include "tools/media/unfinished.h"
#include "tools/sinks/hidden_folder.h"

namespace fs = std::filesystem;

namespace convoy::tools {
namespace {

/// A class's name as that of a folder.
std::string folder_name(std::string name) {
    for (char& c : name)
        if (c == '/' || static_cast<unsigned char>(c) < ' ') c = '_';
    if (name.empty() || name.front() == '.') name = fmt::format("_{}", name);
    constexpr std::size_t kLongest = 200;  // bytes
    return name.substr(0, kLongest);
}

/// The part of the picture in the box, whose pixels are those of one so much smaller; whole pixels, one at least.
media::Image cut_out(const media::Image& picture, const Box& box, double scale_x, double scale_y) {
    const auto bound = [](double at, int most) { return int(std::clamp(at, 0., double(most))); };
    const int left = bound(std::floor(box.x * scale_x), picture.width - 1);
    const int top = bound(std::floor(box.y * scale_y), picture.height - 1);
    const int right = std::max(bound(std::ceil((double(box.x) + box.w) * scale_x), picture.width), left + 1);
    const int bottom = std::max(bound(std::ceil((double(box.y) + box.h) * scale_y), picture.height), top + 1);
    media::Image crop;
    crop.width = right - left, crop.height = bottom - top;
    for (int y = top; y < bottom; ++y) {
        const auto* row = picture.rgb.data() + (std::size_t(y) * std::size_t(picture.width) + std::size_t(left)) * 3;
        crop.rgb.insert(crop.rgb.end(), row, row + std::size_t(crop.width) * 3);
    }
    return crop;
}

}  // namespace

class CropsSink::CropsPart : public Part {
public:
    CropsPart(int input, const InputInfo& info, const std::string& folder, const std::string& stem)
        : input_index(input),
          is_video(info.is_video),
          known_as_(folder + "…/" + stem + "-….jpg"),
          folder_(folder + stem + ".jpg"),
          undrawn_(info.pixel_width, info.pixel_height) {}

    void write(const AnnotatedFrame& frame) override {
        const std::vector<Detection>& found = frame.result.detections;
        if (!found.empty()) undrawn_.take(frame.result.frame);
        for (const Detection& d : found) {
            const media::Image& picture = undrawn_.shown();
            const std::string path = folder_.file(written_++);
            HiddenFolder::write(path, known_as_, [&] {
                media::write_image(path, cut_out(picture, d.box, double(picture.width) / undrawn_.width(),
                                                 double(picture.height) / undrawn_.height()));
            });
        }
        const std::lock_guard lock(mutex_);
        frames_.push_back(found);
    }
    void end() override {}

    /// The next frame's detections, each with its file.
    std::vector<std::pair<Detection, std::string>> take() {
        const std::lock_guard lock(mutex_);
        if (frames_.empty()) throw Error(ErrorKind::usage, known_as_ + ": a place for a frame that was not written");
        std::vector<std::pair<Detection, std::string>> crops;
        for (const Detection& d : frames_.front()) crops.emplace_back(d, folder_.file(placed_++));
        frames_.pop_front();
        return crops;
    }

    const int input_index;
    const bool is_video;

private:
    std::string known_as_;
    HiddenFolder folder_;
    DrawnPicture undrawn_;
    std::int64_t written_ = 0, placed_ = 0;
    std::mutex mutex_;
    std::deque<std::vector<Detection>> frames_;  // that have no place yet
};

CropsSink::CropsSink(std::string folder, FormatNames names, media::GiveUp give_up)
    : folder_(std::move(folder)), names_(std::move(names)), give_up_(std::move(give_up)) {
    for (const std::string& name : names_.classes) class_folders_.push_back(folder_name(name));
}

std::unique_ptr<Part> CropsSink::begin_part(int input_index, const InputInfo& input, int /*threads*/) {
    return std::make_unique<CropsPart>(input_index, input, folder_, names_.frames.of(input_index, false, 0));
}

void CropsSink::append(Part& part, std::span<const FramePlace> places) {
    auto& crops = dynamic_cast<CropsPart&>(part);
    // One picture that cannot be placed costs no other.
    for_all(places, [&](const FramePlace& where) { place(crops, where); });
}

void CropsSink::place(CropsPart& part, const FramePlace& where) {
    const auto crops = part.take();
    for (std::size_t i = 0; i < crops.size(); ++i) {
        const auto& [d, file] = crops[i];
        if (d.track > 0) {
            const Worth worth = {d.confidence, double(d.box.w) * d.box.h};
            const auto [best, first] = best_.try_emplace({part.input_index, d.track}, worth);
            if (!first && best->second >= worth) {
                fs::remove(file);
                continue;
            }
            best->second = worth;
        }
        const auto id = std::size_t(d.class_id);
        const std::string folder = folder_ + (id < class_folders_.size() ? class_folders_[id] : std::to_string(id));
        std::error_code error;
        fs::create_directories(folder, error);
        if (error) throw Error(ErrorKind::output, "cannot create the folder " + folder + ": " + error.message());
        if (cleared_.insert(folder).second) media::remove_all_unfinished(folder);
        const std::string name =
            d.track > 0 ? fmt::format("{}-track{}", names_.frames.of(part.input_index, false, 0), d.track)
                        : fmt::format("{}-{}", names_.frames.of(part.input_index, part.is_video, where.index), i + 1);
        place_file(file, folder + "/" + name + ".jpg", give_up_);
        written_ = true;
    }
}

void CropsSink::end_input(int input_index, bool /*whole*/) {
    std::erase_if(best_, [&](const auto& best) { return best.first.first == input_index; });
}

std::vector<std::string> CropsSink::outputs() const {
    if (!written_) return {};
    return {folder_};
}

}  // namespace convoy::tools
