// Functions of vectors of floats for kernels (runtime/host/simd/simd-inl.h says how to write one).
// Relative errors are a few units in the last place (Exp's up to 3e-6 on the baseline, which has no
// fused multiply-add); NaN stays NaN, infinities go where the limit goes.

#include "runtime/host/simd/simd-inl.h"

#if defined(WEFT_SIMD_MATH_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_SIMD_MATH_INL
#undef WEFT_SIMD_MATH_INL
#else
#define WEFT_SIMD_MATH_INL
#endif

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

using Di = hn::RebindToSigned<Df>;
using Vi = hn::Vec<Di>;

// The polynomial of the coefficients, highest power first, at x.
template <typename... C>
HWY_INLINE Vf Polynomial(Vf x, float first, C... rest) {
  Vf y = Fill(first);
  ((y = hn::MulAdd(y, x, Fill(rest))), ...);
  return y;
}

// x, but at least (at most) the bound; NaN stays NaN.
HWY_INLINE Vf AtLeast(Vf x, float bound) {
#if HWY_TARGET == HWY_SCALAR
  return hn::IfThenElse(hn::Lt(x, Fill(bound)), Fill(bound), x);
#else
  return hn::Max(Fill(bound), x);  // of a NaN and a number, the second operand
#endif
}
HWY_INLINE Vf AtMost(Vf x, float bound) {
#if HWY_TARGET == HWY_SCALAR
  return hn::IfThenElse(hn::Gt(x, Fill(bound)), Fill(bound), x);
#else
  return hn::Min(Fill(bound), x);
#endif
}
HWY_INLINE Vf Within(Vf x, float bound) { return AtMost(AtLeast(x, -bound), bound); }

// v 2^n for a whole n in [-252, 254] and v near 1.
HWY_INLINE Vf TimesPowerOf2(Vf v, Vf n) {
#if HWY_TARGET == HWY_AVX3
  return Vf{_mm512_scalef_ps(v.raw, n.raw)};
#else
  // In two steps: 2^n itself may be no normal float.
  const Vi whole = hn::NearestInt(n), first = hn::ShiftRight<1>(whole);
  const auto power = [](Vi k) HWY_ATTR {
    return hn::BitCast(Df(), hn::ShiftLeft<23>(hn::Add(k, hn::Set(Di(), 127))));
  };
  return hn::Mul(hn::Mul(v, power(first)), power(hn::Sub(whole, first)));
#endif
}

// x = n ln 2 + r with |r| <= ln(2) / 2, n whole, for |x| up to 2^20; and e^r - 1. ln 2 in two parts
// (Cody and Waite), the polynomial of least maximum error (1.3e-8 |r|).
struct ExpParts {
  Vf n;
  Vf minus_one;
};
HWY_INLINE ExpParts SplitExp(Vf x) {
  const Vf round = Fill(12582912);  // 1.5 2^23: what is added to it is rounded to a whole number
  const Vf n = hn::Sub(hn::MulAdd(x, Fill(1.44269504088896341f), round), round);
  Vf r = hn::NegMulAdd(n, Fill(0.693359375f), x);
  r = hn::NegMulAdd(n, Fill(-2.12194440e-4f), r);
  const Vf p = Polynomial(r, 0.00139466781405f, 0.00836670969165f, 0.0416662789915f, 0.16666542057f,
                          0.500000006262f);
  return {n, hn::MulAdd(hn::Mul(r, r), p, r)};
}

// e^x; 0 where that is below the smallest normal float. As 2^n 2^r with n whole and |r| <= 1/2,
// where 2^r is a polynomial of least maximum error (9e-8).
HWY_INLINE Vf Exp(Vf x) {
  const Vf round = Fill(12582912), log2e = Fill(1.44269504088896341f);
  const Vf near = AtMost(AtLeast(x, -104), 89);
  const Vf n = hn::Sub(hn::MulAdd(near, log2e, round), round);
  const Vf r = hn::MulAdd(near, Fill(1.92596299e-8f), hn::MulSub(near, log2e, n));
  return TimesPowerOf2(Polynomial(r, 0.00132645161202f, 0.00967172535002f, 0.0555073612634f,
                                  0.240222388259f, 0.693146975275f, 1),
                       n);
}

// e^x - 1, exact to the last places near 0 too.
HWY_INLINE Vf Expm1(Vf x) {
  const ExpParts parts = SplitExp(AtMost(AtLeast(x, -80), 89));
  // In halves: 2^n itself may be too large for a float.
  const Vf n = hn::Sub(parts.n, Fill(1));
  const Vf part = TimesPowerOf2(parts.minus_one, n), rest = TimesPowerOf2(Fill(1), n);
  const Vf half = hn::Add(part, hn::Sub(rest, Fill(0.5f)));
  return hn::Add(half, half);
}

// The natural logarithm; NaN below 0, -infinity at 0. Coefficients: Moshier, Cephes, logf.
HWY_INLINE Vf Log(Vf x) {
  // x = 2^e m with m in [sqrt(1/2), sqrt(2)): the exponent of x / sqrt(1/2).
  const Vi offset = hn::Sub(hn::BitCast(Di(), x), hn::Set(Di(), 0x3F3504F3));
  const Vi exponent = hn::ShiftRight<23>(offset);
  const Vf e = hn::ConvertTo(Df(), exponent);
  const Vf m = hn::BitCast(Df(), hn::Sub(hn::BitCast(Di(), x), hn::ShiftLeft<23>(exponent)));
  const Vf t = hn::Sub(m, Fill(1));
  const Vf t2 = hn::Mul(t, t);
  const Vf p = Polynomial(t, 7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f,
                          -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f, 2.0000714765e-1f,
                          -2.4999993993e-1f, 3.3333331174e-1f);
  Vf y = hn::Mul(hn::Mul(t, t2), p);
  y = hn::MulAdd(e, Fill(-2.12194440e-4f), y);
  y = hn::NegMulAdd(t2, Fill(0.5f), y);
  y = hn::MulAdd(e, Fill(0.693359375f), hn::Add(t, y));
  y = hn::IfThenElse(hn::Eq(x, Fill(HUGE_VALF)), x, y);
  y = hn::IfThenElse(hn::Lt(x, Fill(1.17549435e-38f)), Fill(-HUGE_VALF), y);
  y = hn::IfThenElse(hn::Lt(x, hn::Zero(Df())), Fill(NAN), y);
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

// log(1 + x) for x >= 0: log(u) x / (u - 1) with u = 1 + x as rounded (Kahan).
HWY_INLINE Vf Log1pOfPositive(Vf x) {
  const Vf u = hn::Add(x, Fill(1));
  const Vf rounded = hn::Sub(u, Fill(1));
  const Vf y = hn::Mul(Log(u), hn::Div(x, rounded));
  const Mf as_x = hn::Or(hn::Eq(rounded, hn::Zero(Df())), hn::Eq(x, Fill(HUGE_VALF)));
  return hn::IfThenElse(as_x, x, y);
}

// log(1 + x) for x in [0, 1]: 2 atanh(s) with s = x / (2 + x), by a polynomial in s^2 of least
// maximum error (5e-9).
HWY_INLINE Vf Log1pOfFraction(Vf x) {
  const Vf s = hn::Div(x, hn::Add(x, Fill(2)));
  const Vf s2 = hn::Mul(s, s), twice = hn::Add(s, s);
  const Vf p = Polynomial(s2, 0.139939586673f, 0.140037451401f, 0.200105526625f, 0.333332129339f);
  return hn::MulAdd(hn::Mul(twice, s2), p, twice);
}

// 1 / (1 + e^-x)
HWY_INLINE Vf Sigmoid(Vf x) { return hn::Div(Fill(1), hn::Add(Fill(1), Exp(hn::Neg(x)))); }

// The rational function that Eigen uses; 1 to the last place from |x| = 8 on.
HWY_INLINE Vf Tanh(Vf x) {
  const Vf bounded = Within(x, 7.99881172180175781f);
  const Vf x2 = hn::Mul(bounded, bounded);
  const Vf p = Polynomial(x2, -2.76076847742355e-16f, 2.00018790482477e-13f, -8.60467152213735e-11f,
                          5.12229709037114e-08f, 1.48572235717979e-05f, 6.37261928875436e-04f,
                          4.89352455891786e-03f);
  const Vf q = Polynomial(x2, 1.19825839466702e-06f, 1.18534705686654e-04f, 2.26843463243900e-03f,
                          4.89352518554385e-03f);
  return hn::Div(hn::Mul(bounded, p), q);
}

// The error function; the rational function that Eigen and XLA use.
HWY_INLINE Vf Erf(Vf x) {
  const Vf bounded = Within(x, 4);
  const Vf x2 = hn::Mul(bounded, bounded);
  const Vf p = Polynomial(x2, -2.72614225801306e-10f, 2.77068142495902e-08f, -2.10102402082508e-06f,
                          -5.69250639462346e-05f, -7.34990630326855e-04f, -2.95459980854025e-03f,
                          -1.60960333262415e-02f);
  const Vf q = Polynomial(x2, -1.45660718464996e-05f, -2.13374055278905e-04f,
                          -1.68282697438203e-03f, -7.37332916720468e-03f, -1.42647390514189e-02f);
  return hn::Div(hn::Mul(bounded, p), q);
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
