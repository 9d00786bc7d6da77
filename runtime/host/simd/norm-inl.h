// Loops that the normalisations share (runtime/host/simd/simd-inl.h says how to write a kernel):
// sums in double relative to a shift, so that a large mean does not swallow the variance, and the
// maps from x to y and from dy and x to dx.

#include "runtime/host/simd/simd-inl.h"

#if defined(WEFT_NORM_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_NORM_INL
#undef WEFT_NORM_INL
#else
#define WEFT_NORM_INL
#endif

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

template <int kCount>
struct Sums {
  double of[kCount] = {};
  HWY_INLINE void operator+=(const Sums& other) {
    for (int k = 0; k < kCount; ++k) of[k] += other.of[k];
  }
};
using TwoSums = Sums<2>;
using FourSums = Sums<4>;

// The sums over i in [0, n) of what f adds: f(i, sums) for a vector of doubles from i on,
// f.One(i, sums) for one.
template <typename F>
HWY_INLINE Sums<F::kSums> SumOver(int64_t n, const F& f) {
  constexpr int kSums = F::kSums, kWays = 4;  // sums of their own, to overlap
  const Dd d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  Vd sums[kWays][kSums];
  for (auto& way : sums) {
    for (Vd& sum : way) sum = hn::Zero(d);
  }
  int64_t i = 0;
  for (; i + kWays * lanes <= n; i += kWays * lanes) {
    f(i, sums[0]);
    f(i + lanes, sums[1]);
    f(i + 2 * lanes, sums[2]);
    f(i + 3 * lanes, sums[3]);
  }
  for (; i + lanes <= n; i += lanes) f(i, sums[0]);
  Sums<kSums> result;
  for (; i < n; ++i) f.One(i, result.of);
  for (int k = 0; k < kSums; ++k) {
    const Vd sum = hn::Add(hn::Add(sums[0][k], sums[1][k]), hn::Add(sums[2][k], sums[3][k]));
    result.of[k] += hn::GetLane(hn::SumOfLanes(d, sum));
  }
  return result;
}

// x - shift and its square.
struct ShiftedMoments {
  static constexpr int kSums = 2;
  const float* x;
  double shift;
  HWY_INLINE void operator()(int64_t i, Vd* sums) const {
    const Vd v = hn::Sub(LoadDouble(x + i), hn::Set(Dd(), shift));
    sums[0] = hn::Add(sums[0], v);
    sums[1] = hn::MulAdd(v, v, sums[1]);
  }
  HWY_INLINE void One(int64_t i, double* sums) const {
    const double v = x[i] - shift;
    sums[0] += v;
    sums[1] += v * v;
  }
};

// g, g (x - shift), x - shift and its square, for g = dy scale, or for g = dy.
template <bool kScaled>
struct JointMoments {
  static constexpr int kSums = 4;
  const float* dy;
  const float* scale;
  const float* x;
  double shift;
  HWY_INLINE void operator()(int64_t i, Vd* sums) const {
    Vd g = LoadDouble(dy + i);
    if constexpr (kScaled) g = hn::Mul(g, LoadDouble(scale + i));
    const Vd v = hn::Sub(LoadDouble(x + i), hn::Set(Dd(), shift));
    sums[0] = hn::Add(sums[0], g);
    sums[1] = hn::MulAdd(g, v, sums[1]);
    sums[2] = hn::Add(sums[2], v);
    sums[3] = hn::MulAdd(v, v, sums[3]);
  }
  HWY_INLINE void One(int64_t i, double* sums) const {
    double g = dy[i];
    if constexpr (kScaled) g *= scale[i];
    const double v = x[i] - shift;
    sums[0] += g;
    sums[1] += g * v;
    sums[2] += v;
    sums[3] += v * v;
  }
};

struct Moments {
  double mean = 0;
  double var = 0;  // biased
};

// Of n values with these sums of x - shift and of its square. 0 / 0 where there are none.
HWY_INLINE Moments MomentsFrom(double sum, double squares, double shift, double n) {
  const double offset = sum / n;
  const double var = squares / n - offset * offset;
  return {shift + offset, var < 0 ? 0 : var};
}

// (x - mean) factor + bias for a double mean: its float part first, what that leaves in the bias.
struct AffineMap {
  HWY_INLINE AffineMap(double mean_value, double factor_value, double bias_value) {
    const float rounded = static_cast<float>(mean_value);
    mean = Fill(rounded);
    factor = Fill(static_cast<float>(factor_value));
    bias = Fill(static_cast<float>(bias_value - (mean_value - rounded) * factor_value));
  }
  HWY_INLINE Vf operator()(Vf x) const { return hn::MulAdd(hn::Sub(x, mean), factor, bias); }
  Vf mean, factor, bias;
};

// dy u + (x - mean) v + w.
struct GradientMap {
  HWY_INLINE GradientMap(const AffineMap& of_x, double u_value)
      : affine(of_x), u(Fill(static_cast<float>(u_value))) {}
  HWY_INLINE Vf operator()(Vf dy, Vf x) const { return hn::MulAdd(dy, u, affine(x)); }
  AffineMap affine;
  Vf u;
};

// Whether results of so many floats go past the caches.
HWY_INLINE bool IsStreamed(int64_t size, const void* y, const void* x) {
  return y != x && size >= kStreamBytes / static_cast<int64_t>(sizeof(float));
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
