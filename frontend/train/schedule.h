#ifndef WEFT_FRONTEND_TRAIN_SCHEDULE_H_
#define WEFT_FRONTEND_TRAIN_SCHEDULE_H_

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "graph/status.h"

namespace weft {

// How the learning rate goes on. With e epochs gone of E, both without the warm-up's, and rate the
// training's learning rate, the schedules are those of PyTorch's torch.optim.lr_scheduler:
//
//   constant     rate
//   step         StepLR: rate * gamma^floor(e / lr_step)
//   multi_step   MultiStepLR: rate * gamma^(number of lr_milestones <= e)
//   exponential  ExponentialLR: rate * gamma^e
//   polynomial   PolynomialLR: min + (rate - min) * (1 - e/E)^power
//   cosine       CosineAnnealingLR: min + (rate - min) * (1 + cos(pi * e/E)) / 2
//   restarts     CosineAnnealingWarmRestarts: cosine over restart_epochs, then over restart_factor
//                times as many, and so on
//   one_cycle    OneCycleLR, momentum as it is: from rate/one_cycle_start up to rate, then down to
//                its one_cycle_start * one_cycle_end-th part, by half cosines
//   plateau      ReduceLROnPlateau: rate * gamma^(number of plateaus), not below min
//
// e grows with every step, or by whole epochs (schedule_by_epoch). Before it, the warm-up leads
// from warmup_start * rate to rate in a line (LinearLR, then the rest by SequentialLR).
struct ScheduleOptions {
  std::string kind = "constant";
  bool by_epoch = false;
  double warmup_epochs = 0;  // or
  int64_t warmup_steps = 0;
  double warmup_start = 0.01;
  double min_rate = 0;
  double gamma = 0.1;
  int64_t step_epochs = 30;
  std::vector<std::string> milestones = {};  // epochs; one text may have several: "30,60"
  double power = 1;
  int64_t restart_epochs = 10;
  int64_t restart_factor = 1;
  double one_cycle_up = 0.3;  // the share of the steps that go up
  double one_cycle_start = 25;
  double one_cycle_end = 1e4;
  int64_t plateau_patience = 10;    // epochs without improvement that are borne
  double plateau_threshold = 1e-4;  // an improvement is at least this part of the best
  int64_t plateau_cooldown = 0;     // epochs after a reduction that do not count
  friend bool operator==(const ScheduleOptions&, const ScheduleOptions&) = default;
};

template <typename F>
void VisitOptions(ScheduleOptions& o, F& f) {
  f("schedule", o.kind,
    "Learning rate over time: constant, step, multi_step, exponential, polynomial, cosine, "
    "restarts, one_cycle or plateau");
  f("schedule_by_epoch", o.by_epoch, "Change the rate between epochs only, not at every step");
  f("warmup_epochs", o.warmup_epochs, "Epochs of linear warm-up, parts too");
  f("warmup_steps", o.warmup_steps, "The same in steps");
  f("warmup_start", o.warmup_start, "The warm-up's first rate, as a part of the learning rate");
  f("lr_min", o.min_rate, "Where polynomial, cosine, restarts and plateau end");
  f("lr_gamma", o.gamma, "Factor of step, multi_step, exponential and plateau");
  f("lr_step", o.step_epochs, "Epochs from one step to the next");
  f("lr_milestones", o.milestones, "Epochs at which multi_step reduces: 30,60");
  f("lr_power", o.power, "Exponent of polynomial");
  f("restart_epochs", o.restart_epochs, "Epochs to the first restart");
  f("restart_factor", o.restart_factor, "How many times as long each next cycle is");
  f("one_cycle_up", o.one_cycle_up, "Share of the steps in which one_cycle rises");
  f("one_cycle_start", o.one_cycle_start, "one_cycle begins at this part of the learning rate");
  f("one_cycle_end", o.one_cycle_end, "and ends at this part of its begin");
  f("plateau_patience", o.plateau_patience, "Epochs without improvement before plateau reduces");
  f("plateau_threshold", o.plateau_threshold, "What counts as improvement, as a part of the best");
  f("plateau_cooldown", o.plateau_cooldown, "Epochs after a reduction that do not count");
}

// Errors: an unknown schedule, numbers out of their range, an option that is set and not the
// schedule's.
absl::Status CheckSchedule(const ScheduleOptions& options);

// `options` with another schedule: what that one does not have is as if never set.
ScheduleOptions WithSchedule(ScheduleOptions options, std::string_view kind);

// A moment of a training, before a step.
struct ScheduleTime {
  int64_t step = 0;             // taken so far
  int64_t steps_per_epoch = 1;  // at least 1
  int64_t epochs = 1;           // in all
};

// What plateau remembers between epochs.
struct PlateauState {
  int64_t reductions = 0;
  double best = std::numeric_limits<double>::quiet_NaN();  // NaN: no epoch yet
  int64_t bad_epochs = 0;
  int64_t cooldown = 0;  // epochs left
};

template <typename F>
void VisitOptions(PlateauState& s, F& f) {
  f("plateau_reductions", s.reductions);
  f("plateau_best", s.best);
  f("plateau_bad_epochs", s.bad_epochs);
  f("plateau_cooldown_left", s.cooldown);
}

// The learning rate of the next step. Options are checked.
double ScheduledRate(const ScheduleOptions& options, double rate, const ScheduleTime& time,
                     const PlateauState& plateau = {});

// After an epoch: `value` is what is watched, which ought to fall, or to rise. Other schedules than
// plateau remember nothing.
void UpdatePlateau(const ScheduleOptions& options, double value, bool rises, PlateauState* state);

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_SCHEDULE_H_
