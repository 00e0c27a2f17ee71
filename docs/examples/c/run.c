// SPDX-License-Identifier: MIT
//
// Whole inputs, on all devices of the machine: c-run MODEL.cfg MODEL.weights INPUT...
// Ctrl-C ends the run at a frame, and what was found until then is told.
#include <signal.h>
#include <stdio.h>

#include <convoy/convoy.h>

static convoy_engine* engine;

static void interrupt(int signal_number) {
    (void)signal_number;
    convoy_stop(engine);
}

typedef struct {
    long long frames, boxes;
    int failures;
} counts;

static int frame(void* data, const convoy_result* result) {
    counts* all = data;
    all->frames += 1;
    all->boxes += (long long)convoy_result_count(result);
    const convoy_detection* found = convoy_result_detections(result);
    for (size_t i = 0; i < convoy_result_count(result); ++i)
        printf("%d %lld %d %.9g %.9g %.9g %.9g %.9g\n", (int)convoy_result_stream(result),
               (long long)convoy_result_index(result), (int)found[i].class_id, found[i].confidence, found[i].x,
               found[i].y, found[i].w, found[i].h);
    return 0;  // anything else ends the run
}

static void end(void* data, int input, const char* path, int64_t frames, const char* error) {
    counts* all = data;
    if (*error) {
        all->failures += 1;
        fprintf(stderr, "c-run: %s\n", error);
    }
    printf("input %d, %s: %lld frames\n", input, path, (long long)frames);
}

int main(int argc, char** argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: c-run MODEL.cfg MODEL.weights INPUT...\n");
        return 2;
    }
    const char* const* inputs = (const char* const*)argv + 3;
    const size_t count = (size_t)argc - 3;
    // The engine is made for these inputs: the first is opened beside its start, and a short job takes few GPUs.
    convoy_options* options = NULL;
    if (convoy_options_create(&options) < 0 || convoy_options_set_inputs(options, inputs, count) < 0 ||
        convoy_engine_create(&engine, argv[1], argv[2], NULL, options) < 0) {
        fprintf(stderr, "c-run: %s\n", convoy_last_error());
        convoy_options_destroy(options);
        return 1;
    }
    convoy_options_destroy(options);
    signal(SIGINT, interrupt);

    counts all = {0, 0, 0};
    const convoy_callbacks callbacks = {.struct_size = sizeof callbacks, .data = &all, .frame = frame, .end = end};
    const int status = convoy_run(engine, inputs, count, &callbacks);
    signal(SIGINT, SIG_DFL);
    convoy_engine_destroy(engine);
    if (status < 0) {
        fprintf(stderr, "c-run: %s\n", convoy_last_error());
        return 1;
    }
    printf("whole video: %lld frames, %lld boxes\n", all.frames, all.boxes);
    return all.failures ? 1 : 0;
}
