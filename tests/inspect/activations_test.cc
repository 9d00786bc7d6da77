// What layers make of an example, and of a data set.
#include "frontend/inspect/layers/activations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>

#include "frontend/build/builder.h"
#include "frontend/data/tensor_data.h"
#include "frontend/inspect/example.h"
#include "frontend/inspect/layers/histogram_svg.h"
#include "frontend/inspect/map_picture.h"
#include "frontend/session/layers.h"
#include "frontend/train/finetune_features.h"
#include "testing_golden.h"
#include "testing_svg.h"
#include "tests/frontend/testing_cli.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> NamesOf(const std::vector<LayerActivation>& layers) {
  std::vector<std::string> names;
  for (const LayerActivation& layer : layers) names.push_back(layer.layer);
  return names;
}

TEST(Activations, AreThoseOfTheModelCutOffThere) {
  const Model model = GoldenModel("digits");
  const Example example = *ExampleOf(*GoldenData("digits"), 3);
  const auto layers = Activations(model, example.x);
  ASSERT_TRUE(layers.ok()) << layers.status();
  ASSERT_GT(layers->size(), 6u);
  for (const LayerActivation& layer : *layers) {
    const auto session = Session::Create(*ModelUpTo(model, layer.layer));
    const Tensor expected = *(*session)->Run(example.x);
    ASSERT_EQ(expected.size(), layer.values.size()) << layer.layer;
    double most = 0, difference = 0;
    for (int64_t i = 0; i < expected.size(); ++i) {
      most = std::max(most, std::abs(expected.At(i)));
      difference = std::max(difference, std::abs(expected.At(i) - layer.values.At(i)));
    }
    // The cut model folds a normalization into the convolution, which rounds otherwise.
    EXPECT_LE(difference, 1e-5 * most) << layer.layer;
  }
}

TEST(Activations, LayersComputeAndDoNotOnlyMove) {
  Builder b;
  const Value x = b.Input("x", {"N", 1, 4, 4});
  Value h = b.Relu(b.Conv2d(x, {.channels = 2, .kernel = 3, .name = "conv1"}), {.name = "relu1"});
  b.Relu(h, {.name = "unused"});
  b.Output("y", b.Linear(b.Flatten(h), {.features = 3, .name = "fc"}));
  const Model model = b.Build().value();
  const Tensor x0 = Tensor::Zeros(DType::kF32, {1, 4, 4}).value();
  EXPECT_THAT(NamesOf(*Activations(model, x0)), ElementsAre("conv1", "relu1", "fc"));
  EXPECT_THAT(NamesOf(*Activations(model, x0, {"fc", "conv1"})), ElementsAre("fc", "conv1"));
  EXPECT_EQ((*Activations(model, x0))[0].values.dims(), (Dims{2, 2, 2}));
  EXPECT_THAT(Activations(model, x0, {"relu"}).status().message(),
              HasSubstr("did you mean relu1?"));
  EXPECT_THAT(
      Activations(model, Tensor::Zeros(DType::kF32, {2, 1, 4, 4}).value()).status().message(),
      HasSubstr("expected one example"));
}

TEST(Activations, PicturesOfMapsVectorsAndSignals) {
  const auto size = [](Dims dims) {
    const Picture p =
        *ActivationPicture(Tensor::Zeros(DType::kF32, std::move(dims)).value(), {.scale = 1});
    return std::array{p.height, p.width};
  };
  EXPECT_EQ(size({4, 3, 5}), (std::array<int64_t, 2>{9, 13}));
  EXPECT_EQ(size({10}), (std::array<int64_t, 2>{3, 12}));
  EXPECT_EQ(size({4, 20}), (std::array<int64_t, 2>{6, 22}));
  EXPECT_EQ(size({2, 3, 4, 4}), (std::array<int64_t, 2>{11, 16}));
  EXPECT_FALSE(ActivationPicture(Tensor()).ok());
  const Tensor long_signal = *Tensor::Zeros(DType::kF32, {4, 40});
  EXPECT_EQ(ActivationPicture(long_signal)->height, 4 * 4 + 2);
  EXPECT_EQ(ActivationPicture(long_signal, {.most_maps = 3})->height, 3 * 4 + 2);
  EXPECT_EQ(ActivationPicture(long_signal, {.most_maps = 3})->width, 42);
  EXPECT_FALSE(ActivationPicture(long_signal, {.most_maps = -1}).ok());
}

// Two units of a Relu from x in {-2, -1, 1, 2}: x itself, and -|x| - 1 < 0 always, which is dead.
// Of Tanh(10 x) and Tanh(x / 10) the first unit is saturated.
Model DefectiveNet() {
  Builder b;
  const Value x = b.Input("x", {"N", 1});
  const auto weights = [&](float first, float second) {
    return b.Constant(Tensor::FromValues<float>({1, 2}, std::array{first, second}).value());
  };
  const Value both =
      b.Concat({x, b.Sub(b.Neg(b.Abs(x)), b.Constant(Tensor::Scalar(1, DType::kF32)))}, 1);
  const Value relu = b.Relu(both, {.name = "relu"});
  const Value tanh = b.Tanh(b.Mul(b.Concat({x, x}, 1), weights(10, 0.1f)), {.name = "tanh"});
  b.Output("y", b.Add(relu, tanh));
  return b.Build().value();
}

std::shared_ptr<const Dataset> FourNumbers() {
  const std::shared_ptr<const Dataset> digits = OpenDataset("digits:10", Split::kTest).value();
  Features numbers{
      .values = Tensor::FromValues<float>({4, 1}, std::array{-2.f, -1.f, 1.f, 2.f}).value(),
      .labels = Tensor::FromInts(std::array<int64_t, 4>{0, 0, 1, 1})};
  return FeatureDataset(std::move(numbers), *digits);
}

TEST(ActivationStatistics, FindUnitsThatAreDeadOrSaturated) {
  const auto layers = ActivationStatistics(DefectiveNet(), FourNumbers(),
                                           {.at = {"relu", "tanh"}, .batch_size = 3});
  ASSERT_TRUE(layers.ok()) << layers.status();
  const LayerStatistics& relu = (*layers)[0];
  EXPECT_EQ(relu.op, "Relu");
  EXPECT_EQ(relu.units, 2);
  EXPECT_THAT(*relu.dead, ElementsAre(1));
  EXPECT_EQ(relu.values.count(), 8);
  EXPECT_EQ(relu.values.zeros(), 6);
  EXPECT_EQ(relu.values.zero_share(), 0.75);
  EXPECT_DOUBLE_EQ(relu.values.mean(), 3.0 / 8);
  EXPECT_DOUBLE_EQ(relu.values.deviation(), std::sqrt(5.0 / 8 - 9.0 / 64));
  EXPECT_EQ(relu.values.low(), 0);
  EXPECT_EQ(relu.values.high(), 2);
  EXPECT_FALSE(relu.saturated_share);
  const LayerStatistics& tanh = (*layers)[1];
  EXPECT_FALSE(tanh.dead);
  EXPECT_THAT(tanh.saturated, ElementsAre(0));
  EXPECT_EQ(*tanh.saturated_share, 0.5);
}

TEST(ActivationStatistics, AreThoseOfAllFeaturesTogether) {
  const Model model = GoldenModel("digits");
  const auto data = GoldenData("digits");
  const auto layers = *ActivationStatistics(model, data, {.batch_size = 50});
  for (const LayerStatistics& layer : layers) {
    const Features all = *ComputeFeatures(model, data, {.at = layer.layer});
    double sum = 0, squares = 0;
    int64_t zeros = 0;
    for (const float v : all.values.values<float>()) {
      sum += v;
      zeros += v == 0;
    }
    const auto n = static_cast<double>(all.values.size());
    for (const float v : all.values.values<float>()) squares += (v - sum / n) * (v - sum / n);
    EXPECT_EQ(layer.values.count(), all.values.size()) << layer.layer;
    EXPECT_NEAR(layer.values.mean(), sum / n, 1e-5 * layer.values.deviation()) << layer.layer;
    EXPECT_NEAR(layer.values.deviation(), std::sqrt(squares / n), 1e-5 * std::sqrt(squares / n));
    EXPECT_NEAR(layer.values.zero_share(), static_cast<double>(zeros) / n, 1e-5) << layer.layer;
    EXPECT_EQ(layer.units, all.values.dims()[1]);
  }
}

TEST(ActivationStatistics, SubsetsAreSpreadOverTheData) {
  const auto data = FourNumbers();
  const auto two = *EvenSubset(data, 2);
  ASSERT_EQ(two->size(), 2);
  float value = 0;
  int64_t label = 0;
  ASSERT_TRUE(two->Read(1, {&value, 1}, &label).ok());
  EXPECT_EQ(value, 1);
  EXPECT_EQ(*EvenSubset(data, 9), data);
  EXPECT_FALSE(EvenSubset(data, -1).ok());
}

// The digit, and what the first layers make of it.
Picture ActivationExample(const Model& model, const Example& example, const std::string& at) {
  const auto layers = *Activations(model, example.x, {at});
  return SideBySide({{Enlarged(*example.picture, 2), *ActivationPicture(layers[0].values)}});
}

// The first node of an op.
std::string FirstOf(const Model& model, std::string_view op) {
  for (const Node* layer : LayersOf(model.graph)) {
    if (layer->op_name() == op) return layer->name();
  }
  return "";
}

TEST(Activations, GoldenOfADigit) {
  const Model model = GoldenModel("digits");
  const Example example = *ExampleOf(*GoldenData("digits"), 7);
  ExpectGoldenPicture(ActivationExample(model, example, FirstOf(model, "Relu")),
                      "activations_digits");
}

TEST(Activations, GoldenOfAPhotograph) {
  if (!HasSharedCifar()) GTEST_SKIP() << "there is no " << SharedCifar();
  const Model model = GoldenModel("cifar");
  const Example example = *ExampleOf(*GoldenData("cifar"), 7);
  ExpectGoldenPicture(ActivationExample(model, example, FirstOf(model, "Relu")),
                      "activations_cifar");
}

std::string HistogramsOf(const Model& model, const std::shared_ptr<const Dataset>& data) {
  const auto layers = *ActivationStatistics(model, data, {.examples = 64});
  std::vector<NamedHistogram> histograms;
  for (size_t i = 0; i < std::min<size_t>(layers.size(), 8); ++i) {
    histograms.push_back({layers[i].layer, layers[i].op, layers[i].values.histogram()});
  }
  return HistogramsSvg(histograms, {.title = "Activations", .log = true});
}

TEST(ActivationStatistics, GoldenHistogramsOfDigits) {
  ExpectGoldenSvg(HistogramsOf(GoldenModel("digits"), GoldenData("digits")), "statistics_digits");
}

TEST(ActivationStatistics, GoldenHistogramsOfPhotographs) {
  if (!HasSharedCifar()) GTEST_SKIP() << "there is no " << SharedCifar();
  ExpectGoldenSvg(HistogramsOf(GoldenModel("cifar"), GoldenData("cifar")), "statistics_cifar");
}

class ActivationsCli : public Cli {
 protected:
  std::string Inspect(const std::string& method) const {
    return "inspect " + GoldenFolder() + "/digits.weft " + method;
  }
};

TEST_F(ActivationsCli, WriteAFolderOrALayer) {
  const std::string all = Output(Inspect("activations --data digits:50 --index 2 -o maps"));
  EXPECT_THAT(all, HasSubstr("saved maps/"));
  EXPECT_GT(std::distance(std::filesystem::directory_iterator(Path("maps")), {}), 6);
  const std::string name = FirstOf(GoldenModel("digits"), "Relu");
  EXPECT_THAT(Output(Inspect("activations --data digits:50 --at " + name + " -o r.png")),
              HasSubstr("saved r.png"));
  EXPECT_THAT(Output(Inspect("activations --data digits:50")), HasSubstr(name + " (Relu): f32["));
  EXPECT_THAT(Error(Inspect("activations --data digits:50 --at nothing -o r.png")),
              HasSubstr("no node is called nothing"));
  EXPECT_THAT(Error(Inspect("activations --data digits:50 -o all.png")),
              HasSubstr("expected a folder for all layers, or --at with one for a file"));
  EXPECT_FALSE(std::filesystem::exists(Path("all.png")));
  EXPECT_THAT(Error(Inspect("activations --data digits:50 --index 99")), HasSubstr("[0,10)"));
}

TEST_F(ActivationsCli, WriteStatistics) {
  EXPECT_THAT(Output(Inspect("statistics --data digits:50")), HasSubstr("deviation"));
  Output(Inspect("statistics --data digits:50 -o s.csv"));
  EXPECT_THAT(ReadText(Path("s.csv")), HasSubstr("layer,op,values,mean,deviation,zeros,least,most,"
                                                 "nan,infinite,units,dead,saturated,"));
  Output(Inspect("statistics --data digits:50 -o s.json"));
  const auto rows = nlohmann::json::parse(ReadText(Path("s.json")));
  ASSERT_GT(rows.size(), 6u);
  int64_t counted = 0;
  for (const auto& n : rows[0]["histogram"]["counts"]) counted += n.get<int64_t>();
  EXPECT_EQ(counted, rows[0]["values"].get<int64_t>());
  Output(Inspect("statistics --data digits:50 --examples 5 -o s.svg"));
  EXPECT_THAT(ReadText(Path("s.svg")), HasSubstr("units dead"));
  EXPECT_THAT(Error(Inspect("statistics --data digits:50 -o s.png")),
              HasSubstr(".csv or .json or"));
  EXPECT_THAT(Error(Inspect("statistics --data digits:50 --examples -2")), HasSubstr("got -2"));
}

}  // namespace
}  // namespace weft
