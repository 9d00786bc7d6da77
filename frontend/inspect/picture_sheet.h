#ifndef WEFT_FRONTEND_INSPECT_PICTURE_SHEET_H_
#define WEFT_FRONTEND_INSPECT_PICTURE_SHEET_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "frontend/io/picture.h"

namespace weft {

struct SheetTile {
  Picture picture = {};
  std::vector<std::string> lines = {};  // below it, as many letters as its width has room for
};

struct SheetOptions {
  int64_t columns = 5;
  int64_t tile = 112;  // pixels of a picture's longer side: 14 letters
};

// Pictures with captions side by side, in rows of options.columns; small ones are enlarged by a
// whole factor, large ones shrunk. Options below 1 count as 1; no tile gives a picture of none.
Picture PictureSheet(std::span<const SheetTile> tiles, const SheetOptions& options = {});

// A line of a tile: "97% three".
std::string ShareText(const std::string& name, double probability);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_PICTURE_SHEET_H_
