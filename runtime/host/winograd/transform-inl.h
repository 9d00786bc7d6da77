// Winograd's transforms of one axis (Cook and Toom): with the interpolation points p and infinity,
// input = the coefficients of the products of (x - p), filter = the filter's polynomial at p over
// the products of differences, output = powers of p. 4 outputs: points 0, ±3/4 and ±3/2, whose
// powers stay near 1 (64 channels: an error of 1.2e-6 of the largest output, where the usual
// 0, ±1, ±2 have 5.9e-6). 2 outputs: 0 and ±1. The gradients are the transposed transforms.

#include "runtime/host/simd/simd-inl.h"

#if defined(WEFT_WINOGRAD_TRANSFORM_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_WINOGRAD_TRANSFORM_INL
#undef WEFT_WINOGRAD_TRANSFORM_INL
#else
#define WEFT_WINOGRAD_TRANSFORM_INL
#endif

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

struct Tile4 {
  static constexpr int kOutputs = 4, kInputs = 6;
  static constexpr double kA = 0.75, kB = 1.5, kA2 = kA * kA, kB2 = kB * kB;
  static constexpr double kAtA = 1 / (2 * kA2 * (kA2 - kB2)), kAtB = 1 / (2 * kB2 * (kB2 - kA2));

  static HWY_INLINE void Input(const Vf (&d)[kInputs], Vf (&t)[kInputs]) {
    const Vf a = Fill(kA), b = Fill(kB), a2 = Fill(kA2), b2 = Fill(kB2);
    const Vf sum = Fill(kA2 + kB2), product = Fill(kA2 * kB2);
    const Vf even_a = hn::NegMulAdd(b2, d[2], d[4]), odd_a = hn::NegMulAdd(b2, d[1], d[3]);
    const Vf even_b = hn::NegMulAdd(a2, d[2], d[4]), odd_b = hn::NegMulAdd(a2, d[1], d[3]);
    t[0] = hn::MulAdd(product, d[0], hn::NegMulAdd(sum, d[2], d[4]));
    t[1] = hn::MulAdd(a, odd_a, even_a);
    t[2] = hn::NegMulAdd(a, odd_a, even_a);
    t[3] = hn::MulAdd(b, odd_b, even_b);
    t[4] = hn::NegMulAdd(b, odd_b, even_b);
    t[5] = hn::MulAdd(product, d[1], hn::NegMulAdd(sum, d[3], d[5]));
  }

  static HWY_INLINE void Output(const Vf (&m)[kInputs], Vf (&y)[kOutputs]) {
    const Vf even_a = hn::Add(m[1], m[2]), odd_a = hn::Sub(m[1], m[2]);
    const Vf even_b = hn::Add(m[3], m[4]), odd_b = hn::Sub(m[3], m[4]);
    y[0] = hn::Add(m[0], hn::Add(even_a, even_b));
    y[1] = hn::MulAdd(Fill(kA), odd_a, hn::Mul(Fill(kB), odd_b));
    y[2] = hn::MulAdd(Fill(kA2), even_a, hn::Mul(Fill(kB2), even_b));
    y[3] = hn::MulAdd(Fill(kA2 * kA), odd_a, hn::MulAdd(Fill(kB2 * kB), odd_b, m[5]));
  }

  static HWY_INLINE void OutputGradient(const Vf (&y)[kOutputs], Vf (&m)[kInputs]) {
    const Vf even_a = hn::MulAdd(Fill(kA2), y[2], y[0]), even_b = hn::MulAdd(Fill(kB2), y[2], y[0]);
    const Vf odd_a = hn::MulAdd(Fill(kA2), y[3], y[1]), odd_b = hn::MulAdd(Fill(kB2), y[3], y[1]);
    m[0] = y[0];
    m[1] = hn::MulAdd(Fill(kA), odd_a, even_a);
    m[2] = hn::NegMulAdd(Fill(kA), odd_a, even_a);
    m[3] = hn::MulAdd(Fill(kB), odd_b, even_b);
    m[4] = hn::NegMulAdd(Fill(kB), odd_b, even_b);
    m[5] = y[3];
  }

  static HWY_INLINE void FilterGradient(const Vf (&u)[kInputs], Vf (&g)[3]) {
    const Vf even_a = hn::Mul(Fill(kAtA), hn::Add(u[1], u[2]));
    const Vf even_b = hn::Mul(Fill(kAtB), hn::Add(u[3], u[4]));
    g[0] = hn::MulAdd(Fill(1 / (kA2 * kB2)), u[0], hn::Add(even_a, even_b));
    g[1] = hn::MulAdd(Fill(kAtA * kA), hn::Sub(u[1], u[2]),
                      hn::Mul(Fill(kAtB * kB), hn::Sub(u[3], u[4])));
    g[2] = hn::MulAdd(Fill(kA2), even_a, hn::MulAdd(Fill(kB2), even_b, u[5]));
  }

  // In double.
  static HWY_INLINE void Filter(const Vd (&g)[3], Vd (&u)[kInputs]) {
    const Dd d;
    const Vd even_a = hn::MulAdd(hn::Set(d, kA2), g[2], g[0]),
             odd_a = hn::Mul(hn::Set(d, kA), g[1]);
    const Vd even_b = hn::MulAdd(hn::Set(d, kB2), g[2], g[0]),
             odd_b = hn::Mul(hn::Set(d, kB), g[1]);
    u[0] = hn::Mul(hn::Set(d, 1 / (kA2 * kB2)), g[0]);
    u[1] = hn::Mul(hn::Set(d, kAtA), hn::Add(even_a, odd_a));
    u[2] = hn::Mul(hn::Set(d, kAtA), hn::Sub(even_a, odd_a));
    u[3] = hn::Mul(hn::Set(d, kAtB), hn::Add(even_b, odd_b));
    u[4] = hn::Mul(hn::Set(d, kAtB), hn::Sub(even_b, odd_b));
    u[5] = g[2];
  }
};

struct Tile2 {
  static constexpr int kOutputs = 2, kInputs = 4;

  static HWY_INLINE void Input(const Vf (&d)[kInputs], Vf (&t)[kInputs]) {
    t[0] = hn::Sub(d[2], d[0]);
    t[1] = hn::Add(d[2], d[1]);
    t[2] = hn::Sub(d[2], d[1]);
    t[3] = hn::Sub(d[3], d[1]);
  }

  static HWY_INLINE void Output(const Vf (&m)[kInputs], Vf (&y)[kOutputs]) {
    y[0] = hn::Add(m[0], hn::Add(m[1], m[2]));
    y[1] = hn::Add(m[3], hn::Sub(m[1], m[2]));
  }

  static HWY_INLINE void OutputGradient(const Vf (&y)[kOutputs], Vf (&m)[kInputs]) {
    m[0] = y[0];
    m[1] = hn::Add(y[0], y[1]);
    m[2] = hn::Sub(y[0], y[1]);
    m[3] = y[1];
  }

  static HWY_INLINE void FilterGradient(const Vf (&u)[kInputs], Vf (&g)[3]) {
    const Vf even = hn::Mul(Fill(0.5f), hn::Add(u[1], u[2]));
    g[0] = hn::Sub(even, u[0]);
    g[1] = hn::Mul(Fill(0.5f), hn::Sub(u[1], u[2]));
    g[2] = hn::Add(even, u[3]);
  }

  // In double.
  static HWY_INLINE void Filter(const Vd (&g)[3], Vd (&u)[kInputs]) {
    const Vd half = hn::Set(Dd(), 0.5), even = hn::Add(g[0], g[2]);
    u[0] = hn::Neg(g[0]);
    u[1] = hn::Mul(half, hn::Add(even, g[1]));
    u[2] = hn::Mul(half, hn::Sub(even, g[1]));
    u[3] = g[2];
  }
};

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
