#include "runtime/host/winograd/filters.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/pack_kernel.h"
#include "runtime/host/winograd/problem.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/winograd/filters.cc"
#include "runtime/host/winograd/transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

constexpr int64_t kTaps = 9;

// The taps of one channel of a block's filters. Leaves g as it is where there is no filter.
HWY_INLINE void LoadTaps(const WinogradFilters& f, const float* w, int64_t first, int64_t channel,
                         float (&g)[kTaps][kWinogradBlock]) {
  const int64_t count = std::min(kWinogradBlock, f.filters - first);
  for (int64_t k = 0; k < count; ++k) {
    const float* taps = w + kTaps * (f.backward ? channel * f.filters + first + k
                                                : (first + k) * f.channels + channel);
    for (int64_t t = 0; t < kTaps; ++t) g[t][k] = taps[f.backward ? kTaps - 1 - t : t];
  }
}

// Of one channel, to u[element * step].
template <typename Tile>
HWY_INLINE void TransformChannel(const float (&g)[kTaps][kWinogradBlock], int64_t step, float* u) {
  constexpr int kInputs = Tile::kInputs;
  const hn::Rebind<float, Dd> floats;
  for (int64_t k = 0; k < kWinogradBlock; k += static_cast<int64_t>(hn::Lanes(Dd()))) {
    Vd half[kInputs][3];
    for (int j = 0; j < 3; ++j) {
      Vd column[kInputs];
      Tile::Filter({LoadDouble(g[j] + k), LoadDouble(g[3 + j] + k), LoadDouble(g[6 + j] + k)},
                   column);
      for (int i = 0; i < kInputs; ++i) half[i][j] = column[i];
    }
    for (int i = 0; i < kInputs; ++i) {
      Vd row[kInputs];
      Tile::Filter(half[i], row);
      for (int j = 0; j < kInputs; ++j) {
        hn::StoreU(hn::DemoteTo(floats, row[j]), floats, u + (i * kInputs + j) * step + k);
      }
    }
  }
}

// Some channels at a time, so that u is written in longer pieces: the places of one channel are a
// power of two apart in most networks, and would drive one another out of the caches.
template <typename Tile>
void TransformBlock(const WinogradFilters& f, const float* w, int64_t block, float* u) {
  constexpr int64_t kTogether = 4, kElements = Tile::kInputs * Tile::kInputs;
  constexpr int64_t kStep = kTogether * kWinogradBlock;
  HWY_ALIGN float g[kTaps][kWinogradBlock] = {};
  HWY_ALIGN float some[kElements * kStep];
  for (int64_t c = 0; c < f.channels; c += kTogether) {
    const int64_t channels = std::min(kTogether, f.channels - c);
    for (int64_t i = 0; i < channels; ++i) {
      LoadTaps(f, w, block * kWinogradBlock, c + i, g);
      TransformChannel<Tile>(g, kStep, some + i * kWinogradBlock);
    }
    for (int64_t e = 0; e < kElements; ++e) {
      std::copy_n(some + e * kStep, channels * kWinogradBlock,
                  u + (e * f.channels + c) * kWinogradBlock);
    }
  }
}

}  // namespace

void TransformFilterBlock(const WinogradFilters& f, const float* w, int64_t block, float* u) {
  f.tile == 4 ? TransformBlock<Tile4>(f, w, block, u) : TransformBlock<Tile2>(f, w, block, u);
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(TransformFilterBlock);

namespace {

constexpr std::string_view kWinogradNative = "weft:winograd";

std::string WinogradNativeOf(const WinogradFilters& f) {
  return absl::StrCat(Absl(kWinogradNative), f.tile, f.backward ? "b" : "f");
}

}  // namespace

int64_t WinogradFilters::floats() const {
  const int64_t blocks = (filters + kWinogradBlock - 1) / kWinogradBlock;
  return (tile + 2) * (tile + 2) * channels * blocks * kWinogradBlock;
}

Layout WinogradFilters::layout() const {
  const Dims dims = {backward ? channels : filters, backward ? filters : channels, 3, 3};
  return Layout::Native(DType::kF32, dims,
                        absl::StrCat("winograd", tile, "x", tile, backward ? "-backward" : ""),
                        WinogradNativeOf(*this), static_cast<size_t>(floats()) * sizeof(float),
                        /*elementwise=*/false);
}

std::optional<WinogradFilters> FindWinogradFilters(const Layout& layout) {
  if (layout.native().compare(0, kWinogradNative.size(), kWinogradNative) != 0) return std::nullopt;
  WinogradFilters f{.channels = layout.dims()[1], .filters = layout.dims()[0]};
  f.tile = layout.native()[kWinogradNative.size()] - '0';
  f.backward = layout.native().back() == 'b';
  if (f.backward) std::swap(f.channels, f.filters);
  return f;
}

void TransformFilters(const WinogradFilters& f, const float* w, float* u) {
  const int64_t blocks = (f.filters + kWinogradBlock - 1) / kWinogradBlock;
  const int64_t block_floats = f.floats() / std::max<int64_t>(blocks, 1);
  ParallelFor(blocks, std::max<int64_t>(1, kMathGrain / std::max<int64_t>(block_floats, 1)),
              [&](int64_t begin, int64_t end) {
                for (int64_t block = begin; block < end; ++block) {
                  HWY_DYNAMIC_DISPATCH(TransformFilterBlock)
                  (f, w, block, u + block * block_floats);
                }
              });
}

absl::StatusOr<std::unique_ptr<Kernel>> MakeWinogradReorder(const Layout& from, const Layout& to) {
  return MakePackKernel(from, to, "winograd filters",
                        [filters = *FindWinogradFilters(to)](const float* w, float* u) {
                          TransformFilters(filters, w, u);
                        });
}

}  // namespace weft
#endif  // HWY_ONCE
