#include <algorithm>

#include "runtime/host/pool/plane.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/pool/spread.cc"
#include "runtime/host/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

using Du = hn::RebindToUnsigned<Df>;

static_assert(HWY_MAX_BYTES <= kSlack * sizeof(float));

inline size_t Size(int64_t n) { return static_cast<size_t>(n); }

// Gradients: each row of inputs is made at once, of the output rows that read it. Output o gives
// its value at k to input o*stride + k*dilation - pad, so input i takes from (i + pad - k*dilation)
// / stride, for the taps k where that is whole; rows of outputs have zeros around them.

// Adds value(tap, output) for the taps of a vector of inputs from `i` on; with stride 2, of those
// at even and those at odd distances.
template <int kStride, typename F>
HWY_INLINE void AddTaps(const WindowPlan& p, int64_t i, Vf& even, Vf& odd, F value) {
  int64_t start = i + p.last.pad;
  for (int64_t k = 0; k < p.last.kernel; ++k, start -= p.last.dilation) {
    if (kStride == 1 || start % 2 == 0) {
      even = hn::Add(even, value(k, start / kStride));
    } else {
      odd = hn::Add(odd, value(k, (start + 1) / 2));
    }
  }
}

// Fills the row of inputs dx; add(i, even, odd) adds what a vector of them takes from the outputs.
template <int kStride, typename F>
HWY_INLINE void FillRow(const WindowPlan& p, float* dx, F add) {
  const int64_t step = kStride * Lanes();
  const auto fill = [&](int64_t i, float* to) HWY_ATTR {
    Vf even = hn::Zero(Df()), odd = even;
    add(i, even, odd);
    if (kStride == 1) return hn::StoreU(even, Df(), to);
#if HWY_TARGET == HWY_SCALAR
    to[0] = hn::GetLane(even);
    to[1] = hn::GetLane(odd);
#else
    hn::StoreInterleaved2(even, odd, Df(), to);
#endif
  };
  if (p.width < step) {
    HWY_ALIGN float row[2 * HWY_MAX_BYTES / sizeof(float)];
    fill(0, row);
    std::copy_n(row, p.width, dx);
    return;
  }
  for (int64_t i = 0; i + step < p.width; i += step) fill(i, dx + i);
  fill(p.width - step, dx + p.width - step);  // may do some again
}

// A row of outputs between its zeros: with its taps' numbers, or else weighted.
template <bool kNumbered>
HWY_INLINE void CopyRow(const WindowPlan& p, int64_t row, const float* dy, const uint8_t* bytes,
                        float* values, uint8_t* numbers) {
  const hn::Rebind<uint8_t, Df> d8;
  const int64_t lanes = Lanes();
  const float weight = p.row_weights[Size(row)];
  const auto copy = [&](int64_t o) HWY_ATTR {
    Vf value = hn::LoadU(Df(), dy + o);
    if constexpr (kNumbered) {
      hn::StoreU(hn::LoadU(d8, bytes + o), d8, numbers + o);
    } else {
      value = hn::Mul(value, hn::Mul(Fill(weight), hn::LoadU(Df(), p.column_weights.data() + o)));
    }
    hn::StoreU(value, Df(), values + o);
  };
  if (p.columns >= lanes) {
    for (int64_t o = 0; o + lanes < p.columns; o += lanes) copy(o);
    return copy(p.columns - lanes);  // may do some again
  }
  for (int64_t o = 0; o < p.columns; ++o) {
    values[o] = kNumbered ? dy[o] : dy[o] * (weight * p.column_weights[Size(o)]);
    if (kNumbered) numbers[o] = bytes[o];
  }
}

// Some planes of dx: what each output has goes to the tap of its number, or else to all taps.
template <int kStride, bool kNumbered>
void SpreadBy(const WindowPlan& p, const float* dy, const uint8_t* bytes, float* dx, int64_t planes,
              const PlaneMemory& m) {
  const Du du;
  const hn::Rebind<uint8_t, Df> d8;
  const int64_t stride = PaddedColumns(p);
  std::fill_n(m.values, p.output_rows * stride, 0.0f);
  float* values = m.values + p.last.span();
  uint8_t* numbers = kNumbered ? m.bytes + p.last.span() : nullptr;
  for (; planes > 0; --planes, dy += p.outputs, bytes += kNumbered ? p.outputs : 0) {
    for (int64_t row = 0; row < p.output_rows; ++row) {
      const int64_t at = row * p.columns, to = row * stride;
      CopyRow<kNumbered>(p, row, dy + at, kNumbered ? bytes + at : nullptr, values + to,
                         kNumbered ? numbers + to : nullptr);
    }
    for (int64_t row = 0; row < p.input_rows; ++row, dx += p.width) {
      const std::span<const RowLink> links = p.read_by.of(row);
      FillRow<kStride>(p, dx, [&](int64_t i, Vf& even, Vf& odd) HWY_ATTR {
        for (const RowLink& link : links) {
          const int64_t of_row = link.row * stride;
          AddTaps<kStride>(p, i, even, odd, [&](int64_t k, int64_t o) HWY_ATTR {
            const Vf value = hn::LoadU(Df(), values + of_row + o);
            if constexpr (!kNumbered) return value;
            const auto tap = hn::Set(du, link.tap + static_cast<uint32_t>(k));
            const auto number = hn::PromoteTo(du, hn::LoadU(d8, numbers + of_row + o));
            return hn::IfThenElseZero(hn::RebindMask(Df(), hn::Eq(number, tap)), value);
          });
        }
      });
    }
  }
}

void SpreadAverageOf(const WindowPlan& p, const float* dy, float* dx, int64_t planes,
                     const PlaneMemory& m) {
  (p.last.stride == 1 ? SpreadBy<1, false> : SpreadBy<2, false>)(p, dy, nullptr, dx, planes, m);
}

void SpreadMaximaOf(const WindowPlan& p, const float* dy, const uint8_t* bytes, float* dx,
                    int64_t planes, const PlaneMemory& m) {
  (p.last.stride == 1 ? SpreadBy<1, true> : SpreadBy<2, true>)(p, dy, bytes, dx, planes, m);
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(SpreadAverageOf);
HWY_EXPORT(SpreadMaximaOf);

void SpreadAverage(const WindowPlan& p, const float* dy, float* dx, int64_t planes,
                   const PlaneMemory& m) {
  HWY_DYNAMIC_DISPATCH(SpreadAverageOf)(p, dy, dx, planes, m);
}

void SpreadMaxima(const WindowPlan& p, const float* dy, const uint8_t* numbers, float* dx,
                  int64_t planes, const PlaneMemory& m) {
  HWY_DYNAMIC_DISPATCH(SpreadMaximaOf)(p, dy, numbers, dx, planes, m);
}

}  // namespace weft
#endif
