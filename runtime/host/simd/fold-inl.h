// Folds of rows of floats in vectors of double, for runtime/host/simd/fold.cc (see
// runtime/host/simd/simd-inl.h).

#include "runtime/host/simd/fold.h"
#include "runtime/host/simd/simd_math-inl.h"

#if defined(WEFT_FOLD_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_FOLD_INL
#undef WEFT_FOLD_INL
#else
#define WEFT_FOLD_INL
#endif

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

// How an element enters a fold, and how two folds are joined.
struct SumFold {
  static constexpr double kIdentity = 0;
  template <typename D, typename V>
  static HWY_INLINE V Step(D, V so_far, V x) {
    return hn::Add(so_far, x);
  }
  template <typename D, typename V>
  static HWY_INLINE V Join(D, V a, V b) {
    return hn::Add(a, b);
  }
};
struct MagnitudeFold : SumFold {
  template <typename D, typename V>
  static HWY_INLINE V Step(D, V so_far, V x) {
    return hn::Add(so_far, hn::Abs(x));
  }
};
struct SquareFold : SumFold {
  template <typename D, typename V>
  static HWY_INLINE V Step(D, V so_far, V x) {
    return hn::MulAdd(x, x, so_far);
  }
};
struct ZerosFold : SumFold {
  template <typename D, typename V>
  static HWY_INLINE V Step(D d, V so_far, V x) {
    return hn::Add(so_far, hn::IfThenElseZero(hn::Eq(x, hn::Zero(d)), hn::Set(d, 1.0)));
  }
};
struct ProductFold {
  static constexpr double kIdentity = 1;
  template <typename D, typename V>
  static HWY_INLINE V Step(D, V so_far, V x) {
    return hn::Mul(so_far, x);
  }
  template <typename D, typename V>
  static HWY_INLINE V Join(D, V a, V b) {
    return hn::Mul(a, b);
  }
};
struct NonzeroProductFold : ProductFold {
  template <typename D, typename V>
  static HWY_INLINE V Step(D d, V so_far, V x) {
    return hn::Mul(so_far, hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Set(d, 1.0), x));
  }
};
// A comparison with NaN does not hold, so the NaN that has won stays.
struct LargestFold {
  static constexpr double kIdentity = -HUGE_VAL;
  template <typename D, typename V>
  static HWY_INLINE V Step(D, V so_far, V x) {
    return hn::IfThenElse(hn::Or(hn::Gt(x, so_far), hn::IsNaN(x)), x, so_far);
  }
  template <typename D, typename V>
  static HWY_INLINE V Join(D d, V a, V b) {
    return Step(d, a, b);
  }
};
struct SmallestFold {
  static constexpr double kIdentity = HUGE_VAL;
  template <typename D, typename V>
  static HWY_INLINE V Step(D, V so_far, V x) {
    return hn::IfThenElse(hn::Or(hn::Lt(x, so_far), hn::IsNaN(x)), x, so_far);
  }
  template <typename D, typename V>
  static HWY_INLINE V Join(D d, V a, V b) {
    return Step(d, a, b);
  }
};

// What enters a fold: elements, or products of two.
struct Elements {
  const float* x;
  template <typename D>
  HWY_INLINE hn::Vec<D> Load(D d, int64_t i) const {
    return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), x + i));
  }
};
struct Products {
  const float* x;
  const float* other;
  template <typename D>
  HWY_INLINE hn::Vec<D> Load(D d, int64_t i) const {
    return hn::Mul(Elements{x}.Load(d, i), Elements{other}.Load(d, i));
  }
};

// `so_far` folded with n terms: in four vectors side by side, which are joined in a fixed order.
template <typename F, typename Term>
HWY_INLINE double FoldRow(const Term& term, int64_t n, double so_far) {
  const hn::ScalableTag<double> d;
  const hn::CappedTag<double, 1> one;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  if (n >= lanes) {
    auto a = hn::Set(d, F::kIdentity), b = a, c = a, e = a;
    for (; i + 4 * lanes <= n; i += 4 * lanes) {
      a = F::Step(d, a, term.Load(d, i));
      b = F::Step(d, b, term.Load(d, i + lanes));
      c = F::Step(d, c, term.Load(d, i + 2 * lanes));
      e = F::Step(d, e, term.Load(d, i + 3 * lanes));
    }
    for (; i + lanes <= n; i += lanes) a = F::Step(d, a, term.Load(d, i));
    HWY_ALIGN double parts[HWY_MAX_BYTES / sizeof(double)];
    hn::Store(F::Join(d, F::Join(d, a, b), F::Join(d, c, e)), d, parts);
    for (int64_t j = 0; j < lanes; ++j) {
      so_far = hn::GetLane(F::Join(one, hn::Set(one, so_far), hn::Set(one, parts[j])));
    }
  }
  for (; i < n; ++i) {
    so_far = hn::GetLane(F::Step(one, hn::Set(one, so_far), term.Load(one, i)));
  }
  return so_far;
}

// so_far[i] folded with the terms i of `kRows` rows, in order.
template <typename F, int kRows, typename Term>
HWY_INLINE void FoldEach(const Term& term, int64_t row_step, int64_t n, double* so_far) {
  const hn::ScalableTag<double> d;
  const hn::CappedTag<double, 1> one;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    auto v = hn::LoadU(d, so_far + i);
    for (int r = 0; r < kRows; ++r) v = F::Step(d, v, term.Load(d, r * row_step + i));
    hn::StoreU(v, d, so_far + i);
  }
  for (; i < n; ++i) {
    auto v = hn::Set(one, so_far[i]);
    for (int r = 0; r < kRows; ++r) v = F::Step(one, v, term.Load(one, r * row_step + i));
    so_far[i] = hn::GetLane(v);
  }
}

struct ExpLess {
  HWY_INLINE Vf operator()(Vf x, Vf shift) const { return Exp(hn::Sub(x, shift)); }
};
struct ExpLessOne {
  Vf shift;
  HWY_INLINE Vf operator()(Vf x) const { return Exp(hn::Sub(x, shift)); }
};

inline constexpr int64_t kExpBlock = 512;  // exponentials kept on the stack

// Calls f(at, e, count) for parts e of exp(x - shift); the shift is one for all, or one for each.
template <typename F>
HWY_INLINE void ForEachExp(const float* x, int64_t n, const float* shift, bool one_shift,
                           const F& f) {
  HWY_ALIGN float e[kExpBlock];
  for (int64_t at = 0; at < n; at += kExpBlock) {
    const int64_t count = HWY_MIN(kExpBlock, n - at);
    if (one_shift) {
      MapRange(count, e, false, ExpLessOne{Fill(*shift)}, x + at);
    } else {
      MapRange(count, e, false, ExpLess(), x + at, shift + at);
    }
    f(at, e, count);
  }
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
