#include "runtime/onednn/families.h"
#include "runtime/onednn/primitive_kernel.h"

namespace weft {
namespace {

std::unique_ptr<Kernel> Softmax(const KernelRequest& request, const MemoryDesc& data, int axis) {
  auto kernel = std::make_unique<PrimitiveKernel>(request);
  kernel->AddPrimitive(DescribeSoftmax(data, axis, UserScratchpad()));
  kernel->Input(DNNL_ARG_SRC, 0, data);
  kernel->Output(DNNL_ARG_DST, 0, data);
  kernel->AllowInPlace(0, 0);
  return kernel;
}

// Inputs dY, Y.
std::unique_ptr<Kernel> SoftmaxGrad(const KernelRequest& request, const MemoryDesc& data,
                                    int axis) {
  auto kernel = std::make_unique<PrimitiveKernel>(request);
  kernel->AddPrimitive(DescribeSoftmaxGrad(data, axis, UserScratchpad()));
  kernel->Input(DNNL_ARG_DIFF_DST, 0, data);
  kernel->Input(DNNL_ARG_DST, 1, data);
  kernel->Output(DNNL_ARG_DIFF_SRC, 0, data);
  kernel->AllowInPlace(0, 0);
  return kernel;
}

using MakeFn = std::unique_ptr<Kernel> (*)(const KernelRequest&, const MemoryDesc&, int axis);

absl::StatusOr<Kernels> Collect(const KernelRequest& request, MakeFn make) {
  return CollectKernels(request, [&](Kernels& kernels) -> absl::Status {
    const Dims& dims = request.in(0).dims();
    WEFT_ASSIGN_OR_RETURN(const int axis,
                          NormalizeAxis(GetInt(request.node.attributes(), "axis", -1),
                                        static_cast<int>(dims.size())));
    std::vector<MemoryDesc> layouts = {RowMajor(dims)};
    if (!request.in(0).is_plain() && HasLogicalDims(request.in(0))) {
      layouts.insert(layouts.begin(), ToDesc(request.in(0)));
    }
    for (const MemoryDesc& data : layouts) {
      WEFT_RETURN_IF_ERROR(TryCandidate([&] {
        kernels.push_back(make(request, data, axis));
        return absl::OkStatus();
      }));
    }
    PutReferenceLast(kernels);
    return absl::OkStatus();
  });
}

}  // namespace

absl::StatusOr<Kernels> DnnlSoftmax(const KernelRequest& request) {
  return Collect(request, Softmax);
}

absl::StatusOr<Kernels> DnnlSoftmaxGrad(const KernelRequest& request) {
  return Collect(request, SoftmaxGrad);
}

}  // namespace weft
