#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"

// Cast.

namespace weft {
namespace {

// Elements [begin, end) as a vector whose dim is in `size`.
TensorView Slice(const TensorView& view, int64_t begin, const int64_t& size) {
  const size_t offset = static_cast<size_t>(begin) * SizeOf(view.dtype);
  return {view.dtype, {&size, 1}, static_cast<std::byte*>(view.data) + offset, true};
}

}  // namespace

// The op's own conversions, on a part of the elements a thread.
absl::StatusOr<Kernels> HostCast(const KernelRequest& request) {
  const EvaluateFn convert = request.node.op().evaluate;
  Kernels kernels;
  kernels.push_back(
      MakeHostKernel(request, "weft", "element loops", [convert](const EvalContext& c) {
        ParallelFor(c.out().size(), kGrain, [&](int64_t begin, int64_t end) {
          const int64_t size = end - begin;
          const TensorView from = Slice(c.in(0), begin, size), to = Slice(c.out(), begin, size);
          // Conversions of elements do not fail.
          convert({c.attributes, {&from, 1}, {&to, 1}, c.key}).IgnoreError();
        });
      }));
  return kernels;
}

}  // namespace weft
