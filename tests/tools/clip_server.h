// SPDX-License-Identifier: MIT
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <utility>

#include "tests/tools/media_files.h"
#include "tests/tools/silent_server.h"

namespace convoy::test {

/// A live stream: whoever connects is sent the same clip from its begin, as fast as it is taken, and left.
class ClipServer {
public:
    explicit ClipServer(Bytes clip) : clip_(std::move(clip)) {}
    ~ClipServer() {
        listener_.stop();
        thread_.join();
    }
    ClipServer(const ClipServer&) = delete;
    std::string url() const { return "tcp://" + listener_.address(); }

private:
    void serve() const {
        for (int fd; (fd = listener_.accept()) >= 0; ::close(fd)) {
            std::size_t sent = 0;
            while (sent < clip_.size()) {
                const auto count = ::send(fd, clip_.data() + sent, clip_.size() - sent, MSG_NOSIGNAL);
                if (count <= 0) break;
                sent += std::size_t(count);
            }
        }
    }

    const Bytes clip_;
    const LoopbackListener listener_{0};
    std::thread thread_{[this] { serve(); }};
};

}  // namespace convoy::test
