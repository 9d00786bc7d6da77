#ifndef WEFT_RUNTIME_HOST_POINTWISE_FILTERS_H_
#define WEFT_RUNTIME_HOST_POINTWISE_FILTERS_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "runtime/kernel.h"

namespace weft {

// The weights of a 1x1 convolution, [filters,channels,1,1], in blocks of filters as product.h says.
struct PointwiseFilters {
  int64_t channels = 0, filters = 0;

  int64_t floats() const;
  // What a kernel asks for whose weights are constant, so that they are packed once.
  Layout layout() const;
};

// Nothing where the layout is of another kind.
std::optional<PointwiseFilters> FindPointwiseFilters(const Layout& layout);

// u: f.floats() of them. On the run's threads.
void PackFilters(const PointwiseFilters& f, const float* w, float* u);

// The reorder from row-major weights to those of `to`. Unimplemented for others.
absl::StatusOr<std::unique_ptr<Kernel>> MakePointwiseReorder(const Layout& from, const Layout& to);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_POINTWISE_FILTERS_H_
