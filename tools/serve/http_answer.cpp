// SPDX-License-Identifier: MIT
#include "tools/serve/http_answer.h"

#include <fmt/core.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <convoy/error.h>
#include "tools/analysis/text.h"
#include "tools/media/files.h"
#include "tools/serve/http_mailbox.h"

namespace convoy::tools {

HttpReply error_reply(int status, const std::string& sentence) {
    HttpReply reply{status, "application/json", "{\"error\":" + analysis::json_string(sentence) + "}\n"};
    if (status == 503) reply.headers = {{"Retry-After", "1"}};
    return reply;
}

HttpPart http_part(const std::string& type, std::string_view body) {
    return std::make_shared<const std::string>(fmt::format(
        "Content-Type: {}\r\nContent-Length: {}\r\n\r\n{}\r\n--{}\r\n", type, body.size(), body, kHttpBoundary));
}

HttpMailbox::HttpMailbox() : wake_fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (wake_fd < 0) throw Error(ErrorKind::output, "--serve: " + media::system_message(errno));
}

HttpMailbox::~HttpMailbox() { close(wake_fd); }

void HttpMailbox::wake() const {
    const std::uint64_t one = 1;
    static_cast<void>(!write(wake_fd, &one, sizeof one));  // full: it is awake already
}

void HttpMailbox::post(Letter letter) {
    {
        const std::lock_guard lock(mutex_);
        letters_.push_back(std::move(letter));
    }
    wake();
}

std::vector<HttpMailbox::Letter> HttpMailbox::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(letters_, {});
}

HttpAnswer::~HttpAnswer() {
    if (mailbox_) (*this)(error_reply(503, "the program ends"));
}

void HttpAnswer::operator()(HttpReply reply) {
    std::exchange(mailbox_, nullptr)->post({.id = id_, .reply = std::move(reply)});
}

std::unique_ptr<HttpStream> HttpAnswer::stream() {
    return std::make_unique<HttpStream>(std::exchange(mailbox_, nullptr), id_);
}

HttpStream::HttpStream(std::shared_ptr<HttpMailbox> mailbox, std::uint64_t id)
    : mailbox_(std::move(mailbox)), id_(id), open_(std::make_shared<std::atomic<bool>>(true)) {
    mailbox_->post({.id = id_, .begins = open_});
}

HttpStream::~HttpStream() { mailbox_->post({.id = id_, .ends = true}); }

bool HttpStream::put(HttpPart part) {
    if (!is_open()) return false;
    mailbox_->post({.id = id_, .part = std::move(part)});
    return true;
}

}  // namespace convoy::tools
