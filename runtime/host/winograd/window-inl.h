// The transforms of what is under a tile, for all channels.

#include "runtime/host/simd/product-inl.h"
#include "runtime/host/winograd/transform-inl.h"

#if defined(WEFT_WINOGRAD_WINDOW_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_WINOGRAD_WINDOW_INL
#undef WEFT_WINOGRAD_WINDOW_INL
#else
#define WEFT_WINOGRAD_WINDOW_INL
#endif

#include "runtime/host/winograd/problem.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

// Where a tile is. From one to the next without divisions, which would take as long as the tile.
struct Place {
  Place(const WinogradProblem& p, int64_t tile)
      : image(tile / (p.tile_rows() * p.tile_columns())),
        row(tile / p.tile_columns() % p.tile_rows() * p.tile),
        column(tile % p.tile_columns() * p.tile) {}
  void Next(const WinogradProblem& p) {
    column += p.tile;
    if (column < p.y.columns) return;
    column = 0;
    row += p.tile;
    if (row < p.y.rows) return;
    row = 0;
    ++image;
  }

  int64_t image, row, column;  // of its first output
};

// A square of pixels, parts of which may be outside its image.
struct Square {
  Square(const WinogradImages& images, int64_t first_row, int64_t first_column)
      : row(first_row),
        column(first_column),
        end_row(images.rows - row),
        end_column(images.columns - column) {}
  bool Has(int64_t i, int64_t j) const {
    return i >= -row && i < end_row && j >= -column && j < end_column;
  }
  bool HasAll(int64_t size) const { return Has(0, 0) && Has(size - 1, size - 1); }

  int64_t row, column;          // of its first pixel
  int64_t end_row, end_column;  // of the image, from there
};

// What a tile reads, to its elements: inputs, or outputs' gradients.
template <typename Tile>
struct OfInputs {
  static constexpr int kFrom = Tile::kInputs, kTo = Tile::kInputs;
  static HWY_INLINE void Transform(const Vf (&d)[kFrom], Vf (&t)[kTo]) { Tile::Input(d, t); }
};
template <typename Tile>
struct OfGradients {
  static constexpr int kFrom = Tile::kOutputs, kTo = Tile::kInputs;
  static HWY_INLINE void Transform(const Vf (&d)[kFrom], Vf (&t)[kTo]) {
    Tile::OutputGradient(d, t);
  }
};

// Both axes, for one vector of channels. load(i, j): its pixels. The outer loops stay loops:
// unrolled, their addresses would not fit into registers.
template <typename Of, typename Load>
HWY_INLINE void TransformVector(const Load& load, float* v, int64_t v_step) {
  Vf half[Of::kTo][Of::kFrom];
#pragma GCC unroll 1
  for (int j = 0; j < Of::kFrom; ++j) {
    Vf d[Of::kFrom], t[Of::kTo];
    for (int i = 0; i < Of::kFrom; ++i) d[i] = load(i, j);
    Of::Transform(d, t);
    for (int i = 0; i < Of::kTo; ++i) half[i][j] = t[i];
  }
#pragma GCC unroll 1
  for (int i = 0; i < Of::kTo; ++i, v += Of::kTo * v_step) {
    Vf t[Of::kTo];
    Of::Transform(half[i], t);
    for (int j = 0; j < Of::kTo; ++j) hn::StoreU(t[j], Df(), v + j * v_step);
  }
}

// All channels of a square of image number `image`. `v`: its place in the first chunk of
// [chunk][element][tile][channel], with so many tiles.
template <typename Of>
HWY_INLINE void TransformSquare(const WinogradImages& images, const float* x, int64_t image,
                                const Square& square, int64_t tiles, float* v) {
  const bool whole = square.HasAll(Of::kFrom);
  const int64_t row_step = images.columns * images.width, pixel_step = images.width;
  const int64_t corner = image * images.image() + images.pixel(square.row, square.column);
  const int64_t stored = images.stored(), v_step = tiles * kWinogradChunk;
  for (int64_t c = 0; c < stored; c += kLanes) {
    const int64_t first = corner + images.channel(c), left = stored - c;
    float* to = v + c / kWinogradChunk * (Of::kTo * Of::kTo) * v_step + c % kWinogradChunk;
    if (whole && left >= kLanes) {
      const float* from = x + first;
      TransformVector<Of>(
          [=](int i, int j)
              HWY_ATTR { return hn::LoadU(Df(), from + i * row_step + j * pixel_step); },
          to, v_step);
      continue;
    }
    TransformVector<Of>(
        [&](int i, int j) HWY_ATTR {
          if (!square.Has(i, j)) return hn::Zero(Df());
          const float* from = x + (first + i * row_step + j * pixel_step);
          return left >= kLanes ? hn::LoadU(Df(), from) : LoadFirst(from, left);
        },
        to, v_step);
  }
}

// The window of inputs under a tile.
template <typename Tile>
HWY_INLINE void TransformWindow(const WinogradProblem& p, const float* x, const Place& at,
                                int64_t tiles, float* v) {
  const Square window(p.x, at.row - p.top, at.column - p.left);
  TransformSquare<OfInputs<Tile>>(p.x, x, at.image, window, tiles, v);
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
