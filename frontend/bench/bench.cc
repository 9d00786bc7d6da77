#include "frontend/bench/bench.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "graph/op.h"

namespace weft {
namespace {

constexpr int kLeastRuns = 5;
constexpr double kWarmShare = 0.1;  // of the time, before what counts
constexpr double kTurnSeconds = 0.05;

absl::Status CheckSeconds(double seconds) {
  if (std::isfinite(seconds) && seconds > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("seconds: expected a number above 0, got ", seconds));
}

// Adds the times of runs that take `seconds` together, at least `runs` of them.
absl::Status TimeRuns(Workload& workload, double seconds, int runs, std::vector<double>& times) {
  const Stopwatch all;
  for (int i = 0; i < runs || all.seconds() < seconds; ++i) {
    const Stopwatch one;
    WEFT_RETURN_IF_ERROR(workload.Run());
    times.push_back(one.seconds());
  }
  return absl::OkStatus();
}

absl::Status WarmUp(Workload& workload, double seconds) {
  std::vector<double> ignored;
  return TimeRuns(workload, kWarmShare * seconds, 1, ignored);
}

absl::StatusOr<BenchResult> ResultOf(Workload& workload, std::vector<double> times) {
  WEFT_ASSIGN_OR_RETURN(const auto plan, workload.FindPlan());
  BenchResult result{.batch = workload.batch(),
                     .threads = plan->threads,
                     .runs = static_cast<int64_t>(times.size()),
                     .seconds = SpreadOf(std::move(times))};
  for (const PlanStep& step : plan->steps) {
    WEFT_ASSIGN_OR_RETURN(const StepWork work, WorkOf(*plan, step));
    result.work.flops += work.flops;
    result.work.bytes += work.bytes;
  }
  WEFT_ASSIGN_OR_RETURN(result.peak_bytes, workload.PeakBytes());
  return result;
}

}  // namespace

absl::StatusOr<StepWork> WorkOf(const Plan& plan, const PlanStep& step) {
  if (step.node != nullptr) {
    WEFT_ASSIGN_OR_RETURN(const Cost cost, CostOf(*step.node));
    return StepWork{cost.flops, cost.bytes};
  }
  StepWork work;
  for (const Node* node : step.joined) {
    WEFT_ASSIGN_OR_RETURN(const Cost cost, CostOf(*node));
    work.flops += cost.flops;
  }
  for (const std::vector<int>* values : {&step.inputs, &step.outputs}) {
    for (const int v : *values) {
      if (v < 0) continue;
      work.bytes += static_cast<double>(plan.values[static_cast<size_t>(v)].layout.bytes());
    }
  }
  return work;
}

absl::StatusOr<BenchResult> RunBench(Workload& workload, double seconds) {
  WEFT_RETURN_IF_ERROR(CheckSeconds(seconds));
  WEFT_RETURN_IF_ERROR(WarmUp(workload, seconds));
  std::vector<double> times;
  WEFT_RETURN_IF_ERROR(TimeRuns(workload, seconds, kLeastRuns, times));
  return ResultOf(workload, std::move(times));
}

absl::StatusOr<BenchComparison> RunComparison(Workload& a, Workload& b, double seconds) {
  WEFT_RETURN_IF_ERROR(CheckSeconds(seconds));
  for (Workload* workload : {&a, &b}) WEFT_RETURN_IF_ERROR(WarmUp(*workload, seconds / 2));
  std::vector<double> times_a, times_b, ratios;
  const Stopwatch all;
  while (ratios.size() < kLeastRuns || all.seconds() < seconds) {
    std::vector<double> turn_a, turn_b;
    WEFT_RETURN_IF_ERROR(TimeRuns(a, kTurnSeconds, 1, turn_a));
    WEFT_RETURN_IF_ERROR(TimeRuns(b, kTurnSeconds, 1, turn_b));
    ratios.push_back(MedianOf(turn_b) / MedianOf(turn_a));
    times_a.insert(times_a.end(), turn_a.begin(), turn_a.end());
    times_b.insert(times_b.end(), turn_b.begin(), turn_b.end());
  }
  BenchComparison result{.turns = static_cast<int64_t>(ratios.size()), .ratio = SpreadOf(ratios)};
  WEFT_ASSIGN_OR_RETURN(result.a, ResultOf(a, std::move(times_a)));
  WEFT_ASSIGN_OR_RETURN(result.b, ResultOf(b, std::move(times_b)));
  return result;
}

absl::StatusOr<double> LowerBoundOf(const Plan& plan, const MachinePeak& peak) {
  double seconds = 0;
  for (const PlanStep& step : plan.steps) {
    WEFT_ASSIGN_OR_RETURN(const StepWork work, WorkOf(plan, step));
    seconds += peak.LowerBound(work.flops, work.bytes);
  }
  return seconds;
}

}  // namespace weft
