// SPDX-License-Identifier: MIT
//
// The built commands as a user runs them: child processes with their output and exit status.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace convoy::test {

/// Descriptors for a Child. -1: the test's own to read from, files to write to.
struct Streams {
    int in = -1, out = -1, err = -1;
};

struct Finished {
    int status = -1;  ///< exit status; 128 + n after signal n
    std::string out, err;
};

/// A running command of the build, or another program by its absolute path. Standard output and error go to files in
/// `folder`, which is its working directory, unless other descriptors are given.
class Child {
public:
    Child(const std::string& program, const std::vector<std::string>& arguments, const std::filesystem::path& folder,
          Streams streams = {});
    ~Child();  ///< kills it when nobody waited for it
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    void signal(int number) const;
    bool running();
    int pid() const { return pid_; }
    /// Whether each of its threads sleeps. One that is ready and has to wait for a processor does not.
    bool sleeps() const;
    Finished wait();
    /// The same, but for no longer than this: then it is killed.
    Finished wait(std::chrono::seconds limit);
    /// What it has written to standard error so far.
    std::string err() const;
    std::string out() const;  ///< the same of standard output

private:
    std::filesystem::path out_, err_;
    int pid_ = -1, state_ = 0;
};

/// Runs a Child to its end.
Finished run(const std::string& program, const std::vector<std::string>& arguments,
             const std::filesystem::path& folder);

/// A fresh folder that is removed with everything in it.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::filesystem::path& path() const { return path_; }
    std::string operator/(const std::string& name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& content);
std::vector<std::string> lines_of(const std::string& text);

/// Path of a command of the build, e.g. "yolo-run".
std::filesystem::path built_program(const std::string& name);

/// A file of the repository, e.g. "models/pedestrians.mp4".
std::string source_file(const std::string& name);

}  // namespace convoy::test
