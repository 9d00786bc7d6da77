// Loops over an inner axis of row-major tensors [outer, classes, inner]
// (runtime/host/simd/simd-inl.h says how to write a kernel): blocks of neighbouring lines whose
// classes stay in the cache together.

#include "runtime/host/simd/simd-inl.h"

#if defined(WEFT_LINES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_LINES_INL
#undef WEFT_LINES_INL
#else
#define WEFT_LINES_INL
#endif

#include <algorithm>
#include <type_traits>
#include <vector>

#include "runtime/exec/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

struct LineShape {
  int64_t outer = 1, classes = 1, inner = 1;
  HWY_INLINE int64_t size() const { return outer * classes * inner; }
};

// Lines in a block at most: a few vectors, so that one number per line can stay in registers, and
// many classes of a block in the nearest cache.
inline constexpr int64_t kBlockLines = 64;
// Classes of a block whose exponentials are kept from one pass to the next; those of more would
// leave the cache and are computed again.
inline constexpr int64_t kMaxKeptClasses = int64_t{1} << 14;
// Classes whose floats are added up before they join the total, so that errors stay small.
inline constexpr int64_t kPartialSum = 64;

HWY_INLINE Vf LoadSome(const float* p, int64_t n) {
  return n >= Lanes() ? hn::LoadU(Df(), p) : LoadFirst(p, n);
}

// Whole vectors' worth of lines, which arrays of numbers per line are filled up to.
HWY_INLINE int64_t Padded(int64_t width) { return (width + Lanes() - 1) / Lanes() * Lanes(); }

// Calls f(j, n) for vectors of `width` lines: n lanes from line j on count.
template <typename F>
HWY_INLINE void ForVectors(int64_t width, const F& f) {
  for (int64_t j = 0; j < width; j += Lanes()) f(j, std::min(Lanes(), width - j));
}

// Calls f(tile, j) for groups of vectors of `width` lines, where tile.kVectors of them begin at
// line j and tile.Load(p, v) loads the v-th from p on.
template <int kCount>
struct Tile {
  static constexpr int kVectors = kCount;
  HWY_INLINE Vf Load(const float* p, int v) const { return hn::LoadU(Df(), p + v * Lanes()); }
};
struct LastTile {
  static constexpr int kVectors = 1;
  int64_t n;
  HWY_INLINE Vf Load(const float* p, int) const { return LoadSome(p, n); }
};
template <typename F>
HWY_INLINE void ForTiles(int64_t width, const F& f) {
  int64_t j = 0;
  for (; j + 4 * Lanes() <= width; j += 4 * Lanes()) f(Tile<4>(), j);
  for (; j + Lanes() <= width; j += Lanes()) f(Tile<1>(), j);
  if (j < width) f(LastTile{width - j}, j);
}

// Has what a block's row `p` will be read for next fetched: the block after it.
HWY_INLINE void PrefetchNext(const float* p) {
  for (int64_t i = 0; i < 4 * Lanes(); i += 16) hwy::Prefetch(p + kBlockLines + i);
}

// A sum of partial sums, however many, with what their additions round off (Knuth, The Art of
// Computer Programming 2, 4.2.2).
struct LongSum {
  HWY_INLINE LongSum() : sum(hn::Zero(Df())), lost(hn::Zero(Df())) {}
  HWY_INLINE void Add(Vf v) {
    const Vf next = hn::Add(sum, v), added = hn::Sub(next, sum);
    lost = hn::Add(lost, hn::Add(hn::Sub(sum, hn::Sub(next, added)), hn::Sub(v, added)));
    sum = next;
  }
  // Of infinities nothing is lost.
  HWY_INLINE Vf Total() const { return hn::Add(sum, hn::IfThenZeroElse(hn::IsNaN(lost), lost)); }
  Vf sum, lost;
};

// Adds the lines' g(tile, class, j, v), the tile's v-th vector, over the classes to
// sums[0, width).
template <typename G>
HWY_INLINE void SumClasses(int64_t classes, int64_t width, float* HWY_RESTRICT sums, const G& g) {
  ForTiles(width, [&](const auto& tile, int64_t j) HWY_ATTR {
    constexpr int kVectors = std::decay_t<decltype(tile)>::kVectors;
    LongSum total[kVectors];
    for (int64_t first = 0; first < classes; first += kPartialSum) {
      Vf partial[kVectors];
      for (Vf& t : partial) t = hn::Zero(Df());
      const int64_t last = std::min(classes, first + kPartialSum);
      for (int64_t k = first; k < last; ++k) {
        for (int v = 0; v < kVectors; ++v) partial[v] = hn::Add(partial[v], g(tile, k, j, v));
      }
      for (int v = 0; v < kVectors; ++v) total[v].Add(partial[v]);
    }
    for (int v = 0; v < kVectors; ++v) hn::Store(total[v].Total(), Df(), sums + j + v * Lanes());
  });
}

// The sum in double of the vectors that f makes of a row of n floats; f maps `fill`, which stands
// beyond the row's end, to 0.
template <typename F>
HWY_INLINE double SumRow(const float* row, int64_t n, float fill, const F& f) {
  double sum = 0;
  int64_t i = 0;
  while (i + Lanes() <= n) {
    Vf partial = hn::Zero(Df());
    const int64_t end = std::min(n - Lanes() + 1, i + kPartialSum * Lanes());
    for (; i < end; i += Lanes()) partial = hn::Add(partial, f(hn::LoadU(Df(), row + i)));
    sum += static_cast<double>(SumOf(partial));
  }
  if (i < n) {
    HWY_ALIGN float tail[HWY_MAX_BYTES / sizeof(float)];
    std::fill_n(tail, Lanes(), fill);
    std::copy(row + i, row + n, tail);
    sum += static_cast<double>(SumOf(f(hn::Load(Df(), tail))));
  }
  return sum;
}

// Elements that are worth a thread.
inline constexpr int64_t kLineGrain = int64_t{1} << 12;

// f(thread, at, width) for blocks of neighbouring lines, the first of which begins at `at`.
template <typename F>
HWY_INLINE void ForEachBlock(const LineShape& p, const F& f) {
  constexpr int64_t lines = kBlockLines;
  const int64_t blocks = (p.inner + lines - 1) / lines;
  const int64_t work = std::max<int64_t>(1, p.classes * std::min(lines, p.inner));
  ParallelFor(p.outer * blocks, std::max<int64_t>(1, kLineGrain / work),
              [&](int thread, int64_t from, int64_t to) HWY_ATTR {
                for (int64_t i = from; i < to; ++i) {
                  const int64_t begin = i % blocks * lines;
                  f(thread, i / blocks * p.classes * p.inner + begin,
                    std::min(lines, p.inner - begin));
                }
              });
}

// f(at) for the rows of a shape whose inner is 1.
template <typename F>
HWY_INLINE void ForEachLine(const LineShape& p, const F& f) {
  const int64_t grain = std::max<int64_t>(1, kLineGrain / std::max<int64_t>(1, p.classes));
  ParallelFor(p.outer, grain, [&](int64_t from, int64_t to) HWY_ATTR {
    for (int64_t row = from; row < to; ++row) f(row * p.classes);
  });
}

// Whether StoreLines may write y past the caches: a large tensor, none of the operands' memory,
// whose vectors are aligned. hwy::FlushStream ends a block then.
HWY_INLINE bool StreamsLines(const LineShape& p, const float* y, const float* operand,
                             const float* other = nullptr) {
  return y != operand && y != other &&
         p.size() >= kStreamBytes / static_cast<int64_t>(sizeof(float)) && p.inner % Lanes() == 0 &&
         reinterpret_cast<uintptr_t>(y) % (static_cast<size_t>(Lanes()) * sizeof(float)) == 0;
}

// The first n lanes of v, all where n is at least that.
HWY_INLINE void StoreSome(Vf v, float* p, int64_t n, bool stream) {
  if (n < Lanes()) {
    StoreFirst(v, p, n);
  } else if (stream) {
    hn::Stream(v, Df(), p);
  } else {
    hn::StoreU(v, Df(), p);
  }
}

// y[j...] = f(tile, j, v), the v-th vector of every tile.
template <typename F>
HWY_INLINE void StoreLines(int64_t width, float* y, bool stream, const F& f) {
  ForTiles(width, [&](const auto& tile, int64_t j) HWY_ATTR {
    for (int v = 0; v < std::decay_t<decltype(tile)>::kVectors; ++v) {
      const int64_t at = j + v * Lanes();
      StoreSome(f(tile, j, v), y + at, width - at, stream);
    }
  });
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
