// An ONNX file as tf2onnx writes it of a Keras classifier: NHWC, with Transposes around what ONNX
// computes in NCHW.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "ops/ops.h"
#include "ops/reference.h"
#include "passes/passes.h"
#include "testing_onnx.h"

namespace weft {
namespace {

// Numbers in [-1, 1] without an order.
Tensor Mixed(Dims dims, int seed) {
  const int64_t size = std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>());
  std::vector<float> values;
  for (int64_t i = 0; i < size; ++i) {
    values.push_back(static_cast<float>((i * 37 + seed * 11) % 101) / 50 - 1);
  }
  return Floats(std::move(dims), values);
}

class KerasModel : public OnnxMaker {
 public:
  KerasModel() {
    Input("x", {-1, 9, 9, 3});
    Initializer("pads", Tensor::FromInts(Dims{0, 0, 0, 0, 0, 1, 1, 0}));
    Initializer("zero", Tensor::Scalar(0, DType::kF32));
    Initializer("six", Tensor::Scalar(6, DType::kF32));
    Node("Pad", {"x", "pads"}, {"padded"});
    Relu6(Conv2D("padded", "conv1", {4, 3, 3, 3}, {2, 2}, {0, 0, 0, 0}), "r1");
    Relu6(Conv2D("r1", "conv2", {4, 1, 3, 3}, {1, 1}, {1, 1, 1, 1}, 4), "r2");
    Conv2D("r2", "conv3", {4, 4, 1, 1}, {1, 1}, {0, 0, 0, 0});
    Node("Add", {"r1", "conv3"}, {"sum"});
    Node("MaxPool", {Turned("sum", {0, 3, 1, 2})}, {"pool/nchw"});
    Ints("kernel_shape", {2, 2}).Ints("strides", {2, 2});
    Node("Concat", {Turned("pool/nchw", {0, 2, 3, 1}), Pooled("r2")}, {"joined"}).Int("axis", 3);
    Node("ReduceMean", {"joined"}, {"features"}).Ints("axes", {1, 2}).Int("keepdims", 0);
    Initializer("dense", Mixed({8, 5}, 7)).Initializer("dense/bias", Mixed({5}, 8));
    Node("MatMul", {"features", "dense"}, {"scores"});
    Node("Add", {"scores", "dense/bias"}, {"logits"});
    Node("Softmax", {"logits"}, {"y"}).Int("axis", -1).Output("y");
  }

 private:
  std::string Turned(const std::string& x, const Dims& perm) {
    const std::string name = x + (perm[1] == 3 ? "/first" : "/last");
    Node("Transpose", {x}, {name}).Ints("perm", perm);
    return name;
  }
  std::string Conv2D(const std::string& x, const std::string& name, Dims w, const Dims& strides,
                     const Dims& pads, int64_t group = 1) {
    Initializer(name + "/kernel", Mixed(w, 1)).Initializer(name + "/bias", Mixed({w[0]}, 2));
    Node("Conv", {Turned(x, {0, 3, 1, 2}), name + "/kernel"}, {name + "/nchw"});
    Ints("strides", strides).Ints("pads", pads).Int("group", group);
    Node("Add", {Turned(name + "/nchw", {0, 2, 3, 1}), name + "/bias"}, {name});
    return name;
  }
  void Relu6(const std::string& x, const std::string& y) { Node("Clip", {x, "zero", "six"}, {y}); }
  // Every second element, by a strided slice.
  std::string Pooled(const std::string& x) {
    Initializer("starts", Tensor::FromInts(Dims{0, 0}));
    Initializer("ends", Tensor::FromInts(Dims{4, 4}));
    Initializer("axes", Tensor::FromInts(Dims{1, 2}));
    Initializer("steps", Tensor::FromInts(Dims{2, 2}));
    Node("Slice", {x, "starts", "ends", "axes", "steps"}, {x + "/strided"});
    return x + "/strided";
  }
};

int CountOps(const Graph& graph, std::string_view op) {
  return static_cast<int>(
      std::ranges::count_if(graph.nodes(), [&](const Node& node) { return node.op_name() == op; }));
}

TEST(OnnxChannelsLast, OfAKerasClassifierTheInputsTransposeIsLeft) {
  const auto model = KerasModel().Import();
  ASSERT_TRUE(model.ok()) << model.status();
  Graph graph = ForInference(model->graph).value();
  EXPECT_EQ(CountOps(graph, "Transpose"), 8);
  ReferenceEvaluator evaluator;
  const TensorMap feeds = {{"x", Mixed({2, 9, 9, 3}, 3)}};
  const Tensor expected = evaluator.RunGraph(graph, feeds).value().at("y");
  const OpCostModel costs({{"N", 1}});
  PassOptions options;
  options.evaluator = &evaluator;
  options.costs = &costs;
  ASSERT_TRUE(Optimize(graph, options).ok());
  EXPECT_EQ(CountOps(graph, "Transpose"), 1);
  EXPECT_EQ(CountOps(graph, "FusedConv") + CountOps(graph, "Conv"), 3);
  EXPECT_EQ(CountOps(graph, "Pad"), 0);
  const Tensor actual = evaluator.RunGraph(graph, feeds).value().at("y");
  ASSERT_EQ(actual.type(), expected.type());
  for (int64_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(actual.At(i), expected.At(i), 1e-5) << i;
  }
}

}  // namespace
}  // namespace weft
