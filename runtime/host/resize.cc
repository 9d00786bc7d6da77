#include "ops/resize.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "ops/common.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"

// Resize and ResizeGrad: one axis after another, a plane (what the resized axes span) at a time,
// so that what lies between the axes stays in the cache. A gradient is the same with the terms of
// each axis transposed, so that each element is a sum of its own.

namespace weft {
namespace {

// One axis of a plane: [outer, axis.input, inner] to [outer, axis.output, inner].
struct Pass {
  ResizeAxis axis;
  std::vector<float> weights;
  int64_t outer, inner;
};

struct ResizePlan {
  int64_t planes = 1, input = 1, output = 1;  // elements of a plane
  int64_t between = 0;                        // the most elements that a pass gives
  std::vector<Pass> passes;
  std::vector<ResizeAxis> axes;  // those of the plane, for what lies outside
  bool crops = false;
  float outside = 0;
};

ResizePlan MakePlan(const std::vector<ResizeAxis>& axes) {
  ResizePlan plan;
  size_t first = 0;
  while (first < axes.size() && axes[first].identity) plan.planes *= axes[first++].input;
  plan.axes.assign(axes.begin() + static_cast<std::ptrdiff_t>(first), axes.end());
  for (const ResizeAxis& axis : plan.axes) {
    plan.input *= axis.input;
    plan.output *= axis.output;
  }
  std::vector<int64_t> dims;  // of a plane, on its way
  for (const ResizeAxis& axis : plan.axes) dims.push_back(axis.input);
  for (size_t i : ResizeOrder(plan.axes)) {
    const ResizeAxis& axis = plan.axes[i];
    int64_t outer = 1, inner = 1;
    for (size_t k = 0; k < i; ++k) outer *= dims[k];
    for (size_t k = i + 1; k < dims.size(); ++k) inner *= dims[k];
    plan.passes.push_back(
        {axis, std::vector<float>(axis.weights.begin(), axis.weights.end()), outer, inner});
    plan.between = std::max(plan.between, outer * axis.output * inner);
    dims[i] = axis.output;
  }
  return plan;
}

// The sum of rows of `inner` elements.
void SumRows(const float* x, const int64_t* sources, const float* weights, int64_t terms,
             int64_t inner, float* y) {
  if (terms == 0) {
    std::fill_n(y, inner, 0.0f);
  } else if (terms == 2) {
    const float *a = x + sources[0] * inner, *b = x + sources[1] * inner;
    const float u = weights[0], v = weights[1];
    for (int64_t i = 0; i < inner; ++i) y[i] = u * a[i] + v * b[i];
  } else {
    const float* a = x + sources[0] * inner;
    const float u = weights[0];
    for (int64_t i = 0; i < inner; ++i) y[i] = u * a[i];
    for (int64_t k = 1; k < terms; ++k) {
      const float* b = x + sources[k] * inner;
      const float v = weights[k];
      for (int64_t i = 0; i < inner; ++i) y[i] += v * b[i];
    }
  }
}

void RunPass(const Pass& pass, const float* x, float* y) {
  const int64_t* starts = pass.axis.starts.data();
  const int64_t* sources = pass.axis.sources.data();
  const float* weights = pass.weights.data();
  const int64_t inner = pass.inner;
  for (int64_t outer = 0; outer < pass.outer; ++outer) {
    for (int64_t o = 0; o < pass.axis.output; ++o) {
      const int64_t from = starts[o], to = starts[o + 1];
      if (inner > 1) {
        SumRows(x, sources + from, weights + from, to - from, inner, y);
        y += inner;
      } else if (to - from == 2) {
        *y++ = weights[from] * x[sources[from]] + weights[from + 1] * x[sources[from + 1]];
      } else {
        float sum = 0;
        for (int64_t k = from; k < to; ++k) sum += weights[k] * x[sources[k]];
        *y++ = sum;
      }
    }
    x += pass.axis.input * inner;
  }
}

// A pass of mode nearest copies.
template <typename Word>
void CopyPass(const Pass& pass, const Word* x, Word* y) {
  const int64_t* sources = pass.axis.sources.data();
  const int64_t inner = pass.inner;
  for (int64_t outer = 0; outer < pass.outer; ++outer) {
    if (inner == 1) {
      for (int64_t o = 0; o < pass.axis.output; ++o) *y++ = x[sources[o]];
    } else {
      for (int64_t o = 0; o < pass.axis.output; ++o, y += inner) {
        std::memcpy(y, x + sources[o] * inner, static_cast<size_t>(inner) * sizeof(Word));
      }
    }
    x += pass.axis.input * inner;
  }
}

// Elements of a plane that have no source along some axis.
void FillOutside(const ResizePlan& plan, float* y) {
  for (int64_t i = 0; i < plan.output; ++i) {
    int64_t rest = i;
    for (size_t k = plan.axes.size(); k-- > 0; rest /= plan.axes[k].output) {
      const ResizeAxis& axis = plan.axes[k];
      const auto o = static_cast<size_t>(rest % axis.output);
      if (!axis.identity && axis.starts[o] == axis.starts[o + 1]) y[i] = plan.outside;
    }
  }
}

// `between`: bytes for what two passes of a plane give.
template <typename Word, typename PassFn>
void RunPlanes(const HostContext& c, const ResizePlan& plan, ScratchArray<std::byte> between,
               PassFn run) {
  const auto* x = static_cast<const Word*>(c.in(0).data);
  auto* y = static_cast<Word*>(c.out().data);
  const int64_t grain = std::max<int64_t>(1, kMathGrain / std::max(plan.output, plan.input));
  ParallelFor(plan.planes, grain, [&](int thread, int64_t begin, int64_t end) {
    auto* const first = reinterpret_cast<Word*>(between.In(c.scratch, thread));
    Word* const buffers[2] = {first, first + plan.between};
    const size_t passes = plan.passes.size();
    for (int64_t p = begin; p < end; ++p) {
      const Word* from = x + p * plan.input;
      if (passes == 0)
        std::memcpy(y + p * plan.output, from, static_cast<size_t>(plan.output) * sizeof(Word));
      for (size_t k = 0; k < passes; ++k) {
        Word* to = k + 1 == passes ? y + p * plan.output : buffers[k % 2];
        run(plan.passes[k], from, to);
        from = to;
      }
      if constexpr (std::is_same_v<Word, float>) {
        if (plan.crops) FillOutside(plan, y + p * plan.output);
      }
    }
  });
}

// Where the operands are: Resize and ResizeGrad.
struct ResizeOperands {
  bool gradient;
  int roi() const { return gradient ? 2 : 1; }
  int scales() const { return gradient ? 3 : 2; }
};

ResizePlan PlanOf(const AttributeMap& attributes, bool gradient, std::span<const int64_t> from,
                  std::span<const int64_t> to, const TensorView& roi, const TensorView& scales) {
  std::vector<ResizeAxis> axes = gradient ? ResizeAxes(attributes, to, from, roi, scales)
                                          : ResizeAxes(attributes, from, to, roi, scales);
  if (gradient) {
    for (ResizeAxis& axis : axes) axis = axis.Transposed();
  }
  ResizePlan plan = MakePlan(axes);
  plan.crops =
      !gradient && GetString(attributes, "coordinate_transformation_mode") == "tf_crop_and_resize";
  plan.outside = static_cast<float>(GetFloat(attributes, "extrapolation_value"));
  return plan;
}

// A constant's elements; absent where there is none. False if they are known in a run only.
bool KnownView(const KernelRequest& request, int i, TensorView& view) {
  if (!request.has(i)) return true;
  const Tensor* tensor = ConstantValue(request.node.input(i));
  if (tensor == nullptr) return false;
  view = {tensor->dtype(), tensor->dims(), const_cast<std::byte*>(tensor->data()), true};
  return true;
}

template <typename Word>
absl::Status Copy(const HostContext& c, const ResizePlan& plan, ScratchArray<std::byte> between) {
  RunPlanes<Word>(c, plan, between, CopyPass<Word>);
  return absl::OkStatus();
}

absl::Status Sum(const HostContext& c, const ResizePlan& plan, ScratchArray<std::byte> between) {
  RunPlanes<float>(c, plan, between, RunPass);
  return absl::OkStatus();
}

// The most elements between two passes, in whatever order the axes are taken: what a plan that is
// made in the run needs.
int64_t MostBetween(const Dims& from, const Dims& to) {
  int64_t most = 1;
  for (size_t i = 0; i < from.size(); ++i) most *= std::max(from[i], to[i]);
  return most;
}

absl::StatusOr<Kernels> Make(const KernelRequest& request, bool gradient) {
  const AttributeMap& attributes = request.node.attributes();
  const DType dtype = request.in(0).dtype();
  const bool copies =
      !gradient && GetString(attributes, "mode") == "nearest" &&
      GetString(attributes, "coordinate_transformation_mode") != "tf_crop_and_resize";
  if (dtype != DType::kF32 && !copies) return Kernels();
  auto compute = Sum;
  if (copies) {
    VisitWidth(dtype, [&compute](auto word) { compute = Copy<decltype(word)>; });
  }
  const ResizeOperands operands{gradient};
  TensorView roi, scales;
  std::shared_ptr<const ResizePlan> known;
  if (KnownView(request, operands.roi(), roi) && KnownView(request, operands.scales(), scales)) {
    known = std::make_shared<const ResizePlan>(
        PlanOf(attributes, gradient, request.in(0).dims(), request.outputs[0], roi, scales));
  }
  const EvaluateFn reference = request.node.op().evaluate;
  const int64_t most = known == nullptr ? MostBetween(request.in(0).dims(), request.outputs[0])
                       : known->passes.size() > 1 ? known->between
                                                  : 0;
  ScratchPlan scratch(request.threads);
  const auto between = scratch.PerThread<std::byte>(2 * most * static_cast<int64_t>(SizeOf(dtype)));
  const auto run = [=](const HostContext& c) {
    if (c.out().size() == 0) return absl::OkStatus();
    if (c.in(0).size() == 0) return reference(c);  // zeros, or an error
    if (known != nullptr) return compute(c, *known, between);
    const auto view = [&](int i) { return c.has(i) ? c.in(i) : TensorView(); };
    return compute(c,
                   PlanOf(c.attributes, gradient, c.in(0).dims, c.out().dims, view(operands.roi()),
                          view(operands.scales())),
                   between);
  };
  return Single(MakeHostKernel(request, "weft", copies ? "plane copies" : "plane sums", run,
                               /*in_place=*/false, scratch));
}

}  // namespace

absl::StatusOr<Kernels> HostResize(const KernelRequest& request) { return Make(request, false); }
absl::StatusOr<Kernels> HostResizeGrad(const KernelRequest& request) { return Make(request, true); }

}  // namespace weft
