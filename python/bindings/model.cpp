// SPDX-License-Identifier: MIT

#include <filesystem>
#include <optional>

#include <convoy/load.h>
#include "python/bindings/bindings.h"
#include "tools/model_options.h"
#include "tools/option_values.h"

namespace convoy::python {
namespace {

using Path = std::filesystem::path;

LoadOptions size_of(nb::handle size) {
    if (nb::isinstance<nb::str>(size)) return tools::in_steps(tools::parse_size(nb::cast<std::string>(size)));
    const auto [width, height] = pair_of("size", size);
    return tools::in_steps({width, height});
}

void load(Network* self, const std::optional<Path>& stem, const std::optional<Path>& cfg,
          const std::optional<Path>& weights, const std::optional<Path>& names, nb::handle size, bool strict,
          bool needs_weights) {
    if (stem && (cfg || weights))
        throw Error(ErrorKind::usage, "a model is named by its stem, or by cfg= and weights=, not by both");
    const auto text = [](const std::optional<Path>& path) { return path ? path->string() : std::string(); };
    tools::ModelOptions model;
    model.stem = text(stem), model.cfg = text(cfg), model.weights = text(weights), model.names = text(names);
    model.strict = strict;
    if (model.is_demo())
        model.stem = nb::cast<std::string>(nb::module_::import_("convoy._files").attr("demo_model")());
    else if (model.stem.empty() && (!cfg || (needs_weights && !weights)))
        throw Error(ErrorKind::usage, "cfg= and weights= go together: give both");
    const LoadOptions load = size.is_none() ? LoadOptions{} : tools::named("size", [&] { return size_of(size); });
    const WithoutGil without_gil;
    new (self) Network(model.load(load, needs_weights));
}

nb::str describe(const Network& network) {
    return text_of("<convoy.Model " + network.cfg_path + ", " + std::to_string(network.input.w) + "x" +
                   std::to_string(network.input.h) + ", " + std::to_string(network.classes()) + " classes>");
}

}  // namespace

void bind_model(nb::module_& module) {
    nb::class_<Network>(module, "Model", R"(A Darknet model: its layers, its mapped weights, its class names.

Model("yolov3") reads yolov3.cfg, yolov3.weights and yolov3.names (a path that ends in .cfg or .weights will do);
Model(cfg=..., weights=...) names them one by one; Model() is the demo model that comes with the package.
size: the network's input, a side, (width, height) or "608x320", multiples of 32; by default the cfg's.
strict: what the cfg says to no effect is a ModelError, not one of `warnings`.
needs_weights: False reads the structure alone where there is no .weights file.
Raises ModelError that names file, line and key, UnsupportedError, UsageError.)")
        .def("__init__", &load, nb::arg("stem") = nb::none(), nb::kw_only(), nb::arg("cfg") = nb::none(),
             nb::arg("weights") = nb::none(), nb::arg("names") = nb::none(), nb::arg("size") = nb::none(),
             nb::arg("strict") = false, nb::arg("needs_weights") = true,
             nb::sig(
                 "def __init__(self, stem: str | os.PathLike[str] | None = None, *, cfg: str | os.PathLike[str] | None "
                 "= "
                 "None, weights: str | os.PathLike[str] | None = None, names: str | os.PathLike[str] | None = None, "
                 "size: int | tuple[int, int] | str | None = None, strict: bool = False, needs_weights: bool = True) "
                 "-> None"))
        .def_prop_ro(
            "names", [](const Network& n) { return names_of(n.names); },
            "Class names; empty where the model came without.")
        .def_prop_ro("classes", &Network::classes, "How many classes its heads have; 0 without a head.")
        .def_prop_ro(
            "input", [](const Network& n) { return nb::make_tuple(n.input.c, n.input.h, n.input.w); },
            nb::sig("def input(self) -> tuple[int, int, int]"), "Channels, height and width of its input.")
        .def_prop_ro("cfg_path", [](const Network& n) { return text_of(n.cfg_path); })
        .def_prop_ro("weights_path", [](const Network& n) { return text_of(n.weights_path); })
        .def_prop_ro("has_weights", &Network::has_weights)
        .def_prop_ro(
            "warnings", [](const Network& n) { return texts_of(n.warnings); },
            "What its cfg says to no effect, a sentence each.")
        .def_prop_ro(
            "layers", [](std::shared_ptr<Network> n) { return layers_of(std::move(n)); },
            nb::sig("def layers(self) -> list[dict[str, typing.Any]]"),
            "Its layers in the cfg's order, each a dict: 'kind', 'line', 'in' and 'out' (channels, height, width), "
            "the\n"
            "parameters by the names that include/convoy/network.h gives them, weights as read-only arrays.")
        .def(
            "save",
            [](const Network& network, const Path& cfg, const std::optional<Path>& weights) {
                write_network(network, cfg.string(), weights ? weights->string() : "");
            },
            nb::arg("cfg"), nb::arg("weights") = nb::none(), nb::call_guard<WithoutGil>(),
            nb::sig(
                "def save(self, cfg: str | os.PathLike[str], weights: str | os.PathLike[str] | None = None) -> None"),
            "Writes it as a .cfg and .weights that load to the same again.")
        .def("__repr__", &describe);
}

}  // namespace convoy::python
