#include <algorithm>
#include <array>
#include <vector>

#include "ops/broadcast.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/prelu.cc"
#include "runtime/host/simd/simd-inl.h"

// PRelu and its gradient on rows of elements that have one slope, or of which each has its own.

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

struct Leaky {
  // x where `v` >= 0 and slope * x elsewhere.
  static HWY_INLINE Vf Of(Vf x, Vf v, Vf slope) {
    return hn::IfThenElse(hn::Lt(v, hn::Zero(Df())), hn::Mul(x, slope), x);
  }
};

struct OneSlope : Leaky {
  explicit OneSlope(float s) : slope(s) {}
  HWY_INLINE Vf operator()(Vf x) const { return Of(x, x, Fill(slope)); }
  HWY_INLINE Vf operator()(Vf dy, Vf x) const { return Of(dy, x, Fill(slope)); }
  float slope;
};

struct OwnSlopes : Leaky {
  HWY_INLINE Vf operator()(Vf x, Vf slope) const { return Of(x, x, slope); }
  HWY_INLINE Vf operator()(Vf dy, Vf x, Vf slope) const { return Of(dy, x, slope); }
};

void PReluRow(int64_t n, const float* x, float slope, float* y) {
  MapRange(n, y, false, OneSlope(slope), x);
}

void PReluSlopes(int64_t n, const float* x, const float* slopes, float* y) {
  MapRange(n, y, false, OwnSlopes(), x, slopes);
}

void PReluSlopesGrad(int64_t n, const float* dy, const float* x, const float* slopes, float* dx) {
  MapRange(n, dx, false, OwnSlopes(), dy, x, slopes);
}

// dX, and returns the row's part of dslope: the sum of dy min(x, 0).
double PReluRowGrad(int64_t n, const float* dy, const float* x, float slope, float* dx) {
  const Df d;
  const int64_t lanes = Lanes();
  const OneSlope f(slope);
  const auto part = [](Vf g, Vf v) HWY_ATTR {
    return hn::IfThenElseZero(hn::Lt(v, hn::Zero(Df())), hn::Mul(g, v));
  };
  Vf sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Vf g = hn::LoadU(d, dy + i), v = hn::LoadU(d, x + i);
    sum = hn::Add(sum, part(g, v));
    hn::StoreU(f(g, v), d, dx + i);
  }
  if (i < n) {
    const Vf g = LoadFirst(dy + i, n - i), v = LoadFirst(x + i, n - i);
    sum = hn::Add(sum, part(g, v));
    StoreFirst(f(g, v), dx + i, n - i);
  }
  return SumOf(sum);
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(PReluRow);
HWY_EXPORT(PReluSlopes);
HWY_EXPORT(PReluSlopesGrad);
HWY_EXPORT(PReluRowGrad);

namespace {

constexpr int64_t kChunk = 1 << 12;  // the most elements of a row that is summed in floats

// X as [outer, slopes, inner], each slope for one row of `inner`; `merged` is false where the
// slope's axes are not neighbours, and then the slopes are read by `strides`.
struct Problem {
  bool merged = true;
  int64_t outer = 1, slopes = 1, inner = 1;
  Dims dims;
  std::vector<int64_t> strides;

  int64_t size() const { return outer * slopes * inner; }
  int64_t chunks() const { return (inner + kChunk - 1) / kChunk; }  // of a row
};

Problem MakeProblem(const Dims& x, const Dims& slope) {
  Problem p{.dims = x, .strides = BroadcastStrides(slope, x)};
  int64_t* place = &p.inner;
  for (size_t i = x.size(); i-- > 0;) {
    if (x[i] == 1) continue;
    const bool has_slope = p.strides[i] != 0;
    if (place == &p.inner && has_slope) place = &p.slopes;
    if (place == &p.slopes && !has_slope) place = &p.outer;
    if (place == &p.outer && has_slope) p.merged = false;
    *place *= x[i];
  }
  return p;
}

struct PReluOperands {
  const float *dy, *x, *slope;
  float *y, *dslope;  // y is dX in the gradient; dslope may be null
};

// Each element by itself, on the calling thread.
void RunElements(const Problem& p, const PReluOperands& o, double* sums) {
  ForEachOffset<1>(p.dims, {p.strides}, [&](int64_t i, const std::array<int64_t, 1>& at) {
    const float x = o.x[i], from = o.dy == nullptr ? x : o.dy[i];
    if (o.dslope != nullptr && x < 0) {
      sums[at[0]] += static_cast<double>(from) * static_cast<double>(x);
    }
    o.y[i] = x < 0 ? from * o.slope[at[0]] : from;
  });
}

// inner is 1: slopes lie beside each other, as elements do.
void RunSlopes(const Problem& p, const PReluOperands& o) {
  ParallelFor(p.outer, std::max<int64_t>(1, kMathGrain / p.slopes),
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) {
                  const int64_t at = i * p.slopes;
                  if (o.dy == nullptr) {
                    HWY_DYNAMIC_DISPATCH(PReluSlopes)(p.slopes, o.x + at, o.slope, o.y + at);
                  } else {
                    HWY_DYNAMIC_DISPATCH(PReluSlopesGrad)
                    (p.slopes, o.dy + at, o.x + at, o.slope, o.y + at);
                  }
                }
              });
}

// Before dX takes the memory of dY or X.
void SumSlopes(const Problem& p, const PReluOperands& o, double* sums) {
  ParallelFor(p.slopes, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < p.outer; ++i) {
      for (int64_t k = begin; k < end; ++k) {
        const int64_t at = i * p.slopes + k;
        const double product = static_cast<double>(o.dy[at]) * static_cast<double>(o.x[at]);
        sums[k] += o.x[at] < 0 ? product : 0;
      }
    }
  });
}

// Rows in chunks, so that one slope for everything is shared by the threads too. `part`: memory for
// the sum of each.
void RunRows(const Problem& p, const PReluOperands& o, double* part, double* sums) {
  const int64_t chunks = p.chunks(), rows = p.outer * p.slopes;
  const int64_t grain = std::max<int64_t>(1, kMathGrain / std::min(p.inner, kChunk));
  ParallelFor(rows * chunks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / chunks, first = i % chunks * kChunk;
      const int64_t at = row * p.inner + first, n = std::min(kChunk, p.inner - first);
      const float slope = o.slope[row % p.slopes];
      if (o.dy == nullptr) {
        HWY_DYNAMIC_DISPATCH(PReluRow)(n, o.x + at, slope, o.y + at);
      } else {
        part[i] = HWY_DYNAMIC_DISPATCH(PReluRowGrad)(n, o.dy + at, o.x + at, slope, o.y + at);
      }
    }
  });
  if (o.dslope == nullptr) return;
  for (int64_t i = 0; i < rows * chunks; ++i) {
    sums[i / chunks % p.slopes] += part[i];
  }
}

// What the gradient adds up in.
struct Sums {
  ScratchArray<double> slopes, chunks;
};

void Run(const Problem& p, int64_t slopes, const PReluOperands& o, const Sums& memory,
         std::byte* scratch) {
  double* const sums = memory.slopes.In(scratch);
  if (o.dslope == nullptr) slopes = 0;
  std::fill_n(sums, slopes, 0.0);
  if (p.size() == 0) {
    // No element: nothing to compute, the sums are 0.
  } else if (!p.merged) {
    RunElements(p, o, sums);
  } else if (p.inner == 1 && p.slopes > 1) {
    if (o.dslope != nullptr) SumSlopes(p, o, sums);
    RunSlopes(p, o);
  } else {
    RunRows(p, o, memory.chunks.In(scratch), sums);
  }
  for (int64_t k = 0; k < slopes; ++k) o.dslope[k] = static_cast<float>(sums[k]);
}

absl::StatusOr<Kernels> Make(const KernelRequest& request, size_t x) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  const Problem problem = MakeProblem(request.inputs[x].dims(), request.inputs[x + 1].dims());
  const bool gradient = x > 0;
  int64_t slopes = 1;
  for (const int64_t extent : request.inputs[x + 1].dims()) slopes *= extent;
  ScratchPlan scratch(request.threads);
  const Sums sums{scratch.Shared<double>(gradient ? slopes : 0),
                  scratch.Shared<double>(gradient && problem.merged
                                             ? problem.outer * problem.slopes * problem.chunks()
                                             : 0)};
  const auto run = [=](const HostContext& c) {
    const bool has_dslope = c.outputs.size() > 1 && c.out(1).data != nullptr;
    const auto in = [&c](size_t i) { return c.inputs[i].in<float>().data(); };
    Run(problem, slopes,
        {.dy = gradient ? in(0) : nullptr,
         .x = in(x),
         .slope = in(x + 1),
         .y = c.out().out<float>().data(),
         .dslope = has_dslope ? c.out(1).out<float>().data() : nullptr},
        sums, c.scratch);
  };
  return Single(MakeHostKernel(request, "weft", problem.merged ? "vectors" : "element loops", run,
                               /*in_place=*/true, scratch));
}

}  // namespace

absl::StatusOr<Kernels> HostPRelu(const KernelRequest& request) { return Make(request, 0); }
absl::StatusOr<Kernels> HostPReluGrad(const KernelRequest& request) { return Make(request, 1); }

}  // namespace weft
#endif
