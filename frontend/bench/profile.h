#ifndef WEFT_FRONTEND_BENCH_PROFILE_H_
#define WEFT_FRONTEND_BENCH_PROFILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "frontend/bench/bench.h"

namespace weft {

// One step of a plan, or all steps of one op.
struct ProfileRow {
  std::string name = {};  // the node's, or "reorder ..." for a step that the planner added
  std::string op = {};
  std::string implementation = {};
  std::string from = {};  // "fold_conv_bn(conv1, bn1)"; "" where no rule made the node
  int64_t calls = 1;      // a run
  double seconds = 0;     // the median of a run
  StepWork work = {};
  double bound = 0;  // seconds that the work takes at least; see LowerBoundOf
};

// A run that was recorded step by step.
struct RecordedRun {
  double start = 0;  // seconds since the first recorded run began
  double seconds = 0;
  std::vector<double> step_seconds = {};
};

struct Profile {
  std::vector<ProfileRow> steps = {};  // in the plan's order
  int64_t batch = 1;
  int threads = 1;
  int64_t runs = 0;       // profiled ones, and as many that were not, in turns
  double seconds = 0;     // a run that is not profiled: the median
  double profiled = 0;    // a profiled run: the median
  double step_total = 0;  // the sum of the steps' medians
  double step_share = 0;  // of a profiled run, that its steps take together: the median
  double bound = 0;       // the sum of their bounds
  MachinePeak peak = {};
  std::vector<RecordedRun> recorded = {};  // the last few, for a trace

  // The steps' rows by op, those that take longest first.
  std::vector<ProfileRow> ByOp() const;
  // Tables of the `top` steps that take longest (0: all), and of all ops, and what they come to.
  std::string ToString(int64_t top) const;
};

// Runs a workload that has its examples for about so many seconds, but five times at least. Errors:
// as RunBench.
absl::StatusOr<Profile> ProfileWorkload(Workload& workload, double seconds);

// The recorded runs as trace events of Chrome and Perfetto: JSON of the Trace Event Format, each
// run with its steps within it, one after another; what a run takes besides them is behind them.
std::string TraceEvents(const Profile& profile);

}  // namespace weft

#endif  // WEFT_FRONTEND_BENCH_PROFILE_H_
