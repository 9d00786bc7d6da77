#include <algorithm>
#include <array>
#include <utility>

#include "runtime/host/winograd/problem.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/winograd/band.cc"
#include "runtime/host/winograd/transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(Df()));
static_assert(kWinogradChunk % kLanes == 0);

// Tiles of a panel: sums that fit into the registers beside two vectors of filters and one of v.
constexpr int kPanelTiles = HWY_MAX_BYTES == 64 ? 14 : HWY_MAX_BYTES == 32 ? 6 : 4;
constexpr int64_t kFiltersAhead = 16 * kWinogradBlock;  // floats to fetch them before they are used

// A band's tiles in panels of nearly the same size. In v, a panel is [chunk][tile][channel].
struct Panels {
  explicit Panels(int64_t tiles)
      : count((tiles + kPanelTiles - 1) / kPanelTiles),
        size(tiles / count),
        larger(tiles % count) {}
  int64_t first(int64_t panel) const { return panel * size + std::min(panel, larger); }
  int64_t tiles(int64_t panel) const { return size + (panel < larger ? 1 : 0); }

  int64_t count;
  int64_t size;
  int64_t larger;  // so many panels have one tile more
};

// Where a tile is in its image.
struct Place {
  Place(const WinogradProblem& p, int64_t tile)
      : image(tile / (p.tile_rows() * p.tile_columns())),
        row(tile / p.tile_columns() % p.tile_rows() * p.tile),
        column(tile % p.tile_columns() * p.tile) {}
  int64_t image, row, column;  // of its first output
};

// The part of a tile's window that is inside the image, counted from the window's corner.
struct Inside {
  Inside(const WinogradProblem& p, const Place& at)
      : row(at.row - p.top),
        column(at.column - p.left),
        first_row(-row),
        end_row(p.x.rows - row),
        first_column(-column),
        end_column(p.x.columns - column) {}
  bool Has(int64_t i, int64_t j) const {
    return i >= first_row && i < end_row && j >= first_column && j < end_column;
  }
  bool HasAll(int64_t inputs) const { return Has(0, 0) && Has(inputs - 1, inputs - 1); }

  int64_t row, column;  // of the corner
  int64_t first_row, end_row, first_column, end_column;
};

// Transforms the window of one vector of channels. load(i, j): its pixels.
template <typename Tile, typename Load>
HWY_INLINE void TransformWindow(const Load& load, float* v, int64_t v_step) {
  constexpr int kInputs = Tile::kInputs;
  Vf half[kInputs][kInputs];
  for (int j = 0; j < kInputs; ++j) {
    Vf d[kInputs], t[kInputs];
    for (int i = 0; i < kInputs; ++i) d[i] = load(i, j);
    Tile::Input(d, t);
    for (int i = 0; i < kInputs; ++i) half[i][j] = t[i];
  }
  for (int i = 0; i < kInputs; ++i) {
    Vf t[kInputs];
    Tile::Input(half[i], t);
    for (int j = 0; j < kInputs; ++j) hn::StoreU(t[j], Df(), v + (i * kInputs + j) * v_step);
  }
}

// v of one tile, the `index`th of the `tiles` of its panel, which begins at `v`.
template <typename Tile>
void TransformTile(const WinogradProblem& p, const float* x, const Place& at, int64_t tiles,
                   float* v, int64_t v_step) {
  const Inside inside(p, at);
  const bool whole = inside.HasAll(Tile::kInputs);
  x += at.image * p.x.image();
  const int64_t row_step = p.x.columns * p.x.width, pixel_step = p.x.width;
  for (int64_t c = 0; c < p.x.stored(); c += kLanes) {
    const int64_t corner = p.x.channel(c) + p.x.pixel(inside.row, inside.column);
    const int64_t left = p.x.stored() - c;
    float* to = v + c / kWinogradChunk * tiles * kWinogradChunk + c % kWinogradChunk;
    if (whole && left >= kLanes) {
      const float* from = x + corner;
      TransformWindow<Tile>(
          [=](int i, int j)
              HWY_ATTR { return hn::LoadU(Df(), from + i * row_step + j * pixel_step); },
          to, v_step);
      continue;
    }
    TransformWindow<Tile>(
        [&](int i, int j) HWY_ATTR {
          if (!inside.Has(i, j)) return hn::Zero(Df());
          const float* from = x + (corner + i * row_step + j * pixel_step);
          return left >= kLanes ? hn::LoadU(Df(), from) : LoadFirst(from, left);
        },
        to, v_step);
  }
}

// m[tile][filter] = sum over channels of v[tile][channel] u[channel][filter], for the tiles of a
// panel and kVectors vectors of filters, in registers.
template <int kTiles, int kVectors>
void Product(int64_t channels, const float* v, const float* u, float* m) {
  const Df d;
  Vf sums[kTiles][kVectors];
#pragma GCC unroll 16
  for (int t = 0; t < kTiles; ++t) {
#pragma GCC unroll 2
    for (int i = 0; i < kVectors; ++i) sums[t][i] = hn::Zero(d);
  }
  for (; channels > 0; channels -= kWinogradChunk, v += kTiles * kWinogradChunk) {
    const int64_t count = std::min(channels, kWinogradChunk);
    for (int64_t c = 0; c < count; ++c, u += kWinogradBlock) {
      Vf filters[kVectors];
#pragma GCC unroll 2
      for (int i = 0; i < kVectors; ++i) {
        filters[i] = hn::LoadU(d, u + i * kLanes);
        hwy::Prefetch(u + kFiltersAhead + i * kLanes);
      }
#pragma GCC unroll 16
      for (int t = 0; t < kTiles; ++t) {
        const Vf value = Fill(v[t * kWinogradChunk + c]);
#pragma GCC unroll 2
        for (int i = 0; i < kVectors; ++i) {
          sums[t][i] = hn::MulAdd(value, filters[i], sums[t][i]);
        }
      }
    }
  }
#pragma GCC unroll 16
  for (int t = 0; t < kTiles; ++t) {
#pragma GCC unroll 2
    for (int i = 0; i < kVectors; ++i) {
      hn::StoreU(sums[t][i], d, m + t * kWinogradBlock + i * kLanes);
    }
  }
}

using ProductFn = void (*)(int64_t channels, const float* v, const float* u, float* m);
using ProductFns = std::array<ProductFn, kPanelTiles>;  // by tiles - 1

template <int kVectors, int... kTiles>
constexpr ProductFns MakeProducts(std::integer_sequence<int, kTiles...>) {
  return {Product<kTiles + 1, kVectors>...};
}
constexpr auto kPanelSizes = std::make_integer_sequence<int, kPanelTiles>();
constexpr ProductFns kOneVector = MakeProducts<1>(kPanelSizes);
constexpr ProductFns kTwoVectors = MakeProducts<2>(kPanelSizes);

// m of a block of filters, of which `filters` are stored; u: the block's.
void MultiplyBlock(const WinogradProblem& p, const Panels& panels, int64_t filters, const float* v,
                   int64_t v_step, const float* u, float* m, int64_t m_step) {
  const int64_t u_step = p.x.channels * kWinogradBlock;
  for (int64_t e = 0; e < p.elements(); ++e) {
    for (int64_t panel = 0; panel < panels.count; ++panel) {
      const int64_t first = panels.first(panel);
      const size_t size = static_cast<size_t>(panels.tiles(panel) - 1);
      const float* v_panel = v + e * v_step + first * p.chunks() * kWinogradChunk;
      float* m_panel = m + e * m_step + first * kWinogradBlock;
      for (int64_t k = 0; k < filters; k += 2 * kLanes) {
        const ProductFns& products = filters - k > kLanes ? kTwoVectors : kOneVector;
        products[size](p.x.channels, v_panel, u + e * u_step + k, m_panel + k);
      }
    }
  }
}

// The outputs of one tile for a vector of filters from `k` on; m: those of the tile's first
// element.
template <typename Tile>
HWY_INLINE void StoreTile(const WinogradProblem& p, const WinogradOperands& o, const Place& at,
                          int64_t k, const float* m, int64_t m_step) {
  constexpr int kInputs = Tile::kInputs, kOutputs = Tile::kOutputs;
  const Df d;
  Vf half[kOutputs][kInputs];
  for (int j = 0; j < kInputs; ++j) {
    Vf column[kInputs], y[kOutputs];
    for (int i = 0; i < kInputs; ++i) {
      column[i] = hn::LoadU(d, m + (i * kInputs + j) * m_step);
    }
    Tile::Output(column, y);
    for (int i = 0; i < kOutputs; ++i) half[i][j] = y[i];
  }
  const int64_t known = std::clamp<int64_t>(p.y.channels - k, 0, kLanes);
  const int64_t stored = std::min(p.y.stored() - k, kLanes);
  const auto load = [=](const float* from, int64_t n)
                        HWY_ATTR { return n >= kLanes ? hn::LoadU(d, from) : LoadFirst(from, n); };
  const Vf bias = o.bias == nullptr ? hn::Zero(d) : load(o.bias + k, known);
  const int64_t rows = std::min<int64_t>(kOutputs, p.y.rows - at.row);
  const int64_t columns = std::min<int64_t>(kOutputs, p.y.columns - at.column);
  for (int64_t i = 0; i < rows; ++i) {
    Vf y[kOutputs];
    Tile::Output(half[i], y);
    int64_t place = at.image * p.y.image() + p.y.channel(k) + p.y.pixel(at.row + i, at.column);
    for (int64_t j = 0; j < columns; ++j, place += p.y.width) {
      Vf result = hn::Add(y[j], bias);
      if (o.addend != nullptr) result = hn::Add(result, load(o.addend + place, stored));
      if (p.relu) result = hn::IfThenZeroElse(hn::Lt(result, hn::Zero(d)), result);
      // Padding stays zero, whatever NaN or infinity was multiplied with its zeros.
      if (known < stored) {
        result = hn::IfThenElseZero(hn::FirstN(d, static_cast<size_t>(known)), result);
      }
      if (stored >= kLanes) {
        hn::StoreU(result, d, o.y + place);
      } else {
        StoreFirst(result, o.y + place, stored);
      }
    }
  }
}

template <typename Tile>
void RunBand(const WinogradProblem& p, const WinogradOperands& o, const WinogradBand& band,
             float* v, float* m) {
  const Panels panels(band.tiles);
  const int64_t v_step = p.v_step(band.tiles), m_step = p.m_step(band.tiles);
  for (int64_t panel = 0; panel < panels.count; ++panel) {
    const int64_t first = panels.first(panel), tiles = panels.tiles(panel);
    float* v_panel = v + first * p.chunks() * kWinogradChunk;
    for (int64_t t = 0; t < tiles; ++t) {
      TransformTile<Tile>(p, o.x, Place(p, band.tile + first + t), tiles,
                          v_panel + t * kWinogradChunk, v_step);
    }
  }
  for (int64_t block = band.block; block < band.end_block; ++block) {
    const int64_t k = block * kWinogradBlock;
    const int64_t filters = std::min(kWinogradBlock, p.y.stored() - k);
    MultiplyBlock(p, panels, filters, v, v_step, o.u + p.elements() * p.x.channels * k, m, m_step);
    for (int64_t t = 0; t < band.tiles; ++t) {
      const Place at(p, band.tile + t);
      for (int64_t i = 0; i < filters; i += kLanes) {
        StoreTile<Tile>(p, o, at, k + i, m + t * kWinogradBlock + i, m_step);
      }
    }
  }
}

}  // namespace

void RunBandOfTiles(const WinogradProblem& p, const WinogradOperands& o, const WinogradBand& band,
                    float* v, float* m) {
  p.tile == 4 ? RunBand<Tile4>(p, o, band, v, m) : RunBand<Tile2>(p, o, band, v, m);
}

int64_t PanelTiles() { return kPanelTiles; }

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(RunBandOfTiles);
HWY_EXPORT(PanelTiles);

void RunWinogradBand(const WinogradProblem& p, const WinogradOperands& o, const WinogradBand& band,
                     float* v, float* m) {
  HWY_DYNAMIC_DISPATCH(RunBandOfTiles)(p, o, band, v, m);
}

int64_t WinogradPanelTiles() { return HWY_DYNAMIC_DISPATCH(PanelTiles)(); }

}  // namespace weft
#endif  // HWY_ONCE
