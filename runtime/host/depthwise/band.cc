#include <algorithm>

#include "runtime/host/depthwise/problem.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/depthwise/band.cc"
#include "runtime/host/simd/simd_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

constexpr int kDepthwiseColumns = 4;

// The outputs of a tile and the pixels that they read.
template <int kTapsOf, int kStrideOf, int kRowsOf>
struct DepthwiseTile {
  static constexpr int kTaps = kTapsOf, kStride = kStrideOf;
  static constexpr int kRows = kRowsOf, kColumns = kDepthwiseColumns;
  static constexpr int kInRows = (kRows - 1) * kStride + kTaps;
  static constexpr int kInColumns = (kColumns - 1) * kStride + kTaps;
};

// Of `size` pixels of an axis, those from `from` on, the ones inside [0, extent).
struct DepthwiseSpan {
  DepthwiseSpan(int64_t from, int size, int64_t extent)
      : first(static_cast<int>(std::clamp<int64_t>(-from, 0, size))),
        end(static_cast<int>(std::clamp<int64_t>(extent - from, 0, size))) {}
  bool Has(int i) const { return i >= first && i < end; }

  int first, end;
};

// Where a tile is, and which parts of it there are.
struct DepthwisePlace {
  DepthwiseSpan x_rows, x_columns;  // inside the image
  int columns;                      // of y
  int64_t x, y;                     // its first pixel's channel 0; x's may be outside

  template <typename Tile>
  bool IsWhole() const {
    return x_columns.first == 0 && x_columns.end == Tile::kInColumns && columns == Tile::kColumns;
  }
};

// A vector of channels from c on of the tile. If kWhole, all columns and channels of it are there;
// else `count` channels.
template <typename Tile, bool kWhole>
HWY_INLINE void DepthwiseOutputs(const DepthwiseProblem& p, const DepthwiseOperands& o,
                                 const DepthwisePlace& at, int64_t c, int64_t count) {
  constexpr int kTaps = Tile::kTaps, kStride = Tile::kStride;
  const Df d;
  const auto load = [count](const float* from) HWY_ATTR {
    return kWhole ? hn::LoadU(Df(), from) : LoadFirst(from, count);
  };
  Vf w[kTaps][kTaps];
#pragma GCC unroll 8
  for (int i = 0; i < kTaps; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < kTaps; ++j) w[i][j] = load(o.w + (i * kTaps + j) * p.channels + c);
  }
  const Vf bias = o.bias == nullptr ? hn::Zero(d) : load(o.bias + c);
  Vf sums[Tile::kRows][Tile::kColumns];
#pragma GCC unroll 8
  for (auto& row : sums) {
#pragma GCC unroll 8
    for (Vf& sum : row) sum = bias;
  }
#pragma GCC unroll 16
  for (int i = 0; i < Tile::kInRows; ++i) {
    if (!at.x_rows.Has(i)) continue;
    const int64_t row = at.x + c + i * p.x_row();
#pragma GCC unroll 16
    for (int j = 0; j < Tile::kInColumns; ++j) {
      if (!kWhole && !at.x_columns.Has(j)) continue;
      const Vf x = load(o.x + row + j * p.x_pixel);
#pragma GCC unroll 8
      for (int r = 0; r < Tile::kRows; ++r) {
        const int tap_row = i - r * kStride;
#pragma GCC unroll 8
        for (int k = 0; k < Tile::kColumns; ++k) {
          const int tap = j - k * kStride;
          if (tap_row < 0 || tap_row >= kTaps || tap < 0 || tap >= kTaps) continue;
          sums[r][k] = hn::MulAdd(x, w[tap_row][tap], sums[r][k]);
        }
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < Tile::kRows; ++r) {
    float* const y = o.y + at.y + c + r * p.y_row();
#pragma GCC unroll 8
    for (int k = 0; k < Tile::kColumns; ++k) {
      const Vf result = AtMost(AtLeast(sums[r][k], p.bounds.least), p.bounds.most);
      if constexpr (kWhole) {
        hn::StoreU(result, d, y + k * p.y_pixel);
      } else if (k < at.columns) {
        StoreFirst(result, y + k * p.y_pixel, count);
      }
    }
  }
}

// The output rows from `row` on that the tile has. Problem and operands are copies, so that the
// compiler knows that stores do not change them.
template <typename Tile>
void DepthwiseRows(const DepthwiseProblem p, const DepthwiseOperands o, const DepthwiseBand& band,
                   int64_t row) {
  const int64_t x_row = row * p.stride - p.top;
  for (int64_t column = 0; column < p.out_columns; column += Tile::kColumns) {
    const int64_t x_column = column * p.stride - p.left;
    const DepthwisePlace at{
        .x_rows = {x_row, Tile::kInRows, p.rows},
        .x_columns = {x_column, Tile::kInColumns, p.columns},
        .columns = static_cast<int>(std::min<int64_t>(Tile::kColumns, p.out_columns - column)),
        .x = (band.image * p.rows + x_row) * p.x_row() + x_column * p.x_pixel,
        .y = band.image * p.y_image() + row * p.y_row() + column * p.y_pixel};
    int64_t c = band.channel;
    if (at.template IsWhole<Tile>()) {
      for (; c + Lanes() <= band.end_channel; c += Lanes()) {
        DepthwiseOutputs<Tile, true>(p, o, at, c, Lanes());
      }
    }
    for (; c < band.end_channel; c += Lanes()) {
      DepthwiseOutputs<Tile, false>(p, o, at, c, std::min(Lanes(), band.end_channel - c));
    }
  }
}

template <int kTaps, int kStride>
void DepthwiseBandOf(const DepthwiseProblem& p, const DepthwiseOperands& o,
                     const DepthwiseBand& band) {
  int64_t row = band.row;
  for (; row + 2 <= band.end_row; row += 2) {
    DepthwiseRows<DepthwiseTile<kTaps, kStride, 2>>(p, o, band, row);
  }
  if (row < band.end_row) DepthwiseRows<DepthwiseTile<kTaps, kStride, 1>>(p, o, band, row);
}

}  // namespace

void DepthwiseBandFor(const DepthwiseProblem& p, const DepthwiseOperands& o,
                      const DepthwiseBand& band) {
  if (p.taps == 3) {
    p.stride == 1 ? DepthwiseBandOf<3, 1>(p, o, band) : DepthwiseBandOf<3, 2>(p, o, band);
  } else {
    p.stride == 1 ? DepthwiseBandOf<5, 1>(p, o, band) : DepthwiseBandOf<5, 2>(p, o, band);
  }
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(DepthwiseBandFor);

void RunDepthwiseBand(const DepthwiseProblem& p, const DepthwiseOperands& o,
                      const DepthwiseBand& band) {
  HWY_DYNAMIC_DISPATCH(DepthwiseBandFor)(p, o, band);
}

}  // namespace weft
#endif  // HWY_ONCE
