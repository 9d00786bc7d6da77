// Depthwise convolutions with the pointwise ones around them, as one step.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "graph/emitter.h"
#include "ops/ops.h"
#include "ops/post_ops.h"
#include "runtime/plan/plan.h"
#include "runtime/tuning/contest.h"
#include "tests/runtime/testing_plans.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kIn = 8;

struct Window {
  int64_t taps, stride, top, left, bottom, right;
};

// A block of an inverted residual network, and the image that it is of, channels-last.
struct Block {
  explicit Block(int64_t batch, int64_t rows = 29, int64_t columns = 13, int64_t channels = 40)
      : graph(StandardOps()), e(graph), wide(channels) {
    const Value image =
        graph.AddInput("image", {DType::kF32, {Dim(batch), Dim(3), Dim(rows), Dim(columns)}})
            .value();
    x = Conv(image, {kIn, 3, 3, 3}, {{"pads", Ints{1, 1, 1, 1}}}, {});
  }

  Value Conv(Value of, Dims w, AttributeMap attributes, std::vector<PostOp> posts,
             Value addend = {}) {
    if (!posts.empty()) attributes.emplace("post_ops", posts);
    const Value weights = e.Constant(Waves(w, 0.37F)), bias = e.Constant(Waves({w[0]}, 1.1F));
    std::vector<Value> inputs = {of, weights, bias};
    if (addend) inputs.push_back(addend);
    return e.Op(posts.empty() ? "Conv" : "FusedConv", inputs, std::move(attributes));
  }
  Value Expand(std::vector<PostOp> posts = {{.op = "Relu"}}) {
    return Conv(x, {wide, kIn, 1, 1}, {}, std::move(posts));
  }
  Value Depthwise(Value of, Window w, std::vector<PostOp> posts = {}) {
    return Conv(of, {wide, 1, w.taps, w.taps},
                {{"group", wide},
                 {"strides", Ints{w.stride, w.stride}},
                 {"pads", Ints{w.top, w.left, w.bottom, w.right}}},
                std::move(posts));
  }
  Value Project(Value of, std::vector<PostOp> posts = {}, Value addend = {}) {
    return Conv(of, {kIn, wide, 1, 1}, {}, std::move(posts), addend);
  }
  // Of the graph with the result `y`, which another convolution reads.
  void Finish(Value y) {
    const Dims dims = StaticDims(y.type().shape).value();
    y = Conv(y, {4, dims[1], 3, 3}, {{"pads", Ints{1, 1, 1, 1}}}, {});
    ASSERT_TRUE(e.ok()) << e.status();
    ASSERT_TRUE(graph.AddOutput("y", y).ok());
  }
  std::string PlanText() { return Lower(graph, {.threads = 2}).value().ToString(); }

  Graph graph;
  Emitter e;
  int64_t wide;  // channels
  Value x;
};

const Window kSame = {3, 1, 1, 1, 1, 1};

class DepthwiseChains : public testing::TestWithParam<std::tuple<int64_t, Window>> {
 protected:
  int64_t batch() const { return std::get<0>(GetParam()); }
  const Window& window() const { return std::get<1>(GetParam()); }
};

TEST_P(DepthwiseChains, AllThree) {
  Block block(batch());
  block.Finish(block.Project(
      block.Depthwise(block.Expand({{.op = "Clip", .attributes = {{"min", 0.0}, {"max", 0.1}}}}),
                      window(), {{.op = "Relu"}})));
  EXPECT_THAT(block.PlanText(), HasSubstr("pointwise, depthwise:"));
  EXPECT_EQ(CountSteps(Lower(block.graph, {.threads = 2}).value(), "ConvChain"), 1);
  ExpectReferenceResults(block.graph);
  ExpectSameBitsAtAnyThreadCount(block.graph);
}

// Activations that take more than bounds.
TEST_P(DepthwiseChains, WithSilu) {
  Block block(batch());
  block.Finish(block.Project(
      block.Depthwise(block.Expand({{.op = "Silu"}}), window(), {{.op = "HardSwish"}})));
  EXPECT_EQ(CountSteps(Lower(block.graph, {.threads = 2}).value(), "ConvChain"), 1);
  ExpectReferenceResults(block.graph);
}

// Others read what the depthwise convolution makes, as squeeze and excitation do.
TEST_P(DepthwiseChains, TheFirstTwo) {
  Block block(batch());
  const Value narrow = block.Depthwise(block.Expand({{.op = "Silu"}}), window(), {{.op = "Silu"}});
  block.Finish(block.e.Op("Mul", {narrow, block.e.Op("Sigmoid", {narrow})}));
  EXPECT_THAT(block.PlanText(), Not(HasSubstr(", pointwise")));
  EXPECT_THAT(block.PlanText(), HasSubstr("pointwise, depthwise:"));
  ExpectReferenceResults(block.graph);
}

TEST_P(DepthwiseChains, TheLastTwo) {
  Block block(batch());
  const Value wide = block.Conv(block.x, {block.wide, kIn, 3, 3}, {{"pads", Ints{1, 1, 1, 1}}}, {});
  block.Finish(block.Project(block.Depthwise(wide, window()), {{.op = "Relu"}}));
  EXPECT_THAT(block.PlanText(), Not(HasSubstr("pointwise, depthwise")));
  EXPECT_THAT(block.PlanText(), HasSubstr(", pointwise"));
  ExpectReferenceResults(block.graph);
}

INSTANTIATE_TEST_SUITE_P(
    Windows, DepthwiseChains,
    testing::Combine(testing::Values(1, 3),
                     testing::Values(kSame, Window{3, 2, 1, 1, 1, 1}, Window{3, 2, 0, 0, 1, 1},
                                     Window{3, 1, 2, 0, 0, 2}, Window{5, 1, 2, 2, 2, 2},
                                     Window{5, 2, 2, 2, 2, 2})));

TEST(DepthwiseChain, AddsWhatTheBlockBeganWith) {
  for (const int64_t batch : {1, 2}) {
    Block block(batch);
    const std::vector<PostOp> posts = {{.op = "Add", .input = 3}, {.op = "Relu"}};
    block.Finish(block.Project(block.Depthwise(block.Expand(), kSame), posts, block.x));
    EXPECT_EQ(CountSteps(Lower(block.graph, {.threads = 2}).value(), "ConvChain"), 1);
    ExpectReferenceResults(block.graph);
  }
}

// Fewer than a vector, some beside vectors, and so many that the pixels of a panel would share
// lines of a cache.
TEST(DepthwiseChain, OfAnyChannels) {
  for (const int64_t channels : {3, 17, 1024}) {
    Block block(2, 29, 13, channels);
    block.Finish(block.Project(block.Depthwise(block.Expand(), kSame)));
    EXPECT_EQ(CountSteps(Lower(block.graph, {.threads = 2}).value(), "ConvChain"), 1);
    ExpectReferenceResults(block.graph);
  }
}

// The block reads and writes regions of larger images.
TEST(DepthwiseChain, OfRegions) {
  Block block(2);
  const Value other = block.Conv(block.x, {16, kIn, 1, 1}, {}, {});
  const Value all = block.e.Op("Concat", {block.x, other}, {{"axis", 1}});
  const Value y = block.Project(block.Depthwise(block.Expand(), kSame));
  block.Finish(block.e.Op("Concat", {all, y, other}, {{"axis", 1}}));
  const Plan plan = Lower(block.graph, {.threads = 2}).value();
  EXPECT_EQ(CountSteps(plan, "ConvChain"), 1) << plan.ToString();
  ExpectReferenceResults(block.graph);
}

// More rows of an image than there is room for at a time, and long ones.
TEST(DepthwiseChain, OfLargeImages) {
  Block block(1, 90, 130);
  block.Finish(block.Project(block.Depthwise(block.Expand(), kSame)));
  EXPECT_EQ(CountSteps(Lower(block.graph, {.threads = 2}).value(), "ConvChain"), 1);
  ExpectReferenceResults(block.graph);
  Block longer(1, 6, 700);
  longer.Finish(longer.Project(longer.Depthwise(longer.Expand(), kSame)));
  EXPECT_EQ(CountSteps(Lower(longer.graph, {.threads = 2}).value(), "ConvChain"), 1);
  ExpectReferenceResults(longer.graph);
  Block longest(1, 6, 5000);
  longest.Finish(longest.Project(longest.Depthwise(longest.Expand(), kSame)));
  EXPECT_EQ(CountSteps(Lower(longest.graph, {.threads = 2}).value(), "ConvChain"), 0);
}

// Of images that are smaller than the window.
TEST(DepthwiseChain, OfTinyImages) {
  for (const int64_t rows : {1, 2, 3}) {
    Block block(7, rows, 50);
    block.Finish(block.Project(block.Depthwise(block.Expand(), {5, 1, 2, 2, 2, 2})));
    EXPECT_EQ(CountSteps(Lower(block.graph, {.threads = 2}).value(), "ConvChain"), 1);
    ExpectReferenceResults(block.graph);
  }
}

// The weights are more than what is between: steps of their own are as fast.
TEST(DepthwiseChain, NotOfFewPixels) {
  Block block(1, 3, 3);
  block.Finish(block.Project(block.Depthwise(block.Expand(), kSame)));
  EXPECT_EQ(CountSteps(Lower(block.graph, {.threads = 2}).value(), "ConvChain"), 0);
  ExpectReferenceResults(block.graph);
}

TEST(DepthwiseChain, WhatOthersReadStays) {
  Block block(1);
  const Value wide = block.Expand();
  ASSERT_TRUE(block.graph.AddOutput("wide", wide).ok());
  const Value narrow = block.Depthwise(wide, kSame);
  ASSERT_TRUE(block.graph.AddOutput("narrow", narrow).ok());
  block.Finish(block.Project(narrow));
  EXPECT_EQ(CountSteps(Lower(block.graph, {.threads = 2}).value(), "ConvChain"), 0);
  ExpectReferenceResults(block.graph);
}

// A depthwise result that is added is no image to convolve.
TEST(DepthwiseChain, AnAddendIsNoImage) {
  Block block(1);
  const Value wide = block.Expand();
  ASSERT_TRUE(block.graph.AddOutput("wide", wide).ok());
  const Value narrow = block.Depthwise(wide, kSame);
  block.Finish(
      block.Conv(block.x, {block.wide, kIn, 1, 1}, {}, {{.op = "Add", .input = 3}}, narrow));
  EXPECT_EQ(CountSteps(Lower(block.graph, {.threads = 2}).value(), "ConvChain"), 0);
  ExpectReferenceResults(block.graph);
}

// Kernels by themselves have no price for the joined step.
TEST(DepthwiseChain, TuningRacesWithoutWhatWasChosenForItsParts) {
  Block block(1);
  const Value wide = block.Expand(), narrow = block.Depthwise(wide, kSame);
  block.Finish(block.Project(narrow));
  const Plan plan = Lower(block.graph, {.threads = 2}).value();
  const KernelChoices first = {{wide.node->name(), "a"}};
  const KernelChoices other = {{narrow.node->name(), "b"}, {"other", "c"}};
  const KernelChoices others = {{"other", "c"}};
  EXPECT_THAT(WithAndWithoutJoined({first, other, others}, plan),
              testing::ElementsAre(first, other, others));
  EXPECT_THAT(WithAndWithoutJoined({{}, first}, plan),
              testing::ElementsAre(KernelChoices(), first));
}

}  // namespace
}  // namespace weft
