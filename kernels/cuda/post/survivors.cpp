// SPDX-License-Identifier: MIT
//
// The host's side of nms(): where the device writes, and how that is read.
#include <algorithm>

#include "kernels/cpu/list_survivors.h"
#include "kernels/nms.h"

namespace convoy::kernels::cuda {

std::size_t survivor_bytes(CandidateCapacity capacity, int n) {
    return std::size_t(n) * (2 * sizeof(int) + capacity.probs * sizeof(SurvivorPicture::Entry));
}

SurvivorPicture survivor_picture(void* memory, CandidateCapacity capacity, int n, int picture) {
    int* counts = static_cast<int*>(memory);
    auto* entries = reinterpret_cast<SurvivorPicture::Entry*>(counts + 2 * std::size_t(n));
    return {counts + 2 * picture, entries + std::size_t(picture) * capacity.probs};
}

bool read_survivors(const void* survivors, CandidateCapacity capacity, int n, int picture, int classes,
                    Candidates& boxes, std::vector<Survivor>& out) {
    using Entry = SurvivorPicture::Entry;
    boxes.clear();
    out.clear();
    const SurvivorPicture from = survivor_picture(const_cast<void*>(survivors), capacity, n, picture);
    if (from.counts[1] != 0) return false;
    std::vector<Entry> entries(from.entries, from.entries + from.counts[0]);
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return a.box.order != b.box.order ? a.box.order < b.box.order : a.class_id < b.class_id;
    });
    std::vector<unsigned char> kept;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const Entry& e = entries[i];
        if (i == 0 || e.box.order != entries[i - 1].box.order) {
            boxes.boxes.push_back({e.box.x, e.box.y, e.box.w, e.box.h});
            boxes.objectness.push_back(e.box.objectness);
            boxes.first_prob.push_back(boxes.probs.size());
        }
        boxes.probs.push_back({e.class_id, e.prob});
        boxes.first_prob.back() = boxes.probs.size();
        kept.push_back(e.kept != 0);
    }
    cpu::list_survivors(boxes, classes, kept, out);
    return true;
}

}  // namespace convoy::kernels::cuda
