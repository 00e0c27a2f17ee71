// SPDX-License-Identifier: MIT
#include "tools/serving.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include <convoy/error.h>
#include "tools/serve/served_run.h"

namespace convoy::tools {
namespace {

constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::size_t kShortestToken = 8;

// Whatever is allowed in a header.
std::string checked(const std::string& token) {
    if (token.size() < kShortestToken ||
        std::any_of(token.begin(), token.end(), [](char c) { return c <= ' ' || c > '~'; }))
        throw Error(ErrorKind::usage,
                    fmt::format("CONVOY_TOKEN in the environment: a token has {} or more letters, digits and signs of "
                                "ASCII, and no spaces",
                                kShortestToken));
    return token;
}

// What the page may do: nothing that is not in it, but ask here.
std::string page_rules(const std::string& nonce) {
    return fmt::format(
        "default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        nonce);
}

}  // namespace

Serving::Serving(const std::string& serve, const std::string& metrics_port, const char* token) {
    if (!serve.empty()) {
        HttpServer::require("--serve");
        token_is_random_ = !token || !*token;
        token_ = token_is_random_ ? random_token() : checked(token);
        socket_.emplace("--serve", listen_address("--serve", serve));
    }
    if (metrics_port.empty()) return;
    HttpServer::require("--metrics");
    metrics_socket_.emplace("--metrics", listen_address("--metrics", metrics_port));
}

void Serving::start(const Engine& engine, const EngineOptions& options, const std::vector<std::string>& class_names,
                    const DrawOptions& drawing, Metrics& metrics, const Rules& rules) {
    const auto text = [&metrics] { return metrics.text(true); };
    if (metrics_socket_) {
        metrics_site_.emplace(Site::Access{"", metrics_socket_->is_loopback(), metrics_socket_->host()});
        metrics_site_->add_text("/metrics", Site::Needs::nothing, kMetricsType, text);
        metrics_server_.emplace(*metrics_socket_, *metrics_site_);
    }
    if (!socket_) return;
    DetectQueue::Limits limits;
    if (const TileOptions& tiles = options.detect.tiles; tiles.count() > 1)
        limits.least_width = 2 * tiles.columns, limits.least_height = 2 * tiles.rows;
    queue_ = std::make_unique<DetectQueue>(class_names, 2 * engine.devices(), limits);
    site_.emplace(Site::Access{token_, socket_->is_loopback(), socket_->host()});
    site_->add_text("/metrics", Site::Needs::token_from_afar, kMetricsType, text);
    live_ = std::make_unique<LiveState>(
        LiveState::Sources{engine.description(), class_names, drawing.zones, [&engine] { return engine.stats(); },
                           drawing.blurred, rules.inputs != ServeInputs::none, [&metrics] { return metrics.gpus(); }});
    site_->add_text("/api/live", Site::Needs::token_from_afar, "application/json", [this] { return live_->text(); });
    site_->add("GET", "/api/inputs/N/picture", Site::Needs::token_from_afar,
               [this](const HttpRequest& request, HttpAnswer answer) { live_->picture(request, std::move(answer)); });
    site_->add("GET", "/api/inputs/N/stream", Site::Needs::token_of_player,
               [this](const HttpRequest& request, HttpAnswer answer) { live_->stream(request, std::move(answer)); });
    if (rules.inputs != ServeInputs::none) {
        inputs_ = std::make_unique<ServedInputs>(rules.inputs, *live_, rules.note);
        site_->add("POST", "/api/inputs", Site::Needs::token,
                   [this](const HttpRequest& request, HttpAnswer answer) { inputs_->add(request, std::move(answer)); });
        site_->add(
            "DELETE", "/api/inputs/N", Site::Needs::token,
            [this](const HttpRequest& request, HttpAnswer answer) { inputs_->remove(request, std::move(answer)); });
    }
    const std::string nonce = random_token();
    site_->add("GET", "/", Site::Needs::nothing,
               [page = live_page(nonce), rules = page_rules(nonce)](const HttpRequest&, HttpAnswer answer) {
                   answer({200, "text/html; charset=utf-8", page, {{"Content-Security-Policy", rules}}});
               });
    site_->add("POST", "/detect", Site::Needs::token,
               [this](HttpRequest request, HttpAnswer answer) { queue_->post(std::move(request), std::move(answer)); });
    server_.emplace(*socket_, *site_);
}

void Serving::stop() {
    server_.reset();
    metrics_server_.reset();
}

void Serving::begin_run(RunningInputs& running) {
    running.tell_of_each([this](int input, const std::string& name) { live_->add_input(input, name); });
    if (inputs_) inputs_->begin(running);
}

void Serving::end_run() {
    if (inputs_) inputs_->end();
}

std::vector<std::string> Serving::addresses() const {
    std::vector<std::string> lines;
    if (socket_)
        lines.push_back(
            fmt::format("serving: {} (token: {})", socket_->url(), token_is_random_ ? token_ : "that of CONVOY_TOKEN"));
    if (metrics_socket_) lines.push_back(fmt::format("metrics: {}metrics", metrics_socket_->url()));
    return lines;
}

RunObserver& Serving::beside(RunObserver& told, int number, int others) {
    observer_ = std::make_unique<ServedRun>(told, number, others, *queue_, *live_);
    return *observer_;
}

}  // namespace convoy::tools
