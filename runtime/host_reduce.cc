#include <algorithm>
#include <vector>

#include "runtime/host_families.h"
#include "runtime/host_kernel.h"
#include "runtime/parallel.h"
#include "runtime/reduction_dims.h"

namespace weft {
namespace {

constexpr int64_t kGrain = 16384;          // elements that are worth a thread
constexpr int64_t kMaxChunks = 32;         // of a sum over the outermost axis
constexpr int64_t kMaxPartials = 1 << 20;  // sums kept at a time

// Neighbouring axes that are all summed, or all kept, count as one level.
struct Level {
  int64_t extent = 1;
  bool summed = false;
  int64_t step_in = 1;   // elements of the input, a unit of this level
  int64_t step_out = 0;  // of the output; 0 where summed
};

std::vector<Level> LevelsOf(const Dims& x, const Dims& summed) {
  std::vector<Level> levels;
  for (size_t axis = 0; axis < x.size(); ++axis) {
    if (x[axis] == 1) continue;
    const bool sums = summed[axis] != x[axis];
    if (levels.empty() || levels.back().summed != sums) levels.push_back({1, sums, 1, 0});
    levels.back().extent *= x[axis];
  }
  if (levels.empty()) levels.push_back({});
  int64_t in = 1, out = 1;
  for (size_t i = levels.size(); i-- > 0;) {
    levels[i].step_in = in;
    levels[i].step_out = levels[i].summed ? 0 : out;
    in *= levels[i].extent;
    if (!levels[i].summed) out *= levels[i].extent;
  }
  return levels;
}

// In eight sums side by side, which vector registers can hold.
double SumRow(const float* x, int64_t n) {
  double lanes[8] = {};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int j = 0; j < 8; ++j) lanes[j] += x[i + j];
  }
  for (int j = 0; i < n; ++i, ++j) lanes[j] += x[i];
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
         ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

// Adds the elements of `level` and below, [begin, end) of its extent, to `sums`.
void Accumulate(const std::vector<Level>& levels, size_t level, int64_t begin, int64_t end,
                const float* x, double* sums) {
  const Level& l = levels[level];
  if (level + 1 < levels.size()) {
    for (int64_t i = begin; i < end; ++i) {
      Accumulate(levels, level + 1, 0, levels[level + 1].extent, x + i * l.step_in,
                 sums + i * l.step_out);
    }
  } else if (l.summed) {
    *sums += SumRow(x + begin, end - begin);
  } else {
    for (int64_t i = begin; i < end; ++i) sums[i] += x[i];
  }
}

// Zeroed memory of the calling thread, kept from run to run.
double* Sums(int64_t n) {
  thread_local std::vector<double> sums;
  sums.assign(static_cast<size_t>(n), 0.0);
  return sums.data();
}

// Each index of the outermost level has outputs of its own.
void SumKeepingOutermost(const std::vector<Level>& levels, const float* x, double divisor,
                         float* y) {
  const Level& top = levels[0];
  const int64_t outputs = top.step_out;  // an index of the outermost level
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(top.step_in, 1));
  ParallelFor(top.extent, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      double* sums = Sums(outputs);
      if (levels.size() == 1) {
        *sums = x[i];
      } else {
        Accumulate(levels, 1, 0, levels[1].extent, x + i * top.step_in, sums);
      }
      for (int64_t o = 0; o < outputs; ++o) {
        y[i * outputs + o] = static_cast<float>(sums[o] / divisor);
      }
    }
  });
}

// Chunks of the outermost level are summed each on its own, then together. They depend on the
// extents only, so the bits are the same for any number of threads.
void SumOverOutermost(const std::vector<Level>& levels, int64_t outputs, const float* x,
                      double divisor, float* y) {
  const Level& top = levels[0];
  const int64_t fit = std::max<int64_t>(1, kMaxPartials / std::max<int64_t>(outputs, 1));
  const int64_t chunks = std::min({top.extent, kMaxChunks, fit});
  double* partials = Sums(std::max<int64_t>(chunks, 1) * outputs);
  const int64_t work = top.extent * top.step_in / std::max<int64_t>(chunks, 1);
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(work, 1));
  ParallelFor(chunks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      Accumulate(levels, 0, top.extent * chunk / chunks, top.extent * (chunk + 1) / chunks, x,
                 partials + chunk * outputs);
    }
  });
  for (int64_t o = 0; o < outputs; ++o) {
    double sum = 0;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) sum += partials[chunk * outputs + o];
    y[o] = static_cast<float>(sum / divisor);
  }
}

}  // namespace

absl::StatusOr<Kernels> HostReduce(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  WEFT_ASSIGN_OR_RETURN(const Reduction reduction, ReadReduction(request));
  const std::vector<Level> levels = LevelsOf(request.in(0).dims(), reduction.summed);
  const double divisor = reduction.mean ? static_cast<double>(reduction.summands) : 1;
  Kernels kernels;
  kernels.push_back(
      MakeHostKernel(request, "weft", "sum loops", [levels, divisor](const EvalContext& c) {
        const float* x = c.in(0).in<float>().data();
        float* y = c.out().out<float>().data();
        if (levels[0].summed) {
          SumOverOutermost(levels, c.out().size(), x, divisor, y);
        } else {
          SumKeepingOutermost(levels, x, divisor, y);
        }
        return absl::OkStatus();
      }));
  return kernels;
}

}  // namespace weft
