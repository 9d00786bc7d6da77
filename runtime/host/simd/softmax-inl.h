// What softmax and the losses share (runtime/host/simd/simd-inl.h says how to write a kernel):
// exponential sums along a strided axis, for a block of neighbouring lines at once, and along rows.

#include "runtime/host/simd/lines-inl.h"
#include "runtime/host/simd/simd_math-inl.h"

#if defined(WEFT_SOFTMAX_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_SOFTMAX_INL
#undef WEFT_SOFTMAX_INL
#else
#define WEFT_SOFTMAX_INL
#endif

#include <algorithm>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

// e^x for x <= 0 (NaN stays), within 3e-7 of it; exactly 1 at 0 and 0 from -88 on. For x = n ln 2 +
// r with |r| <= ln(2) / 2: 1 + r q(r) by interpolation at Chebyshev's points, times 2^n.
HWY_INLINE Vf PowerOf(Vf x) {
  x = hn::IfThenElse(hn::Lt(x, Fill(-88)), Fill(-88), x);
  // Added to a number of that size, n + 127 ends up in the lowest bits.
  const Vf magic = Fill(12582912.0f + 127);
  const Vf rounded = hn::MulAdd(x, Fill(1.44269504088896341f), magic);
  const Vf r = hn::NegMulAdd(hn::Sub(rounded, magic), Fill(0.693147180559945309f), x);
  const Vf q = Polynomial(r, 0.00836323294788599f, 0.041876062750816345f, 0.16666576266288757f,
                          0.4999936819076538f, 1.0f);
  const Vf scale = hn::BitCast(Df(), hn::ShiftLeft<23>(hn::BitCast(Di(), rounded)));
  return hn::Mul(hn::MulAdd(r, q, Fill(1)), scale);
}

// The powers of one tile of SumPowers: of the scores from `s` on, to largest, rest and powers.
template <typename T>
HWY_INLINE void SumTilePowers(const T& tile, const float* s, int64_t classes, int64_t stride,
                              float* HWY_RESTRICT largest, float* HWY_RESTRICT rest,
                              float* HWY_RESTRICT powers) {
  constexpr int kVectors = T::kVectors;
  Vf m[kVectors], ties[kVectors];
  LongSum total[kVectors];
  for (int v = 0; v < kVectors; ++v) {
    m[v] = Fill(-std::numeric_limits<float>::infinity());
    ties[v] = Fill(-1);
  }
  for (int64_t k = 0; k < classes; ++k) {
    for (int v = 0; v < kVectors; ++v) m[v] = hn::Max(m[v], tile.Load(s + k * stride, v));
  }
  const Vf zero = hn::Zero(Df()), one = Fill(1);
  for (int64_t first = 0; first < classes; first += kPartialSum) {
    Vf partial[kVectors];
    for (Vf& p : partial) p = zero;
    const int64_t last = std::min(classes, first + kPartialSum);
    for (int64_t k = first; k < last; ++k) {
      PrefetchNext(s + k * stride);  // here, where there is arithmetic to hide it
      for (int v = 0; v < kVectors; ++v) {
        const Vf x = hn::Sub(tile.Load(s + k * stride, v), m[v]);
        const Vf power = PowerOf(x);
        if (powers != nullptr) hn::StoreU(power, Df(), powers + k * kBlockLines + v * Lanes());
        const Mf tied = hn::Eq(x, zero);
        ties[v] = hn::Add(ties[v], hn::IfThenElseZero(tied, one));
        partial[v] = hn::Add(partial[v], hn::IfThenZeroElse(tied, power));
      }
    }
    for (int v = 0; v < kVectors; ++v) total[v].Add(partial[v]);
  }
  for (int v = 0; v < kVectors; ++v) {
    hn::Store(m[v], Df(), largest + v * Lanes());
    hn::Store(hn::Add(total[v].Total(), ties[v]), Df(), rest + v * Lanes());
  }
}

// Of each of `width` neighbouring lines of scores, whose classes are `stride` apart: the largest
// score m, and the sum of exp(score - m) less the 1 of the largest itself, so that the logarithm of
// the sum is exact near 0. With `powers`, exp(score - m) of class k from k * kBlockLines on.
HWY_INLINE void SumPowers(const float* scores, int64_t classes, int64_t stride, int64_t width,
                          float* HWY_RESTRICT largest, float* HWY_RESTRICT rest,
                          float* HWY_RESTRICT powers) {
  ForTiles(width, [&](const auto& tile, int64_t j) HWY_ATTR {
    SumTilePowers(tile, scores + j, classes, stride, largest + j, rest + j,
                  powers == nullptr ? nullptr : powers + j);
  });
}

HWY_INLINE float LargestOf(const float* row, int64_t n) {
  float largest = -std::numeric_limits<float>::infinity();
  int64_t i = 0;
  if (n >= Lanes()) {
    Vf m = hn::LoadU(Df(), row);
    for (i = Lanes(); i + Lanes() <= n; i += Lanes()) m = hn::Max(m, hn::LoadU(Df(), row + i));
    largest = hn::GetLane(hn::MaxOfLanes(Df(), m));
  }
  for (; i < n; ++i) largest = std::max(largest, row[i]);
  return largest;
}

// The same as SumPowers for one row of neighbouring classes.
HWY_INLINE void SumRowPowers(const float* row, int64_t n, float* largest, float* rest) {
  *largest = LargestOf(row, n);
  const Vf m = Fill(*largest);
  const Vf zero = hn::Zero(Df());
  size_t ties = 0;
  const double sum = SumRow(row, n, -std::numeric_limits<float>::infinity(), [&](Vf s) HWY_ATTR {
    const Vf x = hn::Sub(s, m);
    const Mf tied = hn::Eq(x, zero);
    ties += hn::CountTrue(Df(), tied);
    return hn::IfThenZeroElse(tied, PowerOf(x));
  });
  *rest = static_cast<float>(sum + (static_cast<double>(ties) - 1));
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
