#include "runtime/host/eltwise.h"

#include <iterator>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/simd/eltwise.cc"
#include "runtime/host/simd/simd_math-inl.h"

// The formulas of ops/unary.cc and ops/activation_table.h, in vectors: a struct
// each, with its derivative if the op has a gradient op. Comparisons are such
// that NaN stays NaN.

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

using Numbers = EltwiseNumbers;

HWY_INLINE Vf Zero() { return hn::Zero(Df()); }
HWY_INLINE Vf One() { return Fill(1); }

struct Neg {
  explicit Neg(const Numbers&) {}
  HWY_INLINE Vf operator()(Vf x) const { return hn::Neg(x); }
};

struct Abs {
  explicit Abs(const Numbers&) {}
  HWY_INLINE Vf operator()(Vf x) const { return hn::Abs(x); }
};

struct Sign {
  explicit Sign(const Numbers&) {}
  HWY_INLINE Vf operator()(Vf x) const {
    const Vf rest = hn::IfThenZeroElse(hn::Eq(x, Zero()), x);
    return hn::IfThenElse(hn::Gt(x, Zero()), One(),
                          hn::IfThenElse(hn::Lt(x, Zero()), Fill(-1), rest));
  }
};

struct Floor {
  explicit Floor(const Numbers&) {}
  HWY_INLINE Vf operator()(Vf x) const { return hn::Floor(x); }
};

struct Ceil {
  explicit Ceil(const Numbers&) {}
  HWY_INLINE Vf operator()(Vf x) const { return hn::Ceil(x); }
};

struct Round {
  explicit Round(const Numbers&) {}
  HWY_INLINE Vf operator()(Vf x) const { return hn::Round(x); }
};

struct Reciprocal {
  explicit Reciprocal(const Numbers&) {}
  HWY_INLINE Vf operator()(Vf x) const { return hn::Div(One(), x); }
};

struct Sqrt {
  explicit Sqrt(const Numbers&) {}
  HWY_INLINE Vf operator()(Vf x) const { return hn::Sqrt(x); }
};

struct ExpOf {
  explicit ExpOf(const Numbers&) {}
  HWY_INLINE Vf operator()(Vf x) const { return Exp(x); }
};

struct LogOf {
  explicit LogOf(const Numbers&) {}
  HWY_INLINE Vf operator()(Vf x) const { return Log(x); }
};

struct ErfOf {
  explicit ErfOf(const Numbers&) {}
  HWY_INLINE Vf operator()(Vf x) const { return Erf(x); }
};

struct SigmoidOf {
  explicit SigmoidOf(const Numbers&) {}
  HWY_INLINE Vf operator()(Vf x) const { return Sigmoid(x); }
  HWY_INLINE Vf Slope(Vf y) const { return hn::Mul(y, hn::Sub(One(), y)); }
};

struct TanhOf {
  explicit TanhOf(const Numbers&) {}
  HWY_INLINE Vf operator()(Vf x) const { return Tanh(x); }
  HWY_INLINE Vf Slope(Vf y) const { return hn::NegMulAdd(y, y, One()); }
};

struct Relu {
  explicit Relu(const Numbers&) {}
  HWY_INLINE Vf operator()(Vf x) const { return hn::IfThenZeroElse(hn::Lt(x, Zero()), x); }
  HWY_INLINE Vf Slope(Vf y) const { return hn::IfThenElseZero(hn::Gt(y, Zero()), One()); }
};

struct LeakyRelu {
  explicit LeakyRelu(const Numbers& n) : alpha(n.a) {}
  HWY_INLINE Vf operator()(Vf x) const {
    return hn::IfThenElse(hn::Lt(x, Zero()), hn::Mul(x, Fill(alpha)), x);
  }
  HWY_INLINE Vf Slope(Vf x) const { return hn::IfThenElse(hn::Lt(x, Zero()), Fill(alpha), One()); }
  float alpha;
};

// above x for x >= 0, below (e^(x rate) - 1) elsewhere: Elu, Selu and Celu.
struct Exponential {
  HWY_INLINE Vf operator()(Vf x) const {
    const Vf negative = hn::Mul(Fill(below), Expm1(hn::Mul(x, Fill(rate))));
    return hn::IfThenElse(hn::Lt(x, Zero()), negative, hn::Mul(x, Fill(above)));
  }
  HWY_INLINE Vf Slope(Vf x) const {
    const Vf negative = hn::Mul(Fill(below * rate), Exp(hn::Mul(x, Fill(rate))));
    return hn::IfThenElse(hn::Lt(x, Zero()), negative, Fill(above));
  }
  float above, below, rate;
};
struct Elu : Exponential {
  explicit Elu(const Numbers& n) : Exponential{1, n.a, 1} {}
};
struct Selu : Exponential {
  explicit Selu(const Numbers& n) : Exponential{n.b, n.a * n.b, 1} {}
};

struct Celu : Exponential {
  explicit Celu(const Numbers& n) : Exponential{1, n.a, 1 / n.a} {}
};

// P(Z <= x) = 1/2 + x R(x^2), and its sum with x times the density likewise: rational functions R
// of least maximum error (5e-7 in the result and 7e-8). The first is exactly 0 or 1 from the bound
// on, so that nothing is left of large x below zero.
struct Gelu {
  explicit Gelu(const Numbers&) {}
  HWY_INLINE Vf operator()(Vf x) const {
    const Vf near = Within(x, 5.19999838f), x2 = hn::Mul(near, near);
    const Vf p = Polynomial(x2, 6.56593335236e-6f, 3.62397212698e-4f, 0.00584417914313f,
                            0.0539531008065f, 0.398942454113f);
    const Vf q = Polynomial(x2, 5.48716243049e-7f, 1.29735757366e-4f, 0.0029892235709f,
                            0.0399773586215f, 0.301903402895f, 1);
    return hn::Mul(x, hn::Add(hn::Div(hn::Mul(near, p), q), Fill(0.5f)));
  }
  HWY_INLINE Vf Slope(Vf x) const {
    const Vf near = Within(x, 5.6f), x2 = hn::Mul(near, near);
    const Vf p =
        Polynomial(x2, 2.79029819829e-10f, 1.21747815064e-7f, 3.3516461983e-5f, -5.76946473148e-6f,
                   0.0141762573666f, -0.032961426584f, 0.797884720105f);
    const Vf q = Polynomial(x2, 7.57717824323e-6f, 1.81411639683e-4f, 0.00337321958507f,
                            0.0401001879229f, 0.292025373182f, 1);
    return hn::Add(hn::Div(hn::Mul(near, p), q), Fill(0.5f));
  }
};

struct TanhGelu {
  explicit TanhGelu(const Numbers&) {}
  static constexpr float kTwice = 1.5957691216f;  // 2 sqrt(2 / pi)
  static HWY_INLINE Vf Gate(Vf x) {
    const Vf cube = hn::MulAdd(hn::Mul(x, x), Fill(kTwice * 0.044715f), Fill(kTwice));
    return Sigmoid(hn::Mul(x, cube));
  }
  HWY_INLINE Vf operator()(Vf x) const { return hn::Mul(x, Gate(x)); }
  HWY_INLINE Vf Slope(Vf x) const {
    const Vf s = Gate(x);
    const Vf near = Within(x, 30);  // s (1 - s) is 0 beyond, where x^3 would overflow
    const Vf inner = hn::MulAdd(hn::Mul(near, near), Fill(kTwice * 3 * 0.044715f), Fill(kTwice));
    const Vf curve = hn::Mul(hn::Mul(s, hn::Sub(One(), s)), hn::Mul(near, inner));
    return hn::Add(s, curve);
  }
};

struct Silu {
  explicit Silu(const Numbers&) {}
  HWY_INLINE Vf operator()(Vf x) const { return hn::Mul(x, Sigmoid(x)); }
  HWY_INLINE Vf Slope(Vf x) const {
    const Vf s = Sigmoid(x);
    return hn::Mul(s, hn::MulAdd(x, hn::Sub(One(), s), One()));
  }
};

struct Mish {
  explicit Mish(const Numbers&) {}
  // tanh(softplus(x)) = p / q, and its derivative r / q^2, in powers of n =
  // e^-|x|.
  struct Gate {
    Vf p, q, r;
  };
  static HWY_INLINE Gate At(Vf x) {
    const Vf n = Exp(hn::Neg(hn::Abs(x)));
    const Mf below = hn::Lt(x, Zero());
    const Vf p =
        hn::IfThenElse(below, hn::Mul(n, hn::Add(n, Fill(2))), hn::MulAdd(n, Fill(2), One()));
    const Vf q = hn::Add(p, hn::IfThenElse(below, Fill(2), hn::Mul(Fill(2), hn::Mul(n, n))));
    const Vf once = hn::Mul(Fill(4), hn::MulAdd(n, n, n));
    return {p, q, hn::IfThenElse(below, once, hn::Mul(once, n))};
  }
  HWY_INLINE Vf operator()(Vf x) const {
    const Gate gate = At(x);
    return hn::Mul(x, hn::Div(gate.p, gate.q));
  }
  HWY_INLINE Vf Slope(Vf x) const {
    const Gate gate = At(x);
    const Vf inverse = hn::Div(One(), gate.q);
    return hn::Mul(inverse, hn::MulAdd(hn::Mul(x, gate.r), inverse, gate.p));
  }
};

struct HardSigmoid {
  explicit HardSigmoid(const Numbers& n) : alpha(n.a), beta(n.b) {}
  HWY_INLINE Vf Line(Vf x) const { return hn::MulAdd(x, Fill(alpha), Fill(beta)); }
  HWY_INLINE Vf operator()(Vf x) const {
    const Vf line = hn::IfThenElse(hn::Gt(Line(x), One()), One(), Line(x));
    return hn::IfThenZeroElse(hn::Lt(line, Zero()), line);
  }
  HWY_INLINE Vf Slope(Vf x) const {
    const Mf inside = hn::And(hn::Gt(Line(x), Zero()), hn::Lt(Line(x), One()));
    return hn::IfThenElseZero(inside, Fill(alpha));
  }
  float alpha, beta;
};

struct HardSwish {
  explicit HardSwish(const Numbers&) {}
  // between(x) in (-3, 3), 0 below and above(x) above.
  static HWY_INLINE Vf Choose(Vf x, Vf between, Vf above) {
    const Vf y = hn::IfThenElse(hn::Ge(x, Fill(3)), above, between);
    return hn::IfThenZeroElse(hn::Le(x, Fill(-3)), y);
  }
  HWY_INLINE Vf operator()(Vf x) const {
    return Choose(x, hn::Mul(x, hn::MulAdd(x, Fill(1.0f / 6), Fill(0.5f))), x);
  }
  HWY_INLINE Vf Slope(Vf x) const {
    return Choose(x, hn::MulAdd(x, Fill(1.0f / 3), Fill(0.5f)), One());
  }
};

struct Softplus {
  explicit Softplus(const Numbers&) {}
  HWY_INLINE Vf operator()(Vf x) const {
    const Vf above = hn::IfThenZeroElse(hn::Lt(x, Zero()), x);
    return hn::Add(above, Log1pOfFraction(Exp(hn::Neg(hn::Abs(x)))));
  }
  HWY_INLINE Vf Slope(Vf x) const { return Sigmoid(x); }
};

struct Softsign {
  explicit Softsign(const Numbers&) {}
  HWY_INLINE Vf operator()(Vf x) const { return hn::Div(x, hn::Add(One(), hn::Abs(x))); }
  HWY_INLINE Vf Slope(Vf x) const {
    const Vf root = hn::Div(One(), hn::Add(One(), hn::Abs(x)));
    return hn::Mul(root, root);
  }
};

struct ThresholdedRelu {
  explicit ThresholdedRelu(const Numbers& n) : alpha(n.a) {}
  HWY_INLINE Vf operator()(Vf x) const { return hn::IfThenZeroElse(hn::Le(x, Fill(alpha)), x); }
  HWY_INLINE Vf Slope(Vf x) const { return hn::IfThenElseZero(hn::Gt(x, Fill(alpha)), One()); }
  float alpha;
};

struct Shrink {
  explicit Shrink(const Numbers& n) : bias(n.a), lambd(n.b) {}
  HWY_INLINE Vf operator()(Vf x) const {
    const Vf above = hn::IfThenZeroElse(hn::Le(x, Fill(lambd)), hn::Sub(x, Fill(bias)));
    return hn::IfThenElse(hn::Lt(x, Fill(-lambd)), hn::Add(x, Fill(bias)), above);
  }
  HWY_INLINE Vf Slope(Vf x) const {
    return hn::IfThenElseZero(hn::Gt(hn::Abs(x), Fill(lambd)), One());
  }
  float bias, lambd;
};

// The numbers are the bounds.
struct Clip {
  explicit Clip(const Numbers& n) : min(n.a), max(n.b) {}
  HWY_INLINE Vf operator()(Vf x) const {
    const Vf above = hn::IfThenElse(hn::Lt(x, Fill(min)), Fill(min), x);
    return hn::IfThenElse(hn::Gt(above, Fill(max)), Fill(max), above);
  }
  HWY_INLINE Vf Slope(Vf x) const {
    return hn::IfThenZeroElse(hn::Or(hn::Lt(x, Fill(min)), hn::Gt(x, Fill(max))), One());
  }
  float min, max;
};

template <typename F>
void Forward(const Numbers& numbers, int64_t n, const float* x, float* y) {
  MapOnThreads(n, y, F(numbers), x);
}

// Where nothing flows back, infinity does not either.
template <typename F>
struct Chain {
  HWY_INLINE Vf operator()(Vf dy, Vf v) const {
    const Vf slope = f.Slope(v);
    return hn::IfThenZeroElse(hn::Eq(slope, Zero()), hn::Mul(dy, slope));
  }
  F f;
};

template <typename F>
void Backward(const Numbers& numbers, int64_t n, const float* dy, const float* v, float* dx) {
  MapOnThreads(n, dx, Chain<F>{F(numbers)}, dy, v);
}

template <typename F>
constexpr EltwiseFunctions Function(std::string_view op) {
  return {op, Forward<F>, nullptr};
}

template <typename F>
constexpr EltwiseFunctions Activation(std::string_view op) {
  return {op, Forward<F>, Backward<F>};
}

const EltwiseFunctions* Find(std::string_view op) {
  static constexpr EltwiseFunctions kTable[] = {
      Function<Neg>("Neg"),
      Function<Abs>("Abs"),
      Function<Sign>("Sign"),
      Function<Floor>("Floor"),
      Function<Ceil>("Ceil"),
      Function<Round>("Round"),
      Function<Reciprocal>("Reciprocal"),
      Function<Sqrt>("Sqrt"),
      Function<ExpOf>("Exp"),
      Function<LogOf>("Log"),
      Function<ErfOf>("Erf"),
      Activation<SigmoidOf>("Sigmoid"),
      Activation<TanhOf>("Tanh"),
      Activation<Relu>("Relu"),
      Activation<LeakyRelu>("LeakyRelu"),
      Activation<Elu>("Elu"),
      Activation<Selu>("Selu"),
      Activation<Celu>("Celu"),
      Activation<Gelu>("Gelu"),
      Activation<TanhGelu>("Gelu:tanh"),
      Activation<Silu>("Silu"),
      Activation<Mish>("Mish"),
      Activation<HardSigmoid>("HardSigmoid"),
      Activation<HardSwish>("HardSwish"),
      Activation<Softplus>("Softplus"),
      Activation<Softsign>("Softsign"),
      Activation<ThresholdedRelu>("ThresholdedRelu"),
      Activation<Shrink>("Shrink"),
      Activation<Clip>("Clip"),
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

HWY_EXPORT(Find);

const EltwiseFunctions* FindEltwise(std::string_view op) { return HWY_DYNAMIC_DISPATCH(Find)(op); }

}  // namespace weft
#endif
