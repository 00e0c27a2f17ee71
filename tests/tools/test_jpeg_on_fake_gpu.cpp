// SPDX-License-Identifier: MIT
//
// What is called of a driver and of nvJPEG, in which order and in which context; and what happens when a call fails.
#include <thread>
#include <vector>

#include "tests/support/catch.h"
#include "tests/tools/fake_gpu/fake_gpu.h"
#include "tests/tools/jpeg_check.h"
#include "tools/media/out/jpeg_encoders.h"

using namespace convoy;
using namespace convoy::test;
using media::JpegEncoders;

TEST_CASE("pictures of any format and size go through a GPU's encoder", "[fake-gpu]") {
    REQUIRE(fake_nvjpeg_is_loaded());
    {
        JpegEncoders encoders({0, 1});
        int count = 0;
        for (const auto& [w, h] : {std::pair{101, 67}, {1, 1}, {33, 31}, {320, 240}})
            for (const TestPicture& p : test_pictures(w, h))
                for (const int quality : {50, 100}) {
                    CAPTURE(w, h, p.name, quality);
                    CHECK(jpeg_fault(encoders.encode("x.jpg", p.view, quality), p.view) == "");
                    ++count;
                }
        CHECK(encoders.tally().on_gpu == count);
        CHECK(encoders.tally().on_cpu == 0);
        CHECK(describe(encoders.tally()) == std::to_string(count) + " JPEGs by nvJPEG");
        CHECK(fake_contexts_current() == 0);
        CHECK(fake_gpu().states == 1);  // kept from picture to picture, and the second GPU was not needed
    }
    CHECK(fake_gpu().held() == 0);
    CHECK(fake_gpu().misuse == 0);
}

TEST_CASE("threads share GPUs, each with an encoder of its own at a time", "[fake-gpu]") {
    {
        JpegEncoders encoders({0, 1});
        std::vector<std::string> faults(8);
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; ++i)
            threads.emplace_back([&, i] {
                const std::vector<TestPicture> pictures = test_pictures(40 + i, 30);
                for (int round = 0; round < 4; ++round)
                    for (const TestPicture& p : pictures)
                        faults[std::size_t(i)] += jpeg_fault(encoders.encode("x.jpg", p.view, 80), p.view);
                if (fake_contexts_current() != 0) faults[std::size_t(i)] += "a context was left";
            });
        threads.clear();
        for (const std::string& fault : faults) CHECK(fault == "");
        CHECK(encoders.tally().on_gpu == 8 * 4 * 10);
        CHECK(fake_gpu().states <= 8);
    }
    CHECK(fake_gpu().held() == 0);
    CHECK(fake_gpu().misuse == 0);
}

TEST_CASE("whichever call fails, every picture is encoded, nothing stays and the reason is told", "[fake-gpu]") {
    const TestPicture nv12 = std::move(test_pictures(33, 31)[1]), rgb = std::move(test_pictures(64, 48)[0]);
    for (int fail_at = 0;; ++fail_at) {
        bool failed = false;
        {
            JpegEncoders encoders({0});
            fake_gpu().calls = 0;
            fake_gpu().fail_at = fail_at;
            CAPTURE(fail_at);
            for (const TestPicture* p : {&nv12, &rgb, &nv12})
                CHECK(jpeg_fault(encoders.encode("x.jpg", p->view, 90), p->view) == "");
            CHECK(fake_contexts_current() == 0);
            failed = fake_gpu().calls > fail_at;
            fake_gpu().fail_at = -1;
            const JpegEncoders::Tally tally = encoders.tally();
            CHECK(tally.on_gpu + tally.on_cpu == 3);
            CHECK((tally.on_cpu > 0) == failed);
            CHECK(tally.why_cpu.starts_with("cuda:0: ") == failed);
        }
        CHECK(fake_gpu().held() == 0);
        CHECK(fake_gpu().misuse == 0);
        if (!failed) {
            CHECK(fail_at > 20);  // so many calls there were to fail
            break;
        }
    }
}

TEST_CASE("a GPU that is not there leaves its pictures to the others", "[fake-gpu]") {
    {
        JpegEncoders encoders({7, 0}), none({7}), cpu({});
        CHECK(encoders.has_gpu());
        CHECK_FALSE(none.has_gpu());
        CHECK(none.tally().why_cpu == "cuda:7: cuDeviceGet: invalid device ordinal");
        CHECK_FALSE(cpu.has_gpu());
        const TestPicture p = std::move(test_pictures(33, 31)[0]);
        CHECK(jpeg_fault(encoders.encode("x.jpg", p.view, 90), p.view) == "");
        CHECK(encoders.tally().on_gpu == 1);
        CHECK(encoders.tally().why_cpu == "cuda:7: cuDeviceGet: invalid device ordinal");
    }
    CHECK(fake_gpu().held() == 0);
}
