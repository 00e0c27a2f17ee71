// SPDX-License-Identifier: MIT
//
// Live streams from an ffmpeg of our own on the loopback: they come, drop out, come back, and can be left at any time.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include <convoy/media/input.h>
#include "tests/support/catch.h"
#include "tests/tools/child.h"
#include "tests/tools/clip_server.h"
#include "tests/tools/media_files.h"
#include "tests/tools/segment_frames.h"
#include "tests/tools/silent_server.h"
#include "tools/media/in/live_reader.h"

using namespace convoy;
using namespace convoy::test;
using Clock = std::chrono::steady_clock;

namespace {

int free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    ::close(fd);
    return ntohs(address.sin_port);
}

std::string ffmpeg_path() {
    const Bytes path = output_of("command -v ffmpeg");
    const std::string text(path.begin(), path.end());
    return text.substr(0, text.find('\n'));
}

/// Sends a clip once, in real time, to whoever connects.
class Sender {
public:
    Sender(const std::string& clip, const std::string& url, const TempFolder& folder)
        : child_(
              ffmpeg_path(),
              {"-v", "quiet", "-re", "-stream_loop", "-1", "-i", clip, "-c", "copy", "-f", "mpegts", url + "?listen=1"},
              folder.path()) {}

private:
    Child child_;
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// A segment's reader that is open.
std::unique_ptr<SegmentReader> open_reader(Input& input) {
    auto reader = input.make_reader({});
    const auto segment = input.next_segment();
    REQUIRE(segment);
    CHECK(segment->kind() == SegmentKind::endless);
    CHECK_FALSE(input.next_segment());
    reader->open(segment);
    return reader;
}

}  // namespace

TEST_CASE("names of live inputs", "[live]") {
    for (const char* path :
         {"rtsp://camera/1", "udp://239.0.0.1:5000", "srt://host:1", "tcp://host:1", "rtmp://host/app", "/dev/video0"})
        CHECK(media::is_live(path));
    for (const char* path :
         {"clip.mp4", "http://host/clip.mp4", "https://host/clip.mp4", "/dev/null", "a.jpg", "file:///a.mp4"})
        CHECK_FALSE(media::is_live(path));
    CHECK(media::open_input("rtsp://nobody.invalid/1")->info().is_video);  // nothing is opened yet
}

TEST_CASE("passwords of addresses are not shown", "[live]") {
    const auto shown = media::without_passwords;
    CHECK(shown("rtsp://user:secret@camera/1") == "rtsp://user:***@camera/1");
    CHECK(shown("rtsp://user:se@cr:et@camera:554") == "rtsp://user:***@camera:554");
    CHECK(shown("'http://:secret@a/b' and 'http://u:secret@c?d@e'") == "'http://:***@a/b' and 'http://u:***@c?d@e'");
    CHECK(shown("http://u:se/cr@t@host/video") == "http://u:***@host/video");
    CHECK(shown("'http://u:se?c#r@host/v', and more") == "'http://u:***@host/v', and more");
    CHECK(shown("rtsp://admin:it's \"secret\"@host/1") == "rtsp://admin:***@host/1");
    CHECK(shown("http://h/v?next=http://v:secret@x/") == "http://h/v?next=http://v:***@x/");
    CHECK(shown("concat:http://u:secret@h/a|http://v:secret@h/b") == "concat:http://u:***@h/a|http://v:***@h/b");
    CHECK(shown("http:/u:secret@host/v") == "http:/u:***@host/v");
    CHECK(shown("http://h:80/v?token=secret&n=1&Password=x y") == "http://h:80/v?token=***&n=1&Password=***");
    CHECK(shown("rtsp://h/user=admin&password=secret&channel=1") == "rtsp://h/user=admin&password=***&channel=1");
    for (const char* text : {"http://h:80/a@2x.png", "http://h/a=b&c=d", "C:/a:b/c"}) CHECK(shown(text) == text);
    for (const char* text : {"udp://@239.0.0.1:1234", "rtsp://camera:554/a:b@c", "rtsp://camera:554?user:a@b", "a:b@c",
                             "/tmp/a:b@c.mp4", "://", "rtsp://", ""})
        CHECK(shown(text) == text);

    const std::string url = "tcp://user:secret@127.0.0.1:" + std::to_string(free_port());
    media::InputOptions options;
    options.give_up_s = .2;
    const auto input = media::open_input(url, options);
    CHECK(input->info().path == shown(url));
    const std::string live = error_of([&] { open_reader(*input)->next(); }).what();
    const std::string recording = error_of([&] { media::open_input("http" + url.substr(3), options); }).what();
    for (const std::string& sentence : {live, recording}) {
        CAPTURE(sentence);
        CHECK(sentence.find("//user:***@127.0.0.1") != std::string::npos);
        CHECK(sentence.find("secret") == std::string::npos);
    }
}

TEST_CASE("a user of an address without a password may be a token, and is not shown", "[live]") {
    const auto shown = media::without_passwords;
    CHECK(shown("rtsp://TOKEN@camera:554/1") == "rtsp://***@camera:554/1");
    CHECK(shown("'https://TOKEN:@h/v' is no video") == "'https://***@h/v' is no video");
    CHECK(shown("concat:http://TOKEN@h/a|http://TOKEN@h/b?c@d") == "concat:http://***@h/a|http://***@h/b?c@d");
}

TEST_CASE("parameters whose names say that they are secret are not shown", "[live]") {
    const auto shown = media::without_passwords;
    for (const char* name : {"jwt",
                             "psw",
                             "pswd",
                             "pwd",
                             "loginpas",
                             "p",
                             "session",
                             "sessionid",
                             "JSESSIONID",
                             "sid",
                             "sig",
                             "signature",
                             "auth",
                             "auth_key",
                             "apikey",
                             "api-key",
                             "APIKey",
                             "access_token",
                             "accessToken",
                             "access.token",
                             "wsSecret",
                             "X-Amz-Signature",
                             "X-Amz-Credential",
                             "X-Plex-Token",
                             "camera[password]",
                             "user=admin_password",
                             "md5",
                             "%73ecret",
                             "acc%65ss%5Ftoken"}) {
        CAPTURE(name);
        const std::string before = std::string("http://h/v?n=1&") + name + "=";
        CHECK(shown(before + "s3cret&n=2") == before + "***&n=2");
    }
    for (const char* name : {"tokenizer", "monkey", "passage", "keyframe", "compass", "author", "design", "signal",
                             "tokyo", "resolution", "page", "user", "Step", "TOP", "sidecar"}) {
        const std::string address = std::string("http://h/v?") + name + "=1";
        CHECK(shown(address) == address);
    }
    CHECK(shown("srt://h:9?mode=caller&streamid=#!::r=live,u=me,s=s3cret") == "srt://h:9?mode=caller&streamid=***");
    CHECK(shown("http://h/v?token=&n=2#t") == "http://h/v?token=***&n=2#t");
    CHECK(shown("http://h/v?%=1&%7=2&%zz=3") == "http://h/v?%=1&%7=2&%zz=3");
}

TEST_CASE("a live stream that drops out is taken up again", "[live]") {
    const TempFolder folder;
    const std::string clip = folder / "clip.ts";
    if (!make_video("-f lavfi -i testsrc2=size=96x64:rate=25:duration=2 -c:v libx264 -preset veryfast -g 12", clip))
        return;
    const std::string url = "tcp://127.0.0.1:" + std::to_string(free_port());
    media::InputOptions options;
    options.give_up_s = 8;
    std::stop_source cancel;
    const auto input = media::open_input(url, options, cancel.get_token());
    const auto reader = open_reader(*input);
    auto sender = std::make_unique<Sender>(clip, url, folder);
    double last_s = -1e9;
    int frames = 0;
    const auto read = [&](int count) {
        for (int i = 0; i < count; ++i, ++frames) {
            const auto frame = reader->next();
            REQUIRE(frame);
            CHECK(frame->pixels.width == 96);
            CHECK(frame->pixels.format == PixelFormat::nv12);
            CHECK(frame->time_s >= last_s);
            last_s = frame->time_s;
        }
    };
    read(20);
    const auto dropped = Clock::now();
    const double before_s = last_s;
    sender.reset();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    sender = std::make_unique<Sender>(clip, url, folder);
    for (const int most = frames + 200; last_s - before_s < .3 && frames < most;)
        read(1);  // what was under way, then what is new
    read(20);
    CAPTURE(frames, last_s, before_s, reader->notes().first_damage);
    CHECK(reader->notes().damaged >= 1);
    CHECK(reader->notes().first_damage.find(url) != std::string::npos);
    CHECK(last_s - before_s < seconds_since(dropped) + 2);

    // Left while it waits for the next frame.
    sender.reset();
    std::thread canceller([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(400));
        cancel.request_stop();
    });
    while (reader->next()) {
    }
    canceller.join();
    CHECK_FALSE(reader->next());
    CHECK_FALSE(input->next_segment());
}

TEST_CASE("a decoder that outlives its connection gives the frames of a new one", "[live]") {
    const TempFolder folder;
    for (const char* codec : {"libx264 -bf 0", "libx264 -bf 3", "libx264 -bf 3 -x264-params open-gop=1",
                              "libx265 -x265-params log-level=none", "mpeg2video -bf 2"}) {
        CAPTURE(codec);
        const std::string clip = folder / "clip.ts";
        if (!make_video(std::string("-f lavfi -i testsrc2=size=96x64:rate=25:duration=2 -g 12 -c:v ") + codec, clip))
            continue;
        const std::vector<FrameMark> expected = read_in_sequence(clip);
        REQUIRE(expected.size() == 50);
        const ClipServer server(read_bytes(clip));
        for (const bool stay_open : {false, true}) {
            CAPTURE(stay_open);
            media::LiveReader reader(server.url(), {}, {}, {}, stay_open);
            reader.open(nullptr);
            for (int connection = 0; connection < 3; ++connection)
                for (std::size_t i = 0; i < expected.size(); ++i) {
                    CAPTURE(connection, i);
                    const auto frame = reader.next();
                    REQUIRE(frame);
                    REQUIRE(mark_of(*frame).hash == expected[i].hash);
                }
        }
    }
}

namespace {

struct LiveFrames {
    std::vector<std::uint64_t> hashes;
    std::int64_t damaged = 0;
};

/// So many frames of a stream that is the same clip again and again.
LiveFrames live_frames(const Bytes& clip, bool stay_open, std::size_t count) {
    const ClipServer server(clip);
    media::LiveReader reader(server.url(), {}, {}, {}, stay_open);
    reader.open(nullptr);
    LiveFrames out;
    while (out.hashes.size() < count) {
        const auto frame = reader.next();
        REQUIRE(frame);
        out.hashes.push_back(mark_of(*frame).hash);
    }
    out.damaged = reader.notes().damaged;
    return out;
}

void check_kept_decoder(const Bytes& clip, std::size_t count) {
    const LiveFrames expected = live_frames(clip, false, count), kept = live_frames(clip, true, count);
    CHECK(kept.damaged == expected.damaged);
    for (std::size_t i = 0; i < count; ++i) {
        CAPTURE(i);
        REQUIRE(kept.hashes[i] == expected.hashes[i]);
    }
}

}  // namespace

TEST_CASE("a decoder that outlives its connection forgets headers and pictures of the last one", "[live]") {
    const TempFolder folder;
    const std::string source = "-f lavfi -i testsrc2=size=96x64:rate=25:duration=2 -c:v libx264 -bf 0 -g 25 ";
    // Headers change inside of a connection: an FLV whose tags another one's follow.
    if (make_video(source, folder / "a.flv") && make_video(source + "-refs 4 -x264-params cabac=0", folder / "b.flv")) {
        Bytes mixed = read_bytes(folder / "a.flv");
        const Bytes more = read_bytes(folder / "b.flv");
        constexpr std::ptrdiff_t kHead = 13;  // the file's header, and the size of the tag before the first
        mixed.insert(mixed.end(), more.begin() + kHead, more.end());
        check_kept_decoder(mixed, 250);
    }
    // A stream without IDR pictures, joined amid: it begins at a point of recovery.
    if (make_video(source + "-x264-params intra-refresh=1", folder / "refresh.ts")) {
        const Bytes whole = read_bytes(folder / "refresh.ts");
        constexpr std::ptrdiff_t kPacket = 188;
        Bytes joined(whole.begin(), whole.begin() + 3 * kPacket);  // tables
        joined.insert(joined.end(), whole.begin() + std::ptrdiff_t(whole.size()) / kPacket / 4 * kPacket, whole.end());
        check_kept_decoder(joined, 80);
    }
}

TEST_CASE("frames of a live stream know when their own packets were read", "[live]") {
    const TempFolder folder;
    for (const bool reordered : {false, true}) {
        const std::string clip = folder / "clip.ts";
        if (!make_video(std::string("-f lavfi -i testsrc2=size=96x64:rate=100:duration=1 -c:v libx264 -g 25 -bf ") +
                            (reordered ? "2 -x264-params b-adapt=0" : "0"),
                        clip))
            return;
        const std::string url = "tcp://127.0.0.1:" + std::to_string(free_port());
        const auto input = media::open_input(url);
        const auto begin = Clock::now();
        const Sender sender(clip, url, folder);
        const auto reader = open_reader(*input);
        int earlier = 0;  // than the frame that is shown before
        Clock::time_point last;
        for (int i = 0; i < 40; ++i) {
            const auto frame = reader->next();
            REQUIRE(frame);
            CHECK((frame->packet_at > begin && frame->packet_at <= Clock::now() && frame->packet_at != last));
            earlier += frame->packet_at < last;
            last = frame->packet_at;
        }
        CHECK((earlier > 5) == reordered);
        CHECK((reordered || earlier == 0));
    }
}

TEST_CASE("a live stream that never comes, or does not come back, is given up", "[live]") {
    const std::string url = "tcp://127.0.0.1:" + std::to_string(free_port());
    media::InputOptions options;
    options.give_up_s = 1.5;
    const auto input = media::open_input(url, options);
    const auto reader = open_reader(*input);
    const auto start = Clock::now();
    const Error error = error_of([&] { reader->next(); });
    CHECK(error.kind() == ErrorKind::input);
    CHECK(std::string(error.what()).find(url) != std::string::npos);
    CHECK(std::string(error.what()).find("cannot be opened") != std::string::npos);
    CHECK(seconds_since(start) < 4);
    CHECK(error_of([] { open_reader(*media::open_input("/dev/video97"))->next(); }).kind() != ErrorKind::usage);
}

TEST_CASE("waiting for a silent address can be ended", "[live]") {
    const SilentServer server;
    std::stop_source cancel;
    const auto input = media::open_input("tcp://" + server.address(), {}, cancel.get_token());
    const auto reader = open_reader(*input);
    std::thread canceller([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        cancel.request_stop();
    });
    const auto start = Clock::now();
    CHECK_FALSE(reader->next());
    CHECK(seconds_since(start) < 1.3);
    canceller.join();
}
