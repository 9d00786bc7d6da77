#include "ops/lrn.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/lrn.cc"
#include "runtime/host/simd/lines-inl.h"
#include "runtime/host/simd/simd_math-inl.h"

// LRN and its gradient, LpNormalization: normalisations across an inner axis.

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

// 1 / sqrt(x) by one step of Newton's from an estimate of 12 bits or more.
HWY_INLINE Vf InverseRoot(Vf x) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Div(Fill(1), hn::Sqrt(x));
#else
  const Vf r = hn::ApproximateReciprocalSqrt(x);
  const Vf half = hn::Mul(hn::Mul(x, r), Fill(0.5f));
  return hn::Mul(r, hn::NegMulAdd(half, r, Fill(1.5f)));
#endif
}

// base^-beta, and with `inverse` 1 / base.
enum class Beta { kOneHalf, kThreeQuarters, kOne, kAny };
template <Beta kBeta>
HWY_INLINE Vf PowerOfBase(Vf base, float minus_beta, Vf* inverse) {
  if constexpr (kBeta == Beta::kThreeQuarters || kBeta == Beta::kOneHalf) {
    const Vf r = InverseRoot(base), square = hn::Mul(r, r);
    const Mf endless = hn::Eq(base, Fill(HUGE_VALF));  // Newton's step has no limit there
    if (inverse != nullptr) *inverse = hn::IfThenZeroElse(endless, square);
    const Vf power = kBeta == Beta::kOneHalf ? r : hn::Mul(square, InverseRoot(r));
    return hn::IfThenZeroElse(endless, power);
  }
  const Vf reciprocal = hn::Div(Fill(1), base);
  if (inverse != nullptr) *inverse = reciprocal;
  if constexpr (kBeta == Beta::kOne) return reciprocal;
  return Exp(hn::Mul(Log(base), Fill(minus_beta)));
}

// An LRN on blocks of lines.
struct Lrn {
  Lrn(const LrnSpec& s, float* out)
      : spec(s),
        shape{s.batch, s.channels, s.inner},
        factor(static_cast<float>(s.factor)),
        bias(static_cast<float>(s.bias)),
        minus_beta(static_cast<float>(-s.beta)),
        stream(StreamsLines(shape, out, nullptr)) {}

  // bias + factor * the sum of squares over the window of channel k, of a tile at x.
  template <typename T>
  HWY_INLINE Vf Base(const T& tile, const float* x, int64_t k, int v) const {
    Vf squares = hn::Zero(Df());
    for (int64_t i = spec.first(k); i <= spec.last(k); ++i) {
      const Vf value = tile.Load(x + i * spec.inner, v);
      squares = hn::MulAdd(value, value, squares);
    }
    return hn::MulAdd(squares, Fill(factor), Fill(bias));
  }

  template <Beta kBeta>
  void Forward(const float* x, float* y) const {
    ForEachBlock(shape, [&](int, int64_t at, int64_t width) HWY_ATTR {
      ForTiles(width, [&](const auto& tile, int64_t j) HWY_ATTR {
        for (int64_t k = 0; k < spec.channels; ++k) {
          const int64_t here = at + k * spec.inner + j;
          PrefetchNext(x + here);
          for (int v = 0; v < std::decay_t<decltype(tile)>::kVectors; ++v) {
            const Vf power = PowerOfBase<kBeta>(Base(tile, x + at + j, k, v), minus_beta, nullptr);
            const int64_t n = width - j - v * Lanes();
            StoreSome(hn::Mul(tile.Load(x + here, v), power), y + here + v * Lanes(), n, stream);
          }
        }
      });
      hwy::FlushStream();
    });
  }

  // The formula is in ops/lrn.cc. First base^-beta and the summands of all channels, then dX.
  // memory(thread): two times kBlockLines numbers for each channel.
  template <Beta kBeta, typename Memory>
  void Backward(const float* dy, const float* x, float* dx, const Memory& memory) const {
    const Vf slope = Fill(static_cast<float>(-2 * spec.factor * spec.beta));
    ForEachBlock(shape, [&](int thread, int64_t at, int64_t width) HWY_ATTR {
      float* const powers = memory(thread);
      float* const terms = powers + spec.channels * kBlockLines;
      ForTiles(width, [&](const auto& tile, int64_t j) HWY_ATTR {
        constexpr int kVectors = std::decay_t<decltype(tile)>::kVectors;
        for (int64_t k = 0; k < spec.channels; ++k) {
          const int64_t here = at + k * spec.inner + j;
          PrefetchNext(x + here);
          PrefetchNext(dy + here);
          for (int v = 0; v < kVectors; ++v) {
            const int64_t to = k * kBlockLines + v * Lanes();
            Vf inverse;
            const Vf power = PowerOfBase<kBeta>(Base(tile, x + at + j, k, v), minus_beta, &inverse);
            const Vf product = hn::Mul(tile.Load(dy + here, v), tile.Load(x + here, v));
            hn::StoreU(power, Df(), powers + to);
            hn::StoreU(hn::Mul(product, hn::Mul(power, inverse)), Df(), terms + to);
          }
        }
        for (int64_t k = 0; k < spec.channels; ++k) {
          const int64_t here = at + k * spec.inner + j;
          for (int v = 0; v < kVectors; ++v) {
            const Vf power = hn::LoadU(Df(), powers + k * kBlockLines + v * Lanes());
            const Vf sum = hn::Mul(SumTerms(terms + v * Lanes(), k), slope);
            const Vf direct = hn::Mul(tile.Load(dy + here, v), power);
            const int64_t n = width - j - v * Lanes();
            StoreSome(hn::MulAdd(tile.Load(x + here, v), sum, direct), dx + here + v * Lanes(), n,
                      stream);
          }
        }
      });
      hwy::FlushStream();
    });
  }

  // Over the channels in whose windows channel k is.
  HWY_INLINE Vf SumTerms(const float* terms, int64_t k) const {
    const int64_t last = std::min(k + spec.before, spec.channels - 1);
    Vf sum = hn::Zero(Df());
    for (int64_t i = std::max<int64_t>(k - spec.after, 0); i <= last; ++i) {
      sum = hn::Add(sum, hn::LoadU(Df(), terms + i * kBlockLines));
    }
    return sum;
  }

  const LrnSpec& spec;
  LineShape shape;
  float factor, bias, minus_beta;
  bool stream;
};

// f(a constant Beta) for the way to the power -beta.
template <typename F>
void WithBeta(double beta, const F& f) {
  if (beta == 0.75) return f(std::integral_constant<Beta, Beta::kThreeQuarters>());
  if (beta == 0.5) return f(std::integral_constant<Beta, Beta::kOneHalf>());
  if (beta == 1) return f(std::integral_constant<Beta, Beta::kOne>());
  f(std::integral_constant<Beta, Beta::kAny>());
}

}  // namespace

void LrnForward(const LrnSpec& spec, const EvalContext& c) {
  float* y = c.out().out<float>().data();
  const Lrn lrn(spec, y);
  WithBeta(spec.beta, [&](auto beta) HWY_ATTR {
    lrn.Forward<decltype(beta)::value>(c.in(0).in<float>().data(), y);
  });
}

void LrnBackward(const LrnSpec& spec, const HostContext& c, ScratchArray<float> memory) {
  float* dx = c.out().out<float>().data();
  const Lrn lrn(spec, dx);
  WithBeta(spec.beta, [&](auto beta) HWY_ATTR {
    lrn.Backward<decltype(beta)::value>(c.in(0).in<float>().data(), c.in(1).in<float>().data(), dx,
                                        [&](int thread) { return memory.In(c.scratch, thread); });
  });
}

namespace {

// Whether a sum in f32 lost nothing: squares of 1e25 overflow, those of 1e-25 vanish.
bool IsSafeSum(float sum) { return sum >= 0x1p-100f && sum <= std::numeric_limits<float>::max(); }

// One line in doubles, whose elements are `step` apart; y may be x.
void LpLine(const float* x, int64_t classes, int64_t step, bool squared, float* y) {
  double sum = 0;
  for (int64_t k = 0; k < classes; ++k) {
    const double v = x[k * step];
    sum += squared ? v * v : std::abs(v);
  }
  const double norm = sum == 0 ? 1 : squared ? std::sqrt(sum) : sum;
  for (int64_t k = 0; k < classes; ++k) y[k * step] = static_cast<float>(x[k * step] / norm);
}

HWY_INLINE Vf NormOf(Vf sum, bool squared) { return squared ? hn::Sqrt(sum) : sum; }

HWY_INLINE Vf Magnitude(Vf x, bool squared) { return squared ? hn::Mul(x, x) : hn::Abs(x); }

}  // namespace

void LpForward(int64_t outer, int64_t classes, int64_t inner, bool squared, const float* x,
               float* y) {
  const LineShape shape = {outer, classes, inner};
  if (inner == 1) {
    ForEachLine(shape, [&](int64_t at) HWY_ATTR {
      const double sum =
          SumRow(x + at, classes, 0, [&](Vf v) HWY_ATTR { return Magnitude(v, squared); });
      if (!IsSafeSum(static_cast<float>(sum))) return LpLine(x + at, classes, 1, squared, y + at);
      const Vf norm = NormOf(Fill(static_cast<float>(sum)), squared);
      MapRange(
          classes, y + at, false, [&](Vf v) HWY_ATTR { return hn::Div(v, norm); }, x + at);
    });
    return;
  }
  const bool stream = StreamsLines(shape, y, x);
  ForEachBlock(shape, [&](int, int64_t at, int64_t width) HWY_ATTR {
    HWY_ALIGN float norms[kBlockLines];
    SumClasses(classes, width, norms, [&](const auto& tile, int64_t k, int64_t j, int v) HWY_ATTR {
      const float* p = x + at + k * inner + j;
      if (v == 0) PrefetchNext(p);
      return Magnitude(tile.Load(p, v), squared);
    });
    if (!std::all_of(norms, norms + width, IsSafeSum)) {
      for (int64_t j = at; j < at + width; ++j) LpLine(x + j, classes, inner, squared, y + j);
      return;
    }
    ForVectors(width, [&](int64_t j, int64_t) HWY_ATTR {
      hn::Store(NormOf(hn::Load(Df(), norms + j), squared), Df(), norms + j);
    });
    for (int64_t k = 0; k < classes; ++k) {
      const float* p = x + at + k * inner;
      StoreLines(width, y + at + k * inner, stream,
                 [&](const auto& tile, int64_t j, int v) HWY_ATTR {
                   return hn::Div(tile.Load(p + j, v), hn::Load(Df(), norms + j + v * Lanes()));
                 });
    }
    hwy::FlushStream();
  });
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {
namespace {

HWY_EXPORT(LrnForward);
HWY_EXPORT(LrnBackward);
HWY_EXPORT(LpForward);

absl::StatusOr<Kernels> Make(const KernelRequest& request, std::string implementation,
                             HostFunction run, bool in_place, const ScratchPlan& scratch) {
  Kernels kernels;
  if (request.in(0).dtype() != DType::kF32) return kernels;
  auto guarded = [run = std::move(run)](const HostContext& c) {
    return c.out().size() == 0 ? absl::OkStatus() : run(c);
  };
  kernels.push_back(MakeHostKernel(request, "weft", std::move(implementation), std::move(guarded),
                                   in_place, scratch));
  return kernels;
}

}  // namespace

absl::StatusOr<Kernels> HostLrn(const KernelRequest& request) {
  constexpr int64_t kMaxChannels = int64_t{1} << 20;  // more would need too much scratch
  const bool forward = request.node.op_name() == "LRN";
  const LrnSpec spec = ReadLrn(request.node.attributes(), request.in(0).dims());
  if (spec.channels > kMaxChannels) return Kernels();
  ScratchPlan scratch(request.threads);
  const auto memory =
      scratch.PerThread<float>(forward ? 0 : 2 * spec.channels * HWY_NAMESPACE::kBlockLines);
  const auto run = [spec, forward, memory](const HostContext& c) {
    if (forward) {
      HWY_DYNAMIC_DISPATCH(LrnForward)(spec, c);
    } else {
      HWY_DYNAMIC_DISPATCH(LrnBackward)(spec, c, memory);
    }
    return absl::OkStatus();
  };
  return Make(request, "window loops", run, /*in_place=*/false, scratch);
}

absl::StatusOr<Kernels> HostLpNorm(const KernelRequest& request) {
  const Dims& dims = request.in(0).dims();
  const AttributeMap& attributes = request.node.attributes();
  WEFT_ASSIGN_OR_RETURN(
      const int axis, NormalizeAxis(GetInt(attributes, "axis", -1), static_cast<int>(dims.size())));
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < static_cast<int>(dims.size()); ++i) {
    if (i != axis) (i < axis ? outer : inner) *= dims[static_cast<size_t>(i)];
  }
  const int64_t classes = dims[static_cast<size_t>(axis)];
  const bool squared = GetInt(attributes, "p", 2) == 2;
  return Make(
      request, "line loops",
      [=](const EvalContext& c) {
        HWY_DYNAMIC_DISPATCH(LpForward)
        (outer, classes, inner, squared, c.in(0).in<float>().data(), c.out().out<float>().data());
        return absl::OkStatus();
      },
      /*in_place=*/true, ScratchPlan(request.threads));
}

}  // namespace weft
#endif
