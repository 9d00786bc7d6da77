#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "frontend/data/augment/mix.h"
#include "frontend/data/augment/picture_ops.h"
#include "frontend/data/augment/pipeline.h"
#include "tests/frontend/testing_pictures.h"

namespace weft {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::ElementsAreArray;

const Picture kSmall = GrayPicture(2, 3, {1, 2, 3, 4, 5, 6});

TEST(PlaceTransforms, MoveWholePixels) {
  EXPECT_THAT(Augmented("flip(1)", kSmall).pixels, ElementsAre(3, 2, 1, 6, 5, 4));
  EXPECT_EQ(Augmented("flip(0)", kSmall), kSmall);
  EXPECT_THAT(Augmented("vflip(1)", kSmall).pixels, ElementsAre(4, 5, 6, 1, 2, 3));
  EXPECT_THAT(Augmented("pad((1, 0, 0, 1), fill=9)", kSmall).pixels,
              ElementsAre(9, 1, 2, 3, 9, 4, 5, 6, 9, 9, 9, 9));
  EXPECT_THAT(Augmented("pad((2, 0), mode=reflect)", kSmall).pixels,
              ElementsAre(3, 2, 1, 2, 3, 2, 1, 6, 5, 4, 5, 6, 5, 4));
  EXPECT_THAT(Augmented("pad((2, 0), mode=symmetric)", kSmall).pixels,
              ElementsAre(2, 1, 1, 2, 3, 3, 2, 5, 4, 4, 5, 6, 6, 5));
  EXPECT_THAT(Augmented("pad((1, 0), mode=edge)", kSmall).pixels,
              ElementsAre(1, 1, 2, 3, 3, 4, 4, 5, 6, 6));
  EXPECT_THAT(Augmented("center_crop((2, 1))", kSmall).pixels, ElementsAre(2, 5));
  EXPECT_THAT(Augmented("center_crop((1, 2), at=(1, 0))", kSmall).pixels, ElementsAre(4, 5));
  EXPECT_THAT(Augmented("center_crop((2, 5))", kSmall).pixels,
              ElementsAre(0, 1, 2, 3, 0, 0, 4, 5, 6, 0));
  // Half a pixel: Python's round(0.5) is 0, round(1.5) is 2; what is padded is floored.
  const Picture row = GrayPicture(1, 5, {1, 2, 3, 4, 5});
  EXPECT_THAT(Augmented("center_crop((1, 4))", row).pixels, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(Augmented("center_crop((1, 2))", row).pixels, ElementsAre(3, 4));
  EXPECT_THAT(Augmented("center_crop((1, 6))", row).pixels, ElementsAre(1, 2, 3, 4, 5, 0));
  EXPECT_THAT(Augmented("flip(1)", CountingPicture(1, 2, 3)).pixels,
              ElementsAre(1, 101, 201, 0, 100, 200));
}

TEST(PlaceTransforms, ResizeKeepsTheShapeOrTakesTheModelsSize) {
  const Picture resized = Augmented("resize(4)", kSmall);
  EXPECT_EQ(resized.height, 4);
  EXPECT_EQ(resized.width, 6);
  const Picture model = Augmented("resize", kSmall, 0, 5, 7);
  EXPECT_EQ(model.height, 5);
  EXPECT_EQ(model.width, 7);
  const Picture half = Augmented("crop((1, 0))", kSmall, 0, 5, 2);  // one side is the model's
  EXPECT_EQ(half.height, 1);
  EXPECT_EQ(half.width, 2);
  EXPECT_THAT(Augmented("resize((4, 3), filter=nearest)", kSmall).pixels,
              ElementsAre(1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6));
}

TEST(PlaceTransforms, RefuseToGrowWithoutBounds) {
  for (const auto& [text, height] : {std::pair("resize(512)", 4096), std::pair("pad(16384)", 1)}) {
    PictureExample line = {.picture = GrayPicture(height, 1, std::vector<uint8_t>(4096))};
    line.picture.pixels.resize(static_cast<size_t>(height));
    RandomStream random(1, RandomPurpose::kAugment, 0);
    TransformDraw draw = {random, 4, 4};
    const Pipeline pipeline = ParsePipeline(text).value();
    pipeline.steps[0].spec->picture(pipeline.steps[0].arguments, draw, line);
    EXPECT_EQ(draw.status.code(), absl::StatusCode::kResourceExhausted) << text;
    EXPECT_EQ(line.picture.height, height) << text;
  }
}

// Every one of the 9 x 9 places, and nothing else.
TEST(PlaceTransforms, CropsComeFromEverywhere) {
  const Picture in = CountingPicture(8, 8, 1);
  std::set<std::vector<uint8_t>> seen;
  for (uint64_t i = 0; i < 2000; ++i) {
    const Picture out = Augmented("crop(8, padding=4, fill=255)", in, i);
    ASSERT_EQ(out.pixels.size(), 64u);
    seen.insert(out.pixels);
    for (const uint8_t x : out.pixels) EXPECT_TRUE(x == 255 || x <= 77);
  }
  EXPECT_EQ(seen.size(), 81u);
}

TEST(PlaceTransforms, RandomPlaceKeepsThePictureWhole) {
  std::set<std::vector<uint8_t>> seen;
  for (uint64_t i = 0; i < 300; ++i) {
    const Picture out = Augmented("random_place((3, 5))", kSmall, i);
    seen.insert(out.pixels);
    EXPECT_EQ(std::count(out.pixels.begin(), out.pixels.end(), 0), 9);
  }
  EXPECT_EQ(seen.size(), 6u);
}

// A picture of x and y coordinates shows which part was taken: its extents by the means at its
// ends.
TEST(PlaceTransforms, RandomResizedCropKeepsItsBounds) {
  Picture in = {.height = 200, .width = 200, .channels = 3, .pixels = {}};
  for (int y = 0; y < 200; ++y) {
    for (int x = 0; x < 200; ++x) {
      for (const int v : {x, y, 0}) in.pixels.push_back(static_cast<uint8_t>(v));
    }
  }
  double area_sum = 0, log_ratio_sum = 0;
  constexpr int kDraws = 2000;
  for (uint64_t i = 0; i < kDraws; ++i) {
    const Picture out =
        Augmented("random_resized_crop(64, scale=(0.1, 0.5), filter=nearest)", in, i);
    const uint8_t* end = &out.pixels[out.pixels.size() - 3];
    const double width = (end[0] - out.pixels[0]) * 64 / 63.0;
    const double height = (end[1] - out.pixels[1]) * 64 / 63.0;
    const double area = width * height / 40000, ratio = width / height;
    EXPECT_GT(area, 0.085);
    EXPECT_LT(area, 0.53);
    EXPECT_GT(ratio, 0.70);
    EXPECT_LT(ratio, 1.43);
    area_sum += area;
    log_ratio_sum += std::log(ratio);
  }
  EXPECT_NEAR(area_sum / kDraws, 0.3, 0.02);
  EXPECT_NEAR(log_ratio_sum / kDraws, 0, 0.02);
}

TEST(WarpTransforms, IdentitiesChangeNothing) {
  const Picture in = CountingPicture(7, 9, 3);
  for (const char* text : {"rotate(0)", "rotate((360, 360))", "affine", "affine(0, filter=nearest)",
                           "perspective(0, p=1)", "elastic(0)"}) {
    const Picture out = Augmented(text, in);
    for (size_t i = 0; i < in.pixels.size(); ++i) EXPECT_EQ(out.pixels[i], in.pixels[i]) << text;
  }
}

TEST(WarpTransforms, TurnMoveAndScale) {
  const Picture square = GrayPicture(2, 2, {1, 2, 3, 4});
  EXPECT_THAT(Augmented("rotate((90, 90))", square).pixels, ElementsAre(2, 4, 1, 3));
  EXPECT_THAT(Augmented("affine((90, 90))", square).pixels, ElementsAre(3, 1, 4, 2));
  EXPECT_THAT(Augmented("rotate((180, 180))", kSmall).pixels, ElementsAre(6, 5, 4, 3, 2, 1));
  EXPECT_THAT(Augmented("affine(scale=2, filter=nearest)", CountingPicture(4, 4, 1)).pixels,
              ElementsAre(11, 11, 12, 12, 11, 11, 12, 12, 21, 21, 22, 22, 21, 21, 22, 22));
  PictureExample moved = {.picture = kSmall};
  WarpBy(InverseAffine({.right = 1}, 2, 3), WarpFilter::kBilinear, 7, moved);
  EXPECT_THAT(moved.picture.pixels, ElementsAre(7, 1, 2, 7, 4, 5));
  PictureExample half = {.picture = kSmall};
  WarpBy(InverseAffine({.right = 0.5}, 2, 3), WarpFilter::kBilinear, 7, half);
  EXPECT_THAT(half.picture.pixels, ElementsAre(1, 2, 3, 4, 5, 6));  // 1.5 is rounded up
}

TEST(WarpTransforms, ShearsAsTorchvisionDoes) {
  // x' = x - tan(45) y around the middle.
  const PlaneMap map = InverseAffine({.shear_x = 45}, 2, 2);
  EXPECT_NEAR(map.a, 1, 1e-12);
  EXPECT_NEAR(map.b, 1, 1e-12);
  EXPECT_NEAR(map.c, -1, 1e-12);
  EXPECT_NEAR(map.d, 0, 1e-12);
  EXPECT_NEAR(map.e, 1, 1e-12);
}

TEST(WarpTransforms, CornersGoWhereTheyShould) {
  const std::array<double, 8> to = {0.5, 0.25, 9, 1, 8, 7.5, 1, 7},
                              from = {0, 0, 10, 0, 10, 8, 0, 8};
  const PlaneMap m = MapCorners(to, from);
  for (size_t i = 0; i < 4; ++i) {
    const double x = to[2 * i], y = to[2 * i + 1], depth = m.g * x + m.h * y + 1;
    EXPECT_NEAR((m.a * x + m.b * y + m.c) / depth, from[2 * i], 1e-9);
    EXPECT_NEAR((m.d * x + m.e * y + m.f) / depth, from[2 * i + 1], 1e-9);
  }
}

// The mask is where the picture is bright, before and after.
TEST(Transforms, MasksFollowGeometry) {
  PictureExample example;
  example.picture = GrayPicture(16, 16, std::vector<uint8_t>(256, 10));
  example.mask = GrayPicture(16, 16, std::vector<uint8_t>(256, 0));
  for (size_t y = 4; y < 11; ++y) {
    for (size_t x = 6; x < 14; ++x) {
      example.picture.pixels[y * 16 + x] = 250;
      example.mask->pixels[y * 16 + x] = 1;
    }
  }
  for (const char* text :
       {"flip(1)", "vflip(1)", "crop(12, padding=2)", "pad(3)", "random_place(20)",
        "random_resized_crop(10, filter=nearest)", "resize(24, filter=nearest)",
        "rotate(40, filter=nearest)", "affine(20, 0.2, (0.7, 1.3), 10, filter=nearest)",
        "perspective(0.5, 1, filter=nearest)", "elastic(20, 3, filter=nearest)",
        "color_jitter(0.3), flip(1)"}) {
    for (uint64_t i = 0; i < 10; ++i) {
      const PictureExample out = Augmented(text, example, i);
      ASSERT_EQ(out.mask->height, out.picture.height);
      ASSERT_EQ(out.mask->width, out.picture.width);
      for (size_t k = 0; k < out.picture.pixels.size(); ++k) {
        EXPECT_EQ(out.mask->pixels[k], out.picture.pixels[k] > 100) << text << " " << i;
      }
    }
  }
}

TEST(ColorTransforms, FollowTheirFormulas) {
  Picture p = GrayPicture(1, 4, {0, 100, 150, 250});
  AdjustBrightness(p, 1.5);
  EXPECT_THAT(p.pixels, ElementsAre(0, 150, 225, 255));
  p.pixels = {0, 100, 150, 250};  // mean 125
  AdjustContrast(p, 0.5);
  EXPECT_THAT(p.pixels, ElementsAre(62, 112, 137, 187));
  Picture rgb = {.height = 1, .width = 1, .channels = 3, .pixels = {200, 100, 50}};
  AdjustSaturation(rgb, 0);  // 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2
  EXPECT_THAT(rgb.pixels, ElementsAre(124, 124, 124));
  rgb.pixels = {200, 100, 50};
  AdjustSaturation(rgb, 2);
  EXPECT_THAT(rgb.pixels, ElementsAre(255, 76, 0));
  rgb.pixels = {200, 100, 50};
  MakeGray(rgb);
  EXPECT_THAT(rgb.pixels, Each(124));
  p.pixels = {0, 100, 150, 250};
  Posterize(p, 2);
  EXPECT_THAT(p.pixels, ElementsAre(0, 64, 128, 192));
  p.pixels = {0, 100, 150, 250};
  Solarize(p, 150);
  EXPECT_THAT(p.pixels, ElementsAre(0, 100, 105, 5));
  p.pixels = {50, 100, 150, 100};
  AutoContrast(p);
  EXPECT_THAT(p.pixels, ElementsAre(0, 127, 255, 127));
}

TEST(ColorTransforms, HueGoesAroundTheCircle) {
  Picture p = {.height = 1, .width = 1, .channels = 3, .pixels = {200, 100, 50}};
  AdjustHue(p, 1.0 / 3);
  EXPECT_THAT(p.pixels, ElementsAre(50, 200, 100));
  AdjustHue(p, -1.0 / 3);
  EXPECT_THAT(p.pixels, ElementsAre(200, 100, 50));
  AdjustHue(p, 0.5);  // 20 degrees become 200
  EXPECT_THAT(p.pixels, ElementsAre(50, 150, 200));
  Picture red = {.height = 1, .width = 1, .channels = 3, .pixels = {255, 0, 0}};
  AdjustHue(red, 1.0 / 12);
  EXPECT_THAT(red.pixels, ElementsAre(255, 128, 0));
}

TEST(ColorTransforms, EqualizeAndSharpnessFollowPil) {
  Picture ramp = GrayPicture(16, 64, {});
  for (int i = 0; i < 1024; ++i) ramp.pixels.push_back(static_cast<uint8_t>(i / 16 + 100));
  Equalize(ramp);
  // Steps of (1024 - 16) / 255 = 3 pixels; level k has 16 k pixels below it.
  for (int i = 0; i < 1024; ++i) EXPECT_EQ(ramp.pixels[i], std::min((16 * (i / 16) + 1) / 3, 255));
  Picture dot = GrayPicture(3, 3, {0, 0, 0, 0, 130, 0, 0, 0, 0});
  AdjustSharpness(dot, 0);
  EXPECT_THAT(dot.pixels, ElementsAre(0, 0, 0, 0, 50, 0, 0, 0, 0));
}

TEST(ColorTransforms, JitterStaysInItsRange) {
  const Picture in = GrayPicture(1, 3, {10, 100, 200});
  for (uint64_t i = 0; i < 500; ++i) {
    const Picture out = Augmented("color_jitter(0.2, contrast=0)", in, i);
    EXPECT_GE(out.pixels[1], 80);
    EXPECT_LE(out.pixels[1], 120);
  }
  EXPECT_EQ(Augmented("color_jitter(0)", CountingPicture(4, 4, 3)), CountingPicture(4, 4, 3));
}

TEST(ColorTransforms, LightingMovesAllPixelsAlike) {
  Picture in = CountingPicture(3, 3, 3);
  for (size_t i = 0; i < 27; ++i) in.pixels[i] = static_cast<uint8_t>(100 + i);
  const Picture out = Augmented("lighting(0.5)", in, 3);
  for (size_t c = 0; c < 3; ++c) {
    const int shift = out.pixels[c + 12] - in.pixels[c + 12];
    for (size_t i = c; i < 27; i += 3) {
      EXPECT_NEAR(out.pixels[i], in.pixels[i] + shift, 1);
    }
  }
  EXPECT_NE(out, in);
}

TEST(DamageTransforms, BlurKeepsConstantsAndSpreadsADot) {
  const Picture flat = GrayPicture(5, 6, std::vector<uint8_t>(30, 90));
  EXPECT_EQ(Augmented("blur((3, 3), p=1)", flat), flat);
  std::vector<float> field(81);
  field[40] = 1;
  GaussianBlur(field, 9, 9, 1, 1);
  EXPECT_NEAR(field[40], 0.1592, 0.002);  // 1 / (2 pi)
  EXPECT_NEAR(field[41] / field[40], std::exp(-0.5), 1e-5);
  EXPECT_NEAR(field[50] / field[40], std::exp(-1), 1e-5);
}

TEST(DamageTransforms, JpegComesBackNearby) {
  Picture smooth = CountingPicture(16, 16, 3);
  for (size_t i = 0; i < smooth.pixels.size(); ++i) {
    smooth.pixels[i] = static_cast<uint8_t>(60 + i / 48 * 4 + i % 48 / 3 * 2);
  }
  const Picture good = Augmented("jpeg((95, 95), p=1)", smooth);
  const Picture bad = Augmented("jpeg((2, 2), p=1)", smooth);
  double near = 0, far = 0;
  for (size_t i = 0; i < smooth.pixels.size(); ++i) {
    near += std::abs(good.pixels[i] - smooth.pixels[i]);
    far += std::abs(bad.pixels[i] - smooth.pixels[i]);
  }
  EXPECT_LT(near / 768, 2);
  EXPECT_GT(far, 3 * near);
  EXPECT_EQ(Augmented("jpeg(p=1)", kSmall).pixels.size(), 6u);
}

TEST(DamageTransforms, CutoutAndEraseTakeRectangles) {
  const Picture in = GrayPicture(10, 10, std::vector<uint8_t>(100, 50));
  for (uint64_t i = 0; i < 200; ++i) {
    const Picture cut = Augmented("cutout(4, fill=200)", in, i);
    const auto gone = std::count(cut.pixels.begin(), cut.pixels.end(), 200);
    EXPECT_GE(gone, 4);  // a corner
    EXPECT_LE(gone, 16);
    const Picture erased = Augmented("erase(1, scale=(0.1, 0.2), value=black)", in, i);
    const auto black = std::count(erased.pixels.begin(), erased.pixels.end(), 0);
    EXPECT_GE(black, 6);
    EXPECT_LE(black, 28);
    EXPECT_EQ(Augmented("erase(1)", in, i), in);  // the mean of equal pixels
    const Picture noisy = Augmented("erase(1, scale=(0.1, 0.2), value=noise)", in, i);
    EXPECT_LE(100 - std::count(noisy.pixels.begin(), noisy.pixels.end(), 50), 28);
    EXPECT_NE(noisy, in);
  }
}

TEST(PolicyTransforms, KeepTheSizeAndChangeSomething) {
  const Picture in = CountingPicture(12, 10, 3);
  for (const char* text : {"rand_augment", "trivial_augment", "rand_augment(3, 30)"}) {
    std::set<std::vector<uint8_t>> seen;
    for (uint64_t i = 0; i < 100; ++i) {
      const Picture out = Augmented(text, in, i);
      ASSERT_EQ(out.pixels.size(), in.pixels.size());
      seen.insert(out.pixels);
    }
    EXPECT_GT(seen.size(), 15u) << text;
  }
  EXPECT_EQ(Augmented("rand_augment(0)", in), in);
}

// The signal steps of a pipeline.
Signal Signaled(std::string_view text, Signal signal, uint64_t index = 0) {
  const Pipeline pipeline = ParsePipeline(text).value();
  RandomStream random(1, RandomPurpose::kAugment, index);
  TransformDraw draw = {random};
  for (const PipelineStep& step : pipeline.steps) step.spec->signal(step.arguments, draw, signal);
  return signal;
}

TEST(SignalTransforms, ShiftMaskSliceAndScale) {
  const Signal in = {.rows = 2, .length = 4, .values = {1, 2, 3, 4, 5, 6, 7, 8}};
  std::set<std::vector<float>> shifted, wrapped;
  for (uint64_t i = 0; i < 60; ++i) {
    shifted.insert(Signaled("shift(1)", in, i).values);
    wrapped.insert(Signaled("shift(1, wrap)", in, i).values);
  }
  EXPECT_THAT(shifted, ElementsAre(std::vector<float>{0, 1, 2, 3, 0, 5, 6, 7}, in.values,
                                   std::vector<float>{2, 3, 4, 0, 6, 7, 8, 0}));
  EXPECT_THAT(wrapped, ElementsAre(in.values, std::vector<float>{2, 3, 4, 1, 6, 7, 8, 5},
                                   std::vector<float>{4, 1, 2, 3, 8, 5, 6, 7}));
  EXPECT_THAT(Signaled("window(2, at=1)", in).values, ElementsAre(3, 4, 7, 8));
  EXPECT_THAT(Signaled("scale((2, 2))", in).values, ElementsAre(2, 4, 6, 8, 10, 12, 14, 16));
  for (uint64_t i = 0; i < 60; ++i) {
    const Signal masked = Signaled("time_mask(2)", in, i);
    for (size_t t = 0; t < 4; ++t) {
      EXPECT_EQ(masked.values[t] == 4.5f, masked.values[4 + t] == 4.5f);
    }
    EXPECT_LE(std::count(masked.values.begin(), masked.values.end(), 4.5f), 4);
    const Signal rows = Signaled("row_mask(1)", in, i);
    EXPECT_LE(std::count(rows.values.begin(), rows.values.end(), 4.5f), 4);
  }
}

TEST(SignalTransforms, Normalize) {
  const Signal in = {.rows = 2, .length = 2, .values = {1, 3, 10, 30}};
  EXPECT_THAT(Signaled("standardize(row)", in).values, ElementsAre(-1, 1, -1, 1));
  const Signal all = Signaled("standardize", in);
  EXPECT_NEAR(all.values[0] + all.values[1] + all.values[2] + all.values[3], 0, 1e-6);
  EXPECT_THAT(Signaled("min_max(row)", in).values, ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(Signaled("min_max", {.rows = 1, .length = 2, .values = {5, 5}}).values,
              ElementsAre(0, 0));
  EXPECT_THAT(Signaled("standardize", {.rows = 1, .length = 2, .values = {5, 5}}).values,
              ElementsAre(0, 0));
}

TEST(SignalTransforms, NoiseHasItsDeviation) {
  const Signal out =
      Signaled("noise(0.5)", {.rows = 1, .length = 20000, .values = std::vector<float>(20000, 1)});
  double sum = 0, squares = 0;
  for (const float x : out.values) {
    sum += x;
    squares += (x - 1) * (x - 1);
  }
  EXPECT_NEAR(sum / 20000, 1, 0.015);
  EXPECT_NEAR(std::sqrt(squares / 20000), 0.5, 0.01);
}

TEST(MixTransforms, SharesFollowTheBetaDistribution) {
  RandomStream random(5, RandomPurpose::kMix, 0);
  TransformDraw draw = {random};
  for (const double alpha : {0.01, 0.2, 1.0, 4.0}) {
    double sum = 0, squares = 0;
    constexpr int kDraws = 20000;
    for (int i = 0; i < kDraws; ++i) {
      const double x = DrawBeta(alpha, draw);
      ASSERT_TRUE(x >= 0 && x <= 1);
      sum += x;
      squares += (x - 0.5) * (x - 0.5);
    }
    EXPECT_NEAR(sum / kDraws, 0.5, 0.015);
    EXPECT_NEAR(squares / kDraws, 1 / (4 * (2 * alpha + 1)), 0.006);  // its variance
  }
}

TEST(MixTransforms, CutmixCountsTheBoxThatItTakes) {
  const PipelineStep step = ParsePipeline("cutmix").value().steps[0];
  RandomStream random(5, RandomPurpose::kMix, 1);
  TransformDraw draw = {random, 8, 8};
  const std::vector<float> other(128, 1);
  for (int i = 0; i < 200; ++i) {
    std::vector<float> image(128, 0);
    const double share = MixExamples(step, draw, other, image);
    const auto taken = std::count(image.begin(), image.end(), 1.0f);
    EXPECT_NEAR(share, 1 - taken / 128.0, 1e-9);
  }
}

}  // namespace
}  // namespace weft
