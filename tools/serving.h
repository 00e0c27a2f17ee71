// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tools/metrics.h"
#include "tools/serve/http_server.h"
#include "tools/serve/site.h"

namespace convoy::tools {

/// What --metrics PORT serves. Its port is taken when it is made, before the model is loaded; it answers while started.
class Serving {
public:
    /// `metrics_port` is [HOST:]PORT, or "". Throws Error.
    explicit Serving(const std::string& metrics_port);

    /// Until stop() or its end; `metrics` must outlive that.
    void start(Metrics& metrics);
    void stop() { metrics_server_.reset(); }
    /// Where it listens, for people: "metrics: http://…"; "" for nowhere.
    std::string addresses() const;

private:
    std::optional<ListenSocket> metrics_socket_;
    std::optional<Site> metrics_site_;
    std::optional<HttpServer> metrics_server_;
};

}  // namespace convoy::tools
