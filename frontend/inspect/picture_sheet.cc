#include "frontend/inspect/picture_sheet.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/data/contact_sheet.h"
#include "frontend/inspect/map_picture.h"
#include "frontend/io/resample.h"

namespace weft {
namespace {

constexpr int64_t kTileGap = 6, kLetterScale = 2;  // pixels
constexpr int64_t kLetterWidth = 4 * kLetterScale, kLineHeight = 7 * kLetterScale;

Picture FittedToTile(const Picture& picture, int64_t tile) {
  const int64_t longer = std::max(picture.height, picture.width);
  if (longer <= tile) return Enlarged(picture, tile / longer);
  return Resample(picture, std::max<int64_t>(1, picture.height * tile / longer),
                  std::max<int64_t>(1, picture.width * tile / longer));
}

void PasteTile(const Picture& from, int64_t top, int64_t left, Picture& sheet) {
  for (int64_t i = 0; i < from.height * from.width; ++i) {
    const auto to =
        static_cast<size_t>(((top + i / from.width) * sheet.width + left + i % from.width) * 3);
    for (size_t c = 0; c < 3; ++c) {
      sheet.pixels[to + c] =
          from.pixels[static_cast<size_t>(i * from.channels) + (from.channels == 3 ? c : 0)];
    }
  }
}

}  // namespace

Picture PictureSheet(std::span<const SheetTile> tiles, const SheetOptions& options) {
  const auto count = static_cast<int64_t>(tiles.size());
  if (count == 0) return {};
  const int64_t tile = std::max<int64_t>(options.tile, 1);
  const int64_t columns = std::clamp<int64_t>(options.columns, 1, count);
  size_t lines = 0;
  for (const SheetTile& t : tiles) lines = std::max(lines, t.lines.size());
  const int64_t width = tile + kTileGap;
  const int64_t height = tile + kTileGap + static_cast<int64_t>(lines) * kLineHeight;
  Picture sheet = {.height = (count + columns - 1) / columns * height + kTileGap,
                   .width = columns * width + kTileGap};
  sheet.pixels.assign(static_cast<size_t>(sheet.height * sheet.width * 3), 255);
  for (int64_t i = 0; i < count; ++i) {
    const SheetTile& t = tiles[static_cast<size_t>(i)];
    const int64_t left = kTileGap + i % columns * width, top = kTileGap + i / columns * height;
    if (!t.picture.pixels.empty()) PasteTile(FittedToTile(t.picture, tile), top, left, sheet);
    for (size_t line = 0; line < t.lines.size(); ++line) {
      DrawText(sheet, left, top + tile + 4 + static_cast<int64_t>(line) * kLineHeight,
               t.lines[line].substr(0, static_cast<size_t>(tile / kLetterWidth)), kLetterScale, 0);
    }
  }
  return sheet;
}

std::string ShareText(const std::string& name, double probability) {
  // "100%" only of what is nothing else.
  const auto percent = static_cast<int>(probability * 100 + (probability < 0.995 ? 0.5 : 0));
  return absl::StrCat(percent, "% ", name);
}

}  // namespace weft
