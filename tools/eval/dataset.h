// SPDX-License-Identifier: MIT
//
// What detections are scored against: pictures, categories and the objects that are really there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace convoy::eval {

/// Source pixels, x and y the top left corner; double, as COCO's own evaluation computes.
struct Box {
    double x = 0, y = 0, w = 0, h = 0;
};

struct Category {
    std::int64_t id = 0;  ///< as in the annotations' and results' `category_id`
    std::string name;
};

struct Picture {
    std::int64_t id = 0;        ///< as in the annotations' and results' `image_id`
    std::string path;           ///< relative to the annotation file until locate_pictures() has run
    int width = 0, height = 0;  ///< pixels; 0 when the annotation file does not say
};

/// One object.
struct Annotation {
    std::int64_t id = 0;
    std::size_t picture = 0;   ///< index into Dataset::pictures
    std::size_t category = 0;  ///< index into Dataset::categories
    Box box;
    double area = 0;     ///< pixels; COCO's is that of the object's outline, so smaller than the box
    bool crowd = false;  ///< `iscrowd`: detections inside neither count for nor against
};

struct Dataset {
    std::string path;                      ///< the file or folder it was read from
    std::vector<Category> categories;      ///< rising ids, each once
    std::vector<Picture> pictures;         ///< rising ids, each once
    std::vector<Annotation> annotations;   ///< in the order of the file
    std::vector<std::string> label_files;  ///< of a YOLO dataset
    std::vector<std::string> warnings;     ///< sentences a person must see: what was put right
    std::vector<std::string> notes;        ///< sentences a person should see: what is odd but not wrong

    /// Forgets all but the first `count` pictures and their objects.
    void keep_first(std::size_t count) {
        if (count >= pictures.size()) return;
        pictures.resize(count);
        std::erase_if(annotations, [&](const Annotation& a) { return a.picture >= count; });
    }
};

/// A detection to be scored.
struct ScoredBox {
    std::size_t picture = 0;   ///< index into Dataset::pictures
    std::size_t category = 0;  ///< index into Dataset::categories
    Box box;
    double score = 0;
};

}  // namespace convoy::eval
