#ifndef WEFT_RUNTIME_CHANNEL_BLOCKS_H_
#define WEFT_RUNTIME_CHANNEL_BLOCKS_H_

#include <cstdint>
#include <optional>

#include "runtime/layout.h"

namespace weft {

inline constexpr int64_t kChannelAxis = 1;  // of images [N,C,...]

// An image [N,C,...] that lies in memory as [images, blocks, positions, width], densely: with a
// width of 1 it is row-major, of C channels-last, of 8 or 16 in the library's blocks, the last of
// which is padded with zeros.
struct ChannelBlocks {
  int64_t images = 0;
  int64_t blocks = 0;
  int64_t positions = 0;  // of an image
  int64_t width = 0;      // channels of a block

  int64_t channels() const { return blocks * width; }  // with padding
};

// Nothing where the layout is of another kind, or of fewer than two axes.
std::optional<ChannelBlocks> FindChannelBlocks(const Layout& layout);

// The layout of an f32 image of `dims`, [N,C,H,W], whose channels lie as those of `layout` do:
// row-major, channels-last, or in blocks of as many. Nothing for layouts of another kind.
std::optional<Layout> SameChannelBlocks(const Layout& layout, const Dims& dims);

// The layout of an f32 image of `dims`, [N,C,H,W], with so many channels side by side: blocks of 8
// or 16 of them, or 0 for all (channels-last). Errors: dims that the library cannot describe.
absl::StatusOr<Layout> ChannelsSideBySide(const Dims& dims, int64_t width);

// The layout of f32 weights of `dims`, [O,I,H,W], with the filters side by side: as [H,W,I,O].
absl::StatusOr<Layout> FiltersSideBySide(const Dims& dims);

// Floats from a pixel to the next one of an f32 image [N,C,...] that lies channels-last: C, or more
// where it is a region of an image of more channels. Nothing for layouts of another kind, and for
// those that are row-major too.
std::optional<int64_t> FindPixelStride(const Layout& layout);

// The layout of such an image.
Layout ChannelsLastLayout(const Dims& dims, int64_t pixel_stride);

}  // namespace weft

#endif  // WEFT_RUNTIME_CHANNEL_BLOCKS_H_
