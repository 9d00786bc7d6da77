#include <algorithm>
#include <array>
#include <utility>

#include "runtime/host/winograd/problem.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/winograd/band.cc"
#include "runtime/host/winograd/window-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

// Tiles of a panel: sums that fit into the registers beside two vectors of filters and one of v.
constexpr int kPanelTiles = HWY_MAX_BYTES == 64 ? 14 : HWY_MAX_BYTES == 32 ? 6 : 4;
constexpr int64_t kFiltersAhead = 64 * kWinogradBlock;  // floats, where one panel reads them all

// Into the L2 cache.
HWY_INLINE void Fetch(const float* p) { __builtin_prefetch(p, 0, 2); }

// A band's tiles in panels of nearly the same size.
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

// One product: of an element, for a panel and vectors of filters.
struct Factors {
  int64_t channels;
  const float* v;
  int64_t v_step;  // to the next chunk of channels
  const float* u;
  const float* ahead;  // filters of a product to come: 128 bytes are fetched for each channel, from
  int64_t ahead_step;  // places so many floats apart
};

// m[tile][filter] = sum over channels of v[tile][channel] u[channel][filter], in registers.
template <int kTiles, int kVectors>
void Product(const Factors& f, float* m) {
  const Df d;
  Vf sums[kTiles][kVectors];
#pragma GCC unroll 16
  for (int t = 0; t < kTiles; ++t) {
#pragma GCC unroll 2
    for (int i = 0; i < kVectors; ++i) sums[t][i] = hn::Zero(d);
  }
  const float *v = f.v, *u = f.u, *ahead = f.ahead;
  for (int64_t left = f.channels; left > 0; left -= kWinogradChunk, v += f.v_step) {
    const int64_t count = std::min(left, kWinogradChunk);
    for (int64_t c = 0; c < count; ++c, u += kWinogradBlock, ahead += f.ahead_step) {
      Fetch(ahead);
      Fetch(ahead + kWinogradBlock / 2);
      Vf filters[kVectors];
#pragma GCC unroll 2
      for (int i = 0; i < kVectors; ++i) filters[i] = hn::LoadU(d, u + i * kLanes);
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

using ProductFn = void (*)(const Factors& f, float* m);
using ProductFns = std::array<ProductFn, kPanelTiles>;  // by tiles - 1

template <int kVectors, int... kTiles>
constexpr ProductFns MakeProducts(std::integer_sequence<int, kTiles...>) {
  return {Product<kTiles + 1, kVectors>...};
}
constexpr auto kPanelSizes = std::make_integer_sequence<int, kPanelTiles>();
constexpr ProductFns kOneVector = MakeProducts<1>(kPanelSizes);
constexpr ProductFns kTwoVectors = MakeProducts<2>(kPanelSizes);

// m of a block of filters, of which `filters` are stored; u: the block's. While the panels use an
// element's filters, each fetches its share of the next one's.
void MultiplyBlock(const WinogradProblem& p, const Panels& panels, int64_t filters, const float* v,
                   const float* u, float* m) {
  const int64_t u_step = p.x.channels * kWinogradBlock;
  const bool one = panels.count == 1;
  const int64_t share = p.x.channels * (kWinogradBlock / panels.count);
  for (int64_t e = 0; e < p.elements(); ++e, u += u_step) {
    for (int64_t panel = 0; panel < panels.count; ++panel) {
      const int64_t first = panels.first(panel), tiles = panels.tiles(panel);
      float* m_panel = m + first * p.m_floats() + e * tiles * kWinogradBlock;
      Factors factors{.channels = p.x.channels,
                      .v = v + first * p.v_floats() + e * tiles * kWinogradChunk,
                      .v_step = p.elements() * tiles * kWinogradChunk,
                      .u = u,
                      .ahead = one ? u + kFiltersAhead : u + u_step + panel * share,
                      .ahead_step = kWinogradBlock / panels.count};
      for (int64_t k = 0; k < filters; k += 2 * kLanes, factors.u += 2 * kLanes) {
        const ProductFns& products = filters - k > kLanes ? kTwoVectors : kOneVector;
        products[static_cast<size_t>(tiles - 1)](factors, m_panel + k);
      }
    }
  }
}

// What becomes of a vector of outputs before it is stored.
struct Finish {
  Finish(const WinogradProblem& p, const WinogradOperands& o, int64_t k)
      : addend(o.addend),
        y(o.y),
        relu(p.relu),
        known(std::clamp<int64_t>(p.y.channels - k, 0, kLanes)),
        stored(std::min(p.y.stored() - k, kLanes)),
        bias(o.bias == nullptr ? hn::Zero(Df()) : Load(o.bias + k, known)) {}

  static HWY_INLINE Vf Load(const float* from, int64_t n) {
    return n >= kLanes ? hn::LoadU(Df(), from) : LoadFirst(from, n);
  }

  HWY_INLINE void Store(Vf result, int64_t place) const {
    const Df d;
    result = hn::Add(result, bias);
    if (addend != nullptr) result = hn::Add(result, Load(addend + place, stored));
    if (relu) result = hn::IfThenZeroElse(hn::Lt(result, hn::Zero(d)), result);
    if (stored < kLanes) return StoreFirst(result, y + place, stored);
    // Padding stays zero, whatever NaN or infinity was multiplied with its zeros.
    if (known < kLanes) {
      result = hn::IfThenElseZero(hn::FirstN(d, static_cast<size_t>(known)), result);
    }
    hn::StoreU(result, d, y + place);
  }

  const float* addend;
  float* y;
  bool relu;
  int64_t known;   // channels that there are
  int64_t stored;  // with padding
  Vf bias;
};

// The outputs of one tile for a vector of filters from `k` on; m: those of the tile's first
// element.
template <typename Tile>
HWY_INLINE void StoreTile(const WinogradProblem& p, const Finish& finish, const Place& at,
                          int64_t k, const float* m, int64_t m_step) {
  constexpr int kInputs = Tile::kInputs, kOutputs = Tile::kOutputs;
  Vf half[kOutputs][kInputs];
#pragma GCC unroll 1
  for (int j = 0; j < kInputs; ++j, m += m_step) {
    Vf column[kInputs], y[kOutputs];
    for (int i = 0; i < kInputs; ++i) column[i] = hn::LoadU(Df(), m + i * kInputs * m_step);
    Tile::Output(column, y);
    for (int i = 0; i < kOutputs; ++i) half[i][j] = y[i];
  }
  const int64_t rows = std::min<int64_t>(kOutputs, p.y.rows - at.row);
  const int64_t columns = std::min<int64_t>(kOutputs, p.y.columns - at.column);
  int64_t place = at.image * p.y.image() + p.y.channel(k) + p.y.pixel(at.row, at.column);
  for (int64_t i = 0; i < rows; ++i, place += p.y.columns * p.y.width) {
    Vf y[kOutputs];
    Tile::Output(half[i], y);
    for (int j = 0; j < kOutputs; ++j) {
      if (j < columns) finish.Store(y[j], place + j * p.y.width);
    }
  }
}

template <typename Tile>
void RunBand(const WinogradProblem& p, const WinogradOperands& o, const WinogradBand& band,
             float* v, float* m) {
  const Panels panels(band.tiles);
  // Calls f(place, first tile of the panel, tile in it, tiles of it) for each tile.
  const auto for_each_tile = [&p, &band, &panels](const auto& f) HWY_ATTR {
    Place at(p, band.tile);
    for (int64_t panel = 0; panel < panels.count; ++panel) {
      const int64_t first = panels.first(panel), tiles = panels.tiles(panel);
      for (int64_t t = 0; t < tiles; ++t, at.Next(p)) f(at, first, t, tiles);
    }
  };
  for_each_tile([&](const Place& at, int64_t first, int64_t t, int64_t tiles) HWY_ATTR {
    TransformWindow<Tile>(p, o.x, at, tiles, v + first * p.v_floats() + t * kWinogradChunk);
  });
  for (int64_t block = band.block; block < band.end_block; ++block) {
    const int64_t k = block * kWinogradBlock;
    const int64_t filters = std::min(kWinogradBlock, p.y.stored() - k);
    MultiplyBlock(p, panels, filters, v, o.u + p.elements() * p.x.channels * k, m);
    for (int64_t i = 0; i < filters; i += kLanes) {
      const Finish finish(p, o, k + i);
      for_each_tile([&](const Place& at, int64_t first, int64_t t, int64_t tiles) HWY_ATTR {
        StoreTile<Tile>(p, finish, at, k + i, m + first * p.m_floats() + t * kWinogradBlock + i,
                        tiles * kWinogradBlock);
      });
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
