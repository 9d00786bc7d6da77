#include "tests/passes/testing_linear.h"

namespace weft {
namespace {

// x -> conv1 -> bn1 -> y
Net ConvBn(ConvShape shape = {}) {
  Net net;
  net.Output("y", net.BatchNorm("bn1", net.Conv("conv1", net.Image(3, 6), 4, shape)));
  return net;
}

const std::vector<std::string> kPasses = {"fold_conv_bn", "fold_constants"};

//   x -> conv1 -> bn1 -> y   =>   x -> conv1 -> y
TEST(FoldConvBnTest, LeavesOneConvolutionWithTheOldNames) {
  Net net = ConvBn();
  ExpectGoldenRewrite("fold_conv_bn", net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "BatchNormalization"), 0);
  EXPECT_EQ(net.graph.outputs()[0].value.ToString(), "conv1");
}

TEST(FoldConvBnTest, GivesABiasToAConvolutionWithoutOne) {
  Net net = ConvBn({.bias = false});
  ExpectGoldenRewrite("fold_conv_bn_no_bias", net.graph, TestOptions(kPasses));
  EXPECT_NE(net.graph.Find("conv1.bias"), nullptr);
}

TEST(FoldConvBnTest, FoldsTwoInARowOneAfterTheOther) {
  Net net;
  const Value bn1 = net.BatchNorm("bn1", net.Conv("conv1", net.Image(3, 6), 4));
  net.Output("y", net.BatchNorm("bn2", bn1));
  const PassReport report = ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "BatchNormalization"), 0);
  EXPECT_EQ(report.rewrites[0].sources, (std::vector<std::string>{"conv1", "bn1"}));
  EXPECT_EQ(net.graph.Find("conv1")->provenance().sources,
            (std::vector<std::string>{"conv1", "bn1", "bn2"}));
}

TEST(FoldConvBnTest, WeightsSharedWithAnotherConvolutionStayForIt) {
  Net net;
  const Value x = net.Image(3, 6);
  const Value conv1 = net.Conv("conv1", x, 4);
  const Value conv2 = net.Add("Conv", "conv2", {x, conv1.node->input(1)},
                              {{"strides", std::vector<int64_t>{2, 2}}});
  net.Output("y1", net.BatchNorm("bn1", conv1));
  net.Output("y2", conv2);
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(net.graph.Find("conv2")->input(1).ToString(), "conv1.weight");
  EXPECT_EQ(net.graph.Find("conv1")->input(1).ToString(), "conv1.weight_1");
}

TEST(FoldConvBnTest, DeclinesWhenTheConvolutionHasASecondConsumer) {
  Net net = ConvBn();
  net.Output("before", net.graph.Find("conv1")->output());
  ExpectDeclined(net.graph, kPasses, {"fold_conv_bn at bn1: conv1 has 2 consumers"});
}

TEST(FoldConvBnTest, DeclinesWeightsThatAreNotConstant) {
  Net net;
  net.variables = true;
  net.Output("y", net.BatchNorm("bn1", net.Conv("conv1", net.Image(3, 6), 4)));
  ExpectDeclined(net.graph, kPasses,
                 {"fold_conv_bn at bn1: conv1.weight is a variable, not a constant"});
}

TEST(FoldConvBnTest, DeclinesInATrainingGraph) {
  Net net;
  net.variables = true;
  net.Output("y", net.BatchNorm("bn1", net.Conv("conv1", net.Image(3, 6), 4), "auto"));
  Graph training = ForTraining(net.graph).value();
  ExpectDeclined(training, kPasses,
                 {"fold_conv_bn at bn1: bn1 is in mode training, not inference"});
}

TEST(FoldConvBnTest, DeclinesInAModeNeutralGraph) {
  Net net;
  net.Output("y", net.BatchNorm("bn1", net.Conv("conv1", net.Image(3, 6), 4), "auto"));
  ExpectDeclined(net.graph, kPasses, {"fold_conv_bn at bn1: bn1 is in mode auto, not inference"});
}

//   bn(linear(x, w, b))   =>   linear(x, w*s, b*s + t)
TEST(FoldConvBnTest, FoldsIntoEveryLinearOp) {
  ForEachLinearCase([](const LinearCase& c, const Precision& p, bool bias) {
    Net net(p.dtype);
    const Value linear = AddLinear(net, c, InputOf(net, c), bias);
    net.Output("y", net.BatchNorm("bn1", linear));
    ExpectSameResults(net.graph, TestOptions(kPasses), p.tolerance);
    EXPECT_EQ(net.graph.size(), 4);  // x, w, b and the op
    EXPECT_EQ(net.graph.outputs()[0].value.ToString(), "linear");
    EXPECT_EQ(net.graph.outputs()[0].value.node->op_name(), c.op == "MatMul" ? "Gemm" : c.op);
  });
}

TEST(FoldConvBnTest, PaddingOfTheConvolutionDoesNotMatter) {
  for (const char* auto_pad : {"SAME_UPPER", "VALID"}) {
    Net net;
    const Value conv = net.Add("Conv", "conv1", {net.Image(3, 6), net.Random("w", {4, 3, 3, 3})},
                               {{"auto_pad", auto_pad}});
    net.Output("y", net.BatchNorm("bn1", conv));
    ExpectSameResults(net.graph, TestOptions(kPasses));
    EXPECT_EQ(CountOps(net.graph, "BatchNormalization"), 0);
  }
}

TEST(FoldConvBnTest, DeclinesChannelsOnAnotherAxisThanThoseOfAMatMul) {
  Net net;
  const Value x = net.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), 3, 5}}).value();
  const Value mm = net.Add("MatMul", "mm", {x, net.Random("w", {5, 4})});
  net.Output("y", net.BatchNorm("bn1", mm));
  ExpectDeclined(net.graph, kPasses,
                 {"fold_conv_bn at bn1: bn1 has its channels on axis 1 of mm, not on axis 2"});
}

TEST(FoldConvBnTest, DeclinesAMatMulWithAColumn) {
  Net net;
  const Value x = net.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), 3, 5}}).value();
  const Value mm = net.Add("MatMul", "mm", {x, net.Random("w", {5})});
  net.Output("y", net.BatchNorm("bn1", mm));
  ExpectDeclined(net.graph, kPasses, {"fold_conv_bn at bn1: w is f64[5], not a matrix"});
}

TEST(FoldConvBnTest, AnEmptyBatchStaysEmpty) {
  Net net = ConvBn();
  ExpectSameResults(net.graph, TestOptions(kPasses), 1e-12, /*first_batch=*/0);
  EXPECT_EQ(CountOps(net.graph, "BatchNormalization"), 0);
}

}  // namespace
}  // namespace weft
