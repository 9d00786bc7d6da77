#include "frontend/io/draw.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "tests/frontend/testing_files.h"

namespace weft {
namespace {

using testing::HasSubstr;

Tensor Image(Dims dims, std::vector<float> values) {
  return *Tensor::FromValues<float>(std::move(dims), values);
}

TEST(Draw, HalfBlocksShowTwoRowsInOneLine) {
  const Tensor image = Image({4, 4}, {0, 1, 0, 1,  //
                                      0, 0, 1, 1,  //
                                      1, 0, 0, 0,  //
                                      1, 0, 0, 0});
  EXPECT_EQ(*DrawImage(image, DrawStyle::kHalfBlocks), " ▀▄█\n█\n");
}

TEST(Draw, AsciiShowsTheMeanOfTwoRowsInTenShades) {
  const Tensor image = Image({2, 5}, {0, 1, 0.5f, 1, 0.2f,  //
                                      0, 1, 0.5f, 0, 0.2f});
  EXPECT_EQ(*DrawImage(image, DrawStyle::kAscii), " @++:\n");
}

TEST(Draw, AnOddLastRowHasBackgroundBelow) {
  EXPECT_EQ(*DrawImage(Image({1, 2}, {1, 1}), DrawStyle::kHalfBlocks), "▀▀\n");
  EXPECT_EQ(*DrawImage(Image({1, 1}, {1}), DrawStyle::kAscii), "+\n");
}

TEST(Draw, ClampsValuesAndLeavesNanBlank) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const Tensor image = Image({2, 4}, {-7, 9, nan, inf,  //
                                      -7, 9, nan, inf});
  EXPECT_EQ(*DrawImage(image, DrawStyle::kAscii), " @ @\n");
  EXPECT_EQ(*DrawImage(image, DrawStyle::kHalfBlocks), " █ █\n");
}

TEST(Draw, PlacesImagesSideBySide) {
  const std::vector<Tensor> images = {Image({2, 1}, {1, 1}), Image({1, 2, 2}, {1, 0, 0, 1})};
  EXPECT_EQ(*DrawImages(images, DrawStyle::kHalfBlocks, 3), "█   ▀▄\n");
  EXPECT_EQ(*DrawImages(images, DrawStyle::kHalfBlocks, 0), "█▀▄\n");
}

TEST(Draw, RefusesWhatIsNoGrayImage) {
  EXPECT_THAT(
      MessageOf(DrawImage(Image({3, 2, 2}, std::vector<float>(12)), DrawStyle::kAscii).status()),
      HasSubstr("expected an image f32[H,W] or f32[1,H,W], got f32[3,2,2]"));
  EXPECT_THAT(MessageOf(DrawImage(*Tensor::Zeros(DType::kU8, {2, 2}), DrawStyle::kAscii).status()),
              HasSubstr("got u8[2,2]"));
  EXPECT_THAT(MessageOf(DrawImage(Tensor(), DrawStyle::kAscii).status()),
              HasSubstr("got an empty tensor"));
  EXPECT_FALSE(DrawImages({}, DrawStyle::kAscii).ok());
  const std::vector<Tensor> images = {Image({2, 1}, {1, 1}), Image({1, 1}, {1})};
  EXPECT_THAT(MessageOf(DrawImages(images, DrawStyle::kAscii).status()),
              HasSubstr("expected images of one height, got 2 and 1"));
}

}  // namespace
}  // namespace weft
