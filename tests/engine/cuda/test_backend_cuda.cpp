// SPDX-License-Identifier: MIT
//
// The whole network on a GPU against the plain loops, layer by layer.
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstring>
#include <iterator>
#include <span>
#include <thread>

#include <convoy/load.h>
#include "engine/cuda/slot_cuda.h"
#include "kernels/conv_pair.h"
#include "tests/kernels/picture.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tests/support/cuda.h"
#include "tests/support/data.h"
#include "tests/support/reference_network.h"

using namespace convoy;

namespace {

Plan gpu_plan(const Network& network, Precision precision, int batch, bool keep_all) {
    CompileOptions options;
    options.passes.traits = cuda_traits(precision);
    options.max_batch = batch;
    options.keep_all = keep_all;
    return compile(network, options);
}

/// On the first GPU with our own kernels.
std::unique_ptr<GpuBackend> make_backend(Plan plan, Precision precision, Tuning tuning, bool same_bits) {
    CudaOptions options;
    options.precision = precision;
    options.tuning = tuning;
    options.same_bits = same_bits;
    options.libraries = false;
    CudaSet set = make_cuda_backends(cuda_pack(std::move(plan), precision), {}, {0}, options);
    if (!set.backends.front()) throw Error(set.error_kind, set.failures.front());
    return std::move(set.backends.front());
}

/// A backend with one slot that is fed tensors instead of pictures.
struct Bench {
    std::unique_ptr<GpuBackend> owner;
    CudaBackend& backend;
    CudaSlot slot;

    Bench(const Network& network, Precision precision, int batch, bool keep_all, Tuning tuning = Tuning::fixed,
          bool same_bits = false)
        : owner(make_backend(gpu_plan(network, precision, batch, keep_all), precision, tuning, same_bits)),
          backend(static_cast<CudaBackend&>(*owner)),
          slot(backend) {}

    std::byte* picture(const kernels::DeviceTensor& t, int n) const {
        return static_cast<std::byte*>(t.data) +
               std::size_t(n) * t.h * t.w * std::size_t(t.pitch) * kernels::size_of(t.type);
    }
    void set_input(int n, const test::OwnedTensor& x) {
        const kernels::DeviceTensor t = backend.view(0, slot.memory(), 1);
        std::vector<float> padded(t.pixels() * std::size_t(t.pitch), 0.f);
        for (std::size_t i = 0; i < t.pixels(); ++i) std::copy_n(x.view().pixel(i), t.c, &padded[i * t.pitch]);
        const test::DeviceBytes bytes = test::upload_as(t.type, padded);
        test::cuda_ok(cudaMemcpy(picture(t, n), bytes.data(), bytes.bytes(), cudaMemcpyDeviceToDevice));
    }
    /// Tensor `t` of picture n, dense.
    test::OwnedTensor read(TensorId id, int n) {
        const kernels::DeviceTensor t = backend.view(id, slot.memory(), 1);
        // The last pixel of a slice ends before the pitch does.
        const std::size_t count = (t.pixels() - 1) * std::size_t(t.pitch) + std::size_t(t.c);
        const std::vector<float> raw = test::download_as_float(t.type, picture(t, n), count);
        test::OwnedTensor out(1, t.h, t.w, t.c);
        for (std::size_t i = 0; i < t.pixels(); ++i) std::copy_n(&raw[i * t.pitch], t.c, out.view().pixel(i));
        return out;
    }
};

struct Tolerance {
    double absolute, relative;  ///< absolute: in the layer's own root mean square
};

// fp32 as asked for; the others grow with depth: half a unit in the last place enters at every layer.
Tolerance tolerance(Precision precision) {
    if (precision == Precision::fp32) return {1e-4, 1e-4};
    return {.06, .02};
}

void check_layers(const Network& network, Precision precision, Tuning tuning) {
    Bench bench(network, precision, 1, true, tuning);
    const test::OwnedTensor x = test::noise_input(network, 0);
    bench.set_input(0, x);
    bench.slot.run(1);
    bench.slot.wait();
    const std::vector<test::OwnedTensor> expected = test::run_reference(network, x);
    int compared = 0;
    double worst = 0;
    for (std::size_t layer = 0; layer < expected.size(); ++layer) {
        const TensorId t = bench.backend.plan().graph.layer_output[layer];
        if (t == kNoTensor) continue;
        const double scale = test::root_mean_square(expected[layer].view());
        REQUIRE(std::isfinite(scale));
        const Tolerance bound = tolerance(precision);
        const test::Comparison c =
            test::compare(bench.read(t, 0).view(), expected[layer].view(), bound.absolute * scale, bound.relative);
        INFO("layer " << layer << " (" << network.layers[layer].name() << "): " << c.message);
        REQUIRE(c.ok);
        worst = std::max(worst, c.worst_share);
        ++compared;
    }
    CHECK(compared >= int(network.layers.size()) / 3);
    WARN(network.cfg_path << ": worst layer uses " << worst << " of its tolerance");
}

}  // namespace

TEST_CASE("GPU: every layer of the demo model agrees with the oracle", "[cuda]") {
    REQUIRE_GPU();
    const std::string stem = test::source_dir() + "/models/yolov3-quarter";
    const Network network = load_network(stem + ".cfg", stem + ".weights", "", {160, 160});
    for (Precision precision : {Precision::fp32, Precision::tf32, Precision::fp16}) {
        INFO("precision " << int(precision));
        check_layers(network, precision, Tuning::fixed);
    }
    check_layers(network, Precision::fp16, Tuning::measured);
    check_layers(network, Precision::tf32, Tuning::measured);
}

TEST_CASE("GPU: every layer of every cfg is within 1e-4 of the oracle in fp32, random weights", "[cuda]") {
    REQUIRE_GPU();
    for (const std::string& cfg : test::all_cfgs()) {
        INFO(cfg);
        Network network = load_network(cfg, "", "", {64, 96});
        randomize_weights(network, 7);
        check_layers(network, Precision::fp32, Tuning::fixed);
    }
}

TEST_CASE("GPU: routes of routes, some parts copied and some written in place, agree with the oracle", "[cuda]") {
    REQUIRE_GPU();
    const auto conv = [](int filters) {
        return "[convolutional]\nfilters=" + std::to_string(filters) + "\nsize=3\nstride=1\npad=1\nactivation=leaky\n";
    };
    const std::string cfg = "[net]\nwidth=32\nheight=32\nchannels=3\n" + conv(12) + conv(8) +
                            "[route]\nlayers=-2,-1\n" + conv(16) + "[route]\nlayers=-1,-2\n" + conv(20) +
                            "[route]\nlayers=-1,-2,-4\n" + conv(18);
    Network network = parse_network(cfg, "routes.cfg");
    randomize_weights(network, 5);
    for (Precision precision : {Precision::fp32, Precision::fp16}) check_layers(network, precision, Tuning::fixed);
}

TEST_CASE("GPU: every picture of every batch size gives the same numbers, and the same bits again", "[cuda]") {
    REQUIRE_GPU();
    Network network = load_network(test::source_dir() + "/models/yolov3-quarter.cfg", "", "", {64, 64});
    randomize_weights(network, 3);
    for (Precision precision : {Precision::fp32, Precision::fp16}) {
        Bench bench(network, precision, 6, false);
        CHECK(bench.backend.batches() == std::vector<int>{1, 2, 4, 6});
        for (int n = 0; n < 6; ++n) bench.set_input(n, test::noise_input(network, n));
        for (int count = 1; count <= 6; ++count) {
            std::vector<std::vector<float>> first;
            for (int round = 0; round < 2; ++round) {
                bench.slot.run(count);
                bench.slot.wait();
                std::size_t at = 0;
                for (const Node& node : bench.backend.plan().graph.nodes) {
                    if (!std::holds_alternative<YoloOp>(node.op)) continue;
                    for (int n = 0; n < count; ++n, ++at) {
                        const test::OwnedTensor head = bench.read(node.inputs[0], n);
                        const kernels::ConstTensor v = head.view();
                        const std::vector<float> bits(v.data, v.data + v.pixels() * std::size_t(v.c));
                        if (round == 0) {
                            const test::OwnedTensor e =
                                std::move(test::run_reference(network, test::noise_input(network, n))[node.layer]);
                            const Tolerance bound = tolerance(precision);
                            const test::Comparison c = test::compare(
                                v, e.view(), bound.absolute * test::root_mean_square(e.view()), bound.relative);
                            INFO("count " << count << ", picture " << n << ", head " << node.layer << ": "
                                          << c.message);
                            REQUIRE(c.ok);
                            first.push_back(bits);
                        } else {
                            REQUIRE(std::memcmp(bits.data(), first[at].data(), bits.size() * sizeof(float)) == 0);
                        }
                    }
                }
            }
        }
    }
}

TEST_CASE("GPU: with same_bits a picture has the same bits in a batch of any size", "[cuda]") {
    REQUIRE_GPU();
    const auto check = [](const std::string& cfg, const LoadOptions& size, int batch, const std::vector<int>& counts,
                          Precision precision) {
        Network network = load_network(cfg, "", "", size);
        randomize_weights(network, 3);
        Bench bench(network, precision, batch, false, Tuning::fixed, true);
        INFO(cfg << ", precision " << int(precision));
        CHECK(bench.backend.batches().size() > 1);
        for (int n = 0; n < batch; ++n) bench.set_input(n, test::noise_input(network, n));
        const auto heads_after = [&](int count) {
            bench.slot.run(count);
            bench.slot.wait();
            std::vector<std::vector<float>> heads;
            for (const Node& node : bench.backend.plan().graph.nodes)
                for (int n = 0; std::holds_alternative<YoloOp>(node.op) && n < count; ++n) {
                    const test::OwnedTensor head = bench.read(node.inputs[0], n);
                    heads.emplace_back(head.view().data,
                                       head.view().data + head.view().pixels() * std::size_t(head.view().c));
                }
            return heads;
        };
        const auto expected = heads_after(batch);
        for (int count : counts) {
            const auto heads = heads_after(count);
            for (std::size_t i = 0; i < heads.size(); ++i) {
                INFO("count " << count << ", head " << i / std::size_t(count) << ", picture "
                              << i % std::size_t(count));
                const auto& whole = expected[i / std::size_t(count) * std::size_t(batch) + i % std::size_t(count)];
                REQUIRE(heads[i].size() == whole.size());
                CHECK(std::memcmp(heads[i].data(), whole.data(), whole.size() * sizeof(float)) == 0);
            }
        }
    };
    const std::string quarter = test::source_dir() + "/models/yolov3-quarter.cfg";
    for (Precision precision : {Precision::fp32, Precision::tf32})
        check(quarter, {64, 96}, 11, {1, 2, 3, 5, 6, 10}, precision);
    for (const std::string& cfg : test::all_cfgs()) check(cfg, {64, 96}, 11, {1, 2, 3, 5, 6, 10}, Precision::fp16);
    // Enough tiles for the largest kernels.
    check(quarter, {416, 416}, 32, {1, 4, 7, 13, 31}, Precision::fp16);
}

TEST_CASE("GPU: two convolutions by one kernel agree with the oracle, by rule, measured, in batches of any size",
          "[cuda]") {
    REQUIRE_GPU();
    if (kernels::cuda::conv_pair_candidates().empty()) SKIP_TEST_CASE("no kernel of that kind is compiled");
    const auto conv = [](int filters, int size, int stride) {
        return "[convolutional]\nbatch_normalize=1\nfilters=" + std::to_string(filters) +
               "\nsize=" + std::to_string(size) + "\nstride=" + std::to_string(stride) + "\npad=1\nactivation=leaky\n";
    };
    const std::string shortcut = "[shortcut]\nfrom=-3\nactivation=linear\n";
    const std::string cfg = "[net]\nwidth=416\nheight=416\nchannels=3\n" + conv(32, 3, 1) + conv(64, 3, 2) +
                            conv(32, 1, 1) + conv(64, 3, 1) + shortcut + conv(128, 3, 2) + conv(64, 1, 1) +
                            conv(128, 3, 1) + shortcut + conv(64, 1, 1) + conv(128, 3, 1) + shortcut +
                            "[maxpool]\nsize=8\nstride=8\n[convolutional]\nfilters=18\nsize=1\nstride=1\npad=1\n"
                            "activation=linear\n[yolo]\nmask=0,1,2\nanchors=10,13, 16,30, 33,23\nclasses=1\nnum=3\n";
    Network network = parse_network(cfg, "pairs.cfg");
    randomize_weights(network, 9);
    constexpr int kBatch = 12;
    std::vector<test::OwnedTensor> expected;
    for (int n : {0, kBatch - 1})
        expected.push_back(std::move(test::run_reference(network, test::noise_input(network, n)).at(13)));
    for (const Tuning tuning : {Tuning::fixed, Tuning::measured}) {
        Bench bench(network, Precision::fp16, kBatch, false, tuning, true);
        CHECK(bench.backend.plan().pairs.size() == 4);
        const PlanTiming timing = bench.backend.profile(kBatch);
        const auto pairs = std::count_if(timing.layers.begin(), timing.layers.end(),
                                         [](const LayerTiming& l) { return l.op == "conv+conv"; });
        if (tuning == Tuning::fixed) CHECK(pairs == 4);
        INFO("tuning " << int(tuning) << ", " << pairs << " pairs");
        for (int n = 0; n < kBatch; ++n) bench.set_input(n, test::noise_input(network, n));
        const auto head = [&](int count, int n) {
            bench.slot.run(count);
            bench.slot.wait();
            for (const Node& node : bench.backend.plan().graph.nodes)
                if (std::holds_alternative<YoloOp>(node.op)) return bench.read(node.inputs[0], n);
            throw std::logic_error("no head");
        };
        for (int i : {0, 1}) {
            const kernels::ConstTensor e = expected[std::size_t(i)].view();
            const Tolerance bound = tolerance(Precision::fp16);
            const test::OwnedTensor y = head(kBatch, i * (kBatch - 1));
            const test::Comparison c =
                test::compare(y.view(), e, bound.absolute * test::root_mean_square(e), bound.relative);
            INFO(c.message);
            CHECK(c.ok);
        }
        const test::OwnedTensor whole = head(kBatch, 0);
        for (int n : {5, kBatch - 1}) bench.set_input(n, test::noise_input(network, 0));
        for (auto [count, n] : {std::pair(1, 0), {3, 0}, {6, 0}, {6, 5}, {kBatch, 5}, {kBatch, kBatch - 1}}) {
            const test::OwnedTensor part = head(count, n);
            const test::Comparison c = test::compare(part.view(), whole.view(), 0, 0);
            INFO("picture " << n << " of " << count << ": " << c.message);
            CHECK(c.ok);
        }
    }
}

TEST_CASE("GPU: sharing memory changes no bit", "[cuda]") {
    REQUIRE_GPU();
    const std::string stem = test::source_dir() + "/models/yolov3-quarter";
    const Network network = load_network(stem + ".cfg", stem + ".weights", "", {96, 96});
    Bench a(network, Precision::fp16, 2, true), b(network, Precision::fp16, 2, false);
    for (Bench* bench : {&a, &b}) {
        for (int n = 0; n < 2; ++n) bench->set_input(n, test::noise_input(network, n));
        bench->slot.run(2);
        bench->slot.wait();
    }
    for (const Node& node : b.backend.plan().graph.nodes) {
        if (!std::holds_alternative<YoloOp>(node.op)) continue;
        for (int n = 0; n < 2; ++n) {
            const test::Comparison c =
                test::compare(b.read(node.inputs[0], n).view(), a.read(node.inputs[0], n).view(), 0, 0);
            INFO(c.message);
            CHECK(c.ok);
        }
    }
}

TEST_CASE("GPU: a capture that is ended from outside is begun anew", "[cuda]") {
    REQUIRE_GPU();
    const CudaStream stream = make_stream();
    const DeviceBuffer buffer(64);
    const auto fill = [&](cudaStream_t s, int byte) { return cudaMemsetAsync(buffer.data(), byte, buffer.bytes(), s); };
    int calls = 0;
    const CudaGraph graph = capture(stream.get(), [&](cudaStream_t s) {
        cuda_check(fill(s, 1), "memset");
        if (calls++ < 3) CHECK(cudaStreamSynchronize(s) != cudaSuccess);  // which ends it
        cuda_check(fill(s, 7), "memset");
    });
    CHECK(calls == 4);
    test::cuda_ok(fill(stream.get(), 0));
    test::cuda_ok(cudaGraphLaunch(graph.get(), stream.get()));
    test::cuda_ok(cudaStreamSynchronize(stream.get()));
    CHECK(test::download<char>(buffer.data(), buffer.bytes()) == std::vector<char>(buffer.bytes(), 7));
    const auto refuse = [](cudaStream_t) { throw Error(ErrorKind::device, "of its own"); };
    CHECK_THROWS_AS(capture(stream.get(), refuse), Error);
    test::cuda_ok(fill(stream.get(), 0));  // no capture goes on
}

TEST_CASE("GPU: pictures in device memory are scaled together, and held until then by few", "[cuda]") {
    REQUIRE_GPU();
    constexpr int kBatch = 22, kDecoders = 3, kMost = 4;
    Network network = load_network(test::source_dir() + "/models/yolov3-quarter.cfg", "", "", {96, 64});
    randomize_weights(network, 3);
    Bench bench(network, Precision::fp16, kBatch, true);
    std::vector<test::RandomPicture> pictures;
    for (int i = 0; i < kBatch; ++i)
        pictures.emplace_back(i % 5 ? PixelFormat::nv12 : PixelFormat::rgb8, 40 + 9 * i, 200 - 7 * i, i);
    std::vector<std::unique_ptr<DecoderSeat>> seats;
    std::array<std::atomic<int>, kDecoders> held{};
    for (int i = 0; i < kDecoders; ++i) seats.push_back(bench.backend.make_seat("decoder " + std::to_string(i)));
    const auto on_host = [&](int i) {
        Frame frame;
        frame.pixels = pictures[std::size_t(i)].view();
        return frame;
    };
    // Overwritten as soon as nobody holds it.
    const auto on_device = [&](int i) {
        Frame frame = on_host(i);
        auto memory = std::make_shared<std::vector<test::DeviceBytes>>();
        for (int plane : {0, 1}) {
            if (pictures[std::size_t(i)].bytes(plane).empty()) continue;
            memory->push_back(test::upload(pictures[std::size_t(i)].bytes(plane)));
            frame.pixels.plane[plane] = static_cast<const std::uint8_t*>(memory->back().data());
        }
        frame.pixels.on_device = true;
        frame.cuda_stream = seats[std::size_t(i % kDecoders)]->target().cuda_stream;
        std::atomic<int>& count = held[std::size_t(i % kDecoders)];
        ++count;
        frame.owner = std::shared_ptr<const void>(memory.get(), [memory, &count](const void*) {
            for (const test::DeviceBytes& bytes : *memory) test::cuda_ok(cudaMemset(bytes.data(), 0x55, bytes.bytes()));
            --count;
        });
        return frame;
    };
    const auto inputs = [&] {
        bench.slot.run(kBatch);
        bench.slot.wait();
        std::vector<std::vector<float>> all;
        for (int n = 0; n < kBatch; ++n) {
            const test::OwnedTensor x = bench.read(0, n);
            all.emplace_back(x.view().data, x.view().data + x.view().pixels() * std::size_t(x.view().c));
        }
        return all;
    };
    for (int i = 0; i < kBatch; ++i) bench.slot.preprocess_whole(i, on_host(i), *seats[0]);
    const auto expected = inputs();
    for (const bool mixed : {false, true}) {
        INFO((mixed ? "every fourth from the host" : "all in device memory"));
        // What a batch that never ran was to have.
        for (int i = 0; i < kDecoders; ++i)
            bench.slot.preprocess_whole(kBatch - 1 - i, on_device(i), *seats[std::size_t(i)]);
        bench.slot.drop();
        std::array<std::atomic<int>, kDecoders> most{};
        std::vector<std::thread> threads;
        for (int d = 0; d < kDecoders; ++d)
            threads.emplace_back([&, d] {
                for (int i = d; i < kBatch; i += kDecoders) {
                    bench.slot.preprocess_whole(i, mixed && i % 4 == 0 ? on_host(i) : on_device(i),
                                                *seats[std::size_t(d)]);
                    most[std::size_t(d)] = std::max(most[std::size_t(d)].load(), held[std::size_t(d)].load());
                }
            });
        for (std::thread& thread : threads) thread.join();
        const auto found = inputs();
        for (int n = 0; n < kBatch; ++n) {
            INFO("picture " << n);
            CHECK(found[std::size_t(n)] == expected[std::size_t(n)]);
        }
        for (int d = 0; d < kDecoders; ++d) {
            CHECK(most[std::size_t(d)] <= kMost);
            seats[std::size_t(d)]->release();
            CHECK(held[std::size_t(d)] == 0);
        }
    }
}

TEST_CASE("GPU: areas of a frame are read where it lies, over several batches, and it is sent once", "[cuda]") {
    REQUIRE_GPU();
    constexpr int kBatch = 5, kAreas = int(std::size(test::kAreas));
    Network network = load_network(test::source_dir() + "/models/yolov3-quarter.cfg", "", "", {96, 64});
    randomize_weights(network, 3);
    Bench bench(network, Precision::fp16, kBatch, true);
    const std::unique_ptr<Slot> second = bench.backend.make_slot();
    const std::unique_ptr<DecoderSeat> seat = bench.backend.make_seat("decoder 0");
    const auto input = [&](int place) {
        const test::OwnedTensor x = bench.read(0, place);
        return std::vector<float>(x.view().data, x.view().data + x.view().pixels() * std::size_t(x.view().c));
    };
    for (PixelFormat format : {PixelFormat::rgb8, PixelFormat::nv12}) {
        test::RandomPicture picture(format, test::kAreaFrame[0], test::kAreaFrame[1], 6, 5);
        std::vector<std::vector<float>> expected;
        for (const Area& area : test::kAreas) {
            test::RandomPicture copy = test::copy_of(picture, area);
            Frame frame;
            frame.pixels = copy.view();
            bench.slot.preprocess_whole(0, frame, *seat);
            bench.slot.run(1);
            bench.slot.wait();
            expected.push_back(input(0));
        }
        for (bool on_device : {false, true})
            for (int first : {0, 2}) {
                INFO("format " << int(format) << (on_device ? ", in device memory" : ", in host memory"));
                Frame frame;
                frame.pixels = picture.view();
                std::vector<test::DeviceBytes> memory;
                std::atomic<int> held = 0;
                for (int plane = 0; on_device && plane < (format == PixelFormat::nv12 ? 2 : 1); ++plane) {
                    memory.push_back(test::upload(picture.bytes(plane)));
                    frame.pixels.plane[plane] = static_cast<const std::uint8_t*>(memory.back().data());
                }
                if (on_device) {
                    frame.pixels.on_device = true;
                    frame.cuda_stream = seat->target().cuda_stream;
                    ++held;
                    frame.owner = std::shared_ptr<const void>(&held, [&](const void*) { --held; });
                }
                // What finds room in one batch, then the rest in another slot's and in this one's again.
                const std::span<const Area> areas = test::kAreas;
                const auto begin = std::size_t(kBatch - first);
                bench.slot.preprocess(first, frame, areas.first(begin), *seat);
                std::vector<std::uint8_t> kept[2] = {picture.bytes(0), picture.bytes(1)};
                for (int plane : {0, 1}) std::fill(picture.bytes(plane).begin(), picture.bytes(plane).end(), 0x55);
                second->preprocess(0, frame, areas.subspan(begin, 1), *seat);
                bench.slot.run(kBatch);
                bench.slot.wait();
                for (std::size_t i = 0; i < begin; ++i) CHECK(input(first + int(i)) == expected[i]);
                bench.slot.preprocess(0, frame, areas.subspan(begin + 1), *seat);
                seat->frame_done();
                frame.owner.reset();
                const int rest = kAreas - int(begin) - 1;
                bench.slot.run(rest);
                bench.slot.wait();
                for (int i = 0; i < rest; ++i) CHECK(input(i) == expected[begin + 1 + std::size_t(i)]);
                second->run(1);
                second->wait();
                seat->release();
                CHECK(held == 0);
                for (int plane : {0, 1})
                    std::copy(kept[plane].begin(), kept[plane].end(), picture.bytes(plane).begin());
            }
    }
}
