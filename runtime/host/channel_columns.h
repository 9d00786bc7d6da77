#ifndef WEFT_RUNTIME_HOST_CHANNEL_COLUMNS_H_
#define WEFT_RUNTIME_HOST_CHANNEL_COLUMNS_H_

#include <algorithm>
#include <cstdint>

#include "runtime/channel_blocks.h"

namespace weft {

// An image [N,C,...] whose channels lie side by side, as planes of lines of columns: all that lies
// in a column belongs to one channel. Lines are long enough for vectors, if C is small of several
// positions; the last one of a plane may be shorter.
//
//                   planes                             channel of a column
//   channels-last   one, of the positions of all images   column % C
//   narrow [N,C,3]  one, of the images                    column / 3 % C
//   blocks of 16    one for each image and block          16 block + column % 16
struct ColumnGrid {
  static constexpr int64_t kLine = 128;  // columns of a line at least, where there are as many
  static constexpr int64_t kTile = 512;  // columns that are summed together at most
  static constexpr int64_t kParts = 16;  // that planes are summed in, where there are few of them
  static constexpr int64_t kPartLines = 16;  // at least, of a part

  // Of an image with elements.
  explicit ColumnGrid(const ChannelBlocks& b) {
    const bool blocked = b.width > 1 && b.blocks > 1;
    planes = blocked ? b.images * b.blocks : 1;
    blocks = blocked ? b.blocks : 1;
    size = b.images * b.blocks * b.positions * b.width / planes;
    width = b.width > 1 ? b.width : b.blocks;
    inner = b.width > 1 ? 1 : b.positions;
    line = width * inner;
    line *= std::clamp<int64_t>(kLine / line, 1, size / line);
    lines = (size + line - 1) / line;
    tile = std::min(line, kTile / inner * inner);
    tiles = (line + tile - 1) / tile;
    parts = std::clamp<int64_t>(std::min(kParts / planes, lines / kPartLines), 1, kParts);
  }

  // Where the channel's first element is.
  int64_t First(int64_t channel) const { return channel / width * size + channel % width * inner; }
  // Elements of the plane's line `l`.
  int64_t LineSize(int64_t l) const { return std::min(line, size - l * line); }

  int64_t planes;  // in the order of memory, images first
  int64_t blocks;  // planes of an image
  int64_t size;    // of a plane, in elements
  int64_t width;   // channels of a plane
  int64_t inner;   // neighbouring columns of a channel; whole channels fit into a tile
  int64_t line, lines;
  int64_t tile, tiles;  // of a line
  int64_t parts;        // of a plane
};

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_CHANNEL_COLUMNS_H_
