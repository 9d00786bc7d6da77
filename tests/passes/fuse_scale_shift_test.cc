#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

const std::vector<std::string> kPasses = {"fuse_scale_shift", "fold_constants", "fuse_elementwise"};

//   x -> bn1 -> relu1 -> conv1   =>   x -> relu1 (Mul(1), Add(2), Relu) -> conv1
TEST(FuseScaleShiftTest, ABatchNormalizationBeforeAConvolutionTakesItsActivation) {
  Net net;
  const Value h = net.Relu("relu1", net.BatchNorm("bn1", net.Image(3, 6)));
  net.Output("y", net.Conv("conv1", h, 4));
  ExpectGoldenRewrite("fuse_scale_shift", net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "FusedElementwise"), 1);
  EXPECT_EQ(CountOps(net.graph, "BatchNormalization"), 0);
  EXPECT_EQ(CountOps(net.graph, "Relu"), 0);
  EXPECT_EQ(net.graph.Find("relu1")->input(1).ToString(), "bn1.weight");
}

// Two readers of a convolution: neither of its batch normalizations can go into it.
TEST(FuseScaleShiftTest, TheWholePipelineLeavesNeitherBatchNormalizationNorActivation) {
  Net net;
  const Value x = net.Conv("conv1", net.Image(3, 6), 4);
  const Value a = net.Relu("relu1", net.BatchNorm("bn1", x));
  const Value b = net.Add("Tanh", "tanh1", {net.BatchNorm("bn2", x)});
  net.Output("a", a);
  net.Output("b", b);
  ExpectSameResults(net.graph, TestOptions(), 1e-11);
  EXPECT_EQ(CountOps(net.graph, "FusedElementwise"), 2);
  EXPECT_EQ(CountOps(net.graph, "BatchNormalization") + CountOps(net.graph, "Relu"), 0);
}

TEST(FuseScaleShiftTest, OfEveryRankAndAnyBatch) {
  for (const Shape& shape : std::vector<Shape>{{Dim::Symbol("N"), 4},
                                               {Dim::Symbol("N"), 4, Dim::Symbol("L")},
                                               {Dim::Symbol("N"), 4, 2, 3, 2}}) {
    Net net;
    const Value x = net.graph.AddInput("x", {DType::kF64, shape}).value();
    net.Output("y", net.BatchNorm("bn1", x));
    ExpectSameResults(net.graph, TestOptions(kPasses), 1e-11, /*first_batch=*/0);
    EXPECT_EQ(net.graph.Find("bn1")->op_name(), "FusedElementwise");
    EXPECT_EQ(net.graph.Find("bn1")->type(), x.type());
  }
}

TEST(FuseScaleShiftTest, ConstantsThatTwoShareStayForBoth) {
  Net net;
  const Value bn1 = net.BatchNorm("bn1", net.Image(3, 6));
  const std::vector<Value> constants(bn1.node->inputs().begin() + 1, bn1.node->inputs().end());
  const Value h = net.Conv("conv1", bn1, 3);
  net.Output("h", h);
  net.Output("y", net.Add("BatchNormalization", "bn2",
                          {h, constants[0], constants[1], constants[2], constants[3]},
                          {{"mode", "inference"}, {"epsilon", 0.1}}));
  ExpectSameResults(net.graph, TestOptions(kPasses), 1e-11);
  EXPECT_EQ(CountOps(net.graph, "BatchNormalization"), 0);
}

TEST(FuseScaleShiftTest, DeclinesStatisticsThatAreVariables) {
  Net net;
  net.variables = true;
  net.Output("y", net.BatchNorm("bn1", net.Image(3, 6)));
  ExpectDeclined(net.graph, {"fuse_scale_shift"},
                 {"fuse_scale_shift at bn1: bn1.weight is a variable, not a constant"});
}

TEST(FuseScaleShiftTest, DeclinesInATrainingGraph) {
  Net net;
  net.variables = true;
  net.Output("y", net.BatchNorm("bn1", net.Image(3, 6), "auto"));
  Graph training = ForTraining(net.graph).value();
  ExpectDeclined(training, {"fuse_scale_shift"},
                 {"fuse_scale_shift at bn1: bn1 is in mode training, not inference"});
}

}  // namespace
}  // namespace weft
