#include <optional>

#include "runtime/onednn/families.h"
#include "runtime/onednn/primitive_kernel.h"

namespace weft {
namespace {

using dnnl::algorithm;

struct Function {
  algorithm how;
  float alpha = 0;
};

// The library's function for an op or its gradient; those of gradients read the forward's result.
std::optional<Function> FunctionOf(std::string_view op) {
  if (op == "Sigmoid") return Function{algorithm::eltwise_logistic};
  if (op == "Tanh") return Function{algorithm::eltwise_tanh};
  if (op == "Sqrt") return Function{algorithm::eltwise_sqrt};
  if (op == "Neg") return Function{algorithm::eltwise_linear, -1};
  if (op == "ReluGrad") return Function{algorithm::eltwise_relu_use_dst_for_bwd};
  if (op == "SigmoidGrad") return Function{algorithm::eltwise_logistic_use_dst_for_bwd};
  if (op == "TanhGrad") return Function{algorithm::eltwise_tanh_use_dst_for_bwd};
  return std::nullopt;
}

// Any layout will do, so the one at hand; but the library has only plain loops for functions with
// f(0) != 0 where blocks are padded.
std::vector<MemoryDesc> LayoutsFor(const Layout& layout) {
  std::vector<MemoryDesc> result = {ToDesc(layout)};
  if (!layout.is_plain()) result.push_back(RowMajor(layout.dims()));
  return result;
}

template <typename MakeFn>
absl::StatusOr<Kernels> Collect(const KernelRequest& request, const Layout& layout, MakeFn make) {
  return CollectKernels(request, [&](Kernels& kernels) -> absl::Status {
    for (const MemoryDesc& data : LayoutsFor(layout)) {
      WEFT_RETURN_IF_ERROR(TryCandidate([&] {
        kernels.push_back(make(data));
        return absl::OkStatus();
      }));
    }
    PutReferenceLast(kernels);
    return absl::OkStatus();
  });
}

dnnl::eltwise_forward::primitive_desc Forward(dnnl::prop_kind kind, const Function& f,
                                              const MemoryDesc& data) {
  return {{kind, f.how, data, f.alpha, 0}, UserScratchpad(), DnnlEngine()};
}

}  // namespace

absl::StatusOr<Kernels> DnnlEltwise(const KernelRequest& request) {
  const std::optional<Function> f = FunctionOf(request.node.op_name());
  if (!f) return Kernels();
  return Collect(request, request.in(0), [&](const MemoryDesc& data) {
    const auto desc = Forward(dnnl::prop_kind::forward_inference, *f, data);
    auto kernel = std::make_unique<PrimitiveKernel>(request);
    kernel->AddPrimitive(desc);
    kernel->Input(DNNL_ARG_SRC, 0, data);
    kernel->Output(DNNL_ARG_DST, 0, data);
    kernel->AllowInPlace(0, 0);
    return kernel;
  });
}

// Inputs dY, Y. The forward's layout is the one to keep: what follows in the backward pass is the
// gradient of what came before it.
absl::StatusOr<Kernels> DnnlEltwiseGrad(const KernelRequest& request) {
  const std::optional<Function> f = FunctionOf(request.node.op_name());
  if (!f) return Kernels();
  const Layout& layout = request.in(1).is_plain() ? request.in(0) : request.in(1);
  return Collect(request, layout, [&](const MemoryDesc& data) {
    const dnnl::eltwise_backward::primitive_desc desc(
        {f->how, data, data, f->alpha, 0}, UserScratchpad(), DnnlEngine(),
        Forward(dnnl::prop_kind::forward_training, *f, data));
    auto kernel = std::make_unique<PrimitiveKernel>(request);
    kernel->AddPrimitive(desc);
    kernel->Input(DNNL_ARG_DIFF_DST, 0, data);
    kernel->Input(DNNL_ARG_DST, 1, data);
    kernel->Output(DNNL_ARG_DIFF_SRC, 0, data);
    kernel->AllowInPlace(0, 0);
    return kernel;
  });
}

}  // namespace weft
