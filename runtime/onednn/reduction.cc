#include "runtime/onednn/families.h"
#include "runtime/onednn/primitive_kernel.h"
#include "runtime/reduction_dims.h"

namespace weft {
namespace {

// The library adds in f32, one after the other; longer sums are left to our own kernel, which keeps
// more digits.
constexpr int64_t kMaxSummands = 1024;

}  // namespace

// Only the generated code of the library is worth having here: it needs the reduced axes innermost.
absl::StatusOr<Kernels> DnnlReduce(const KernelRequest& request) {
  return CollectKernels(request, [&](Kernels& kernels) -> absl::Status {
    WEFT_ASSIGN_OR_RETURN(const Reduction reduction, ReadReduction(request));
    if (reduction.summands > kMaxSummands || reduction.summed == request.in(0).dims()) {
      return absl::OkStatus();
    }
    if (!HasLogicalDims(request.in(0))) return absl::OkStatus();
    const MemoryDesc src = ToDesc(request.in(0)), dst = RowMajor(reduction.summed);
    const auto how =
        reduction.mean ? dnnl::algorithm::reduction_mean : dnnl::algorithm::reduction_sum;
    const dnnl::reduction::primitive_desc desc({how, src, dst, 0, 0}, UserScratchpad(),
                                               DnnlEngine());
    if (IsReferenceImplementation(desc.impl_info_str())) return absl::OkStatus();
    auto kernel = std::make_unique<PrimitiveKernel>(request);
    kernel->AddPrimitive(desc);
    kernel->Input(DNNL_ARG_SRC, 0, src);
    kernel->Output(DNNL_ARG_DST, 0, dst);
    kernels.push_back(std::move(kernel));
    return absl::OkStatus();
  });
}

}  // namespace weft
