// The matrix product of Winograd's and of pointwise convolutions, in registers: a panel of rows
// with one or two vectors of filters (product.h says how they lie).

#include "runtime/host/simd/simd-inl.h"

#if defined(WEFT_PRODUCT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_PRODUCT_INL
#undef WEFT_PRODUCT_INL
#else
#define WEFT_PRODUCT_INL
#endif

#include <algorithm>
#include <array>
#include <utility>

#include "runtime/host/product.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(Df()));
static_assert(kChannelChunk % kLanes == 0);

// Rows of a panel: sums that fit into the registers beside two vectors of filters and one of v.
constexpr int kPanelRows = HWY_MAX_BYTES == 64 ? 14 : HWY_MAX_BYTES == 32 ? 6 : 4;

// Rows in panels of nearly the same size.
struct Panels {
  explicit Panels(int64_t rows)
      : count((rows + kPanelRows - 1) / kPanelRows), size(rows / count), larger(rows % count) {}
  int64_t first(int64_t panel) const { return panel * size + std::min(panel, larger); }
  int64_t rows(int64_t panel) const { return size + (panel < larger ? 1 : 0); }

  int64_t count;
  int64_t size;
  int64_t larger;  // so many panels have one row more
};

// What will be needed after a product, in lines of 64 bytes: one is fetched for each channel. Steps
// in floats, from a channel to the next, and from a chunk to the next.
struct Ahead {
  const float* at = nullptr;
  int64_t step = 0;
  int64_t chunk_step = kChannelChunk * step;
};

// One product: of a panel and vectors of filters.
struct Factors {
  int64_t channels = 0;
  const float* v = nullptr;
  int64_t row_step = 0;    // from a row to the next, where Product is not told
  int64_t chunk_step = 0;  // to the next chunk of channels
  const float* u = nullptr;
  Ahead ahead[2] = {};
};

// Calls use.Take(sums), sums[row][vector] being use.Start(vector) plus the sum over channels of
// v[row][channel] u[channel][filters of the vector]. kRowStep: Factors::row_step where it is known.
template <int kRows, int kVectors, int64_t kRowStep, typename Use>
HWY_INLINE void Product(const Factors& f, const Use& use) {
  Vf sums[kRows][kVectors];
#pragma GCC unroll 2
  for (int i = 0; i < kVectors; ++i) {
    const Vf start = use.Start(i);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) sums[r][i] = start;
  }
  // Three rows from one address each: those of all would not fit into registers.
  constexpr int kBases = (kRows + 2) / 3;
  const float *chunk = f.v, *u = f.u;
  const float *ahead_chunk = f.ahead[0].at, *other_chunk = f.ahead[1].at;
  int64_t row_step = kRowStep > 0 ? kRowStep : f.row_step;
  for (int64_t left = f.channels; left > 0; left -= kChannelChunk) {
    const int64_t count = std::min(left, kChannelChunk);
    const float* v[kBases];
#pragma GCC unroll 8
    for (int b = 0; b < kBases; ++b) v[b] = chunk + 3 * b * row_step;
    const float *ahead = ahead_chunk, *other = other_chunk;
    for (int64_t c = 0; c < count; ++c, u += kFilterBlock) {
      if (kRowStep == 0) asm("" : "+r"(row_step));  // NOLINT: keeps addresses out of registers
      __builtin_prefetch(ahead, 0, 2);              // into the L2 cache
      __builtin_prefetch(other, 0, 2);
      ahead += f.ahead[0].step;
      other += f.ahead[1].step;
      Vf filters[kVectors];
#pragma GCC unroll 2
      for (int i = 0; i < kVectors; ++i) filters[i] = hn::LoadU(Df(), u + i * kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const Vf value = Fill(v[r / 3][r % 3 * row_step]);
#pragma GCC unroll 2
        for (int i = 0; i < kVectors; ++i) sums[r][i] = hn::MulAdd(value, filters[i], sums[r][i]);
      }
#pragma GCC unroll 8
      for (int b = 0; b < kBases; ++b) ++v[b];
    }
    chunk += f.chunk_step;
    ahead_chunk += f.ahead[0].chunk_step;
    other_chunk += f.ahead[1].chunk_step;
  }
  use.Take(sums);
}

// Of<rows>::Run for every number of rows that a panel may have, by rows - 1.
template <template <int> typename Of>
struct ByRows {
  using Function = decltype(&Of<1>::Run);

  static Function For(int64_t rows) { return kTable[static_cast<size_t>(rows - 1)]; }

 private:
  template <int... kBefore>
  static constexpr std::array<Function, kPanelRows> Make(std::integer_sequence<int, kBefore...>) {
    return {&Of<kBefore + 1>::Run...};
  }
  static constexpr std::array<Function, kPanelRows> kTable =
      Make(std::make_integer_sequence<int, kPanelRows>());
};

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
