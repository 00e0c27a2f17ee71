// SPDX-License-Identifier: MIT
#include "tools/sinks/make_sinks.h"

#include <utility>

#include "tools/sinks/contact_sheet_sink.h"
#include "tools/sinks/crops_sink.h"
#include "tools/sinks/kafka_publisher.h"
#include "tools/sinks/message_sink.h"
#include "tools/sinks/mqtt_publisher.h"
#include "tools/sinks/overlay_sink.h"
#include "tools/sinks/per_input_sink.h"
#include "tools/sinks/picture_files_sink.h"
#include "tools/sinks/record_sink.h"
#include "tools/sinks/video_sink.h"
#include "tools/sinks/yolo_sink.h"

namespace convoy::tools {
namespace {

std::unique_ptr<Sink> make_records(const PlannedRecords& records, const InputNames& files, const FormatNames& names,
                                   const media::GiveUp& give_up) {
    const auto make = [kind = records.kind, names, give_up](const std::string& path) {
        return std::make_unique<RecordSink>(path, kind->format(names), give_up);
    };
    if (records.files.empty()) return make(records.file);
    return std::make_unique<FolderSink>(files, make, give_up);
}

}  // namespace

Sinks make_sinks(const OutputPlan& plan, const std::vector<std::string>& class_names, const media::GiveUp& give_up) {
    Sinks sinks;
    const OutputNames& of_inputs = sinks.names.emplace(plan);
    const FormatNames names = {class_names, FrameNames(of_inputs.frame_stems), plan.drawing.zones,
                               plan.drawing.latency};
    for (std::size_t i = 0; i < plan.records.size(); ++i)
        sinks.records.push_back(make_records(plan.records[i], of_inputs.records[i], names, give_up));
    if (!plan.label_stems.empty())
        sinks.records.push_back(
            std::make_unique<YoloSink>(of_inputs.label_stems, plan.label_classes, class_names, give_up));
    if (!plan.overlays.empty())
        sinks.records.push_back(std::make_unique<OverlaySink>(of_inputs.overlays, class_names, plan.drawing));
    const auto publish = [&](const PlannedBroker& plan_of, std::shared_ptr<BrokerPublisher> broker) {
        const auto format = plan_of.events ? zone_events_format : jsonl_format;
        sinks.records.push_back(std::make_unique<MessageSink>(
            [broker](Message message) { broker->publish(std::move(message.text), std::move(message.key)); },
            [broker, give_up] { broker->close(give_up); }, [format, names] { return format(names); }));
        sinks.brokers.push_back(std::move(broker));
    };
    // Behind the files, since their close() may wait.
    if (plan.mqtt) publish(*plan.mqtt, std::make_shared<MqttPublisher>(plan.mqtt->target, plan.mqtt->queue_bytes));
    if (plan.kafka) publish(*plan.kafka, std::make_shared<KafkaPublisher>(plan.kafka->target, plan.kafka->queue_bytes));
    if (plan.webhook) {
        sinks.webhook = std::make_shared<Webhook>(*plan.webhook);
        sinks.records.push_back(std::make_unique<MessageSink>(
            [webhook = sinks.webhook](Message message) { webhook->post(std::move(message.text)); },
            [webhook = sinks.webhook, give_up] { webhook->close(give_up); },
            [names] { return zone_events_format(names); }));
    }
    const media::VideoFormat& encoding = plan.encoding;
    if (encoding.encoder == media::EncoderChoice::jpeg)
        sinks.jpegs = std::make_shared<media::JpegEncoders>(encoding.gpus);
    // A single input's error ends the run at once.
    const auto add = [&](std::size_t inputs, std::unique_ptr<PictureSink> sink) {
        if (inputs > 1 || plan.more_inputs) sink = std::make_unique<PerInputSink>(std::move(sink), give_up);
        sinks.pictures.push_back(std::move(sink));
    };
    if (!plan.videos.empty())
        add(plan.videos.size(),
            std::make_unique<VideoSink>(of_inputs.videos, !plan.picture_stems.empty(), encoding, give_up, sinks.jpegs));
    if (!plan.picture_stems.empty())
        add(plan.picture_stems.size(),
            std::make_unique<PictureFilesSink>(of_inputs.picture_stems, plan.by_kind, give_up, sinks.jpegs,
                                               encoding.quality < 0 ? media::kJpegQuality : encoding.quality));
    if (!plan.crops.empty()) add(plan.frame_stems.size(), std::make_unique<CropsSink>(plan.crops, names, give_up));
    if (!plan.contact_sheet.empty())
        sinks.pictures.push_back(std::make_unique<ContactSheetSink>(plan.contact_sheet, give_up));
    return sinks;
}

}  // namespace convoy::tools
