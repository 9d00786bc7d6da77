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

EltwiseNumbers ReadNumbers(const OpDef& op, const AttributeMap& attributes) {
  std::vector<float> numbers;
  for (const AttributeSpec& spec : op.attributes) {
    numbers.push_back(static_cast<float>(GetFloat(attributes, spec.name)));
  }
  numbers.resize(2);
  return {numbers[0], numbers[1]};
}

}  // namespace

bool EltwiseCall::KeepsZero() const {
  const float zero = 0;
  float y = 0;
  Forward(1, &zero, &y);
  return y == 0;
}

std::optional<EltwiseCall> FindEltwiseCall(const OpDef& op, const AttributeMap& attributes) {
  const std::string name(absl::StripSuffix(std::string(op.name), "Grad"));
  const bool by_tanh = GetString(attributes, "approximate") == "tanh";
  const EltwiseFunctions* row = FindEltwise(by_tanh ? "Gelu:tanh" : name);
  if (row == nullptr) row = FindTrigonometry(name);
  if (row == nullptr) return std::nullopt;
  return EltwiseCall{*row, ReadNumbers(op, attributes)};
}

absl::StatusOr<Kernels> HostEltwise(const KernelRequest& request) {
  const auto call = FindEltwiseCall(request.node.op(), request.node.attributes());
  if (!call || request.in(0).dtype() != DType::kF32) return Kernels();
  Layout layout = request.in(0);
  if (IsPadded(layout) && !call->KeepsZero()) layout = Layout::Plain(DType::kF32, layout.dims());
  return Single(MakeAnyLayoutKernel(request, layout, "vectors",
                                    [f = *call](int64_t n, std::span<const float* const> in,
                                                float* out) { f.Forward(n, in[0], out); }));
}

absl::StatusOr<Kernels> HostEltwiseGrad(const KernelRequest& request) {
  const auto call = FindEltwiseCall(request.node.op(), request.node.attributes());
  if (!call || call->functions.grad == nullptr) return Kernels();
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  return Single(
      MakeAnyLayoutKernel(request, LayoutOfPair(request), "vectors",
                          [f = *call](int64_t n, std::span<const float* const> in, float* out) {
                            f.functions.grad(f.numbers, n, in[0], in[1], out);
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
    return Single(MakeAnyLayoutKernel(request, LayoutOfPair(request), "vectors", run));
  }
  // Which bounds a run brings is not known here: zero may lie outside.
  Layout layout = request.in(0);
  if (IsPadded(layout)) layout = Layout::Plain(DType::kF32, layout.dims());
  return Single(MakeAnyLayoutKernel(request, layout, "vectors", run));
}

absl::StatusOr<Kernels> HostIsSpecial(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  const bool nan = request.node.op_name() == "IsNaN";
  const bool negative = GetInt(request.node.attributes(), "detect_negative", 1) != 0;
  const bool positive = GetInt(request.node.attributes(), "detect_positive", 1) != 0;
  return Single(MakeHostKernel(request, "weft", "element loops", [=](const EvalContext& c) {
    const auto* x = c.in(0).in<float>().data();
    auto* y = c.out().out<uint8_t>().data();
    const float below = negative ? -HUGE_VALF : NAN, above = positive ? HUGE_VALF : NAN;
    ParallelFor(c.out().size(), kMathGrain, [=](int64_t begin, int64_t end) {
      if (nan) {
        for (int64_t i = begin; i < end; ++i) y[i] = x[i] != x[i];
      } else {
        for (int64_t i = begin; i < end; ++i) y[i] = (x[i] == below) | (x[i] == above);
      }
    });
  }));
}

}  // namespace weft
