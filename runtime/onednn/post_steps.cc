#include "runtime/onednn/post_steps.h"

#include "runtime/host/any_layout_kernel.h"
#include "runtime/host/post_steps.h"

namespace weft {
namespace {

PostSteps::Place PlaceOf(const Layout& layout, const MemoryDesc& desc) {
  if (layout.is_plain()) return PostSteps::RowMajorPlace(layout.dims());
  const auto size = static_cast<int64_t>(layout.bytes() / sizeof(float));
  const Format format = FormatOf(desc);
  const bool has_strides = format.blocks.empty() && !IsPadded(layout);
  return {has_strides ? format.strides : Dims(), size};
}

}  // namespace

absl::Status AddPostSteps(const KernelRequest& request, size_t first, const MemoryDesc& result,
                          PrimitiveKernel& kernel) {
  const Layout layout = ToLayout(result, request.outputs[0]);
  WEFT_ASSIGN_OR_RETURN(PostSteps steps, PostSteps::Make(request, PlaceOf(layout, result), first));
  if (IsPadded(layout) && !steps.KeepsZero()) {
    return absl::UnimplementedError("padding would not stay zero");
  }
  if (steps.empty()) return absl::OkStatus();
  for (const PostSteps::Operand& z : steps.operands()) {
    kernel.HostInput(z.input, z.whole ? result : RowMajor(request.in(z.input).dims()));
  }
  kernel.AddHostStep([steps = std::move(steps)](const Bindings& operands) {
    steps.Run(reinterpret_cast<float*>(operands.outputs[0]), [&](int i) {
      return reinterpret_cast<const float*>(operands.inputs[static_cast<size_t>(i)]);
    });
  });
  return absl::OkStatus();
}

}  // namespace weft
