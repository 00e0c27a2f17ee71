// SPDX-License-Identifier: MIT
//
// Libraries that are opened at run time, so that the program starts on machines without them.
#pragma once

#include <dlfcn.h>

#include <initializer_list>
#include <stdexcept>
#include <string>

namespace convoy::kernels::cuda {

/// A shared library, which stays loaded until the process ends: what holds CUDA state does not survive an unloading.
class DynamicLibrary {
public:
    /// Opens the first of `names` that is there.
    explicit DynamicLibrary(std::initializer_list<const char*> names) {
        for (const char* name : names) {
            if ((handle_ = dlopen(name, RTLD_NOW | RTLD_LOCAL))) return;
            if (error_.empty()) error_ = dlerror();
        }
    }

    explicit operator bool() const { return handle_; }
    void* handle() const { return handle_; }
    const std::string& error() const { return error_; }  ///< why the first name could not be opened

    /// Points `function` to the symbol of that name. Throws std::runtime_error when there is none.
    template <typename Function>
    void find(const char* name, Function*& function) const {
        function = reinterpret_cast<Function*>(dlsym(handle_, name));
        if (!function) throw std::runtime_error(std::string("no ") + name + " in the library");
    }

private:
    void* handle_ = nullptr;
    std::string error_;
};

}  // namespace convoy::kernels::cuda
