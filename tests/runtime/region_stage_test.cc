#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/emitter.h"
#include "ops/ops.h"
#include "runtime/plan/plan.h"
#include "tests/runtime/testing_plans.h"

// Concatenations and shuffles of channels without copies of their own.

namespace weft {
namespace {

using ::testing::HasSubstr;

Value ConvOf(Emitter& e, Value x, int64_t from, int64_t to, int64_t extent) {
  const int64_t pad = extent / 2;
  return e.Op("Conv", {x, e.Constant(Waves({to, from, extent, extent}, 0.37F))},
              {{"pads", std::vector<int64_t>{pad, pad, pad, pad}}});
}

// x * scale + shift of each channel, as batch normalization becomes.
Value ScaleShift(Emitter& e, Value x, int64_t channels) {
  const std::vector<PostOp> steps = {
      {.op = "Mul", .input = 1}, {.op = "Add", .input = 2}, {.op = "Relu"}};
  return e.Op(
      "FusedElementwise",
      {x, e.Constant(Waves({channels, 1, 1}, 0.9F)), e.Constant(Waves({channels, 1, 1}, 1.3F))},
      {{"steps", steps}});
}

struct DenseBlock {
  explicit DenseBlock(int64_t batch, bool pooled_between = false) : graph(StandardOps()) {
    Emitter e(graph);
    const Value x =
        graph.AddInput("x", {DType::kF32, {Dim(batch), Dim(32), Dim(6), Dim(5)}}).value();
    Value all = ConvOf(e, x, 32, 32, 3);
    Value pooled;
    int64_t channels = 32;
    for (int layer = 0; layer < 3; ++layer, channels += 16) {
      const Value made = ConvOf(e, ScaleShift(e, all, channels), channels, 16, 3);
      if (layer == 1 && pooled_between) {
        pooled = e.Op("MaxPool", {all}, {{"kernel_shape", std::vector<int64_t>{2, 2}}});
      }
      all = e.Op("Concat", {all, made}, {{"axis", 1}});
    }
    const Value y = ConvOf(e, ScaleShift(e, all, channels), channels, 8, 1);
    EXPECT_TRUE(e.ok()) << e.status();
    EXPECT_TRUE(graph.AddOutput("y", y).ok());
    if (pooled_between) {
      EXPECT_TRUE(graph.AddOutput("pooled", pooled).ok());
    }
  }
  Graph graph;
};

// A training's resume asks for these kernels: also for nodes whose steps are gone or have another
// kernel around theirs.
TEST(RegionStage, WhatWasChosenForNodesIsKnown) {
  DenseBlock block(1);
  Emitter e(block.graph);
  const Value count = block.graph.AddVariable("count", Waves({4}, 0.5F)).value();
  ASSERT_TRUE(block.graph.AddUpdate(count.node, e.Op("Add", {count, count})).ok());
  const Plan plan = Lower(block.graph, {.threads = 1}).value();
  EXPECT_EQ(CountSteps(plan, "Concat"), 0);
  int concats = 0;
  for (const Node& node : block.graph.nodes()) {
    concats += node.op_name() == "Concat" && plan.choices.contains(node.name()) ? 1 : 0;
  }
  EXPECT_EQ(concats, 3);
  for (const auto& [node, choice] : plan.choices) {
    EXPECT_THAT(choice, testing::Not(HasSubstr("spread"))) << node;
  }
  const LowerOptions again{.threads = 1, .choices = std::make_shared<FixedChoices>(plan.choices)};
  EXPECT_EQ(Lower(block.graph, again)->ToString(), plan.ToString());
}

class RegionStageBatches : public testing::TestWithParam<int64_t> {};

TEST_P(RegionStageBatches, WhatGrowsInStepsHasOneBuffer) {
  const DenseBlock block(GetParam());
  const Plan plan = Lower(block.graph, {.threads = 2}).value();
  EXPECT_EQ(CountSteps(plan, "Concat"), 0) << plan.ToString();
  EXPECT_EQ(CountSteps(plan, "Copy"), 0) << plan.ToString();
  EXPECT_THAT(plan.ToString(), HasSubstr(" + spread"));
  EXPECT_THAT(plan.ToString(), HasSubstr("fused chain"));
  ExpectReferenceResults(block.graph);
}

// The pool reads what has grown so far densely: from there on the block has a buffer of its own.
TEST_P(RegionStageBatches, AReaderThatTakesNoRegionsGetsADenseImage) {
  const DenseBlock block(GetParam(), /*pooled_between=*/true);
  const Plan plan = Lower(block.graph, {.threads = 2}).value();
  EXPECT_EQ(CountSteps(plan, "Concat"), 1) << plan.ToString();
  ExpectReferenceResults(block.graph);
}

// Two convolutions of one image, with taps of these extents, side by side.
Graph Fire(int64_t batch, int64_t first_extent, int64_t second_extent, Value* weights = nullptr) {
  Graph graph(StandardOps());
  Emitter e(graph);
  const Value x = graph.AddInput("x", {DType::kF32, {Dim(batch), Dim(16), Dim(5), Dim(4)}}).value();
  const Value a = ConvOf(e, x, 16, 16, first_extent), b = ConvOf(e, x, 16, 32, second_extent);
  if (weights != nullptr) *weights = a.node->input(1);
  const Value both = e.Op("Concat", {a, b}, {{"axis", 1}});
  EXPECT_TRUE(graph.AddOutput("y", ConvOf(e, both, 48, 8, 1)).ok());
  return graph;
}

TEST_P(RegionStageBatches, AConcatenationOfWhatIsMadeDenselyIsOneCopy) {
  const Graph graph = Fire(GetParam(), 3, 3);
  EXPECT_EQ(CountSteps(Lower(graph, {.threads = 2}).value(), "Concat"), 1);
  ExpectReferenceResults(graph);
}

TEST_P(RegionStageBatches, APointwiseConvolutionWritesIntoTheConcatenation) {
  for (const bool first : {false, true}) {
    const Graph graph = Fire(GetParam(), first ? 1 : 3, first ? 3 : 1);
    const Plan plan = Lower(graph, {.threads = 2}).value();
    EXPECT_EQ(CountSteps(plan, "Concat") + CountSteps(plan, "Copy"), 0) << plan.ToString();
    EXPECT_THAT(plan.ToString(), HasSubstr("weft pointwise"));
    EXPECT_THAT(plan.ToString(), HasSubstr(" + spread"));
    ExpectReferenceResults(graph);
  }
}

// The last of a block is read by a pointwise convolution: its image is scaled where that packs it,
// from the region that it is. The others' are not.
TEST_P(RegionStageBatches, AScaleAndShiftIsPartOfThePointwiseConvolutionBehindIt) {
  const DenseBlock block(GetParam());
  const Plan plan = Lower(block.graph, {.threads = 2}).value();
  EXPECT_EQ(CountSteps(plan, "FusedElementwise"), 3) << plan.ToString();
  EXPECT_THAT(plan.ToString(), HasSubstr("scale, shift, pointwise"));
  ExpectReferenceResults(block.graph);
}

TEST_P(RegionStageBatches, AScaleAndShiftThatOthersReadStaysAStep) {
  Graph graph(StandardOps());
  Emitter e(graph);
  const Value x =
      graph.AddInput("x", {DType::kF32, {Dim(GetParam()), Dim(16), Dim(5), Dim(4)}}).value();
  const Value scaled = ScaleShift(e, ConvOf(e, x, 16, 16, 3), 16);
  ASSERT_TRUE(graph.AddOutput("y", ConvOf(e, scaled, 16, 8, 1)).ok());
  EXPECT_EQ(CountSteps(Lower(graph, {.threads = 2}).value(), "FusedElementwise"), 0);
  ExpectReferenceResults(graph);
  ASSERT_TRUE(graph.AddOutput("z", ConvOf(e, scaled, 16, 8, 3)).ok());
  EXPECT_EQ(CountSteps(Lower(graph, {.threads = 2}).value(), "FusedElementwise"), 1);
  ExpectReferenceResults(graph);
}

// Its weights lie as the other reader wants them.
TEST_P(RegionStageBatches, AConvolutionThatSharesItsWeightsKeepsItsKernel) {
  Value weights;
  Graph graph = Fire(GetParam(), 1, 3, &weights);
  Emitter e(graph);
  ASSERT_TRUE(graph.AddOutput("z", e.Op("Conv", {graph.Find("x")->output(0), weights})).ok());
  const Plan plan = Lower(graph, {.threads = 2}).value();
  EXPECT_EQ(CountSteps(plan, "Concat"), 1) << plan.ToString();
  ExpectReferenceResults(graph);
}

// Of a unit of ShuffleNet v2: the halves of the shuffled channels go ways of their own.
Graph ShuffleUnit(int64_t batch, int64_t group, bool splits) {
  Graph graph(StandardOps());
  Emitter e(graph);
  const Value x = graph.AddInput("x", {DType::kF32, {Dim(batch), Dim(16), Dim(5), Dim(7)}}).value();
  const int64_t half = 9 * group / 3 * 3;
  const Value a = ConvOf(e, x, 16, half, 1), b = ConvOf(e, x, 16, half, 3);
  const Value mixed =
      e.Op("ChannelShuffle", {e.Op("Concat", {a, b}, {{"axis", 1}})}, {{"group", group}});
  if (splits) {
    Node* const split = e.OpNode("Split", {mixed}, {{"axis", 1}, {"num_outputs", 2}}, 2);
    EXPECT_TRUE(graph.AddOutput("y", ConvOf(e, {split, 0}, half, 4, 3)).ok());
    EXPECT_TRUE(graph.AddOutput("z", ConvOf(e, {split, 1}, half, 4, 3)).ok());
  } else {
    EXPECT_TRUE(graph.AddOutput("y", ConvOf(e, mixed, 2 * half, 4, 3)).ok());
  }
  return graph;
}

TEST_P(RegionStageBatches, AShuffleMovesEveryChannelOnce) {
  for (const bool splits : {false, true}) {
    const Graph graph = ShuffleUnit(GetParam(), 2, splits);
    const Plan plan = Lower(graph, {.threads = 2}).value();
    EXPECT_EQ(CountSteps(plan, "Concat") + CountSteps(plan, "Split"), 0) << plan.ToString();
    EXPECT_EQ(CountSteps(plan, "ChannelShuffle"), 1);
    ExpectReferenceResults(graph);
  }
}

// Half of the channels stay as the shuffle left them: it writes them where they are wanted.
TEST_P(RegionStageBatches, AShuffleWritesIntoTheNextConcatenation) {
  Graph graph(StandardOps());
  Emitter e(graph);
  const Value x =
      graph.AddInput("x", {DType::kF32, {Dim(GetParam()), Dim(16), Dim(5), Dim(7)}}).value();
  const Value both =
      e.Op("Concat", {ConvOf(e, x, 16, 18, 1), ConvOf(e, x, 16, 18, 3)}, {{"axis", 1}});
  const Value mixed = e.Op("ChannelShuffle", {both}, {{"group", 2}});
  Node* const split = e.OpNode("Split", {mixed}, {{"axis", 1}, {"num_outputs", 2}}, 2);
  const Value next = e.Op("Concat", {{split, 0}, ConvOf(e, {split, 1}, 18, 18, 3)}, {{"axis", 1}});
  ASSERT_TRUE(graph.AddOutput("y", ConvOf(e, next, 36, 8, 1)).ok());
  const Plan plan = Lower(graph, {.threads = 2}).value();
  EXPECT_EQ(CountSteps(plan, "Concat") + CountSteps(plan, "Split") + CountSteps(plan, "Copy"), 0)
      << plan.ToString();
  ExpectReferenceResults(graph);
}

// Of Inception: convolutions of one image that were merged, whose parts go ways of their own, one
// of them straight into the concatenation.
Graph InceptionBlock(int64_t batch, std::vector<int64_t> parts, bool reads_whole) {
  Graph graph(StandardOps());
  Emitter e(graph);
  const int64_t sum = parts[0] + parts[1] + parts[2];
  const Value x = graph.AddInput("x", {DType::kF32, {Dim(batch), Dim(16), Dim(5), Dim(7)}}).value();
  const Value merged = ConvOf(e, x, 16, sum, 1);
  Node* const split =
      e.OpNode("Split", {merged, e.Constant(Tensor::FromInts(parts))}, {{"axis", 1}}, 3);
  const Value all = e.Op(
      "Concat",
      {{split, 0}, ConvOf(e, {split, 1}, parts[1], 16, 3), ConvOf(e, {split, 2}, parts[2], 8, 3)},
      {{"axis", 1}});
  EXPECT_TRUE(graph.AddOutput("y", ConvOf(e, all, parts[0] + 24, 8, 1)).ok());
  if (reads_whole) {
    EXPECT_TRUE(graph.AddOutput("z", ConvOf(e, merged, sum, 4, 1)).ok());
  }
  return graph;
}

TEST_P(RegionStageBatches, APointwiseConvolutionWritesThePartsOfItsResult) {
  const Graph graph = InceptionBlock(GetParam(), {32, 48, 9}, false);
  const Plan plan = Lower(graph, {.threads = 2}).value();
  EXPECT_EQ(CountSteps(plan, "Split") + CountSteps(plan, "Concat") + CountSteps(plan, "Copy"), 0)
      << plan.ToString();
  ExpectReferenceResults(graph);
}

TEST_P(RegionStageBatches, APartThatIsNoMultipleOfAVectorIsSplit) {
  const Graph graph = InceptionBlock(GetParam(), {32, 40, 16}, false);
  EXPECT_EQ(CountSteps(Lower(graph, {.threads = 2}).value(), "Split"), 1);
  ExpectReferenceResults(graph);
}

TEST_P(RegionStageBatches, APartOfAPartIsSplit) {
  Graph graph(StandardOps());
  Emitter e(graph);
  const Value x =
      graph.AddInput("x", {DType::kF32, {Dim(GetParam()), Dim(16), Dim(5), Dim(7)}}).value();
  const auto halves = [&](Value of) {
    return e.OpNode("Split", {of}, {{"axis", 1}, {"num_outputs", 2}}, 2);
  };
  Node *const split = halves(ConvOf(e, x, 16, 64, 1)), *const again = halves({split, 0});
  ASSERT_TRUE(graph.AddOutput("a", ConvOf(e, {again, 0}, 16, 4, 3)).ok());
  ASSERT_TRUE(graph.AddOutput("b", ConvOf(e, {again, 1}, 16, 4, 3)).ok());
  ASSERT_TRUE(graph.AddOutput("c", ConvOf(e, {split, 1}, 32, 4, 3)).ok());
  EXPECT_EQ(CountSteps(Lower(graph, {.threads = 2}).value(), "Split"), 1);
  ExpectReferenceResults(graph);
}

TEST_P(RegionStageBatches, AResultThatIsReadWholeIsSplit) {
  const Graph graph = InceptionBlock(GetParam(), {32, 48, 9}, true);
  EXPECT_EQ(CountSteps(Lower(graph, {.threads = 2}).value(), "Split"), 1);
  ExpectReferenceResults(graph);
}

TEST_P(RegionStageBatches, AShuffleOfOtherGroupsStaysWhatItIs) {
  const Graph graph = ShuffleUnit(GetParam(), 3, true);
  const Plan plan = Lower(graph, {.threads = 2}).value();
  EXPECT_EQ(CountSteps(plan, "ChannelShuffle"), 1) << plan.ToString();
  EXPECT_EQ(CountSteps(plan, "Split"), 1) << plan.ToString();
  ExpectReferenceResults(graph);
}

INSTANTIATE_TEST_SUITE_P(Batches, RegionStageBatches, testing::Values(1, 2));

}  // namespace
}  // namespace weft
