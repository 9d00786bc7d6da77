#include <cstring>
#include <vector>

#include "ops/random_placement.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"

// RandomPlacement and its gradient, a channel of an example at a time.

namespace weft {
namespace {

// f(small, large) for the rows of a channel: their first elements. The channel's element 0 lies at
// `start` of the large one.
template <typename F>
void ForEachRow(const TensorView& small, const TensorView& large, int64_t start, F f) {
  const int64_t width = small.dim(small.rank() - 1);
  int64_t rows = 1;
  for (int axis = 2; axis + 1 < small.rank(); ++axis) rows *= small.dim(axis);
  for (int64_t row = 0; row < rows; ++row) {
    int64_t rest = row, at = start, stride = large.dim(large.rank() - 1);
    for (int axis = small.rank() - 2; axis >= 2; --axis) {
      at += rest % small.dim(axis) * stride;
      rest /= small.dim(axis);
      stride *= large.dim(axis);
    }
    f(row * width, at);
  }
}

absl::Status PlaceValues(const EvalContext& c, bool gradient) {
  const TensorView& small = gradient ? c.out() : c.in(0);
  const TensorView& large = gradient ? c.in(0) : c.out();
  if (c.out().size() == 0) return absl::OkStatus();
  const size_t element = SizeOf(small.dtype);
  const int64_t channels = small.dim(0) * small.dim(1);
  const int64_t small_size = small.size() / channels, large_size = large.size() / channels;
  const size_t row_bytes = static_cast<size_t>(small.dim(small.rank() - 1)) * element;
  auto* small_data = static_cast<std::byte*>(small.data);
  auto* large_data = static_cast<std::byte*>(large.data);
  const PlacementOffsets offsets(c);
  ParallelFor(channels, std::max<int64_t>(1, kGrain / large_size), [&](int64_t begin, int64_t end) {
    for (int64_t channel = begin; channel < end; ++channel) {
      std::byte* from = small_data + static_cast<size_t>(channel * small_size) * element;
      std::byte* to = large_data + static_cast<size_t>(channel * large_size) * element;
      if (!gradient) std::memset(to, 0, static_cast<size_t>(large_size) * element);
      if (small_size == 0) continue;
      int64_t start = 0, stride = 1;
      for (int axis = small.rank() - 1; axis >= 2; --axis) {
        start += offsets.At(channel / small.dim(1), axis - 2) * stride;
        stride *= large.dim(axis);
      }
      ForEachRow(small, large, start, [&](int64_t i, int64_t place) {
        std::byte* inside = from + static_cast<size_t>(i) * element;
        std::byte* outside = to + static_cast<size_t>(place) * element;
        std::memcpy(gradient ? inside : outside, gradient ? outside : inside, row_bytes);
      });
    }
  });
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Kernels> HostPlacement(const KernelRequest& request) {
  const bool gradient = request.node.op_name() == "RandomPlacementGrad";
  Kernels kernels;
  kernels.push_back(MakeHostKernel(request, "weft", "row copies", [gradient](const EvalContext& c) {
    return PlaceValues(c, gradient);
  }));
  return kernels;
}

}  // namespace weft
