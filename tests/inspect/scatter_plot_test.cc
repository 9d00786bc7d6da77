#include "frontend/inspect/data/scatter_plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "frontend/inspect/picture_sheet.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Scatter ThreePoints() {
  return {.coordinates =
              Tensor::FromValues<float>({3, 2}, std::array{0.f, 0.f, 1.f, 2.f, 4.f, 1.f}).value(),
          .classes = {0, 1, 1},
          .class_names = {"cat", "a <dog>"},
          .numbers = {5, 6, 9}};
}

std::array<uint8_t, 3> PixelAt(const Picture& p, int64_t x, int64_t y) {
  const auto at = static_cast<size_t>((y * p.width + x) * 3);
  return {p.pixels[at], p.pixels[at + 1], p.pixels[at + 2]};
}

TEST(ScatterPlot, SvgHasTitlesLegendAndAxes) {
  const auto svg = ScatterSvg(ThreePoints(), {.title = "points", .x_label = "first"});
  ASSERT_TRUE(svg.ok()) << svg.status();
  EXPECT_THAT(*svg, AllOf(HasSubstr("<title>example 5: cat</title>"),
                          HasSubstr("<title>example 9: a &lt;dog&gt;</title>"),
                          HasSubstr(">a &lt;dog&gt;</text>"), HasSubstr(">points</text>"),
                          HasSubstr("#0072b2"), HasSubstr("#d55e00"), Not(HasSubstr("#009e73"))));
}

TEST(ScatterPlot, PictureHasMarksAtThePlaces) {
  const Picture picture = ScatterPicture(ThreePoints(), 107).value();
  // The marks' middles are 3 pixels inside: (0,0) at the bottom left, (4,1) halfway up the right.
  EXPECT_EQ(PixelAt(picture, 3, 103), (std::array<uint8_t, 3>{0x00, 0x72, 0xb2}));
  EXPECT_EQ(PixelAt(picture, 103, 53), (std::array<uint8_t, 3>{0xd5, 0x5e, 0x00}));
  EXPECT_EQ(PixelAt(picture, 28, 3), (std::array<uint8_t, 3>{0xd5, 0x5e, 0x00}));
  EXPECT_EQ(PixelAt(picture, 60, 60), (std::array<uint8_t, 3>{255, 255, 255}));
}

TEST(ScatterPlot, TextHasALetterForEachClass) {
  EXPECT_EQ(ScatterText(ThreePoints(), 9, 3).value(),
            "  1\n"
            "        1\n"
            "0\n"
            "0 cat\n"
            "1 a <dog>\n");
  Scatter scatter = ThreePoints();
  scatter.classes.clear();
  EXPECT_EQ(ScatterText(scatter, 5, 2).value(), " o  o\no\n");
}

TEST(ScatterPlot, SaysWhatIsWrong) {
  Scatter scatter = ThreePoints();
  scatter.classes.pop_back();
  EXPECT_THAT(ScatterSvg(scatter, {}).status().message(),
              HasSubstr("each of 3 points, got 2 classes"));
  scatter = ThreePoints();
  scatter.coordinates = Tensor::Zeros(DType::kF32, {3, 1}).value();
  EXPECT_THAT(ScatterPicture(scatter).status().message(), HasSubstr("got f32[3,1]"));
  EXPECT_FALSE(ScatterPicture(ThreePoints(), 4).ok());
  EXPECT_FALSE(ScatterText(ThreePoints(), 1).ok());
}

TEST(PictureSheet, PutsTilesInRowsAboveTheirLines) {
  const Picture gray{.height = 2, .width = 4, .channels = 1, .pixels = {9, 9, 9, 9, 9, 9, 9, 9}};
  std::vector<SheetTile> tiles(3, {gray, {"one", "two"}});
  const Picture sheet = PictureSheet(tiles, {.columns = 2, .tile = 32}).value();
  EXPECT_EQ(sheet.width, 2 * 38 + 6);
  EXPECT_EQ(sheet.height, 2 * (16 + 2 * 14 + 6) + 6);
  EXPECT_EQ(PixelAt(sheet, 6, 6), (std::array<uint8_t, 3>{9, 9, 9}));  // enlarged 8 times
  EXPECT_EQ(PixelAt(sheet, 37, 21), (std::array<uint8_t, 3>{9, 9, 9}));
  EXPECT_EQ(PixelAt(sheet, 37, 22), (std::array<uint8_t, 3>{255, 255, 255}));
  EXPECT_EQ(PixelAt(sheet, 6, 56), (std::array<uint8_t, 3>{9, 9, 9}));
  // Four letters have room, five only as smaller ones.
  tiles[1].lines[0] = "three";
  EXPECT_EQ(PictureSheet(tiles, {.columns = 2, .tile = 32})->height, sheet.height);
  EXPECT_EQ(PictureSheet(tiles, {.columns = 2, .tile = 32, .whole_lines = true})->height,
            2 * (16 + 2 * 9 + 6) + 6);
  tiles[2].title = "above";
  const Picture titled = PictureSheet(tiles, {.columns = 2, .tile = 32}).value();
  EXPECT_EQ(titled.height, 2 * (14 + 16 + 2 * 14 + 6) + 6);
  EXPECT_EQ(PixelAt(titled, 6, 20), (std::array<uint8_t, 3>{9, 9, 9}));
}

TEST(PictureSheet, SaysWhatIsWrong) {
  const Picture gray{.height = 1, .width = 1, .channels = 1, .pixels = {9}};
  const std::vector<SheetTile> tiles(2, {gray});
  EXPECT_THAT(PictureSheet({}).status().message(), HasSubstr("expected pictures"));
  EXPECT_THAT(PictureSheet(tiles, {.columns = 0}).status().message(), HasSubstr("got 2, 0 and"));
  EXPECT_FALSE(PictureSheet(tiles, {.tile = 0}).ok());
  EXPECT_THAT(PictureSheet(tiles, {.tile = 9000}).status().message(), HasSubstr("of more than"));
  EXPECT_THAT(PictureSheet(std::vector<SheetTile>(1)).status().message(), HasSubstr("one is 0x0"));
}

TEST(PictureSheet, ShortNumbers) {
  EXPECT_EQ(ShareText("cat", 0.994), "99% cat");
  EXPECT_EQ(ShareText("cat", 0.9999), "99% cat");
  EXPECT_EQ(ShareText("cat", 1), "100% cat");
}

}  // namespace
}  // namespace weft
