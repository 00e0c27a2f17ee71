// SPDX-License-Identifier: MIT
#include <array>
#include <utility>

#include <convoy/error.h>
#include "python/bindings/bindings.h"

namespace convoy::python {
namespace {

PyObject* base_class = nullptr;
std::array<PyObject*, 6> classes = {};  // by ErrorKind; they live as long as the process

PyObject* make_class(nb::module_& module, const char* name, const char* help, nb::handle bases) {
    const std::string full = std::string("convoy.") + name;
    PyObject* made = PyErr_NewExceptionWithDoc(full.c_str(), help, bases.ptr(), nullptr);
    if (!made) throw nb::python_error();
    module.attr(name) = nb::borrow(made);
    return made;
}

void translate(const std::exception_ptr& exception, void*) {
    try {
        std::rethrow_exception(exception);
    } catch (const Error& error) {
        PyErr_SetObject(classes.at(std::size_t(error.kind())), text_of(error.what()).ptr());
    }
}

}  // namespace

void bind_errors(nb::module_& module) {
    base_class = make_class(module, "Error", "What Convoy raises; its text says what is wrong and what to do.",
                            nb::handle(PyExc_RuntimeError));
    const auto make = [&](ErrorKind kind, const char* name, const char* help, PyObject* also = nullptr) {
        const nb::object bases =
            also ? nb::object(nb::make_tuple(nb::borrow(base_class), nb::borrow(also))) : nb::borrow(base_class);
        classes.at(std::size_t(kind)) = make_class(module, name, help, bases);
    };
    make(ErrorKind::usage, "UsageError", "An argument or option cannot be used.", PyExc_ValueError);
    make(ErrorKind::model, "ModelError", "A .cfg, .weights or .names file is damaged or contradicts itself.");
    make(ErrorKind::input, "InputError", "A video, picture or frame cannot be read.");
    make(ErrorKind::output, "OutputError", "A result cannot be written.");
    make(ErrorKind::unsupported, "UnsupportedError", "Valid, but this build or machine lacks what it needs.");
    make(ErrorKind::device, "DeviceError", "A GPU, its driver or its memory failed.");
    nb::register_exception_translator(translate);
}

}  // namespace convoy::python
