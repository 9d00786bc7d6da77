// Pictures under kernels: against convolutions by hand.
#include "frontend/inspect/layers/picture_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "frontend/build/picture_kernels.h"
#include "frontend/inspect/example.h"
#include "frontend/inspect/map_picture.h"
#include "testing_golden.h"
#include "tests/frontend/testing_cli.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Picture Grays(int64_t height, int64_t width, std::vector<uint8_t> pixels) {
  return {.height = height, .width = width, .channels = 1, .pixels = std::move(pixels)};
}

std::vector<float> Filtered(const Picture& picture, std::string_view kernel,
                            const std::string& padding) {
  const Tensor k = MakePictureKernel(kernel).value();
  const auto result = FilterPicture(picture, {{k}}, {.padding = padding});
  EXPECT_TRUE(result.ok()) << result.status();
  std::vector<float> values;
  for (const float v : result->values<float>()) values.push_back(v * 255);
  return values;
}

// 1 2 3 / 4 5 6 / 7 8 9, sums of rows and columns by hand.
TEST(PictureFilter, IsTheConvolutionByHand) {
  const Picture p = Grays(3, 3, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const auto near = [](std::vector<float> expected) {
    return ::testing::Pointwise(::testing::FloatNear(1e-4f), expected);
  };
  // In the corner only 2, 4 and 5 are within: 2 * 2 + 5 * 1.
  EXPECT_THAT(Filtered(p, "sobel_x", "zeros"), near({9, 6, -9, 20, 8, -20, 21, 6, -21}));
  // Reflected about the border's pixels, left and right of a border are alike.
  EXPECT_THAT(Filtered(p, "sobel_x", "reflect"), near({0, 8, 0, 0, 8, 0, 0, 8, 0}));
  EXPECT_THAT(Filtered(p, "box", "replicate"), near({21 / 9.f, 27 / 9.f, 33 / 9.f, 39 / 9.f, 5,
                                                     51 / 9.f, 57 / 9.f, 63 / 9.f, 69 / 9.f}));
  EXPECT_THAT(Filtered(p, "roberts_x", "replicate"), near({-4, -4, -3, -4, -4, -3, -1, -1, 0}));
  EXPECT_THAT(Filtered(p, "identity", "reflect"), near({1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(PictureFilter, ColorsAreFilteredEachAndKernelsComeFirst) {
  const Picture p = {
      .height = 1, .width = 3, .channels = 3, .pixels = {0, 10, 20, 1, 10, 0, 2, 10, 0}};
  const std::array kernels = {MakePictureKernel("identity").value(),
                              MakePictureKernel("prewitt_x", {}).value()};
  const Tensor result = *FilterPicture(p, kernels, {.padding = "zeros"});
  ASSERT_EQ(result.dims(), (Dims{2, 3, 1, 3}));
  std::vector<double> levels;
  for (const float v : result.values<float>()) levels.push_back(std::round(v * 255));
  EXPECT_THAT(levels, ElementsAre(0, 1, 2, 10, 10, 10, 20, 0, 0, 1, 2, -1, 10, 0, -10, 0, -20, 0));
}

TEST(PictureFilter, KernelsOfDifferentSizesKeepTheirMiddle) {
  Picture p = Grays(9, 9, std::vector<uint8_t>(81));
  p.pixels[40] = 255;
  const std::array kernels = {MakePictureKernel("box").value(),
                              MakePictureKernel("box", {.size = 5}).value()};
  const Tensor result = *FilterPicture(p, kernels);
  EXPECT_NEAR(result.At(40 - 9 - 1), 1 / 9.0, 1e-6);
  EXPECT_NEAR(result.At(40 - 18), 0, 1e-6);
  EXPECT_NEAR(result.At(81 + 40 - 18 - 2), 1 / 25.0, 1e-6);
}

TEST(PictureFilter, LooksOfResults) {
  const Tensor result =
      Tensor::FromValues<float>({1, 1, 4}, std::array{-0.5f, 0.f, 0.25f, 1.5f}).value();
  EXPECT_THAT(FilteredPicture(result, FilteredLook::kPlain)->pixels, ElementsAre(0, 0, 64, 255));
  EXPECT_THAT(FilteredPicture(result, FilteredLook::kSigned)->pixels,
              ElementsAre(85, 128, 149, 255));
  EXPECT_THAT(FilteredPicture(result, FilteredLook::kMagnitude)->pixels,
              ElementsAre(85, 0, 43, 255));
  EXPECT_EQ(LookFor(*MakePictureKernel("gabor")), FilteredLook::kSigned);
  for (const char* name : {"sharpen", "emboss", "gaussian", "unsharp", "box", "identity"}) {
    EXPECT_EQ(LookFor(*MakePictureKernel(name)), FilteredLook::kPlain) << name;
  }
  for (const char* name : {"sobel_x", "prewitt_y", "roberts_x", "laplacian", "log"}) {
    EXPECT_EQ(LookFor(*MakePictureKernel(name)), FilteredLook::kSigned) << name;
  }
  for (int orientation = 0; orientation < 180; orientation += 5) {
    for (const double phase : {0.0, 90.0, 180.0}) {
      const KernelOptions gabor = {.orientation = static_cast<double>(orientation), .phase = phase};
      EXPECT_EQ(LookFor(*MakePictureKernel("gabor", gabor)), FilteredLook::kSigned)
          << orientation << " " << phase;
    }
  }
}

TEST(PictureFilter, RootOfSquaresIsTheLengthOfTheGradient) {
  const Tensor two =
      Tensor::FromValues<float>({2, 1, 1, 2}, std::array{3.f, 0.f, 4.f, -2.f}).value();
  const Tensor root = *RootOfSquares(two);
  EXPECT_EQ(root.dims(), (Dims{1, 1, 2}));
  EXPECT_THAT(std::vector<float>(root.values<float>().begin(), root.values<float>().end()),
              ElementsAre(5, 2));
}

TEST(PictureFilter, RefusesWhatIsNoKernel) {
  const Picture p = Grays(2, 2, {1, 2, 3, 4});
  EXPECT_THAT(FilterPicture(p, {}).status().message(), HasSubstr("expected a kernel, got none"));
  const Tensor even = Tensor::Zeros(DType::kF64, {2, 2}).value();
  EXPECT_THAT(FilterPicture(p, {{even}}).status().message(),
              HasSubstr("expected a kernel [h,w] of odd extents, got f64[2,2]"));
  const Tensor odd = Tensor::Scalar(NAN, DType::kF32).Reshaped({1, 1}).value();
  EXPECT_THAT(FilterPicture(p, {{odd}}).status().message(), HasSubstr("finite weights, got nan"));
  EXPECT_FALSE(
      FilterPicture(p, {{MakePictureKernel("gabor").value()}}).ok());  // nothing to reflect
}

// The gradient's magnitude, emboss and two Gabor kernels of an example, enlarged.
Picture FilteredExample(const Picture& picture) {
  std::vector<Picture> shown = {picture};
  const std::array edges = {MakePictureKernel("sobel_x").value(),
                            MakePictureKernel("sobel_y").value()};
  shown.push_back(
      *FilteredPicture(*RootOfSquares(*FilterPicture(picture, edges)), FilteredLook::kMagnitude));
  for (const double orientation : {0.0, 90.0}) {
    const Tensor gabor =
        MakePictureKernel("gabor",
                          {.size = 9, .orientation = orientation, .wavelength = 6, .phase = 90})
            .value();
    const Tensor result = *FilterPicture(picture, {{gabor}});
    shown.push_back(
        *FilteredPicture(*result.Reshaped(Dims(result.dims().begin() + 1, result.dims().end())),
                         FilteredLook::kSigned));
  }
  return Enlarged(SideBySide(shown, 1), 3);
}

TEST(PictureFilter, GoldenOfADigit) {
  const Example example = *ExampleOf(*GoldenData("digits"), 7);
  ExpectGoldenPicture(FilteredExample(*example.picture), "filter_digits");
}

TEST(PictureFilter, GoldenOfAPhotograph) {
  if (!HasSharedCifar()) GTEST_SKIP() << "there is no " << SharedCifar();
  const Example example = *ExampleOf(*GoldenData("cifar"), 7);
  ExpectGoldenPicture(FilteredExample(*example.picture), "filter_cifar");
}

using FilterCli = Cli;

TEST_F(FilterCli, FiltersAFile) {
  WritePng(Path("p.png"), 6, 8);
  EXPECT_THAT(Output("filter p.png --kernel sobel_x -o e.png"), HasSubstr("saved e.png (8x6)"));
  const Picture picture = *LoadPicture(Path("e.png"));
  EXPECT_EQ(picture.width, 8);
  // Brighter by 1 a column: alike everywhere but at the reflected borders, where it is mid gray.
  EXPECT_EQ(picture.pixels[0], 128);
  EXPECT_EQ(picture.pixels[1], 255);
  EXPECT_THAT(Output("filter p.png --kernel sobel_x,sobel_y --show magnitude -o m.png"),
              HasSubstr("saved m.png (8x6)"));
  EXPECT_THAT(Output("filter p.png --kernel gabor --size 5 --orientations 3 -o g.npy"),
              HasSubstr("saved g.npy"));
  EXPECT_THAT(Output("filter --kernel gabor --orientations 2 --draw-kernel -o k.png"),
              HasSubstr("saved k.png"));
  EXPECT_THAT(Output("filter --kernel list"), HasSubstr("sobel_x"));
}

TEST_F(FilterCli, SaysWhatIsWrong) {
  WritePng(Path("p.png"), 6, 8);
  EXPECT_THAT(Error("filter p.png --kernel soble_x -o e.png"), HasSubstr("did you mean sobel_x?"));
  EXPECT_THAT(Error("filter p.png --kernel box"), HasSubstr("--output: expected the picture"));
  EXPECT_THAT(Error("filter p.png --kernel box -o e.jpg"), HasSubstr(".png or .npy, got e.jpg"));
  EXPECT_THAT(Error("filter --kernel box -o e.png"), HasSubstr("expected a picture to filter"));
  EXPECT_THAT(Error("filter p.png --kernel box --show dark -o e.png"),
              HasSubstr("expected auto, plain, signed or magnitude, got dark"));
  EXPECT_THAT(Error("filter p.png --kernel box --padding mirror -o e.png"), HasSubstr("mirror"));
  EXPECT_THAT(Error("filter p.png --kernel box --size 2 -o e.png"), HasSubstr("odd size"));
  EXPECT_THAT(Leftovers(), ElementsAre("p.png"));
}

}  // namespace
}  // namespace weft
