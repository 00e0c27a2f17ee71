// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/tools/fake_gpu/fake_gpu.h"
#include "tests/tools/fake_gpu/fake_nvml.h"
#include "tools/metrics.h"
#include "tools/serve/gpu_sensors.h"
#include "tools/serve/live_state.h"

namespace convoy::test {

using tools::GpuReading;
using tools::GpuSensors;

TEST_CASE("temperatures are those of CUDA's GPUs, whatever NVML's order is", "[sensors]") {
    REQUIRE(fake_contexts_current() == 0);  // there is a driver
    {
        GpuSensors sensors({1, 0, 2});
        CHECK(fake_nvml().open == 1);
        const std::vector<GpuReading> gpus = sensors.read();
        REQUIRE(gpus.size() == 2);  // there is no third one
        CHECK((gpus[0].device == "cuda:1" && gpus[0].temperature_c == 40 && gpus[0].power_w == 100.5));
        CHECK((gpus[0].busy == .75 && gpus[0].decoder_busy == .5 && gpus[0].memory_used_bytes == 2000));
        CHECK((gpus[1].device == "cuda:0" && gpus[1].temperature_c == 50 && !gpus[1].decoder_busy));

        tools::Metrics metrics({"cuda:0,1", {}, {}, {}, {}, {}, [&] { return sensors.read(); }});
        const std::string text = metrics.text(1, true);
        CAPTURE(text);
        for (const std::string line :
             {"convoy_gpu_temperature_celsius{device=\"cuda:0\"} 50", "convoy_gpu_power_watts{device=\"cuda:1\"} 100.5",
              "convoy_gpu_busy_ratio{device=\"cuda:0\"} 0.76", "convoy_gpu_decoder_busy_ratio{device=\"cuda:1\"} 0.5",
              "convoy_gpu_memory_used_bytes{device=\"cuda:0\"} 2000"})
            CHECK(text.find("\n" + line + "\n") != text.npos);
        CHECK(text.find("decoder_busy_ratio{device=\"cuda:0\"}") == text.npos);

        tools::LiveState live({"cuda:0,1", {}, {}, {}, {}, false, [&] { return sensors.read(); }});
        const auto shown = nlohmann::json::parse(live.text())["gpus"];
        REQUIRE(shown.size() == 2);
        CHECK((shown[0]["device"] == "cuda:1" && shown[0]["temperature_c"] == 40 && shown[0]["power_w"] == 100.5));
        CHECK(shown[1]["decoder_busy"].is_null());
    }
    CHECK(fake_nvml().open == 0);
}

TEST_CASE("where there is no GPU, or NVML does not work, nothing is shown of them", "[sensors]") {
    CHECK(GpuSensors({}).read().empty());
    fake_nvml().works = false;
    {
        GpuSensors sensors({0, 1});
        CHECK(sensors.read().empty());
        CHECK(fake_nvml().open == 0);
        tools::Metrics metrics({"cuda:0,1", {}, {}, {}, {}, {}, [&] { return sensors.read(); }});
        CHECK(metrics.text(1, true).find("convoy_gpu") == std::string::npos);
    }
    fake_nvml().works = true;
}

}  // namespace convoy::test
