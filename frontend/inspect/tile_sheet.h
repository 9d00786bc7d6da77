#ifndef WEFT_FRONTEND_INSPECT_TILE_SHEET_H_
#define WEFT_FRONTEND_INSPECT_TILE_SHEET_H_

#include <cstdint>
#include <span>
#include <string>

#include "frontend/io/picture.h"
#include "graph/status.h"

namespace weft {

// A picture on a sheet, with a line above and one below; each is cut off where the next tile
// begins.
struct Tile {
  Picture picture;
  std::string title = {}, caption = {};
};

struct TileSheetOptions {
  int64_t columns = 8;
  int64_t side = 72;  // pixels that a picture's longer side is enlarged to or shrunk to, about
};

// Pictures of any sizes row by row on white. Small ones are enlarged a whole number of times. Lines
// that no tile has take no room. Errors: no tile, options below 1, a sheet of over 2^26 pixels.
absl::StatusOr<Picture> TileSheet(std::span<const Tile> tiles, const TileSheetOptions& options);

// "0.123", "12.3": what fits below a tile.
std::string TileNumber(double value);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_TILE_SHEET_H_
