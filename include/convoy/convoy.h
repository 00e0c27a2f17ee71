// SPDX-License-Identifier: MIT
//
// Convoy for C, and for every language that calls C: libconvoy_c. Complete C11; no C++ type and no exception comes out.
//
// The binary interface is stable: what is declared here keeps its name, its arguments, its struct members and its
// meaning for as long as the library is libconvoy_c.so.0. Things may be added: functions, options, status values (an
// unknown positive one means "nothing, for a reason"; an unknown negative one is an error), and members at the end of
// the structs that begin with `struct_size`, which must hold the size that the program was compiled with.
//
// Functions that return `int` return CONVOY_OK, another value >= 0 that they name, or an error < 0, of which
// convoy_last_error() tells the rest. Where they fail, their out-parameters are set to NULL or 0. A null pointer where
// something is needed is CONVOY_ERROR_USAGE. Strings are UTF-8 and end with a zero byte.
//
// An engine's three ways of working are those of <convoy/engine.h>, one at a time: detect, submit and next, run.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <convoy/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a function returns.
enum {
    CONVOY_OK = 0,
    CONVOY_END = 1,      ///< convoy_next: everything before convoy_finish() is out, or convoy_cancel() was called
    CONVOY_FULL = 2,     ///< convoy_try_submit: no room, the picture is dropped
    CONVOY_STOPPED = 3,  ///< convoy_run was stopped, convoy_submit found the engine cancelled

    CONVOY_ERROR_USAGE = -1,        ///< an argument or option cannot be used
    CONVOY_ERROR_MODEL = -2,        ///< a .cfg, .weights or .names file is damaged or contradicts itself
    CONVOY_ERROR_INPUT = -3,        ///< a video, picture or frame cannot be read
    CONVOY_ERROR_OUTPUT = -4,       ///< a result cannot be written
    CONVOY_ERROR_UNSUPPORTED = -5,  ///< valid, but this build or machine lacks what it needs
    CONVOY_ERROR_DEVICE = -6,       ///< a GPU, its driver or its memory failed
    CONVOY_ERROR_MEMORY = -7,       ///< no host memory; the engine stays usable
    CONVOY_ERROR_CALLBACK = -8,     ///< a callback, written in C++, threw
    CONVOY_ERROR_INTERNAL = -9      ///< none of these: a fault of Convoy
};

typedef struct convoy_options convoy_options;  ///< how a model is loaded, run and read
typedef struct convoy_engine convoy_engine;    ///< a model on its devices, with its class names
typedef struct convoy_result convoy_result;    ///< what was found in one picture

/// One thing that was found. Never gets another member.
typedef struct convoy_detection {
    int32_t class_id;  ///< index of convoy_class_name()
    float confidence;  ///< objectness · class probability, 0 to 1
    float x, y, w, h;  ///< pixels of the picture; x and y are the top left corner; clipped to the picture
    int64_t track;     ///< 0: not followed
} convoy_detection;

/// How a picture's pixels lie in memory.
enum {
    CONVOY_RGB8 = 0,  ///< plane 0: (height, width, 3) bytes
    CONVOY_NV12 = 1   ///< plane 0: (height, width) luma; plane 1: (height / 2, width / 2, 2) Cb and Cr, rounded up
};
enum { CONVOY_BT709 = 0, CONVOY_BT601 = 1 };
enum { CONVOY_LIMITED = 0, CONVOY_FULL_RANGE = 1 };

/// A picture in the program's memory. What is not needed is zero:
///     const convoy_picture p = {.struct_size = sizeof p, .width = 640, .height = 480, .plane = {rgb}};
typedef struct convoy_picture {
    size_t struct_size;     ///< sizeof(convoy_picture)
    int32_t format;         ///< CONVOY_RGB8 or CONVOY_NV12
    int32_t width, height;  ///< pixels
    int32_t matrix, range;  ///< of NV12: CONVOY_BT709 or CONVOY_BT601, CONVOY_LIMITED or CONVOY_FULL_RANGE
    int32_t on_device;      ///< not 0: the planes are memory of the engine's one GPU
    const void* plane[2];   ///< of RGB8 the first only
    int32_t pitch[2];       ///< bytes from row to row; 0: rows without gaps
    void* cuda_stream;      ///< on_device: the CUstream on which the pixels are written; NULL: they are there already
    int32_t stream;         ///< only handed through: convoy_result_stream()
    int64_t index;          ///< only handed through: convoy_result_index()
    double time_s;          ///< only handed through: convoy_result_time()
    /// Called with `release_data`, unless NULL, once Convoy needs the pixels no more: exactly once for each picture
    /// that was handed over, whatever the call returned (unless `struct_size` was wrong), from any thread, and before
    /// the engine is destroyed. Must not call Convoy. Without it the pixels must stay until the picture's result is
    /// out.
    void (*release)(void* release_data);
    void* release_data;
} convoy_picture;

/// "0.1.0": the library's, which may be newer than this header's.
CONVOY_API const char* convoy_version(void);
/// What the last call of this thread that failed had to say: a sentence that names the file, line, layer or frame and
/// says what to do. Never NULL; valid until this thread's next call that fails.
CONVOY_API const char* convoy_last_error(void);

/// Everything as it is by default. To be destroyed at any time; an engine keeps none.
CONVOY_API int convoy_options_create(convoy_options** options);
/// NULL is allowed.
CONVOY_API void convoy_options_destroy(convoy_options* options);
/// Sets an option by its name, as the command line calls it (docs/usage.md): "device", "precision", "batch", "threads",
/// "max-latency" (ms), "confidence" (".25", ".25,person=.4,2=.3"), "nms", "nms-agnostic", "min-size", "max-boxes",
/// "classes" ("person,2"), "ignore-regions" ("X,Y,W,H" in pixels or each with a %, semicolons between several), "fit"
/// ("letterbox", "stretch"), "resize" ("bilinear", "darknet"), "batch-norm" ("alexeyab", "pjreddie", "opencv"), "tiles"
/// ("3x2", "3x2+whole"), "tile-overlap", "size" ("608", "608x320"), "strict", "same-bits", "throughput" (a CPU takes
/// more pictures of recordings at a time), "libraries", "tuning" ("remembered", "measured", "fixed"), "tuning-cache",
/// "gpu-memory" (bytes), "replicate" ("auto", "copy", "nccl"); of what convoy_run() reads: "every", "start", "stop"
/// (s), "frames", "stream", "give-up" (s), "deinterlace". An option that is set again has the later value alone.
/// Devices and classes are looked for when the engine is made. Switches take "yes" and "no". CONVOY_ERROR_USAGE for
/// another name or value: nothing is changed then.
CONVOY_API int convoy_options_set(convoy_options* options, const char* name, const char* value);

/// Names what the engine's first convoy_run() will be given, for an engine that is made for that: while it is made, the
/// first of them is opened and the GPUs' decoders are made for it, and for a short job no GPU is started that would
/// come too late. Whatever else the engine is used for works as ever. convoy_engine_create() returns CONVOY_ERROR_INPUT
/// where none of them can be read; of one alone convoy_run() tells. `count` of 0 takes it back.
CONVOY_API int convoy_options_set_inputs(convoy_options* options, const char* const* inputs, size_t count);

/// Loads a Darknet model and makes it ready. `weights` belongs to `cfg`. `names` has one class name a line; NULL looks
/// for it beside the model. `options` may be NULL.
CONVOY_API int convoy_engine_create(convoy_engine** engine, const char* cfg, const char* weights, const char* names,
                                    const convoy_options* options);
/// Drops what is still in flight. CONVOY_ERROR_USAGE, and nothing is destroyed, from a callback of this engine's
/// convoy_run() and while that goes on. No other call on the engine may be under way. NULL is allowed. Results outlive
/// it.
CONVOY_API int convoy_engine_destroy(convoy_engine* engine);

/// Number of classes of the model; -1 for NULL.
CONVOY_API int convoy_class_count(const convoy_engine* engine);
/// NULL for an id that the model has not, or where there are no names. Valid as long as the engine.
CONVOY_API const char* convoy_class_name(const convoy_engine* engine, int class_id);
/// "cpu, fp32, 2 threads, batch 1", for people; "" for NULL. Valid as long as the engine.
CONVOY_API const char* convoy_engine_description(const convoy_engine* engine);
/// The size that pictures are scaled to, pixels.
CONVOY_API int convoy_engine_input_size(const convoy_engine* engine, int* width, int* height);
/// Pictures that can be between convoy_submit() and convoy_next() before the first of them waits; -1 for NULL.
CONVOY_API int convoy_engine_capacity(const convoy_engine* engine);

/// One picture, in the calling thread's time; further threads wait for their turn. The result is the caller's.
CONVOY_API int convoy_detect(convoy_engine* engine, const convoy_picture* picture, convoy_result** result);
/// The same for a picture file: JPEG, PNG and what else docs/media.md names.
CONVOY_API int convoy_detect_file(convoy_engine* engine, const char* path, convoy_result** result);

/// Number of detections, in Darknet's order; 0 for NULL.
CONVOY_API size_t convoy_result_count(const convoy_result* result);
/// All of them; NULL where there is none. Valid as long as the result.
CONVOY_API const convoy_detection* convoy_result_detections(const convoy_result* result);
/// Size of the picture, pixels.
CONVOY_API int convoy_result_size(const convoy_result* result, int* width, int* height);
/// As the picture had it; in convoy_run() the input's index.
CONVOY_API int32_t convoy_result_stream(const convoy_result* result);
/// As the picture had it; in convoy_run() the frame's number in its input, counted from 0.
CONVOY_API int64_t convoy_result_index(const convoy_result* result);
/// As the picture had it; in convoy_run() seconds since its input's first frame.
CONVOY_API double convoy_result_time(const convoy_result* result);
/// Milliseconds from when the picture was handed over until its boxes were there, waiting for its batch included.
CONVOY_API double convoy_result_latency(const convoy_result* result);
/// Boxes that were left out since their numbers are not finite: damaged weights, or too large for fp16. 0: all is well.
CONVOY_API int64_t convoy_result_not_finite(const convoy_result* result);
/// NULL is allowed. Not for the results of callbacks.
CONVOY_API void convoy_result_destroy(convoy_result* result);

/// Hands a picture over; waits while convoy_engine_capacity() pictures are owed. From any threads. CONVOY_STOPPED, and
/// the picture is dropped, after convoy_cancel().
CONVOY_API int convoy_submit(convoy_engine* engine, const convoy_picture* picture);
/// The same without waiting: CONVOY_FULL, and the picture is dropped, where there is no room; for live pictures.
CONVOY_API int convoy_try_submit(convoy_engine* engine, const convoy_picture* picture);
/// What was submitted so far does not wait for a full batch.
CONVOY_API int convoy_flush(convoy_engine* engine);
/// Runs the last batch, and lets convoy_next() return CONVOY_END once behind the last result.
CONVOY_API int convoy_finish(convoy_engine* engine);
/// Gives up all that is in flight, from any thread: whoever waits in convoy_submit() gets CONVOY_STOPPED, in
/// convoy_next() CONVOY_END.
CONVOY_API int convoy_cancel(convoy_engine* engine);
/// Takes pictures again after convoy_cancel(), when no other thread is in a call.
CONVOY_API int convoy_resume(convoy_engine* engine);
/// The next result, in the order of submission, from one thread at a time; waits for it: without convoy_flush(),
/// convoy_finish() or "max-latency" for ever, where a batch is not full. The result is the caller's. An error is that
/// of this one picture; the others still come.
CONVOY_API int convoy_next(convoy_engine* engine, convoy_result** result);

/// What convoy_run() tells, all from its own thread; each may be NULL. Not to be left by longjmp(). While one does not
/// return, the run waits with bounded memory.
typedef struct convoy_callbacks {
    size_t struct_size;  ///< sizeof(convoy_callbacks)
    void* data;          ///< handed to each
    /// An input was opened. Width, height and rate are 0 where they are not known yet (cameras).
    void (*begin)(void* data, int input, const char* path, int width, int height, double frames_per_second);
    /// The next frame of its input, in order. `result` is valid until the callback returns. Anything but 0 ends the
    /// run.
    int (*frame)(void* data, const convoy_result* result);
    /// An input has ended: frames that were told of; why it could not be opened or read to its end, else "". One that
    /// could not be opened has an end without a begin.
    void (*end)(void* data, int input, const char* path, int64_t frames, const char* error);
} convoy_callbacks;

/// Whole inputs over all devices: videos, pictures and addresses one after the other, cameras and live streams beside
/// them. A folder or a list file stands for what is in it, so callbacks may tell of more inputs than are named here.
/// Returns when all have ended. An input that cannot be read is told of at its end, and the others go on.
/// CONVOY_STOPPED after a callback or convoy_stop() ended it; CONVOY_ERROR_DEVICE when no device was left.
CONVOY_API int convoy_run(convoy_engine* engine, const char* const* inputs, size_t count,
                          const convoy_callbacks* callbacks);
/// Ends the run that goes on soon, without gaps; from any thread and from a signal handler. Does nothing where none
/// does.
CONVOY_API int convoy_stop(convoy_engine* engine);

#ifdef __cplusplus
}
#endif
