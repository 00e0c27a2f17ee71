// SPDX-License-Identifier: MIT
//
// Preloaded into a command, makes one of its calls fail as CONVOY_FAIL says: "write:17:28" gives the 17th write() the
// errno 28, "new:5" throws std::bad_alloc from the fifth operator new, "disk:65536" fails every write to a regular file
// from that many bytes on, as a full disk does. The file CONVOY_FAILED names is made when it has come to that.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

struct Plan {
    char call[32] = "";
    long at = 0, error = 0;
    Plan() {
        if (const char* text = std::getenv("CONVOY_FAIL")) std::sscanf(text, "%31[^:]:%ld:%ld", call, &at, &error);
    }
};

// Before any constructor: calls come as early as that.
const Plan& plan() {
    static const Plan plan;
    return plan;
}

std::atomic<bool> in_main{false};  // what libraries do before it is not the command's
std::atomic<bool> at_work{false};  // its first file is open: options are parsed, by a library, too
std::atomic<long> calls{0}, bytes{0};
int (*command_main)(int, char**, char**) = nullptr;

int begin(int argc, char** argv, char** environment) {
    in_main = true;
    return command_main(argc, argv, environment);
}

void note() {
    const char* path = std::getenv("CONVOY_FAILED");
    if (!path) return;
    const long fd = syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY, 0600);
    if (fd >= 0) syscall(SYS_close, fd);
}

bool fails(const char* call) {
    if (!in_main || (!at_work && std::strcmp(call, "new") == 0) || std::strcmp(plan().call, call) != 0 ||
        ++calls != plan().at)
        return false;
    note();
    errno = int(plan().error);
    return true;
}

bool is_full(int fd, size_t count) {
    struct stat status = {};
    if (std::strcmp(plan().call, "disk") != 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return false;
    if ((bytes += long(count)) <= plan().at) return false;
    note();
    errno = ENOSPC;
    return true;
}

template <typename Function>
Function next(const char* name) {
    return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

int open_as(const char* name, const char* path, int flags, va_list more) {
    if (in_main && path[0] != '/') at_work = true;
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    return fails("open") ? -1 : next<int (*)(const char*, int, ...)>(name)(path, flags, mode);
}

}  // namespace

extern "C" {

int __libc_start_main(int (*main)(int, char**, char**), int argc, char** argv, void (*init)(), void (*fini)(),
                      void (*rtld_fini)(), void* stack_end) {
    using Start = int (*)(int (*)(int, char**, char**), int, char**, void (*)(), void (*)(), void (*)(), void*);
    command_main = main;
    return next<Start>("__libc_start_main")(begin, argc, argv, init, fini, rtld_fini, stack_end);
}

int open(const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const int fd = open_as("open", path, flags, more);
    va_end(more);
    return fd;
}

int open64(const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const int fd = open_as("open64", path, flags, more);
    va_end(more);
    return fd;
}

FILE* fopen(const char* path, const char* mode) {
    if (in_main && path[0] != '/') at_work = true;
    return fails("open") ? nullptr : next<FILE* (*)(const char*, const char*)>("fopen")(path, mode);
}

FILE* fopen64(const char* path, const char* mode) {
    return fails("open") ? nullptr : next<FILE* (*)(const char*, const char*)>("fopen64")(path, mode);
}

ssize_t read(int fd, void* to, size_t count) {
    return fails("read") ? -1 : next<ssize_t (*)(int, void*, size_t)>("read")(fd, to, count);
}

ssize_t write(int fd, const void* from, size_t count) {
    if (fails("write") || is_full(fd, count)) return -1;
    return next<ssize_t (*)(int, const void*, size_t)>("write")(fd, from, count);
}

ssize_t writev(int fd, const iovec* from, int count) {
    size_t total = 0;
    for (int i = 0; i < count; ++i) total += from[i].iov_len;
    if (fails("write") || is_full(fd, total)) return -1;
    return next<ssize_t (*)(int, const iovec*, int)>("writev")(fd, from, count);
}

void* mmap(void* at, size_t length, int protection, int flags, int fd, off_t offset) noexcept {
    // Without a file it is memory, for which oneDNN's code generator does not look at the answer.
    if (fd >= 0 && fails("mmap")) return MAP_FAILED;
    return reinterpret_cast<void*>(syscall(SYS_mmap, at, length, protection, flags, fd, offset));
}

int rename(const char* from, const char* to) noexcept {
    return fails("rename") ? -1 : next<int (*)(const char*, const char*)>("rename")(from, to);
}

int fsync(int fd) { return fails("fsync") ? -1 : next<int (*)(int)>("fsync")(fd); }

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* of) noexcept {
    if (fails("pthread_create")) return int(plan().error);
    using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
    return next<Create>("pthread_create")(thread, attributes, body, of);
}

}  // extern "C"

void* operator new(std::size_t size) {
    if (!fails("new"))
        if (void* memory = std::malloc(size ? size : 1)) return memory;
    throw std::bad_alloc();
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
