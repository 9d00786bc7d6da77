#ifndef WEFT_RUNTIME_HOST_WINOGRAD_FILTERS_H_
#define WEFT_RUNTIME_HOST_WINOGRAD_FILTERS_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "runtime/kernel.h"

namespace weft {

// The weights of a 3x3 convolution, transformed for tiles of `tile` x `tile` outputs: in blocks of
// 32 filters, each of them [element][channel][filter], the last one padded with zeros. Transformed
// in double and rounded once.
struct WinogradFilters {
  int64_t tile = 4;
  // For the data gradient: W's outputs are the channels, its inputs the filters, and taps are read
  // backwards.
  bool backward = false;
  int64_t channels = 0, filters = 0;

  int64_t floats() const;
  // The layout of W, [filters,channels,3,3], or [channels,filters,3,3] if backward: what a kernel
  // asks for whose weights are constant, so that they are transformed once.
  Layout layout() const;
};

// Nothing where the layout is of another kind.
std::optional<WinogradFilters> FindWinogradFilters(const Layout& layout);

// u: f.floats() of them. On the run's threads.
void TransformFilters(const WinogradFilters& f, const float* w, float* u);

// The reorder from row-major weights to those of `to`. Unimplemented for others.
absl::StatusOr<std::unique_ptr<Kernel>> MakeWinogradReorder(const Layout& from, const Layout& to);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_WINOGRAD_FILTERS_H_
