#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

using testing::ElementsAre;

const std::vector<std::string> kPasses = {"merge_common"};

//   x -> tanh1 -> neg1 \                x -> tanh1 -> neg1 => Add
//   x -> tanh2 -> neg2 -> Add    =>
TEST(MergeCommonTest, EqualChainsBecomeOne) {
  Net net;
  const Value x = net.Image(2, 3);
  const Value a = net.Add("Neg", "neg1", {net.Add("Tanh", "tanh1", {x})});
  const Value b = net.Add("Neg", "neg2", {net.Add("Tanh", "tanh2", {x})});
  net.Output("y", net.Add("Add", "sum", {a, b}));
  ExpectGoldenRewrite("merge_common", net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "Tanh"), 1);
  EXPECT_EQ(CountOps(net.graph, "Neg"), 1);
}

TEST(MergeCommonTest, OutputsThatAreEqualKeepTheirNames) {
  Net net;
  const Value x = net.Image(2, 3);
  net.Output("a", net.Add("Tanh", "tanh1", {x}));
  net.Output("b", net.Add("Tanh", "tanh2", {x}));
  ExpectSameResults(net.graph, TestOptions(kPasses));
  ASSERT_EQ(net.graph.outputs().size(), 2u);
  EXPECT_EQ(net.graph.outputs()[1].name, "b");
  EXPECT_EQ(net.graph.outputs()[1].value.ToString(), "tanh1");
}

TEST(MergeCommonTest, ConstantsAreComparedByContent) {
  Net net;
  const Value x = net.Image(2, 3);
  const Tensor tensor = net.RandomTensor({3});
  Tensor copy = tensor;
  copy.mutable_values<double>();
  Tensor other = tensor;
  other.mutable_values<double>()[2] += 1;
  Value y = x;
  int i = 0;
  for (const Tensor& t : {tensor, copy, other}) {
    const std::string name = "c" + std::to_string(i++);
    y = net.Add("Mul", name + "_times", {y, net.graph.AddConstant(name, t).value()});
  }
  net.Output("y", y);
  const PassReport report = ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_THAT(Rewrites(report), ElementsAre("merge_common: c0 + c1 -> c0"));
  EXPECT_EQ(net.graph.Find("c1_times")->input(1).ToString(), "c0");
  EXPECT_EQ(net.graph.Find("c2_times")->input(1).ToString(), "c2");
}

TEST(MergeCommonTest, LargeConstantsThatDifferAtTheEndOnlyStayApart) {
  Net net;
  const Value x = net.graph.AddInput("x", {DType::kF64, {1, 2000}}).value();
  Tensor a = net.RandomTensor({2000});
  Tensor b = a;
  b.mutable_values<double>()[1999] += 1;
  net.Output("a", net.Add("Mul", "mul1", {x, net.graph.AddConstant("a", a).value()}));
  net.Output("b", net.Add("Mul", "mul2", {x, net.graph.AddConstant("b", b).value()}));
  ExpectDeclined(net.graph, kPasses, {});
}

TEST(MergeCommonTest, SumsAreEqualInEitherOrderAndDifferencesAreNot) {
  Net net;
  const Value x = net.Image(2, 3);
  const Value y = net.Image(2, 3, "y");
  net.Output("a", net.Add("Add", "add1", {x, y}));
  net.Output("b", net.Add("Add", "add2", {y, x}));
  net.Output("c", net.Add("Sub", "sub1", {x, y}));
  net.Output("d", net.Add("Sub", "sub2", {y, x}));
  const PassReport report = ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_THAT(Rewrites(report), ElementsAre("merge_common: add1 + add2 -> add1"));
}

TEST(MergeCommonTest, DifferentAttributesStayApart) {
  Net net;
  const Value x = net.Image(2, 4);
  net.Output("a", net.Add("MaxPool", "p1", {x}, {{"kernel_shape", std::vector<int64_t>{2, 2}}}));
  net.Output("b", net.Add("MaxPool", "p2", {x}, {{"kernel_shape", std::vector<int64_t>{3, 3}}}));
  ExpectDeclined(net.graph, kPasses, {});
}

TEST(MergeCommonTest, RandomOpsOfDifferentStreamsStayApart) {
  Net net;
  const Value x = net.Image(2, 4);
  for (const int stream : {1, 2, 1}) {
    const std::string name = "drop" + std::to_string(net.graph.size());
    net.Output(name, net.Add("Dropout", name, {x}, {{"mode", "training"}, {"stream", stream}}));
  }
  const PassReport report = ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_THAT(Rewrites(report), ElementsAre("merge_common: drop1 + drop3 -> drop1"));
}

TEST(MergeCommonTest, VariablesOfEqualValueStayApart) {
  Net net;
  const Tensor tensor = net.RandomTensor({3});
  const Value a = net.graph.AddVariable("a", tensor).value();
  const Value b = net.graph.AddVariable("b", tensor).value();
  net.Output("y", net.Add("Add", "sum", {a, b}));
  ExpectDeclined(net.graph, kPasses, {});
}

TEST(MergeCommonTest, GradientNodesFollowTheNodeThatStays) {
  Net net;
  const Value x = net.Image(2, 4);
  const AttributeMap window = {{"kernel_shape", std::vector<int64_t>{2, 2}}};
  net.Output("a", net.Add("MaxPool", "pool1", {x}, window));
  const Value pool2 = net.Add("MaxPool", "pool2", {x}, window);
  NodeSpec spec;
  spec.op = "MaxPoolGrad";
  spec.name = "grad";
  spec.inputs = {pool2, x};
  spec.attributes = window;
  spec.forward = pool2.node;
  net.Output("b", net.graph.AddNode(std::move(spec)).value()->output());
  ExpectSameResults(net.graph, TestOptions(kPasses));
  ASSERT_EQ(net.graph.Find("pool2"), nullptr);
  EXPECT_EQ(net.graph.Find("grad")->forward(), net.graph.Find("pool1"));
}

TEST(MergeCommonTest, SizesThatOnlyARunKnowsAreNotTakenForEqual) {
  Net net;
  const Value x = net.Image(2, 3);
  const Value shape = net.graph.AddInput("shape", {DType::kI64, {2}}).value();
  net.Output("a", net.Add("Reshape", "reshape1", {x, shape}));
  net.Output("b", net.Add("Reshape", "reshape2", {x, shape}));
  ExpectDeclined(net.graph, kPasses, {});
}

}  // namespace
}  // namespace weft
