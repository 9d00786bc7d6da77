// What attribution looks like of the kept networks, and its charts.
#include "frontend/inspect/attribution/attribution_picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "absl/strings/str_replace.h"
#include "frontend/inspect/attribution/color_strip.h"
#include "frontend/inspect/example.h"
#include "frontend/zoo/zoo.h"
#include "testing_golden.h"

namespace weft {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

int64_t Count(const std::string& text, std::string_view part) {
  int64_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// Every method's picture of one example, each a golden file.
void ExpectGoldenAttributions(const std::string& network, int64_t index) {
  const Model model = GoldenModel(network);
  const Example example = ExampleOf(*GoldenData(network), index).value();
  const Attributor attributor(model);
  for (const AttributionMethod& method : AttributionMethods()) {
    absl::StatusOr<Attribution> what = method.run(attributor, example.x, {});
    if (network == "digits" && method.name == "cam") {  // its maps are not pooled
      EXPECT_TRUE(absl::IsFailedPrecondition(what.status())) << what.status();
      continue;
    }
    ASSERT_TRUE(what.ok()) << method.name << ": " << what.status();
    EXPECT_LT(what->completeness_error.value_or(0), 1e-3);
    const auto picture = AttributionPicture(*example.picture, *what, 112);
    ASSERT_TRUE(picture.ok()) << picture.status();
    ExpectGoldenPicture(
        *picture, absl::StrReplaceAll("attribution_" + std::string(method.name) + "_" + network,
                                      {{"-", "_"}}));
  }
}

TEST(AttributionPicture, OfDigits) { ExpectGoldenAttributions("digits", 3); }

TEST(AttributionPicture, OfCifar) {
  if (!HasSharedCifar()) GTEST_SKIP() << "needs " << SharedCifar();
  ExpectGoldenAttributions("cifar", 1203);
}

TEST(AttributionPicture, SheetHasAPlaceForEachMethod) {
  const Picture picture = {.height = 2, .width = 2, .channels = 1, .pixels = {0, 9, 99, 255}};
  Attribution what;
  what.map = Tensor::FromValues<float>({2, 2}, std::array{0.f, 1.f, 2.f, 3.f}).value();
  const std::vector<TitledAttribution> all(3, {"one", what});
  const Picture sheet = AttributionSheet(picture, all, 8, 3).value();
  EXPECT_EQ(sheet.width, 3 * (8 + 6) + 6);
  EXPECT_EQ(sheet.height, 2 * (8 + 4 + 5 + 6) + 6);  // letters are small, that they fit
  EXPECT_EQ(sheet.pixels.size(), static_cast<size_t>(sheet.width * sheet.height * 3));
  const Picture of_map = AttributionMapPicture(what).value();
  EXPECT_EQ(of_map.height, 2);
  what.map = Tensor::FromValues<float>({1, 4}, std::array{0.f, 1.f, 2.f, 3.f}).value();
  EXPECT_EQ(AttributionMapPicture(what)->height, 32);
  EXPECT_EQ(AttributionMapPicture(what)->width, 4);
  EXPECT_THAT(AttributionSheet(picture, all, 8, 0).status().message(), HasSubstr("1 column"));
}

TEST(AttributionPicture, StripsJoinCellsOfOneColor) {
  const std::array<double, 5> numbers = {0, 0, 1, NAN, 0};
  EXPECT_EQ(ColorStripSvg(numbers, ColorMap::kGray, {10, 20, 50, 5}),
            "<g shape-rendering=\"crispEdges\">\n"
            "<path fill=\"#000000\" d=\"M10 20H30v5H10zM50 20H60v5H50z\"/>\n"
            "<path fill=\"#ffffff\" d=\"M30 20H40v5H30z\"/>\n</g>\n");
}

// Two channels; the third sample of the second is against the class, all else says nothing.
TEST(AttributionPicture, SignalsAreCurvesOnColors) {
  const Tensor x =
      Tensor::FromValues<float>({1, 2, 3}, std::array{0.f, 1.f, 0.f, 5.f, 5.f, 5.f}).value();
  Attribution what{.is_signed = true};
  what.elements =
      Tensor::FromValues<float>({2, 3}, std::array{0.f, 0.f, 0.f, 0.f, 0.f, -2.f}).value();
  what.map = Tensor::FromValues<float>({1, 3}, std::array{0.f, 0.f, -2.f}).value();
  const auto svg = SignalAttributionSvg(x, what, "a < b");
  ASSERT_TRUE(svg.ok()) << svg.status();
  EXPECT_THAT(*svg, HasSubstr("<title>a &lt; b</title>"));
  EXPECT_EQ(Count(*svg, "<polyline"), 2);
  EXPECT_EQ(Count(*svg, "channel 1"), 1);
  // 0 is at the top of 90 % of the panel, 1 at its bottom; the middle where all is one number.
  EXPECT_THAT(*svg, HasSubstr("points=\"230,96.5 530,33.5 830,96.5 \""));
  EXPECT_THAT(*svg, HasSubstr("points=\"230,143 530,143 830,143 \""));
  const std::string blue = HexText(ColorOf(ColorMap::kDiverging, 0));
  EXPECT_THAT(*svg, HasSubstr("<path fill=\"" + blue + "\" d=\"M680 108H980v70H680z\"/>"));
  // Of places alone, both channels have the map's color.
  what.elements = Tensor();
  EXPECT_EQ(Count(*SignalAttributionSvg(x, what, ""), "M680 "), 2);
  EXPECT_THAT(SignalAttributionSvg(*x.Reshaped({1, 1, 2, 3}), what, "").status().message(),
              HasSubstr("expected f32[1,C,L] and a map f32[1,L], got f32[1,1,2,3] and f32[1,3]"));
}

TEST(AttributionPicture, SignalsHaveGapsWhereTheyAreNoNumbers) {
  const Tensor x =
      Tensor::FromValues<float>({1, 1, 5}, std::array{0.f, 1.f, NAN, INFINITY, 1.f}).value();
  Attribution what;
  what.map = Tensor::FromValues<float>({1, 5}, std::array{0.f, NAN, 1.f, 1.f, 0.f}).value();
  const std::string svg = *SignalAttributionSvg(x, what, "gaps");
  EXPECT_EQ(Count(svg, "<polyline"), 2);
  EXPECT_THAT(svg, Not(AnyOf(HasSubstr("nan"), HasSubstr("inf"))));
  // Many samples a place: the loudest that is a number.
  Tensor many = Tensor::Zeros(DType::kF32, {1, 1800}).value();
  const std::span<float> says = many.mutable_values<float>();
  for (size_t i = 0; i < says.size(); i += 2) says[i] = NAN;
  says[1] = 3;
  what.map = many;
  const std::string most = HexText(ColorOf(ColorMap::kDiverging, 1));
  EXPECT_EQ(Count(*SignalAttributionSvg(Tensor::Zeros(DType::kF32, {1, 1, 1800}).value(), what, ""),
                  "<path fill=\"" + most + "\" d=\"M80 30H81v70H80z\"/>"),
            1);
}

TEST(AttributionPicture, OfAnElectrocardiogram) {
  const Model model =
      BuildNetwork(**FindNetwork("ecg_resnet"), {.input = {2, 1024}, .width = 0.25}).value();
  Tensor x = Tensor::Zeros(DType::kF32, {1, 2, 1024}).value();
  for (size_t i = 0; i < 2048; ++i) {
    x.mutable_values<float>()[i] = std::sin(0.05f * static_cast<float>(i));
  }
  const Attributor attributor(model);
  for (const AttributionMethod& method : AttributionMethods()) {
    const auto what = method.run(attributor, x, {.samples = 4});
    if (method.name == "cam") {
      EXPECT_TRUE(absl::IsFailedPrecondition(what.status())) << what.status();
      continue;
    }
    ASSERT_TRUE(what.ok()) << method.name << ": " << what.status();
    EXPECT_EQ(what->map.dims(), (Dims{1, 1024})) << method.name;
    EXPECT_LT(what->completeness_error.value_or(0), 1e-3);
    const auto svg = SignalAttributionSvg(x, *what, std::string(method.title));
    ASSERT_TRUE(svg.ok()) << svg.status();
    EXPECT_EQ(Count(*svg, "<polyline"), 2);
    EXPECT_THAT(*svg, Not(HasSubstr("nan")));
  }
}

}  // namespace
}  // namespace weft
