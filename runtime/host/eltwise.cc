#include "runtime/host/eltwise.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/any_layout_kernel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"

namespace weft {
namespace {

constexpr int64_t kGrain = 1 << 13;  // elements that are worth a thread

EltwiseNumbers ReadNumbers(const Node& node) {
  std::vector<float> numbers;
  for (const AttributeSpec& spec : node.op().attributes) {
    numbers.push_back(static_cast<float>(GetFloat(node.attributes(), spec.name)));
  }
  numbers.resize(2);
  return {numbers[0], numbers[1]};
}

// The row for `op`, which the node is or is the gradient of.
const EltwiseFunctions* FindFor(const Node& node, std::string_view op) {
  if (GetString(node.attributes(), "approximate") == "tanh") return FindEltwise("Gelu:tanh");
  const EltwiseFunctions* row = FindEltwise(op);
  return row != nullptr ? row : FindTrigonometry(op);
}

// Padding must stay zero; a function that makes something else of it runs on row-major elements.
bool KeepsZero(const EltwiseFunctions& functions, const EltwiseNumbers& numbers) {
  const float zero = 0;
  float y = 0;
  functions.forward(numbers, 1, &zero, &y);
  return y == 0;
}

Kernels One(std::unique_ptr<Kernel> kernel) {
  Kernels kernels;
  kernels.push_back(std::move(kernel));
  return kernels;
}

}  // namespace

absl::StatusOr<Kernels> HostEltwise(const KernelRequest& request) {
  const EltwiseFunctions* functions = FindFor(request.node, request.node.op_name());
  if (functions == nullptr || request.in(0).dtype() != DType::kF32) return Kernels();
  const EltwiseNumbers numbers = ReadNumbers(request.node);
  Layout layout = request.in(0);
  if (IsPadded(layout) && !KeepsZero(*functions, numbers)) {
    layout = Layout::Plain(DType::kF32, layout.dims());
  }
  return One(MakeAnyLayoutKernel(
      request, layout, "vectors",
      [f = functions->forward, numbers](int64_t n, std::span<const float* const> in, float* out) {
        f(numbers, n, in[0], out);
      }));
}

absl::StatusOr<Kernels> HostEltwiseGrad(const KernelRequest& request) {
  const std::string op(absl::StripSuffix(std::string(request.node.op_name()), "Grad"));
  const EltwiseFunctions* functions = FindFor(request.node, op);
  if (functions == nullptr || functions->grad == nullptr) return Kernels();
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  return One(MakeAnyLayoutKernel(request, LayoutOfPair(request), "vectors",
                                 [f = functions->grad, numbers = ReadNumbers(request.node)](
                                     int64_t n, std::span<const float* const> in, float* out) {
                                   f(numbers, n, in[0], in[1], out);
                                 }));
}

// Clip, whose bounds are the inputs 1 and 2, and ClipGrad, where they are 2 and 3.
absl::StatusOr<Kernels> HostClip(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  const bool is_grad = request.node.op_name() == "ClipGrad";
  const size_t min = is_grad ? 2 : 1, max = min + 1;
  const auto run = [=, functions = FindEltwise("Clip")](int64_t n, std::span<const float* const> in,
                                                        float* out) {
    EltwiseNumbers bounds{-HUGE_VALF, HUGE_VALF};
    if (min < in.size() && in[min] != nullptr) bounds.a = *in[min];
    if (max < in.size() && in[max] != nullptr) bounds.b = *in[max];
    if (is_grad) {
      functions->grad(bounds, n, in[0], in[1], out);
    } else {
      functions->forward(bounds, n, in[0], out);
    }
  };
  if (is_grad) {
    return One(MakeAnyLayoutKernel(request, LayoutOfPair(request), "vectors", run));
  }
  // Which bounds a run brings is not known here: zero may lie outside.
  Layout layout = request.in(0);
  if (IsPadded(layout)) layout = Layout::Plain(DType::kF32, layout.dims());
  return One(MakeAnyLayoutKernel(request, layout, "vectors", run));
}

absl::StatusOr<Kernels> HostIsSpecial(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  const bool nan = request.node.op_name() == "IsNaN";
  const bool negative = GetInt(request.node.attributes(), "detect_negative", 1) != 0;
  const bool positive = GetInt(request.node.attributes(), "detect_positive", 1) != 0;
  return One(MakeHostKernel(request, "weft", "element loops", [=](const EvalContext& c) {
    const auto* x = c.in(0).in<float>().data();
    auto* y = c.out().out<uint8_t>().data();
    const float below = negative ? -HUGE_VALF : NAN, above = positive ? HUGE_VALF : NAN;
    ParallelFor(c.out().size(), kGrain, [=](int64_t begin, int64_t end) {
      if (nan) {
        for (int64_t i = begin; i < end; ++i) y[i] = x[i] != x[i];
      } else {
        for (int64_t i = begin; i < end; ++i) y[i] = (x[i] == below) | (x[i] == above);
      }
    });
  }));
}

}  // namespace weft
