#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "frontend/build/builder.h"
#include "passes/passes.h"
#include "tests/frontend/testing_layers.h"

namespace weft {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

// The same layer in both modes.
struct Both {
  Tensor training, inference;
};

template <typename F>
Both RunBoth(const Tensor& x, F build) {
  Builder b({.dtype = DType::kF64});
  std::vector<Axis> shape = {"N"};
  for (size_t i = 1; i < x.dims().size(); ++i) shape.push_back(x.dims()[i]);
  b.Output("y", build(b, b.Input("x", shape)));
  absl::StatusOr<Model> model = b.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  Both result;
  if (!model.ok()) return result;
  ReferenceEvaluator evaluator({.seed = 3});
  for (const bool training : {false, true}) {
    const auto graph = training ? ForTraining(model->graph) : ForInference(model->graph);
    EXPECT_TRUE(graph.ok()) << graph.status();
    const auto y = evaluator.RunGraph(*graph, {{"x", x}});
    EXPECT_TRUE(y.ok()) << y.status();
    if (y.ok()) (training ? result.training : result.inference) = y->at("y");
  }
  return result;
}

TEST(RandomLayers, SpatialDropoutDropsWholeChannels) {
  Tensor x = Count({20, 10, 2, 3});
  for (double& v : x.mutable_values<double>()) v = 1;
  const Both y =
      RunBoth(x, [](Builder& b, Value v) { return b.SpatialDropout(v, {.ratio = 0.5}); });
  EXPECT_EQ(y.inference, x);
  const std::vector<double> numbers = NumbersOf(y.training);
  int dropped = 0;
  for (size_t channel = 0; channel < 200; ++channel) {
    const auto first = numbers.begin() + static_cast<std::ptrdiff_t>(6 * channel);
    EXPECT_TRUE(*first == 0 || *first == 2);
    EXPECT_THAT(std::vector<double>(first, first + 6), Each(*first));
    dropped += *first == 0 ? 1 : 0;
  }
  EXPECT_NEAR(dropped, 100, 30);
}

TEST(RandomLayers, SpatialDropoutIsForSignalsAndVolumesToo) {
  Builder b;
  EXPECT_EQ(ToString(b.SpatialDropout(b.Input("a", {"N", 4, 9})).type()), "f32[N,4,9]");
  EXPECT_EQ(ToString(b.SpatialDropout(b.Input("c", {"N", 4, 2, 3, 5})).type()), "f32[N,4,2,3,5]");
}

TEST(RandomLayers, RandomPlacementIsCentredInInference) {
  const Both y = RunBoth(Count({40, 1, 1, 1}), [](Builder& b, Value v) {
    return b.RandomPlacement(v, {.pads = {2, 2}});
  });
  std::set<int64_t> places;
  for (int64_t n = 1; n < 40; ++n) {
    EXPECT_EQ(y.inference.At(9 * n + 4), static_cast<double>(n));
    for (int64_t i = 0; i < 9; ++i) {
      if (y.training.At(9 * n + i) != 0) places.insert(i);
    }
  }
  EXPECT_GT(places.size(), 5u);
}

TEST(RandomLayers, EachHasAStreamThatFollowsFromItsName) {
  const auto drawn = [](const std::string& name) {
    return RunLayer(Count({1}), [&](Builder& b, Value) {
      return b.RandomUniform({100}, {.low = -1, .name = name});
    });
  };
  EXPECT_EQ(drawn("a"), drawn("a"));
  EXPECT_NE(drawn("a"), drawn("b"));
}

TEST(RandomLayers, TypesAndShapes) {
  Builder b;
  const Value x = b.Input("x", {"N", 3});
  EXPECT_EQ(ToString(b.RandomNormal({2, 3}).type()), "f32[2,3]");
  EXPECT_EQ(ToString(b.RandomUniform({4}, {.dtype = DType::kF64}).type()), "f64[4]");
  EXPECT_EQ(ToString(b.RandomUniformLike(x).type()), "f32[N,3]");
  EXPECT_EQ(ToString(b.RandomNormalLike(x, {.dtype = DType::kF64}).type()), "f64[N,3]");
  EXPECT_EQ(ToString(b.Bernoulli(x, {.dtype = DType::kBool}).type()), "bool[N,3]");
  EXPECT_EQ(ToString(b.Dropout(x, {.ratio = 0.1}).type()), "f32[N,3]");
}

TEST(RandomLayers, MistakesSayWhatWasExpected) {
  const auto mistake = [](auto build) { return MistakeOf({"N", 3}, build); };
  EXPECT_THAT(mistake([](Builder& b, Value x) { b.SpatialDropout(x); }), HasSubstr("[N,C,..]"));
  EXPECT_THAT(mistake([](Builder& b, Value x) { b.Dropout(x, {.ratio = 1}); }),
              HasSubstr("layers_random_test.cc"));
  EXPECT_THAT(mistake([](Builder& b, Value) { b.RandomUniform({2}, {.low = 3}); }),
              HasSubstr("expected low <= high"));
  EXPECT_THAT(mistake([](Builder& b, Value) { b.RandomNormal({-2}); }), HasSubstr("[-2]"));
  EXPECT_THAT(mistake([](Builder& b, Value x) { b.RandomPlacement(x, {}); }), HasSubstr("pads"));
}

}  // namespace
}  // namespace weft
