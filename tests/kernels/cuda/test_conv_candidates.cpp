// SPDX-License-Identifier: MIT
//
// Every row of conv_candidates() on every problem below that it supports, against the CPU's oracle.
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "kernels/conv.h"
#include "tests/kernels/cuda/conv_case.h"
#include "tests/support/catch.h"

using namespace convoy;
using kernels::ConvProblem;
using kernels::DataType;
using kernels::cuda::Conv;
using kernels::cuda::ConvCandidate;
using kernels::cuda::DeviceCaps;
using kernels::cuda::Math;
using test::conv;
using test::ConvLayout;

namespace {

struct Item {
    ConvProblem problem;
    ConvLayout layout = {};
};
using Items = std::vector<Item>;

const ConvLayout kInput{.network_input = true};
const ConvLayout kSlices{.x_before = 1, .x_after = 2, .y_before = 3, .y_after = 1};
const ConvLayout kElsewhere{.x_after = 1, .y_before = 1, .residual_elsewhere = true};
const ConvLayout kUpsample{.x_before = 2, .y_before = 1, .y_after = 2, .upsample = 2};

ConvProblem with(ConvProblem p, Activation activation) {
    p.activation = activation;
    return p;
}
ConvProblem padded(ConvProblem p, int pad_h, int pad_w) {
    p.pad_h = pad_h, p.pad_w = pad_w;
    return p;
}
ConvProblem strided(ConvProblem p, int stride_h, int stride_w) {
    p.stride_h = stride_h, p.stride_w = stride_w;
    return p;
}
ConvProblem dilated(ConvProblem p, int dilation) {
    p.dilation = dilation, p.pad_h *= dilation, p.pad_w *= dilation;
    return p;
}
ConvProblem window(ConvProblem p, int r, int s) {
    p.r = r, p.s = s;
    return p;
}
ConvProblem with_residual(ConvProblem p, Activation activation, Activation after = Activation::linear) {
    p.activation = activation, p.residual = true, p.after_residual = after;
    return p;
}

void add(Items& items, std::initializer_list<ConvProblem> problems, std::initializer_list<ConvLayout> layouts) {
    for (const ConvProblem& p : problems)
        for (const ConvLayout& layout : layouts) items.push_back({p, layout});
}

/// Up to four channels: the network's input.
void add_first_layers(Items& items) {
    ConvLayout sliced = kInput;
    sliced.y_before = 1, sliced.y_after = 2;
    add(items,
        {with(conv(1, 13, 11, 3, 16, 3), Activation::leaky), with(conv(2, 21, 37, 3, 32, 3), Activation::leaky),
         with(conv(1, 40, 35, 3, 32, 3, 2), Activation::mish), with(conv(3, 9, 9, 1, 8, 3), Activation::relu),
         conv(1, 17, 50, 4, 64, 3), with(conv(1, 23, 21, 3, 18, 5), Activation::swish),
         with(conv(1, 33, 41, 3, 64, 7, 2), Activation::leaky), padded(conv(5, 8, 8, 3, 24, 3, 2), 0, 0),
         padded(conv(1, 6, 70, 2, 255, 3), 3, 2), strided(conv(2, 19, 23, 3, 20, 3), 1, 2),
         strided(conv(1, 19, 23, 3, 36, 5), 3, 1), dilated(conv(1, 22, 18, 3, 16, 3), 2), conv(1, 5, 5, 3, 1, 1),
         conv(1, 1, 1, 3, 3, 3), conv(1, 16, 32, 3, 32, 3), window(conv(1, 15, 14, 3, 40, 3), 2, 6),
         padded(window(conv(1, 12, 31, 4, 8, 3), 1, 7), 0, 3)},
        {kInput, sliced});
    // Enough blocks on any GPU for the tallest ones.
    add(items, {with(conv(24, 97, 65, 3, 8, 3), Activation::leaky)}, {kInput});
    // The same layers behind something that pads channels to whole vectors.
    add(items, {conv(1, 13, 11, 3, 16, 3), conv(2, 11, 12, 1, 32, 3, 2), conv(1, 9, 8, 4, 24, 5)}, {{}, kSlices});
}

void add_dense_layers(Items& items) {
    add(items,
        {// 1x1
         with(conv(1, 13, 13, 16, 32, 1), Activation::leaky), conv(2, 7, 9, 255, 18, 1), conv(1, 1, 1, 5, 7, 1),
         conv(3, 5, 6, 24, 255, 1), with(conv(1, 20, 20, 64, 128, 1), Activation::leaky), conv(1, 13, 13, 256, 255, 1),
         conv(5, 3, 3, 36, 1, 1), conv(1, 9, 8, 40, 24, 1, 2), padded(conv(1, 6, 5, 8, 16, 1), 1, 2),
         // 3x3
         with(conv(1, 13, 13, 32, 64, 3), Activation::leaky), conv(2, 9, 11, 5, 3, 3), conv(1, 12, 7, 8, 8, 3),
         conv(3, 5, 7, 20, 18, 3), with(conv(1, 19, 17, 36, 32, 3, 2), Activation::mish), conv(1, 8, 8, 255, 16, 3),
         conv(5, 4, 3, 24, 255, 3), conv(1, 1, 1, 64, 64, 3), conv(1, 1, 40, 16, 32, 3), conv(2, 3, 2, 256, 64, 3),
         with(conv(2, 20, 20, 16, 32, 3, 2), Activation::swish), padded(conv(1, 9, 9, 16, 24, 3), 0, 0),
         padded(conv(1, 7, 8, 24, 16, 3), 2, 3), strided(conv(2, 13, 14, 16, 32, 3), 1, 2),
         strided(conv(1, 14, 13, 32, 16, 3), 3, 2), dilated(conv(1, 15, 13, 32, 32, 3), 2),
         dilated(conv(2, 14, 17, 20, 24, 3, 2), 3),
         // others
         conv(1, 11, 9, 16, 32, 5), conv(2, 10, 10, 12, 20, 7, 2), window(conv(1, 9, 10, 24, 40, 3), 1, 5),
         padded(window(conv(1, 9, 10, 8, 8, 3), 4, 2), 1, 0)},
        {{}, kSlices});
    // Long reductions over few pixels, and whole tiles of the largest sizes.
    add(items,
        {conv(1, 13, 13, 200, 72, 3), padded(window(conv(1, 13, 7, 320, 183, 3), 1, 2), 0, 0),
         padded(window(conv(1, 9, 11, 320, 72, 3), 1, 3), 0, 1),
         // Blocks of a cluster begin within a row of the filter.
         padded(window(conv(1, 9, 10, 704, 24, 3), 2, 2), 0, 0), padded(window(conv(1, 9, 10, 704, 24, 3), 2, 3), 0, 1),
         with_residual(conv(2, 7, 9, 328, 72, 3), Activation::leaky),
         with(conv(1, 14, 14, 384, 72, 3, 2), Activation::leaky), conv(1, 12, 12, 320, 64, 1),
         with(conv(1, 13, 13, 1024, 40, 3), Activation::leaky), conv(1, 13, 13, 1024, 136, 1),
         with(conv(1, 26, 26, 64, 128, 3), Activation::leaky), with(conv(3, 16, 16, 32, 256, 1), Activation::leaky)},
        {{}});
}

/// Several tiles for every block of a persistent kernel on a GPU of up to 170 multiprocessors.
void add_many_tiles(Items& items) {
    add(items,
        {with_residual(conv(8, 50, 50, 8, 136, 3), Activation::leaky),
         with(conv(8, 50, 50, 40, 136, 1), Activation::leaky)},
        {kSlices});
    add(items, {with(conv(8, 50, 50, 8, 136, 1), Activation::leaky)}, {kUpsample});
}

void add_grouped_layers(Items& items) {
    for (int size : {3, 5})
        for (int stride : {1, 2})
            add(items,
                {with(conv(1, 13, 11, 16, 16, size, stride, 16), Activation::leaky),
                 with(conv(2, 10, 17, 36, 36, size, stride, 36), Activation::relu),
                 conv(1, 5, 3, 255, 255, size, stride, 255), conv(3, 1, 6, 8, 8, size, stride, 8)},
                {{}, kSlices});
    add(items,
        {conv(1, 9, 8, 20, 20, 7, 1, 20), dilated(conv(1, 13, 12, 24, 24, 3, 1, 24), 2),
         strided(conv(1, 13, 12, 24, 24, 3, 1, 24), 2, 1), window(conv(2, 6, 7, 8, 8, 3, 1, 8), 2, 4),
         padded(conv(1, 8, 9, 8, 8, 3, 1, 8), 0, 2), conv(5, 4, 4, 72, 72, 1, 1, 72),
         with_residual(conv(2, 9, 7, 24, 24, 3, 1, 24), Activation::linear),
         with_residual(conv(2, 9, 7, 24, 24, 5, 2, 24), Activation::swish, Activation::relu),
         with_residual(conv(1, 9, 7, 20, 20, 7, 1, 20), Activation::leaky, Activation::leaky)},
        {{}, kSlices, kElsewhere});
    // Groups of more than one channel, and of one that yields several.
    add(items,
        {conv(1, 9, 8, 12, 18, 3, 1, 3), conv(1, 9, 8, 64, 64, 3, 2, 2), conv(2, 7, 9, 32, 64, 3, 1, 32),
         conv(1, 6, 6, 16, 24, 1, 1, 4), dilated(strided(conv(2, 9, 11, 48, 96, 3, 1, 2), 1, 2), 2),
         with(conv(5, 7, 7, 40, 80, 5, 1, 5), Activation::leaky),
         with_residual(conv(1, 7, 6, 32, 32, 3, 1, 4), Activation::mish)},
        {{}, kSlices, kElsewhere});
    add(items, {conv(1, 9, 8, 3, 3, 3, 1, 3)}, {kInput});
}

void add_epilogues(Items& items) {
    for (std::size_t a = 0; a < std::size(kFusedActivations); ++a) {
        const Activation activation = kFusedActivations[a], after = std::rbegin(kFusedActivations)[a];
        add(items, {with(conv(1, 11, 10, 24, 40, 3), activation)}, {{}, kUpsample});
        add(items, {with(conv(1, 9, 12, 3, 16, 3), activation)}, {kInput});
        add(items,
            {with_residual(conv(2, 7, 6, 32, 24, 1), activation),
             with_residual(conv(1, 8, 9, 16, 20, 3), activation, after)},
            {{}, kSlices, kElsewhere});
    }
    add(items,
        {with(conv(2, 5, 7, 16, 24, 1), Activation::leaky), conv(1, 13, 13, 256, 128, 1), conv(1, 3, 4, 20, 18, 3)},
        {kUpsample});
    add(items, {with_residual(conv(1, 13, 13, 512, 48, 3), Activation::leaky)}, {{}, kElsewhere});
}

void add_library_layers(Items& items) {
    const auto leaky = Activation::leaky;
    items.insert(items.end(),
                 {{with(conv(2, 19, 17, 32, 64, 3), leaky)},
                  {with(conv(2, 19, 17, 32, 64, 3, 2), leaky), kSlices},
                  {with_residual(conv(2, 19, 17, 32, 64, 3), leaky)},
                  {with_residual(conv(1, 13, 13, 64, 32, 3), leaky, Activation::relu), kElsewhere},
                  {conv(2, 13, 13, 128, 255, 1)},
                  {with(conv(1, 20, 20, 64, 40, 1), leaky), kSlices},
                  {with(conv(1, 20, 20, 64, 40, 1), Activation::relu), kSlices},
                  {with_residual(conv(2, 13, 13, 64, 64, 1), Activation::linear)},
                  {with_residual(conv(2, 13, 13, 64, 64, 1), Activation::linear, Activation::relu), kElsewhere},
                  {with(conv(1, 24, 20, 3, 16, 3), leaky), kInput},
                  {with(conv(1, 11, 12, 24, 24, 5), Activation::mish)},
                  {conv(1, 11, 12, 20, 18, 3), kSlices}});
}

const char* name(Math math) { return math == Math::fp16 ? "fp16" : math == Math::tf32 ? "tf32" : "fp32"; }

/// Runs the row four times: on a workspace of NaN, as the first run leaves it, full of ones, and backwards. All agree
/// to the bit. Whether there was anything to run.
bool check(const ConvCandidate& row, const test::ConvCase& item, Math math, const DeviceCaps& caps,
           const kernels::cuda::ConvLibraries& libraries) {
    INFO(row.name << ", " << name(math) << ": " << item.describe());
    const auto kernel = row.prepare(item.conv(math), caps, libraries);
    if (!kernel) return false;
    const test::DeviceBytes workspace(kernel->workspace_bytes());
    const std::vector<float> y = item.run(*kernel, workspace.data());
    const test::Comparison result = item.check(y, math);
    INFO(result.message);
    CHECK(result.ok);

    const auto same = [&](const std::vector<float>& other) {
        return std::memcmp(y.data(), other.data(), y.size() * sizeof(float)) == 0;
    };
    const bool again = same(item.run(*kernel, workspace.data()));
    CHECK(again);
    test::cuda_ok(cudaMemset(workspace.data(), 0x3c, workspace.bytes()));
    const bool on_garbage = same(item.run(*kernel, workspace.data()));
    CHECK(on_garbage);
    const bool backwards = same(item.run(*kernel, workspace.data(), true));
    CHECK(backwards);
    if (!row.restore) return true;
    const std::string serialized = kernel->serialized();
    if (serialized.empty()) return true;
    const auto restored = row.restore(item.conv(math), serialized, libraries);
    REQUIRE(restored);
    CHECK(restored->workspace_bytes() == kernel->workspace_bytes());
    const bool as_prepared = same(item.run(*restored, workspace.data()));
    CHECK(as_prepared);
    CHECK(restored->serialized().empty());
    CHECK_THROWS_AS(row.restore(item.conv(math), serialized.substr(serialized.size() / 2), libraries),
                    std::runtime_error);
    return true;
}

/// Checks on every problem the rows that are ours, or those that are the libraries'. `all`: each must have had one.
void check_rows(const Items& items, bool libraries_rows, bool all = true) {
    const DeviceCaps caps = test::current_caps();
    const auto other = [&](int compute_capability) {
        return DeviceCaps{compute_capability, compute_capability, caps.multiprocessors, std::size_t(1) << 20,
                          caps.l2_bytes};
    };
    const DeviceCaps elsewhere[] = {other(75), other(90), other(1000)};  // GPUs that can all there is
    const kernels::cuda::ConvLibraries libraries;
    std::vector<ConvCandidate> rows;
    for (const ConvCandidate& row : kernels::cuda::conv_candidates())
        if ((test::library_missing(row) != nullptr) == libraries_rows) rows.push_back(row);
    std::set<std::string> exercised, supported, supported_elsewhere;
    for (const Item& item : items)
        for (DataType type : {DataType::fp16, DataType::fp32}) {
            const test::ConvCase on_device(item.problem, type, item.layout);
            for (Math math : {Math::fp16, Math::tf32, Math::fp32}) {
                if (kernels::cuda::storage(math) != type) continue;
                const Conv key = on_device.conv(math);
                if (!libraries_rows) REQUIRE(rows[0].supports(key, caps));
                for (const ConvCandidate& row : rows) {
                    for (const DeviceCaps& gpu : elsewhere)
                        if (row.supports(key, gpu)) supported_elsewhere.insert(row.name);
                    if (!row.supports(key, caps)) continue;
                    supported.insert(row.name);
                    if (check(row, on_device, math, caps, libraries)) exercised.insert(row.name);
                }
            }
        }

    if (!all) return;
    const std::string& found = libraries.description();
    for (const ConvCandidate& row : rows) {
        if (exercised.count(row.name)) continue;
        const char* missing = test::library_missing(row);
        if (missing && found.find(missing) != found.npos)
            WARN(row.name << " not tried: " << found);
        else if (!supported.count(row.name) && supported_elsewhere.count(row.name))
            WARN(row.name << " not tried: not for this GPU's compute capability or shared memory");
        else
            FAIL_CHECK(row.name << ": no problem of the list exercises it");
    }
}

}  // namespace

TEST_CASE("conv_candidates(): every kernel computes what it supports") {
    REQUIRE_GPU();
    REQUIRE(std::string(kernels::cuda::conv_candidates()[0].name) == "direct");
    Items items;
    add_first_layers(items);
    add_dense_layers(items);
    add_many_tiles(items);
    add_grouped_layers(items);
    add_epilogues(items);
    add_library_layers(items);
    check_rows(items, false);
}

// Small enough for compute-sanitizer, under which a launch takes a hundred times as long.
TEST_CASE("conv_candidates(): a few odd shapes", "[.][sanitize]") {
    REQUIRE_GPU();
    Items items;
    const auto leaky = Activation::leaky;
    add(items,
        {with_residual(conv(2, 9, 7, 72, 136, 3), leaky), with(conv(3, 13, 5, 40, 72, 3, 2), leaky),
         with_residual(conv(1, 13, 13, 136, 72, 1), leaky, Activation::relu), conv(5, 3, 3, 264, 255, 1)},
        {kElsewhere});
    add(items, {with(conv(1, 5, 9, 40, 136, 1), Activation::mish)}, {kUpsample});
    add(items, {with(conv(1, 13, 11, 3, 16, 3), leaky)}, {kInput});
    add(items, {with(conv(2, 7, 9, 16, 16, 3, 1, 16), leaky), conv(1, 6, 6, 16, 24, 1, 1, 4)}, {kSlices});
    check_rows(items, false, false);
}

// By shape alone, so without any GPU. (90 is left to the Hopper family's own rule: test_conv_tf32.cpp.)
TEST_CASE("fixed_choice(): every GPU with tensor cores has tiles that fit its shared memory") {
    constexpr std::size_t kKilobyte = 1024;
    const DeviceCaps gpus[] = {{75, 75, 40, 64 * kKilobyte, 4 << 20},     {80, 80, 108, 163 * kKilobyte, 40 << 20},
                               {86, 86, 82, 99 * kKilobyte, 6 << 20},     {100, 100, 148, 227 * kKilobyte, 120 << 20},
                               {120, 120, 170, 99 * kKilobyte, 96 << 20}, {100, 75, 148, 227 * kKilobyte, 120 << 20}};
    for (const DeviceCaps& caps : gpus)
        for (Math math : {Math::fp16, Math::tf32})
            for (const ConvProblem& problem :
                 {conv(1, 13, 13, 512, 1024, 3), conv(32, 52, 52, 128, 256, 3), conv(8, 104, 104, 64, 64, 1),
                  conv(32, 104, 104, 64, 32, 1), conv(1, 13, 13, 256, 18, 1)}) {
                Conv key{problem, math};
                key.x_pitch = kernels::padded_channels(problem.c, kernels::cuda::storage(math));
                key.y_pitch = key.packed_k();
                const std::string row = kernels::cuda::fixed_choice(key, caps);
                const bool old = caps.compiled_for < 80;
                INFO(caps.compute_capability << ", " << caps.compiled_for << ", " << name(math) << ", "
                                             << test::describe(problem) << ": " << row);
                CHECK(row.rfind(math == Math::tf32 ? (old ? "direct" : "igemm_tf32_")
                                : old              ? "igemm_plain_"
                                                   : "igemm_",
                                0) == 0);
            }
}

// The kernels for few pixels count places in y and residuals in 31 bits, in vectors. By shape alone, too.
TEST_CASE("conv_candidates(): tensors with more vectors than a kernel can count are left to others") {
    const DeviceCaps caps{90, 90, 132, std::size_t(227) * 1024, 50 << 20};
    Conv key{conv(1, 13, 13, 64, 64, 1), Math::fp16};
    key.x_pitch = key.y_pitch = key.residual_pitch = 64;
    key.problem.residual = true;
    int rows = 0;
    for (const kernels::cuda::ConvCandidate& row : kernels::cuda::conv_candidates()) {
        const std::string name = row.name;
        if (name.rfind("wgmma_share_", 0) != 0 || !row.supports(key, caps)) continue;
        ++rows;
        INFO(name);
        Conv wide = key;
        wide.y_pitch = 1 << 27;
        CHECK_FALSE(row.supports(wide, caps));
        wide = key;
        wide.residual_pitch = 1 << 27;
        CHECK_FALSE(row.supports(wide, caps));
        wide = key;
        wide.upsample = 2, wide.y_pitch = 1 << 25;
        CHECK_FALSE(row.supports(wide, caps));
    }
    if (rows == 0) SKIP_TEST_CASE("no kernel of that kind is compiled");
}

// What was made ready for one problem may be launched after the same row was made ready for others.
TEST_CASE("conv_candidates(): a kernel made ready for another problem changes nothing") {
    REQUIRE_GPU();
    const DeviceCaps caps = test::current_caps();
    const kernels::cuda::ConvLibraries libraries;
    for (Math math : {Math::fp16, Math::tf32}) {
        const DataType type = kernels::cuda::storage(math);
        const test::ConvCase large(with(conv(1, 26, 26, 256, 64, 3), Activation::leaky), type);
        const test::ConvCase small(conv(1, 8, 8, 256, 64, 1), type);
        const Conv large_key = large.conv(math), small_key = small.conv(math);
        for (const ConvCandidate& row : kernels::cuda::conv_candidates()) {
            if (test::library_missing(row) || !row.supports(large_key, caps) || !row.supports(small_key, caps))
                continue;
            INFO(row.name << ", " << name(math));
            const auto kernel = row.prepare(large_key, caps, libraries);
            const auto other = row.prepare(small_key, caps, libraries);
            if (!kernel || !other) continue;
            const test::DeviceBytes workspace(std::max(kernel->workspace_bytes(), other->workspace_bytes()));
            for (const auto& [item, prepared] : {std::pair(&large, &kernel), std::pair(&small, &other)}) {
                const test::Comparison result = item->check(item->run(**prepared, workspace.data()), math);
                INFO(result.message);
                CHECK(result.ok);
            }
        }
    }
}

// They may compile for a second per problem.
TEST_CASE("conv_candidates(): every kernel of a library computes what it supports", "[slow]") {
    REQUIRE_GPU();
    Items items;
    add_library_layers(items);
    check_rows(items, true);
}

// Blocks that take tiles in turns, and share a tile's sums, must not depend on who is first.
TEST_CASE("conv_candidates(): 10,000 runs of a kernel of ours give the same bits", "[slow]") {
    REQUIRE_GPU();
    constexpr int kTimes = 10000;
    const DeviceCaps caps = test::current_caps();
    const kernels::cuda::ConvLibraries libraries;
    Items items;
    add(items, {with_residual(conv(1, 26, 26, 72, 136, 3), Activation::leaky)}, {kElsewhere});
    add(items, {with(conv(2, 13, 13, 264, 72, 1), Activation::leaky)}, {kSlices});
    for (const Item& item : items) {
        for (Math math : {Math::fp16, Math::tf32, Math::fp32}) {
            const test::ConvCase on_device(item.problem, kernels::cuda::storage(math), item.layout);
            const Conv key = on_device.conv(math);
            for (const ConvCandidate& row : kernels::cuda::conv_candidates()) {
                if (test::library_missing(row) || !row.supports(key, caps)) continue;
                INFO(row.name << ": " << on_device.describe());
                const auto kernel = row.prepare(key, caps, libraries);
                if (!kernel) continue;
                const test::DeviceBytes workspace(kernel->workspace_bytes());
                CHECK(on_device.differing_runs(*kernel, workspace.data(), kTimes) == 0);
            }
        }
    }
}

// The plain kernel is many times as slow, so nothing that has no groups may be left to it.
TEST_CASE("fixed_choice(): true fp32 has kernels of its own, and blocks for all multiprocessors") {
    const auto choice = [](const ConvProblem& problem, int compute_capability) {
        const std::size_t shared_bytes = (compute_capability == 90 ? 227 : 99) * 1024;
        const DeviceCaps caps{compute_capability, compute_capability, 132, shared_bytes, 0};
        Conv key;
        key.problem = problem, key.math = Math::fp32;
        key.x_pitch = kernels::padded_channels(problem.c, DataType::fp32), key.y_pitch = key.packed_k();
        return std::string(kernels::cuda::fixed_choice(key, caps));
    };
    const ConvProblem large = conv(32, 52, 52, 128, 256, 3), few_pixels = conv(1, 13, 13, 512, 1024, 3);
    for (int compute_capability : {80, 86, 90})
        for (const ConvProblem& p : {large, few_pixels, conv(1, 416, 416, 3, 32, 3), conv(1, 1, 1, 5, 7, 1),
                                     conv(2, 13, 13, 1024, 255, 1), dilated(conv(1, 15, 13, 36, 18, 5, 2), 2)}) {
            INFO(compute_capability << ": " << p.c << " -> " << p.k);
            CHECK(choice(p, compute_capability).rfind("igemm_fp32_", 0) == 0);
        }
    CHECK(choice(large, 90).find("split") == std::string::npos);
    CHECK(choice(few_pixels, 90).find("split") != std::string::npos);
    CHECK(choice(few_pixels, 86).find("workspace") != std::string::npos);
    CHECK(choice(conv(1, 13, 13, 64, 64, 3, 1, 2), 90).rfind("igemm", 0) != 0);
}
