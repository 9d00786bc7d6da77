// What batch normalization and its gradient share (runtime/host/simd/simd-inl.h says how to write a
// kernel): sums over channels, then a map of every element by its channel's numbers.

#include "runtime/host/simd/columns-inl.h"

#if defined(WEFT_CHANNEL_NORM_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_CHANNEL_NORM_INL
#undef WEFT_CHANNEL_NORM_INL
#else
#define WEFT_CHANNEL_NORM_INL
#endif

#include "runtime/host/batch_norm.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

inline constexpr int64_t kFewChannels = 8;

struct Planes {
  explicit Planes(std::span<const int64_t> dims) : batch(dims[0]), channels(dims[1]) {
    for (int64_t extent : dims.subspan(2)) inner *= extent;
  }
  int64_t batch, channels, inner = 1;

  int64_t size() const { return batch * channels * inner; }
  double count() const { return static_cast<double>(batch * inner); }  // values per channel
  int64_t at(int64_t n, int64_t c) const { return (n * channels + c) * inner; }
};

HWY_INLINE int64_t Grain(int64_t elements) {
  return std::max<int64_t>(1, kMathGrain / std::max<int64_t>(elements, 1));
}

// f(n, c) for all planes, in the order of memory.
template <typename F>
void ForEachPlane(const Planes& p, const F& f) {
  ParallelFor(p.batch * p.channels, Grain(p.inner), [&](int64_t from, int64_t to) HWY_ATTR {
    for (int64_t i = from; i < to; ++i) f(i / p.channels, i % p.channels);
  });
}

// Fills numbers `k` of all columns with of_channel(c).
template <typename F>
void FillColumns(const Planes& p, const ChannelMemory& memory, int k, const F& of_channel) {
  const ColumnGrid& g = *memory.grid;
  for (int64_t block = 0; block < g.blocks; ++block) {
    float* const line = memory.numbers + (k * g.blocks + block) * g.line;
    float* to = line;
    for (int64_t c = block * g.width; c < (block + 1) * g.width; ++c) {
      const float number = c < p.channels ? static_cast<float>(of_channel(c)) : 0;  // padding
      to = std::fill_n(to, g.inner, number);
    }
    for (const int64_t once = to - line; to - line < g.line;) to = std::copy_n(line, once, to);
  }
}

// Those of the columns of a line, the k-th from [k] on.
struct ColumnNumbers {
  HWY_INLINE const float* operator[](int k) const { return first + k * step; }
  const float* first;
  int64_t step;
};

// op.MapLine(at, n, stream, numbers) for all lines, the first four numbers of their columns being
// the maps' mean, u, v and w.
template <typename Op>
void MapColumns(const Planes& p, const ChannelMemory& memory, const Op& op) {
  const ColumnGrid& g = *memory.grid;
  const ChannelMap* maps = memory.maps;
  FillColumns(p, memory, 0, [=](int64_t c) { return maps[c].mean; });
  FillColumns(p, memory, 1, [=](int64_t c) { return maps[c].u; });
  FillColumns(p, memory, 2, [=](int64_t c) { return maps[c].v; });
  FillColumns(p, memory, 3, [=](int64_t c) { return maps[c].AffineBias(); });
  ForEachColumnLine(
      g, op.result(), op.operand(),
      [&](int64_t block, int64_t at, int64_t n, bool stream) HWY_ATTR {
        op.MapLine(at, n, stream, {memory.numbers + block * g.line, g.blocks * g.line});
      });
}

// The sums of all channels by columns, to op.Finish(c, sums). op.FillNumbers has what
// op.Columns() needs, first the shift.
template <typename Op>
void SumByColumns(const Planes& p, const ChannelMemory& memory, const Op& op) {
  op.FillNumbers(memory);
  SumColumns(*memory.grid, op.Columns(), memory.numbers, memory.sums);
  for (int64_t c = 0; c < p.channels; ++c) op.Finish(c, TotalOf(*memory.grid, memory.sums, c));
}

// All sums op.Sum(n, c) of a channel's planes go to op.Finish(c, sums), which makes its map; then
// op.Map(n, c) for all planes.
template <typename Op>
void SumAndMap(const Planes& p, const ChannelMemory& memory, const Op& op) {
  if (memory.grid != nullptr) {
    SumByColumns(p, memory, op);
    MapColumns(p, memory, op);
    return;
  }
  if (p.channels >= kFewChannels) {
    ParallelFor(p.channels, Grain(p.batch * p.inner), [&](int64_t from, int64_t to) HWY_ATTR {
      for (int64_t c = from; c < to; ++c) {
        TwoSums sums;
        for (int64_t n = 0; n < p.batch; ++n) sums += op.Sum(n, c);
        op.Finish(c, sums);
        for (int64_t n = 0; n < p.batch; ++n) op.Map(n, c);
      }
    });
    return;
  }
  auto* const of_planes = reinterpret_cast<TwoSums*>(memory.sums);
  ForEachPlane(
      p, [&](int64_t n, int64_t c) HWY_ATTR { of_planes[n * p.channels + c] = op.Sum(n, c); });
  for (int64_t c = 0; c < p.channels; ++c) {
    TwoSums sums;
    for (int64_t n = 0; n < p.batch; ++n) sums += of_planes[n * p.channels + c];
    op.Finish(c, sums);
  }
  ForEachPlane(p, [&](int64_t n, int64_t c) HWY_ATTR { op.Map(n, c); });
}

HWY_INLINE const float* Input(const EvalContext& c, int i) {
  return static_cast<const float*>(c.in(i).data);
}
HWY_INLINE float* Output(const EvalContext& c, int i) {
  return i < static_cast<int>(c.outputs.size()) ? static_cast<float*>(c.out(i).data) : nullptr;
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
