#include "frontend/data/contact_sheet.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "frontend/io/image.h"

namespace weft {
namespace {

constexpr int64_t kFontWidth = 4, kFontHeight = 5;  // squares, with the gap to the next character
constexpr int64_t kSheetGap = 4;                    // pixels
constexpr int64_t kSheetFontScale = 2;
constexpr int64_t kSheetTextHeight = kFontHeight * kSheetFontScale + kSheetGap;

// A row of three squares is an octal digit, the left one its highest bit; rows go down.
struct TinyGlyph {
  char character;
  unsigned rows;
};
constexpr TinyGlyph kTinyFont[] = {
    {'A', 025755}, {'B', 065656}, {'C', 034443}, {'D', 065556}, {'E', 074647},  {'F', 074644},
    {'G', 034553}, {'H', 055755}, {'I', 072227}, {'J', 011152}, {'K', 055655},  {'L', 044447},
    {'M', 057755}, {'N', 065555}, {'O', 025552}, {'P', 065644}, {'Q', 025573},  {'R', 065655},
    {'S', 034216}, {'T', 072222}, {'U', 055557}, {'V', 055552}, {'W', 055775},  {'X', 055255},
    {'Y', 055222}, {'Z', 071247}, {'0', 075557}, {'1', 026227}, {'2', 061247},  {'3', 061216},
    {'4', 055711}, {'5', 074616}, {'6', 034757}, {'7', 071222}, {'8', 075757},  {'9', 075716},
    {' ', 0},      {'.', 000002}, {',', 000024}, {'-', 000700}, {'_', 000007},  {'/', 011244},
    {'%', 051245}, {':', 002020}, {'+', 002720}, {'(', 012221}, {')', 042224},  {'#', 057575},
    {'=', 007070}, {'&', 025257}, {'!', 022202}, {'?', 061202}, {'\'', 022000}, {'*', 052725}};
constexpr unsigned kUnknownGlyph = 077777;

unsigned GlyphRows(char c) {
  const auto glyph = std::ranges::find(
      kTinyFont, absl::ascii_toupper(static_cast<unsigned char>(c)), &TinyGlyph::character);
  return glyph == std::end(kTinyFont) ? kUnknownGlyph : glyph->rows;
}

void FillSquare(Picture& picture, int64_t x, int64_t y, int64_t size, uint8_t level) {
  for (int64_t row = std::max<int64_t>(y, 0); row < std::min(y + size, picture.height); ++row) {
    for (int64_t column = std::max<int64_t>(x, 0); column < std::min(x + size, picture.width);
         ++column) {
      const auto at = static_cast<size_t>((row * picture.width + column) * picture.channels);
      std::fill_n(&picture.pixels[at], picture.channels, level);
    }
  }
}

// What stands below an example.
std::string LabelText(const Dataset& dataset, const std::vector<int64_t>& classes,
                      const std::vector<float>& targets) {
  const std::vector<std::string>& names = dataset.class_names();
  if (classes.size() == 1 && classes[0] >= 0 && classes[0] < static_cast<int64_t>(names.size())) {
    return names[static_cast<size_t>(classes[0])];
  }
  std::string text;
  for (size_t i = 0; i < targets.size(); ++i) {
    if (names.size() != targets.size()) {
      absl::StrAppend(&text, text.empty() ? "" : " ", targets[i]);
    } else if (targets[i] > 0) {
      absl::StrAppend(&text, text.empty() ? "" : " ", names[i]);
      if (targets[i] < 1) absl::StrAppend(&text, " ", static_cast<int>(100 * targets[i]), "%");
    }
  }
  return text;
}

// Puts example `index` at (x, y), with its label below.
absl::Status AddTile(const Dataset& dataset, int64_t index, const ContactSheetOptions& o, int64_t x,
                     int64_t y, Picture& sheet) {
  std::vector<float> image(static_cast<size_t>(dataset.example_size()));
  const auto count = static_cast<size_t>(dataset.label_size());
  std::vector<int64_t> classes(dataset.targets() ? 0 : count);
  std::vector<float> targets(dataset.targets() ? count : 0);
  WEFT_RETURN_IF_ERROR(
      dataset.Read(index, image, {.classes = classes, .targets = targets}, o.draw));
  const auto pixels = std::span(image).first(static_cast<size_t>(dataset.image_size()));
  const Preprocessing& from = dataset.preprocessing();
  const int64_t longer = std::max(from.height, from.width);
  Preprocessing to = {.channels = 3,
                      .height = std::max<int64_t>(1, o.tile * from.height / longer),
                      .width = std::max<int64_t>(1, o.tile * from.width / longer),
                      .channel_order = "rgb",
                      .mean = {0, 0, 0},
                      .std = {1, 1, 1}};
  const std::vector<float> planes = ConvertImage(pixels, from, to);
  const int64_t area = to.height * to.width;
  for (int64_t i = 0; i < 3 * area; ++i) {
    const int64_t row = i % area / to.width, column = i % to.width;
    const float level = std::clamp(planes[static_cast<size_t>(i)], 0.0f, 1.0f);
    sheet.pixels[static_cast<size_t>(((y + row) * sheet.width + x + column) * 3 + i / area)] =
        static_cast<uint8_t>(level * 255 + 0.5f);
  }
  const auto letters = static_cast<size_t>(o.tile / (kFontWidth * kSheetFontScale));
  DrawText(sheet, x, y + o.tile + kSheetGap / 2,
           LabelText(dataset, classes, targets).substr(0, letters), kSheetFontScale, 0);
  return absl::OkStatus();
}

}  // namespace

void DrawText(Picture& picture, int64_t x, int64_t y, std::string_view text, int64_t scale,
              uint8_t level) {
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned rows = GlyphRows(text[i]);
    for (int64_t square = 0; square < 15; ++square) {
      if ((rows >> (14 - square) & 1) == 0) continue;
      const int64_t column = static_cast<int64_t>(i) * kFontWidth + square % 3;
      FillSquare(picture, x + column * scale, y + square / 3 * scale, scale, level);
    }
  }
}

absl::StatusOr<Picture> ContactSheet(const Dataset& dataset, const ContactSheetOptions& options) {
  if (!dataset.is_images()) {
    return absl::InvalidArgumentError(
        absl::StrCat(dataset.name(), ": expected images for a contact sheet, its examples are ",
                     ToString(dataset.example_dims())));
  }
  if (options.count < 1 || options.columns < 1 || options.tile < 1) {
    return absl::InvalidArgumentError("contact sheet: expected counts and a tile above 0");
  }
  const int64_t count = std::min(options.count, dataset.size());
  const int64_t columns = std::min(options.columns, count);
  const int64_t rows = (count + columns - 1) / columns;
  const int64_t width = options.tile + kSheetGap;
  const int64_t height = options.tile + kSheetGap + kSheetTextHeight;
  Picture sheet = {.height = rows * height + kSheetGap, .width = columns * width + kSheetGap};
  sheet.pixels.assign(static_cast<size_t>(sheet.height * sheet.width * 3), 255);
  for (int64_t i = 0; i < count; ++i) {
    WEFT_RETURN_IF_ERROR(AddTile(dataset, i * dataset.size() / count, options,
                                 kSheetGap + i % columns * width, kSheetGap + i / columns * height,
                                 sheet));
  }
  return sheet;
}

}  // namespace weft
