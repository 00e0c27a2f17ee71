// SPDX-License-Identifier: MIT
#include "tools/serving.h"

namespace convoy::tools {
namespace {

constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace

Serving::Serving(const std::string& metrics_port) {
    if (metrics_port.empty()) return;
    HttpServer::require("--metrics");
    metrics_socket_.emplace("--metrics", listen_address("--metrics", metrics_port));
}

void Serving::start(Metrics& metrics) {
    if (!metrics_socket_) return;
    metrics_site_.emplace(Site::Access{"", metrics_socket_->is_loopback(), metrics_socket_->host()});
    metrics_site_->add_text("/metrics", Site::Needs::nothing, kMetricsType, [&] { return metrics.text(true); });
    metrics_server_.emplace(*metrics_socket_, *metrics_site_);
}

std::string Serving::addresses() const {
    return metrics_socket_ ? "metrics: " + metrics_socket_->url() + "metrics" : "";
}

}  // namespace convoy::tools
