#ifndef WEFT_RUNTIME_HOST_WINOGRAD_PROBLEM_H_
#define WEFT_RUNTIME_HOST_WINOGRAD_PROBLEM_H_

#include <cstdint>

#include "runtime/host/product.h"

// A 3x3 convolution of stride 1 by Winograd's minimal filtering: for each tile of m x m outputs,
// the window of (m+2) x (m+2) inputs under it is transformed, multiplied with the transformed
// filters element by element, summed over channels, and transformed back. m is 4 or 2: 36 products
// instead of 144, or 16 instead of 36. Summed over channels, the products of one element of the
// window are a matrix product of tiles x channels with channels x filters.
//
// All three steps run on a band of tiles after the other, small enough for what is between them to
// stay in the L2 cache of the band's thread:
//
//   x --[inputs]--> v [panel][chunk of 16 channels][element][tile][channel]
//   for each block of 32 filters:
//     v, u [element][channel][filter] --[products]--> m [panel][element][tile][filter]
//     m --[outputs: + bias, + addend, Relu]--> y
//
// A panel is as many tiles as one product takes. What belongs to one is side by side: the window
// under a tile goes to 36 places, in more pages of memory than a CPU has at hand if the elements
// were outermost.

namespace weft {

inline constexpr int64_t kWinogradBlock = kFilterBlock;
inline constexpr int64_t kWinogradChunk = kChannelChunk;

// How images [N,C,H,W] lie: `width` channels side by side, all of them (channels-last) or blocks of
// them, the last one padded with zeros. In floats.
struct WinogradImages {
  int64_t channels = 0, rows = 0, columns = 0;
  int64_t width = 1;

  int64_t stored() const { return (channels + width - 1) / width * width; }  // channels
  int64_t image() const { return stored() * rows * columns; }
  int64_t pixel(int64_t row, int64_t column) const { return (row * columns + column) * width; }
  int64_t channel(int64_t c) const { return c / width * rows * columns * width + c % width; }
};

struct WinogradProblem {
  int64_t tile = 4;  // outputs along each axis: m
  int64_t images = 0;
  WinogradImages x, y;
  int64_t top = 0, left = 0;  // window (0, 0) begins at x's pixel (-top, -left)
  bool relu = false;

  int64_t tile_rows() const { return (y.rows + tile - 1) / tile; }
  int64_t tile_columns() const { return (y.columns + tile - 1) / tile; }
  int64_t tiles() const { return images * tile_rows() * tile_columns(); }
  int64_t elements() const { return (tile + 2) * (tile + 2); }
  int64_t chunks() const { return (x.channels + kWinogradChunk - 1) / kWinogradChunk; }
  int64_t blocks() const { return (y.channels + kWinogradBlock - 1) / kWinogradBlock; }

  // Floats of v and m for each tile of a band.
  int64_t v_floats() const { return elements() * chunks() * kWinogradChunk; }
  int64_t m_floats() const { return elements() * kWinogradBlock; }
};

struct WinogradOperands {
  const float* x = nullptr;
  const float* u = nullptr;       // as WinogradFilters lays them out
  const float* bias = nullptr;    // of y's channels, or null
  const float* addend = nullptr;  // as y lies, or null; may be y
  float* y = nullptr;
};

// The tiles [tile, tile + tiles) of all images, and blocks [block, end_block) of filters.
struct WinogradBand {
  int64_t tile = 0, tiles = 0;
  int64_t block = 0, end_block = 0;
};

// Computes the band on the calling thread. v and m: v_floats() and m_floats() for each of its
// tiles. The bits of a result do not depend on the band that it is in.
void RunWinogradBand(const WinogradProblem& p, const WinogradOperands& o, const WinogradBand& band,
                     float* v, float* m);

// Tiles that one product in registers takes: a band should have a multiple of it.
int64_t WinogradPanelTiles();

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_WINOGRAD_PROBLEM_H_
