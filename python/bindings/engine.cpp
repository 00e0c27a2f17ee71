// SPDX-License-Identifier: MIT
#include <map>
#include <optional>
#include <tuple>

#include <convoy/error.h>
#include "python/bindings/bindings.h"
#include "tools/option_values.h"

namespace convoy::python {
namespace {

template <typename T>
T choice(const char* argument, const std::string& text, const tools::Choices<T>& choices) {
    return tools::named(argument, [&] { return tools::parse_choice(text, choices); });
}

struct Arguments {
    std::string device, precision, fit, resize, tuning, batch_norm, replicate;
    std::optional<std::string> tuning_cache;
    int batch, threads;
    std::optional<double> max_latency_ms;
    bool same_bits, throughput, libraries;
    std::size_t gpu_memory;
    nb::object confidence, classes, tiles, ignore_regions;
    float nms;
    bool nms_across_classes;
    float min_size;
    int max_boxes;
    float tile_overlap;
    bool tile_whole;
};

float threshold(nb::handle value) {
    float number = 0;
    if (!nb::try_cast(value, number) || !(number > 0 && number < 1))
        throw Error(ErrorKind::usage, "confidence: a threshold is a number between 0 and 1");
    return number;
}

void set_confidence(DetectOptions& detect, nb::handle confidence, const Network& network) {
    if (!nb::isinstance<nb::dict>(confidence)) {
        detect.confidence = threshold(confidence);
        return;
    }
    std::map<int, float> of_class;
    for (const auto& [which, value] : nb::borrow<nb::dict>(confidence))
        of_class[class_id("confidence", which, network)] = threshold(value);
    tools::set_class_confidence(of_class, network, detect);
}

void set_tiles(TileOptions& tiles, nb::handle value) {
    if (nb::isinstance<nb::str>(value)) {
        const std::string text = nb::cast<std::string>(value);
        tiles = tools::named("tiles", [&] { return tools::parse_tiles(text, tiles); });
    } else {
        std::tie(tiles.columns, tiles.rows) = pair_of("tiles", value);
    }
}

IgnoredRegion region_of(nb::handle value) {
    if (nb::isinstance<nb::str>(value))
        return tools::named("ignore_regions", [&] { return tools::parse_region(nb::cast<std::string>(value)); });
    std::tuple<float, float, float, float> box;
    if (!nb::try_cast(value, box)) throw nb::type_error("ignore_regions has (x, y, w, h) in pixels, or texts");
    const auto [x, y, w, h] = box;
    return {{x, y, w, h}, false};
}

EngineOptions options_of(const Arguments& a, const Network& network, EngineOptions options) {
    options.device = a.device;
    options.precision = choice("precision", a.precision, tools::precisions());
    options.max_batch = a.batch, options.threads = a.threads;
    options.max_latency_ms = a.max_latency_ms.value_or(-1);
    options.same_bits = a.same_bits, options.throughput = a.throughput;
    options.libraries = a.libraries, options.gpu_memory = a.gpu_memory;
    options.tuning = choice("tuning", a.tuning, tools::tunings());
    options.replication = choice("replicate", a.replicate, tools::replications());
    options.tuning_cache = a.tuning_cache.value_or("");
    options.batch_norm = choice("batch_norm", a.batch_norm, tools::batch_norms());
    DetectOptions& detect = options.detect;
    set_confidence(detect, a.confidence, network);
    detect.nms = a.nms, detect.nms_across_classes = a.nms_across_classes;
    detect.min_size = a.min_size, detect.max_boxes = a.max_boxes;
    detect.fit = choice("fit", a.fit, tools::fits());
    detect.resize = choice("resize", a.resize, tools::resizes());
    if (nb::isinstance<nb::str>(a.classes))
        detect.classes.push_back(class_id("classes", a.classes, network));
    else if (!a.classes.is_none())
        for (nb::handle wanted : a.classes) detect.classes.push_back(class_id("classes", wanted, network));
    if (!a.ignore_regions.is_none())
        for (nb::handle region : a.ignore_regions) detect.ignored.push_back(region_of(region));
    detect.tiles.overlap = a.tile_overlap, detect.tiles.whole = a.tile_whole;
    if (!a.tiles.is_none()) set_tiles(detect.tiles, a.tiles);
    return options;
}

void make_engine(PyEngine* self, const Network& network, std::string device, std::string precision, int batch,
                 int threads, std::optional<double> max_latency_ms, nb::object confidence, float nms,
                 bool nms_across_classes, nb::object classes, int max_boxes, float min_size, std::string fit,
                 std::string resize, nb::object tiles, float tile_overlap, bool tile_whole, std::string batch_norm,
                 bool same_bits, bool throughput, bool libraries, std::size_t gpu_memory, std::string tuning,
                 std::optional<std::string> tuning_cache, nb::object ignore_regions, std::string replicate,
                 const PyInputs* inputs) {
    check_not_forked();
    const EngineOptions options = options_of(
        {device,       precision,  fit,          resize,         tuning,         batch_norm, replicate,
         tuning_cache, batch,      threads,      max_latency_ms, same_bits,      throughput, libraries,
         gpu_memory,   confidence, classes,      tiles,          ignore_regions, nms,        nms_across_classes,
         min_size,     max_boxes,  tile_overlap, tile_whole},
        network, inputs ? inputs->engine : EngineOptions{});
    {
        const WithoutGil without_gil;
        new (self) PyEngine(network, options);
    }
    add_engine(*self);
}

nb::object detect(PyEngine& self, nb::handle picture) {
    check_not_forked();
    const Frame frame = frame_of(picture, self, false);
    std::vector<Detection> detections;
    {
        const WithoutGil without_gil;
        const std::lock_guard lock(self.detecting);
        detections = self.engine().detect(frame);
    }
    return array_of(detections);
}

bool submit(PyEngine& self, nb::handle picture, int stream, std::int64_t index, double time_s, bool wait) {
    check_not_forked();
    self.unneeded->let_go();
    Frame frame = frame_of(picture, self, true);
    frame.stream = stream, frame.index = index, frame.time_s = time_s;
    bool taken = false;
    if (!wait) {
        const WithoutGil without_gil;
        taken = self.engine().try_submit(std::move(frame));
        return taken;
    }
    interruptible([&] { taken = self.engine().submit(std::move(frame)); }, [&] { self.engine().cancel(); });
    return taken;
}

std::optional<Result> next(PyEngine& self) {
    check_not_forked();
    std::optional<Result> result;
    interruptible([&] { result = self.engine().next(); }, [&] { self.engine().cancel(); });
    self.unneeded->let_go();
    return result;
}

void cancel(PyEngine& self) {
    {
        const WithoutGil without_gil;
        self.engine().cancel();
    }
    self.unneeded->let_go();
}

void bind_result(nb::module_& module) {
    nb::class_<Result>(module, "Result", "What an engine says about one submitted frame.")
        .def_prop_ro(
            "detections", [](const Result& r) { return array_of(r.detections); },
            nb::sig("def detections(self) -> numpy.ndarray"), "A structured array of convoy.DETECTION.")
        .def_prop_ro(
            "stream", [](const Result& r) { return r.frame.stream; }, "As it was submitted.")
        .def_prop_ro(
            "index", [](const Result& r) { return r.frame.index; }, "As it was submitted.")
        .def_prop_ro(
            "time_s", [](const Result& r) { return r.frame.time_s; }, "As it was submitted.")
        .def_prop_ro("width", [](const Result& r) { return r.frame.pixels.width; })
        .def_prop_ro("height", [](const Result& r) { return r.frame.pixels.height; })
        .def_ro("not_finite", &Result::not_finite, "Boxes left out since they are NaN or infinite.")
        .def_ro("latency_ms", &Result::latency_ms);
}

}  // namespace

void bind_engine(nb::module_& module) {
    using Gil = nb::call_guard<WithoutGil>;
    bind_result(module);
    nb::class_<PyEngine>(module, "Engine", R"(One model on one set of devices.

detect(frame) is one picture at once; submit() and next() are live frames from several threads, results in order;
convoy.run(inputs, model=engine) is whole inputs. One of the three at a time, else UsageError.

device: "auto" (every GPU, else the CPU), "cpu", "cuda", "cuda:0,2". precision: "auto", "fp32", "tf32", "fp16" (GPU), "bf16" (CPU).
batch, threads: 0 chooses. max_latency_ms: the longest that a frame waits for its batch; None until it is full.
confidence: a number, or {class: number} for some. classes: a name, or names and ids to keep; None keeps all.
max_boxes: only so many of a frame; 0 keeps all. fit: "letterbox", "stretch".
tiles: (columns, rows), "3x2" or "3x2+whole", which is tile_whole as well.
ignore_regions: (x, y, w, h) in pixels or "10%,0%,50%,20%" each: boxes whose centres lie in one of them are dropped.
tuning: "remembered", "measured" (GPU: a minute or two), "fixed"; tuning_cache: the folder that remembers.
replicate: how weights get to several GPUs: "auto", "copy", "nccl".
same_bits: a frame's result has the same bits whatever shares its batch.
throughput: of recordings a CPU takes up to 16 pictures at a time, in place of four.
Raises UsageError, UnsupportedError, DeviceError.)")
        .def("__init__", &make_engine, nb::arg("model"), nb::kw_only(), nb::arg("device") = "auto",
             nb::arg("precision") = "auto", nb::arg("batch") = 0, nb::arg("threads") = 0,
             nb::arg("max_latency_ms") = nb::none(), nb::arg("confidence") = .25f, nb::arg("nms") = .45f,
             nb::arg("nms_across_classes") = false, nb::arg("classes") = nb::none(), nb::arg("max_boxes") = 0,
             nb::arg("min_size") = 0.f, nb::arg("fit") = "letterbox", nb::arg("resize") = "bilinear",
             nb::arg("tiles") = nb::none(), nb::arg("tile_overlap") = .2f, nb::arg("tile_whole") = false,
             nb::arg("batch_norm") = "alexeyab", nb::arg("same_bits") = false, nb::arg("throughput") = false,
             nb::arg("libraries") = true, nb::arg("gpu_memory") = 0, nb::arg("tuning") = "remembered",
             nb::arg("tuning_cache") = nb::none(), nb::arg("ignore_regions") = nb::none(),
             nb::arg("replicate") = "auto", nb::arg("_inputs") = nb::none(),
             nb::sig(
                 "def __init__(self, model: Model, *, device: str = 'auto', precision: str = 'auto', batch: int = 0, "
                 "threads: int = 0, max_latency_ms: float | None = None, confidence: float | dict[str | int, float] "
                 "= 0.25, nms: float = 0.45, nms_across_classes: bool = False, classes: "
                 "str | collections.abc.Iterable[str | int] | None = None, max_boxes: int = 0, min_size: float = 0.0, "
                 "fit: str = 'letterbox', resize: str = 'bilinear', tiles: tuple[int, int] | str | None = None, "
                 "tile_overlap: float = 0.2, tile_whole: bool = False, batch_norm: str = 'alexeyab', same_bits: bool "
                 "= False, throughput: bool = False, libraries: bool = True, gpu_memory: int = 0, tuning: str = "
                 "'remembered', tuning_cache: "
                 "str | None = None, ignore_regions: collections.abc.Iterable[tuple[float, float, float, float] | str] "
                 "| None = None, replicate: str = 'auto') -> None"))
        .def("detect", &detect, nb::arg("frame"), nb::sig("def detect(self, frame: typing.Any) -> numpy.ndarray"),
             "The boxes of one picture: uint8 (height, width, 3), RGB, a numpy array or anything with __dlpack__. A "
             "CUDA\n"
             "tensor is not copied. Any thread may call it; they take turns.")
        .def("submit", &submit, nb::arg("frame"), nb::kw_only(), nb::arg("stream") = 0, nb::arg("index") = 0,
             nb::arg("time_s") = 0., nb::arg("wait") = true,
             nb::sig(
                 "def submit(self, frame: typing.Any, *, stream: int = 0, index: int = 0, time_s: float = 0.0, wait: "
                 "bool = True) -> bool"),
             "Hands over a frame, from any thread; its pixels must stay as they are until its result is there. Waits\n"
             "while `capacity` frames are owed; with wait=False it is dropped then, and the answer is False. False as\n"
             "well after cancel(). stream, index and time_s are handed through.")
        .def("next", &next, nb::sig("def next(self) -> Result | None"),
             "The next result, in the order of submission; waits for it, for ever where its batch is not full and "
             "nobody\n"
             "calls flush() or finish(). None after finish() once all are out, or after cancel().")
        .def(
            "flush", [](PyEngine& e) { e.engine().flush(); }, Gil(),
            "What was submitted is not to wait for a full batch.")
        .def(
            "finish", [](PyEngine& e) { e.engine().finish(); }, Gil(),
            "No more frames: next() gives the rest, then None.")
        .def("cancel", &cancel, "Gives up all that is between submit() and next().")
        .def(
            "resume", [](PyEngine& e) { e.engine().resume(); }, Gil(), "Takes frames again after cancel().")
        .def_prop_ro(
            "names", [](const PyEngine& e) { return names_of(e.names); },
            "Class names; empty where the model came without.")
        .def_prop_ro("description", [](const PyEngine& e) { return e.engine().description(); })
        .def_prop_ro("notes", [](const PyEngine& e) { return texts_of(e.engine().notes()); })
        .def_prop_ro("devices", [](const PyEngine& e) { return e.engine().devices(); })
        .def_prop_ro("gpus", [](const PyEngine& e) { return e.engine().gpus(); })
        .def_prop_ro("batch", [](const PyEngine& e) { return e.engine().max_batch(); })
        .def_prop_ro(
            "capacity", [](const PyEngine& e) { return e.engine().capacity(); },
            "Frames that can be owed before submit() waits.")
        .def("__repr__", [](const PyEngine& e) { return "<convoy.Engine " + e.engine().description() + ">"; });
}

}  // namespace convoy::python
