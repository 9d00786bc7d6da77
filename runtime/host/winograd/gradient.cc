#include "runtime/host/winograd/gradient.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/winograd/gradient.cc"
#include "runtime/host/winograd/window-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

// Channels of a product in registers: they divide a vector, as what is written of a chunk does.
constexpr int kRows = HWY_MAX_BYTES == 64 ? 8 : kLanes < 4 ? 1 : 4;

template <typename Tile>
void TransformTiles(const WinogradProblem& p, const float* x, const float* dy, int64_t tile,
                    int64_t tiles, int64_t begin, int64_t end, float* v, float* m) {
  Place at(p, tile + begin);
  for (int64_t t = begin; t < end; ++t, at.Next(p)) {
    TransformWindow<Tile>(p, x, at, tiles, v + t * kWinogradChunk);
    TransformSquare<OfGradients<Tile>>(p.y, dy, at.image, Square(p.y, at.row, at.column), tiles,
                                       m + t * kWinogradChunk);
  }
}

// u[channel][filter] += sum over tiles of v[tile][channel] m[tile][filter]. m: of each vector.
template <int kVectors>
HWY_INLINE void AddProduct(int64_t tiles, const float* v, const float* const (&m)[2], bool add,
                           float* u) {
  const Df d;
  Vf sums[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int i = 0; i < kVectors; ++i) {
      sums[r][i] = add ? hn::LoadU(d, u + r * kWinogradBlock + i * kLanes) : hn::Zero(d);
    }
  }
  for (int64_t t = 0; t < tiles * kWinogradChunk; t += kWinogradChunk) {
    Vf filters[kVectors];
#pragma GCC unroll 2
    for (int i = 0; i < kVectors; ++i) filters[i] = hn::LoadU(d, m[i] + t);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Vf value = Fill(v[t + r]);
#pragma GCC unroll 2
      for (int i = 0; i < kVectors; ++i) sums[r][i] = hn::MulAdd(value, filters[i], sums[r][i]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int i = 0; i < kVectors; ++i) {
      hn::StoreU(sums[r][i], d, u + r * kWinogradBlock + i * kLanes);
    }
  }
}

template <typename Tile>
void StoreFilters(const WinogradProblem& p, int64_t block, const float* u, float* dw) {
  constexpr int kInputs = Tile::kInputs;
  const int64_t plane = p.chunks() * kWinogradChunk * kWinogradBlock;
  const int64_t filters = std::min(kWinogradBlock, p.y.channels - block * kWinogradBlock);
  for (int64_t c = 0; c < p.x.channels; ++c) {
    for (int64_t k = 0; k < filters; k += kLanes) {
      const float* from = u + block * plane + c * kWinogradBlock + k;
      Vf half[3][kInputs], g[3];
      for (int j = 0; j < kInputs; ++j) {
        Vf column[kInputs];
        for (int i = 0; i < kInputs; ++i) {
          column[i] = hn::LoadU(Df(), from + (i * kInputs + j) * p.blocks() * plane);
        }
        Tile::FilterGradient(column, g);
        for (int i = 0; i < 3; ++i) half[i][j] = g[i];
      }
      HWY_ALIGN float taps[9][kWinogradChunk];
      for (int i = 0; i < 3; ++i) {
        Tile::FilterGradient(half[i], g);
        for (int j = 0; j < 3; ++j) hn::StoreU(g[j], Df(), taps[i * 3 + j]);
      }
      for (int64_t f = 0; f < std::min(kLanes, filters - k); ++f) {
        float* to = dw + ((block * kWinogradBlock + k + f) * p.x.channels + c) * 9;
        for (int tap = 0; tap < 9; ++tap) to[tap] = taps[tap][f];
      }
    }
  }
}

}  // namespace

void GradientTiles(const WinogradProblem& p, const float* x, const float* dy, int64_t tile,
                   int64_t tiles, int64_t begin, int64_t end, float* v, float* m) {
  p.tile == 4 ? TransformTiles<Tile4>(p, x, dy, tile, tiles, begin, end, v, m)
              : TransformTiles<Tile2>(p, x, dy, tile, tiles, begin, end, v, m);
}

void GradientProduct(const WinogradProblem& p, int64_t tiles, int64_t element, int64_t block,
                     bool add, const float* v, const float* m, float* u) {
  const int64_t channels = p.chunks() * kWinogradChunk;
  u += (element * p.blocks() + block) * channels * kWinogradBlock;
  // An element's chunk that holds channel (or filter) c, from that one on.
  const auto place = [&](int64_t c) {
    return (c / kWinogradChunk * p.elements() + element) * tiles * kWinogradChunk +
           c % kWinogradChunk;
  };
  const int64_t first = block * kWinogradBlock;
  const int64_t filters = std::min(kWinogradBlock, p.y.channels - first);
  for (int64_t k = 0; k < filters; k += 2 * kLanes) {
    const bool two = filters - k > kLanes;
    const float* const of[2] = {m + place(first + k), m + place(first + k + (two ? kLanes : 0))};
    for (int64_t c = 0; c < p.x.channels; c += kRows) {
      float* to = u + c * kWinogradBlock + k;
      two ? AddProduct<2>(tiles, v + place(c), of, add, to)
          : AddProduct<1>(tiles, v + place(c), of, add, to);
    }
  }
}

void FilterGradientBlock(const WinogradProblem& p, int64_t block, const float* u, float* dw) {
  p.tile == 4 ? StoreFilters<Tile4>(p, block, u, dw) : StoreFilters<Tile2>(p, block, u, dw);
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(GradientTiles);
HWY_EXPORT(GradientProduct);
HWY_EXPORT(FilterGradientBlock);

void TransformGradientTiles(const WinogradProblem& p, const float* x, const float* dy, int64_t tile,
                            int64_t tiles, int64_t begin, int64_t end, float* v, float* m) {
  HWY_DYNAMIC_DISPATCH(GradientTiles)(p, x, dy, tile, tiles, begin, end, v, m);
}

void MultiplyGradient(const WinogradProblem& p, int64_t tiles, int64_t element, int64_t block,
                      bool add, const float* v, const float* m, float* u) {
  HWY_DYNAMIC_DISPATCH(GradientProduct)(p, tiles, element, block, add, v, m, u);
}

void StoreFilterGradient(const WinogradProblem& p, int64_t block, const float* u, float* dw) {
  HWY_DYNAMIC_DISPATCH(FilterGradientBlock)(p, block, u, dw);
}

}  // namespace weft
#endif  // HWY_ONCE
