#include <algorithm>

#include "runtime/host/winograd/problem.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/winograd/band.cc"
#include "runtime/host/simd/product-inl.h"
#include "runtime/host/winograd/window-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

constexpr int64_t kFiltersAhead = 64 * kWinogradBlock;  // floats, where one panel reads them all

// To m[tile][filter].
struct StoreSums {
  float* m;

  static HWY_INLINE Vf Start(int) { return hn::Zero(Df()); }
  template <int kTiles, int kVectors>
  HWY_INLINE void Take(const Vf (&sums)[kTiles][kVectors]) const {
#pragma GCC unroll 16
    for (int t = 0; t < kTiles; ++t) {
#pragma GCC unroll 2
      for (int i = 0; i < kVectors; ++i) {
        hn::StoreU(sums[t][i], Df(), m + t * kWinogradBlock + i * kLanes);
      }
    }
  }
};

template <int kTiles>
struct ProductOfTiles {
  static void Run(const Factors& f, bool two, float* m) {
    two ? Product<kTiles, 2, kWinogradChunk>(f, StoreSums{m})
        : Product<kTiles, 1, kWinogradChunk>(f, StoreSums{m});
  }
};

// m of a block of filters, of which `filters` are stored; u: the block's. While the panels use an
// element's filters, each fetches its share of the next one's.
void MultiplyBlock(const WinogradProblem& p, const Panels& panels, int64_t filters, const float* v,
                   const float* u, float* m) {
  const int64_t u_step = p.x.channels * kWinogradBlock;
  const bool one = panels.count == 1;
  const int64_t step = kWinogradBlock / panels.count;
  for (int64_t e = 0; e < p.elements(); ++e, u += u_step) {
    for (int64_t panel = 0; panel < panels.count; ++panel) {
      const int64_t first = panels.first(panel), tiles = panels.rows(panel);
      float* m_panel = m + first * p.m_floats() + e * tiles * kWinogradBlock;
      const float* ahead = u + (one ? kFiltersAhead : u_step + panel * p.x.channels * step);
      Factors factors{.channels = p.x.channels,
                      .v = v + first * p.v_floats() + e * tiles * kWinogradChunk,
                      .row_step = kWinogradChunk,
                      .chunk_step = p.elements() * tiles * kWinogradChunk,
                      .u = u,
                      .ahead = {{ahead, step}, {ahead + kWinogradBlock / 2, step}}};
      for (int64_t k = 0; k < filters; k += 2 * kLanes, factors.u += 2 * kLanes) {
        ByRows<ProductOfTiles>::For(tiles)(factors, filters - k > kLanes, m_panel + k);
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
      const int64_t first = panels.first(panel), tiles = panels.rows(panel);
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

int64_t PanelTiles() { return kPanelRows; }

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
