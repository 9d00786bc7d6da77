// Sums and maps by channel where channels lie side by side (runtime/host/channel_columns.h;
// runtime/host/simd/simd-inl.h says how to write a kernel). Lines are added up in double, a few of
// them in single precision first, in an order that follows from the image's extents alone.

#include "runtime/host/simd/lines-inl.h"
#include "runtime/host/simd/norm-inl.h"

#if defined(WEFT_COLUMNS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_COLUMNS_INL
#undef WEFT_COLUMNS_INL
#else
#define WEFT_COLUMNS_INL
#endif

#include "runtime/host/channel_columns.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

template <typename D>
HWY_INLINE hn::Vec<D> LoadAs(D d, const float* p) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), p));
}

// The sums of x - shift and of its square. Those of a few lines are made in single precision, so
// lines are taken relative to the first of them, the pivot: what is rounded is their difference,
// however far from the shift they are (Chan, Golub, LeVeque, "Algorithms for computing the sample
// variance", 1983). At worst, where the pivot is an outlier, its square counts once for each of the
// n lines and not once: what is lost is then n times the rounding of a sum of n, some 1e-5 of the
// variance for 16. Add is for a line's columns from x[at] on, `first` being where the pivots are;
// Join makes of the sums so far those about the shift, p being what leads from there to the pivot:
//   sum of (x - shift) = sum + lines p,  of its square = squares + 2 p sum + lines p^2.
struct ColumnMoments {
  const float* x;
  template <typename D, typename V>
  HWY_INLINE void Add(D d, int64_t first, int64_t at, const float*, V* sums) const {
    const V v = hn::Sub(hn::LoadU(d, x + at), hn::LoadU(d, x + first));
    sums[0] = hn::Add(sums[0], v);
    sums[1] = hn::MulAdd(v, v, sums[1]);
  }
  template <typename D, typename V>
  HWY_INLINE void Join(D d, int64_t first, double lines, const float* shift, V* sums) const {
    const V p = hn::Sub(LoadAs(d, x + first), LoadAs(d, shift));
    const V all = hn::Mul(p, hn::Set(d, lines));
    sums[1] = hn::MulAdd(p, hn::Add(hn::Add(sums[0], sums[0]), all), sums[1]);
    sums[0] = hn::Add(sums[0], all);
  }
};

// f(d, i) for the vectors that n elements from i on fill, then for halves of them, down to one.
template <typename D, typename F>
HWY_INLINE void ForEachVector(D d, int64_t i, int64_t n, const F& f) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; i + lanes <= n; i += lanes) f(d, i);
  if constexpr (hn::MaxLanes(D()) > 1) ForEachVector(hn::Half<D>(), i, n, f);
}

// Adds the n columns from `at` on of `lines` lines to a and b. Reads them in the order of memory,
// which is fetched ahead then.
template <typename Op>
HWY_INLINE void AddLines(const Op& op, int64_t at, int64_t line, int64_t lines, int64_t n,
                         const float* numbers, double* HWY_RESTRICT a, double* HWY_RESTRICT b) {
  HWY_ALIGN float few[2][ColumnGrid::kTile];
  for (float* sums : few) std::fill_n(sums, n, 0.0F);
  for (int64_t l = 0; l < lines; ++l) {
    ForEachVector(Df(), 0, n, [&](auto d, int64_t i) HWY_ATTR {
      hn::Vec<decltype(d)> sums[2] = {hn::LoadU(d, few[0] + i), hn::LoadU(d, few[1] + i)};
      op.Add(d, at + i, at + l * line + i, numbers + i, sums);
      for (int k = 0; k < 2; ++k) hn::StoreU(sums[k], d, few[k] + i);
    });
  }
  ForEachVector(Dd(), 0, n, [&](auto d, int64_t i) HWY_ATTR {
    hn::Vec<decltype(d)> sums[2] = {LoadAs(d, few[0] + i), LoadAs(d, few[1] + i)};
    op.Join(d, at + i, static_cast<double>(lines), numbers + i, sums);
    hn::StoreU(hn::Add(hn::LoadU(d, a + i), sums[0]), d, a + i);
    hn::StoreU(hn::Add(hn::LoadU(d, b + i), sums[1]), d, b + i);
  });
}

// The sums of the channels of `n` columns from `first` on, over the lines [begin, end) of a plane,
// to their two places in `sums`.
template <typename Op>
HWY_INLINE void SumTile(const ColumnGrid& g, const Op& op, int64_t plane, int64_t begin,
                        int64_t end, int64_t first, int64_t n, const float* numbers, double* sums) {
  constexpr int64_t kTogether = 16;
  HWY_ALIGN double a[ColumnGrid::kTile];
  HWY_ALIGN double b[ColumnGrid::kTile];
  std::fill_n(a, n, 0.0);
  std::fill_n(b, n, 0.0);
  for (int64_t l = begin; l < end;) {
    const int64_t at = plane * g.size + l * g.line + first, size = g.LineSize(l);
    int64_t lines = 1;
    while (l + lines < end && lines < kTogether && g.LineSize(l + lines) == size) ++lines;
    AddLines(op, at, g.line, lines, std::min(n, size - first), numbers + first, a, b);
    l += lines;
  }
  const int64_t from = first / g.inner, to = std::min(g.width, (first + n) / g.inner);
  std::fill(sums + 2 * from, sums + 2 * to, 0.0);
  int64_t channel = from;
  for (int64_t i = 0; i < n;) {
    for (const int64_t last = i + g.inner; i < last; ++i) {
      sums[2 * channel] += a[i];
      sums[2 * channel + 1] += b[i];
    }
    channel = channel + 1 == g.width ? 0 : channel + 1;
  }
}

// The same of all columns: `numbers` are g.line floats for each block, the columns' shifts, and
// what else `op` knows to be behind them; `sums` two doubles for each channel of each part of each
// plane.
template <typename Op>
void SumColumns(const ColumnGrid& g, const Op& op, const float* numbers, double* sums) {
  const int64_t work = std::max<int64_t>(1, g.size / (g.parts * g.tiles));
  ParallelFor(g.planes * g.parts * g.tiles, std::max<int64_t>(1, kMathGrain / work),
              [&](int64_t from, int64_t to) HWY_ATTR {
                for (int64_t i = from; i < to; ++i) {
                  const int64_t first = i % g.tiles * g.tile, part = i / g.tiles % g.parts,
                                plane = i / (g.tiles * g.parts);
                  SumTile(g, op, plane, g.lines * part / g.parts, g.lines * (part + 1) / g.parts,
                          first, std::min(g.tile, g.line - first),
                          numbers + plane % g.blocks * g.line,
                          sums + 2 * (plane * g.parts + part) * g.width);
                }
              });
}

// The two sums of a channel over what SumColumns left.
HWY_INLINE TwoSums TotalOf(const ColumnGrid& g, const double* sums, int64_t channel) {
  TwoSums total;
  for (int64_t plane = channel / g.width; plane < g.planes; plane += g.blocks) {
    for (int64_t part = 0; part < g.parts; ++part) {
      const double* const of = sums + 2 * ((plane * g.parts + part) * g.width + channel % g.width);
      total += TwoSums{{of[0], of[1]}};
    }
  }
  return total;
}

// f(block, at, n, stream) for all lines: n elements from `at` on, whose results go past the caches
// where `stream`. y: the results; x: an operand that may be the same.
template <typename F>
void ForEachColumnLine(const ColumnGrid& g, const float* y, const float* x, const F& f) {
  const bool stream =
      IsStreamed(g.planes * g.size, y, x) && g.line % Lanes() == 0 && g.size % Lanes() == 0 &&
      reinterpret_cast<uintptr_t>(y) % (static_cast<size_t>(Lanes()) * sizeof(float)) == 0;
  ParallelFor(g.planes * g.lines, std::max<int64_t>(1, kMathGrain / g.line),
              [&](int64_t from, int64_t to) HWY_ATTR {
                for (int64_t i = from; i < to; ++i) {
                  const int64_t plane = i / g.lines, l = i % g.lines;
                  f(plane % g.blocks, plane * g.size + l * g.line, g.LineSize(l), stream);
                }
                if (stream) hwy::FlushStream();
              });
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
