#include <numeric>
#include <string>
#include <vector>

#include "runtime/channel_blocks.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"

// ChannelShuffle of layouts in which channels lie side by side. Row-major ones are moved by planes
// (movement.cc).

namespace weft {
namespace {

// Where each channel of a block's place comes from, in elements from the image's first. Padding
// comes from padding.
std::vector<int64_t> SourcesOf(const ChannelBlocks& b, int64_t channels, int64_t group) {
  std::vector<int64_t> sources(static_cast<size_t>(b.channels()));
  for (int64_t c = 0; c < b.channels(); ++c) {
    const int64_t from = c < channels ? c % group * (channels / group) + c / group : c;
    sources[static_cast<size_t>(c)] = from / b.width * b.positions * b.width + from % b.width;
  }
  return sources;
}

void ShuffleChannels(const ChannelBlocks& b, const std::vector<int64_t>& sources, const float* x,
                     float* y) {
  const int64_t places = b.blocks * b.positions;  // of an image
  ParallelFor(b.images * places, std::max<int64_t>(1, kGrain / b.width),
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) {
                  const int64_t block = i % places / b.positions, position = i % b.positions;
                  const float* from = x + (i / places * places + position) * b.width;
                  const int64_t* source = sources.data() + block * b.width;
                  float* to = y + i * b.width;
                  for (int64_t c = 0; c < b.width; ++c) to[c] = from[source[c]];
                }
              });
}

}  // namespace

absl::StatusOr<Kernels> HostChannelShuffle(const KernelRequest& request) {
  const Layout& layout = request.in(0);
  const std::optional<ChannelBlocks> blocks = FindChannelBlocks(layout);
  if (layout.is_plain() || layout.dtype() != DType::kF32 || !blocks) return Kernels();
  const int64_t group = GetInt(request.node.attributes(), "group");
  auto kernel = MakeHostKernel(
      request, "weft", "channel gather",
      [b = *blocks, sources = SourcesOf(*blocks, layout.dims()[1], group)](const EvalContext& c) {
        ShuffleChannels(b, sources, static_cast<const float*>(c.in(0).data),
                        static_cast<float*>(c.out().data));
      });
  kernel->SetLayouts({layout}, {layout});
  return Single(std::move(kernel));
}

}  // namespace weft
