#include "tests/ops/testing_run.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The cross-correlation of Zhang et al., Dive into Deep Learning, section 7.2.
TEST(Conv, CrossCorrelates) {
  const Tensor w = Counting({1, 1, 2, 2});
  EXPECT_THAT(Numbers(RunOp("Conv", {Counting({1, 1, 3, 3}), w})), ElementsAre(19, 25, 37, 43));
}

TEST(Conv, PadsWithZeros) {
  EXPECT_THAT(Numbers(RunOp("Conv", {Counting({1, 1, 3, 3}), Counting({1, 1, 2, 2})},
                            {{"pads", Ints{1, 1, 1, 1}}})),
              ElementsAre(0, 3, 8, 4, 9, 19, 25, 10, 21, 37, 43, 16, 6, 7, 8, 0));
}

TEST(Conv, PadsOneSideOnly) {
  EXPECT_THAT(Numbers(RunOp("Conv", {Counting({1, 1, 3, 3}), Counting({1, 1, 2, 2})},
                            {{"pads", Ints{0, 0, 0, 1}}})),
              ElementsAre(19, 25, 10, 37, 43, 16));
}

TEST(Conv, StridesOverPaddedInput) {
  EXPECT_THAT(Numbers(RunOp("Conv", {Counting({1, 1, 3, 3}), Counting({1, 1, 2, 2})},
                            {{"pads", Ints{1, 1, 1, 1}}, {"strides", Ints{3, 2}}})),
              ElementsAre(0, 8, 6, 8));
}

TEST(Conv, AutoPadSameKeepsTheExtents) {
  const std::vector<Tensor> inputs = {Counting({1, 1, 3, 3}), Counting({1, 1, 2, 2})};
  EXPECT_THAT(Numbers(RunOp("Conv", inputs, {{"auto_pad", "SAME_UPPER"}})),
              ElementsAre(19, 25, 10, 37, 43, 16, 7, 8, 0));
  EXPECT_THAT(Numbers(RunOp("Conv", inputs, {{"auto_pad", "SAME_LOWER"}})),
              ElementsAre(0, 3, 8, 9, 19, 25, 21, 37, 43));
}

TEST(Conv, Dilates) {
  // Taps two apart: 0*0 + 1*2 + 2*6 + 3*8.
  EXPECT_THAT(Numbers(RunOp("Conv", {Counting({1, 1, 3, 3}), Counting({1, 1, 2, 2})},
                            {{"dilations", Ints{2, 2}}})),
              ElementsAre(38));
}

TEST(Conv, SumsOverInputChannels) {
  const Tensor x = F64({1, 2, 3, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  const Tensor w = F64({1, 2, 2, 2}, {0, 1, 2, 3, 1, 2, 3, 4});
  EXPECT_THAT(Numbers(RunOp("Conv", {x, w})), ElementsAre(56, 72, 104, 120));
}

TEST(Conv, MakesOneOutputChannelAKernelAndAddsItsBias) {
  const Tensor w = F64({2, 1, 2, 2}, {0, 1, 2, 3, 1, 0, 0, 0});
  const Tensor b = F64({2}, {0.5, -1});
  EXPECT_THAT(Numbers(RunOp("Conv", {Counting({1, 1, 3, 3}), w, b})),
              ElementsAre(19.5, 25.5, 37.5, 43.5, -1, 0, 2, 3));
}

TEST(Conv, GroupsSeeTheirOwnChannels) {
  const Tensor x = F64({1, 4, 1, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const Tensor w = F64({2, 2, 1, 1}, {1, 10, 100, 1000});
  EXPECT_THAT(Numbers(RunOp("Conv", {x, w}, {{"group", 2}})), ElementsAre(31, 42, 7500, 8600));
  const Tensor depthwise = F64({4, 1, 1, 1}, {1, 2, 3, 4});
  EXPECT_THAT(Numbers(RunOp("Conv", {x, depthwise}, {{"group", 4}})),
              ElementsAre(1, 2, 6, 8, 15, 18, 28, 32));
}

TEST(Conv, KeepsTheExamplesOfABatchApart) {
  const Tensor x = F64({2, 1, 1, 3}, {1, 2, 3, 10, 20, 30});
  const Tensor w = F64({1, 1, 1, 2}, {1, 1});
  EXPECT_THAT(Numbers(RunOp("Conv", {x, w})), ElementsAre(3, 5, 30, 50));
}

TEST(Conv, TakesOneOrThreeSpatialAxes) {
  EXPECT_THAT(Numbers(RunOp("Conv", {Counting({1, 1, 5}), F64({1, 1, 3}, {1, 10, 100})},
                            {{"strides", Ints{2}}})),
              ElementsAre(210, 432));
  EXPECT_THAT(Numbers(RunOp("Conv", {Counting({1, 1, 2, 2, 2}), Counting({1, 1, 2, 2, 2})})),
              ElementsAre(140));
}

TEST(Conv, AWindowMayLieInThePaddingEntirely) {
  const Tensor b = F64({1}, {7});
  EXPECT_THAT(Numbers(RunOp("Conv", {F64({1, 1, 1}, {3}), F64({1, 1, 2}, {1, 10}), b},
                            {{"pads", Ints{2, 0}}})),
              ElementsAre(7, 37));
}

TEST(Conv, WithoutChannelsTakesNoTimeForItsTaps) {
  constexpr int64_t kExtent = 1 << 19;
  const Tensor none = Tensor::Zeros(DType::kF64, {1, 0, kExtent, kExtent}).value();
  EXPECT_THAT(Numbers(RunOp("Conv", {none, none, F64({1}, {3})})), ElementsAre(3));
}

TEST(Conv, ErrorsNameTheNode) {
  EXPECT_EQ(InferenceError("Conv", F32Types({{1, 3, 8, 8}, {64, 1, 7, 7}})),
            "node (Conv): expected 3 input channels, weights are [64,1,7,7]");
  EXPECT_EQ(InferenceError("Conv", F32Types({{1, 3, 8, 8}, {64, 3, 7, 7}, {32}})),
            "node (Conv): expected a bias of [64], got [32]");
}

TEST(Conv, CostsOneMacAnOutputAndTap) {
  Graph graph(StandardOps());
  const Value x = graph.AddInput("x", {DType::kF32, {2, 4, 8, 8}}).value();
  const Value w = graph.AddInput("w", {DType::kF32, {6, 2, 3, 3}}).value();
  const auto node = graph.AddNode({.op = "Conv", .inputs = {x, w}, .attributes = {{"group", 2}}});
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_EQ(CostOf(**node)->macs, 2 * 6 * 6 * 6 * 2 * 3 * 3);
}

// dY is one at output (0,1): the taps land on that window.
TEST(ConvGradInput, SpreadsTheTapsOverTheWindow) {
  const Tensor dy = F64({1, 1, 2, 2}, {0, 1, 0, 0});
  EXPECT_THAT(Numbers(RunOp("ConvGradInput", {dy, Counting({1, 1, 2, 2}), Counting({1, 1, 3, 3})})),
              ElementsAre(0, 0, 1, 0, 2, 3, 0, 0, 0));
}

TEST(ConvGradInput, SkipsThePadding) {
  const Tensor dy = F64({1, 1, 2, 2}, {1, 1, 1, 1});
  EXPECT_THAT(Numbers(RunOp("ConvGradInput", {dy, Counting({1, 1, 2, 2}), Counting({1, 1, 3, 3})},
                            {{"pads", Ints{1, 1, 1, 1}}, {"strides", Ints{3, 2}}})),
              ElementsAre(3, 2, 3, 0, 0, 0, 1, 0, 1));
}

TEST(ConvGradWeight, CorrelatesTheInputWithTheCotangentAndSumsTheBias) {
  const Tensor dy = F64({1, 1, 2, 2}, {1, 0, 0, 2});
  const auto grads =
      Evaluate("ConvGradWeight", {dy, Counting({1, 1, 3, 3}), Counting({1, 1, 2, 2})}, {},
               {.num_outputs = 2});
  ASSERT_TRUE(grads.ok()) << grads.status();
  EXPECT_THAT(Numbers((*grads)[0]), ElementsAre(8, 11, 17, 20));
  EXPECT_THAT(Numbers((*grads)[1]), ElementsAre(3));
}

TEST(ConvGradWeight, SumsOverTheBatchWithinGroups) {
  const Tensor dy = F64({2, 2, 1}, {1, 10, 2, 20});
  const Tensor x = F64({2, 2, 1}, {3, 4, 5, 6});
  EXPECT_THAT(Numbers(RunOp("ConvGradWeight", {dy, x, Counting({2, 1, 1})}, {{"group", 2}})),
              ElementsAre(1 * 3 + 2 * 5, 10 * 4 + 20 * 6));
}

TEST(ConvGrad, RefusesACotangentOfAnotherShape) {
  EXPECT_EQ(InferenceError("ConvGradInput", F32Types({{1, 8, 5, 5}, {8, 3, 3, 3}, {1, 3, 8, 8}})),
            "node (ConvGradInput): expected dY [1,8,6,6], got [1,8,5,5]");
  EXPECT_EQ(InferenceError("ConvGradWeight", F32Types({{1, 8, 6, 5}, {1, 3, 8, 8}, {8, 3, 3, 3}})),
            "node (ConvGradWeight): expected dY [1,8,6,6], got [1,8,6,5]");
}

AttributeMap Posts(std::vector<PostOp> posts) { return {{"post_ops", std::move(posts)}}; }

TEST(FusedConv, AppliesPostOpsInOrder) {
  const Tensor x = Counting({1, 1, 3, 3}), w = Counting({1, 1, 2, 2}), b = F64({1}, {-26});
  const Tensor z = F64({1, 1, 2, 2}, {1, -2, -20, 3});
  const PostOp relu = {.op = "Relu"}, add = {.op = "Add", .input = 3};
  EXPECT_THAT(Numbers(RunOp("FusedConv", {x, w, b})), ElementsAre(-7, -1, 11, 17));
  EXPECT_THAT(Numbers(RunOp("FusedConv", {x, w, b}, Posts({relu}))), ElementsAre(0, 0, 11, 17));
  EXPECT_THAT(Numbers(RunOp("FusedConv", {x, w, b, z}, Posts({add, relu}))),
              ElementsAre(0, 0, 0, 20));
  EXPECT_THAT(Numbers(RunOp("FusedConv", {x, w, b, z}, Posts({relu, add}))),
              ElementsAre(1, -2, -9, 20));
}

TEST(FusedConv, TakesAnAddedInputWithoutABias) {
  const Tensor z = F64({1, 1, 2, 2}, {1, 2, 3, 4});
  EXPECT_THAT(
      Numbers(RunOp("FusedConv", {Counting({1, 1, 3, 3}), Counting({1, 1, 2, 2}), Tensor(), z},
                    Posts({{.op = "Add", .input = 3}}))),
      ElementsAre(20, 27, 40, 47));
}

TEST(FusedConv, RefusesWhatIsNoPostOp) {
  const auto error = [](PostOp post, Shape z = {1, 1, 2, 2}) {
    return InferenceError("FusedConv", F32Types({{1, 1, 3, 3}, {1, 1, 2, 2}, {1}, std::move(z)}),
                          Posts({std::move(post)}));
  };
  EXPECT_EQ(error({.op = "Swish"}),
            "node (FusedConv): post_ops[0] (Swish): expected one of Add, Celu, Clip, Elu, Gelu, "
            "HardSigmoid, HardSwish, LeakyRelu, Mish, Mul, PRelu, Relu, Selu, Shrink, Sigmoid, "
            "Silu, Softplus, Softsign, Tanh, ThresholdedRelu");
  EXPECT_THAT(error({.op = "MaxPool"}), HasSubstr("post_ops[0] (MaxPool): expected one of Add, "));
  EXPECT_THAT(error({.op = "Relu", .attributes = {{"slope", 0.1}}}), HasSubstr("slope"));
  EXPECT_THAT(error({.op = "Relu", .input = 3}), HasSubstr("reads no further input, got index 3"));
  EXPECT_THAT(error({.op = "Add"}), HasSubstr("got -1 of 4"));
  EXPECT_THAT(error({.op = "Add", .input = 2}), HasSubstr("got 2 of 4"));
  EXPECT_THAT(error({.op = "Add", .input = 4}), HasSubstr("got 4 of 4"));
  EXPECT_THAT(error({.op = "Mul", .input = 3}, {1, 1, 1, 3}),
              HasSubstr("input 3 is f32[1,1,1,3], expected one that broadcasts to the output's "
                        "type f32[1,1,2,2]"));
  EXPECT_THAT(error({.op = "Clip", .attributes = {{"low", 0.0}}}), HasSubstr("low"));
}

}  // namespace
}  // namespace weft
