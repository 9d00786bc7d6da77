#include <algorithm>
#include <cmath>

#include "ops/elementwise.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/power.cc"
#include "runtime/host/simd/simd-inl.h"
// Functions of doubles.
#include "hwy/contrib/math/math-inl.h"

// Pow and Mod of f32, in vectors of double: floats alone would lose digits of large powers and
// quotients.

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

// x^p = e^(p log|x|), which fits a float wherever the exponent is within 200; then the signs and
// the special cases of IEEE 754's pow.
struct PowVectors {
  template <typename D, typename V>
  static HWY_INLINE V Call(D d, V x, V p) {
    const V zero = hn::Zero(d), one = hn::Set(d, 1.0), magnitude = hn::Abs(x);
    V log = hn::Log(d, hn::IfThenElse(hn::Eq(magnitude, zero), one, magnitude));
    log = hn::IfThenElse(hn::Eq(magnitude, zero), hn::Set(d, -HUGE_VAL), log);
    log = hn::IfThenElse(hn::Eq(magnitude, hn::Set(d, HUGE_VAL)), magnitude, log);
    V exponent = hn::IfThenElse(hn::Eq(magnitude, one), zero, hn::Mul(p, log));
    exponent = hn::Min(hn::Max(exponent, hn::Set(d, -200.0)), hn::Set(d, 200.0));
    V y = hn::Exp(d, exponent);
    const V half = hn::Mul(p, hn::Set(d, 0.5));
    const auto whole = hn::Eq(hn::Round(p), p);
    const auto odd = hn::AndNot(hn::Eq(hn::Round(half), half), whole);
    y = hn::IfThenElse(odd, hn::CopySign(y, x), y);
    const auto finite_negative = hn::And(hn::Lt(x, zero), hn::Gt(x, hn::Set(d, -HUGE_VAL)));
    const auto nan = hn::Or(hn::AndNot(whole, finite_negative), hn::Or(hn::IsNaN(x), hn::IsNaN(p)));
    y = hn::IfThenElse(nan, hn::Set(d, NAN), y);
    return hn::IfThenElse(hn::Or(hn::Eq(p, zero), hn::Eq(x, one)), one, y);
  }
};

// a - trunc(a / b) b. Below 2^28 the rounded quotient has the right whole part, and the result has
// no more bits than a double; the rest is left to std::fmod.
struct ModVectors {
  template <typename D, typename V>
  static HWY_INLINE V Call(D d, V a, V b) {
    const V quotient = hn::Div(a, b);
    const V whole = hn::Trunc(quotient);
    V y = hn::IfThenElse(hn::Eq(whole, hn::Zero(d)), a, hn::NegMulAdd(whole, b, a));
    const auto easy = hn::Lt(hn::Abs(quotient), hn::Set(d, 0x1p28));
    if (!hn::AllTrue(d, easy)) {
      constexpr size_t kMost = HWY_MAX_BYTES / sizeof(double);
      HWY_ALIGN double as[kMost], bs[kMost];
      hn::Store(a, d, as);
      hn::Store(b, d, bs);
      for (size_t i = 0; i < hn::Lanes(d); ++i) as[i] = std::fmod(as[i], bs[i]);
      y = hn::Load(d, as);
    }
    return hn::CopySign(y, a);
  }
};

template <typename D>
HWY_INLINE hn::Vec<D> LoadDoubles(D d, const float* x) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), x));
}
template <typename D>
HWY_INLINE hn::Vec<D> LoadDoubles(D d, const double* x) {
  return hn::LoadU(d, x);
}

// Too large a number becomes infinite.
template <typename D, typename V>
HWY_INLINE void StoreFloats([[maybe_unused]] D d, V v, float* y) {
#if HWY_TARGET == HWY_SCALAR  // whose DemoteTo stops at the largest float
  *y = static_cast<float>(hn::GetLane(v));
#else
  const hn::Rebind<float, D> narrow;
  hn::StoreU(hn::DemoteTo(narrow, v), narrow, y);
#endif
}

// y = f(a, b), n elements; steps are 1, or 0 for one number.
template <typename Fn, typename B>
void Pairs(const float* a, int64_t step_a, const B* b, int64_t step_b, int64_t n, float* y) {
  const auto run = [&](auto d, int64_t i) HWY_ATTR {
    const auto x = step_a == 0 ? hn::Set(d, static_cast<double>(*a)) : LoadDoubles(d, a + i);
    const auto z = step_b == 0 ? hn::Set(d, static_cast<double>(*b)) : LoadDoubles(d, b + i);
    StoreFloats(d, Fn::Call(d, x, z), y + i);
  };
  const hn::ScalableTag<double> d;
  const hn::CappedTag<double, 1> one;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) run(d, i);
  for (; i < n; ++i) run(one, i);
}

}  // namespace

void PowRun(const float* x, int64_t step_x, const float* p, int64_t step_p, int64_t n, float* y) {
  Pairs<PowVectors>(x, step_x, p, step_p, n, y);
}
void PowRunOfDoubles(const float* x, int64_t step_x, const double* p, int64_t step_p, int64_t n,
                     float* y) {
  Pairs<PowVectors>(x, step_x, p, step_p, n, y);
}
void ModRun(const float* a, int64_t step_a, const float* b, int64_t step_b, int64_t n, float* y) {
  Pairs<ModVectors>(a, step_a, b, step_b, n, y);
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(PowRun);
HWY_EXPORT(PowRunOfDoubles);
HWY_EXPORT(ModRun);

namespace {

constexpr int64_t kBlock = 256;  // exponents of another type that are converted at a time

absl::Status ComputeFloats(const EvalContext& c, const Loops& loops, bool power) {
  const float *a = c.in(0).in<float>().data(), *b = c.in(1).in<float>().data();
  float* y = c.out().out<float>().data();
  const auto run = power ? HWY_DYNAMIC_DISPATCH(PowRun) : HWY_DYNAMIC_DISPATCH(ModRun);
  ForEachRun(loops, [&](int64_t to, std::span<const int64_t> at, int64_t count) {
    run(a + at[0], loops.step(0), b + at[1], loops.step(1), count, y + to);
  });
  return absl::OkStatus();
}

// Powers given as P.
template <typename P>
void ComputeMixed(const EvalContext& c, const Loops& loops) {
  const float* x = c.in(0).in<float>().data();
  const P* p = c.in(1).in<P>().data();
  float* y = c.out().out<float>().data();
  const int64_t step_x = loops.step(0), step_p = loops.step(1);
  ForEachRun(loops, [&](int64_t to, std::span<const int64_t> at, int64_t count) {
    double powers[kBlock];
    for (int64_t done = 0; done < count; done += kBlock) {
      const int64_t block = std::min(kBlock, count - done);
      const P* from = p + at[1] + done * step_p;
      std::copy_n(from, step_p == 0 ? 1 : block, powers);
      HWY_DYNAMIC_DISPATCH(PowRunOfDoubles)
      (x + at[0] + done * step_x, step_x, powers, step_p, block, y + to + done);
    }
  });
}

}  // namespace

absl::StatusOr<Kernels> HostPower(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  const bool power = request.node.op_name() == "Pow";
  const DType exponent = request.in(1).dtype();
  return Single(MakeHostKernel(
      request, "weft", "broadcast loops",
      [loops = BroadcastLoops(request), power, exponent](const EvalContext& c) {
        if (exponent == DType::kF32) return ComputeFloats(c, loops, power);
        return VisitDType<kArithmeticTypes>(
            exponent, [&](auto zero) { ComputeMixed<decltype(zero)>(c, loops); });
      },
      /*in_place=*/true));
}

}  // namespace weft
#endif  // HWY_ONCE
