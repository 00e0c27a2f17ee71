// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <convoy/detection.h>
#include "tools/analysis/zones_file.h"

namespace convoy::analysis {

struct ZoneOptions {
    /// How long a thing may be outside of a zone, or out of sight, and still be on the same visit. At least the
    /// tracker's buffer_s, or things come back after they were given up.
    double patience_s = 1;
    /// How far from a line a thing that has crossed it must have been before it can cross it again, as a share of the
    /// mean of its box's width and height: who stands on a line and trembles crosses it once.
    double margin = .1;
    double interval_s = 1;  ///< of the rows; at least 0.001
};

struct LineCounts {
    std::int64_t in = 0, out = 0;
};

struct ZoneCounts {
    std::int64_t inside = 0;     ///< now
    std::int64_t entries = 0;    ///< visits that have begun, those that begin with a thing's first sight too
    double dwell_s = 0;          ///< of all visits together
    double longest_dwell_s = 0;  ///< of one
};

/// What is to be drawn on a frame and recorded with it.
struct ZoneState {
    std::vector<std::int64_t> inside;  ///< of each zone: things that are in it
    std::vector<LineCounts> lines;     ///< of each line: crossings so far
};

/// A thing's stay in a zone, from its first to its last sight there.
struct Visit {
    std::size_t zone = 0;
    std::int64_t track = 0;
    int class_id = 0;
    double from_s = 0, to_s = 0;  ///< Frame::time_s
    bool left = false;            ///< it has gone, or nobody knows where to; else it is in the zone still
};

/// A thing's way over a line.
struct LinePassage {
    std::size_t line = 0;
    std::int64_t track = 0;
    int class_id = 0;
    bool in = false;  ///< else out
};

/// What happened in an interval: of a zone or a line, of a class or all together.
struct CountRow {
    static constexpr int kAllClasses = -1;
    double time_s = 0;  ///< when the interval began
    bool of_line = false;
    std::size_t index = 0;  ///< in Zones::lines or Zones::zones
    int class_id = kAllClasses;
    ZoneCounts zone;  ///< `inside` on the interval's last frame, `entries` in it; no dwell
    LineCounts line;  ///< crossings in it
};

/// Everything since the first frame. Classes that were never there are not named.
struct ZoneTotals {
    struct OfZone {
        ZoneCounts all;
        std::map<int, ZoneCounts> classes;
    };
    struct OfLine {
        LineCounts all;
        std::map<int, LineCounts> classes;
    };
    std::vector<OfZone> zones;
    std::vector<OfLine> lines;
};

/// What comes along the way, so that nothing is kept that grows with the input. Each may be empty.
struct ZoneOutputs {
    std::function<void(const CountRow&)> row = {};  ///< in order: of zones, then lines; all classes, then one by one
    std::function<void(const Visit&)> visit = {};   ///< when it has ended, or by finish()
    std::function<void(const Visit&)> entry = {};   ///< a visit that begins
    std::function<void(const LinePassage&)> passage = {};  ///< when it is counted
};

/// Counts the things of one input in zones and over lines; docs/zones.md has the rules. Detections without a track are
/// not counted.
class ZoneCounter {
public:
    using Outputs = ZoneOutputs;

    /// `names` are the model's classes. Throws Error(input) for a class of the zones that is none of them, and
    /// Error(usage) for options out of range. Classes without a name are called by their number.
    ZoneCounter(Zones zones, std::vector<std::string> names, const ZoneOptions& options = {}, Outputs outputs = {});

    /// The next frame, its tracks set. What it returns is valid until the next call.
    const ZoneState& update(const Result& result);
    /// After the last frame: the last interval's rows, and the visits that go on.
    void finish();

    ZoneTotals totals() const;
    /// Visits that have not ended, by zone, then track.
    std::vector<Visit> open_visits() const;

    const Zones& zones() const { return zones_; }
    const std::vector<std::string>& names() const { return names_; }

private:
    struct Stay {  // of a thing in a zone
        bool open = false, inside = false;
        double from_s = 0, to_s = 0;
    };
    struct Passage {           // of a thing over a line
        bool counted = false;  // it has crossed and was not far from the line since
        int since = 0;         // crossings to the right less those to the left since it was counted
    };
    struct Thing {
        int class_id = 0;
        double seen_s = 0;
        bool has_place = false;
        Point bottom, center;
        std::vector<Stay> stays;        // by zone
        std::vector<Passage> passages;  // by line
    };

    void set_size(int width, int height);
    void see(const Detection& detection);
    void visit(std::int64_t track, Thing& thing, std::size_t zone, Point now);
    void pass(std::int64_t track, Thing& thing, std::size_t line, Point before, Point now, double margin);
    void count(std::int64_t track, int class_id, std::size_t line, int crossings);
    void end_visits();
    void close(std::int64_t track, Thing& thing, std::size_t zone);
    void write_rows();

    Zones zones_;  // as in the file
    Zones drawn_;  // in pixels of the frames of this size
    int width_ = 0, height_ = 0;
    std::vector<std::string> names_;
    std::vector<std::vector<int>> zone_classes_, line_classes_;  // empty: all
    ZoneOptions options_;
    Outputs outputs_;

    std::map<std::int64_t, Thing> things_;  // by track
    bool begun_ = false;
    double now_s_ = 0;
    double interval_ = 0;  // number of the one that now_s_ lies in
    ZoneState state_;
    ZoneTotals ended_;  // with the dwell of visits that have ended; `inside` is 0
    ZoneTotals in_interval_;
};

}  // namespace convoy::analysis
