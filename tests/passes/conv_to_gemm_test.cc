// conv_to_gemm, and what becomes of the views around it.

#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

using Ints = std::vector<int64_t>;

const std::vector<std::string> kPasses = {"conv_to_gemm", "merge_views", "fold_constants"};

Value Map(Net& net, Shape shape) {
  return net.graph.AddInput("x", {net.dtype(), std::move(shape)}).value();
}

const Dim kBatch = Dim::Symbol("N");

// Expects that the convolution, alone, becomes a product of as many multiplications as `inner`
// times its 4 filters.
void ExpectProduct(Shape x, Dims w, AttributeMap attributes, int64_t inner) {
  for (const bool bias : {false, true}) {
    Net net;
    net.Output("y", net.ConvOf("conv1", Map(net, x), w, attributes, bias));
    ExpectSameResults(net.graph, TestOptions(kPasses), 1e-12, /*first_batch=*/0);
    EXPECT_EQ(net.graph.Find("conv1")->op_name(), "Gemm");
    EXPECT_EQ(MacsOf(net.graph), 4 * inner);
  }
}

//   x [N,3,1,1] -> conv1 -> y   =>   x -> Flatten -> conv1 (Gemm) -> Unsqueeze -> y
TEST(ConvToGemm, OnAMapOfOnePosition) {
  const Shape x = {kBatch, 3, 1, 1};
  ExpectProduct(x, {4, 3, 1, 1}, {}, 3);
  ExpectProduct(x, {4, 3, 1, 1}, {{"strides", Ints{2, 2}}}, 3);
  ExpectProduct(x, {4, 3, 3, 3}, {{"pads", Ints{1, 1, 1, 1}}}, 3);
  ExpectProduct(x, {4, 3, 3, 2}, {{"pads", Ints{2, 0, 0, 1}}}, 3);
  ExpectProduct(x, {4, 3, 3, 3}, {{"pads", Ints{2, 2, 2, 2}}, {"dilations", Ints{2, 2}}}, 3);
  ExpectProduct(x, {4, 3, 3, 3}, {{"auto_pad", "SAME_UPPER"}}, 3);
  ExpectProduct({kBatch, 3, 1}, {4, 3, 1}, {}, 3);
  ExpectProduct({kBatch, 3, 1, 1, 1}, {4, 3, 1, 1, 1}, {}, 3);
}

//   x [N,3,5,5] -> conv1 5x5 -> y   =>   x -> Flatten -> conv1 (Gemm) -> Unsqueeze -> y
TEST(ConvToGemm, WhereTheKernelCoversTheImage) {
  const Shape x = {kBatch, 3, 5, 2};
  ExpectProduct(x, {4, 3, 5, 2}, {}, 30);
  ExpectProduct(x, {4, 3, 5, 2}, {{"auto_pad", "VALID"}, {"strides", Ints{5, 5}}}, 30);
  ExpectProduct(x, {4, 3, 7, 3}, {{"pads", Ints{2, 1, 0, 0}}}, 30);
  ExpectProduct({kBatch, 3, 6}, {4, 3, 6}, {}, 18);
  ExpectProduct({kBatch, 2, 2, 3, 2}, {4, 2, 2, 3, 2}, {}, 24);
}

// A fused convolution's operands lose the axes that its result loses.
TEST(ConvToGemm, TakesPostOpsAlong) {
  for (const Dims& dims : {Dims{1, 4, 1, 1}, Dims{4, 1, 1}, Dims{1, 1}, Dims{1}, Dims{}}) {
    Net net;
    const Value conv = net.Conv("conv1", Map(net, {kBatch, 3, 1, 1}), 4, {.kernel = 1});
    const Value z = net.graph.AddInput("z", {net.dtype(), {kBatch, 4, 1, 1}}).value();
    const Value sum = net.Relu("relu1", net.Add("Add", "add1", {conv, z}));
    net.Output("y", net.Add("Mul", "mul1", {sum, net.Random("s", dims)}));
    MustOptimize(net.graph,
                 TestOptions({"fuse_conv_add", "fuse_conv_activation", "fuse_conv_mul"}));
    ExpectSameResults(net.graph, TestOptions(kPasses), 1e-12, /*first_batch=*/0);
    const Node& gemm = *net.graph.Find("conv1");
    EXPECT_EQ(gemm.op_name(), "FusedGemm");
    EXPECT_EQ(GetPostOps(gemm.attributes(), "post_ops").size(), 3u);
    EXPECT_EQ(CountOps(net.graph, "FusedConv"), 0);
  }
}

//   mean -> conv1 -> hardswish1 -> conv2 -> flatten1   =>   mean -> conv1 (FusedGemm) -> conv2
//   (Gemm)
TEST(ConvToGemm, AClassifierOfConvolutionsHasNoViewsLeft) {
  Net net;
  const Value mean = net.Add("ReduceMean", "mean", {net.Image(3, 4)}, {{"axes", Ints{2, 3}}});
  const Value h = net.Add("HardSwish", "hardswish1", {net.Conv("conv1", mean, 8, {.kernel = 1})});
  net.Output("y", net.Add("Flatten", "flatten1", {net.Conv("conv2", h, 5, {.kernel = 1})}));
  ExpectSameResults(net.graph, TestOptions());
  EXPECT_EQ(GetInt(net.graph.Find("mean")->attributes(), "keepdims"), 0);
  EXPECT_EQ(net.graph.Find("conv1")->input(0).ToString(), "mean");
  EXPECT_EQ(net.graph.Find("conv1")->op_name(), "FusedGemm");
  EXPECT_EQ(net.graph.Find("conv2")->input(0).ToString(), "conv1");
  EXPECT_EQ(net.graph.Find("conv2")->op_name(), "Gemm");
  EXPECT_EQ(net.graph.size(), 8);  // x, the three nodes, two weights and biases
}

// As by a network's first fully-connected layer, written as a convolution, and the next ones.
TEST(ConvToGemm, AFullyConvolutionalHead) {
  Net net;
  const Value pool = net.Add("MaxPool", "pool", {net.Image(3, 6)},
                             {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}});
  const Value h =
      net.Relu("relu1", net.Conv("conv1", pool, 8, {.kernel = 3, .padding = 0, .bias = false}));
  net.Output("y", net.Conv("conv2", h, 5, {.kernel = 1}));
  ExpectSameResults(net.graph, TestOptions());
  EXPECT_EQ(CountOps(net.graph, "Flatten"), 1);
  EXPECT_EQ(CountOps(net.graph, "FusedGemm"), 1);
  EXPECT_EQ(CountOps(net.graph, "Gemm"), 1);
  EXPECT_EQ(CountOps(net.graph, "Unsqueeze"), 1);  // the output is an image
}

TEST(ConvToGemm, DeclinesGroupsAndVariables) {
  Net groups;
  groups.Output(
      "y", groups.ConvOf("conv1", Map(groups, {kBatch, 4, 1, 1}), {4, 2, 1, 1}, {{"group", 2}}));
  ExpectDeclined(groups.graph, kPasses, {"conv_to_gemm at conv1: conv1 has 2 groups"});
  Net variables;
  variables.variables = true;
  variables.Output("y", variables.Conv("conv1", Map(variables, {kBatch, 3, 1, 1}), 4));
  ExpectDeclined(variables.graph, kPasses,
                 {"conv_to_gemm at conv1: conv1.weight is a variable, not a constant"});
}

TEST(ConvToGemm, DoesNotSeeOtherConvolutions) {
  const auto leaves_alone = [](Shape x, Dims w, AttributeMap attributes) {
    Net net;
    net.Output("y", net.ConvOf("conv1", Map(net, std::move(x)), std::move(w), attributes));
    ExpectDeclined(net.graph, kPasses, {});
  };
  const Shape x = {kBatch, 3, 5, 5};
  leaves_alone(x, {4, 3, 5, 5}, {{"pads", Ints{0, 1, 0, 1}}});  // three windows
  leaves_alone(x, {4, 3, 3, 3}, {{"strides", Ints{3, 3}}});     // skips the rest
  leaves_alone(x, {4, 3, 3, 3}, {{"dilations", Ints{2, 2}}});   // skips every second
  leaves_alone(x, {4, 3, 6, 6}, {{"pads", Ints{3, 3, 0, 0}}, {"strides", Ints{3, 3}}});
  leaves_alone({kBatch, 3, 1}, {4, 3, 2}, {{"pads", Ints{1, 1}}, {"dilations", Ints{2}}});
  leaves_alone({kBatch, 3, Dim::Symbol("H"), 1}, {4, 3, 1, 1}, {});
}

}  // namespace
}  // namespace weft
