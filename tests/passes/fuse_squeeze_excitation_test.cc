#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

struct Shape {
  std::string activation = "Relu";
  std::string gate = "Sigmoid";
  ConvShape conv = {.kernel = 1};
  std::vector<int64_t> axes = {2, 3};
};

// x -> mean -> reduce -> activation -> expand -> gate; x * gate -> y
Net Squeeze(Shape shape = {}) {
  Net net;
  const Value x = net.Image(6, 4);
  const Value mean = net.Add("ReduceMean", "mean", {x}, {{"axes", shape.axes}});
  const Value squeezed =
      net.Add(shape.activation, "activation", {net.Conv("reduce", mean, 3, shape.conv)});
  const Value gate = net.Add(shape.gate, "gate", {net.Conv("expand", squeezed, 6, shape.conv)});
  net.Output("y", net.Add("Mul", "scaled", {x, gate}));
  return net;
}

const std::vector<std::string> kPasses = {"fuse_squeeze_excitation"};

//   x * gate(expand(activation(reduce(mean(x)))))   =>   x -> scaled -> y
TEST(FuseSqueezeExcitation, LeavesOneNode) {
  Net net = Squeeze();
  ExpectGoldenRewrite("fuse_squeeze_excitation", net.graph, TestOptions(kPasses));
  EXPECT_EQ(net.graph.Find("scaled")->op_name(), "SqueezeExcitation");
  EXPECT_EQ(CountOps(net.graph, "Conv"), 0);
}

TEST(FuseSqueezeExcitation, KeepsItsFunctions) {
  Net net = Squeeze({.activation = "Silu", .gate = "HardSigmoid", .axes = {-1, 2}});
  ExpectSameResults(net.graph, TestOptions(kPasses));
  const Node& node = *net.graph.Find("scaled");
  EXPECT_EQ(GetPostOps(node.attributes(), "activation")[0].op, "Silu");
  const PostOp gate = GetPostOps(node.attributes(), "gate")[0];
  EXPECT_EQ(gate.op, "HardSigmoid");
  EXPECT_EQ(GetFloat(gate.attributes, "alpha"), 0.2);
}

TEST(FuseSqueezeExcitation, NeedsNoBiases) {
  Net net = Squeeze({.conv = {.kernel = 1, .bias = false}});
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_TRUE(net.graph.Find("scaled")->input(2).null());
}

TEST(FuseSqueezeExcitation, ComesBeforeTheActivationsAreFused) {
  Net net = Squeeze();
  ExpectSameResults(net.graph, TestOptions());
  EXPECT_EQ(net.graph.Find("scaled")->op_name(), "SqueezeExcitation");
}

TEST(FuseSqueezeExcitation, WaitsForBiasesThatAreAdded) {
  Net net;
  const ConvShape conv = {.kernel = 1, .bias = false};
  const Value x = net.Image(6, 4);
  const Value mean = net.Add("ReduceMean", "mean", {x}, {{"axes", std::vector<int64_t>{2, 3}}});
  const Value b1 = net.Random("b1", {3, 1, 1}), b2 = net.Random("b2", {6, 1, 1});
  const Value squeezed =
      net.Relu("relu", net.Add("Add", "add1", {net.Conv("reduce", mean, 3, conv), b1}));
  const Value gate = net.Add("Sigmoid", "gate",
                             {net.Add("Add", "add2", {net.Conv("expand", squeezed, 6, conv), b2})});
  net.Output("y", net.Add("Mul", "scaled", {x, gate}));
  ExpectSameResults(net.graph, TestOptions());
  EXPECT_EQ(net.graph.Find("scaled")->op_name(), "SqueezeExcitation");
}

TEST(FuseSqueezeExcitation, DeclinesKernelsOfSeveralTaps) {
  Net net = Squeeze({.conv = {.kernel = 3}});
  ExpectDeclined(net.graph, kPasses,
                 {"fuse_squeeze_excitation at scaled: reduce has weights f64[3,6,3,3], not 1x1"});
}

TEST(FuseSqueezeExcitation, DeclinesOneGateForAllChannels) {
  Net net;
  const Value x = net.Image(6, 4);
  const Value mean = net.Add("ReduceMean", "mean", {x}, {{"axes", std::vector<int64_t>{2, 3}}});
  const Value squeezed = net.Relu("activation", net.Conv("reduce", mean, 3, {.kernel = 1}));
  const Value gate = net.Add("Sigmoid", "gate", {net.Conv("expand", squeezed, 1, {.kernel = 1})});
  net.Output("y", net.Add("Mul", "scaled", {x, gate}));
  ExpectDeclined(net.graph, kPasses,
                 {"fuse_squeeze_excitation at scaled: expand has 1 filters for 6 channels"});
}

TEST(FuseSqueezeExcitation, DeclinesPartsThatAreReadToo) {
  for (const char* part : {"mean", "reduce", "activation", "expand", "gate"}) {
    Net net = Squeeze();
    net.Output("also", net.graph.Find(part)->output());
    ExpectDeclined(
        net.graph, kPasses,
        {"fuse_squeeze_excitation at scaled: " + std::string(part) + " has 2 consumers"});
  }
}

TEST(FuseSqueezeExcitation, DoesNotSeeTheMeanOfOneAxis) {
  Net net = Squeeze({.axes = {3}});
  ExpectDeclined(net.graph, kPasses, {});
}

TEST(FuseSqueezeExcitation, DoesNotSeeAGateOfAnotherValue) {
  Net net = Squeeze();
  net.Output("z",
             net.Add("Mul", "other", {net.Image(6, 4, "z"), net.graph.Find("gate")->output()}));
  ExpectDeclined(net.graph, kPasses, {"fuse_squeeze_excitation at scaled: gate has 2 consumers"});
}

}  // namespace
}  // namespace weft
