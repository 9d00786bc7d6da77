#include "graph/text.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

const std::vector<std::string> kPasses = {"fold_conv_bn", "merge_branches", "fold_constants"};

Value Sum(Net& net, const std::string& name, Value a, Value b) {
  return net.Add("Add", name, {a, b});
}

// The sum is one convolution, which computes the same and takes as many MACs as it should.
void ExpectMerged(Net& net, Value sum, int64_t apart, int64_t merged) {
  net.Output("y", sum);
  EXPECT_EQ(MacsOf(net.graph), apart);
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(net.graph.outputs()[0].value.node->op_name(), "Conv") << ToText(net.graph);
  EXPECT_EQ(CountOps(net.graph, "Conv"), 1);
  EXPECT_EQ(MacsOf(net.graph), merged);
}

//   x -> conv3 -> bn3 -\                 x -> conv3 {post_ops=[Relu]} -> y
//   |--> conv1 -> bn1 - + -> relu   =>
//   \--> bn0 ----------/
TEST(MergeBranchesTest, ARepVggBlockBecomesOneConvolution) {
  Net net;
  const Value x = net.Image(4, 6);
  const Value conv3 = net.BatchNorm("bn3", net.Conv("conv3", x, 4, {.bias = false}));
  const Value conv1 = net.BatchNorm("bn1", net.Conv("conv1", x, 4, {.kernel = 1, .bias = false}));
  const Value sum = Sum(net, "add2", Sum(net, "add1", conv3, conv1), net.BatchNorm("bn0", x));
  net.Output("y", net.Relu("relu", sum));
  EXPECT_EQ(MacsOf(net.graph), 36 * 10 * 16);
  ExpectGoldenRewrite("repvgg_block", net.graph, TestOptions());
  EXPECT_EQ(CountOps(net.graph, "FusedConv"), 1);
  EXPECT_EQ(CountOps(net.graph, "Conv") + CountOps(net.graph, "BatchNormalization"), 0);
  EXPECT_EQ(MacsOf(net.graph), 36 * 9 * 16);
}

// The branches of MobileOne are depthwise, several of a kind.
TEST(MergeBranchesTest, AMobileOneBlockBecomesOneDepthwiseConvolution) {
  Net net;
  const Value x = net.Image(4, 6);
  const AttributeMap padded = {{"group", 4}, {"pads", Dims(4, 1)}};
  Value sum = Sum(net, "add0",
                  net.BatchNorm("bn0", net.ConvOf("scale", x, {4, 1, 1, 1}, {{"group", 4}}, false)),
                  net.BatchNorm("bn", x));
  for (const char* i : {"1", "2", "3"}) {
    const Value conv = net.ConvOf(std::string("conv") + i, x, {4, 1, 3, 3}, padded, false);
    sum = Sum(net, std::string("add") + i, sum, net.BatchNorm(std::string("bn") + i, conv));
  }
  ExpectMerged(net, sum, 36 * 4 * (3 * 9 + 1), 36 * 4 * 9);
}

// ACNet: 1x3 and 3x1 alone would not pay, whatever their place in the sum.
TEST(MergeBranchesTest, CrossesBecomePartOfASquare) {
  for (size_t first = 0; first < 3; ++first) {
    Net net;
    const Value x = net.Image(2, 6);
    const std::vector<Value> branches = {
        net.Conv("square", x, 3), net.ConvOf("row", x, {3, 2, 1, 3}, {{"pads", Dims{0, 1, 0, 1}}}),
        net.ConvOf("column", x, {3, 2, 3, 1}, {{"pads", Dims{1, 0, 1, 0}}})};
    const Value inner = Sum(net, "add1", branches[first], branches[(first + 1) % 3]);
    ExpectMerged(net, Sum(net, "add2", branches[(first + 2) % 3], inner), 36 * 15 * 6, 36 * 9 * 6);
  }
}

TEST(MergeBranchesTest, DeclinesARowAndAColumnAlone) {
  Net net;
  const Value x = net.Image(2, 6);
  const Value row = net.ConvOf("row", x, {3, 2, 1, 3}, {{"pads", Dims{0, 1, 0, 1}}});
  const Value column = net.ConvOf("column", x, {3, 2, 3, 1}, {{"pads", Dims{1, 0, 1, 0}}});
  net.Output("y", Sum(net, "add1", row, column));
  ExpectDeclined(net.graph, kPasses,
                 {"merge_branches at add1: merged they would take 1,944 MACs an example, apart "
                  "they take 1,296"});
}

TEST(MergeBranchesTest, SumsOfEqualConvolutionsHalve) {
  for (const bool bias1 : {false, true}) {
    for (const bool bias2 : {false, true}) {
      Net net;
      const Value x = net.Image(2, 6);
      const Value conv1 = net.Conv("conv1", x, 3, {.stride = 2, .bias = bias1});
      const Value conv2 = net.Conv("conv2", x, 3, {.stride = 2, .bias = bias2});
      ExpectMerged(net, Sum(net, "add1", conv1, conv2), 9 * 2 * 54, 9 * 54);
      EXPECT_EQ(!net.graph.outputs()[0].value.node->input(2).null(), bias1 || bias2);
    }
  }
}

TEST(MergeBranchesTest, ThePointsOfAStridedAndADilatedKernel) {
  for (const int64_t stride : {1, 2, 3}) {
    for (const int64_t dilation : {1, 2}) {
      Net net;
      const Value x = net.Image(2, 7);
      const Dims strides(2, stride);
      const Value conv1 = net.ConvOf(
          "conv1", x, {3, 2, 3, 3},
          {{"strides", strides}, {"dilations", Dims(2, dilation)}, {"pads", Dims(4, dilation)}});
      const Value conv2 = net.ConvOf("conv2", x, {3, 2, 1, 1}, {{"strides", strides}});
      const int64_t places = (6 / stride + 1) * (6 / stride + 1);
      ExpectMerged(net, Sum(net, "add1", conv2, conv1), places * 60, places * 54);
    }
  }
}

// UniRepLKNet: the taps of dilated kernels are some of those of a larger one.
TEST(MergeBranchesTest, DilatedKernelsWithinALargerOne) {
  Net net;
  const Value x = net.Image(2, 9);
  const auto conv = [&](const std::string& name, int64_t kernel, int64_t dilation) {
    return net.ConvOf(name, x, {2, 1, kernel, kernel},
                      {{"group", 2},
                       {"dilations", Dims(2, dilation)},
                       {"pads", Dims(4, (kernel - 1) * dilation / 2)}});
  };
  const Value sum = Sum(net, "add1", conv("a", 7, 1), conv("b", 3, 2));
  ExpectMerged(net, Sum(net, "add2", conv("c", 3, 3), sum), 81 * 2 * (49 + 9 + 9), 81 * 2 * 49);
}

// 700 KB of weights made of 6 KB each are computed too.
TEST(MergeBranchesTest, ALargeKernelTakesSmallOnes) {
  Net net;
  const Value x = net.Image(1600, 1);
  const auto conv = [&](const std::string& name, int64_t kernel) {
    return net.ConvOf(name, x, {1600, 1, kernel, kernel},
                      {{"group", 1600}, {"pads", Dims(4, kernel / 2)}});
  };
  const Value sum = Sum(net, "add1", conv("a", 9), conv("b", 1));
  ExpectMerged(net, Sum(net, "add2", net.BatchNorm("bn", x), sum), 1600 * 82, 1600 * 81);
  EXPECT_NE(ConstantValue(net.graph.outputs()[0].value.node->input(1)), nullptr);
}

TEST(MergeBranchesTest, KernelsNeedNotBeCentred) {
  Net net;
  const Value x = net.Image(2, 6);
  const Value a = net.ConvOf("a", x, {3, 2, 3, 3}, {{"pads", Dims{1, 1, 1, 1}}});
  const Value b = net.ConvOf("b", x, {3, 2, 2, 2}, {{"pads", Dims{0, 1, 1, 0}}});
  ExpectMerged(net, Sum(net, "add1", a, b), 36 * 6 * 13, 36 * 6 * 9);
}

TEST(MergeBranchesTest, TheImageItselfIsAKernelOfOnes) {
  for (const int64_t group : {1, 2, 4}) {
    Net net;
    const Value x = net.Image(4, 6);
    const Value conv =
        net.ConvOf("conv1", x, {4, 4 / group, 3, 3}, {{"group", group}, {"pads", Dims(4, 1)}});
    const int64_t macs = 36 * 9 * 16 / group;
    ExpectMerged(net, Sum(net, "add1", conv, x), macs, macs);
  }
}

TEST(MergeBranchesTest, AnAverageIsAKernelOfEqualTaps) {
  for (const int64_t pad : {0, 1}) {
    Net net;
    const Value x = net.Image(4, 6);
    const AttributeMap pads = {{"pads", Dims(4, pad)}};
    AttributeMap pool = pads;
    pool["kernel_shape"] = Dims{3, 3};
    pool["count_include_pad"] = static_cast<int>(pad);
    const Value conv = net.ConvOf("conv1", x, {4, 4, 3, 3}, pads);
    const int64_t macs = (pad == 0 ? 16 : 36) * 9 * 16;
    ExpectMerged(net, Sum(net, "add1", net.Add("AveragePool", "pool", {x}, pool), conv), macs,
                 macs);
  }
}

TEST(MergeBranchesTest, DeclinesAnAverageThatIsLargerAtTheBorder) {
  Net net;
  const Value x = net.Image(4, 6);
  const Value pool =
      net.Add("AveragePool", "pool", {x}, {{"pads", Dims(4, 1)}, {"kernel_shape", Dims{3, 3}}});
  net.Output("y", Sum(net, "add1", net.Conv("conv1", x, 4), pool));
  ExpectDeclined(net.graph, kPasses,
                 {"merge_branches at add1: pool does not count what is beyond the border"});
}

TEST(MergeBranchesTest, OneAndThreeSpatialAxes) {
  for (const size_t axes : {1u, 3u}) {
    Net net;
    Shape shape = {Dim::Symbol("N"), 2};
    shape.insert(shape.end(), axes, 5);
    const Value x = net.graph.AddInput("x", {DType::kF64, shape}).value();
    Dims w3 = {2, 2}, w1 = {2, 2};
    w3.insert(w3.end(), axes, 3);
    w1.insert(w1.end(), axes, 1);
    const Value conv1 = net.ConvOf("conv1", x, w3, {{"pads", Dims(2 * axes, 1)}});
    const Value sum = Sum(net, "add1", conv1, net.ConvOf("conv2", x, w1));
    const int64_t places = axes == 1 ? 5 : 125, taps = axes == 1 ? 3 : 27;
    ExpectMerged(net, Sum(net, "add2", x, sum), places * 4 * (taps + 1), places * 4 * taps);
  }
}

TEST(MergeBranchesTest, ExtentsThatOnlyARunKnows) {
  Net net;
  const Dim h = Dim::Symbol("H");
  const Value x = net.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), 2, h, h}}).value();
  const Value conv1 = net.Conv("conv1", x, 3, {.stride = 2});
  const Value conv2 = net.Conv("conv2", x, 3, {.kernel = 1, .stride = 2});
  net.Output("y", Sum(net, "add1", conv1, conv2));
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "Conv"), 1);
  EXPECT_EQ(CountOps(net.graph, "Add"), 0);
}

//   (z + conv1(x)) + conv2(x)  =>  z + conv(x)
TEST(MergeBranchesTest, BranchesOfALongerSumMeet) {
  Net net;
  const Value x = net.Image(2, 6), z = net.Image(3, 6, "z");
  const Value inner = Sum(net, "add1", z, net.Conv("conv1", x, 3));
  net.Output("y", Sum(net, "add2", net.Conv("conv2", x, 3, {.kernel = 1}), inner));
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "Conv"), 1);
  EXPECT_EQ(CountOps(net.graph, "Add"), 1);
  EXPECT_EQ(net.graph.outputs()[0].value.ToString(), "add2");
}

TEST(MergeBranchesTest, SumsOfOtherImagesAreNoMatch) {
  Net net;
  const Value x = net.Image(3, 6), z = net.Image(3, 6, "z");
  net.Output("a", Sum(net, "add1", net.Conv("conv1", x, 3), net.Conv("conv2", z, 3)));
  net.Output("b", Sum(net, "add2", net.Conv("conv3", x, 3), z));
  ExpectDeclined(net.graph, kPasses, {});
}

// conv1 (3x3) and `other` of x, added.
void ExpectDeclinedWith(Net& net, Value x, Value other, const std::string& condition) {
  const int64_t channels = other.type().dim(1).coefficient();
  const Value conv = net.ConvOf("conv1", x, {channels, x.type().dim(1).coefficient(), 3, 3},
                                {{"pads", Dims(4, 1)}});
  net.Output("y", Sum(net, "add1", conv, other));
  ExpectDeclined(net.graph, {"merge_branches", "fold_constants"},
                 {"merge_branches at add1: " + condition});
}

TEST(MergeBranchesTest, DeclinesBranchesOfDifferentForms) {
  {
    Net net;
    const Value x = net.Image(2, 6);
    const Value other = net.ConvOf("conv2", x, {4, 1, 1, 1}, {{"group", 2}});
    ExpectDeclinedWith(net, x, other, "the branches have groups [1] and [2]");
  }
  {
    Net net;
    const Value x = net.Image(2, 1);
    const Value other = net.ConvOf("conv2", x, {4, 2, 1, 1}, {{"strides", Dims{2, 2}}});
    ExpectDeclinedWith(net, x, other, "the branches have strides [1,1] and [2,2]");
  }
}

// 3x3 with and without a dilation of 2 are within 5x5: 25 taps for 18.
TEST(MergeBranchesTest, DeclinesTapsThatHardlyMeet) {
  Net net;
  const Value x = net.Image(2, 6);
  const Value other =
      net.ConvOf("conv2", x, {4, 2, 3, 3}, {{"dilations", Dims{2, 2}}, {"pads", Dims(4, 2)}});
  ExpectDeclinedWith(net, x, other,
                     "merged they would take 7,200 MACs an example, apart they take 5,184");
}

TEST(MergeBranchesTest, DeclinesABranchThatOthersRead) {
  Net net;
  const Value x = net.Image(2, 6);
  const Value other = net.Conv("conv2", x, 4, {.kernel = 1});
  net.Output("other", other);
  ExpectDeclinedWith(net, x, other, "conv2 has 2 consumers");
}

TEST(MergeBranchesTest, DeclinesVariables) {
  Net net;
  net.variables = true;
  const Value x = net.Image(2, 6);
  net.Output("y", Sum(net, "add1", net.Conv("conv1", x, 3), net.Conv("conv2", x, 3)));
  ExpectDeclined(net.graph, kPasses,
                 {"merge_branches at add1: conv1.weight is a variable, not a constant",
                  "merge_branches at add1: conv2.weight is a variable, not a constant"});
}

TEST(MergeBranchesTest, DeclinesANormalizationInTraining) {
  Net net;
  const Value x = net.Image(4, 6);
  ExpectDeclinedWith(net, x, net.BatchNorm("bn1", x, "auto"), "bn1 is in mode auto, not inference");
}

}  // namespace
}  // namespace weft
