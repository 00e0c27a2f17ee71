// SPDX-License-Identifier: MIT
#include "tools/unit_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <convoy/error.h>
#include <convoy/media/image.h>
#include "tools/fleet/content_key.h"
#include "tools/fleet/patience.h"
#include "tools/sinks/formats/jsonl.h"

using nlohmann::json;

namespace convoy::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kBetweenLooks{5};  // at a claim, while its unit goes on

}  // namespace

/// A unit under way. Opened by a thread of the engine; from its first result on the consumer's.
struct UnitRun::Active {
    explicit Active(WorkUnit its_unit) : unit(std::move(its_unit)), files(unit.records) {}

    WorkUnit unit;
    const fleet::UnitFiles files;
    std::shared_ptr<std::vector<fleet::KeptRecord>> kept = std::make_shared<std::vector<fleet::KeptRecord>>();
    std::shared_ptr<fleet::ReadFrames> read = std::make_shared<fleet::ReadFrames>();
    std::unique_ptr<fleet::Checkpoint> checkpoint;
    std::int64_t frames = 0;                                    // whose records have come
    std::atomic<std::int64_t> all_frames = 0, kept_frames = 0;  // as far as the container tells; of those before
    bool lost = false;                                          // somebody else has taken it over
    Clock::time_point begun = Clock::now(), looked = begun;
};

class UnitRun::Records : public Sink {
public:
    Records(UnitRun& run, const std::vector<std::string>& class_names)
        : run_(run), format_(jsonl_format({.classes = class_names, .latency = false})) {}
    void write(const FrameOutput& frame) override { run_.write(frame.input_index, format_->frame(frame)); }
    std::vector<std::string> outputs() const override { return run_.finished_; }

private:
    UnitRun& run_;
    const std::unique_ptr<RecordFormat> format_;
};

namespace {

std::vector<WorkUnit> with(std::vector<WorkUnit> units, const json& deciding) {
    for (WorkUnit& unit : units) unit.deciding.update(deciding);
    return units;
}

}  // namespace

UnitRun::UnitRun(Work work, Tell tell)
    : work_(std::move(work)),
      tell_(std::move(tell)),
      queue_(with(std::move(work_.units), work_.deciding), std::move(work_.claims), work_.drains, tell_) {}

UnitRun::~UnitRun() = default;

void UnitRun::attach(PipelineOptions& pipeline) {
    pipeline.goes_on = true;  // until the last unit is done
    pipeline.feeds = [this](RunningInputs& running) { feed(running); };
    pipeline.restores = [this](int input, std::int64_t step, Result& result) { restore(input, step, result); };
    pipeline.ends_input = [this](int input, InputEnd& how) { end(input, how); };
    pipeline.progress = [this](int input) { return progress(input); };
}

void UnitRun::feed(RunningInputs& running) {
    running_ = &running;
    for (int lane = 0; lane < work_.lanes; ++lane)
        running.add([this, lane](int number, auto cancel) { return open(number, lane, std::move(cancel)); }, lane);
}

std::unique_ptr<Sink> UnitRun::sink(const std::vector<std::string>& class_names) {
    return std::make_unique<Records>(*this, class_names);
}

/// The next unit is chosen when there is room for it, and the one behind it is asked for then.
std::unique_ptr<Input> UnitRun::open(int number, int lane, std::stop_token cancel) {
    std::optional<WorkUnit> unit = queue_.next(cancel);
    if (!unit) {
        running_->close();
        return fleet::no_input();
    }
    running_->name(number, unit->label);
    running_->add([this, lane](int later, auto token) { return open(later, lane, std::move(token)); }, lane);
    const auto active = std::make_shared<Active>(std::move(*unit));
    {
        const std::lock_guard lock(mutex_);
        if (active_.empty()) busy_since_ = Clock::now();
        active_[number] = active;
    }
    std::unique_ptr<Input> input = begin(*active, std::move(cancel));
    const std::int64_t all = input->info().frames_estimate, limit = active->unit.options.frames;
    active->kept_frames = std::int64_t(active->kept->size());
    active->all_frames = limit > 0 && (all <= 0 || all > limit) ? limit : all;
    return input;
}

std::unique_ptr<Input> UnitRun::begin(Active& active, std::stop_token cancel) {
    const WorkUnit& unit = active.unit;
    if (!unit.refusal.empty()) throw Error(ErrorKind::input, unit.refusal);
    const std::string key = unit.deciding.value("key", "");
    if (fleet::content_of(unit.location, [cancel] { return cancel.stop_requested(); }).key != key &&
        !cancel.stop_requested())
        throw Error(ErrorKind::input, "'" + unit.label + "' is not what it was when its key was taken; " +
                                          "make the manifest anew, or begin again");
    fleet::KeptRecords kept =
        fleet::read_kept(active.files, unit.deciding, unit.label, std::max<std::int64_t>(unit.options.every, 1));
    if (kept.records.empty()) return begin_anew(active, kept.why_anew, std::move(cancel));
    std::unique_ptr<Input> whole = fleet::open_patiently(unit.location, unit.options, cancel);
    InputInfo info = whole->info();
    whole.reset();
    std::unique_ptr<Input> rest = fleet::open_behind(unit.location, unit.options, kept.records, cancel);
    if (!rest && cancel.stop_requested()) return fleet::no_input();
    if (!rest) return begin_anew(active, "its last frame is not found again", std::move(cancel));
    info.path = unit.label;
    const json state = fleet::read_json(active.files.state);
    std::string other;
    for (const char* name : {"device", "kernels"})
        if (state.value(name, json()) != work_.about.value(name, json()) && other.empty())
            other = fmt::format("; its {} had another {}, so boxes may differ by what that rounds otherwise",
                                kept.records.size() == 1 ? "record" : "records", name);
    tell_(fmt::format("{}: goes on behind frame {}, at {:.1f} s{}", unit.label, kept.records.size() - 1,
                      kept.records.back().pts_s, other));
    json begun = unit.deciding;
    begun.update(work_.about);
    active.checkpoint = std::make_unique<fleet::Checkpoint>(active.files, begun, kept.text);
    *active.kept = std::move(kept.records);
    const std::lock_guard lock(mutex_);
    ++tally_.resumed;
    return std::make_unique<fleet::UnitInput>(std::move(rest), std::move(info), active.kept, active.read);
}

std::unique_ptr<Input> UnitRun::begin_anew(Active& active, const std::string& why, std::stop_token cancel) {
    const WorkUnit& unit = active.unit;
    if (!why.empty()) tell_(fmt::format("{}: was begun, and begins anew: {}", unit.label, why));
    std::unique_ptr<Input> input = fleet::open_patiently(unit.location, unit.options, std::move(cancel));
    InputInfo info = input->info();
    info.path = unit.label;
    json begun = unit.deciding;
    begun.update(work_.about);
    active.checkpoint = std::make_unique<fleet::Checkpoint>(active.files, begun, "");
    return std::make_unique<fleet::UnitInput>(std::move(input), std::move(info), active.kept, active.read);
}

std::shared_ptr<UnitRun::Active> UnitRun::active(int input) const {
    const std::lock_guard lock(mutex_);
    const auto found = active_.find(input);
    return found == active_.end() ? nullptr : found->second;
}

void UnitRun::restore(int input, std::int64_t step, Result& result) {
    const auto unit = active(input);
    const std::int64_t number = result.frame.index / std::max<std::int64_t>(step, 1);
    if (!unit || number >= std::int64_t(unit->kept->size())) return;
    const fleet::KeptRecord& record = (*unit->kept)[std::size_t(number)];
    result.detections = record.detections;
    result.frame.undecodable = record.undecodable;
}

void UnitRun::write(int input, const std::string& line) {
    const auto unit = active(input);
    if (unit->frames++ < std::int64_t(unit->kept->size()) || unit->lost) return;
    ++done_frames_;
    look_at_claim(*unit, input);
    if (!unit->lost) unit->checkpoint->append(line);
}

void UnitRun::look_at_claim(Active& active, int input) {
    if (!queue_.has_claims() || Clock::now() - active.looked < kBetweenLooks) return;
    active.looked = Clock::now();
    active.lost = !queue_.holds(active.unit);
    if (active.lost) running_->end(input);
}

void UnitRun::end(int input, InputEnd& end) {
    const auto unit = active(input);
    if (!unit) return;
    // Kept frames came as such (fleet::UnitInput).
    for (std::size_t i = 0; i < unit->kept->size() && end.undecodable > 0; ++i)
        end.undecodable -= !(*unit->kept)[i].undecodable;
    unit->lost = unit->lost || !queue_.holds(unit->unit);
    if (unit->lost) {
        tell_(fmt::format("{}: another run has taken it over", unit->unit.label));
        queue_.put_back(unit->unit);
    } else if (!end.error.empty()) {
        fail(*unit, end.error);
    } else if (!unit->read->are_all(unit->frames)) {
        if (unit->checkpoint) unit->checkpoint->sync();
        const std::lock_guard lock(mutex_);
        ++tally_.left;
    } else {
        finish(*unit, end);
    }
    queue_.release(unit->unit);
    const std::lock_guard lock(mutex_);
    active_.erase(input);
    if (active_.empty()) busy_ += Clock::now() - busy_since_;
    ended_weight_ += unit->unit.weight;
}

void UnitRun::fail(Active& active, const std::string& error) {
    const bool again = fleet::may_pass(error, active.unit.location);
    if (active.checkpoint) active.checkpoint->sync();
    if (!again) {
        json record = active.unit.deciding;
        record.update(work_.about);
        record["error"] = error;
        record["frames"] = active.frames;
        fleet::write_json(active.files.failed, record);
    }
    const std::lock_guard lock(mutex_);
    ++(again ? tally_.again : tally_.failed);
}

void UnitRun::finish(Active& active, const InputEnd& end) {
    json record = active.unit.deciding;
    record.update(work_.about);
    record["frames"] = active.frames;
    record["resumed_behind"] = active.kept->size();
    record["damaged"] = end.damaged;
    // It was opened while the one before was under way, whose time that is.
    const Clock::time_point now = Clock::now(), begun = std::max(active.begun, std::exchange(last_end_, now));
    record["seconds"] = std::chrono::duration<double>(now - begun).count();
    active.checkpoint->publish(std::move(record));
    const std::lock_guard lock(mutex_);
    ++tally_.done;
    const auto frames = double(std::max<std::int64_t>(active.frames, 1));
    done_weight_ += active.unit.weight * (1 - double(active.kept->size()) / frames);
    finished_.push_back(active.unit.records);
}

/// What nobody has begun takes all machines together as long as what they have done; what this one is at, it alone.
/// Where it only waited for others, nothing was left that nobody has begun, and it had no pace.
ProgressState UnitRun::progress(int input) const {
    const UnitQueue::Course course = queue_.course();
    ProgressState state;
    state.inputs = course.units;
    const std::lock_guard lock(mutex_);
    double own = done_weight_, rest = course.own - ended_weight_;
    for (const auto& [number, unit] : active_) {
        const auto all = double(unit->all_frames), kept = double(unit->kept_frames);
        const double share = all > 0 ? std::min(double(unit->frames) / all, 1.) : 0;
        rest -= unit->unit.weight * share;
        if (all > 0) own += unit->unit.weight * std::max(share - kept / all, 0.);
        if (number == input) state.input_number = unit->unit.place;
    }
    rest = std::max(rest, 0.);  // but for rounding
    state.total_frames = done_frames_;
    if (course.all > 0) state.fraction = 1 - (course.ahead + rest) / course.all;
    const Clock::duration busy = busy_ + (active_.empty() ? Clock::duration() : Clock::now() - busy_since_);
    state.elapsed_s = std::chrono::duration<double>(busy).count();
    state.steady = false;
    if (own > 0) state.left_s = state.elapsed_s * (course.ahead / (own + course.by_others) + rest / own);
    return state;
}

UnitRun::Tally UnitRun::tally() const {
    const UnitQueue::Tally others = queue_.tally();
    const std::lock_guard lock(mutex_);
    Tally tally = tally_;
    tally.done_before += others.done, tally.failed += others.failed;
    tally.left += others.left + std::int64_t(active_.size());
    return tally;
}

}  // namespace convoy::tools
