#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "ops/lp_pool.h"
#include "ops/pool.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/pool/plane.h"

// Poolings that add: AveragePool, AdaptiveAveragePool, LpPool and their gradients. A plane at a
// time: the rows that a row of outputs reads are added first, then the sum's elements; backwards,
// a row of outputs is spread over one row, which is added to those that it read.

namespace weft {
namespace {

constexpr int64_t kTapsToAdd = 64;    // sums of so many floats keep their accuracy
constexpr int64_t kLargestPower = 8;  // of a float that a double holds

// |a|^n by squaring.
double Power(double a, int64_t n) {
  double result = 1;
  for (; n > 0; n /= 2, a *= a) {
    if (n % 2 == 1) result *= a;
  }
  return result;
}

struct SumPool {
  Regions regions;
  AxisWeights weights;  // empty: none (LpPool)
  int64_t planes = 0;
  int64_t p = 1;
  int64_t inputs = 0, outputs = 0;
  int64_t grain = 1;
  std::optional<WindowPlan> plan = {};  // of AveragePool's small windows

  // Prepares for regions, weights and X of dims `x`.
  void Finish(const Dims& x) {
    planes = x[0] * x[1];
    inputs = regions.input_size();
    outputs = regions.output_size();
    grain = std::max<int64_t>(kMathGrain / std::max<int64_t>(inputs + outputs, 1), 1);
  }
  // The weight of a row of outputs with these outer indices, and of one output in it.
  double RowWeight(const std::vector<int64_t>& index) const {
    double weight = 1;
    for (size_t a = 0; a + 1 < weights.size(); ++a) {
      weight *= weights[a][static_cast<size_t>(index[a])];
    }
    return weight;
  }
  double Weight(int64_t o) const { return weights.back()[static_cast<size_t>(o)]; }
};

absl::StatusOr<SumPool> ReadSumPool(const Node& node, const Dims& x) {
  SumPool pool;
  if (x[0] * x[1] == 0) return pool;  // no planes; the other extents may be huge
  const std::string_view op = node.op_name();
  if (op == "AdaptiveAveragePool" || op == "AdaptiveAveragePoolGrad") {
    WEFT_ASSIGN_OR_RETURN(pool.regions, AdaptiveRegions(node.attributes(), x));
    pool.weights = AverageWeights(pool.regions);
  } else {
    WEFT_ASSIGN_OR_RETURN(const PoolWindow window, ReadPoolWindow(node.attributes(), x));
    pool.regions = WindowRegions(window);
    pool.p = GetInt(node.attributes(), "p", 1);
    if (op == "AveragePool" || op == "AveragePoolGrad") {
      pool.weights = AverageWeights(window);
      const bool by_vectors = window.strides.back() <= 2 && window.kernel_size() <= kTapsToAdd;
      if (by_vectors) pool.plan = MakeWindowPlan(window);
    }
  }
  pool.Finish(x);
  return pool;
}

// What a run computes in, each thread for itself: a row and a plane of sums; or what the functions
// of plane.h need.
struct SumScratch {
  ScratchArray<double> row, plane;
  PlaneScratch vectors;
};

// A run: its pool, scratch memory and operands.
struct SumRun {
  const SumPool& pool;
  const SumScratch& memory;
  const HostContext& c;

  const float* in(int i) const { return c.in(i).in<float>().data(); }
  float* out() const { return c.out().out<float>().data(); }
};

// What a thread computes in.
template <typename Acc>
struct Memory {
  RegionScratch scratch;
  Acc *row, *plane;
};

// Calls f(plane, memory) for every plane, on the run's threads.
template <typename Acc, typename F>
void ForEachPlane(const SumRun& run, F f) {
  ParallelFor(run.pool.planes, run.pool.grain, [&](int thread, int64_t begin, int64_t end) {
    std::byte* const scratch = run.c.scratch;
    Memory<Acc> memory{{},
                       reinterpret_cast<Acc*>(run.memory.row.In(scratch, thread)),
                       reinterpret_cast<Acc*>(run.memory.plane.In(scratch, thread))};
    for (int64_t plane = begin; plane < end; ++plane) f(plane, memory);
  });
}

// y = finish(the sum of each(x) over the region, index of the row, output in it).
template <typename Acc, typename Each, typename Finish>
void SumPlane(const SumPool& pool, const float* x, float* y, Memory<Acc>& memory, Each each,
              Finish finish) {
  const int64_t width = pool.regions.input.back(), outputs = pool.regions.output.back();
  const TapRange* taps = pool.regions.axes.back().data();
  Acc* sums = memory.row;
  ForEachRegionRow(pool.regions, memory.scratch,
                   [&](const std::vector<int64_t>& index, int64_t row) {
                     const std::vector<int64_t>& rows = memory.scratch.rows;
                     const float* first = x + rows[0];
                     for (int64_t i = 0; i < width; ++i) sums[i] = each(first[i]);
                     for (size_t r = 1; r < rows.size(); ++r) {
                       const float* next = x + rows[r];
                       for (int64_t i = 0; i < width; ++i) sums[i] += each(next[i]);
                     }
                     finish.StartRow(index);
                     float* out = y + row * outputs;
                     for (int64_t o = 0; o < outputs; ++o) {
                       const Acc* at = sums + taps[o].first;
                       Acc sum = *at;
                       for (int64_t i = 1; i < taps[o].count; ++i) sum += at[i * taps[o].step];
                       out[o] = static_cast<float>(finish(sum, o));
                     }
                   });
}

// sums = share(row, o) added to every element of the region of each output.
template <typename Acc, typename Share>
void SpreadPlane(const SumPool& pool, Acc* sums, Memory<Acc>& memory, Share share) {
  const int64_t width = pool.regions.input.back(), outputs = pool.regions.output.back();
  const TapRange* taps = pool.regions.axes.back().data();
  std::fill_n(sums, pool.inputs, Acc{0});
  Acc* spread = memory.row;
  ForEachRegionRow(pool.regions, memory.scratch,
                   [&](const std::vector<int64_t>& index, int64_t row) {
                     std::fill_n(spread, width, Acc{0});
                     share.StartRow(index);
                     for (int64_t o = 0; o < outputs; ++o) {
                       const Acc value = share(row * outputs + o, o);
                       Acc* at = spread + taps[o].first;
                       for (int64_t i = 0; i < taps[o].count; ++i) at[i * taps[o].step] += value;
                     }
                     for (const int64_t base : memory.scratch.rows) {
                       Acc* into = sums + base;
                       for (int64_t i = 0; i < width; ++i) into[i] += spread[i];
                     }
                   });
}

// The weights of an average, a row of outputs at a time.
template <typename Acc>
struct Weigh {
  const SumPool& pool;
  Acc of_row = 1;
  void StartRow(const std::vector<int64_t>& index) {
    of_row = static_cast<Acc>(pool.RowWeight(index));
  }
  Acc operator()(Acc sum, int64_t o) const {
    return sum * (of_row * static_cast<Acc>(pool.Weight(o)));
  }
};

template <typename Acc>
void Average(const SumRun& run) {
  const SumPool& pool = run.pool;
  const float* x = run.in(0);
  float* y = run.out();
  ForEachPlane<Acc>(run, [&](int64_t plane, Memory<Acc>& memory) {
    SumPlane<Acc>(
        pool, x + plane * pool.inputs, y + plane * pool.outputs, memory,
        [](float v) { return static_cast<Acc>(v); }, Weigh<Acc>{pool});
  });
}

template <typename Acc>
struct AverageShare {
  const float* dy;
  Weigh<Acc> weigh;
  void StartRow(const std::vector<int64_t>& index) { weigh.StartRow(index); }
  Acc operator()(int64_t at, int64_t o) const { return weigh(static_cast<Acc>(dy[at]), o); }
};

template <typename Acc>
void AverageBack(const SumRun& run) {
  const SumPool& pool = run.pool;
  float* dx = run.out();
  ForEachPlane<Acc>(run, [&](int64_t plane, Memory<Acc>& memory) {
    const AverageShare<Acc> share{run.in(0) + plane * pool.outputs, {pool}};
    float* out = dx + plane * pool.inputs;
    if constexpr (std::is_same_v<Acc, float>) {
      SpreadPlane<Acc>(pool, out, memory, share);
    } else {
      SpreadPlane<Acc>(pool, memory.plane, memory, share);
      std::transform(memory.plane, memory.plane + pool.inputs, out,
                     [](Acc v) { return static_cast<float>(v); });
    }
  });
}

// Windows by vectors, other regions by loops; sums of many terms in double precision.
void AverageForward(const SumRun& run) {
  const SumPool& pool = run.pool;
  if (!pool.plan.has_value()) {
    const bool few = pool.regions.most_taps() <= kTapsToAdd;
    return (few ? Average<float> : Average<double>)(run);
  }
  ParallelFor(pool.planes, pool.grain, [&](int thread, int64_t begin, int64_t end) {
    const PlaneMemory memory = run.memory.vectors.In(run.c.scratch, thread);
    for (int64_t plane = begin; plane < end; ++plane) {
      AverageOfPlane(*pool.plan, run.in(0) + plane * pool.inputs, run.out() + plane * pool.outputs,
                     memory);
    }
  });
}

void AverageBackward(const SumRun& run) {
  const SumPool& pool = run.pool;
  if (!pool.plan.has_value()) {
    const bool few = pool.regions.most_taps() <= kTapsToAdd;
    return (few ? AverageBack<float> : AverageBack<double>)(run);
  }
  ParallelFor(pool.planes, pool.grain, [&](int thread, int64_t begin, int64_t end) {
    SpreadAverage(*pool.plan, run.in(0) + begin * pool.outputs, run.out() + begin * pool.inputs,
                  end - begin, run.memory.vectors.In(run.c.scratch, thread));
  });
}

// The root of a sum of powers.
struct RootOfSum {
  int64_t p;
  void StartRow(const std::vector<int64_t>&) {}
  double operator()(double sum, int64_t) const {
    return p == 1   ? sum
           : p == 2 ? std::sqrt(sum)
                    : std::exp(std::log(sum) / static_cast<double>(p));  // half of pow's time
  }
};

void Norms(const SumRun& run) {
  const SumPool& pool = run.pool;
  const float* x = run.in(0);
  float* y = run.out();
  ForEachPlane<double>(run, [&](int64_t plane, Memory<double>& memory) {
    const float* in = x + plane * pool.inputs;
    float* out = y + plane * pool.outputs;
    if (pool.p > kLargestPower) return NormsOfPlane(pool.regions, pool.p, in, out, memory.scratch);
    const auto sum = [&](auto each) {
      SumPlane<double>(pool, in, out, memory, each, RootOfSum{pool.p});
    };
    if (pool.p == 1) sum([](float v) { return static_cast<double>(std::abs(v)); });
    if (pool.p == 2) sum([](float v) { return static_cast<double>(v) * v; });
    if (pool.p == 3) sum([](float v) { return Power(std::abs(v), 3); });
    if (pool.p > 3) sum([&](float v) { return Power(std::abs(v), pool.p); });
  });
}

// dy * y^(1-p).
struct NormShare {
  const float *dy, *y;
  int64_t p;
  void StartRow(const std::vector<int64_t>&) {}
  double operator()(int64_t at, int64_t) const {
    return y[at] == 0 ? 0.0 : dy[at] / Power(y[at], p - 1);
  }
};

// dx = sign(x) |x|^(p-1) * the sum of dy y^(1-p) over the windows of x, in place.
void FinishNormGradients(int64_t p, const float* x, int64_t size, double* sums) {
  for (int64_t i = 0; i < size; ++i) {
    const double a = x[i];
    sums[i] *= a == 0 ? 0 : std::copysign(Power(std::abs(a), p - 1), a);
  }
}

// Inputs dY, X, Y.
void NormsBack(const SumRun& run) {
  const SumPool& pool = run.pool;
  const float *dy = run.in(0), *x = run.in(1), *y = run.in(2);
  float* dx = run.out();
  ForEachPlane<double>(run, [&](int64_t plane, Memory<double>& memory) {
    double* sums = memory.plane;
    const float* in = x + plane * pool.inputs;
    const NormShare share{dy + plane * pool.outputs, y + plane * pool.outputs, pool.p};
    if (pool.p > kLargestPower) {
      NormGradientsOfPlane(pool.regions, pool.p, share.dy, in, share.y, sums, memory.scratch);
    } else {
      SpreadPlane<double>(pool, sums, memory, share);
      FinishNormGradients(pool.p, in, pool.inputs, sums);
    }
    std::transform(sums, sums + pool.inputs, dx + plane * pool.inputs,
                   [](double v) { return static_cast<float>(v); });
  });
}

// `x`: the number of the input that has X's dims.
absl::StatusOr<Kernels> MakeKernels(const KernelRequest& request, int x,
                                    void (*run)(const SumRun&)) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  WEFT_ASSIGN_OR_RETURN(SumPool read, ReadSumPool(request.node, request.in(x).dims()));
  const auto pool = std::make_shared<const SumPool>(std::move(read));
  ScratchPlan scratch(request.threads);
  SumScratch memory;
  if (pool->plan.has_value()) {
    using Use = PlaneScratch::Use;
    memory.vectors =
        PlaneScratch(*pool->plan, x == 0 ? Use::kReduce : Use::kSpreadAverage, scratch);
  } else if (pool->planes > 0) {
    memory.row = scratch.PerThread<double>(pool->regions.input.back());
    memory.plane = scratch.PerThread<double>(x == 0 ? 0 : pool->inputs);
  }
  const auto compute = [pool, memory, run](const HostContext& c) { run({*pool, memory, c}); };
  return Single(MakeHostKernel(request, "weft", "rows", compute, /*in_place=*/false, scratch));
}

}  // namespace

absl::StatusOr<Kernels> HostAveragePool(const KernelRequest& request) {
  return MakeKernels(request, 0, AverageForward);
}

// Inputs dY, X (its shape).
absl::StatusOr<Kernels> HostAveragePoolGrad(const KernelRequest& request) {
  return MakeKernels(request, 1, AverageBackward);
}

absl::StatusOr<Kernels> HostLpPool(const KernelRequest& request) {
  return MakeKernels(request, 0, Norms);
}

absl::StatusOr<Kernels> HostLpPoolGrad(const KernelRequest& request) {
  return MakeKernels(request, 1, NormsBack);
}

// Where the library's poolings have a layout of their own to follow, theirs come first.
absl::StatusOr<Kernels> HostPlainAveragePool(const KernelRequest& request) {
  if (!request.in(0).is_plain()) return Kernels();
  return HostAveragePool(request);
}
absl::StatusOr<Kernels> HostPlainAveragePoolGrad(const KernelRequest& request) {
  if (!request.in(0).is_plain()) return Kernels();
  return HostAveragePoolGrad(request);
}

}  // namespace weft
