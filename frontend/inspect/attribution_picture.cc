#include "frontend/inspect/attribution_picture.h"

#include <algorithm>
#include <array>
#include <vector>

#include "frontend/data/contact_sheet.h"
#include "frontend/inspect/map_picture.h"

namespace weft {
namespace {

constexpr int64_t kTileGap = 6;

// Letters of DrawText are 4x5 squares of so many pixels: smaller where the longest title would not
// fit below a tile.
int64_t TitleScale(const std::vector<std::string>& titles, int64_t width) {
  const bool fits = std::ranges::all_of(titles, [&](const std::string& title) {
    return static_cast<int64_t>(title.size()) * 4 * 2 <= width + kTileGap;
  });
  return fits ? 2 : 1;
}

// Adds a row of tiles of one size below what is there, each above its title. The first row makes
// the width.
void AddSheetRow(std::span<const Picture> tiles, std::span<const std::string> titles, int64_t scale,
                 Picture& sheet) {
  const Picture row = SideBySide(tiles, kTileGap);
  sheet.width = std::max(sheet.width, row.width);
  const int64_t top = sheet.height;
  sheet.height += row.height + 5 * scale + 2 * kTileGap;
  sheet.pixels.resize(static_cast<size_t>(sheet.height * sheet.width * 3), 255);
  for (int64_t y = 0; y < row.height; ++y) {
    std::copy_n(&row.pixels[static_cast<size_t>(y * row.width * 3)], row.width * 3,
                &sheet.pixels[static_cast<size_t>((top + y) * sheet.width * 3)]);
  }
  for (size_t i = 0; i < titles.size(); ++i) {
    DrawText(sheet, static_cast<int64_t>(i) * (tiles[i].width + kTileGap),
             top + row.height + kTileGap, titles[i], scale, 0);
  }
}

Picture EnlargedTo(const Picture& picture, int64_t least_pixels) {
  const int64_t longer = std::max(picture.height, picture.width);
  return Enlarged(picture, std::max<int64_t>(1, (least_pixels + longer - 1) / longer));
}

}  // namespace

absl::StatusOr<Picture> AttributionPicture(const Picture& picture, const Attribution& what,
                                           int64_t least_pixels) {
  const Picture shown = EnlargedTo(picture, least_pixels);
  WEFT_ASSIGN_OR_RETURN(const Picture overlay,
                        OverlayPicture(shown, what.map, {.is_signed = what.is_signed}));
  return SideBySide(std::array{shown, overlay});
}

absl::StatusOr<Picture> AttributionSheet(const Picture& picture,
                                         std::span<const TitledAttribution> all,
                                         int64_t least_pixels, int64_t columns) {
  if (columns < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("sheet: expected 1 column or more, got ", columns));
  }
  const Picture shown = EnlargedTo(picture, least_pixels);
  std::vector<Picture> tiles = {shown};
  std::vector<std::string> titles = {"picture"};
  for (const TitledAttribution& one : all) {
    WEFT_ASSIGN_OR_RETURN(tiles.emplace_back(),
                          OverlayPicture(shown, one.what.map, {.is_signed = one.what.is_signed}));
    titles.push_back(one.title);
  }
  const int64_t scale = TitleScale(titles, shown.width);
  Picture sheet;
  for (size_t first = 0; first < tiles.size(); first += static_cast<size_t>(columns)) {
    const size_t count = std::min(static_cast<size_t>(columns), tiles.size() - first);
    AddSheetRow(std::span(tiles).subspan(first, count), std::span(titles).subspan(first, count),
                scale, sheet);
  }
  return sheet;
}

}  // namespace weft
