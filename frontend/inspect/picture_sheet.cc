#include "frontend/inspect/picture_sheet.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "frontend/data/contact_sheet.h"
#include "frontend/inspect/map_picture.h"
#include "frontend/io/resample.h"

namespace weft {
namespace {

constexpr int64_t kTileGap = 6, kLineGap = 4;  // pixels
constexpr int64_t kMostSheetPixels = int64_t{1} << 26;

// The picture with a longer side of about `tile` pixels.
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

absl::Status CheckTiles(std::span<const SheetTile> tiles, const SheetOptions& options) {
  if (tiles.empty() || options.columns < 1 || options.tile < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "sheet: expected pictures, 1 column or more and tiles of 1 pixel or more, got ",
        tiles.size(), ", ", options.columns, " and ", options.tile));
  }
  for (const SheetTile& tile : tiles) {
    const Picture& p = tile.picture;
    if (p.height > 0 && p.width > 0 && (p.channels == 1 || p.channels == 3)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("sheet: expected pictures of 1 or 3 channels, one is ", p.height, "x", p.width,
                     " of ", p.channels));
  }
  return absl::OkStatus();
}

// Where things are on a sheet, in pixels. Letters of DrawText are 4x5 squares of `letter` pixels.
struct SheetForm {
  int64_t columns = 0, rows = 0;
  int64_t letter = 2;
  size_t letters = 0;  // of a line
  int64_t line = 0;
  int64_t above = 0;  // a picture, for its title
  int64_t tile_height = 0, tile_width = 0;
  int64_t height() const { return rows * tile_height + kTileGap; }
  int64_t width() const { return columns * tile_width + kTileGap; }
};

SheetForm FormOfSheet(std::span<const SheetTile> tiles, int64_t picture_height,
                      const SheetOptions& options) {
  size_t lines = 0, longest = 0, title = 0;
  for (const SheetTile& tile : tiles) {
    lines = std::max(lines, tile.lines.size());
    title = std::max(title, tile.title.size());
    for (const std::string& line : tile.lines) longest = std::max(longest, line.size());
  }
  const auto count = static_cast<int64_t>(tiles.size());
  SheetForm form{.columns = std::min(options.columns, count)};
  form.rows = (count + form.columns - 1) / form.columns;
  form.tile_width = options.tile + kTileGap;
  const auto fitting = [&] { return static_cast<size_t>(form.tile_width / (4 * form.letter)); };
  if (options.whole_lines && std::max(longest, title) > fitting()) form.letter = 1;
  form.letters = fitting();
  form.line = 5 * form.letter + kLineGap;
  form.above = title > 0 ? form.line : 0;
  form.tile_height =
      form.above + picture_height + static_cast<int64_t>(lines) * form.line + kTileGap;
  return form;
}

void DrawTile(const SheetTile& tile, const Picture& picture, const SheetForm& form, int64_t top,
              int64_t left, int64_t picture_height, Picture& sheet) {
  const auto write = [&](const std::string& text, int64_t y) {
    DrawText(sheet, left, y, text.substr(0, form.letters), form.letter, 0);
  };
  write(tile.title, top);
  PasteTile(picture, top + form.above, left, sheet);
  int64_t y = top + form.above + picture_height + kLineGap;
  for (const std::string& line : tile.lines) {
    write(line, y);
    y += form.line;
  }
}

}  // namespace

absl::StatusOr<Picture> PictureSheet(std::span<const SheetTile> tiles,
                                     const SheetOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckTiles(tiles, options));
  std::vector<Picture> pictures;
  int64_t picture_height = 0;
  for (const SheetTile& tile : tiles) {
    pictures.push_back(FittedToTile(tile.picture, options.tile));
    picture_height = std::max(picture_height, pictures.back().height);
  }
  const SheetForm form = FormOfSheet(tiles, picture_height, options);
  if (form.height() > kMostSheetPixels / form.width()) {
    return absl::InvalidArgumentError(absl::StrCat("sheet: ", tiles.size(), " pictures of ",
                                                   options.tile, " pixels make one of more than ",
                                                   kMostSheetPixels));
  }
  Picture sheet{.height = form.height(), .width = form.width()};
  sheet.pixels.assign(static_cast<size_t>(sheet.height * sheet.width * 3), 255);
  for (int64_t i = 0; i < static_cast<int64_t>(tiles.size()); ++i) {
    const auto at = static_cast<size_t>(i);
    DrawTile(tiles[at], pictures[at], form, kTileGap + i / form.columns * form.tile_height,
             kTileGap + i % form.columns * form.tile_width, picture_height, sheet);
  }
  return sheet;
}

std::string ShareText(const std::string& name, double probability) {
  // "100%" only of what is nothing else.
  const auto percent = static_cast<int>(probability * 100 + (probability < 0.995 ? 0.5 : 0));
  return absl::StrCat(percent, "% ", name);
}

std::string TileNumber(double value) { return absl::StrFormat("%.3g", value); }

}  // namespace weft
