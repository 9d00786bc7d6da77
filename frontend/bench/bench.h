#ifndef WEFT_FRONTEND_BENCH_BENCH_H_
#define WEFT_FRONTEND_BENCH_BENCH_H_

#include <cstddef>
#include <cstdint>

#include "frontend/bench/timing.h"
#include "frontend/bench/workload.h"
#include "runtime/host/simd/machine_peak.h"

namespace weft {

// What an evaluation of a step costs: by its op, or the bytes that a step of the planner's reads
// and writes.
struct StepWork {
  double flops = 0;
  double bytes = 0;
};
absl::StatusOr<StepWork> WorkOf(const Plan& plan, const PlanStep& step);

// The times of a workload's runs, and what they are to be held against.
struct BenchResult {
  int64_t batch = 1;
  int threads = 1;
  int64_t runs = 0;
  Spread seconds = {};    // of a run
  StepWork work = {};     // of a run: the sum of its steps'
  size_t peak_bytes = 0;  // as planned
};

// Runs a workload that has its examples for about so many seconds, but five times at least. Errors:
// seconds that are not above 0, whatever a run says.
absl::StatusOr<BenchResult> RunBench(Workload& workload, double seconds);

// Two workloads that took turns.
struct BenchComparison {
  BenchResult a = {}, b = {};
  int64_t turns = 0;
  Spread ratio = {};  // of b's time to a's, over the turns
};
// Both together for about so many seconds, in turns of a twentieth of a second or a run, so that
// whatever happens to the machine meanwhile happens to both. Errors as above.
absl::StatusOr<BenchComparison> RunComparison(Workload& a, Workload& b, double seconds);

// The seconds that a plan's steps take at least, one after another, with the arithmetic of their
// ops' definitions: a convolution by Winograd's method has less, and may be quicker.
absl::StatusOr<double> LowerBoundOf(const Plan& plan, const MachinePeak& peak);

}  // namespace weft

#endif  // WEFT_FRONTEND_BENCH_BENCH_H_
