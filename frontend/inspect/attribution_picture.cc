#include "frontend/inspect/attribution_picture.h"

#include <algorithm>
#include <array>
#include <vector>

#include "frontend/data/contact_sheet.h"
#include "frontend/inspect/map_picture.h"

namespace weft {
namespace {

constexpr int64_t kTitleScale = 2, kTitleHeight = 5 * kTitleScale;  // DrawText's letters
constexpr int64_t kTileGap = 6;

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
  const auto count = static_cast<int64_t>(tiles.size());
  columns = std::min(columns, count);
  const int64_t pitch = shown.height + kTitleHeight + 2 * kTileGap;
  Picture sheet{.height = 0, .width = 0, .channels = 3};
  for (int64_t first = 0; first < count; first += columns) {
    const int64_t end = std::min(count, first + columns);
    const Picture row = SideBySide(
        std::span(tiles).subspan(static_cast<size_t>(first), static_cast<size_t>(end - first)),
        kTileGap);
    if (first == 0) sheet.width = row.width;
    sheet.pixels.resize(static_cast<size_t>((sheet.height + pitch) * sheet.width * 3), 255);
    for (int64_t y = 0; y < row.height; ++y) {
      std::copy_n(&row.pixels[static_cast<size_t>(y * row.width * 3)], row.width * 3,
                  &sheet.pixels[static_cast<size_t>((sheet.height + y) * sheet.width * 3)]);
    }
    sheet.height += pitch;
    for (int64_t i = first; i < end; ++i) {
      DrawText(sheet, (i - first) * (shown.width + kTileGap),
               sheet.height - kTitleHeight - kTileGap, titles[static_cast<size_t>(i)], kTitleScale,
               0);
    }
  }
  return sheet;
}

}  // namespace weft
