// Networks whose values are NHWC between Transposes around every convolution, as tf2onnx and
// TFLite's exporters write them; and random ones.

#include <algorithm>
#include <cmath>

#include "autodiff/gradients.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

const Dims kToLast = {0, 2, 3, 1};   // NCHW to NHWC
const Dims kToFirst = {0, 3, 1, 2};  // and back

// Everything in NHWC.
class ChannelsLast : public Net {
 public:
  using Net::Net;

  Value Picture(int64_t size, int64_t channels, const std::string& name = "x") {
    return graph.AddInput(name, {dtype(), {Dim::Symbol("N"), size, size, channels}}).value();
  }
  Value Turned(const std::string& name, Value x, const Dims& perm) {
    return Add("Transpose", name, {x}, {{"perm", perm}});
  }
  Value Ints(const Dims& values) {
    return graph.AddConstant(graph.UniqueName("ints"), Tensor::FromInts(values)).value();
  }
  // Conv, BiasAdd.
  Value Conv2D(const std::string& name, Value x, int64_t channels, ConvShape shape = {}) {
    shape.bias = false;
    const Value y = Conv(name, Turned(name + "/first", x, kToFirst), channels, shape);
    return Add("Add", name + "/bias_add",
               {Turned(name + "/last", y, kToLast), Random(name + "/bias", {channels})});
  }
  Value Depthwise(const std::string& name, Value x) {
    const int64_t channels = x.type().dim(3).coefficient();
    const Value y = ConvOf(name, Turned(name + "/first", x, kToFirst), {channels, 1, 3, 3},
                           {{"group", channels}, {"pads", Dims(4, 1)}}, /*bias=*/false);
    return Add("Add", name + "/bias_add",
               {Turned(name + "/last", y, kToLast), Random(name + "/bias", {channels})});
  }
  Value Relu6(const std::string& name, Value x) {
    const auto number = [&](double v) {
      return graph.AddConstant(graph.UniqueName("number"), Tensor::Scalar(v, dtype())).value();
    };
    return Add("Clip", name, {x, number(0), number(6)});
  }
  Value Mean(const std::string& name, Value x, bool keeps) {
    return Add("ReduceMean", name, {x}, {{"axes", Dims{1, 2}}, {"keepdims", keeps ? 1 : 0}});
  }
  // MatMul, BiasAdd, Softmax.
  Value Head(Value features, int64_t classes) {
    const int64_t channels = features.type().dim(1).coefficient();
    const Value scores =
        Add("MatMul", "dense", {features, Random("dense/kernel", {channels, classes})});
    return Add("Softmax", "softmax",
               {Add("Add", "dense/bias_add", {scores, Random("dense/bias", {classes})})});
  }
};

// MobileNet V2's block: what it reads is added to what it makes.
Value InvertedResidual(ChannelsLast& net, const std::string& name, Value x) {
  Value y = net.Relu6(name + "/relu1", net.Conv2D(name + "/expand", x, 8, {.kernel = 1}));
  y = net.Relu6(name + "/relu2", net.Depthwise(name + "/depthwise", y));
  y = net.Conv2D(name + "/project", y, 4, {.kernel = 1});
  return net.Add("Add", name + "/add", {x, y});
}

int CountTransposesAfterOptimizing(Net& net, double tolerance = 1e-11) {
  ExpectSameResults(net.graph, TestOptions(), tolerance);
  return CountOps(net.graph, "Transpose");
}

TEST(ChannelsLastTest, OfAClassifierTheInputsTransposeIsLeft) {
  ChannelsLast net;
  Value x = net.Picture(8, 3);
  x = net.Add("Pad", "pad", {x, net.Ints({0, 0, 0, 0, 0, 1, 1, 0})});
  x = net.Relu6("relu", net.Conv2D("stem", x, 4, {.kernel = 3, .stride = 2, .padding = 0}));
  x = InvertedResidual(net, "block1", x);
  x = InvertedResidual(net, "block2", x);
  net.Output("y", net.Head(net.Mean("pool", x, /*keeps=*/false), 3));
  EXPECT_EQ(CountTransposesAfterOptimizing(net), 1);
  const Node& transpose = *net.graph.inputs()[0]->uses()[0].user;
  EXPECT_EQ(transpose.op_name(), "Transpose");
  EXPECT_EQ(CountOps(net.graph, "FusedConv"), 7);
  EXPECT_EQ(CountOps(net.graph, "Add"), 0);
}

// More than a region holds: it moves in parts.
TEST(ChannelsLastTest, LongResidualNetworks) {
  ChannelsLast net;
  Value x = net.Conv2D("stem", net.Picture(2, 3), 4);
  for (int i = 0; i < 150; ++i) x = InvertedResidual(net, "block" + std::to_string(i), x);
  net.Output("y", net.Mean("pool", x, /*keeps=*/false));
  PassOptions options = TestOptions({"cancel_transposes", "fold_constants"});
  options.verify_each = false;
  ExpectSameResults(net.graph, options);
  EXPECT_EQ(CountOps(net.graph, "Transpose"), 1);
}

TEST(ChannelsLastTest, ConcatsJoinChannels) {
  ChannelsLast net;
  const Value x = net.Relu("stem/relu", net.Conv2D("stem", net.Picture(6, 3), 4));
  const Value a = net.Relu("a/relu", net.Conv2D("a", x, 3, {.kernel = 1}));
  const Value b = net.Relu("b/relu", net.Conv2D("b", x, 2));
  const Value pooled = net.Add("MaxPool", "pool", {net.Turned("pool/first", x, kToFirst)},
                               {{"kernel_shape", Dims{3, 3}}, {"pads", Dims(4, 1)}});
  const Value c = net.Conv2D("c", net.Turned("pool/last", pooled, kToLast), 2, {.kernel = 1});
  const Value joined = net.Add("Concat", "joined", {a, b, c}, {{"axis", -1}});
  const Value d = net.Conv2D("d", joined, 4);
  net.Output("y", net.Mean("mean", net.Relu("d/relu", d), false));
  EXPECT_EQ(CountTransposesAfterOptimizing(net), 1);
  EXPECT_EQ(GetInt(net.graph.Find("joined")->attributes(), "axis"), 1);
}

TEST(ChannelsLastTest, SqueezeAndExcitation) {
  ChannelsLast net;
  const Value x = net.Conv2D("stem", net.Picture(6, 3), 8);
  Value s = net.Mean("squeeze", x, /*keeps=*/true);
  s = net.Relu("reduce/relu", net.Conv2D("reduce", s, 2, {.kernel = 1}));
  s = net.Add("Sigmoid", "gate", {net.Conv2D("expand", s, 8, {.kernel = 1})});
  const Value y = net.Conv2D("project", net.Add("Mul", "excite", {x, s}), 4, {.kernel = 1});
  net.Output("y", net.Mean("mean", y, false));
  EXPECT_EQ(CountTransposesAfterOptimizing(net), 1);
  EXPECT_EQ(CountOps(net.graph, "SqueezeExcitation"), 1);
}

// A gate that is a matrix product and has its axes put back by a Reshape.
TEST(ChannelsLastTest, GatesOfMatrixProducts) {
  ChannelsLast net;
  const Value x = net.Conv2D("stem", net.Picture(6, 3), 8);
  Value s = net.Add("MatMul", "dense", {net.Mean("squeeze", x, false), net.Random("w", {8, 8})});
  s = net.Add("Reshape", "gate", {net.Add("Sigmoid", "sigmoid", {s}), net.Ints({-1, 1, 1, 8})});
  const Value y = net.Conv2D("project", net.Add("Mul", "excite", {x, s}), 4);
  net.Output("y", net.Mean("mean", y, false));
  EXPECT_EQ(CountTransposesAfterOptimizing(net), 1);
}

TEST(ChannelsLastTest, FeaturePyramids) {
  ChannelsLast net;
  const Value fine = net.Relu("c1/relu", net.Conv2D("c1", net.Picture(8, 3), 4));
  const Value coarse = net.Relu("c2/relu", net.Conv2D("c2", fine, 6, {.kernel = 3, .stride = 2}));
  const Value top = net.Conv2D("lateral2", coarse, 4, {.kernel = 1});
  const Value scales =
      net.graph
          .AddConstant("scales",
                       Tensor::FromValues<float>({4}, std::vector<float>{1, 2, 2, 1}).value())
          .value();
  const Value up =
      net.Add("Resize", "up", {top, Value(), scales},
              {{"coordinate_transformation_mode", "asymmetric"}, {"nearest_mode", "floor"}});
  const Value merged =
      net.Add("Add", "merged", {net.Conv2D("lateral1", fine, 4, {.kernel = 1}), up});
  net.Output("p1", net.Mean("mean1", net.Conv2D("smooth1", merged, 4), false));
  net.Output("p2", net.Mean("mean2", net.Conv2D("smooth2", top, 4), false));
  EXPECT_EQ(CountTransposesAfterOptimizing(net), 1);
}

// A Transpose behind a convolution makes way for what the convolution takes in; one that is left is
// taken out of the weights of the product that reads the flattened image.
TEST(ChannelsLastTest, FlattenedImagesNeedNoTranspose) {
  ChannelsLast net;
  Value y = net.Relu("relu", net.Conv2D("conv", net.Picture(4, 3), 5));
  y = net.Add("Reshape", "flat", {y, net.Ints({-1, 80})});
  net.Output("y", net.Head(y, 3));
  EXPECT_EQ(CountTransposesAfterOptimizing(net), 1);
  EXPECT_EQ(net.graph.Find("flat")->input(0).node->op_name(), "FusedConv");
}

TEST(ChannelsLastTest, WhatConvolutionsTakeInComesBehindTheTranspose) {
  ChannelsLast net;
  const Value x = net.Picture(6, 3);
  const Value centered = net.Add("Sub", "centered", {x, net.Random("means", {3})});
  const Value scaled = net.Add("Div", "scaled", {centered, net.Random("deviations", {3}, 1, 2)});
  const Value y = net.Conv2D("conv", scaled, 5, {.kernel = 3, .padding = 0});
  net.Output("y", net.Relu("relu", y));
  EXPECT_EQ(CountTransposesAfterOptimizing(net), 2);
  EXPECT_EQ(CountOps(net.graph, "FusedConv"), 1);
  EXPECT_EQ(CountOps(net.graph, "Sub") + CountOps(net.graph, "Div") + CountOps(net.graph, "Add"),
            0);
  EXPECT_EQ(CountOps(net.graph, "FusedElementwise"), 0);
}

// A map of classes comes out as it did: one Transpose at the input, one at the output, of indices.
TEST(ChannelsLastTest, SegmentationsKeepTheOrderOfTheirOutputs) {
  ChannelsLast net;
  const Value x = net.Relu("relu", net.Conv2D("conv1", net.Picture(6, 3), 8));
  const Value scores = net.Add("Softmax", "softmax", {net.Conv2D("conv2", x, 5)});
  net.Output("scores", scores);
  net.Output("classes", net.Add("ArgMax", "classes", {scores}, {{"axis", 3}, {"keepdims", 0}}));
  EXPECT_EQ(CountTransposesAfterOptimizing(net), 2);
  EXPECT_EQ(ToString(net.graph.outputs()[0].value.type()), "f64[N,6,6,5]");
  EXPECT_EQ(ToString(net.graph.outputs()[1].value.type()), "i64[N,6,6]");
}

// The gradients read what is between the Transposes, and are between others: moving it all would
// take as many.
TEST(ChannelsLastTest, GradientsStayTheSame) {
  ChannelsLast net;
  net.variables = true;
  Value y = net.Conv("conv1", net.Turned("first", net.Picture(4, 2), kToFirst), 3);
  const Value bias = net.graph.AddVariable("bias", net.RandomTensor({3})).value();
  y = net.Add("Add", "biased", {net.Turned("last", y, kToLast), bias});
  y = net.Add("Tanh", "tanh", {y});
  y = net.Add("ReduceMean", "mean", {y}, {{"axes", Dims{1, 2}}, {"keepdims", 0}});
  net.Output("y", y);
  Graph graph = ForTraining(net.graph).value();
  Emitter e(graph, "loss");
  const Value mean = graph.outputs()[0].value;
  const Value loss = e.Op("ReduceSum", {e.Op("Mul", {mean, mean})}, {{"keepdims", 0}});
  std::vector<Value> variables;
  for (const Node* variable : graph.variables()) variables.push_back(variable->output());
  const auto gradients = Gradients(graph, {{loss}}, variables);
  ASSERT_EQ(gradients.status(), absl::OkStatus());
  for (size_t i = 0; i < variables.size(); ++i) {
    ASSERT_EQ(graph.AddOutput("d" + variables[i].ToString(), (*gradients)[i]), absl::OkStatus());
  }
  const Value next = e.Op("Sub", {graph.Find("bias")->output(), (*gradients)[2]});
  ASSERT_EQ(graph.AddUpdate(graph.Find("bias"), next), absl::OkStatus());
  ExpectSameResults(graph, TestOptions(), 1e-11);
  EXPECT_EQ(CountOps(graph, "Transpose"), 3);
  EXPECT_EQ(graph.variables().size(), 3u);
  EXPECT_EQ(graph.updates().size(), 1u);
}

// Graphs of ops that work along any axes and Transposes. In every second one all axes of the images
// are of one length, so that what comes out in another order can be read as if it had not.
class RandomOrders {
 public:
  explicit RandomOrders(uint32_t seed) : net_(DType::kF64, seed), random_(seed * 7919 + 1) {
    const int64_t channels = seed % 2 == 0 ? 4 : 3;
    values_.push_back(net_.Picture(4, channels));
    values_.push_back(net_.Image(channels, 4, "z"));
    const int nodes = Pick(6, 18);
    for (int i = 0; i < nodes; ++i) values_.push_back(AddNode(std::to_string(i)));
    for (size_t i = 2; i < values_.size(); ++i) {
      if (i + 1 == values_.size() || Pick(0, 7) == 0) {
        net_.Output("out" + std::to_string(i), values_[i]);
      }
    }
  }
  Graph& graph() { return net_.graph; }

 private:
  int Pick(int low, int high) {
    return low + static_cast<int>(random_() % static_cast<uint32_t>(high - low + 1));
  }
  Value AnyValue() {
    const int last = static_cast<int>(values_.size()) - 1;
    return values_[static_cast<size_t>(Pick(0, 2) == 0 ? Pick(0, last) : last)];
  }
  int64_t AnyAxis(Value x) { return Pick(1, x.type().rank() - 1); }

  Value AddNode(const std::string& i) {
    const Value x = AnyValue();
    const int rank = x.type().rank();
    if (rank < 2) return net_.Relu("u" + i, x);
    const int64_t axis = AnyAxis(x);
    switch (Pick(0, 13)) {
      case 0:
      case 1:
      case 2:
        return Turned("t" + i, x);
      case 3:
        return net_.Add("Softmax", "softmax" + i, {x}, {{"axis", axis}});
      case 4:
        return net_.Add(Pick(0, 1) == 0 ? "ReduceMean" : "ReduceMax", "reduce" + i, {x},
                        {{"axes", Dims{axis}}, {"keepdims", Pick(0, 2) == 0 ? 0 : 1}});
      case 5:
        return net_.Add("Pad", "pad" + i, {x, net_.Ints({1, 0}), Value(), net_.Ints({axis})});
      case 6:
        return net_.Add("Slice", "slice" + i,
                        {x, net_.Ints({0}), net_.Ints({Pick(1, 4)}), net_.Ints({axis})});
      case 7:
        return Wide(x) ? net_.Relu("u" + i, x)
                       : net_.Add("Concat", "concat" + i, {x, net_.Add("Neg", "n" + i, {x})},
                                  {{"axis", axis}});
      case 8:
      case 9: {
        const Value other = Pick(0, 2) == 0 ? Turned("other" + i, x) : AnyValue();
        if (other.type() == x.type()) return net_.Add("Sub", "sub" + i, {x, other});
        return net_.Add("Mul", "square" + i, {x, x});
      }
      case 10: {
        Dims dims(static_cast<size_t>(Pick(0, rank)), 1);
        if (!dims.empty() && dims.size() < static_cast<size_t>(rank) &&
            x.type().shape.back().is_static()) {
          dims.back() = x.type().shape.back().coefficient();
        }
        return net_.Add("Add", "biased" + i, {x, net_.Random("c" + i, dims)});
      }
      case 11:
        return rank > 4 ? x
                        : net_.Add("Unsqueeze", "unsqueeze" + i, {x, net_.Ints({Pick(0, rank)})});
      case 12:
        return net_.Add("Flatten", "flatten" + i, {x}, {{"axis", axis}});
      default:
        return net_.Add("Tanh", "tanh" + i, {x});
    }
  }

  static bool Wide(Value x) {
    return std::any_of(x.type().shape.begin(), x.type().shape.end(),
                       [](const Dim& d) { return d.is_static() && d.coefficient() > 20; });
  }

  Value Turned(const std::string& name, Value x) {
    if (x.type().rank() == 4 && Pick(0, 4) > 0) {
      return net_.Turned(name, x, Pick(0, 1) == 0 ? kToLast : kToFirst);
    }
    Dims perm(static_cast<size_t>(x.type().rank()));
    for (size_t i = 0; i < perm.size(); ++i) perm[i] = static_cast<int64_t>(i);
    std::rotate(perm.begin() + 1, perm.begin() + AnyAxis(x), perm.end());
    return net_.Turned(name, x, perm);
  }

  ChannelsLast net_;
  std::mt19937 random_;
  std::vector<Value> values_;
};

TEST(ChannelsLastTest, RandomOrdersGiveTheSameResults) {
  int rewrites = 0, before = 0, after = 0;
  for (uint32_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    RandomOrders random(seed);
    before += CountOps(random.graph(), "Transpose");
    const PassReport report =
        ExpectSameResults(random.graph(), TestOptions({"cancel_transposes"}), 1e-11);
    rewrites += static_cast<int>(report.rewrites.size());
    ExpectSameResults(random.graph(), TestOptions(), 1e-11);
    after += CountOps(random.graph(), "Transpose");
    if (HasFailure()) break;
  }
  EXPECT_GT(rewrites, 100);
  EXPECT_LT(after, before / 2);
}

bool IsOfConstants(Value v) {
  while (v && v.node->num_inputs() > 0) v = v.node->input(0);
  return v && ConstantValue(v) != nullptr;
}

// The elements that Transposes move where the symbol is 64, and a little for each; those of
// constants are folded.
double MovedElements(const Graph& graph) {
  double moved = 0;
  for (const Node& node : graph.nodes()) {
    if (node.op_name() != "Transpose" || IsOfConstants(node.input(0))) continue;
    double elements = 1;
    Dims longer;
    const Dims perm = GetInts(node.attributes(), "perm");
    for (int axis = 0; axis < node.type().rank(); ++axis) {
      const Dim& dim = node.type().dim(axis);
      if (dim == Dim(1)) continue;
      longer.push_back(perm[static_cast<size_t>(axis)]);
      elements *= static_cast<double>(dim.coefficient()) * std::pow(64, dim.symbols().size());
    }
    moved += 1.0 / 8 + (std::ranges::is_sorted(longer) ? 0 : elements);
  }
  return moved;
}

// Nodes that compute something.
int CountWork(const Graph& graph) {
  int count = graph.size();
  for (const char* op : {"Transpose", "Unsqueeze", "Constant"}) count -= CountOps(graph, op);
  return count;
}

TEST(ChannelsLastTest, EveryRewriteMovesLessAndDuplicatesNothing) {
  PassOptions options = TestOptions({"cancel_transposes"});
  options.max_rewrites = 1;
  for (uint32_t seed = 1; seed <= 400 && !HasFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    RandomOrders random(seed);
    Graph& graph = random.graph();
    double moved = MovedElements(graph);
    int work = CountWork(graph);
    while (!HasFailure() && !MustOptimize(graph, options).rewrites.empty()) {
      EXPECT_LT(MovedElements(graph), moved);
      EXPECT_LE(CountWork(graph), work);
      moved = MovedElements(graph);
      work = CountWork(graph);
    }
  }
}

}  // namespace
}  // namespace weft
