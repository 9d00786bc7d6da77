#include "runtime/onednn/post_steps.h"

#include <algorithm>

#include "runtime/exec/parallel.h"
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

FusedPosts PostsOf(const KernelRequest& request, bool can_add) {
  FusedPosts posts = {.rest = GetPostOps(request.node.attributes(), "post_ops")};
  if (!can_add || posts.rest.empty() || posts.rest[0].op != "Add") return posts;
  const int input = static_cast<int>(posts.rest[0].input);
  if (request.in(input).dims() != request.outputs[0]) return posts;
  posts.addend = input;
  posts.rest.erase(posts.rest.begin());
  return posts;
}

dnnl::primitive_attr AttributesFor(const FusedPosts& posts) {
  dnnl::primitive_attr attributes = UserScratchpad();
  if (!posts.adds()) return attributes;
  dnnl::post_ops sum;
  sum.append_sum();
  attributes.set_post_ops(sum);
  return attributes;
}

void CopyUnlessThere(const std::byte* from, int64_t bytes, std::byte* to) {
  if (from == to) return;
  ParallelFor(bytes, kGrain * static_cast<int64_t>(sizeof(float)),
              [=](int64_t begin, int64_t end) { std::copy(from + begin, from + end, to + begin); });
}

absl::Status AddPostSteps(const KernelRequest& request, const FusedPosts& posts,
                          const MemoryDesc& result, PrimitiveKernel& kernel) {
  const Layout layout = ToLayout(result, request.outputs[0]);
  WEFT_ASSIGN_OR_RETURN(PostSteps steps,
                        PostSteps::Make(request, PlaceOf(layout, result), posts.rest));
  if (IsPadded(layout) && !steps.KeepsZero()) {
    return absl::UnimplementedError("padding would not stay zero");
  }
  if (posts.adds()) {
    kernel.HostInput(posts.addend, result);
    kernel.AllowInPlace(0, posts.addend);
    kernel.SetFirstStep([z = static_cast<size_t>(posts.addend),
                         bytes = static_cast<int64_t>(layout.bytes())](const Bindings& operands) {
      CopyUnlessThere(operands.inputs[z], bytes, operands.outputs[0]);
    });
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
