#ifndef WEFT_RUNTIME_ONEDNN_COMMON_H_
#define WEFT_RUNTIME_ONEDNN_COMMON_H_

#include <algorithm>
#include <new>
#include <string_view>
#include <utility>

#include "runtime/kernel.h"
#include "runtime/onednn/api.h"
#include "runtime/onednn/implementation_kind.h"

// What the kernels of this folder share: layouts, errors, and the choice among candidates.
// Functions that take or make library objects may throw dnnl::error; they are called inside
// CatchDnnl, which nothing thrown gets past.

namespace weft {

// The one place where the library's failures become ours: Unimplemented and InvalidArgument for
// what it cannot express, ResourceExhausted, or Internal.
absl::Status DnnlStatus(dnnl_status_t code, std::string_view what);

// f(), which returns a Status or StatusOr, with what it throws as its result.
template <typename F>
auto CatchDnnl(F&& f) -> decltype(f()) {
  try {
    return f();
  } catch (const dnnl::error& e) {
    return DnnlStatus(e.status, e.what());
  } catch (const std::bad_alloc&) {
    return DnnlStatus(dnnl_out_of_memory, "allocation failed");
  }
}

// Dims as the library wants them: at least one axis, so a scalar is [1].
dnnl::memory::dims DnnlDims(const Dims& dims);
// Descriptors. They throw for a dtype that the library lacks.
MemoryDesc RowMajor(const Dims& dims, DType dtype = DType::kF32);
MemoryDesc ChannelsLast(const Dims& dims, DType dtype = DType::kF32);  // [N,C,...] as [N,...,C]
MemoryDesc AnyFormat(const Dims& dims, DType dtype = DType::kF32);     // the primitive chooses
// Elements `strides` apart.
MemoryDesc Strided(const Dims& dims, const Dims& strides, DType dtype = DType::kF32);

// The library's descriptor of an f32 layout. For a plain one, row-major of the layout's dims.
MemoryDesc ToDesc(const Layout& layout);
// The f32 layout of logical dims `dims` whose bytes are those of `desc`; the descriptor may split
// an axis (groups). Row-major is plain; other layouts are native.
Layout ToLayout(const MemoryDesc& desc, const Dims& dims);
// "aBcd16b": axes from the largest stride to the smallest, upper case where blocked, then the
// blocks; "wino" and "packed" for what is no arrangement of blocks.
std::string FormatName(const MemoryDesc& desc);

// A descriptor of `dims` in the format of `layout` where that is row-major or channels-last, else
// AnyFormat: what a kernel asks for that follows its input.
MemoryDesc SameFormat(const Layout& layout, const Dims& dims);
// Layouts to try for an image that comes as `layout`: that one, channels-last, row-major.
std::vector<MemoryDesc> LayoutsToTry(const Layout& layout);
// Whether descriptor and layout have the same axes (a grouped weight's descriptor has one more).
bool HasLogicalDims(const Layout& layout);

// Attributes of every primitive here: the scratchpad comes from the plan.
dnnl::primitive_attr UserScratchpad();

// Whether every operand that the node has is f32.
bool IsAllF32(const KernelRequest& request);

// What to do where some input has no elements but an output has.
enum class EmptyInput { kNoKernel, kZeros };

// The candidates that `make`, called as make(kernels) and returning a Status, appends. For nodes
// without elements, a kernel that has nothing to do. The library's "cannot" ends the list and is no
// failure. Non-f32 operands get no kernel.
absl::StatusOr<Kernels> DoNothing(const KernelRequest& request);
bool HasEmptyOutputs(const KernelRequest& request);
bool HasEmptyInput(const KernelRequest& request);
bool IsUnsupported(const absl::Status& status);

template <typename F>
absl::StatusOr<Kernels> CollectKernels(const KernelRequest& request, F make,
                                       EmptyInput empty = EmptyInput::kNoKernel) {
  if (!IsAllF32(request)) return Kernels();
  if (HasEmptyOutputs(request)) return DoNothing(request);
  if (HasEmptyInput(request)) {
    return empty == EmptyInput::kZeros ? DoNothing(request) : absl::StatusOr<Kernels>(Kernels());
  }
  Kernels kernels;
  const absl::Status status = CatchDnnl([&] { return make(kernels); });
  if (!status.ok() && !IsUnsupported(status)) return status;
  return kernels;
}

// As CatchDnnl, for one candidate among several: that the library cannot is no failure.
template <typename F>
absl::Status TryCandidate(F make) {
  const absl::Status status = CatchDnnl([&]() -> absl::Status { return make(); });
  return IsUnsupported(status) ? absl::OkStatus() : status;
}

// Moves the candidates that are plain loops behind the others; keeps the order otherwise.
void PutReferenceLast(Kernels& kernels);

}  // namespace weft

#endif  // WEFT_RUNTIME_ONEDNN_COMMON_H_
