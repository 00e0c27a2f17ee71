// SPDX-License-Identifier: MIT
//
// convoy._convoy: the C++ half of the Python package `convoy`.
extern "C" {
#include <libavutil/log.h>
}

#include <convoy/version.h>
#include "python/bindings/bindings.h"

NB_MODULE(_convoy, module) {
    nanobind::set_leak_warnings(false);  // what a program still holds at its end is no fault of it
    module.doc() = "The C++ half of convoy.";
    module.attr("__version__") = CONVOY_VERSION;
    av_log_set_level(AV_LOG_QUIET);  // what is damaged is told by a run's ends
    convoy::python::bind_errors(module);
    convoy::python::bind_model(module);
    convoy::python::bind_engine(module);
    convoy::python::bind_run(module);
    module.def("_end_engines", &convoy::python::end_engines);
}
