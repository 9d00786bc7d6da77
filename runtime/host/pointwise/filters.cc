#include "runtime/host/pointwise/filters.h"

#include <algorithm>
#include <string>

#include "runtime/host/loops.h"
#include "runtime/host/pack_kernel.h"
#include "runtime/host/product.h"

namespace weft {
namespace {

constexpr std::string_view kPointwiseNative = "weft:pointwise";

int64_t FilterBlocks(const PointwiseFilters& f) {
  return (f.filters + kFilterBlock - 1) / kFilterBlock;
}

}  // namespace

int64_t PointwiseFilters::floats() const { return FilterBlocks(*this) * kFilterBlock * channels; }

Layout PointwiseFilters::layout() const {
  return Layout::Native(DType::kF32, {filters, channels, 1, 1}, "pointwise",
                        std::string(kPointwiseNative),
                        static_cast<size_t>(floats()) * sizeof(float), /*elementwise=*/false);
}

std::optional<PointwiseFilters> FindPointwiseFilters(const Layout& layout) {
  if (layout.native() != kPointwiseNative) return std::nullopt;
  return PointwiseFilters{.channels = layout.dims()[1], .filters = layout.dims()[0]};
}

void PackFilters(const PointwiseFilters& f, const float* w, float* u) {
  const int64_t block_floats = kFilterBlock * f.channels;
  ParallelFor(FilterBlocks(f), ItemGrain(block_floats), [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * kFilterBlock, count = std::min(kFilterBlock, f.filters - first);
      float* to = u + block * block_floats;
      for (int64_t c = 0; c < f.channels; ++c, to += kFilterBlock) {
        for (int64_t k = 0; k < count; ++k) to[k] = w[(first + k) * f.channels + c];
        std::fill(to + count, to + kFilterBlock, 0.0f);
      }
    }
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> MakePointwiseReorder(const Layout& from, const Layout& to) {
  return MakePackKernel(from, to, "pointwise filters",
                        [filters = *FindPointwiseFilters(to)](const float* w, float* u) {
                          PackFilters(filters, w, u);
                        });
}

}  // namespace weft
