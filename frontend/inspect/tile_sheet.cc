#include "frontend/inspect/tile_sheet.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "frontend/data/contact_sheet.h"
#include "frontend/inspect/map_picture.h"
#include "frontend/io/resample.h"

namespace weft {
namespace {

constexpr int64_t kSheetTileGap = 6;  // pixels between tiles
constexpr int64_t kTileFont = 2;      // pixels of a letter's squares
constexpr int64_t kTileLine = 5 * kTileFont + 3;
constexpr int64_t kTileLetter = 4 * kTileFont;
constexpr int64_t kMostSheetPixels = int64_t{1} << 26;

// The picture with a longer side of about `side` pixels.
Picture FittedToTile(const Picture& picture, int64_t side) {
  const int64_t longer = std::max(picture.height, picture.width);
  if (longer <= side) return Enlarged(picture, side / longer);
  return Resample(picture, std::max<int64_t>(1, picture.height * side / longer),
                  std::max<int64_t>(1, picture.width * side / longer));
}

void PutPicture(const Picture& picture, int64_t top, int64_t left, Picture& sheet) {
  for (int64_t i = 0; i < picture.height * picture.width; ++i) {
    const auto to = static_cast<size_t>(
        ((top + i / picture.width) * sheet.width + left + i % picture.width) * 3);
    for (size_t c = 0; c < 3; ++c) {
      sheet.pixels[to + c] =
          picture
              .pixels[static_cast<size_t>(i * picture.channels) + (picture.channels == 3 ? c : 0)];
    }
  }
}

absl::Status CheckTiles(std::span<const Tile> tiles, const TileSheetOptions& options) {
  if (tiles.empty() || options.columns < 1 || options.side < 1) {
    return absl::InvalidArgumentError("sheet: expected pictures, columns and a side above 0");
  }
  for (const Tile& tile : tiles) {
    const Picture& p = tile.picture;
    if (p.height > 0 && p.width > 0 && (p.channels == 1 || p.channels == 3)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("sheet: expected pictures of 1 or 3 channels, one is ", p.height, "x", p.width,
                     " of ", p.channels));
  }
  const auto rows = static_cast<double>(tiles.size()) / static_cast<double>(options.columns) + 1;
  const auto side = static_cast<double>(options.side + 2 * kTileLine + kSheetTileGap);
  if (rows * side * side * static_cast<double>(options.columns) <=
      static_cast<double>(kMostSheetPixels)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("sheet: ", tiles.size(), " pictures of ",
                                                 options.side, " pixels make one of more than ",
                                                 kMostSheetPixels));
}

bool AnyText(std::span<const Tile> tiles, std::string Tile::*line) {
  return std::ranges::any_of(tiles, [&](const Tile& t) { return !(t.*line).empty(); });
}

}  // namespace

absl::StatusOr<Picture> TileSheet(std::span<const Tile> tiles, const TileSheetOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckTiles(tiles, options));
  std::vector<Picture> pictures;
  int64_t cell_height = 0, cell_width = 0;
  for (const Tile& tile : tiles) {
    pictures.push_back(FittedToTile(tile.picture, options.side));
    cell_height = std::max(cell_height, pictures.back().height);
    cell_width = std::max(cell_width, pictures.back().width);
  }
  const auto count = static_cast<int64_t>(tiles.size());
  const int64_t columns = std::min(options.columns, count);
  const int64_t above = AnyText(tiles, &Tile::title) ? kTileLine : 0;
  const int64_t below = AnyText(tiles, &Tile::caption) ? kTileLine : 0;
  const int64_t row_height = above + cell_height + below + kSheetTileGap;
  const int64_t column_width = cell_width + kSheetTileGap;
  Picture sheet{.height = (count + columns - 1) / columns * row_height + kSheetTileGap,
                .width = columns * column_width + kSheetTileGap};
  sheet.pixels.assign(static_cast<size_t>(sheet.height * sheet.width * 3), 255);
  const auto letters = static_cast<size_t>(column_width / kTileLetter);
  for (int64_t i = 0; i < count; ++i) {
    const Tile& tile = tiles[static_cast<size_t>(i)];
    const int64_t top = kSheetTileGap + i / columns * row_height;
    const int64_t left = kSheetTileGap + i % columns * column_width;
    DrawText(sheet, left, top, tile.title.substr(0, letters), kTileFont, 0);
    PutPicture(pictures[static_cast<size_t>(i)], top + above, left, sheet);
    DrawText(sheet, left, top + above + cell_height + 3, tile.caption.substr(0, letters), kTileFont,
             0);
  }
  return sheet;
}

std::string TileNumber(double value) {
  std::array<char, 32> text = {};
  std::snprintf(text.data(), text.size(), "%.3g", value);
  return text.data();
}

}  // namespace weft
