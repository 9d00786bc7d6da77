#include <cmath>

#include "runtime/host_families.h"
#include "runtime/host_kernel.h"
#include "runtime/parallel.h"

// Ops between element types: ArgMax and Cast.

namespace weft {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements that are worth a thread

// Whether `x` replaces `best`: NaN counts as the largest; of equals the first, or the last.
bool Replaces(float x, float best, bool last) {
  if (std::isnan(best)) return last && std::isnan(x);
  return std::isnan(x) || x > best || (last && x == best);
}

absl::Status ComputeArgMax(const EvalContext& c, int axis) {
  const TensorView& view = c.in(0);
  const bool last = GetInt(c.attributes, "select_last_index") != 0;
  int64_t inner = 1;
  for (int i = axis + 1; i < view.rank(); ++i) inner *= view.dim(i);
  const int64_t n = view.dim(axis);
  const float* x = view.in<float>().data();
  int64_t* y = c.out().out<int64_t>().data();
  ParallelFor(c.out().size(), std::max<int64_t>(1, kGrain / n), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* line = x + i / inner * n * inner + i % inner;
      int64_t best = 0;
      for (int64_t k = 1; k < n; ++k) {
        if (Replaces(line[k * inner], line[best * inner], last)) best = k;
      }
      y[i] = best;
    }
  });
  return absl::OkStatus();
}

// Elements [begin, end) as a vector whose dim is in `size`.
TensorView Slice(const TensorView& view, int64_t begin, const int64_t& size) {
  const size_t offset = static_cast<size_t>(begin) * SizeOf(view.dtype);
  return {view.dtype, {&size, 1}, static_cast<std::byte*>(view.data) + offset, true};
}

}  // namespace

absl::StatusOr<Kernels> HostArgMax(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  WEFT_ASSIGN_OR_RETURN(const int axis,
                        NormalizeAxis(GetInt(request.node.attributes(), "axis"),
                                      static_cast<int>(request.in(0).dims().size())));
  Kernels kernels;
  kernels.push_back(MakeHostKernel(request, "weft", "line loops", [axis](const EvalContext& c) {
    return ComputeArgMax(c, axis);
  }));
  return kernels;
}

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
        return absl::OkStatus();
      }));
  return kernels;
}

}  // namespace weft
