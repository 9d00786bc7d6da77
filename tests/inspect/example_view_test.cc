#include "frontend/report/example_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "frontend/build/builder.h"
#include "frontend/inspect/map_picture.h"
#include "tests/inspect/testing_golden.h"

namespace weft {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Picture PictureOfUrl(const json& url) {
  const std::string text = url.get<std::string>();
  const std::string start = "data:image/png;base64,";
  EXPECT_TRUE(text.starts_with(start));
  std::string png;
  EXPECT_TRUE(absl::Base64Unescape(text.substr(start.size()), &png));
  const absl::StatusOr<Picture> picture = DecodePicture(std::as_bytes(std::span(png)), "url");
  EXPECT_TRUE(picture.ok()) << picture.status();
  return *picture;
}

// The entry of a list that is of this method.
json OfMethod(const json& list, const std::string& method) {
  const auto found =
      std::ranges::find_if(list, [&](const json& a) { return a["method"] == method; });
  return found == list.end() ? json() : *found;
}

// Scores of two maps of 2x2, which the rectifier sees first.
Model MapsModel(DType scores = DType::kF32) {
  Builder b;
  const Value x = b.Input("x", {"N", 2, 2, 2});
  const Value maps = b.Relu(x);
  const Value weights =
      b.Constant(Tensor::FromValues<float>(
                     {8, 2}, std::array<float, 16>{1, 0, 0, 1, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1})
                     .value());
  const Value y = b.Op("MatMul", {b.Flatten(maps), weights});
  b.Output("y", scores == DType::kF32 ? y : b.Op("Cast", {y}, {{"to", scores}}));
  Model model = b.Build().value();
  model.class_names = {"first", "bad \xff \"name\""};
  return model;
}

Example SomeMaps() {
  return {
      .name = "maps",
      .x = Tensor::FromValues<float>({1, 2, 2, 2}, std::array<float, 8>{-9, 1, 2, 3, 4, 4, 4, 8})
               .value()};
}

TEST(ExampleView, SaysWhatTheModelMakesOfAnExample) {
  auto view = ExampleView::Create(MapsModel(), {}).value();
  Example example = SomeMaps();
  example.label = 1;
  const absl::StatusOr<std::string> text = view->Json(example);
  ASSERT_TRUE(text.ok()) << text.status();
  const json answer = json::parse(*text);
  EXPECT_EQ(answer["name"], "maps");
  EXPECT_EQ(answer["picture"], nullptr);
  EXPECT_EQ(answer["label"]["label"], 1);
  EXPECT_EQ(answer["label"]["name"], "bad \xef\xbf\xbd \"name\"");
  // Scores 2 + 2 * 3 = 8 and 1 + 2 + 8 = 11.
  ASSERT_EQ(answer["predictions"].size(), 2);
  EXPECT_EQ(answer["predictions"][0]["label"], 1);
  EXPECT_NEAR(answer["predictions"][0]["probability"].get<double>(), 1 / (1 + std::exp(-3)), 1e-6);
  const json gradient = OfMethod(answer["attributions"], "gradient");
  EXPECT_EQ(gradient["target"]["label"], 1);
  EXPECT_DOUBLE_EQ(gradient["score"].get<double>(), 11);
  // Each map from its darkest to its brightest, an element a square of 16 pixels, a line between.
  ASSERT_EQ(answer["activations"].size(), 1);
  EXPECT_EQ(answer["activations"][0]["shape"], json::array({2, 2, 2}));
  const Picture grid = PictureOfUrl(answer["activations"][0]["grid"]);
  ASSERT_EQ(grid.height, 34);
  ASSERT_EQ(grid.width, 67);
  const auto at = [&](size_t y, size_t x) {
    const uint8_t* p = &grid.pixels[(y * 67 + x) * 3];
    return Rgb{p[0], p[1], p[2]};
  };
  const auto heat = [](double place) { return ColorOf(ColorMap::kHeat, place); };
  EXPECT_THAT((std::array{at(1, 1), at(32, 32)}), ElementsAre(heat(0), heat(1)));
  EXPECT_THAT((std::array{at(1, 34), at(1, 65), at(32, 34), at(32, 65)}),
              ElementsAre(heat(0), heat(0), heat(0), heat(1)));
  EXPECT_EQ(at(0, 0), (Rgb{255, 255, 255}));
}

TEST(ExampleView, DrawsWhatTheMethodsSay) {
  const Model model = GoldenModel("digits");
  auto view = ExampleView::Create(model, {}).value();
  const Example example = ExampleOf(*GoldenData("digits"), 5).value();
  const json answer = json::parse(view->Json(example, {.target = 3, .all_methods = true}).value());
  ASSERT_EQ(answer["attributions"].size() + answer["not_applicable"].size(),
            AttributionMethods().size());
  const auto quick = static_cast<size_t>(std::ranges::count_if(
      AttributionMethods(), [](const AttributionMethod& method) { return method.quick; }));
  const json by_quick = json::parse(view->Json(example).value());
  EXPECT_EQ(by_quick["attributions"].size() + by_quick["not_applicable"].size(), quick);
  const Picture shown = PictureOfUrl(answer["picture"]);
  EXPECT_EQ(shown.pixels, Enlarged(*example.picture, 8).pixels);
  const Attribution what = GradientTimesInput(model, example.x, {.target = 3}).value();
  const json drawn = OfMethod(answer["attributions"], "gradient-times-input");
  EXPECT_NEAR(drawn["score"].get<double>(), what.score, 1e-4);
  const Picture overlay = PictureOfUrl(drawn["overlay"]);
  EXPECT_EQ(overlay.pixels, OverlayPicture(shown, what.map, {.is_signed = true})->pixels);
  auto session = Session::Create(model).value();
  const Tensor scores = session->Run(example.x).value();
  const auto top = TopPredictions(scores, 0, 5, session->gives_probabilities()).value();
  ASSERT_EQ(answer["predictions"].size(), 5);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(answer["predictions"][i]["label"], top[i].label);
    EXPECT_EQ(answer["predictions"][i]["probability"], top[i].probability);
    EXPECT_EQ(answer["predictions"][i]["name"], ClassName(model, top[i].label));
  }
}

// The second rectifier sees [2,N,2,2], as recurrent layers see time first.
TEST(ExampleView, LeavesOutWhatIsNoMapOfTheExample) {
  Builder b;
  const AttributeMap swapped = {{"perm", std::vector<int64_t>{1, 0, 2, 3}}};
  const Value maps = b.Relu(b.Input("x", {"N", 2, 2, 2}), {.name = "maps"});
  const Value turned = b.Relu(b.Op("Transpose", {maps}, swapped), {.name = "turned"});
  b.Output("y", b.Relu(b.Flatten(b.Op("Transpose", {turned}, swapped)), {.name = "flat"}));
  const Model model = b.Build().value();
  for (const std::vector<std::string>& nodes :
       {std::vector<std::string>(), {"turned", "maps", "flat"}}) {
    auto view = ExampleView::Create(model, {.nodes = nodes}).value();
    const absl::StatusOr<std::string> text = view->Json(SomeMaps());
    ASSERT_TRUE(text.ok()) << text.status();
    const json activations = json::parse(*text)["activations"];
    ASSERT_EQ(activations.size(), 1);
    EXPECT_EQ(activations[0]["node"], "maps");
  }
}

// Scores 8 and 11 as above, of any floating-point type.
TEST(ExampleView, PredictsByScoresOfAnyType) {
  for (const DType dtype : {DType::kF64, DType::kF16, DType::kBF16}) {
    SCOPED_TRACE(ToString(dtype));
    auto view = ExampleView::Create(MapsModel(dtype), {}).value();
    const absl::StatusOr<std::string> text = view->Json(SomeMaps(), {.target = 0});
    ASSERT_TRUE(text.ok()) << text.status();
    const json answer = json::parse(*text);
    ASSERT_EQ(answer["predictions"].size(), 2);
    EXPECT_EQ(answer["predictions"][0]["label"], 1);
    EXPECT_NEAR(answer["predictions"][0]["probability"].get<double>(), 1 / (1 + std::exp(-3)),
                1e-6);
  }
}

TEST(ExampleView, SaysThatScoresAreNotFinite) {
  auto view = ExampleView::Create(MapsModel(), {}).value();
  Example example = SomeMaps();
  example.x.mutable_values<float>()[7] = INFINITY;
  EXPECT_THAT(view->PredictionsJson(example).status().message(),
              HasSubstr("maps: expected finite scores of classes, class "));
}

TEST(ExampleView, GivesWhatIsAskedFor) {
  auto view = ExampleView::Create(MapsModel(), {.nodes = {"x"}}).value();
  const json some = json::parse(
      view->Json(SomeMaps(), {.target = 0, .methods = {{"gradient"}}, .activations = false})
          .value());
  ASSERT_EQ(some["attributions"].size(), 1);
  EXPECT_DOUBLE_EQ(some["attributions"][0]["score"].get<double>(), 8);
  EXPECT_THAT(some["not_applicable"], IsEmpty());
  EXPECT_THAT(some["activations"], IsEmpty());
  const json all = json::parse(view->Json(SomeMaps()).value());
  EXPECT_EQ(all["activations"][0]["node"], "x");
  const json predictions = json::parse(view->PredictionsJson(SomeMaps()).value());
  EXPECT_EQ(predictions["predictions"], all["predictions"]);
  EXPECT_FALSE(predictions.contains("attributions"));
}

TEST(ExampleView, SaysWhatItCannotGive) {
  const Model model = MapsModel();
  EXPECT_THAT(ExampleView::Create(model, {.methods = {{"gradiant"}}}).status().message(),
              HasSubstr("no method of attribution is called gradiant, did you mean gradient?"));
  EXPECT_THAT(ExampleView::Create(model, {.nodes = {"relu9"}}).status().message(),
              HasSubstr("no node is called relu9"));
  EXPECT_FALSE(ExampleView::Create(model, {.most_maps = 0}).ok());
  bool cancelled = false;
  auto view = ExampleView::Create(model, {.cancelled = [&] { return cancelled; }}).value();
  EXPECT_THAT(view->Json(SomeMaps(), {.target = 2}).status().message(),
              HasSubstr("expected a class from 0 to 1, got 2"));
  EXPECT_THAT(view->Json(SomeMaps(), {.methods = {{"x"}}}).status().message(),
              HasSubstr("no method of attribution is called x"));
  Example two = SomeMaps();
  two.x = Tensor::Zeros(DType::kF32, {2, 2, 2, 2}).value();
  EXPECT_THAT(view->Json(two).status().message(),
              HasSubstr("maps: expected one example of f32[N,2,2,2], got f32[2,2,2,2]"));
  EXPECT_FALSE(view->Json({.name = "nothing"}).ok());
  cancelled = true;
  EXPECT_TRUE(absl::IsCancelled(view->Json(SomeMaps()).status()));
}

TEST(ExampleView, SaysWhichMethodsDoNotApply) {
  Builder b;
  const Value x = b.Input("x", {"N", 1, 4, 4});
  b.Output("maps", b.Relu(x));
  auto view = ExampleView::Create(b.Build().value(), {}).value();
  const Example example{.name = "x", .x = Tensor::Zeros(DType::kF32, {1, 1, 4, 4}).value()};
  const json answer = json::parse(view->Json(example, {.all_methods = true}).value());
  EXPECT_THAT(answer["predictions"], IsEmpty());
  EXPECT_THAT(answer["attributions"], IsEmpty());
  ASSERT_EQ(answer["not_applicable"].size(), AttributionMethods().size());
  const json gradient = OfMethod(answer["not_applicable"], "gradient");
  EXPECT_THAT(gradient["error"].get<std::string>(), HasSubstr("expected scores"));
  EXPECT_EQ(answer["activations"].size(), 1);
  EXPECT_THAT(view->Json(example, {.methods = {{"gradient"}}}).status().message(),
              HasSubstr("gradient: inspect: expected scores"));
  EXPECT_THAT(view->Json(example, {.target = 0}).status().message(),
              HasSubstr("the model gives no scores of classes"));
}

TEST(ExampleView, ShowsSignals) {
  Builder b;
  const Value x = b.Input("x", {"N", 2, 6});
  const Value weights = b.Constant(Tensor::Zeros(DType::kF32, {12, 3}).value());
  b.Output("y", b.Op("MatMul", {b.Flatten(b.Relu(x)), weights}));
  auto view = ExampleView::Create(b.Build().value(), {}).value();
  std::vector<float> values(12);
  std::iota(values.begin(), values.end(), 0.0f);
  const Example example{.name = "signal",
                        .x = Tensor::FromValues<float>({1, 2, 6}, values).value()};
  const json answer = json::parse(view->Json(example).value());
  EXPECT_EQ(answer["picture"], nullptr);
  const Picture stripes = PictureOfUrl(answer["activations"][0]["grid"]);
  // A sample a square of 6 pixels, with a border.
  EXPECT_EQ(stripes.height, 2 * 6 + 2);
  ASSERT_EQ(stripes.width, 6 * 6 + 2);
  const uint8_t* first = &stripes.pixels[(38 + 1) * 3];
  EXPECT_THAT(std::vector(first, first + 3), ElementsAreArray(ColorOf(ColorMap::kHeat, 0)));
  const uint8_t* last = &stripes.pixels[(12 * 38 + 36) * 3];
  EXPECT_THAT(std::vector(last, last + 3), ElementsAreArray(ColorOf(ColorMap::kHeat, 1)));
  EXPECT_EQ(PictureOfUrl(answer["attributions"][0]["overlay"]).height, 32);
}

TEST(ExampleView, ChoosesLayersEvenly) {
  Builder b;
  Value x = b.Input("x", {"N", 1, 9, 9});
  for (int i = 0; i < 7; ++i) x = b.Relu(x);
  b.Output("y", b.Relu(b.GlobalAvgPool(x)));  // one number a channel
  const Graph graph = b.Build().value().graph;
  const std::vector<std::string> all = ShownLayers(graph, 100);
  ASSERT_EQ(all.size(), 7);
  EXPECT_THAT(ShownLayers(graph, 3), ElementsAre(all[0], all[3], all[6]));
  EXPECT_THAT(ShownLayers(graph, 1), ElementsAre(all[6]));
  EXPECT_THAT(ShownLayers(graph, 0), IsEmpty());
}

// What a method says of a picture, and a few layers' maps.
Picture SheetOf(const std::string& name, int64_t index) {
  const ExampleViewOptions options = {.methods = {{"gradient"}}, .most_nodes = 3, .most_maps = 4};
  auto view = ExampleView::Create(GoldenModel(name), options).value();
  const Example example = ExampleOf(*GoldenData(name), index).value();
  const json answer = json::parse(view->Json(example).value());
  std::vector<Picture> pictures = {PictureOfUrl(answer["attributions"][0]["overlay"])};
  for (const json& a : answer["activations"]) pictures.push_back(PictureOfUrl(a["grid"]));
  return SideBySide(pictures);
}

TEST(ExampleView, LooksAsItDidOnDigits) {
  ExpectGoldenPicture(SheetOf("digits", 5), "example_view_digits");
}

TEST(ExampleView, LooksAsItDidOnCifar) {
  if (!HasSharedCifar()) GTEST_SKIP() << SharedCifar() << " is not there";
  ExpectGoldenPicture(SheetOf("cifar", 5), "example_view_cifar");
}

}  // namespace
}  // namespace weft
