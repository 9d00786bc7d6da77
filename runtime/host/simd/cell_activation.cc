#include "runtime/host/simd/cell_activation.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/simd/cell_activation.cc"
#include "runtime/host/simd/simd_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

// y = f(x) within +-clip; d, unless null, the slope, which is 0 outside.
template <typename F, typename Slope>
HWY_INLINE void ActivateWith(float clip, int64_t n, const float* x, float* y, float* d, const F& f,
                             const Slope& slope) {
  const auto one = [&](Vf v, Vf* derivative) HWY_ATTR {
    const Vf value = f(Within(v, clip));
    *derivative = hn::IfThenElse(hn::Gt(hn::Abs(v), Fill(clip)), Fill(0), slope(value));
    return value;
  };
  const int64_t lanes = Lanes();
  int64_t i = 0;
  Vf derivative;
  for (; i + lanes <= n; i += lanes) {
    const Vf value = one(hn::LoadU(Df(), x + i), &derivative);
    hn::StoreU(value, Df(), y + i);
    if (d != nullptr) hn::StoreU(derivative, Df(), d + i);
  }
  if (i == n) return;
  const Vf value = one(LoadFirst(x + i, n - i), &derivative);
  StoreFirst(value, y + i, n - i);
  if (d != nullptr) StoreFirst(derivative, d + i, n - i);
}

void ActivateSigmoid(float clip, int64_t n, const float* x, float* y, float* d) {
  ActivateWith(
      clip, n, x, y, d, [](Vf v) HWY_ATTR { return Sigmoid(v); },
      [](Vf v) HWY_ATTR { return hn::NegMulAdd(v, v, v); });
}

void ActivateTanh(float clip, int64_t n, const float* x, float* y, float* d) {
  ActivateWith(
      clip, n, x, y, d, [](Vf v) HWY_ATTR { return Tanh(v); },
      [](Vf v) HWY_ATTR { return hn::NegMulAdd(v, v, Fill(1)); });
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(ActivateSigmoid);
HWY_EXPORT(ActivateTanh);

void ActivateCell(const CellActivation& f, int64_t n, const float* x, float* y, float* d) {
  const float clip = static_cast<float>(f.clip);
  if (f.kind == CellActivation::Kind::kSigmoid) {
    HWY_DYNAMIC_DISPATCH(ActivateSigmoid)(clip, n, x, y, d);
  } else if (f.kind == CellActivation::Kind::kTanh) {
    HWY_DYNAMIC_DISPATCH(ActivateTanh)(clip, n, x, y, d);
  } else {
    ActivateEach(f, n, x, y, d);
  }
}

}  // namespace weft
#endif
