// conv_transpose_to_depth_to_space, order_depth_to_space, and move_elementwise_up where channels
// become pixels.

#include "graph/text.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

const std::vector<std::string> kConvert = {"conv_transpose_to_depth_to_space", "fold_constants"};
const std::vector<std::string> kOrder = {"order_depth_to_space", "fold_constants"};
const std::vector<std::string> kMove = {"move_elementwise_up", "fold_constants"};

Value Transposed(Net& net, const std::string& name, Value x, Dims w, AttributeMap attributes,
                 bool bias = true) {
  const int64_t channels = w[1] * GetInt(attributes, "group", 1);
  std::vector<Value> inputs = {x, net.Random(name + ".weight", std::move(w))};
  if (bias) inputs.push_back(net.Random(name + ".bias", {channels}));
  return net.Add("ConvTranspose", name, std::move(inputs), std::move(attributes));
}

Value Shuffled(Net& net, const std::string& name, Value x, const char* mode) {
  return net.Add("DepthToSpace", name, {x}, {{"blocksize", 2}, {"mode", mode}});
}

std::string Mode(const Net& net, const std::string& name) {
  return GetString(net.graph.Find(name)->attributes(), "mode");
}

TEST(ConvTransposeToDepthToSpaceTest, BlocksOfEachElement) {
  for (const int64_t block : {2, 3}) {
    for (const bool bias : {false, true}) {
      Net net;
      const Value y = Transposed(net, "up1", net.Image(3, 4), {3, 5, block, block},
                                 {{"strides", Dims{block, block}}}, bias);
      const TensorType type = y.type();
      net.Output("y", y);
      const int64_t macs = 16 * 3 * 5 * block * block;
      EXPECT_EQ(MacsOf(net.graph), macs);
      ExpectSameResults(net.graph, TestOptions(kConvert), 1e-12, /*first_batch=*/0);
      EXPECT_EQ(MacsOf(net.graph), macs);
      EXPECT_EQ(CountOps(net.graph, "ConvTranspose") + CountOps(net.graph, "Tile"), 0);
      EXPECT_EQ(net.graph.Find("up1")->op_name(), "Conv");
      EXPECT_EQ(net.graph.outputs()[0].value.type(), type);
    }
  }
}

TEST(ConvTransposeToDepthToSpaceTest, AutoPadAndSymbols) {
  Net net;
  const Value x =
      net.graph
          .AddInput("x", {DType::kF64, {Dim::Symbol("N"), 2, Dim::Symbol("H"), Dim::Symbol("W")}})
          .value();
  const Value y = Transposed(net, "up1", x, {2, 3, 2, 2},
                             {{"strides", Dims{2, 2}}, {"auto_pad", "SAME_UPPER"}});
  net.Output("y", y);
  const TensorType type = y.type();
  ExpectSameResults(net.graph, TestOptions(kConvert));
  EXPECT_EQ(CountOps(net.graph, "DepthToSpace"), 1);
  EXPECT_EQ(net.graph.outputs()[0].value.type(), type);
}

// Of U-Net's kind, with everything that a channel has numbers for.
TEST(ConvTransposeToDepthToSpaceTest, PostOpsGoWithTheConvolution) {
  Net net;
  Value y = Transposed(net, "up1", net.Image(3, 4), {3, 5, 2, 2}, {{"strides", Dims{2, 2}}});
  y = net.Relu("relu1", net.BatchNorm("bn1", y));
  y = net.Add("Mul", "mul1",
              {y, net.Add("ReduceMean", "mean", {net.Image(5, 2, "z")}, {{"axes", Dims{2, 3}}})});
  y = net.Add("PRelu", "prelu1", {y, net.Random("slope", {5, 1, 1}, 0.1, 0.3)});
  net.Output("y", y);
  ExpectSameResults(net.graph, TestOptions());
  const Node& conv = *net.graph.Find("up1");
  EXPECT_EQ(conv.op_name(), "FusedConv");
  EXPECT_EQ(GetPostOps(conv.attributes(), "post_ops").size(), 3u);
  EXPECT_EQ(net.graph.outputs()[0].value.node->op_name(), "DepthToSpace");
  EXPECT_EQ(net.graph.Find("mean")->op_name(), "ReduceMean");
}

// They are computed, and keep their names.
TEST(ConvTransposeToDepthToSpaceTest, BiasesThatARunKnows) {
  Net net;
  const Value given = net.graph.AddInput("given", {DType::kF64, {5}}).value();
  const Value bias = net.Add("Exp", "bias", {given});
  net.Output("y",
             net.Add("ConvTranspose", "up1", {net.Image(3, 4), net.Random("w", {3, 5, 2, 2}), bias},
                     {{"strides", Dims{2, 2}}}));
  ExpectSameResults(net.graph, TestOptions(kConvert));
  EXPECT_EQ(CountOps(net.graph, "Tile"), 1);
  EXPECT_EQ(net.graph.Find("bias")->op_name(), "Exp");
}

// A 1x1 convolution already makes each element: nothing is left to lay out.
TEST(ConvTransposeToDepthToSpaceTest, A1x1IsAConvolution) {
  Net net;
  net.Output("y", Transposed(net, "up1", net.Image(3, 4), {3, 5, 1, 1}, {}));
  ExpectSameResults(net.graph, TestOptions(kConvert), 1e-12);
  EXPECT_EQ(net.graph.outputs()[0].value.node, net.graph.Find("up1"));
  EXPECT_EQ(net.graph.Find("up1")->op_name(), "Conv");
}

TEST(ConvTransposeToDepthToSpaceTest, OutputShapesOfWholeBlocks) {
  Net net;
  net.Output("y", Transposed(net, "up1", net.Image(4, 4), {4, 3, 2, 2},
                             {{"strides", Dims{2, 2}}, {"output_shape", Dims{8, 8}}}));
  ExpectSameResults(net.graph, TestOptions(kConvert));
  EXPECT_EQ(CountOps(net.graph, "DepthToSpace"), 1);
}

TEST(ConvTransposeToDepthToSpaceTest, DeclinesAnOperandOfItsPixels) {
  Net net;
  const Value y = Transposed(net, "up1", net.Image(3, 4), {3, 5, 2, 2}, {{"strides", Dims{2, 2}}});
  net.Output("y", net.Relu("relu1", net.Add("Add", "add1", {y, net.Image(5, 8, "z")})));
  const PassReport report = ExpectSameResults(net.graph, TestOptions());
  EXPECT_EQ(CountOps(net.graph, "FusedConvTranspose"), 1);
  EXPECT_THAT(NearMisses(report),
              testing::Contains("conv_transpose_to_depth_to_space at up1: z is f64[N,5,8,8], not "
                                "the same for all pixels"));
}

TEST(ConvTransposeToDepthToSpaceTest, DeclinesByName) {
  const auto expect = [](const std::string& why, Dims w, AttributeMap attributes) {
    Net net;
    net.Output("y", Transposed(net, "up1", net.Image(4, 4), std::move(w), std::move(attributes)));
    ExpectDeclined(net.graph, kConvert, {"conv_transpose_to_depth_to_space at up1: " + why});
  };
  const Dims two = {2, 2};
  expect("up1 has kernels [4,4] and strides [2,2]", {4, 3, 4, 4}, {{"strides", two}});
  expect("up1 has kernels [2,3] and strides [2,3]", {4, 3, 2, 3}, {{"strides", Dims{2, 3}}});
  expect("up1 has 2 groups", {4, 3, 2, 2}, {{"strides", two}, {"group", 2}});
  expect("up1 makes f64[N,3,7,7] of f64[N,4,4,4]", {4, 3, 2, 2},
         {{"strides", two}, {"pads", Dims{0, 0, 1, 1}}});
  expect("up1 makes f64[N,3,9,8] of f64[N,4,4,4]", {4, 3, 2, 2},
         {{"strides", two}, {"output_padding", Dims{1, 0}}});
  expect("up1 makes f64[N,3,7,8] of f64[N,4,4,4]", {4, 3, 2, 2},
         {{"strides", two}, {"output_shape", Dims{7, 8}}});
  expect("up1 makes f64[N,3,9,9] of f64[N,4,4,4]", {4, 3, 2, 2},
         {{"strides", two}, {"dilations", two}});
  Net line;
  const Value x = line.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), 4, 6}}).value();
  line.Output("y", Transposed(line, "up1", x, {4, 3, 2}, {{"strides", Dims{2}}}));
  ExpectDeclined(line.graph, kConvert,
                 {"conv_transpose_to_depth_to_space at up1: up1 has 1 spatial axes"});
}

TEST(ConvTransposeToDepthToSpaceTest, DeclinesVariables) {
  Net net;
  const Value w = net.graph.AddVariable("w", net.RandomTensor({3, 5, 2, 2})).value();
  net.Output("y", net.Add("ConvTranspose", "up1", {net.Image(3, 4), w}, {{"strides", Dims{2, 2}}}));
  ExpectDeclined(net.graph, kConvert,
                 {"conv_transpose_to_depth_to_space at up1: w is a variable, not a constant"});
}

TEST(OrderDepthToSpaceTest, BlocksComeFirst) {
  for (const bool bias : {false, true}) {
    Net net;
    const Value conv = net.Conv("conv1", net.Image(3, 4), 12, {.bias = bias});
    net.Output("y", Shuffled(net, "up1", conv, "CRD"));
    ExpectSameResults(net.graph, TestOptions(kOrder), 0);
    EXPECT_EQ(Mode(net, "up1"), "DCR");
    EXPECT_EQ(CountOps(net.graph, "Transpose"), 0);
  }
}

TEST(OrderDepthToSpaceTest, DeclinesByName) {
  Net groups;
  groups.Output(
      "y",
      Shuffled(groups, "up1",
               groups.ConvOf("conv1", groups.Image(4, 4), {8, 2, 3, 3}, {{"group", 2}}), "CRD"));
  ExpectDeclined(groups.graph, kOrder, {"order_depth_to_space at up1: conv1 has 2 groups"});
  Net readers;
  const Value conv = readers.Conv("conv1", readers.Image(4, 4), 8);
  readers.Output("y", Shuffled(readers, "up1", conv, "CRD"));
  readers.Output("z", conv);
  ExpectDeclined(readers.graph, kOrder, {"order_depth_to_space at up1: conv1 has 2 consumers"});
  Net variables;
  variables.variables = true;
  variables.Output(
      "y", Shuffled(variables, "up1", variables.Conv("conv1", variables.Image(4, 4), 8), "CRD"));
  ExpectDeclined(variables.graph, kOrder,
                 {"order_depth_to_space at up1: conv1.weight is a variable, not a constant"});
  Net ordered;
  ordered.Output("y",
                 Shuffled(ordered, "up1", ordered.Conv("conv1", ordered.Image(4, 4), 8), "DCR"));
  ExpectDeclined(ordered.graph, kOrder, {});
}

TEST(MoveElementwiseUpTest, ChannelsBecomePixelsLast) {
  Net net;
  Value y = Shuffled(net, "up1", net.Conv("conv1", net.Image(3, 4), 12), "DCR");
  y = net.Add("Add", "add1", {net.Random("shift", {1, 3, 1, 1}), y});
  y = net.Add("PRelu", "prelu1", {y, net.Random("slope", {3, 1, 1}, 0.1, 0.3)});
  const Value limit = net.graph.AddConstant("limit", Tensor::Scalar(0.5, DType::kF64)).value();
  net.Output("y", net.Add("Clip", "clip1", {y, Value(), limit}));
  const PassReport report = ExpectSameResults(net.graph, TestOptions({"move_elementwise_up"}), 0);
  EXPECT_EQ(report.rewrites.size(), 3u);
  EXPECT_EQ(net.graph.outputs()[0].value.node->name(), "up1");
}

TEST(MoveElementwiseUpTest, DeclinesAnotherOrderOfChannels) {
  Net net;
  const Value x = net.Image(3, 4);
  const Value up1 = Shuffled(net, "up1", net.Conv("conv1", x, 12), "CRD");
  net.Output("a", net.Add("Mul", "mul1", {up1, net.Random("scale", {3, 1, 1})}));
  const Value up2 = Shuffled(net, "up2", net.Conv("conv2", x, 12), "DCR");
  net.Output("b", net.Relu("relu1", up2));
  net.Output("c", up2);
  const Value up3 = Shuffled(net, "up3", net.Conv("conv3", x, 12), "DCR");
  net.Output("d", net.Add("Mul", "mul2", {up3, net.Random("row", {8})}));
  ExpectDeclined(
      net.graph, kMove,
      {"move_elementwise_up at mul1: scale is f64[3,1,1], not the same for all that up1 makes of "
       "an element",
       "move_elementwise_up at relu1: up2 has 2 consumers",
       "move_elementwise_up at mul2: row is f64[8], not the same for all that up3 makes of an "
       "element"});
}

// Of one channel it would be the same for all of them, of which there are more before.
TEST(MoveElementwiseUpTest, DeclinesAnOperandThatMayBeOneChannel) {
  Net net;
  const Value up1 = Shuffled(net, "up1", net.Conv("conv1", net.Image(3, 4), 12), "DCR");
  const Value s = net.graph.AddInput("s", {DType::kF64, {Dim::Symbol("K"), 1, 1}}).value();
  net.Output("y", net.Add("Mul", "mul1", {up1, s}));
  ExpectDeclined(net.graph, {"move_elementwise_up"},
                 {"move_elementwise_up at mul1: s is f64[K,1,1], not the same for all that up1 "
                  "makes of an element"});
}

TEST(MoveElementwiseUpTest, OperandsThatAreComputedKeepTheirNames) {
  Net net;
  const Value up1 = Shuffled(net, "up1", net.Conv("conv1", net.Image(3, 4), 12), "DCR");
  const Value gate = net.Add("Sigmoid", "gate", {net.Image(3, 1, "z")});
  net.Output("y", net.Add("Mul", "mul1", {up1, gate}));
  ExpectSameResults(net.graph, TestOptions({"move_elementwise_up"}), 0);
  EXPECT_EQ(net.graph.Find("gate")->op_name(), "Sigmoid");
}

// ESPCN: the activation is the convolution's, and only pixels are copied after it.
TEST(MoveElementwiseUpTest, PixelShuffleNetworksEndInAFusedConvolution) {
  Net net(DType::kF32);
  const Value conv = net.Conv("conv1", net.Relu("relu0", net.Image(4, 5)), 8);
  net.Output("y", net.Add("Tanh", "tanh1", {Shuffled(net, "up1", conv, "CRD")}));
  ExpectSameResults(net.graph, TestOptions(), 1e-5);
  EXPECT_EQ(net.graph.Find("conv1")->op_name(), "FusedConv");
  EXPECT_EQ(Mode(net, "up1"), "DCR");
  EXPECT_EQ(net.graph.outputs()[0].value.node->name(), "up1");
}

}  // namespace
}  // namespace weft
