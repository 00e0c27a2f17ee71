// SPDX-License-Identifier: MIT
#include "tools/sinks/http_poster.h"

#include <convoy/error.h>

#ifdef CONVOY_CURL
#include <curl/curl.h>
#include <unistd.h>

#include <cstddef>
#include <new>
#include <optional>
#include <stdexcept>

#include <convoy/version.h>
#endif

namespace convoy::tools {

#ifndef CONVOY_CURL

class HttpPoster::Connection {};

std::string HttpPoster::complaint_of(const std::string&) { return {}; }
HttpPoster::HttpPoster(const std::string&, const std::string&, const std::string&) {
    throw Error(ErrorKind::unsupported,
                "--webhook: this program was built without libcurl; install libcurl4-openssl-dev, and configure and "
                "build it again");
}
HttpPoster::~HttpPoster() = default;
HttpPoster::Reply HttpPoster::post(const std::string&, std::chrono::milliseconds, const std::atomic<bool>&) {
    return {};
}

#else

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kLookMs = 20;                             // how often the loop looks whether it is to stop
constexpr auto kBody = std::chrono::milliseconds(200);  // that a reply's body may take, which nobody reads

std::size_t leave_body(char*, std::size_t size, std::size_t count, void*) { return size * count; }

template <auto FREE>
struct FreeBy {
    template <typename T>
    void operator()(T* p) const {
        FREE(p);
    }
};

}  // namespace

class HttpPoster::Connection {
public:
    Connection(const std::string& url, const std::string& header, const std::string& ca_file) {
        static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
        if (ready != CURLE_OK) throw std::runtime_error("libcurl does not start");
        easy_.reset(curl_easy_init());
        multi_.reset(curl_multi_init());
        if (!easy_ || !multi_) throw std::bad_alloc();
        add_header("Content-Type: application/json");
        add_header("Expect:");  // none: it would cost a round trip
        if (!header.empty()) add_header(header);
        set(CURLOPT_URL, url.c_str());
        set(CURLOPT_PROTOCOLS_STR, "http,https");
        set(CURLOPT_NOSIGNAL, 1L);
        set(CURLOPT_USERAGENT, "convoy/" CONVOY_VERSION);
        set(CURLOPT_HTTPHEADER, headers_.get());
        set(CURLOPT_WRITEFUNCTION, &leave_body);
        set(CURLOPT_HEADERFUNCTION, &note_header);
        set(CURLOPT_HEADERDATA, this);
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        // On a connection that it kept, and over HTTP/2, libcurl posts again by itself.
        set(CURLOPT_FORBID_REUSE, 1L);
        set(CURLOPT_HTTP_VERSION, long(CURL_HTTP_VERSION_1_1));
        set(CURLOPT_ERRORBUFFER, error_);
        const char* system = nullptr;
        curl_easy_getinfo(easy_.get(), CURLINFO_CAINFO, &system);
        if (!ca_file.empty()) set(CURLOPT_CAINFO, ca_file.c_str());
        // Beside a folder libcurl reads the file anew for each connection: 30 ms.
        if (!ca_file.empty() || (system && access(system, R_OK) == 0)) set(CURLOPT_CAPATH, nullptr);
    }

    Reply post(const std::string& body, std::chrono::milliseconds patience, const std::atomic<bool>& stop) {
        set(CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.size()));
        set(CURLOPT_POSTFIELDS, body.c_str());  // not copied
        set(CURLOPT_TIMEOUT_MS, long(patience.count()));
        answered_.reset(), error_[0] = 0;
        curl_multi_add_handle(multi_.get(), easy_.get());
        Reply reply{0, "interrupted", ""};
        for (int running = 1; running && !stop && !(answered_ && Clock::now() > *answered_ + kBody);) {
            CURLMcode code = curl_multi_perform(multi_.get(), &running);
            if (code == CURLM_OK && running) code = curl_multi_poll(multi_.get(), nullptr, 0, kLookMs, nullptr);
            if (code != CURLM_OK) reply.error = curl_multi_strerror(code), running = 0;
        }
        int running = 0;
        if (stop) curl_multi_perform(multi_.get(), &running);  // an answer may have come just now
        if (answered_) reply = reply_of(CURLE_OK);
        int left = 0;
        while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left))
            if (message->msg == CURLMSG_DONE) reply = reply_of(message->data.result);
        curl_multi_remove_handle(multi_.get(), easy_.get());
        return reply;
    }

private:
    void add_header(const std::string& line) {
        curl_slist* const longer = curl_slist_append(headers_.get(), line.c_str());
        if (!longer) throw std::bad_alloc();
        headers_.release();
        headers_.reset(longer);
    }

    template <typename T>
    void set(CURLoption option, T value) {
        if (const CURLcode code = curl_easy_setopt(easy_.get(), option, value); code != CURLE_OK)
            throw std::runtime_error(curl_easy_strerror(code));
    }

    int status() const {
        long status = 0;
        curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
        return int(status);
    }

    // The empty line behind the headers, but for those of an interim reply (1xx).
    static std::size_t note_header(char* line, std::size_t size, std::size_t count, void* self) {
        auto& connection = *static_cast<Connection*>(self);
        if (size * count <= 2 && (*line == '\r' || *line == '\n') && connection.status() >= 200)
            connection.answered_ = Clock::now();
        return size * count;
    }

    // With a status even where its body did not come to an end. libcurl's own sentence is shown of certificates alone:
    // others may hold a proxy's address, password included.
    Reply reply_of(CURLcode result) const {
        char* location = nullptr;
        if (status() < 200)
            return {0, result == CURLE_PEER_FAILED_VERIFICATION && *error_ ? error_ : curl_easy_strerror(result), ""};
        curl_easy_getinfo(easy_.get(), CURLINFO_REDIRECT_URL, &location);
        return {status(), "", location ? location : ""};
    }

    char error_[CURL_ERROR_SIZE] = {};
    std::optional<Clock::time_point> answered_;  // when the status was known
    std::unique_ptr<curl_slist, FreeBy<curl_slist_free_all> > headers_;
    std::unique_ptr<CURLM, FreeBy<curl_multi_cleanup> > multi_;
    std::unique_ptr<CURL, FreeBy<curl_easy_cleanup> > easy_;
};

std::string HttpPoster::complaint_of(const std::string& url) {
    const std::unique_ptr<CURLU, FreeBy<curl_url_cleanup> > parsed(curl_url());
    if (!parsed) throw std::bad_alloc();
    const CURLUcode code = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0);
    return code == CURLUE_OK ? "" : curl_url_strerror(code);
}
HttpPoster::HttpPoster(const std::string& url, const std::string& header, const std::string& ca_file)
    : connection_(std::make_unique<Connection>(url, header, ca_file)) {}
HttpPoster::~HttpPoster() = default;
HttpPoster::Reply HttpPoster::post(const std::string& body, std::chrono::milliseconds patience,
                                   const std::atomic<bool>& stop) {
    return connection_->post(body, patience, stop);
}

#endif

}  // namespace convoy::tools
