// SPDX-License-Identifier: MIT
#include "tools/media/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "tests/support/catch.h"
#include "tests/tools/media_files.h"
#include "tools/media/output_locks.h"
#include "tools/media/unfinished.h"

using namespace convoy;
using namespace convoy::test;

namespace {

/// What /dev/stdout is as a rule: a link into /proc, to what may have no name.
std::string name_of(int descriptor) { return "/proc/self/fd/" + std::to_string(descriptor); }

std::string text_in(int descriptor) {
    std::array<char, 100> text = {};
    const ssize_t n = ::read(descriptor, text.data(), text.size());
    REQUIRE(n >= 0);
    return {text.data(), std::size_t(n)};
}

}  // namespace

TEST_CASE("an output file follows a link and keeps the old content until commit", "[files]") {
    const TempFolder folder;
    write_bytes(folder / "real", {1});
    std::filesystem::create_symlink(folder / "real", folder / "link");
    {
        const media::OutputFile abandoned(folder / "link");
        write_bytes(abandoned.temporary(), {2});
    }
    CHECK(read_bytes(folder / "real") == Bytes{1});
    media::OutputFile file(folder / "link");
    write_bytes(file.temporary(), {3});
    file.commit();
    CHECK(read_bytes(folder / "real") == Bytes{3});
    CHECK(std::filesystem::is_symlink(folder / "link"));
    CHECK(folder.names() == std::vector<std::string>{"link", "real"});
}

TEST_CASE("an output file follows a link to what does not exist yet", "[files]") {
    const TempFolder folder;
    std::filesystem::create_directory(folder / "in");
    std::filesystem::create_symlink("in/real", folder / "link");
    std::filesystem::create_symlink("link", folder / "link2");
    media::write_file(folder / "link2", "text");
    CHECK(read_bytes(folder / "in/real") == Bytes{'t', 'e', 'x', 't'});
    CHECK(std::filesystem::is_symlink(folder / "link2"));
    CHECK(folder.names() == std::vector<std::string>{"in", "link", "link2"});
}

TEST_CASE("what takes the place of a file has its permissions and its owner", "[files]") {
    const TempFolder folder;
    const std::string path = folder / std::string(255, 'x');  // there is no longer name
    for (const mode_t mode : {0600, 0640, 0777}) {
        write_bytes(path, {1});
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        const bool root = ::getuid() == 0;
        if (root) REQUIRE(::chown(path.c_str(), 1234, 4321) == 0);
        media::OutputFile file(path);
        struct stat made {};
        REQUIRE(::stat(file.temporary().c_str(), &made) == 0);
        CHECK((made.st_mode & 0777) == 0600);
        file.commit();
        REQUIRE(::stat(path.c_str(), &made) == 0);
        CHECK((made.st_mode & 07777) == mode);
        if (root) CHECK((made.st_uid == 1234 && made.st_gid == 4321));
    }
}

TEST_CASE("an output may be a link to a pipe", "[files]") {
    const TempFolder folder;
    std::array<int, 2> pipe = {};
    REQUIRE(::pipe(pipe.data()) == 0);
    std::filesystem::create_symlink(name_of(pipe[1]), folder / "link");
    media::write_file(name_of(pipe[1]), "one, ");
    media::write_file(folder / "link", "two");
    CHECK(text_in(pipe[0]) == "one, two");
    CHECK(folder.names() == std::vector<std::string>{"link"});
    ::close(pipe[0]);
    ::close(pipe[1]);
}

TEST_CASE("an output may be an open file that has no name any more", "[files]") {
    const TempFolder folder;
    const int file = ::open((folder / "file").c_str(), O_RDWR | O_CREAT, 0600);
    REQUIRE(::unlink((folder / "file").c_str()) == 0);
    media::write_file(name_of(file), "text");
    CHECK(text_in(file) == "text");
    CHECK(folder.names().empty());
    ::close(file);
}

TEST_CASE("what a dead process has left unfinished goes when its output is taken, a living one's stays", "[files]") {
    const TempFolder folder;
    const std::string output = folder / "v.mp4", other = folder / "w.mp4";
    const auto leave = [&](const std::string& of, const std::string& end) {
        const std::string path = folder / (media::unfinished_prefix(of) + end + ".part");
        write_bytes(path, {1});
        return path;
    };
    const std::string dead = leave(output, "1-0"), of_other = leave(other, "1-0");
    std::string of_other_host = media::unfinished_prefix(output);
    of_other_host[of_other_host.size() - 15] ^= 1;
    write_bytes(folder / (of_other_host + "1-0.part"), {1});
    std::string before_restart = media::unfinished_prefix(output);
    before_restart[before_restart.size() - 2] ^= 1;
    write_bytes(folder / (before_restart + "1-0.part"), {1});
    const std::string of_pictures = folder / (media::unfinished_prefix(folder / "other.jpg") + "2-0.part");  // nameless
    std::filesystem::create_directory(of_pictures);
    write_bytes(of_pictures + "/000000.jpg", {1});
    media::OutputFile living(output);
    media::OutputLocks locks;
    REQUIRE(locks.take(output));
    CHECK(std::filesystem::exists(living.temporary()));
    CHECK_FALSE(std::filesystem::exists(dead));
    CHECK_FALSE(std::filesystem::exists(of_pictures));
    CHECK_FALSE(std::filesystem::exists(folder / (before_restart + "1-0.part")));
    CHECK(std::filesystem::exists(folder / (of_other_host + "1-0.part")));
    CHECK(std::filesystem::exists(of_other));
    REQUIRE(locks.take(other));
    CHECK_FALSE(std::filesystem::exists(of_other));
}
