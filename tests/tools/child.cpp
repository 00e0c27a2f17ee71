// SPDX-License-Identifier: MIT
#include "tests/tools/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace fs = std::filesystem;

namespace convoy::test {
namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    if (!value) throw std::runtime_error(std::string(name) + " is not set: run the tests through ctest");
    return value;
}

int new_file(const fs::path& path) { return open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600); }

[[noreturn]] void become(const fs::path& program, std::vector<char*>& argv, const fs::path& folder, const fs::path& out,
                         const fs::path& err, Streams streams) {
    const int out_fd = streams.out < 0 ? new_file(out) : streams.out,
              err_fd = streams.err < 0 ? new_file(err) : streams.err;
    if (out_fd < 0 || err_fd < 0 || dup2(out_fd, 1) < 0 || dup2(err_fd, 2) < 0 || chdir(folder.c_str()) != 0)
        _exit(126);
    if (streams.in >= 0 && dup2(streams.in, 0) < 0) _exit(126);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::signal(number, SIG_DFL);  // whoever runs the tests
    execv(program.c_str(), argv.data());
    _exit(127);
}

}  // namespace

Child::Child(const std::string& program, const std::vector<std::string>& arguments, const fs::path& folder,
             Streams streams)
    : out_(folder / "stdout.txt"), err_(folder / "stderr.txt") {
    const fs::path file = program.front() == '/' ? fs::path(program) : built_program(program);
    std::vector<std::string> copies = arguments;
    copies.insert(copies.begin(), file.string());
    std::vector<char*> argv;
    for (std::string& copy : copies) argv.push_back(copy.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ == 0) become(file, argv, folder, out_, err_, streams);
}

Child::~Child() {
    if (pid_ > 0 && running()) {
        kill(pid_, SIGKILL);
        waitpid(pid_, &state_, 0);
    }
}

void Child::signal(int number) const {
    if (pid_ > 0) kill(pid_, number);
}

bool Child::running() {
    if (pid_ > 0 && waitpid(pid_, &state_, WNOHANG) == pid_) pid_ = -1;
    return pid_ > 0;
}

bool Child::sleeps() const {
    std::error_code error;  // its end, or a thread's
    fs::directory_iterator task("/proc/" + std::to_string(pid_) + "/task", error);
    for (; !error && task != fs::directory_iterator(); task.increment(error)) {
        const std::string stat = read_file(task->path() / "stat");
        const std::size_t name_end = stat.rfind(") ");  // the state follows
        if (name_end != std::string::npos && stat[name_end + 2] != 'S') return false;
    }
    return true;
}

Finished Child::wait() {
    if (pid_ > 0) waitpid(pid_, &state_, 0);
    pid_ = -1;
    return {WIFEXITED(state_) ? WEXITSTATUS(state_) : 128 + WTERMSIG(state_), read_file(out_), read_file(err_)};
}

Finished Child::wait(std::chrono::seconds limit) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (running()) {
        if (std::chrono::steady_clock::now() > until) signal(SIGKILL);
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return wait();
}

std::string Child::err() const { return read_file(err_); }

std::string Child::out() const { return read_file(out_); }

Finished run(const std::string& program, const std::vector<std::string>& arguments, const fs::path& folder) {
    return Child(program, arguments, folder).wait();
}

TemporaryFolder::TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "convoy-test-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("cannot create " + name);
    path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

void write_file(const fs::path& path, const std::string& content) { std::ofstream(path, std::ios::binary) << content; }

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

fs::path built_program(const std::string& name) { return fs::path(environment("CONVOY_BIN_DIR")) / name; }

std::string source_file(const std::string& name) {
    return (fs::path(environment("CONVOY_SOURCE_DIR")) / name).string();
}

}  // namespace convoy::test
