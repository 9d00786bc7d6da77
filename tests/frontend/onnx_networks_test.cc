// Whole networks as exporters of nine opsets wrote them: imported once, run at three sizes, as they
// are, optimized, and exported and imported again. tests/onnxruntime runs the same in ONNX Runtime.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/onnx/export/export.h"
#include "frontend/session/session.h"
#include "frontend/train/train.h"
#include "testing_files.h"
#include "testing_networks.h"
#include "tests/cases/cases.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

double NetworkDistance(const Tensor& a, const Tensor& b) {
  if (a.dims() != b.dims()) return INFINITY;
  double difference = 0, largest = 0;
  for (int64_t i = 0; i < a.size(); ++i) {
    const double own = std::abs(a.At(i) - b.At(i));
    difference = std::isnan(own) ? INFINITY : std::max(difference, own);
    largest = std::max(largest, std::abs(b.At(i)));
  }
  return difference / largest;
}

void ExpectNear(const TensorMap& got, const TensorMap& expected, const std::string& what) {
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(got.contains(name)) << what << ": " << name;
    EXPECT_LE(NetworkDistance(got.at(name), tensor), 1e-5) << what << ": " << name;
  }
}

class OnnxNetworks : public ::testing::TestWithParam<std::tuple<size_t, int>> {
 protected:
  const ExportedNetwork& network() const { return ExportedNetworks()[std::get<0>(GetParam())]; }
  int opset() const { return std::get<1>(GetParam()); }

  // Runs it at each size.
  std::vector<TensorMap> RunAll(const Model& model, bool optimize) const {
    std::vector<TensorMap> results;
    auto session = Session::Create(model, {.threads = 1, .optimize = optimize});
    EXPECT_TRUE(session.ok()) << session.status();
    for (const Dims& size : SizesFor(network(), opset())) {
      if (!session.ok()) break;
      auto outputs = (*session)->Run({{"x", RandomTensor(size, DType::kF32, 5)}});
      EXPECT_TRUE(outputs.ok()) << ToString(size) << ": " << outputs.status();
      results.push_back(outputs.ok() ? *std::move(outputs) : TensorMap());
    }
    return results;
  }

  void ExpectResults(const Model& model, bool optimize, const std::vector<TensorMap>& expected,
                     const std::string& what) const {
    const std::vector<TensorMap> results = RunAll(model, optimize);
    ASSERT_EQ(results.size(), expected.size()) << what;
    for (size_t i = 0; i < results.size(); ++i) ExpectNear(results[i], expected[i], what);
  }
};

TEST_P(OnnxNetworks, RunAtSeveralSizesAsTheyAreOptimizedAndExported) {
  const auto model = WriteNetwork(network(), opset()).Import();
  ASSERT_TRUE(model.ok()) << model.status();
  const std::vector<TensorMap> expected = RunAll(*model, false);

  auto optimized = OptimizedForInference(model->graph, {.verify_each = true});
  ASSERT_TRUE(optimized.ok()) << optimized.status();
  ExpectResults(Model(*std::move(optimized)), false, expected, "optimized");

  const std::string path = TestFolder() + "/again.onnx";
  const auto exported = ExportOnnx(*model, path);
  ASSERT_TRUE(exported.ok()) << exported.status();
  const auto again = ImportOnnx(path);
  ASSERT_TRUE(again.ok()) << again.status();
  ExpectResults(*again, true, expected, "exported");
}

TEST_P(OnnxNetworks, KeepTheSymbolOfTheBatch) {
  const auto model = WriteNetwork(network(), opset()).Import();
  ASSERT_TRUE(model.ok()) << model.status();
  const Dim batch = model->graph.Find("x")->type().dim(0);
  EXPECT_FALSE(batch.is_static());
  for (const auto& [name, value] : model->graph.outputs()) {
    EXPECT_THAT(value.type().shape, ::testing::Contains(batch))
        << name << " " << ToString(value.type());
  }
}

TEST(OnnxNetworksShapes, SayWhatFollowsFromTheSymbolsOfTheInput) {
  const std::map<std::string, std::string> expected = {
      {"residual", "f32[N,10]"},
      {"unet", "f32[N,2,H,W]"},
      {"unet_padded", "f32[N,2,H,W]"},
      {"yolo", "f32[N,2*(floor(((floor((H+1)/2))+1)/2))*(floor(((floor((W+1)/2))+1)/2)),6]"},
      {"vit", "f32[batch,5]"},
      {"crnn", "f32[(floor((W)/2)),N,7]"}};
  for (const ExportedNetwork& network : ExportedNetworks()) {
    if (!expected.contains(network.name)) continue;
    const auto model = WriteNetwork(network, 13).Import();
    ASSERT_TRUE(model.ok()) << model.status();
    EXPECT_EQ(ToString(model->graph.outputs()[0].value.type()), expected.at(network.name));
  }
}

INSTANTIATE_TEST_SUITE_P(All, OnnxNetworks,
                         ::testing::Combine(::testing::Range(size_t{0}, ExportedNetworks().size()),
                                            ::testing::ValuesIn(kExportedOpsets)),
                         [](const auto& info) {
                           return ExportedNetworks()[std::get<0>(info.param)].name + "_" +
                                  std::to_string(std::get<1>(info.param));
                         });

// The shapes that a training step of the imported network computes are symbols' too.
TEST(OnnxNetworksTraining, AResidualNetworkOfAnySizeTakesAStep) {
  for (int opset : {9, 13, 18}) {
    auto model = WriteNetwork(ExportedNetworks()[0], opset).Import();
    ASSERT_TRUE(model.ok()) << model.status();
    auto trainer = Trainer::Create(*std::move(model), {});
    ASSERT_TRUE(trainer.ok()) << trainer.status();
    const Tensor labels = Tensor::FromInts(std::vector<int64_t>{1, 7});
    double first = 0, last = 0;
    for (int step = 0; step < 4; ++step) {
      for (const Dims& size : {Dims{2, 3, 12, 12}, Dims{2, 3, 15, 9}}) {
        const auto result = (*trainer)->Step(RandomTensor(size, DType::kF32, 5), labels, 0.05);
        ASSERT_TRUE(result.ok()) << result.status();
        last = result->loss;
        if (first == 0) first = last;
      }
    }
    EXPECT_LT(last, first) << opset;
  }
}

TEST(OnnxShapes, FixInputsAtImport) {
  const OnnxMaker m = WriteNetwork(ExportedNetworks()[0], 13);
  const auto type_of = [&](const std::map<std::string, Shape>& shapes) {
    const auto model = m.Import({.shapes = shapes});
    return model.ok() ? ToString(model->graph.Find("x")->type()) + " -> " +
                            ToString(model->graph.outputs()[0].value.type())
                      : std::string(model.status().message());
  };
  const Dim n = Dim::Symbol("B");
  EXPECT_EQ(type_of({{"x", {1, 3, 32, 32}}}), "f32[1,3,32,32] -> f32[1,10]");
  EXPECT_EQ(type_of({{"", {n, 3, 32, 32}}}), "f32[B,3,32,32] -> f32[B,10]");
  EXPECT_THAT(type_of({{"y", {1, 3, 32, 32}}}), HasSubstr("'y', which is none of the inputs x"));
  EXPECT_THAT(type_of({{"x", {3, 32, 32}}}), HasSubstr("input x: is f32[N,3,H,W], of rank 4"));
  EXPECT_THAT(type_of({{"x", {1, 4, 32, 32}}}), HasSubstr("with 3 on axis 1, but the shape given"));
  EXPECT_THAT(type_of({{"x", {1, n, 32, 32}}}), HasSubstr("with 3 on axis 1, but the shape given"));
  EXPECT_THAT(type_of({{"x", {1, 3, 8, 8}}, {"", {1, 3, 8, 8}}}),
              HasSubstr("input x is given two shapes"));
}

TEST(OnnxShapes, HoldForTheSymbolInAllInputs) {
  OnnxMaker m(13);
  m.Input("a", {-1, 2}).Input("b", {-1, 2}).Node("Add", {"a", "b"}, {"y"}).Output("y");
  const auto model = m.Import({.shapes = {{"a", {5, 2}}}});
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(ToString(model->graph.Find("b")->type()), "f32[5,2]");
  EXPECT_THAT(std::string(m.Import({.shapes = {{"a", {5, 2}}, {"b", {6, 2}}}}).status().message()),
              HasSubstr("N is 5 already, but the shape given is [6,2]"));
  EXPECT_THAT(std::string(m.Import({.shapes = {{"", {5, 2}}}}).status().message()),
              HasSubstr("a shape needs the name of its input, one of 2: a, b"));
}

}  // namespace
}  // namespace weft
