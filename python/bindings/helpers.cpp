// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include <chrono>
#include <future>
#include <thread>

#include <convoy/error.h>
#include "python/bindings/bindings.h"
#include "tools/option_values.h"

namespace convoy::python {

int class_id(const char* argument, nb::handle wanted, const Network& network) {
    return tools::named(argument, [&] {
        if (nb::isinstance<nb::str>(wanted)) return tools::class_of(nb::cast<std::string>(wanted), network);
        int id = 0;
        if (!nb::try_cast(wanted, id)) throw nb::type_error("a class is a name (str) or a number (int)");
        return tools::class_of(id, network);
    });
}

std::pair<int, int> pair_of(const char* argument, nb::handle value) {
    int lone = 0;
    if (nb::try_cast(value, lone)) return {lone, lone};
    if (nb::isinstance<nb::sequence>(value) && !nb::isinstance<nb::str>(value) && nb::len(value) == 2) {
        int first = 0, second = 0;
        if (nb::try_cast(value[0], first) && nb::try_cast(value[1], second)) return {first, second};
    }
    throw nb::type_error(fmt::format("{} is a number or a pair of numbers", argument).c_str());
}

namespace {

nb::str decoded(const std::string& text, const char* errors) {
    const auto made = nb::steal<nb::str>(PyUnicode_DecodeUTF8(text.data(), Py_ssize_t(text.size()), errors));
    if (!made) throw nb::python_error();
    return made;
}

nb::list all_decoded(const std::vector<std::string>& texts, const char* errors) {
    nb::list list;
    for (const std::string& text : texts) list.append(decoded(text, errors));
    return list;
}

}  // namespace

nb::str text_of(const std::string& text) { return decoded(text, "surrogateescape"); }

nb::typed<nb::list, nb::str> texts_of(const std::vector<std::string>& texts) {
    return all_decoded(texts, "surrogateescape");
}

nb::typed<nb::list, nb::str> names_of(const std::vector<std::string>& names) { return all_decoded(names, "replace"); }

void interruptible(const std::function<void()>& wait, const std::function<void()>& give_up) {
    if (!is_main_thread()) {
        const WithoutGil without_gil;
        return wait();
    }
    std::promise<void> done;
    std::future<void> future = done.get_future();
    std::thread waiter([&] {
        try {
            wait();
            done.set_value();
        } catch (...) {
            done.set_exception(std::current_exception());
        }
    });
    bool interrupted = false;
    while (!interrupted) {
        {
            const WithoutGil without_gil;
            if (future.wait_for(std::chrono::milliseconds(50)) == std::future_status::ready) break;
        }
        interrupted = PyErr_CheckSignals() != 0;
    }
    {
        const WithoutGil without_gil;
        if (interrupted) give_up();
        waiter.join();
    }
    if (interrupted) throw nb::python_error();
    future.get();
}

bool is_main_thread() {
    const nb::module_ threading = nb::module_::import_("threading");
    return threading.attr("current_thread")().is(threading.attr("main_thread")());
}

}  // namespace convoy::python
