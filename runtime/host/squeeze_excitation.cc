#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "ops/ops.h"
#include "runtime/channel_blocks.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/eltwise.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/row_product.h"
#include "runtime/host/simd/fold.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/squeeze_excitation.cc"
#include "runtime/host/simd/simd-inl.h"

// Y = X * gate(W2 activation(W1 m + B1) + B2) in whatever layout X has: means of the channels, two
// small products, and one number for each channel of an image.

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
// y = x times the gate of its channel, for the positions [begin, end) of all blocks of channels.
void ExcitePositions(const ChannelBlocks& b, const float* gate, int64_t begin, int64_t end,
                     const float* x, float* y) {
  for (int64_t i = begin; i < end;) {
    const int64_t block = i / b.positions, last = std::min(end, (block + 1) * b.positions);
    const float* factors = gate + block * b.width;
    if (b.width == 1) {
      const Vf factor = Fill(*factors);
      MapRange(
          last - i, y + i, false, [factor](Vf v) HWY_ATTR { return hn::Mul(v, factor); }, x + i);
      i = last;
    }
    for (; i < last; ++i) {
      MapRange(
          b.width, y + i * b.width, false, [](Vf v, Vf f) HWY_ATTR { return hn::Mul(v, f); },
          x + i * b.width, factors);
    }
  }
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {
namespace {

HWY_EXPORT(ExcitePositions);

enum SqueezeInput { kX, kW1, kB1, kW2, kB2 };

// The one function that the attribute names; nothing where we have none.
std::optional<EltwiseCall> FunctionOf(const KernelRequest& request, std::string_view attribute) {
  const PostOp post = GetPostOps(request.node.attributes(), attribute).front();
  const OpDef* op = StandardOps().Find(post.op);
  AttributeMap attributes = post.attributes;
  if (op == nullptr || !CheckAttributes(*op, attributes).ok()) return std::nullopt;
  return FindEltwiseCall(*op, attributes);
}

// What is computed, and in which memory.
struct SqueezePlan {
  ChannelBlocks blocks;
  int64_t channels, squeezed;
  EltwiseCall activation, gate;
  ScratchPlan scratch;
  FoldPlan fold;
  ScratchArray<float> means, hidden, gates;  // of each image; those of channels are padded

  SqueezePlan(const KernelRequest& request, const ChannelBlocks& b, EltwiseCall activation_call,
              EltwiseCall gate_call)
      : blocks(b),
        channels(request.in(kW1).dims()[1]),
        squeezed(request.in(kW1).dims()[0]),
        activation(activation_call),
        gate(gate_call),
        scratch(request.threads),
        fold({b.images, b.blocks, b.positions, b.width}, {b.images, b.blocks, 1, b.width}, scratch),
        means(scratch.Shared<float>(b.images * b.channels())),
        hidden(scratch.Shared<float>(b.images * squeezed)),
        gates(scratch.Shared<float>(b.images * b.channels())) {}
};

void Run(const SqueezePlan& plan, const HostContext& c) {
  if (c.out().size() == 0) return;
  const ChannelBlocks& b = plan.blocks;
  const int64_t n = b.images, step = b.channels();
  const auto in = [&c](int i) {
    return c.has(i) ? static_cast<const float*>(c.in(i).data) : nullptr;
  };
  float *means = plan.means.In(c.scratch), *hidden = plan.hidden.In(c.scratch),
        *gates = plan.gates.In(c.scratch), *y = static_cast<float*>(c.out().data);
  const float* x = in(kX);
  plan.fold.Run(Fold::kSum, x, {}, c.scratch, [&](int64_t first, std::span<const double> sums) {
    for (size_t i = 0; i < sums.size(); ++i) {
      means[first + static_cast<int64_t>(i)] =
          static_cast<float>(sums[i] / static_cast<double>(b.positions));
    }
  });
  RunRowProduct(
      {n, plan.squeezed, plan.channels, step, plan.squeezed, in(kW1), in(kB1), means, hidden});
  plan.activation.Forward(n * plan.squeezed, hidden, hidden);
  std::fill_n(gates, n * step, 0.0f);
  RunRowProduct(
      {n, plan.channels, plan.squeezed, plan.squeezed, step, in(kW2), in(kB2), hidden, gates});
  plan.gate.Forward(n * step, gates, gates);  // of padding too, whose X is 0
  ParallelFor(n * b.blocks * b.positions, std::max<int64_t>(1, kMathGrain / b.width),
              [&](int64_t begin, int64_t end) {
                HWY_DYNAMIC_DISPATCH(ExcitePositions)(b, gates, begin, end, x, y);
              });
}

}  // namespace

absl::StatusOr<Kernels> HostSqueezeExcitation(const KernelRequest& request) {
  const auto activation = FunctionOf(request, "activation"), gate = FunctionOf(request, "gate");
  if (request.in(kX).dtype() != DType::kF32 || !activation || !gate) return Kernels();
  Layout layout = request.in(kX);
  std::optional<ChannelBlocks> blocks = FindChannelBlocks(layout);
  if (!blocks) {
    layout = Layout::Plain(DType::kF32, layout.dims());
    blocks = FindChannelBlocks(layout);
  }
  const SqueezePlan plan(request, *blocks, *activation, *gate);
  auto kernel = MakeHostKernel(
      request, "weft", "pool, products, scale", [plan](const HostContext& c) { Run(plan, c); },
      /*in_place=*/true, plan.scratch);
  std::vector<Layout> inputs = kernel->inputs();
  inputs[kX] = layout;
  kernel->SetLayouts(std::move(inputs), {layout});
  return Single(std::move(kernel));
}

}  // namespace weft
#endif
