#include <numeric>

#include "ops/broadcast.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/interleave_planes.h"
#include "runtime/host/pointwise/filters.h"
#include "runtime/host/winograd/filters.h"
#include "runtime/onednn/families.h"
#include "runtime/onednn/primitive_kernel.h"

namespace weft {
namespace {

void AddReorder(PrimitiveKernel& kernel, const MemoryDesc& from, const MemoryDesc& to) {
  kernel.AddPrimitive(
      dnnl::reorder::primitive_desc(DnnlEngine(), from, DnnlEngine(), to, UserScratchpad()));
}

// Whether the library can go from one to the other at once. Two native layouts may split the axes
// differently (groups), and transformed weights are made of row-major ones only.
bool HasReorder(const MemoryDesc& from, const MemoryDesc& to) {
  if (DimsOf(from) != DimsOf(to)) return false;
  const dnnl::reorder::primitive_desc desc(DnnlEngine(), from, DnnlEngine(), to, UserScratchpad(),
                                           /*allow_empty=*/true);
  return static_cast<bool>(desc);
}

void ReorderThroughPlain(PrimitiveKernel& kernel, const MemoryDesc& from, const MemoryDesc& to) {
  const MemoryDesc out = RowMajor(DimsOf(from)), in = RowMajor(DimsOf(to));
  const size_t offset = kernel.AddScratch(out.get_size());
  AddReorder(kernel, from, out);
  kernel.PlainInput(DNNL_ARG_FROM, 0, from);
  kernel.Scratch(DNNL_ARG_TO, offset, out);
  AddReorder(kernel, in, to);
  kernel.Scratch(DNNL_ARG_FROM, offset, in);
  kernel.PlainOutput(DNNL_ARG_TO, 0, to);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Kernel>> MakeReorder(const Layout& from, const Layout& to) {
  if (from.dtype() != to.dtype() || from.dims() != to.dims()) {
    return absl::InternalError(absl::StrCat("reorder between ", ToString(from.dims()), " and ",
                                            ToString(to.dims()), " of other types"));
  }
  if (FindWinogradFilters(to)) return MakeWinogradReorder(from, to);
  if (FindPointwiseFilters(to)) return MakePointwiseReorder(from, to);
  if (std::unique_ptr<Kernel> kernel = MakeInterleavePlanes(from, to)) return kernel;
  return CatchDnnl([&]() -> absl::StatusOr<std::unique_ptr<Kernel>> {
    // The operands keep the layouts that were asked for, which descriptors may not tell apart.
    auto kernel = std::make_unique<PrimitiveKernel>(std::vector<Layout>{from},
                                                    std::vector<Layout>{to}, RunThreads());
    MemoryDesc source = ToDesc(from), target = ToDesc(to);
    if (from.is_plain()) source = RowMajor(DimsOf(target));
    if (to.is_plain()) target = RowMajor(DimsOf(source));
    if (from.is_plain() || to.is_plain() || HasReorder(source, target)) {
      AddReorder(*kernel, source, target);
      kernel->PlainInput(DNNL_ARG_FROM, 0, source);
      kernel->PlainOutput(DNNL_ARG_TO, 0, target);
    } else {
      ReorderThroughPlain(*kernel, source, target);
    }
    return kernel;
  });
}

// A reorder that reads with the strides of the permuted axes.
absl::StatusOr<Kernels> DnnlTranspose(const KernelRequest& request) {
  if (HasEmptyOutputs(request)) return DoNothing(request);
  Kernels kernels;
  const absl::Status status = TryCandidate([&] {
    const Dims& dims = request.in(0).dims();
    Dims reversed(dims.size());
    std::iota(reversed.rbegin(), reversed.rend(), 0);
    const Dims perm = GetInts(request.node.attributes(), "perm", reversed);
    const Dims from = RowMajorStrides(dims);
    Dims strides;
    for (int64_t axis : perm) {
      const auto at = axis < 0 ? axis + static_cast<int64_t>(dims.size()) : axis;
      strides.push_back(from[static_cast<size_t>(at)]);
    }
    const DType dtype = request.in(0).dtype();
    auto kernel = std::make_unique<PrimitiveKernel>(request);
    const MemoryDesc source = Strided(request.outputs[0], strides, dtype);
    const MemoryDesc target = RowMajor(request.outputs[0], dtype);
    AddReorder(*kernel, source, target);
    kernel->PlainInput(DNNL_ARG_FROM, 0, source);
    kernel->PlainOutput(DNNL_ARG_TO, 0, target);
    kernels.push_back(std::move(kernel));
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return kernels;
}

}  // namespace weft
