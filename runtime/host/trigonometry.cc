#include <cmath>

#include "runtime/host/eltwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/trigonometry.cc"
#include "runtime/host/simd/simd_math-inl.h"
// After it, since it includes Highway.
#include "hwy/contrib/math/math-inl.h"

// Trigonometric and hyperbolic functions and their inverses; NaN outside of their domains.

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

HWY_INLINE Vf One() { return Fill(1); }
HWY_INLINE Vf NanUnless(Mf valid, Vf y) { return hn::IfThenElse(valid, y, Fill(NAN)); }

// Highway's sine and cosine reduce |x| to the first quadrant exactly up to 39000; the C library
// takes the lanes of vectors with larger ones, infinity or NaN.
template <typename F>
HWY_INLINE Vf InRange(Vf x, F f, float (*library)(float)) {
  const Df d;
  if (HWY_LIKELY(hn::AllTrue(d, hn::Le(hn::Abs(x), Fill(39000))))) return f(x);
  HWY_ALIGN float lanes[HWY_MAX_BYTES / sizeof(float)];
  hn::Store(x, d, lanes);
  for (int64_t i = 0; i < Lanes(); ++i) lanes[i] = library(lanes[i]);
  return hn::Load(d, lanes);
}

struct Sin {
  static HWY_INLINE Vf Near(Vf x) { return hn::Sin(Df(), x); }
  HWY_INLINE Vf operator()(Vf x) const { return InRange(x, Near, std::sin); }
};

struct Cos {
  static HWY_INLINE Vf Near(Vf x) { return hn::Cos(Df(), x); }
  HWY_INLINE Vf operator()(Vf x) const { return InRange(x, Near, std::cos); }
};

struct Tan {
  static HWY_INLINE Vf Near(Vf x) { return hn::Div(hn::Sin(Df(), x), hn::Cos(Df(), x)); }
  HWY_INLINE Vf operator()(Vf x) const { return InRange(x, Near, std::tan); }
};

struct Asin {
  HWY_INLINE Vf operator()(Vf x) const {
    return NanUnless(hn::Le(hn::Abs(x), One()), hn::Asin(Df(), x));
  }
};

struct Acos {
  HWY_INLINE Vf operator()(Vf x) const {
    return NanUnless(hn::Le(hn::Abs(x), One()), hn::Acos(Df(), x));
  }
};

struct Atan {
  HWY_INLINE Vf operator()(Vf x) const { return NanUnless(hn::Eq(x, x), hn::Atan(Df(), x)); }
};

// Half of e^x where e^x itself may be too large for a float.
HWY_INLINE Vf HalfOfExp(Vf x) { return Exp(hn::Sub(x, Fill(0.69314718f))); }

struct Sinh {
  HWY_INLINE Vf operator()(Vf x) const {
    const Vf magnitude = hn::Abs(x), t = Expm1(magnitude);
    const Vf y = hn::Mul(Fill(0.5f), hn::Add(t, hn::Div(t, hn::Add(t, One()))));
    const Vf large = HalfOfExp(magnitude);
    return hn::CopySign(hn::IfThenElse(hn::Gt(magnitude, Fill(88)), large, y), x);
  }
};

struct Cosh {
  HWY_INLINE Vf operator()(Vf x) const {
    const Vf magnitude = hn::Abs(x), e = Exp(magnitude);
    const Vf y = hn::Mul(Fill(0.5f), hn::Add(e, hn::Div(One(), e)));
    return hn::IfThenElse(hn::Gt(magnitude, Fill(88)), HalfOfExp(magnitude), y);
  }
};

// log(2 x), which log(x + sqrt(x^2 ± 1)) is to the last place from here on.
constexpr float kLarge = 1e10f;
HWY_INLINE Vf LogOfTwice(Vf x) { return hn::Add(Log(x), Fill(0.69314718f)); }

struct Asinh {
  HWY_INLINE Vf operator()(Vf x) const {
    const Vf m = hn::Abs(x);
    const Vf root = hn::Sqrt(hn::MulAdd(m, m, One()));
    const Vf y = Log1pOfPositive(hn::MulAdd(m, hn::Div(m, hn::Add(root, One())), m));
    return hn::CopySign(hn::IfThenElse(hn::Gt(m, Fill(kLarge)), LogOfTwice(m), y), x);
  }
};

struct Acosh {
  HWY_INLINE Vf operator()(Vf x) const {
    const Vf t = hn::Sub(x, One());
    const Vf y = Log1pOfPositive(hn::Add(t, hn::Sqrt(hn::MulAdd(t, t, hn::Add(t, t)))));
    return NanUnless(hn::Ge(x, One()), hn::IfThenElse(hn::Gt(x, Fill(kLarge)), LogOfTwice(x), y));
  }
};

struct Atanh {
  HWY_INLINE Vf operator()(Vf x) const {
    const Vf m = hn::Abs(x);
    const Vf y = Log1pOfPositive(hn::Div(hn::Add(m, m), hn::Sub(One(), m)));
    return NanUnless(hn::Le(m, One()), hn::CopySign(hn::Mul(Fill(0.5f), y), x));
  }
};

template <typename F>
void Run(const EltwiseNumbers&, int64_t n, const float* x, float* y) {
  MapOnThreads(n, y, F(), x);
}

const EltwiseFunctions* FindTrigonometryOf(std::string_view op) {
  static constexpr EltwiseFunctions kTable[] = {
      {"Sin", Run<Sin>, nullptr},     {"Cos", Run<Cos>, nullptr},
      {"Tan", Run<Tan>, nullptr},     {"Asin", Run<Asin>, nullptr},
      {"Acos", Run<Acos>, nullptr},   {"Atan", Run<Atan>, nullptr},
      {"Sinh", Run<Sinh>, nullptr},   {"Cosh", Run<Cosh>, nullptr},
      {"Asinh", Run<Asinh>, nullptr}, {"Acosh", Run<Acosh>, nullptr},
      {"Atanh", Run<Atanh>, nullptr},
  };
  for (const EltwiseFunctions& row : kTable) {
    if (row.op == op) return &row;
  }
  return nullptr;
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(FindTrigonometryOf);

const EltwiseFunctions* FindTrigonometry(std::string_view op) {
  return HWY_DYNAMIC_DISPATCH(FindTrigonometryOf)(op);
}

}  // namespace weft
#endif
