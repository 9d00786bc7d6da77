#include "frontend/inspect/attribution/attribution_picture.h"

#include <algorithm>
#include <array>
#include <vector>

#include "frontend/inspect/map_picture.h"
#include "frontend/inspect/picture_sheet.h"
#include "frontend/io/resample.h"

namespace weft {
namespace {

constexpr int64_t kAttributionStripe = 32;  // pixels

}  // namespace

absl::StatusOr<Picture> AttributionPicture(const Picture& picture, const Attribution& what,
                                           int64_t least_pixels) {
  const Picture shown = EnlargedTo(picture, least_pixels);
  WEFT_ASSIGN_OR_RETURN(const Picture overlay,
                        OverlayPicture(shown, what.map, {.is_signed = what.is_signed}));
  return SideBySide(std::array{shown, overlay});
}

absl::StatusOr<Picture> AttributionMapPicture(const Attribution& what) {
  WEFT_ASSIGN_OR_RETURN(
      const Picture map,
      MapPicture(what.map, what.is_signed ? ColorMap::kDiverging : ColorMap::kHeat,
                 RangeOf(what.map.values<float>(), what.is_signed)));
  if (map.height > 1) return map;
  return Resample(map, kAttributionStripe, map.width, ResampleFilter::kNearest);
}

absl::StatusOr<Picture> AttributionSheet(const Picture& picture,
                                         std::span<const TitledAttribution> all,
                                         int64_t least_pixels, int64_t columns) {
  const Picture shown = EnlargedTo(picture, least_pixels);
  std::vector<SheetTile> tiles = {{.picture = shown, .lines = {"picture"}}};
  for (const TitledAttribution& one : all) {
    SheetTile& tile = tiles.emplace_back(SheetTile{.lines = {one.title}});
    WEFT_ASSIGN_OR_RETURN(tile.picture,
                          OverlayPicture(shown, one.what.map, {.is_signed = one.what.is_signed}));
  }
  return PictureSheet(
      tiles,
      {.columns = columns, .tile = std::max(shown.height, shown.width), .whole_lines = true});
}

}  // namespace weft
