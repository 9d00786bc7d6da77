#include "runtime/onednn/families.h"
#include "runtime/onednn/primitive_kernel.h"

namespace weft {
namespace {

using dnnl::algorithm;

algorithm AlgorithmOf(std::string_view op) {
  if (op == "Add") return algorithm::binary_add;
  if (op == "Sub") return algorithm::binary_sub;
  if (op == "Mul") return algorithm::binary_mul;
  return algorithm::binary_div;
}

// `dims` with axes of 1 in front, up to `rank`.
Dims Aligned(const Dims& dims, size_t rank) {
  Dims result(rank - dims.size(), 1);
  result.insert(result.end(), dims.begin(), dims.end());
  return result;
}

bool IsWhole(const KernelRequest& request, int i) {
  return request.in(i).dims() == request.outputs[0];
}

// `first` (of the result's dims, in layout `data`) op `second` (`small`, broadcast to it); negated,
// where that makes a difference the right way round.
std::unique_ptr<Kernel> Make(const KernelRequest& request, int first, const MemoryDesc& data,
                             const MemoryDesc& small, bool negated) {
  dnnl::primitive_attr attributes = UserScratchpad();
  if (negated) {
    dnnl::post_ops posts;
    AppendEltwise(posts, algorithm::eltwise_linear, -1, 0);
    attributes.set_post_ops(posts);
  }
  const int second = 1 - first;
  const PrimitiveDesc desc =
      DescribeBinary(AlgorithmOf(request.node.op_name()), data, small, data, attributes);
  auto kernel = std::make_unique<PrimitiveKernel>(request);
  kernel->AddPrimitive(desc);
  kernel->Input(DNNL_ARG_SRC_0, first, data);
  if (IsWhole(request, second)) {
    kernel->Input(DNNL_ARG_SRC_1, second, small);
    kernel->AllowInPlace(0, second);
  } else {
    kernel->PlainInput(DNNL_ARG_SRC_1, second, small);
  }
  kernel->Output(DNNL_ARG_DST, 0, data);
  kernel->AllowInPlace(0, first);
  return kernel;
}

}  // namespace

// One operand must have the result's dims; it is the one whose layout is kept.
absl::StatusOr<Kernels> DnnlBinary(const KernelRequest& request) {
  const bool whole_a = IsWhole(request, 0), whole_b = IsWhole(request, 1);
  if (!whole_a && !whole_b) return Kernels();
  const int first = whole_a ? 0 : 1;
  const std::string_view op = request.node.op_name();
  if (first == 1 && op == "Div") return Kernels();
  return CollectKernels(request, [&](Kernels& kernels) -> absl::Status {
    const bool both = whole_a && whole_b;
    Layout layout = request.in(first);
    if (both && layout.is_plain()) layout = request.in(1 - first);
    if (!both && !HasLogicalDims(layout)) layout = Layout::Plain(DType::kF32, layout.dims());
    const MemoryDesc data = ToDesc(layout);
    const MemoryDesc small =
        both ? data : RowMajor(Aligned(request.in(1 - first).dims(), layout.dims().size()));
    kernels.push_back(Make(request, first, data, small, first == 1 && op == "Sub"));
    return absl::OkStatus();
  });
}

}  // namespace weft
