// SPDX-License-Identifier: MIT
#include "tools/media/in/camera.h"

#include <dlfcn.h>

#include <convoy/error.h>

namespace convoy::media {

const AVInputFormat* camera_format() {
    if (const AVInputFormat* known = av_find_input_format("v4l2")) return known;
    const std::string version = std::to_string(LIBAVFORMAT_VERSION_MAJOR);  // those that go together share the number
    using Register = void (*)();
    void* library = ::dlopen(("libavdevice.so." + version).c_str(), RTLD_NOW);
    const auto add_all = library ? reinterpret_cast<Register>(::dlsym(library, "avdevice_register_all")) : nullptr;
    if (add_all) add_all();
    if (const AVInputFormat* found = av_find_input_format("v4l2")) return found;
    throw Error(ErrorKind::unsupported, "cameras need libav's libavdevice.so." + version +
                                            ", which is not installed: apt-get install libavdevice" + version);
}

}  // namespace convoy::media
