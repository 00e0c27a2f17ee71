// SPDX-License-Identifier: MIT
//
// The border between C++ and C: what is thrown becomes a status and the thread's message.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include <convoy/convoy.h>
#include <convoy/error.h>

namespace convoy::c_api {

/// What a callback threw: not Convoy's fault.
class CallbackError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Keeps `sentence` as this thread's message, without taking memory, and returns `status`.
int fail(int status, const char* sentence) noexcept;
int status_of(ErrorKind kind) noexcept;

/// What `body` returns, or what it throws as a status.
template <typename Body>
int guarded(Body&& body) noexcept {
    try {
        return body();
    } catch (const CallbackError& error) {
        return fail(CONVOY_ERROR_CALLBACK, error.what());
    } catch (const Error& error) {
        return fail(status_of(error.kind()), error.what());
    } catch (const std::bad_alloc&) {
        return fail(CONVOY_ERROR_MEMORY, "there is not enough memory");
    } catch (const std::exception& error) {
        return fail(CONVOY_ERROR_INTERNAL, error.what());
    } catch (...) {
        return fail(CONVOY_ERROR_INTERNAL, "something unknown was thrown");
    }
}

/// Calls what the program gave, and tells what it throws from what Convoy throws.
template <typename Callback>
auto call_back(const char* name, Callback&& callback) {
    try {
        return callback();
    } catch (const std::exception& error) {
        throw CallbackError(std::string("the callback '") + name + "' threw: " + error.what());
    } catch (...) {
        throw CallbackError(std::string("the callback '") + name + "' threw");
    }
}

template <typename T>
T& needed(T* pointer, const char* name) {
    if (!pointer) throw Error(ErrorKind::usage, std::string(name) + " must not be NULL");
    return *pointer;
}

/// Paths that the program names.
inline std::vector<std::string> texts(const char* const* paths, std::size_t count) {
    std::vector<std::string> texts;
    if (count > 0) needed(paths, "inputs");
    for (std::size_t i = 0; i < count; ++i) texts.emplace_back(&needed(paths[i], "an input's path"));
    return texts;
}

/// The struct as the program was compiled with it, in the one that is known here: what neither has is zero.
template <typename T>
T known_part(const T* given, std::size_t least, const char* name) {
    const std::size_t size = needed(given, name).struct_size;
    if (size < least)
        throw Error(ErrorKind::usage,
                    std::string(name) + ": struct_size is " + std::to_string(size) + ", set it to sizeof the struct");
    const auto* bytes = reinterpret_cast<const unsigned char*>(given);
    if (size > sizeof(T) && std::any_of(bytes + sizeof(T), bytes + size, [](unsigned char byte) { return byte != 0; }))
        throw Error(ErrorKind::unsupported,
                    std::string(name) + " has members that this version of Convoy does not know");
    T known{};
    std::memcpy(&known, given, std::min(size, sizeof(T)));
    return known;
}

/// A size that is not known yet. Both are set where one of them is missing.
inline void zeroed(int* width, int* height) {
    if (width) *width = 0;
    if (height) *height = 0;
    needed(width, "width"), needed(height, "height");
}

/// Out-parameters hold nothing until all has gone well.
template <typename T>
T*& emptied(T** out, const char* name) {
    needed(out, name) = nullptr;
    return *out;
}

}  // namespace convoy::c_api
