#ifndef WEFT_FRONTEND_INSPECT_PICTURE_SHEET_H_
#define WEFT_FRONTEND_INSPECT_PICTURE_SHEET_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "frontend/io/picture.h"
#include "graph/status.h"

namespace weft {

struct SheetTile {
  Picture picture = {};
  std::vector<std::string> lines = {};  // below it
  std::string title = {};               // above it
};

struct SheetOptions {
  int64_t columns = 5;
  int64_t tile = 112;        // pixels of a picture's longer side: 14 letters
  bool whole_lines = false;  // smaller letters where a line would be cut off at its tile's end
};

// Pictures with captions side by side on white, in rows of options.columns; small ones are enlarged
// by a whole factor, large ones shrunk. Titles that no tile has take no room. Errors: no tile, a
// picture without pixels, options below 1, a sheet of over 2^26 pixels.
absl::StatusOr<Picture> PictureSheet(std::span<const SheetTile> tiles,
                                     const SheetOptions& options = {});

// A line of a tile: "97% three".
std::string ShareText(const std::string& name, double probability);
// "0.123", "12.3".
std::string TileNumber(double value);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_PICTURE_SHEET_H_
