// Each schedule against the recurrence that PyTorch's scheduler of the same name steps by.
#include "frontend/train/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>

#include "testing_files.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

constexpr double kTopRate = 0.4;
constexpr int64_t kPerEpoch = 7;
constexpr int64_t kEpochs = 20;
constexpr int64_t kSteps = kPerEpoch * kEpochs;

double RateAt(const ScheduleOptions& o, int64_t step, const PlateauState& plateau = {}) {
  return ScheduledRate(o, kTopRate, {.step = step, .steps_per_epoch = kPerEpoch, .epochs = kEpochs},
                       plateau);
}

// The rates of whole epochs, one after the other, where next(t, rate before) is epoch t's.
void ExpectEpochs(const ScheduleOptions& o, double first,
                  const std::function<double(int64_t, double)>& next) {
  ASSERT_TRUE(CheckSchedule(o).ok()) << CheckSchedule(o);
  double rate = first;
  for (int64_t epoch = 0; epoch < kEpochs; ++epoch) {
    if (epoch > 0) rate = next(epoch, rate);
    EXPECT_NEAR(RateAt(o, epoch * kPerEpoch), rate, 1e-12) << o.kind << ", epoch " << epoch;
  }
}

// The same by steps.
void ExpectSteps(const ScheduleOptions& o, double first,
                 const std::function<double(int64_t, double)>& next) {
  ASSERT_TRUE(CheckSchedule(o).ok()) << CheckSchedule(o);
  double rate = first;
  for (int64_t step = 0; step < kSteps; ++step) {
    if (step > 0) rate = next(step, rate);
    EXPECT_NEAR(RateAt(o, step), rate, 1e-12) << o.kind << ", step " << step;
  }
}

TEST(Schedule, ConstantStays) {
  ExpectSteps({.kind = "constant"}, kTopRate, [](int64_t, double rate) { return rate; });
}

TEST(Schedule, StepReducesEverySoManyEpochs) {
  ExpectSteps({.kind = "step", .gamma = 0.3, .step_epochs = 4}, kTopRate,
              [](int64_t t, double rate) { return t % (4 * kPerEpoch) == 0 ? rate * 0.3 : rate; });
}

TEST(Schedule, MultiStepReducesAtItsMilestones) {
  ExpectSteps({.kind = "multi_step", .gamma = 0.5, .milestones = {"3,9", "10"}}, kTopRate,
              [](int64_t t, double rate) {
                for (const int64_t m : {3, 9, 10}) rate *= t == m * kPerEpoch ? 0.5 : 1;
                return rate;
              });
}

TEST(Schedule, ExponentialReducesInEveryEpoch) {
  ExpectEpochs({.kind = "exponential", .gamma = 0.9}, kTopRate,
               [](int64_t, double rate) { return rate * 0.9; });
  ExpectSteps({.kind = "exponential", .gamma = 0.9}, kTopRate,
              [](int64_t, double rate) { return rate * std::pow(0.9, 1.0 / kPerEpoch); });
}

// PolynomialLR.step multiplies by ((1 - t/T) / (1 - (t-1)/T))^power.
TEST(Schedule, PolynomialFallsToItsEnd) {
  ExpectSteps({.kind = "polynomial", .power = 2.5}, kTopRate, [](int64_t t, double rate) {
    const double total = kSteps;
    return rate * std::pow((1 - t / total) / (1 - (t - 1) / total), 2.5);
  });
  EXPECT_NEAR(RateAt({.kind = "polynomial", .min_rate = 0.1}, kSteps / 2), 0.25, 1e-12);
}

// CosineAnnealingLR.step.
TEST(Schedule, CosineFallsToItsEnd) {
  const auto next = [](double total) {
    return [total](int64_t t, double rate) {
      return (1 + std::cos(std::numbers::pi * t / total)) /
                 (1 + std::cos(std::numbers::pi * (t - 1) / total)) * (rate - 0.01) +
             0.01;
    };
  };
  ExpectSteps({.kind = "cosine", .min_rate = 0.01}, kTopRate, next(kSteps));
  ExpectEpochs({.kind = "cosine", .by_epoch = true, .min_rate = 0.01}, kTopRate, next(kEpochs));
}

// CosineAnnealingWarmRestarts.step: T_cur grows until T_i, which then grows by its factor.
TEST(Schedule, RestartsBeginAnew) {
  for (const int64_t factor : {1, 2, 3}) {
    double current = 0, length = 2;
    ExpectEpochs(
        {.kind = "restarts", .min_rate = 0.02, .restart_epochs = 2, .restart_factor = factor},
        kTopRate, [&](int64_t, double) {
          if (++current >= length) {
            current -= length;
            length *= static_cast<double>(factor);
          }
          return 0.02 + (kTopRate - 0.02) * (1 + std::cos(std::numbers::pi * current / length)) / 2;
        });
  }
}

// OneCycleLR.get_lr with two phases and cosine annealing.
TEST(Schedule, OneCycleRisesAndFalls) {
  const auto anneal = [](double start, double end, double part) {
    return end + (start - end) / 2 * (std::cos(std::numbers::pi * part) + 1);
  };
  const double initial = kTopRate / 10, least = initial / 100;
  const double top = 0.25 * kSteps - 1, last = kSteps - 1;
  ExpectSteps(
      {.kind = "one_cycle", .one_cycle_up = 0.25, .one_cycle_start = 10, .one_cycle_end = 100},
      initial, [&](int64_t t, double) {
        return t <= top ? anneal(initial, kTopRate, t / top)
                        : anneal(kTopRate, least, (t - top) / (last - top));
      });
  EXPECT_NEAR(RateAt({.kind = "one_cycle"}, kSteps - 1), kTopRate / 25 / 1e4, 1e-12);
}

// ReduceLROnPlateau.step, mode "min" and "max", threshold_mode "rel".
TEST(Schedule, PlateauReducesWhereNothingImproves) {
  const ScheduleOptions o = {.kind = "plateau",
                             .min_rate = 0.02,
                             .gamma = 0.3,
                             .plateau_patience = 1,
                             .plateau_threshold = 0.01,
                             .plateau_cooldown = 2};
  const double losses[] = {3,   2,   1.995, 1.99, 1.5, 1.6, 1.7, 1.8,
                           1.9, 1.9, 1.9,   1.0,  1.1, 1.1, 1.1};
  for (const bool rises : {false, true}) {
    PlateauState state;
    double rate = kTopRate, best = rises ? -INFINITY : INFINITY;
    int64_t bad = 0, cooldown = 0, reductions = 0;
    for (const double loss : losses) {
      const double value = rises ? 1 / loss : loss;
      UpdatePlateau(o, value, rises, &state);
      if (rises ? value > best * 1.01 : value < best * 0.99) {
        best = value;
        bad = 0;
      } else {
        ++bad;
      }
      if (cooldown > 0) {
        --cooldown;
        bad = 0;
      }
      if (bad > 1) {
        rate = std::max(rate * 0.3, 0.02);
        cooldown = 2;
        bad = 0;
        ++reductions;
      }
      EXPECT_NEAR(RateAt(o, 5, state), rate, 1e-12);
    }
    EXPECT_EQ(state.reductions, reductions);
    EXPECT_GE(reductions, 2);
  }
}

// A NaN improves nothing, and any number improves on it.
TEST(Schedule, PlateauTakesNansForBadEpochs) {
  const ScheduleOptions o = {.kind = "plateau", .plateau_patience = 1};
  PlateauState state;
  UpdatePlateau(o, NAN, /*rises=*/false, &state);
  EXPECT_EQ(state.bad_epochs, 1);
  UpdatePlateau(o, 3, /*rises=*/false, &state);
  EXPECT_EQ(state.bad_epochs, 0);
  UpdatePlateau(o, NAN, /*rises=*/false, &state);
  UpdatePlateau(o, NAN, /*rises=*/false, &state);
  EXPECT_EQ(state.reductions, 1);
  EXPECT_EQ(state.best, 3);
}

// Epochs without improvement change nothing where nobody asked for plateau.
TEST(Schedule, OthersKnowNoPlateaus) {
  const ScheduleOptions cosine = {.kind = "cosine", .plateau_patience = 0};
  PlateauState state;
  for (const double loss : {1.0, 2.0, 3.0}) UpdatePlateau(cosine, loss, /*rises=*/false, &state);
  EXPECT_EQ(state.reductions, 0);
  EXPECT_DOUBLE_EQ(RateAt(cosine, kSteps / 2, {.reductions = 3}), kTopRate / 2);
}

// LinearLR.step, then the rest from its own beginning (SequentialLR).
TEST(Schedule, WarmupRisesInALine) {
  const auto linear = [](double total) {
    return [total](int64_t t, double rate) {
      return rate * (1 + (1 - 0.1) / (total * 0.1 + (t - 1) * (1 - 0.1)));
    };
  };
  const ScheduleOptions steps = {.kind = "cosine", .warmup_steps = 10, .warmup_start = 0.1};
  double rate = kTopRate * 0.1;
  for (int64_t t = 0; t < 10; ++t) {
    if (t > 0) rate = linear(10)(t, rate);
    EXPECT_NEAR(RateAt(steps, t), rate, 1e-12);
  }
  EXPECT_DOUBLE_EQ(RateAt(steps, 10), kTopRate);
  EXPECT_NEAR(RateAt(steps, 10 + (kSteps - 10) / 2), kTopRate / 2, 1e-12);
  const ScheduleOptions epochs = {
      .kind = "step", .by_epoch = true, .warmup_epochs = 2, .warmup_start = 0.1, .step_epochs = 3};
  EXPECT_NEAR(RateAt(epochs, kPerEpoch - 1), kTopRate * 0.1, 1e-12);
  EXPECT_NEAR(RateAt(epochs, kPerEpoch), kTopRate * 0.55, 1e-12);
  EXPECT_NEAR(RateAt(epochs, 2 * kPerEpoch), kTopRate, 1e-12);
  EXPECT_NEAR(RateAt(epochs, 5 * kPerEpoch - 1), kTopRate, 1e-12);
  EXPECT_NEAR(RateAt(epochs, 5 * kPerEpoch), kTopRate * 0.1, 1e-12);
}

TEST(Schedule, WithinAnEpochNothingChangesByEpoch) {
  for (const char* kind : {"exponential", "polynomial", "cosine", "restarts", "one_cycle"}) {
    ScheduleOptions o = {.kind = kind, .by_epoch = true};
    for (int64_t step = 0; step < kSteps; ++step) {
      EXPECT_EQ(RateAt(o, step), RateAt(o, step / kPerEpoch * kPerEpoch)) << kind;
    }
    o.by_epoch = false;
    EXPECT_NE(RateAt(o, 30), RateAt(o, 31)) << kind;
  }
}

TEST(Schedule, OptionsOfOthersAreErrors) {
  const auto error = [](const ScheduleOptions& o) {
    return std::string(CheckSchedule(o).message());
  };
  EXPECT_EQ(error({.kind = "cosine", .milestones = {"30,60"}}),
            "lr_milestones 30,60: does not apply to the schedule cosine, but to multi_step");
  EXPECT_EQ(error({.kind = "constant", .gamma = 0.5}),
            "lr_gamma 0.5: does not apply to the schedule constant, but to step, multi_step, "
            "exponential, plateau");
  EXPECT_EQ(error({.kind = "step", .by_epoch = true, .warmup_epochs = 2, .gamma = 0.5}), "");
  const ScheduleOptions steps = {.kind = "step", .warmup_steps = 3, .gamma = 0.5, .step_epochs = 7};
  EXPECT_EQ(WithSchedule(steps, "exponential"),
            (ScheduleOptions{.kind = "exponential", .warmup_steps = 3, .gamma = 0.5}));
  EXPECT_EQ(WithSchedule(steps, "cosine"), (ScheduleOptions{.kind = "cosine", .warmup_steps = 3}));
  EXPECT_EQ(WithSchedule(steps, "step"), steps);
}

TEST(Schedule, RefusesOptionsOutOfRange) {
  struct Case {
    ScheduleOptions options;
    const char* message;
  };
  for (const Case& c : std::initializer_list<Case>{
           {{.kind = "linear"}, "schedule: expected constant, step, "},
           {{.kind = "multi_step"}, "lr_milestones: expected epochs as 30,60, got \"\""},
           {{.milestones = {"3,x"}}, "lr_milestones: expected epochs as 30,60, got \"3,x\""},
           {{.milestones = {"0"}}, "got \"0\""},
           {{.warmup_epochs = 1, .warmup_steps = 1}, "warmup_epochs or warmup_steps, got both"},
           {{.warmup_epochs = -1}, "warmup_epochs: expected at least 0, got -1"},
           {{.warmup_start = NAN}, "warmup_start: expected at least 0, got nan"},
           {{.gamma = 0}, "lr_gamma: expected a number above 0, got 0"},
           {{.step_epochs = 0}, "lr_step: expected at least 1, got 0"},
           {{.restart_factor = 0}, "restart_factor: expected at least 1"},
           {{.one_cycle_up = 1.5}, "one_cycle_up: expected a share in [0,1], got 1.5"},
           {{.plateau_patience = -1}, "plateau_patience: expected at least 0"}}) {
    EXPECT_THAT(MessageOf(CheckSchedule(c.options)), HasSubstr(c.message));
  }
}

}  // namespace
}  // namespace weft
