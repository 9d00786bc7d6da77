#include "frontend/train/schedule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "frontend/train/config.h"

namespace weft {
namespace {

constexpr std::string_view kPlateau = "plateau";

// Time in the unit that the schedule is evaluated in, steps or epochs, the warm-up taken off.
struct ScheduleClock {
  double now = 0;
  double total = 1;
  double per_epoch = 1;
  double part() const { return total > 0 ? std::min(now / total, 1.0) : 1; }
  double epoch() const { return now / per_epoch; }
};

using RateFunction = double (*)(const ScheduleOptions& o, double rate, const ScheduleClock& t);

// Half a cosine from `begin` at 0 to `end` at 1.
double CosineBetween(double begin, double end, double part) {
  return end + (begin - end) * 0.5 * (1 + std::cos(std::numbers::pi * part));
}

std::optional<std::vector<int64_t>> ParseMilestones(const std::vector<std::string>& texts) {
  std::vector<int64_t> milestones;
  for (const std::string& text : texts) {
    for (const auto part : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
      int64_t epoch = 0;
      if (!absl::SimpleAtoi(part, &epoch) || epoch < 1) return std::nullopt;
      milestones.push_back(epoch);
    }
  }
  return milestones;
}

double ConstantRate(const ScheduleOptions&, double rate, const ScheduleClock&) { return rate; }

double StepRate(const ScheduleOptions& o, double rate, const ScheduleClock& t) {
  return rate * std::pow(o.gamma, std::floor(t.epoch() / static_cast<double>(o.step_epochs)));
}

double MultiStepRate(const ScheduleOptions& o, double rate, const ScheduleClock& t) {
  const std::vector<int64_t> milestones = *ParseMilestones(o.milestones);
  return rate * std::pow(o.gamma, std::ranges::count_if(milestones, [&](int64_t milestone) {
                           return static_cast<double>(milestone) <= t.epoch();
                         }));
}

double ExponentialRate(const ScheduleOptions& o, double rate, const ScheduleClock& t) {
  return rate * std::pow(o.gamma, t.epoch());
}

double PolynomialRate(const ScheduleOptions& o, double rate, const ScheduleClock& t) {
  return o.min_rate + (rate - o.min_rate) * std::pow(1 - t.part(), o.power);
}

double CosineRate(const ScheduleOptions& o, double rate, const ScheduleClock& t) {
  return CosineBetween(rate, o.min_rate, t.part());
}

// Loshchilov and Hutter 2017, SGDR, equation 5.
double RestartsRate(const ScheduleOptions& o, double rate, const ScheduleClock& t) {
  double length = static_cast<double>(o.restart_epochs), since = t.epoch();
  if (o.restart_factor == 1) {
    since = std::fmod(since, length);
  } else {
    for (; since >= length; length *= static_cast<double>(o.restart_factor)) since -= length;
  }
  return CosineBetween(rate, o.min_rate, since / length);
}

// Smith and Topin 2018, with PyTorch's two phases, whose last moments are whole steps.
double OneCycleRate(const ScheduleOptions& o, double rate, const ScheduleClock& t) {
  const double begin = rate / o.one_cycle_start, end = begin / o.one_cycle_end;
  const double top = o.one_cycle_up * t.total - 1, last = t.total - 1;
  if (t.now <= top) return CosineBetween(begin, rate, top > 0 ? t.now / top : 1);
  return CosineBetween(rate, end, last > top ? std::min((t.now - top) / (last - top), 1.0) : 1);
}

struct NamedSchedule {
  std::string_view name;
  RateFunction rate;
  std::array<std::string_view, 5> options = {};  // those that not all of them read
};
constexpr NamedSchedule kSchedules[] = {
    {"constant", ConstantRate},
    {"step", StepRate, {"lr_gamma", "lr_step"}},
    {"multi_step", MultiStepRate, {"lr_gamma", "lr_milestones"}},
    {"exponential", ExponentialRate, {"lr_gamma"}},
    {"polynomial", PolynomialRate, {"lr_min", "lr_power"}},
    {"cosine", CosineRate, {"lr_min"}},
    {"restarts", RestartsRate, {"lr_min", "restart_epochs", "restart_factor"}},
    {"one_cycle", OneCycleRate, {"one_cycle_up", "one_cycle_start", "one_cycle_end"}},
    {kPlateau,  // what was reduced comes in from outside
     ConstantRate,
     {"lr_min", "lr_gamma", "plateau_patience", "plateau_threshold", "plateau_cooldown"}},
};

const NamedSchedule* FindSchedule(std::string_view name) {
  const auto* found = std::ranges::find(kSchedules, name, &NamedSchedule::name);
  return found == std::end(kSchedules) ? nullptr : found;
}

bool HasScheduleOption(const NamedSchedule& schedule, std::string_view key) {
  return std::ranges::find(schedule.options, key) != schedule.options.end();
}

// The schedules that have an option, by name; none where all have it.
std::vector<std::string> SchedulesWith(std::string_view key) {
  std::vector<std::string> names;
  for (const NamedSchedule& schedule : kSchedules) {
    if (HasScheduleOption(schedule, key)) names.emplace_back(schedule.name);
  }
  return names;
}

// Visits the options that `kind` does not have: their keys, values and what they are when unset.
template <typename F>
void VisitForeignOptions(Config& options, std::string_view kind, const F& f) {
  Config unset;
  WriteOptions(ScheduleOptions(), unset);
  const NamedSchedule* schedule = FindSchedule(kind);
  for (auto& [key, value] : options) {
    const std::vector<std::string> owners = SchedulesWith(key);
    if (owners.empty() || schedule == nullptr || HasScheduleOption(*schedule, key)) continue;
    f(key, value, unset[key], owners);
  }
}

// Errors: an option is set that the schedule does not have.
absl::Status CheckForeignOptions(const ScheduleOptions& o) {
  Config options;
  WriteOptions(o, options);
  absl::Status status;
  VisitForeignOptions(options, o.kind,
                      [&](const std::string& key, const std::string& value,
                          const std::string& unset, const std::vector<std::string>& owners) {
                        if (value == unset) return;
                        status.Update(absl::InvalidArgumentError(
                            absl::StrCat(key, " ", value, ": does not apply to the schedule ",
                                         o.kind, ", but to ", absl::StrJoin(owners, ", "))));
                      });
  return status;
}

absl::Status ScheduleOutOfRange(std::string_view key, std::string_view expected, double value) {
  return absl::InvalidArgumentError(
      absl::StrCat(Absl(key), ": expected ", Absl(expected), ", got ", value));
}

// The warm-up's length in units of which an epoch has `per_epoch`.
double WarmupLength(const ScheduleOptions& o, double per_epoch, const ScheduleTime& time) {
  if (o.warmup_steps == 0) return std::floor(o.warmup_epochs * per_epoch);
  return std::floor(static_cast<double>(o.warmup_steps) * per_epoch /
                    static_cast<double>(time.steps_per_epoch));
}

}  // namespace

absl::Status CheckSchedule(const ScheduleOptions& o) {
  if (FindSchedule(o.kind) == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        "schedule: expected ",
        absl::StrJoin(kSchedules, ", ",
                      [](std::string* out, const NamedSchedule& s) { out->append(s.name); }),
        ", got \"", o.kind, "\""));
  }
  if (!ParseMilestones(o.milestones) || (o.kind == "multi_step" && o.milestones.empty())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "lr_milestones: expected epochs as 30,60, got \"", absl::StrJoin(o.milestones, ","), "\""));
  }
  if (o.warmup_steps != 0 && o.warmup_epochs != 0) {
    return absl::InvalidArgumentError("expected warmup_epochs or warmup_steps, got both");
  }
  struct Bound {
    std::string_view key;
    double value;
    double least;
    bool above;  // the bound itself is outside
  };
  for (const Bound& b : std::initializer_list<Bound>{
           {"warmup_epochs", o.warmup_epochs, 0, false},
           {"warmup_steps", static_cast<double>(o.warmup_steps), 0, false},
           {"warmup_start", o.warmup_start, 0, false},
           {"lr_min", o.min_rate, 0, false},
           {"lr_gamma", o.gamma, 0, true},
           {"lr_step", static_cast<double>(o.step_epochs), 1, false},
           {"lr_power", o.power, 0, true},
           {"restart_epochs", static_cast<double>(o.restart_epochs), 1, false},
           {"restart_factor", static_cast<double>(o.restart_factor), 1, false},
           {"one_cycle_start", o.one_cycle_start, 0, true},
           {"one_cycle_end", o.one_cycle_end, 0, true},
           {"plateau_patience", static_cast<double>(o.plateau_patience), 0, false},
           {"plateau_threshold", o.plateau_threshold, 0, false},
           {"plateau_cooldown", static_cast<double>(o.plateau_cooldown), 0, false}}) {
    if (std::isfinite(b.value) && (b.above ? b.value > b.least : b.value >= b.least)) continue;
    return ScheduleOutOfRange(
        b.key, absl::StrCat(b.above ? "a number above " : "at least ", b.least), b.value);
  }
  if (!(o.one_cycle_up >= 0 && o.one_cycle_up <= 1)) {
    return ScheduleOutOfRange("one_cycle_up", "a share in [0,1]", o.one_cycle_up);
  }
  return CheckForeignOptions(o);
}

ScheduleOptions WithSchedule(ScheduleOptions options, std::string_view kind) {
  options.kind = kind;
  Config config;
  WriteOptions(options, config);
  VisitForeignOptions(config, kind,
                      [](const std::string&, std::string& value, const std::string& unset,
                         const std::vector<std::string>&) { value = unset; });
  (void)ReadOptions(config, options);  // reads what was written
  return options;
}

double ScheduledRate(const ScheduleOptions& o, double rate, const ScheduleTime& time,
                     const PlateauState& plateau) {
  const double per_epoch = o.by_epoch ? 1 : static_cast<double>(time.steps_per_epoch);
  const double now = static_cast<double>(o.by_epoch ? time.step / time.steps_per_epoch : time.step);
  const double warmup = WarmupLength(o, per_epoch, time);
  if (now < warmup) return rate * (o.warmup_start + (1 - o.warmup_start) * now / warmup);
  if (o.kind == kPlateau) {
    const double reduced = rate * std::pow(o.gamma, static_cast<double>(plateau.reductions));
    return std::min(rate, std::max(reduced, o.min_rate));
  }
  return FindSchedule(o.kind)->rate(o, rate,
                                    {.now = now - warmup,
                                     .total = static_cast<double>(time.epochs) * per_epoch - warmup,
                                     .per_epoch = per_epoch});
}

void UpdatePlateau(const ScheduleOptions& o, double value, bool rises, PlateauState* s) {
  if (o.kind != kPlateau) return;
  const double margin = o.plateau_threshold * s->best;
  const bool better = std::isnan(s->best)
                          ? !std::isnan(value)
                          : (rises ? value > s->best + margin : value < s->best - margin);
  if (better) {
    s->best = value;
    s->bad_epochs = 0;
  } else {
    ++s->bad_epochs;
  }
  if (s->cooldown > 0) {
    --s->cooldown;
    s->bad_epochs = 0;
  }
  if (s->bad_epochs <= o.plateau_patience) return;
  ++s->reductions;
  s->cooldown = o.plateau_cooldown;
  s->bad_epochs = 0;
}

}  // namespace weft
