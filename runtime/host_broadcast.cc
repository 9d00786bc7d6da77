#include <algorithm>
#include <array>
#include <cstring>

#include "ops/broadcast.h"
#include "ops/common.h"
#include "runtime/host_families.h"
#include "runtime/host_kernel.h"
#include "runtime/parallel.h"

namespace weft {
namespace {

constexpr int64_t kFewElements = 2048;
constexpr int64_t kGrain = 16384;  // elements that are worth a thread

// Loops over a row-major result whose two operands are read with strides, 0 where they are
// broadcast. Axes are merged where all strides allow it; the last strides are 0 or 1.
struct Loops {
  Dims dims;
  std::array<Dims, 2> strides;

  int64_t size() const {
    int64_t n = 1;
    for (int64_t d : dims) n *= d;
    return n;
  }
};

Loops MergeAxes(const Dims& dims, const std::array<Dims, 2>& strides) {
  Loops merged;
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    if (dims[axis] == 1) continue;
    const bool joins =
        !merged.dims.empty() && std::all_of(strides.begin(), strides.end(), [&](const Dims& s) {
          const size_t k = static_cast<size_t>(&s - strides.data());
          return merged.strides[k].back() == s[axis] * dims[axis];
        });
    if (joins) {
      merged.dims.back() *= dims[axis];
      for (size_t k : {0u, 1u}) merged.strides[k].back() = strides[k][axis];
    } else {
      merged.dims.push_back(dims[axis]);
      for (size_t k : {0u, 1u}) merged.strides[k].push_back(strides[k][axis]);
    }
  }
  if (merged.dims.empty()) merged = {{1}, {Dims{0}, Dims{0}}};
  return merged;
}

// Calls f(to, a, b, count) for runs along the last axis: offsets of the result and the operands.
template <typename F>
void ForEachRun(const Loops& loops, F f) {
  const int64_t inner = loops.dims.back();
  ParallelFor(loops.size(), kGrain, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      int64_t row = begin / inner;
      const int64_t first = begin % inner, count = std::min(inner - first, end - begin);
      int64_t a = first * loops.strides[0].back(), b = first * loops.strides[1].back();
      for (size_t axis = loops.dims.size() - 1; axis-- > 0; row /= loops.dims[axis]) {
        const int64_t index = row % loops.dims[axis];
        a += index * loops.strides[0][axis];
        b += index * loops.strides[1][axis];
      }
      f(begin, a, b, count);
      begin += count;
    }
  });
}

template <typename Fn>
absl::Status ComputeBinary(const EvalContext& c, const Loops& loops) {
  const float* a = c.in(0).in<float>().data();
  const float* b = c.in(1).in<float>().data();
  float* y = c.out().out<float>().data();
  const int64_t step_a = loops.strides[0].back(), step_b = loops.strides[1].back();
  ForEachRun(loops, [&](int64_t to, int64_t at_a, int64_t at_b, int64_t count) {
    const float *from_a = a + at_a, *from_b = b + at_b;
    float* result = y + to;
    const Fn op;
    if (step_a == 0) {
      const float x = *from_a;
      for (int64_t i = 0; i < count; ++i) result[i] = op(x, from_b[i * step_b]);
    } else if (step_b == 0) {
      const float x = *from_b;
      for (int64_t i = 0; i < count; ++i) result[i] = op(from_a[i], x);
    } else {
      for (int64_t i = 0; i < count; ++i) result[i] = op(from_a[i], from_b[i]);
    }
  });
  return absl::OkStatus();
}

using BinaryFn = absl::Status (*)(const EvalContext&, const Loops&);

BinaryFn FunctionOf(std::string_view op) {
  if (op == "Add") return ComputeBinary<std::plus<float>>;
  if (op == "Sub") return ComputeBinary<std::minus<float>>;
  if (op == "Mul") return ComputeBinary<std::multiplies<float>>;
  return ComputeBinary<std::divides<float>>;
}

Kernels Single(std::unique_ptr<Kernel> kernel) {
  Kernels kernels;
  kernels.push_back(std::move(kernel));
  return kernels;
}

template <typename Word>
void Expand(const EvalContext& c, const Loops& loops) {
  const auto* x = static_cast<const Word*>(c.in(0).data);
  auto* y = static_cast<Word*>(c.out().data);
  const int64_t step = loops.strides[0].back();
  ForEachRun(loops, [&](int64_t to, int64_t from, int64_t, int64_t count) {
    if (step == 0) {
      std::fill_n(y + to, count, x[from]);
    } else {
      std::copy_n(x + from, count, y + to);
    }
  });
}

}  // namespace

absl::StatusOr<Kernels> HostBinary(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  const Dims& y = request.outputs[0];
  const Loops loops = MergeAxes(
      y, {BroadcastStrides(request.in(0).dims(), y), BroadcastStrides(request.in(1).dims(), y)});
  const BinaryFn compute = FunctionOf(request.node.op_name());
  return Single(MakeHostKernel(
      request, "weft", "broadcast loops",
      [loops, compute](const EvalContext& c) { return compute(c, loops); }, /*in_place=*/true));
}

absl::StatusOr<Kernels> HostSmallBinary(const KernelRequest& request) {
  WEFT_ASSIGN_OR_RETURN(const int64_t elements, CountElements(request.outputs[0]));
  const bool plain = request.in(0).is_plain() && request.in(1).is_plain();
  if (!plain || elements > kFewElements) return Kernels();
  return HostBinary(request);
}

absl::StatusOr<Kernels> HostExpandLike(const KernelRequest& request) {
  const Dims& y = request.outputs[0];
  WEFT_ASSIGN_OR_RETURN(const auto axes, NormalizeAxes(GetInts(request.node.attributes(), "axes"),
                                                       static_cast<int>(y.size())));
  Dims rest;  // the axes of Y that X has
  for (size_t axis = 0; axis < y.size(); ++axis) {
    if (!std::binary_search(axes.begin(), axes.end(), static_cast<int64_t>(axis))) {
      rest.push_back(y[axis]);
    }
  }
  Dims strides = BroadcastStrides(request.in(0).dims(), rest);
  for (int64_t axis : axes) strides.insert(strides.begin() + axis, 0);
  const Loops loops = MergeAxes(y, {strides, strides});
  const size_t width = SizeOf(request.in(0).dtype());
  return Single(MakeHostKernel(
      request, "weft", "broadcast loops",
      [loops, width](const EvalContext& c) {
        if (width == 1) Expand<uint8_t>(c, loops);
        if (width == 4) Expand<uint32_t>(c, loops);
        if (width == 8) Expand<uint64_t>(c, loops);
        return absl::OkStatus();
      },
      /*in_place=*/false));
}

}  // namespace weft
