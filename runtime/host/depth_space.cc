#include <memory>
#include <utility>

#include "runtime/channel_blocks.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/simd/strided_copy.h"

// DepthToSpace and SpaceToDepth of layouts in which channels lie side by side: a pixel's channels
// that stay together are copied in one go. Row-major ones are moved by elements (movement.cc).

namespace weft {
namespace {

// Both sides of the movement; in `deep` a pixel has the channels of a b x b block of `wide`.
struct Sides {
  ChannelBlocks deep, wide;
  Dims deep_dims, wide_dims;
};

// A pixel's channels all lie side by side; or blocks of them, of which those of one pixel of `wide`
// must be whole and lie in their order.
bool KeepsBlocks(const Sides& s, bool blocks_first) {
  if (s.deep.width == s.deep_dims[1] && s.wide.width == s.wide_dims[1]) return true;
  return blocks_first && s.deep.width == s.wide.width && s.wide_dims[1] % s.wide.width == 0;
}

BoxCopy ToSpace(const Sides& s, int64_t b, bool blocks_first) {
  const ChannelBlocks &deep = s.deep, &wide = s.wide;
  const int64_t h = s.deep_dims[2], w = s.deep_dims[3], channels = s.wide_dims[1];
  // From a channel of `wide` to the next, and from a pixel of the block to the next.
  const int64_t next = blocks_first ? 1 : b * b;
  const int64_t pixel = !blocks_first ? 1 : channels * (deep.blocks == 1 ? 1 : deep.positions);
  BoxCopy box;
  box.AddAxis(deep.images, deep.channels() * deep.positions, wide.channels() * wide.positions);
  box.AddAxis(wide.blocks, deep.positions * deep.width, wide.positions * wide.width);
  box.AddAxis(h, w * deep.width, b * b * w * wide.width);
  box.AddAxis(b, b * pixel, b * w * wide.width);
  box.AddAxis(w, deep.width, b * wide.width);
  box.AddAxis(b, pixel, wide.width);
  box.AddAxis(wide.width, next, 1);
  return box;
}

}  // namespace

absl::StatusOr<Kernels> HostDepthSpace(const KernelRequest& request) {
  const Layout& x = request.in(0);
  if (x.is_plain() || x.dtype() != DType::kF32) return Kernels();
  const std::optional<Layout> y = SameChannelBlocks(x, request.outputs[0]);
  if (!y) return Kernels();
  const std::optional<ChannelBlocks> from = FindChannelBlocks(x), to = FindChannelBlocks(*y);
  if (!from || !to) return Kernels();
  const bool to_space = request.node.op_name() == "DepthToSpace";
  Sides s{*from, *to, x.dims(), y->dims()};
  if (!to_space) s = {*to, *from, y->dims(), x.dims()};
  const AttributeMap& attributes = request.node.attributes();
  const bool blocks_first = GetString(attributes, "mode") == "DCR";
  if (!KeepsBlocks(s, blocks_first)) return Kernels();
  Movement movement{.boxes = {ToSpace(s, GetInt(attributes, "blocksize"), blocks_first)}};
  if (movement.boxes[0].is_empty()) return Kernels();
  if (!to_space) movement = Reversed(std::move(movement));
  auto kernel = MakeHostKernel(request, "weft", "pixel copies",
                               [copy = std::make_shared<const StridedCopy>(
                                    movement.boxes[0], sizeof(float))](const EvalContext& c) {
                                 copy->RunOnThreads(static_cast<const std::byte*>(c.in(0).data),
                                                    static_cast<std::byte*>(c.out().data));
                               });
  kernel->SetLayouts({x}, {*y});
  return Single(std::move(kernel));
}

}  // namespace weft
