#include <algorithm>
#include <type_traits>

#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/softmax.cc"
#include "runtime/host/simd/softmax-inl.h"

// Softmax, LogSoftmax and their gradients on row-major tensors [outer, classes, inner]: by rows
// where inner is 1, else by blocks of neighbouring lines whose classes fit the cache.

#ifndef WEFT_RUNTIME_HOST_SOFTMAX_ONCE
#define WEFT_RUNTIME_HOST_SOFTMAX_ONCE
namespace weft {
namespace {

struct SoftmaxProblem {
  int64_t outer = 1, classes = 1, inner = 1;
  bool log = false;
  ScratchArray<float> powers = {};  // of a block, where they are kept
};

}  // namespace
}  // namespace weft
#endif

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

// Tile by tile, so that all that is known of a line stays in registers.
template <bool kLog>
void SoftmaxBlock(const SoftmaxProblem& p, const float* x, int64_t width, bool stream,
                  float* memory, float* y) {
  const bool kept = !kLog && p.classes <= kMaxKeptClasses;
  float* const powers = kept ? memory : nullptr;
  const int64_t classes = p.classes, stride = p.inner;
  ForTiles(width, [&](const auto& tile, int64_t j) HWY_ATTR {
    constexpr int kVectors = std::decay_t<decltype(tile)>::kVectors;
    HWY_ALIGN float largest[kBlockLines], rest[kBlockLines];
    SumTilePowers(tile, x + j, classes, stride, largest, rest, powers);
    Vf m[kVectors], r[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      m[v] = hn::Load(Df(), largest + v * Lanes());
      r[v] = hn::Load(Df(), rest + v * Lanes());
      r[v] = kLog ? Log1pOfPositive(r[v]) : hn::Div(Fill(1), hn::Add(r[v], Fill(1)));
    }
    for (int64_t k = 0; k < classes; ++k) {
      for (int v = 0; v < kVectors; ++v) {
        const int64_t at = v * Lanes();
        const auto centered = [&]() HWY_ATTR {
          return hn::Sub(tile.Load(x + k * stride + j, v), m[v]);
        };
        const auto power = [&]() HWY_ATTR {
          return kept ? hn::LoadU(Df(), powers + k * kBlockLines + at) : PowerOf(centered());
        };
        const Vf result = kLog ? hn::Sub(centered(), r[v]) : hn::Mul(power(), r[v]);
        StoreSome(result, y + k * stride + j + at, width - j - at, stream);
      }
    }
  });
  hwy::FlushStream();
}

void SoftmaxRow(const SoftmaxProblem& p, const float* x, float* y) {
  float largest, rest;
  SumRowPowers(x, p.classes, &largest, &rest);
  const Vf m = Fill(largest);
  if (p.log) {
    const Vf log_sum = Log1pOfPositive(Fill(rest));
    MapRange(
        p.classes, y, false, [&](Vf s) HWY_ATTR { return hn::Sub(hn::Sub(s, m), log_sum); }, x);
  } else {
    const Vf factor = Fill(1 / (1 + rest));
    MapRange(
        p.classes, y, false, [&](Vf s) HWY_ATTR { return hn::Mul(PowerOf(hn::Sub(s, m)), factor); },
        x);
  }
}

// The gradients' sums: of dY y, or of dY for LogSoftmax; and dX from them.
HWY_INLINE Vf Summand(bool log, Vf dy, Vf y) { return log ? dy : hn::Mul(dy, y); }
struct SoftmaxBack {
  HWY_INLINE Vf operator()(Vf dy, Vf y, Vf sum) const { return hn::Mul(y, hn::Sub(dy, sum)); }
};
struct LogSoftmaxBack {
  HWY_INLINE Vf operator()(Vf dy, Vf y, Vf sum) const { return hn::NegMulAdd(Exp(y), sum, dy); }
};

template <bool kLog>
void BackBlock(const SoftmaxProblem& p, const float* dy, const float* y, int64_t width, bool stream,
               float* dx) {
  const int64_t classes = p.classes, stride = p.inner;
  ForTiles(width, [&](const auto& tile, int64_t j) HWY_ATTR {
    constexpr int kVectors = std::decay_t<decltype(tile)>::kVectors;
    LongSum sums[kVectors];
    for (int64_t first = 0; first < classes; first += kPartialSum) {
      Vf partial[kVectors];
      for (Vf& t : partial) t = hn::Zero(Df());
      for (int64_t k = first; k < std::min(classes, first + kPartialSum); ++k) {
        const float *gs = dy + k * stride + j, *ys = y + k * stride + j;
        for (int v = 0; v < kVectors; ++v) {
          const Vf g = tile.Load(gs, v);
          partial[v] = kLog ? hn::Add(partial[v], g) : hn::MulAdd(g, tile.Load(ys, v), partial[v]);
        }
      }
      for (int v = 0; v < kVectors; ++v) sums[v].Add(partial[v]);
    }
    Vf total[kVectors];
    for (int v = 0; v < kVectors; ++v) total[v] = sums[v].Total();
    for (int64_t k = 0; k < classes; ++k) {
      const int64_t row = k * stride + j;
      PrefetchNext(dy + row);
      PrefetchNext(y + row);
      for (int v = 0; v < kVectors; ++v) {
        const Vf g = tile.Load(dy + row, v), value = tile.Load(y + row, v);
        const Vf d =
            kLog ? LogSoftmaxBack()(g, value, total[v]) : SoftmaxBack()(g, value, total[v]);
        const int64_t at = v * Lanes();
        StoreSome(d, dx + row + at, width - j - at, stream);
      }
    }
  });
  hwy::FlushStream();
}

void BackRow(const SoftmaxProblem& p, const float* dy, const float* y, float* dx) {
  Vf partial = hn::Zero(Df());
  double sum = 0;
  int64_t in_partial = 0;
  for (int64_t i = 0; i < p.classes; i += Lanes()) {
    const int64_t n = std::min(Lanes(), p.classes - i);
    partial = hn::Add(partial, Summand(p.log, LoadSome(dy + i, n), LoadSome(y + i, n)));
    if (++in_partial % kPartialSum == 0 || i + Lanes() >= p.classes) {
      sum += static_cast<double>(SumOf(partial));
      partial = hn::Zero(Df());
    }
  }
  const Vf total = Fill(static_cast<float>(sum));
  if (p.log) {
    MapRange(
        p.classes, dx, false, [&](Vf g, Vf v) HWY_ATTR { return LogSoftmaxBack()(g, v, total); },
        dy, y);
  } else {
    MapRange(
        p.classes, dx, false, [&](Vf g, Vf v) HWY_ATTR { return SoftmaxBack()(g, v, total); }, dy,
        y);
  }
}

}  // namespace

void SoftmaxForward(const SoftmaxProblem& p, const HostContext& c) {
  const float* x = c.in(0).in<float>().data();
  float* y = c.out().out<float>().data();
  const LineShape lines = {p.outer, p.classes, p.inner};
  const bool stream = StreamsLines(lines, y, x);
  if (p.inner == 1) {
    ForEachLine(lines, [&](int64_t at) HWY_ATTR { SoftmaxRow(p, x + at, y + at); });
  } else {
    ForEachBlock(lines, [&](int thread, int64_t at, int64_t width) HWY_ATTR {
      (p.log ? SoftmaxBlock<true> : SoftmaxBlock<false>)(p, x + at, width, stream,
                                                         p.powers.In(c.scratch, thread), y + at);
    });
  }
}

void SoftmaxBackward(const SoftmaxProblem& p, const HostContext& c) {
  const float *dy = c.in(0).in<float>().data(), *y = c.in(1).in<float>().data();
  float* dx = c.out().out<float>().data();
  const LineShape lines = {p.outer, p.classes, p.inner};
  const bool stream = StreamsLines(lines, dx, dy, y);
  if (p.inner == 1) {
    ForEachLine(lines, [&](int64_t at) HWY_ATTR { BackRow(p, dy + at, y + at, dx + at); });
  } else {
    ForEachBlock(lines, [&](int, int64_t at, int64_t width) HWY_ATTR {
      (p.log ? BackBlock<true> : BackBlock<false>)(p, dy + at, y + at, width, stream, dx + at);
    });
  }
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {
namespace {

HWY_EXPORT(SoftmaxForward);
HWY_EXPORT(SoftmaxBackward);

void Forward(const SoftmaxProblem& p, const HostContext& c) {
  HWY_DYNAMIC_DISPATCH(SoftmaxForward)(p, c);
}
void Backward(const SoftmaxProblem& p, const HostContext& c) {
  HWY_DYNAMIC_DISPATCH(SoftmaxBackward)(p, c);
}

absl::StatusOr<Kernels> Make(const KernelRequest& request,
                             void (*run)(const SoftmaxProblem&, const HostContext&)) {
  Kernels kernels;
  const std::string_view op = request.node.op_name();
  SoftmaxProblem p{.log = op == "LogSoftmax" || op == "LogSoftmaxGrad"};
  // The library's softmax stays in its own layouts.
  if (request.in(0).dtype() != DType::kF32 || (!p.log && !request.in(0).is_plain())) return kernels;
  const Dims& dims = request.in(0).dims();
  WEFT_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(GetInt(request.node.attributes(), "axis", -1),
                                                      static_cast<int>(dims.size())));
  for (int i = 0; i < static_cast<int>(dims.size()); ++i) {
    (i < axis ? p.outer : i == axis ? p.classes : p.inner) *= dims[static_cast<size_t>(i)];
  }
  ScratchPlan scratch(request.threads);
  const bool kept =
      run == Forward && !p.log && p.inner > 1 && p.classes <= HWY_NAMESPACE::kMaxKeptClasses;
  p.powers = scratch.PerThread<float>(kept ? p.classes * HWY_NAMESPACE::kBlockLines : 0);
  const auto compute = [p, run](const HostContext& c) {
    if (c.out().size() > 0) run(p, c);
  };
  kernels.push_back(MakeHostKernel(request, "weft",
                                   p.inner == 1 ? "softmax rows" : "softmax blocks", compute,
                                   /*in_place=*/true, scratch));
  return kernels;
}

}  // namespace

absl::StatusOr<Kernels> HostSoftmax(const KernelRequest& request) { return Make(request, Forward); }

absl::StatusOr<Kernels> HostSoftmaxGrad(const KernelRequest& request) {
  return Make(request, Backward);
}

}  // namespace weft
#endif
