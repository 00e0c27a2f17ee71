// SPDX-License-Identifier: MIT
#include "tools/sinks/picture_files_sink.h"

#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "tests/support/catch.h"
#include "tests/tools/sink_parts.h"

using namespace convoy;
using namespace convoy::test;
using tools::Part;
using tools::PictureFilesSink;
namespace fs = std::filesystem;

TEST_CASE("pictures of parts get their numbers when they are appended", "[pictures]") {
    const TempFolder folder;
    PictureFilesSink sink({folder / "v"}, false);
    const auto second = sink.begin_part(0, video_input("v.mp4"), 1),
               first = sink.begin_part(0, video_input("v.mp4"), 1);
    fill(*second, 3, 2);
    fill(*first, 0, 3);
    for (const std::string& name : folder.names()) CHECK(name.starts_with(".convoy-"));
    first->end();
    second->end();
    sink.append(*first, places(0, 3));
    CHECK(fs::exists(folder / "v-000002.jpg"));
    CHECK_FALSE(fs::exists(folder / "v-000003.jpg"));
    sink.append(*second, places(3, 2));
    sink.end_input(0, true);
    for (int i = 0; i < 5; ++i)
        CHECK(psnr(media::read_image(folder / ("v-00000" + std::to_string(i) + ".jpg")), synthetic(64, 48, i)) > 30);
    CHECK(sink.outputs() == std::vector<std::string>{folder.path() + "/"});
}

TEST_CASE("parts on many threads, and one without end, give each picture its name", "[pictures]") {
    const TempFolder folder;
    PictureFilesSink sink({folder / "v", folder / "camera"}, false);
    std::vector<std::unique_ptr<Part>> parts(6);
    const std::unique_ptr<Part> endless = sink.begin_part(1, video_input("rtsp://camera"), 1);
    std::atomic<int> written = 0;
    std::vector<std::jthread> threads;
    for (int i = 6; i-- > 0;)
        threads.emplace_back([&, i] {
            parts[std::size_t(i)] = sink.begin_part(0, video_input("v.mp4"), 1);
            fill(*parts[std::size_t(i)], i * 4, 4);
            parts[std::size_t(i)]->end();
        });
    threads.emplace_back([&] {
        for (int i = 0; i < 20; ++i, ++written) fill(*endless, i, 1);
    });
    for (int appended = 0; appended < 20;) {
        const int count = written - appended;
        sink.append(*endless, places(appended, count));
        appended += count;
    }
    threads.clear();
    for (int i = 0; i < 6; ++i) sink.append(*parts[std::size_t(i)], places(i * 4, 4));
    parts.clear();
    for (int i = 0; i < 24; ++i) {
        char name[32];
        std::snprintf(name, sizeof name, "v-%06d.jpg", i);
        CHECK(psnr(media::read_image(folder / name), synthetic(64, 48, i)) > 30);
    }
    CHECK(fs::exists(folder / "camera-000019.jpg"));
}

TEST_CASE("a part that was not appended leaves nothing", "[pictures]") {
    const TempFolder folder;
    std::unique_ptr<Part> outlives;
    {
        PictureFilesSink sink({folder / "v"}, false);
        const auto part = sink.begin_part(0, video_input("v.mp4"), 1);
        outlives = sink.begin_part(0, video_input("v.mp4"), 1);
        fill(*part, 0, 4);
        fill(*outlives, 0, 4);
        sink.append(*part, places(0, 1));
        CHECK(error_of([&] { sink.append(*part, places(1, 4)); }).kind() == ErrorKind::usage);
    }
    outlives.reset();
    CHECK(folder.names() == std::vector<std::string>{"v-000000.jpg", "v-000001.jpg", "v-000002.jpg", "v-000003.jpg"});
}

TEST_CASE("pictures keep their names, and videos do not take them", "[pictures]") {
    const TempFolder folder;
    InputInfo picture;
    picture.path = "a.png";
    PictureFilesSink sink({folder / "v", folder / "v-000001"}, false);
    run_parts(sink, 1, picture, {1}, {0});
    run_parts(sink, 0, video_input("v.mp4"), {2}, {0});
    CHECK(folder.names() == std::vector<std::string>{"v-000000.jpg", "v-000001-2.jpg", "v-000001.jpg"});

    PictureFilesSink by_kind({folder / "w", folder / "p"}, true);
    CHECK(by_kind.begin_part(0, video_input("w.mp4"), 1) == nullptr);
    run_parts(by_kind, 1, picture, {1}, {0});
    CHECK(by_kind.outputs() == std::vector<std::string>{folder / "p.jpg"});
}

TEST_CASE("pictures can be encoded by shared encoders", "[pictures]") {
    const TempFolder folder;
    const auto jpegs = std::make_shared<media::JpegEncoders>(std::vector<int>{});
    PictureFilesSink fine({folder / "fine"}, false, {}, jpegs, 95), coarse({folder / "coarse"}, false, {}, jpegs, 10);
    for (PictureFilesSink* sink : {&fine, &coarse}) run_parts(*sink, 0, video_input("v.mp4"), {2}, {0});
    CHECK(folder.names() ==
          std::vector<std::string>{"coarse-000000.jpg", "coarse-000001.jpg", "fine-000000.jpg", "fine-000001.jpg"});
    const media::Image drawn = synthetic(64, 48, 1);
    const double near = psnr(media::read_image(folder / "fine-000001.jpg"), drawn);
    CHECK(near > 35);
    CHECK(near > psnr(media::read_image(folder / "coarse-000001.jpg"), drawn) + 5);
    CHECK(jpegs->tally().on_cpu == 4);
}

TEST_CASE("a picture's name that is a link or a device stays one", "[pictures]") {
    const TempFolder folder;
    write_bytes(folder / "old.jpg", {1});
    fs::create_symlink("old.jpg", folder / "link.jpg");
    fs::create_symlink("/dev/null", folder / "null.jpg");
    InputInfo picture;
    picture.path = "a.png";
    PictureFilesSink sink({folder / "link", folder / "null"}, true);
    run_parts(sink, 0, picture, {1}, {0});
    run_parts(sink, 1, picture, {1}, {0});
    CHECK(fs::is_symlink(folder / "link.jpg"));
    CHECK(media::read_image(folder / "old.jpg").width == 64);
    CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("a folder that cannot be written is found before any work", "[pictures]") {
    const TempFolder folder;
    PictureFilesSink sink({folder / "none/v"}, false);
    const Error error = error_of([&] { sink.begin_part(0, video_input("v.mp4"), 1); });
    CHECK(error.kind() == ErrorKind::output);
    CHECK(error.what() == "cannot write '" + folder.path() + "/none/v-000000.jpg': No such file or directory");
}

TEST_CASE("a full disk is found with the picture that does not fit", "[pictures]") {
    const TempFolder folder;
    if (::geteuid() != 0 || ::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
        WARN("skipped: mounting a small disk takes root's rights");
        return;
    }
    const std::unique_ptr<const char, void (*)(const char*)> mounted(folder.path().c_str(),
                                                                     [](const char* path) { ::umount(path); });
    {
        PictureFilesSink sink({folder / "v"}, false);
        const auto part = sink.begin_part(0, video_input("v.mp4"), 1);
        const Error error = error_of([&] { fill(*part, 0, 100); });
        CHECK(error.kind() == ErrorKind::output);
        CHECK(error.what() == "cannot write '" + folder.path() + "/v-….jpg': No space left on device");
    }
    CHECK(folder.names().empty());
}
