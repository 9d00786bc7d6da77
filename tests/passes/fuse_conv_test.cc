// fuse_conv_activation, fuse_conv_add and fuse_conv_mul.

#include <cmath>
#include <optional>
#include <utility>

#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

using testing::ElementsAre;

//   x -> conv1 -> relu1 -> y   =>   x -> conv1 (FusedConv, post_ops=[Relu]) -> y
TEST(FuseConvActivationTest, TheActivationBecomesAPostOp) {
  Net net;
  net.Output("y", net.Relu("relu1", net.Conv("conv1", net.Image(3, 6), 4)));
  ExpectGoldenRewrite("fuse_conv_activation", net.graph, TestOptions({"fuse_conv_activation"}));
  EXPECT_EQ(CountOps(net.graph, "FusedConv"), 1);
}

TEST(FuseConvActivationTest, EveryActivationAndOneAfterAnother) {
  for (const char* op : {"Relu", "Sigmoid", "Tanh", "Elu", "Gelu", "LeakyRelu", "Silu", "Celu",
                         "Selu", "Mish", "Softplus", "HardSigmoid", "HardSwish"}) {
    Net net;
    const Value first = net.Add(op, "first", {net.Conv("conv1", net.Image(3, 6), 4)});
    net.Output("y", net.Add("Tanh", "second", {first}));
    const PassReport report = ExpectSameResults(net.graph, TestOptions({"fuse_conv_activation"}));
    EXPECT_THAT(Rewrites(report),
                ElementsAre("fuse_conv_activation: conv1 + first -> conv1",
                            "fuse_conv_activation: conv1 + first + second -> conv1"));
    const std::vector<PostOp> post_ops =
        GetPostOps(net.graph.Find("conv1")->attributes(), "post_ops");
    ASSERT_EQ(post_ops.size(), 2u);
    EXPECT_EQ(post_ops[0].op, op);
    EXPECT_EQ(post_ops[1].op, "Tanh");
  }
}

// Clip of a convolution, with what limits there are.
Net ConvClip(std::optional<double> min, std::optional<double> max) {
  Net net;
  std::vector<Value> inputs = {net.Conv("conv1", net.Image(3, 6), 4)};
  for (const auto& [name, limit] : {std::pair{"min", min}, {"max", max}}) {
    inputs.push_back(
        limit ? net.graph.AddConstant(name, Tensor::Scalar(*limit, DType::kF64)).value() : Value());
  }
  net.Output("y", net.Add("Clip", "clip1", inputs));
  return net;
}

//   x -> conv1 -> clip1 (0, 6) -> y   =>   x -> conv1 (FusedConv, post_ops=[Clip(0, 6)]) -> y
TEST(FuseConvActivationTest, ClipsLimitsBecomeAttributes) {
  Net net = ConvClip(-0.25, 0.5);
  ExpectGoldenRewrite("fuse_conv_clip", net.graph, TestOptions());
  EXPECT_EQ(CountOps(net.graph, "Clip"), 0);
  for (const auto& [min, max] : {std::pair<std::optional<double>, std::optional<double>>{0.1, {}},
                                 {{}, 0.1},
                                 {{}, {}},
                                 {0.5, -0.5},
                                 {-HUGE_VAL, HUGE_VAL}}) {
    Net other = ConvClip(min, max);
    ExpectSameResults(other.graph, TestOptions({"fuse_conv_activation"}));
    EXPECT_EQ(CountOps(other.graph, "Clip"), 0);
  }
}

TEST(FuseConvActivationTest, DeclinesClipWithLimitsThatAreNoConstantNumbers) {
  Net net = ConvClip(NAN, 1);
  ExpectDeclined(net.graph, {"fuse_conv_activation"},
                 {"fuse_conv_activation at clip1: min is not a constant number"});
  Net computed;
  const Value x = computed.Image(3, 6);
  const Value most = computed.Add("ReduceMax", "most", {x}, {{"keepdims", 0}});
  computed.Output("y",
                  computed.Add("Clip", "clip1", {computed.Conv("conv1", x, 4), Value(), most}));
  ExpectDeclined(computed.graph, {"fuse_conv_activation"},
                 {"fuse_conv_activation at clip1: most is not a constant number"});
}

TEST(FuseConvActivationTest, PRelusSlopeBecomesAnInput) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(3, 6), 4, {.bias = false});
  net.Output("y", net.Add("PRelu", "prelu1", {conv, net.Random("slope", {4, 1, 1})}));
  ExpectSameResults(net.graph, TestOptions({"fuse_conv_activation"}));
  EXPECT_EQ(CountOps(net.graph, "PRelu"), 0);
  EXPECT_EQ(net.graph.Find("conv1")->input(3).ToString(), "slope");
}

TEST(FuseConvActivationTest, TransposedConvolutionsFuseToo) {
  Net net;
  const Value x = net.Image(3, 4);
  const Value up = net.Add("ConvTranspose", "up", {x, net.Random("w", {3, 4, 2, 2})},
                           {{"strides", std::vector<int64_t>{2, 2}}});
  net.Output("y", net.Relu("relu1", net.Add("Add", "add1", {up, net.Image(4, 8, "z")})));
  ExpectSameResults(net.graph, TestOptions({"fuse_conv_activation", "fuse_conv_add"}));
  EXPECT_EQ(CountOps(net.graph, "FusedConvTranspose"), 1);
  EXPECT_EQ(CountOps(net.graph, "Relu") + CountOps(net.graph, "Add"), 0);
}

TEST(FuseConvActivationTest, DeclinesWhenSomebodyElseReadsTheConvolution) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(3, 6), 4);
  net.Output("y", net.Relu("relu1", conv));
  net.Output("z", net.Add("Sigmoid", "sigmoid1", {conv}));
  ExpectDeclined(net.graph, {"fuse_conv_activation"},
                 {"fuse_conv_activation at relu1: conv1 has 2 consumers",
                  "fuse_conv_activation at sigmoid1: conv1 has 2 consumers"});
}

//   x -> conv1 -> add1 -> y        x -> conv1 (FusedConv, post_ops=[Add(3)]) -> y
//    \------------/           =>    \-----/
TEST(FuseConvAddTest, TheResidualBecomesAnInput) {
  Net net;
  const Value x = net.Image(4, 6);
  net.Output("y", net.Add("Add", "add1", {net.Conv("conv1", x, 4, {.bias = false}), x}));
  ExpectGoldenRewrite("fuse_conv_add", net.graph, TestOptions({"fuse_conv_add"}));
  EXPECT_EQ(net.graph.Find("conv1")->input(3).ToString(), "x");
}

TEST(FuseConvAddTest, OneOfTwoConvolutionsTakesTheOther) {
  Net net;
  const Value x = net.Image(3, 6);
  const Value a = net.Conv("a", x, 4);
  const Value b = net.Conv("b", x, 4, {.kernel = 1});
  net.Output("y", net.Relu("relu1", net.Add("Add", "add1", {a, b})));
  const PassReport report =
      ExpectSameResults(net.graph, TestOptions({"fuse_conv_activation", "fuse_conv_add"}));
  EXPECT_THAT(Rewrites(report), ElementsAre("fuse_conv_add: a + add1 -> a",
                                            "fuse_conv_activation: a + add1 + relu1 -> a"));
  EXPECT_EQ(net.graph.Find("b")->op_name(), "Conv");
}

TEST(FuseConvAddTest, TakesWhatIsBroadcastToTheResult) {
  Net net;
  const Value x = net.Image(4, 6);
  const Value row = net.Add("ReduceMean", "row", {x}, {{"axes", std::vector<int64_t>{2}}});
  net.Output("y", net.Add("Add", "add1", {row, net.Conv("conv1", x, 4)}));
  ExpectSameResults(net.graph, TestOptions({"fuse_conv_add"}));
  EXPECT_EQ(CountOps(net.graph, "Add"), 0);
  EXPECT_EQ(net.graph.Find("conv1")->input(3).ToString(), "row");
}

TEST(FuseConvAddTest, DeclinesWhatTheResultWouldBeBroadcastTo) {
  Net net;
  const Value x = net.Image(4, 6);
  const Value pooled = net.Add("ReduceMean", "pooled", {x}, {{"axes", std::vector<int64_t>{2, 3}}});
  net.Output("y", net.Add("Add", "add1", {net.Conv("conv1", pooled, 4, {.kernel = 1}), x}));
  ExpectDeclined(net.graph, {"fuse_conv_add"},
                 {"fuse_conv_add at add1: x is f64[N,4,6,6], which does not broadcast to conv1, "
                  "f64[N,4,1,1]"});
}

TEST(FuseConvAddTest, DeclinesAResidualMadeFromTheConvolutionItself) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(4, 6), 4);
  net.Output("y", net.Add("Add", "add1", {conv, net.Add("Neg", "neg1", {conv})}));
  ExpectDeclined(net.graph, {"fuse_conv_add"}, {"fuse_conv_add at add1: conv1 has 2 consumers"});
  Net twice;
  const Value c = twice.Conv("conv1", twice.Image(4, 6), 4);
  twice.Output("y", twice.Add("Add", "add1", {c, c}));
  ExpectDeclined(twice.graph, {"fuse_conv_add"}, {"fuse_conv_add at add1: conv1 has 2 consumers"});
}

//   x -> conv1 -> relu1 -> mul1 (scale [N,4,1,1] of another branch)   =>   x -> conv1 -> y
TEST(FuseConvMulTest, TheScaleOfAnotherBranchBecomesAnInput) {
  Net net;
  const Value x = net.Image(4, 6);
  const Value scale = net.Add("Sigmoid", "scale",
                              {net.Add("ReduceMean", "mean", {net.Image(4, 3, "z")},
                                       {{"axes", std::vector<int64_t>{2, 3}}})});
  const Value y = net.Relu("relu1", net.Conv("conv1", x, 4));
  net.Output("y", net.Add("Mul", "mul1", {scale, y}));
  ExpectSameResults(net.graph, TestOptions({"fuse_conv_activation", "fuse_conv_mul"}));
  EXPECT_EQ(CountOps(net.graph, "Mul"), 0);
  EXPECT_EQ(net.graph.Find("conv1")->input(3).ToString(), "scale");
}

TEST(FuseConvMulTest, DeclinesTheConvolutionsOwnGate) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(4, 6), 4);
  net.Output("y", net.Add("Mul", "mul1", {conv, net.Add("Neg", "neg1", {conv})}));
  ExpectDeclined(net.graph, {"fuse_conv_mul"}, {"fuse_conv_mul at mul1: conv1 has 2 consumers"});
}

TEST(FuseConvTest, WorksWhereOnlyARunKnowsTheImageSize) {
  Net net;
  const Value x =
      net.graph
          .AddInput("x", {DType::kF64, {Dim::Symbol("N"), 3, Dim::Symbol("H"), Dim::Symbol("W")}})
          .value();
  const Value conv = net.Conv("conv1", x, 4, {.kernel = 3, .stride = 2});
  net.Output("y", net.Relu("relu1", net.BatchNorm("bn1", conv)));
  ExpectSameResults(net.graph, TestOptions());
  EXPECT_EQ(CountOps(net.graph, "FusedConv"), 1);
  EXPECT_EQ(CountOps(net.graph, "Relu"), 0);
}

}  // namespace
}  // namespace weft
