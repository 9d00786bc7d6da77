#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/build/builder.h"
#include "tests/frontend/testing_layers.h"

namespace weft {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pointwise;
using ::testing::StartsWith;

Value Indices(Builder& b, Dims dims, const std::vector<int64_t>& values) {
  return b.Constant(Tensor::FromValues<int64_t>(std::move(dims), values).value());
}

TEST(IndexLayers, GatherAndScatter) {
  const Tensor x = Count({2, 3});  // 0 1 2 / 3 4 5
  EXPECT_THAT(NumbersOf(RunLayer(x,
                                 [](Builder& b, Value v) {
                                   return b.Gather(v, Indices(b, {2}, {2, 0}), {.axis = 1});
                                 })),
              ElementsAre(2, 0, 5, 3));
  EXPECT_THAT(
      NumbersOf(RunLayer(x,
                         [](Builder& b, Value v) {
                           return b.GatherElements(v, Indices(b, {2, 1}, {1, -1}), {.axis = 1});
                         })),
      ElementsAre(1, 5));
  EXPECT_THAT(
      NumbersOf(RunLayer(x,
                         [](Builder& b, Value v) {
                           return b.GatherND(v, Indices(b, {2, 1}, {1, 2}), {.batch_dims = 1});
                         })),
      ElementsAre(1, 5));
  EXPECT_THAT(
      NumbersOf(RunLayer(
          x,
          [](Builder& b, Value v) {
            const Value two = b.Constant(Of({1, 3}, {10, 20, 30}));
            return b.ScatterElements(v, Indices(b, {1, 3}, {1, 0, 1}), two, {.reduction = "add"});
          })),
      ElementsAre(0, 21, 2, 13, 4, 35));
  EXPECT_THAT(
      NumbersOf(RunLayer(
          x,
          [](Builder& b, Value v) {
            return b.ScatterND(v, Indices(b, {1, 1}, {1}), b.Constant(Of({1, 3}, {7, 8, 9})));
          })),
      ElementsAre(0, 1, 2, 7, 8, 9));
}

TEST(IndexLayers, OneHotIsOfTheBuildersType) {
  EXPECT_THAT(
      NumbersOf(RunLayer(
          Count({1}),
          [](Builder& b, Value) {
            return b.OneHot(Indices(b, {3}, {1, 0, -1}), {.depth = 3, .on = 0.9, .off = 0.05});
          })),
      ElementsAre(0.05, 0.9, 0.05, 0.9, 0.05, 0.05, 0.05, 0.05, 0.9));
}

TEST(IndexLayers, EmbeddingTakesTrainedVectors) {
  const LayerRun run{.parameters = {{"embedding1.weight", Count({4, 2})}}};
  EXPECT_THAT(NumbersOf(RunLayer(
                  Count({1}),
                  [](Builder& b, Value) {
                    return b.Embedding(Indices(b, {1, 3}, {3, 0, 3}), {.count = 4, .features = 2});
                  },
                  run)),
              ElementsAre(6, 7, 0, 1, 6, 7));
}

TEST(IndexLayers, UpsampleHasPyTorchsConventions) {
  const Tensor row = Of({1, 1, 3}, {1, 2, 4});
  const auto upsampled = [&](const UpsampleOptions& o) {
    return NumbersOf(RunLayer(row, [&](Builder& b, Value v) { return b.Upsample(v, o); }));
  };
  EXPECT_THAT(upsampled({.size = {5}}), ElementsAre(1, 1, 2, 2, 4));
  EXPECT_THAT(upsampled({.scale = {2}}), ElementsAre(1, 1, 2, 2, 4, 4));
  EXPECT_THAT(upsampled({.scale = {2}, .mode = "linear"}),
              Pointwise(DoubleNear(1e-12), std::vector<double>{1, 1.25, 1.75, 2.5, 3.5, 4}));
  EXPECT_THAT(upsampled({.size = {5}, .mode = "linear", .align_corners = true}),
              ElementsAre(1, 1.5, 2, 3, 4));
}

TEST(IndexLayers, UpsampleKeepsTheBatchOpen) {
  Builder b;
  const Value x = b.Input("x", {"N", 3, 4, 5});
  EXPECT_EQ(ToString(b.Upsample(x, {.scale = {2}}).type()), "f32[N,3,8,10]");
  EXPECT_EQ(ToString(b.Upsample(x, {.size = {7, 6}, .mode = "cubic"}).type()), "f32[N,3,7,6]");
  EXPECT_EQ(ToString(b.Resize(x, {.axes = {-1}, .scales = {0.5}}).type()), "f32[N,3,4,2]");
}

TEST(IndexLayers, ResizeCropsARegion) {
  EXPECT_THAT(NumbersOf(RunLayer(Count({5}),
                                 [](Builder& b, Value v) {
                                   return b.Resize(v, {.sizes = {3},
                                                       .mode = "linear",
                                                       .coordinates = "tf_crop_and_resize",
                                                       .roi = {0.25, 1.5},
                                                       .extrapolation_value = -1});
                                 })),
              ElementsAre(1, 3.5, -1));
}

TEST(IndexLayers, MistakesNameTheirLineAndWhatWasExpected) {
  const std::string said = MistakeOf(
      {"N", 3, 4}, [](Builder& b, Value x) { b.Upsample(x, {.size = {8}, .scale = {2}}); });
  EXPECT_THAT(said, StartsWith("frontend/layers_index_test.cc:"));
  EXPECT_THAT(said, HasSubstr("resize1 (Resize): expected either sizes or scales, got both"));
  const auto mistake = [](auto build) { return MistakeOf({"N", 3, 4}, build); };
  EXPECT_THAT(mistake([](Builder& b, Value x) { b.Resize(x, {}); }), HasSubstr("neither"));
  EXPECT_THAT(mistake([](Builder& b, Value) { b.Upsample(Value(), {.scale = {2}}); }),
              HasSubstr("got none"));
  EXPECT_THAT(mistake([](Builder& b, Value x) {
                b.Upsample(x, {.size = {1, 2, 3}});
              }),
              HasSubstr("expected 1 sizes"));
  EXPECT_THAT(mistake([](Builder& b, Value x) { b.OneHot(x, {}); }), HasSubstr("got 0"));
  EXPECT_THAT(mistake([](Builder& b, Value x) { b.Embedding(x, {.features = 2}); }),
              HasSubstr("a count of at least 1, got 0"));
  EXPECT_THAT(mistake([](Builder& b, Value x) { b.Gather(x, x); }), HasSubstr("indices"));
}

}  // namespace
}  // namespace weft
