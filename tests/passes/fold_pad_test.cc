#include <limits>

#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

using Ints = std::vector<int64_t>;

const std::vector<std::string> kPasses = {"fold_pad"};
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Value PadOf(Net& net, Value x, const Ints& pads, double value, AttributeMap attributes = {}) {
  const Value amounts = net.graph.AddConstant("amounts", Tensor::FromInts(pads)).value();
  const Value fill = net.graph.AddConstant("fill", Tensor::Scalar(value, x.type().dtype)).value();
  return net.Add("Pad", "pad1", {x, amounts, fill}, std::move(attributes));
}

// x -> pad1 -> op -> y
Net PadThen(const std::string& op, const Ints& pads, double value, AttributeMap attributes,
            DType dtype = DType::kF64, AttributeMap pad_attributes = {}) {
  Net net(dtype);
  std::vector<Value> inputs = {PadOf(net, net.Image(3, 6), pads, value, std::move(pad_attributes))};
  if (op == "Conv") inputs.push_back(net.Random("w", {4, 3, 3, 3}));
  if (op != "Conv") attributes["kernel_shape"] = Ints{3, 3};
  net.Output("y", net.Add(op, "window", std::move(inputs), std::move(attributes)));
  return net;
}

Ints PadsOfWindow(const Net& net) {
  return GetInts(net.graph.Find("window")->attributes(), "pads");
}

//   x -> pad1 -> conv {pads=[0,1,1,1]}   =>   x -> conv {pads=[1,2,2,1]}
TEST(FoldPadTest, AddsToThePadsOfAConvolution) {
  for (const DType dtype : {DType::kF32, DType::kF64}) {
    Net net = PadThen("Conv", {0, 0, 1, 1, 0, 0, 1, 0}, 0,
                      {{"pads", Ints{0, 1, 1, 1}}, {"strides", Ints{2, 1}}}, dtype);
    ExpectSameResults(net.graph, TestOptions(kPasses));
    EXPECT_EQ(PadsOfWindow(net), (Ints{1, 2, 2, 1}));
    EXPECT_EQ(CountOps(net.graph, "Pad"), 0);
  }
}

TEST(FoldPadTest, ReadsChosenAxesAndNoValueAsZeros) {
  Net net;
  const Value amounts = net.graph.AddConstant("amounts", Tensor::FromInts(Ints{1, 2})).value();
  const Value axes = net.graph.AddConstant("axes", Tensor::FromInts(Ints{-1})).value();
  const Value pad = net.Add("Pad", "pad1", {net.Image(3, 6), amounts, Value(), axes});
  net.Output("y", net.Add("Conv", "window", {pad, net.Random("w", {4, 3, 3, 3})},
                          {{"auto_pad", "VALID"}}));
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(PadsOfWindow(net), (Ints{0, 1, 0, 2}));
}

// x [N,3,H,6], of whose H only a run knows, -> pad1 -> window -> y
Net PadThenConvOfUnknownHeight(const Ints& pads) {
  Net net;
  const Value x =
      net.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), 3, Dim::Symbol("H"), 6}}).value();
  net.Output("y",
             net.Add("Conv", "window", {PadOf(net, x, pads, 0), net.Random("w", {4, 3, 3, 3})}));
  return net;
}

TEST(FoldPadTest, PadsOfASymbolicExtentStayWhereItsFormulaWouldChange) {
  Net width = PadThenConvOfUnknownHeight({0, 0, 0, 1, 0, 0, 0, 1});
  ExpectSameResults(width.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(width.graph, "Pad"), 0);
  Net height = PadThenConvOfUnknownHeight({0, 0, 2, 1, 0, 0, 1, 1});
  ExpectDeclined(
      height.graph, kPasses,
      {"fold_pad at window: window would be f64[N,4,(H+1),6], not f64[N,4,((H+3)-2),6]"});
}

TEST(FoldPadTest, AnAverageCountsThePadding) {
  for (const bool ceil_mode : {false, true}) {
    Net net = PadThen("AveragePool", {0, 0, 1, 1, 0, 0, 1, 1}, 0,
                      {{"strides", Ints{2, 2}}, {"ceil_mode", ceil_mode ? 1 : 0}});
    ExpectSameResults(net.graph, TestOptions(kPasses));
    EXPECT_EQ(CountOps(net.graph, "Pad"), 0);
    EXPECT_EQ(GetInt(net.graph.Find("window")->attributes(), "count_include_pad"), 1);
  }
  Net counting = PadThen("AveragePool", {0, 0, 1, 0, 0, 0, 0, 1}, 0,
                         {{"pads", Ints{1, 1, 1, 1}}, {"count_include_pad", 1}});
  ExpectSameResults(counting.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(counting.graph, "Pad"), 0);
  Net other = PadThen("AveragePool", {0, 0, 1, 1, 0, 0, 1, 1}, 0, {{"pads", Ints{1, 1, 1, 1}}});
  ExpectDeclined(other.graph, kPasses, {"fold_pad at window: window does not count its padding"});
}

TEST(FoldPadTest, TheLargestIsNeverPadding) {
  Net net = PadThen("MaxPool", {0, 0, 1, 1, 0, 0, 1, 1}, -kInfinity, {{"strides", Ints{2, 2}}});
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "Pad"), 0);
  Net zeros = PadThen("MaxPool", {0, 0, 1, 1, 0, 0, 1, 1}, 0, {});
  ExpectDeclined(zeros.graph, kPasses, {"fold_pad at window: pad1 fills in 0, not -inf"});
}

TEST(FoldPadTest, DeclinesPadsBeyondAPoolsKernel) {
  Net net = PadThen("MaxPool", {0, 0, 3, 0, 0, 0, 0, 0}, -kInfinity, {});
  ExpectDeclined(net.graph, kPasses,
                 {"fold_pad at window: window would have pads [3,0,0,0] beyond its kernel's span"});
}

TEST(FoldPadTest, DeclinesOtherPadsThanZerosAroundTheImage) {
  const Ints pads = {0, 0, 1, 1, 0, 0, 1, 1};
  Net value = PadThen("Conv", pads, 0.5, {});
  ExpectDeclined(value.graph, kPasses, {"fold_pad at window: pad1 fills in 0.5, not 0"});
  Net edge = PadThen("Conv", pads, 0, {}, DType::kF64, {{"mode", "edge"}});
  ExpectDeclined(edge.graph, kPasses, {"fold_pad at window: pad1 is in mode edge"});
  Net crop = PadThen("Conv", {0, 0, -1, 1, 0, 0, 1, 1}, 0, {});
  ExpectDeclined(crop.graph, kPasses, {"fold_pad at window: pad1 crops by [0,0,-1,1,0,0,1,1]"});
  Net channels = PadThen("MaxPool", {0, 1, 0, 0, 0, 0, 0, 0}, -kInfinity, {});
  ExpectDeclined(channels.graph, kPasses,
                 {"fold_pad at window: pad1 pads more than the spatial axes: [0,1,0,0,0,0,0,0]"});
  Net same = PadThen("Conv", pads, 0, {{"auto_pad", "SAME_UPPER"}});
  ExpectDeclined(same.graph, kPasses, {"fold_pad at window: window has auto_pad SAME_UPPER"});
  Net read = PadThen("Conv", pads, 0, {});
  read.Output("z", read.graph.Find("pad1")->output());
  ExpectDeclined(read.graph, kPasses, {"fold_pad at window: pad1 has 2 consumers"});
}

TEST(FoldPadTest, DeclinesWhereTheIndicesOfTheLargestAreRead) {
  Net net;
  const Value pad = PadOf(net, net.Image(3, 6), {0, 0, 1, 1, 0, 0, 1, 1}, -kInfinity);
  const Value pool =
      net.Add("MaxPool", "window", {pad}, {{"kernel_shape", Ints{3, 3}}}, /*num_outputs=*/2);
  net.Output("y", pool);
  net.Output("indices", pool.node->output(1));
  ExpectDeclined(net.graph, kPasses,
                 {"fold_pad at window: window has indices, which count the padding"});
}

}  // namespace
}  // namespace weft
