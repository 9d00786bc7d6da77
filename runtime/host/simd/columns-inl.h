// Sums and maps by channel where channels lie side by side (runtime/host/channel_columns.h;
// runtime/host/simd/simd-inl.h says how to write a kernel). The sums are in double and in an order
// that follows from the image's extents alone.

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

// What the elements from `at` on add to the sums of their columns: x - shift and its square.
// `numbers`: those of SumColumns, of the first column.
struct ColumnMoments {
  const float* x;
  template <typename D, typename V>
  HWY_INLINE void operator()(D d, int64_t at, const float*, V shift, V* sums) const {
    const V v = hn::Sub(LoadAs(d, x + at), shift);
    sums[0] = hn::Add(sums[0], v);
    sums[1] = hn::MulAdd(v, v, sums[1]);
  }
};

// Adds the n columns from `at` on of kLines lines to a and b.
template <int kLines, typename Add>
HWY_INLINE void AddLines(const Add& add, int64_t at, int64_t line, int64_t n, const float* numbers,
                         double* HWY_RESTRICT a, double* HWY_RESTRICT b) {
  const auto step = [&](auto d, int64_t i) HWY_ATTR {
    hn::Vec<decltype(d)> sums[2] = {hn::LoadU(d, a + i), hn::LoadU(d, b + i)};
    const auto center = LoadAs(d, numbers + i);
    for (int l = 0; l < kLines; ++l) add(d, at + l * line + i, numbers + i, center, sums);
    hn::StoreU(sums[0], d, a + i);
    hn::StoreU(sums[1], d, b + i);
  };
  const auto lanes = static_cast<int64_t>(hn::Lanes(Dd()));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) step(Dd(), i);
  for (; i < n; ++i) step(hn::CappedTag<double, 1>(), i);
}

// The sums of the channels of `n` columns from `first` on, over the lines [begin, end) of a plane,
// to their two places in `sums`. Some lines are read together, so that sums are less often.
template <typename Add>
HWY_INLINE void SumTile(const ColumnGrid& g, const Add& add, int64_t plane, int64_t begin,
                        int64_t end, int64_t first, int64_t n, const float* numbers, double* sums) {
  constexpr int kTogether = 4;
  HWY_ALIGN double a[ColumnGrid::kTile];
  HWY_ALIGN double b[ColumnGrid::kTile];
  std::fill_n(a, n, 0.0);
  std::fill_n(b, n, 0.0);
  for (int64_t l = begin; l < end;) {
    const int64_t at = plane * g.size + l * g.line + first;
    if (l + kTogether <= end && g.LineSize(l + kTogether - 1) == g.line) {
      AddLines<kTogether>(add, at, g.line, n, numbers + first, a, b);
      l += kTogether;
    } else {
      AddLines<1>(add, at, 0, std::min(n, g.LineSize(l) - first), numbers + first, a, b);
      ++l;
    }
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
// what else `add` knows to be behind them; `sums` two doubles for each channel of each part of each
// plane.
template <typename Add>
void SumColumns(const ColumnGrid& g, const Add& add, const float* numbers, double* sums) {
  const int64_t work = std::max<int64_t>(1, g.size / (g.parts * g.tiles));
  ParallelFor(g.planes * g.parts * g.tiles, std::max<int64_t>(1, kMathGrain / work),
              [&](int64_t from, int64_t to) HWY_ATTR {
                for (int64_t i = from; i < to; ++i) {
                  const int64_t first = i % g.tiles * g.tile, part = i / g.tiles % g.parts,
                                plane = i / (g.tiles * g.parts);
                  SumTile(g, add, plane, g.lines * part / g.parts, g.lines * (part + 1) / g.parts,
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
