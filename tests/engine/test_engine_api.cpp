// SPDX-License-Identifier: MIT
#include <convoy/engine.h>

#include <algorithm>
#include <thread>

#include <convoy/load.h>
#include "engine/before_batch.h"
#include "tests/support/catch.h"
#include "tests/support/data.h"
#include "tests/support/random.h"

using namespace convoy;

namespace {

// Noise is enough: at a low threshold the demo model sees things in it.
struct Picture {
    explicit Picture(int w = 200, int h = 120, std::uint64_t seed = 1)
        : width(w), height(h), bytes(std::size_t(w) * h * 3) {
        const std::vector<float> noise = test::random_floats(bytes.size(), seed, 0, 256);
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::uint8_t(noise[i]);
    }
    Frame frame(int index = 0) const {
        Frame f = rgb_frame(bytes.data(), width, height);
        f.index = index;
        return f;
    }
    int width, height;
    std::vector<std::uint8_t> bytes;
};

Network demo(int size = 128) {
    const std::string stem = test::source_dir() + "/models/yolov3-quarter";
    return load_network(stem + ".cfg", stem + ".weights", "", {size, size});
}

EngineOptions sensitive(int batch = 1) {
    EngineOptions o;
    o.device = "cpu";
    o.detect.confidence = .001f;
    o.max_batch = batch;
    o.threads = 2;
    return o;
}

bool same(const std::vector<Detection>& a, const std::vector<Detection>& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i].class_id != b[i].class_id || a[i].confidence != b[i].confidence || a[i].box.x != b[i].box.x ||
            a[i].box.y != b[i].box.y || a[i].box.w != b[i].box.w || a[i].box.h != b[i].box.h)
            return false;
    return true;
}

void expect_error(ErrorKind kind, const std::string& part, const std::function<void()>& f) {
    try {
        f();
        FAIL("no error; expected: " << part);
    } catch (const Error& e) {
        INFO(e.what());
        CHECK(int(e.kind()) == int(kind));
        CHECK(std::string(e.what()).find(part) != std::string::npos);
    }
}

}  // namespace

TEST_CASE("synchronous and asynchronous use give the same bits, in order", "[engine]") {
    const Network network = demo();
    std::vector<Picture> pictures;
    for (int i = 0; i < 7; ++i) pictures.emplace_back(100 + 31 * i, 90 + 7 * i, i + 1);
    Engine one(network, sensitive());
    std::vector<std::vector<Detection>> expected;
    for (const Picture& p : pictures) expected.push_back(one.detect(p.frame()));
    CHECK_FALSE(expected[0].empty());

    Engine many(network, sensitive());
    std::thread producer([&] {
        for (int i = 0; i < 21; ++i) many.submit(pictures[i % 7].frame(i));
        many.finish();
    });
    int seen = 0;
    while (const std::optional<Result> r = many.next()) {
        CHECK(r->frame.index == seen);
        CHECK(same(r->detections, expected[seen % 7]));
        CHECK(r->latency_ms > 0);
        ++seen;
    }
    producer.join();
    CHECK(seen == 21);
    CHECK(many.stats().at(1).count == 21);
}

TEST_CASE("two engines in two threads do not disturb each other", "[engine]") {
    const Network network = demo(96);
    const Picture picture;
    const std::vector<Detection> expected = Engine(network, sensitive()).detect(picture.frame());
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int t = 0; t < 2; ++t)
        threads.emplace_back([&] {
            Engine engine(network, sensitive());
            for (int i = 0; i < 10; ++i) wrong += !same(engine.detect(picture.frame()), expected);
        });
    for (std::thread& t : threads) t.join();
    CHECK(wrong == 0);
}

TEST_CASE("the network is not needed once the engine stands, and engines move", "[engine]") {
    std::optional<Network> network = demo(96);
    Engine a(*network, sensitive());
    network.reset();
    const Picture picture;
    const std::vector<Detection> before = a.detect(picture.frame());
    Engine b = std::move(a);
    CHECK(same(b.detect(picture.frame()), before));
}

TEST_CASE("pictures at the edge of what is possible", "[engine]") {
    Engine engine(demo(96), sensitive());
    for (auto [w, h] : {std::pair{1, 1}, {1, 500}, {500, 1}, {3000, 2}, {7, 5}}) {
        INFO(w << "x" << h);
        const Picture p(w, h);
        for (const Detection& d : engine.detect(p.frame())) {
            CHECK(d.box.x >= 0.f);
            CHECK(d.box.y >= 0.f);
            CHECK(d.box.x + d.box.w <= float(w) * 1.0001f);
            CHECK(d.box.y + d.box.h <= float(h) * 1.0001f);
        }
    }
}

TEST_CASE("impossible frames and options are errors that say what to do", "[engine]") {
    const Network network = demo(96);
    const Picture picture;
    {
        Engine engine(network, sensitive());
        Frame f = picture.frame(12);
        f.pixels.pitch[0] = 10;
        expect_error(ErrorKind::input, "frame 12", [&] { engine.submit(f); });
        f = picture.frame(13);
        f.pixels.plane[0] = nullptr;
        expect_error(ErrorKind::input, "no pixels", [&] { engine.submit(f); });
        f = picture.frame(14);
        f.pixels.width = 0;
        expect_error(ErrorKind::input, "0x120", [&] { engine.submit(f); });
        CHECK_NOTHROW(engine.detect(picture.frame()));  // it stays usable
    }
    const auto with = [&](auto change) {
        return [&network, change] {
            EngineOptions o;
            change(o);
            Engine engine(network, o);
        };
    };
    expect_error(ErrorKind::unsupported, "device cuda:99: ", with([](EngineOptions& o) { o.device = "cuda:99"; }));
    expect_error(ErrorKind::usage, "unknown device 'gpu'", with([](EngineOptions& o) { o.device = "gpu"; }));
    expect_error(ErrorKind::unsupported, "fp32",
                 with([](EngineOptions& o) { o.device = "cpu", o.precision = Precision::fp16; }));
    expect_error(ErrorKind::usage, "confidence", with([](EngineOptions& o) { o.detect.confidence = 1; }));
    expect_error(ErrorKind::usage, "confidence", with([](EngineOptions& o) { o.detect.confidence = 0; }));
    expect_error(ErrorKind::usage, "of 3 classes", with([](EngineOptions& o) {
                     o.detect.class_confidence = {0, 0, 0};
                 }));
    expect_error(ErrorKind::usage, "smallest size", with([](EngineOptions& o) { o.detect.min_size = -1; }));
    expect_error(ErrorKind::usage, "no area", with([](EngineOptions& o) { o.detect.ignored = {{{0, 0, 0, 1}}}; }));
    expect_error(ErrorKind::usage, "NMS", with([](EngineOptions& o) { o.detect.nms = 1.5f; }));
    expect_error(ErrorKind::usage, "batch", with([](EngineOptions& o) { o.max_batch = -1; }));
    expect_error(ErrorKind::usage, "class 80", with([](EngineOptions& o) { o.detect.classes = {80}; }));
    const Network bare = load_network(test::source_dir() + "/models/yolov3-quarter.cfg");
    expect_error(ErrorKind::model, "without weights", [&] { Engine engine(bare, {}); });
    const Network headless =
        parse_network("[net]\nwidth=32\nheight=32\nchannels=3\n[maxpool]\nsize=2\nstride=2\n", "h.cfg");
    expect_error(ErrorKind::model,
                 "h.cfg:5: the network ends with [maxpool] and has no [yolo], [region], [Gaussian_yolo]",
                 [&] { Engine engine(headless, {}); });
}

TEST_CASE("a trace lives as long as there are threads that write into it", "[engine]") {
    EngineOptions options = sensitive();
    options.trace = std::make_shared<Trace>();
    const std::weak_ptr<Trace> trace = options.trace;
    const Picture picture;
    std::atomic<bool> running = false, gone = false;
    const auto slow = [&](const std::string&, std::int64_t) {
        running = true;
        for (int i = 0; i < 50 && !gone; ++i) {  // while the engine is destroyed
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            gone = trace.expired();
        }
    };
    {
        Engine engine(demo(), options);
        call_before_batches(engine, slow);
        options.trace.reset();
        engine.submit(picture.frame());
        engine.finish();
        while (!running) std::this_thread::yield();
    }
    CHECK_FALSE(gone);
    CHECK(trace.expired());
}

TEST_CASE("live frames: flushed one by one, cancelled, taken again", "[engine]") {
    Engine engine(demo(96), sensitive(4));
    const Picture picture;
    const std::vector<Detection> expected = engine.detect(picture.frame());
    for (int i = 0; i < 3; ++i) {
        CHECK(engine.try_submit(picture.frame(i)));
        engine.flush();
        const std::optional<Result> result = engine.next();  // hangs if a batch of 4 is waited for
        REQUIRE(result);
        CHECK(same(result->detections, expected));
    }
    std::thread producer([&] {
        while (engine.submit(picture.frame())) {
        }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    engine.cancel();
    producer.join();
    CHECK_FALSE(engine.next());
    CHECK_FALSE(engine.try_submit(picture.frame()));
    expect_error(ErrorKind::usage, "resume()", [&] { engine.detect(picture.frame()); });
    engine.resume();
    CHECK(same(engine.detect(picture.frame()), expected));
}

TEST_CASE("a picture is not detected while results are owed", "[engine]") {
    Engine engine(demo(96), sensitive());
    const Picture picture, other(64, 64, 2);
    engine.submit(other.frame());
    expect_error(ErrorKind::usage, "owed", [&] { engine.detect(picture.frame()); });
    engine.finish();
    CHECK(engine.next());
    expect_error(ErrorKind::usage, "owed", [&] { engine.detect(picture.frame()); });  // the end is still to come
    CHECK_FALSE(engine.next());
    CHECK_NOTHROW(engine.detect(picture.frame()));
}

TEST_CASE("frames come from several threads, each stream's results in its order", "[engine]") {
    Engine engine(demo(96), sensitive());
    constexpr int kStreams = 3, kFrames = 20;
    std::vector<Picture> pictures;
    std::vector<std::vector<Detection>> expected;
    for (int s = 0; s < kStreams; ++s) {
        pictures.emplace_back(100 + 40 * s, 90, s + 1);
        expected.push_back(engine.detect(pictures.back().frame()));
    }
    std::vector<std::thread> cameras;
    for (int s = 0; s < kStreams; ++s)
        cameras.emplace_back([&, s] {
            for (int i = 0; i < kFrames; ++i) {
                Frame frame = pictures[std::size_t(s)].frame(i);
                frame.stream = s;
                engine.submit(std::move(frame));
            }
        });
    std::thread last([&] {
        for (std::thread& camera : cameras) camera.join();
        engine.finish();
    });
    std::vector<int> seen(kStreams);
    while (const std::optional<Result> result = engine.next()) {
        const auto stream = std::size_t(result->frame.stream);
        CHECK(result->frame.index == seen[stream]++);
        CHECK(same(result->detections, expected[stream]));
    }
    last.join();
    CHECK(seen == std::vector<int>(kStreams, kFrames));
}

TEST_CASE("an RGB frame says where its rows begin and keeps its pixels", "[engine]") {
    const auto bytes = std::make_shared<std::vector<std::uint8_t>>(1000);
    const Frame dense = rgb_frame(bytes->data(), 7, 5);
    CHECK((dense.pixels.format == PixelFormat::rgb8 && dense.pixels.pitch[0] == 21));
    const Frame padded = rgb_frame(bytes->data(), 7, 5, 24, bytes);
    CHECK((padded.pixels.pitch[0] == 24 && padded.pixels.width == 7 && padded.pixels.height == 5));
    CHECK(bytes.use_count() == 2);
}

TEST_CASE("one way of working at a time", "[engine]") {
    Engine engine(demo(96), sensitive());
    const Picture picture;
    struct Nothing : RunObserver {
        void result(int, Result&) override {}
    } observer;
    const std::atomic<bool> stop = false;
    engine.submit(picture.frame());
    expect_error(ErrorKind::usage, "owed", [&] { engine.run({}, observer, stop); });
    engine.finish();
    CHECK(engine.next());
    CHECK_FALSE(engine.next());

    struct Meddler : RunInput {
        explicit Meddler(Engine& engine, const Picture& picture) {
            open = [&](std::stop_token) -> std::unique_ptr<Input> {
                const std::atomic<bool> never = false;
                Nothing nothing;
                engine.cancel();  // of no effect
                expect_error(ErrorKind::usage, "in run()", [&] { engine.submit(picture.frame()); });
                expect_error(ErrorKind::usage, "in run()", [&] { engine.detect(picture.frame()); });
                expect_error(ErrorKind::usage, "in run()", [&] { engine.next(); });
                expect_error(ErrorKind::usage, "in run()", [&] { engine.run({}, nothing, never); });
                return nullptr;
            };
        }
    };
    struct Ends : Nothing {
        void end_input(int, const InputEnd& end) override { errors.push_back(end.error); }
        std::vector<std::string> errors;
    } ends;
    engine.run({Meddler(engine, picture), RunInput{}}, ends, stop);
    REQUIRE(ends.errors.size() == 2);
    CHECK(ends.errors[0].find("gave no input 0") != std::string::npos);
    CHECK(ends.errors[1].find("gave no input 1") != std::string::npos);
    CHECK_NOTHROW(engine.detect(picture.frame()));
}

TEST_CASE("cancelling during a run and after it", "[engine]") {
    Engine engine(demo(96), sensitive());
    struct Nothing : RunObserver {
        void result(int, Result&) override {}
    } observer;
    const std::atomic<bool> stop = false;
    engine.run({}, observer, stop);
    engine.cancel();
    const Picture picture;
    CHECK_FALSE(engine.submit(picture.frame()));
    engine.run({}, observer, stop);  // ends what was cancelled
    CHECK(engine.submit(picture.frame()));
}

TEST_CASE("a class that the names file calls dont_show is not reported", "[engine]") {
    Network network = demo();
    const Picture picture;
    const std::vector<Detection> all = Engine(network, sensitive()).detect(picture.frame());
    REQUIRE_FALSE(all.empty());
    const int hidden = all.front().class_id;
    network.names.assign(std::size_t(network.classes()), "thing");
    network.names[std::size_t(hidden)] = "dont_show this";
    std::vector<Detection> shown = all;
    std::erase_if(shown, [&](const Detection& d) { return d.class_id == hidden; });
    REQUIRE(shown.size() > 0);
    CHECK(same(Engine(network, sensitive()).detect(picture.frame()), shown));

    EngineOptions asked = sensitive();
    asked.detect.classes = {hidden};
    CHECK(Engine(network, asked).detect(picture.frame()).empty());
    network.names.assign(std::size_t(network.classes()), "dont_show");
    CHECK(Engine(network, sensitive()).detect(picture.frame()).empty());
}

TEST_CASE("a network of one channel takes the grey of pictures", "[engine]") {
    const std::string rest =
        "[convolutional]\nfilters=8\nsize=3\nstride=4\npad=1\nactivation=leaky\n"
        "[convolutional]\nfilters=14\nactivation=linear\n[yolo]\nclasses=2\nnum=2\nanchors=9,9, 20,30\n";
    const std::string net = "[net]\nwidth=64\nheight=64\nchannels=";
    Network grey = parse_network(net + "1\n" + rest, "grey.cfg"),
            color = parse_network(net + "3\n" + rest, "color.cfg");
    randomize_weights(grey, 3);
    randomize_weights(color, 3);
    // Each weight of the one channel, shared out among the three colours as OpenCV's RGB2GRAY does.
    const float luma[] = {.299f, .587f, .114f};
    const auto& from = std::get<ConvolutionalLayer>(grey.layers[0].kind);
    auto& to = std::get<ConvolutionalLayer>(color.layers[0].kind);
    std::vector<float> weights;
    for (int f = 0; f < 8; ++f)
        for (float share : luma)
            for (int i = 0; i < 9; ++i) weights.push_back(from.weights[std::size_t(f * 9 + i)] * share);
    to.weights = {weights.data(), weights.size()};
    to.biases = from.biases;
    color.layers[1].kind = grey.layers[1].kind;
    const Picture picture;
    EngineOptions options = sensitive();
    options.precision = Precision::fp32;
    const std::vector<Detection> a = Engine(grey, options).detect(picture.frame()),
                                 b = Engine(color, options).detect(picture.frame());
    REQUIRE(a.size() > 20);
    REQUIRE(a.size() == b.size());
    std::vector<Detection> left = b;  // scores that differ by rounding alone may change places
    for (std::size_t i = 0; i < a.size(); ++i) {
        INFO(i);
        const auto same = std::find_if(left.begin(), left.end(), [&](const Detection& d) {
            return d.class_id == a[i].class_id && std::abs(d.confidence - a[i].confidence) < 1e-5 &&
                   std::abs(d.box.x - a[i].box.x) < 1e-3 && std::abs(d.box.h - a[i].box.h) < 1e-3;
        });
        REQUIRE(same != left.end());
        left.erase(same);
    }

    Network four = parse_network(net + "4\n" + rest, "four.cfg");
    randomize_weights(four, 3);
    expect_error(ErrorKind::unsupported, "four.cfg:4: [net] key 'channels' is 4, but pictures have 3",
                 [&] { const Engine engine(four, sensitive()); });
}

TEST_CASE("a box of a tree of classes has the class that the tree leads to", "[engine]") {
    Network network = parse_network(
        "[net]\nwidth=64\nheight=32\nchannels=3\n[convolutional]\nfilters=9\nsize=1\nstride=32\nactivation=linear\n"
        "[region]\nanchors=1,1\nclasses=4\nnum=1\nsoftmax=1\ntree=four.tree\n",
        "tree.cfg");
    randomize_weights(network, 1);
    expect_error(ErrorKind::model, "four.tree' has not been read", [&] { const Engine engine(network, sensitive()); });
    std::get<RegionLayer>(network.layers[1].kind).parents = {-1, -1, 0, 0};
    auto& conv = std::get<ConvolutionalLayer>(network.layers[0].kind);
    const std::vector<float> weights(conv.weights.count, 0.f);
    conv.weights = {weights.data(), weights.size()};
    struct Case {
        std::vector<float> raw;  // of the classes
        int expected;
    };
    for (const Case& c : {Case{{5, -5, -5, 5}, 3}, {{5, -5, 5, -5}, 2}, {{5, -5, 0, 0}, 0}, {{-5, 5, 5, 0}, 1}}) {
        std::vector<float> biases = {0, 0, 0, 0, 2};
        biases.insert(biases.end(), c.raw.begin(), c.raw.end());
        conv.biases = {biases.data(), biases.size()};
        EngineOptions options = sensitive();
        options.detect.nms = 1;
        const std::vector<Detection> found = Engine(network, options).detect(Picture().frame());
        REQUIRE(found.size() == 2);
        for (const Detection& d : found) {
            CHECK(d.class_id == c.expected);
            CHECK(std::abs(d.confidence - 1 / (1 + std::exp(-2.))) < 1e-6);
        }
    }
}
