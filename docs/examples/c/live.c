// SPDX-License-Identifier: MIT
//
// Raw frames from several threads: c-live MODEL.cfg MODEL.weights WIDTH HEIGHT RAW...
// Each RAW holds frames of (HEIGHT, WIDTH, 3) bytes, as `ffmpeg -i VIDEO -f rawvideo -pix_fmt rgb24 RAW` writes them,
// and stands for a camera. Nothing is dropped here: for live pictures convoy_try_submit() takes the place of
// convoy_submit().
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>

#include <convoy/convoy.h>

enum { MOST_CAMERAS = 16 };

typedef struct {
    convoy_engine* engine;
    const char* path;
    int number, width, height, failed;
    long long frames, boxes;
} camera;

static int film(void* data) {
    camera* self = data;
    const size_t bytes = (size_t)self->width * (size_t)self->height * 3;
    FILE* file = fopen(self->path, "rb");
    if (!file) self->failed = 1, perror(self->path);
    for (int64_t index = 0; file && !self->failed; ++index) {
        unsigned char* pixels = malloc(bytes);
        if (!pixels || fread(pixels, 1, bytes, file) != bytes) {
            free(pixels);
            break;
        }
        const convoy_picture picture = {.struct_size = sizeof picture,
                                        .format = CONVOY_RGB8,
                                        .width = self->width,
                                        .height = self->height,
                                        .plane = {pixels},
                                        .stream = self->number,
                                        .index = index,
                                        .release = free,  // the pixels are Convoy's now, whatever comes of them
                                        .release_data = pixels};
        const int status = convoy_submit(self->engine, &picture);
        if (status < 0) self->failed = 1, fprintf(stderr, "c-live: %s\n", convoy_last_error());
        if (status != CONVOY_OK) break;
    }
    if (file) fclose(file);
    return 0;
}

typedef struct {
    camera* cameras;
    int count;
} all_cameras;

// Films with each camera in a thread of its own; when all have ended, convoy_next() is to end, too.
static int film_all(void* data) {
    const all_cameras* all = data;
    thrd_t threads[MOST_CAMERAS];
    int started = 0;
    while (started < all->count && thrd_create(&threads[started], film, &all->cameras[started]) == thrd_success)
        ++started;
    for (int i = started; i < all->count; ++i) all->cameras[i].failed = 1;
    for (int i = 0; i < started; ++i) thrd_join(threads[i], NULL);
    convoy_finish(all->cameras[0].engine);
    return 0;
}

int main(int argc, char** argv) {
    if (argc < 6 || argc > 5 + MOST_CAMERAS) {
        fprintf(stderr, "usage: c-live MODEL.cfg MODEL.weights WIDTH HEIGHT RAW...\n");
        return 2;
    }
    convoy_engine* engine = NULL;
    if (convoy_engine_create(&engine, argv[1], argv[2], NULL, NULL) < 0) {
        fprintf(stderr, "c-live: %s\n", convoy_last_error());
        return 1;
    }
    camera cameras[MOST_CAMERAS];
    const all_cameras all = {cameras, argc - 5};
    for (int i = 0; i < all.count; ++i)
        cameras[i] = (camera){engine, argv[5 + i], i, atoi(argv[3]), atoi(argv[4]), 0, 0, 0};

    int failed = 0, status;
    thrd_t filming;
    if (thrd_create(&filming, film_all, (void*)&all) != thrd_success) return 1;
    convoy_result* result = NULL;
    while ((status = convoy_next(engine, &result)) != CONVOY_END) {
        if (status < 0) {  // this picture's error; the others still come
            failed = 1, fprintf(stderr, "c-live: %s\n", convoy_last_error());
            continue;
        }
        camera* its = &cameras[convoy_result_stream(result)];
        its->frames += 1;
        its->boxes += (long long)convoy_result_count(result);
        convoy_result_destroy(result);
    }
    thrd_join(filming, NULL);
    for (int i = 0; i < all.count; ++i) {
        failed |= cameras[i].failed;
        printf("camera %d: %lld frames, %lld boxes\n", i, cameras[i].frames, cameras[i].boxes);
    }
    convoy_engine_destroy(engine);
    return failed;
}
