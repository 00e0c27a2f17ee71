// SPDX-License-Identifier: MIT
//
// Objects in one picture: c-picture MODEL.cfg MODEL.weights PICTURE [OPTION=VALUE...]
#include <stdio.h>
#include <string.h>

#include <convoy/convoy.h>

static int failed(const char* what) {
    fprintf(stderr, "c-picture: %s: %s\n", what, convoy_last_error());
    return 1;
}

// "confidence=.4" and the like.
static int set(convoy_options* options, char* argument) {
    char* value = strchr(argument, '=');
    if (!value) return convoy_options_set(options, argument, "");
    *value = 0;
    return convoy_options_set(options, argument, value + 1);
}

int main(int argc, char** argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: c-picture MODEL.cfg MODEL.weights PICTURE [OPTION=VALUE...]\n");
        return 2;
    }
    convoy_options* options = NULL;
    if (convoy_options_create(&options) < 0) return failed("options");
    for (int i = 4; i < argc; ++i)
        if (set(options, argv[i]) < 0) return failed(argv[i]);
    convoy_engine* engine = NULL;
    if (convoy_engine_create(&engine, argv[1], argv[2], NULL, options) < 0) return failed(argv[1]);
    convoy_options_destroy(options);

    convoy_result* result = NULL;
    if (convoy_detect_file(engine, argv[3], &result) < 0) return failed(argv[3]);
    const convoy_detection* found = convoy_result_detections(result);
    for (size_t i = 0; i < convoy_result_count(result); ++i) {
        const char* name = convoy_class_name(engine, found[i].class_id);
        printf("%s %.9g at %.9g %.9g %.9g %.9g\n", name ? name : "object", found[i].confidence, found[i].x, found[i].y,
               found[i].w, found[i].h);
    }
    convoy_result_destroy(result);
    convoy_engine_destroy(engine);
    return 0;
}
