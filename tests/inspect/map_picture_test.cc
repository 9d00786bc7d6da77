#include "frontend/inspect/map_picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Tensor Floats(Dims dims, std::vector<float> values) {
  return Tensor::FromValues<float>(std::move(dims), values).value();
}

std::vector<uint8_t> GraysOf(const Picture& picture) {
  std::vector<uint8_t> grays;
  for (size_t i = 0; i < picture.pixels.size(); i += 3) grays.push_back(picture.pixels[i]);
  return grays;
}

TEST(MapPicture, RangeSkipsWhatIsNotFinite) {
  const std::vector<float> values = {1, -3, NAN, INFINITY, 2};
  EXPECT_EQ(RangeOf(values, false).low, -3);
  EXPECT_EQ(RangeOf(values, false).high, 2);
  EXPECT_EQ(RangeOf(values, true).high, 3);
  EXPECT_EQ((ValueRange{-1, 3}).Place(0), 0.25);
  EXPECT_EQ((ValueRange{2, 2}).Place(2), 0.5);
}

TEST(MapPicture, ElementsBecomeSquares) {
  const Picture picture = *MapPicture(Floats({1, 2}, {0, 1}), ColorMap::kGray, {0, 1}, 2);
  EXPECT_EQ(picture.height, 2);
  EXPECT_EQ(picture.width, 4);
  EXPECT_THAT(GraysOf(picture), ElementsAre(0, 0, 255, 255, 0, 0, 255, 255));
}

TEST(MapPicture, GridsShareARangeOrHaveEachTheirOwn) {
  const Tensor maps = Floats({2, 1, 2}, {0, 1, 0, 2});
  const Picture joint = *GridPicture(maps, {.columns = 2, .scale = 1, .gap = 0});
  EXPECT_THAT(GraysOf(joint), ElementsAre(0, 128, 0, 255));
  const Picture each = *GridPicture(maps, {.each = true, .columns = 2, .scale = 1, .gap = 0});
  EXPECT_THAT(GraysOf(each), ElementsAre(0, 255, 0, 255));
  const Picture gap = *GridPicture(maps, {.columns = 1, .scale = 1, .gap = 1, .background = 9});
  EXPECT_EQ(gap.height, 5);
  EXPECT_THAT(GraysOf(gap),
              ElementsAre(9, 9, 9, 9, 9, 0, 128, 9, 9, 9, 9, 9, 9, 0, 255, 9, 9, 9, 9, 9));
}

TEST(MapPicture, ColorsOfThreeChannels) {
  const Picture picture =
      *GridPicture(Floats({1, 3, 1, 1}, {0, 1, 0.5}), {.rgb = true, .scale = 1, .gap = 0});
  EXPECT_THAT(picture.pixels, ElementsAre(0, 255, 128));
}

TEST(MapPicture, RefusesOtherTensors) {
  EXPECT_THAT(GridPicture(Floats({2, 2}, {1, 2, 3, 4})).status().message(),
              HasSubstr("expected maps f32[N,H,W], N, H and W above 0, got f32[2,2]"));
  EXPECT_FALSE(MapPicture(Tensor(), ColorMap::kGray, {}).ok());
  EXPECT_THAT(GridPicture(Floats({1, 1, 1}, {1}), {.scale = 1 << 20}).status().message(),
              HasSubstr("the limit is"));
}

TEST(MapPicture, RefusesSizesWhoseProductsOverflow) {
  constexpr int64_t kHuge = int64_t{1} << 62;
  const Tensor maps = Floats({1, 2, 2}, {1, 2, 3, 4});
  EXPECT_THAT(GridPicture(maps, {.scale = kHuge}).status().message(), HasSubstr("the limit is"));
  EXPECT_THAT(GridPicture(maps, {.gap = kHuge}).status().message(), HasSubstr("the limit is"));
  EXPECT_FALSE(MapPicture(Floats({4, 4}, std::vector<float>(16)), ColorMap::kGray, {}, kHuge).ok());
}

TEST(MapPicture, OverlayOfNothingIsThePicture) {
  const Picture picture = {.height = 1, .width = 2, .channels = 1, .pixels = {10, 200}};
  for (const bool is_signed : {false, true}) {
    const Picture overlay =
        *OverlayPicture(picture, Floats({1, 2}, {0, 0}), {.is_signed = is_signed});
    EXPECT_THAT(overlay.pixels, ElementsAre(10, 10, 10, 200, 200, 200)) << is_signed;
  }
}

TEST(MapPicture, OverlayLeavesThePictureWhereTheMapIsZero) {
  const Picture picture = {.height = 1, .width = 2, .channels = 1, .pixels = {10, 200}};
  const Picture overlay = *OverlayPicture(picture, Floats({1, 2}, {0, 4}), {.opacity = 1});
  EXPECT_EQ(std::vector<uint8_t>(overlay.pixels.begin(), overlay.pixels.begin() + 3),
            (std::vector<uint8_t>{10, 10, 10}));
  const Rgb most = ColorOf(ColorMap::kHeat, 1);
  EXPECT_THAT(std::vector<uint8_t>(overlay.pixels.begin() + 3, overlay.pixels.end()),
              ElementsAre(most[0], most[1], most[2]));
}

TEST(MapPicture, InputIsTakenBackToItsPicture) {
  const Preprocessing p = {.channels = 1, .height = 1, .width = 2, .mean = {0.5}, .std = {0.25}};
  const Picture picture = *PictureOfInput(Floats({1, 1, 1, 2}, {-2, 1}), p);
  EXPECT_THAT(picture.pixels, ElementsAre(0, 191));
  EXPECT_THAT(PictureOfInput(Floats({2}, {0, 0}), p).status().message(),
              HasSubstr("expected f32[1,1,2], got f32[2]"));
}

TEST(MapPicture, SideBySideIsWhiteBetween) {
  const Picture a = {.height = 1, .width = 1, .channels = 1, .pixels = {7}};
  const Picture b = {.height = 2, .width = 1, .channels = 3, .pixels = {1, 2, 3, 4, 5, 6}};
  const Picture both = SideBySide({{a, b}}, 1);
  EXPECT_EQ(both.width, 3);
  EXPECT_THAT(both.pixels,
              ElementsAre(7, 7, 7, 255, 255, 255, 1, 2, 3, 255, 255, 255, 255, 255, 255, 4, 5, 6));
}

}  // namespace
}  // namespace weft
