#include "runtime/host/pool/plane.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/pool/plane.cc"
#include "runtime/host/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

using Du = hn::RebindToUnsigned<Df>;

static_assert(HWY_MAX_BYTES <= kSlack * sizeof(float));

inline size_t Size(int64_t n) { return static_cast<size_t>(n); }

// One tap of neighbouring windows that lie in the row; `first` is that of the first window, `tap`
// the distance of this one. Reads nothing outside of the windows.
template <int kStride>
HWY_INLINE Vf LoadTaps(const float* first, int64_t tap) {
  const Df d;
  if constexpr (kStride == 1) return hn::LoadU(d, first + tap);
#if HWY_TARGET != HWY_SCALAR
  const int64_t lanes = Lanes();
  if (tap == 0) return hn::ConcatEven(d, hn::LoadU(d, first + lanes), hn::LoadU(d, first));
  first += tap - 1;
  return hn::ConcatOdd(d, hn::LoadU(d, first + lanes), hn::LoadU(d, first));
#endif
  return hn::LoadU(d, first + tap);  // one lane
}

// The columns that vectors do: [begin, end), or none.
inline bool ByVectors(const WindowPlan& p) {
  return p.end - p.begin >= Lanes() &&
         (p.last.stride == 1 || (p.last.stride == 2 && p.last.span() > 1));
}

// Calls f(column) for columns that vectors of windows begin at, such that all of [begin, end) is
// done, some twice.
template <typename F>
HWY_INLINE void ForEachVector(const WindowPlan& p, F f) {
  const int64_t lanes = Lanes();
  for (int64_t o = p.begin; o + lanes < p.end; o += lanes) f(o);
  f(p.end - lanes);
}

// The same for the columns of a row of the thread's memory, which has slack.
template <typename F>
HWY_INLINE void ForEachColumn(int64_t columns, F f) {
  const int64_t lanes = Lanes();
  for (int64_t o = 0; o < columns; o += lanes) f(o);
}

// Stores the columns [o, columns) or a vector of them.
HWY_INLINE void StoreColumns(Vf v, float* row, int64_t o, int64_t columns) {
  if (o + Lanes() <= columns) {
    hn::StoreU(v, Df(), row + o);
  } else {
    StoreFirst(v, row + o, columns - o);
  }
}

// Numbered maxima: first of the taps within each input row, then over the rows. Both keep the first
// of equals, so that the result is the first in the order of the window; NaN is a maximum.

// The scalar part of a row: the columns [from, to).
inline void MaximaOfColumns(const WindowPlan& p, const float* x, int64_t from, int64_t to,
                            float* values, uint32_t* numbers) {
  for (int64_t o = from; o < to; ++o) {
    const TapRange& taps = p.taps[Size(o)];
    float best = x[taps.first];
    int64_t number = 0;
    for (int64_t i = 1; i < taps.count; ++i) {
      const float value = x[taps.first + i * taps.step];
      if (!(value > best || std::isnan(value))) continue;
      best = value;
      number = i;
    }
    values[o] = best;
    numbers[o] = static_cast<uint32_t>(p.FirstTap(o) + number);
  }
}

template <int kStride>
HWY_INLINE void MaximaOfRow(const WindowPlan& p, const float* x, float* values, uint32_t* numbers) {
  const Df d;
  const Du du;
  ForEachVector(p, [&](int64_t o) HWY_ATTR {
    const float* first = x + o * kStride - p.last.pad;
    Vf best = LoadTaps<kStride>(first, 0);
    auto number = hn::Zero(du);
    for (int64_t k = 1; k < p.last.kernel; ++k) {
      const Vf value = LoadTaps<kStride>(first, k * p.last.dilation);
      const Mf better = hn::Or(hn::Gt(value, best), hn::IsNaN(value));
      best = hn::IfThenElse(better, value, best);
      number =
          hn::IfThenElse(hn::RebindMask(du, better), hn::Set(du, static_cast<uint32_t>(k)), number);
    }
    hn::StoreU(best, d, values + o);
    hn::StoreU(number, du, numbers + o);
  });
}

HWY_INLINE void MaximaOverRows(const WindowPlan& p, std::span<const RowLink> links, int64_t stride,
                               const PlaneMemory& m, float* y, uint32_t* numbers) {
  const Df d;
  const Du du;
  ForEachColumn(p.columns, [&](int64_t o) HWY_ATTR {
    Vf best = hn::LoadU(d, m.values + links[0].row * stride + o);
    auto number =
        hn::Add(hn::LoadU(du, m.numbers + links[0].row * stride + o), hn::Set(du, links[0].tap));
    for (const RowLink& link : links.subspan(1)) {
      const int64_t at = link.row * stride + o;
      const Vf value = hn::LoadU(d, m.values + at);
      const Mf better = hn::Or(hn::Gt(value, best), hn::IsNaN(value));
      best = hn::IfThenElse(better, value, best);
      number =
          hn::IfThenElse(hn::RebindMask(du, better),
                         hn::Add(hn::LoadU(du, m.numbers + at), hn::Set(du, link.tap)), number);
    }
    StoreColumns(best, y, o, p.columns);
    hn::StoreU(number, du, numbers + o);
  });
}

void NumberedMaxima(const WindowPlan& p, const float* x, float* y, const PlaneMemory& m) {
  const int64_t stride = p.columns + kSlack;
  const bool by_vectors = ByVectors(p);
  for (int64_t row = 0; row < p.input_rows; ++row) {
    if (p.read_by.of(row).empty()) continue;
    const float* from = x + row * p.width;
    float* values = m.values + row * stride;
    uint32_t* numbers = m.numbers + row * stride;
    if (!by_vectors) {
      MaximaOfColumns(p, from, 0, p.columns, values, numbers);
      continue;
    }
    p.last.stride == 1 ? MaximaOfRow<1>(p, from, values, numbers)
                       : MaximaOfRow<2>(p, from, values, numbers);
    MaximaOfColumns(p, from, 0, p.begin, values, numbers);
    MaximaOfColumns(p, from, p.end, p.columns, values, numbers);
  }
  for (int64_t row = 0; row < p.output_rows; ++row) {
    MaximaOverRows(p, p.reads.of(row), stride, m, y + row * p.columns,
                   m.of_outputs + row * p.columns);
  }
}

// Without numbers, and averages: first the rows that an output row reads are joined, then the taps.

struct Largest {
  static HWY_INLINE Vf Join(Vf a, Vf b) {
    return hn::IfThenElse(hn::Or(hn::Gt(b, a), hn::IsNaN(b)), b, a);
  }
  static float Join(float a, float b) { return b > a || std::isnan(b) ? b : a; }
  static HWY_INLINE Vf Finish(const WindowPlan&, Vf joined, Vf, int64_t) { return joined; }
  static float Finish(const WindowPlan&, float joined, float, int64_t) { return joined; }
};

struct Mean {
  static HWY_INLINE Vf Join(Vf a, Vf b) { return hn::Add(a, b); }
  static float Join(float a, float b) { return a + b; }
  static HWY_INLINE Vf Finish(const WindowPlan& p, Vf sum, Vf weight, int64_t o) {
    return hn::Mul(sum, hn::Mul(weight, hn::LoadU(Df(), p.column_weights.data() + o)));
  }
  static float Finish(const WindowPlan& p, float sum, float weight, int64_t o) {
    return sum * (weight * p.column_weights[Size(o)]);
  }
};

template <typename Reduce, int kStride>
HWY_INLINE void JoinTaps(const WindowPlan& p, const float* rows, float weight, float* y) {
  ForEachVector(p, [&](int64_t o) HWY_ATTR {
    const float* first = rows + o * kStride - p.last.pad;
    Vf joined = LoadTaps<kStride>(first, 0);
    for (int64_t k = 1; k < p.last.kernel; ++k) {
      joined = Reduce::Join(joined, LoadTaps<kStride>(first, k * p.last.dilation));
    }
    hn::StoreU(Reduce::Finish(p, joined, Fill(weight), o), Df(), y + o);
  });
}

template <typename Reduce>
void JoinTapsOfColumns(const WindowPlan& p, const float* rows, int64_t from, int64_t to,
                       float weight, float* y) {
  for (int64_t o = from; o < to; ++o) {
    const TapRange& taps = p.taps[Size(o)];
    float joined = rows[taps.first];
    for (int64_t i = 1; i < taps.count; ++i) {
      joined = Reduce::Join(joined, rows[taps.first + i * taps.step]);
    }
    y[o] = Reduce::Finish(p, joined, weight, o);
  }
}

template <typename Reduce>
HWY_INLINE void JoinRows(const WindowPlan& p, std::span<const RowLink> links, const float* x,
                         float* joined) {
  const int64_t lanes = Lanes();
  const auto join = [&](int64_t i) HWY_ATTR {
    Vf all = hn::LoadU(Df(), x + links[0].row * p.width + i);
    for (const RowLink& link : links.subspan(1)) {
      all = Reduce::Join(all, hn::LoadU(Df(), x + link.row * p.width + i));
    }
    hn::StoreU(all, Df(), joined + i);
  };
  if (p.width >= lanes) {
    for (int64_t i = 0; i + lanes < p.width; i += lanes) join(i);
    return join(p.width - lanes);  // may do some again
  }
  for (int64_t i = 0; i < p.width; ++i) {
    joined[i] = x[links[0].row * p.width + i];
    for (const RowLink& link : links.subspan(1)) {
      joined[i] = Reduce::Join(joined[i], x[link.row * p.width + i]);
    }
  }
}

template <typename Reduce>
void ReducePlane(const WindowPlan& p, const float* x, float* y, const PlaneMemory& m) {
  float* rows = m.values;
  const bool by_vectors = ByVectors(p);
  for (int64_t row = 0; row < p.output_rows; ++row, y += p.columns) {
    JoinRows<Reduce>(p, p.reads.of(row), x, rows);
    const float weight = p.row_weights[Size(row)];
    if (!by_vectors) {
      JoinTapsOfColumns<Reduce>(p, rows, 0, p.columns, weight, y);
      continue;
    }
    p.last.stride == 1 ? JoinTaps<Reduce, 1>(p, rows, weight, y)
                       : JoinTaps<Reduce, 2>(p, rows, weight, y);
    JoinTapsOfColumns<Reduce>(p, rows, 0, p.begin, weight, y);
    JoinTapsOfColumns<Reduce>(p, rows, p.end, p.columns, weight, y);
  }
}

void MaximaOf(const WindowPlan& p, const float* x, float* y, const PlaneMemory& m) {
  ReducePlane<Largest>(p, x, y, m);
}
void AverageOf(const WindowPlan& p, const float* x, float* y, const PlaneMemory& m) {
  ReducePlane<Mean>(p, x, y, m);
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(MaximaOf);
HWY_EXPORT(NumberedMaxima);
HWY_EXPORT(AverageOf);

void MaximaOfPlane(const WindowPlan& p, const float* x, float* y, const PlaneMemory& m) {
  HWY_DYNAMIC_DISPATCH(MaximaOf)(p, x, y, m);
}

void NumberedMaximaOfPlane(const WindowPlan& p, const float* x, float* y, const PlaneMemory& m) {
  HWY_DYNAMIC_DISPATCH(NumberedMaxima)(p, x, y, m);
}

void AverageOfPlane(const WindowPlan& p, const float* x, float* y, const PlaneMemory& m) {
  HWY_DYNAMIC_DISPATCH(AverageOf)(p, x, y, m);
}

}  // namespace weft
#endif
