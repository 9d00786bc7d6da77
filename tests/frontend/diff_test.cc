#include "frontend/analysis/diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/build/builder.h"
#include "frontend/session/session.h"
#include "graph/bind.h"
#include "ops/ops.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Graph ConvBnRelu() {
  Builder b;
  const Value x = b.Input("x", {"N", 2, 6, 6});
  const Value conv = b.Conv2d(x, {.channels = 3, .kernel = 3, .name = "conv1"});
  b.Output("y", b.Relu(b.BatchNorm2d(conv, {.name = "bn1"}), {.name = "relu1"}));
  Model model = b.Build().value();
  return std::move(model.graph);
}

TEST(DiffTest, AGraphIsEqualToItsCopy) {
  const Graph graph = ConvBnRelu();
  const GraphDiff diff = Diff(graph, Clone(graph));
  EXPECT_EQ(diff.equal, graph.size());
  EXPECT_THAT(diff.changed, IsEmpty());
  EXPECT_THAT(diff.only_a, IsEmpty());
  EXPECT_THAT(diff.only_b, IsEmpty());
}

TEST(DiffTest, FollowsNodesByTheirProvenance) {
  const Graph graph = ConvBnRelu();
  const GraphDiff diff = Diff(graph, OptimizedForInference(graph).value());
  const auto fused = std::find_if(diff.changed.begin(), diff.changed.end(),
                                  [](const NodeDiff& node) { return node.op == "FusedConv"; });
  ASSERT_NE(fused, diff.changed.end());
  EXPECT_THAT(fused->from, ElementsAre("conv1 (Conv)", "bn1 (BatchNormalization)", "relu1 (Relu)"));
  EXPECT_EQ(fused->rule, "fuse_conv_activation");
  EXPECT_THAT(fused->changes, ElementsAre("op: Conv -> FusedConv", "post_ops: none -> [Relu]"));
  EXPECT_EQ(diff.equal, 1);  // x
}

// What reads a rewritten node reads what it read before; the ops are in the head of a line.
TEST(DiffTest, SaysOnceWhatBecameOfANode) {
  Builder b;
  const Value x = b.Input("x", {"N", 2, 6, 6});
  const Value conv = b.Conv2d(x, {.channels = 3, .kernel = 3, .name = "conv1"});
  b.Output("y", b.MaxPool2d(b.Relu(conv, {.name = "relu1"}), {.kernel = 2, .name = "pool1"}));
  const Model model = b.Build().value();
  const GraphDiff diff = Diff(model.graph, OptimizedForInference(model.graph).value());
  EXPECT_EQ(diff.equal, 2);  // x, pool1
  EXPECT_EQ(diff.ToString(),
            "conv1.weight, conv1.bias\n"
            "  op: Variable -> Constant\n"
            "conv1 (FusedConv) <- conv1 (Conv) + relu1 (Relu) by fuse_conv_activation\n"
            "  post_ops: none -> [Relu]\n"
            "2 nodes are equal, 3 changed, 0 only in the first, 0 only in the second\n");
}

// Nodes of the same names are the same, whatever they were all made from.
TEST(DiffTest, SeesOperandsThatChangePlaces) {
  const auto build = [](bool swapped) {
    Graph graph(StandardOps());
    const Value x = graph.AddInput("x", {DType::kF32, {2, 4}}).value();
    const Provenance made{.rule = "made", .sources = {"first", "second"}};
    const auto add = [&](const std::string& op, const std::string& name, std::vector<Value> inputs,
                         AttributeMap attributes = {}, int outputs = 1) {
      return graph
          .AddNode({.op = op,
                    .name = name,
                    .inputs = std::move(inputs),
                    .attributes = std::move(attributes),
                    .num_outputs = outputs,
                    .provenance = made})
          .value();
    };
    const Value sizes =
        graph.AddConstant("sizes", Tensor::FromInts(std::vector<int64_t>{2, 2})).value();
    const Node* split = add("Split", "split", {x, sizes}, {{"axis", 1}}, 2);
    std::vector<Value> halves = {split->output(0), split->output(1)};
    std::vector<Value> terms = {add("Exp", "p", {x})->output(), add("Exp", "q", {x})->output()};
    if (swapped) std::swap(halves[0], halves[1]);
    if (swapped) std::swap(terms[0], terms[1]);
    EXPECT_TRUE(
        graph.AddOutput("a", add("Concat", "concat", halves, {{"axis", 1}})->output()).ok());
    EXPECT_TRUE(graph.AddOutput("b", add("Sub", "sub", terms)->output()).ok());
    return graph;
  };
  const Graph graph = build(false);
  EXPECT_THAT(Diff(graph, build(false)).changed, IsEmpty());
  const GraphDiff diff = Diff(graph, build(true));
  ASSERT_EQ(diff.changed.size(), 2u);
  EXPECT_THAT(diff.changed[0].changes, ElementsAre("inputs: (split, split:1) -> (split:1, split)"));
  EXPECT_THAT(diff.changed[1].changes, ElementsAre("inputs: (p, q) -> (q, p)"));
}

TEST(DiffTest, CountsTheElementsThatDiffer) {
  const Graph a = ConvBnRelu();
  Graph b = Clone(a);
  Node* weight = b.Find("bn1.bias");
  Tensor value = LeafValue(*weight);
  value.mutable_values<float>()[1] += 0.5f;
  ASSERT_TRUE(b.SetLeafValue(weight, value).ok());
  const GraphDiff diff = Diff(a, b);
  ASSERT_EQ(diff.changed.size(), 1u);
  ASSERT_TRUE(diff.changed[0].value);
  EXPECT_EQ(diff.changed[0].value->differing, 1);
  EXPECT_EQ(diff.changed[0].value->elements, 3);
  EXPECT_EQ(diff.changed[0].value->largest, 0.5);
  EXPECT_THAT(diff.ToString(), HasSubstr("bn1.bias (Variable)\n"
                                         "  1 of 3 elements differ, by at most 0.5\n"));
}

TEST(DiffTest, NamesAttributesTypesInputsAndWhatIsOnOneSide) {
  const auto build = [](int64_t stride, bool relu) {
    Builder b;
    Value x = b.Input("x", {"N", 2, 6, 6});
    x = b.Conv2d(x, {.channels = 3, .kernel = 2, .stride = stride, .name = "conv1"});
    if (relu) x = b.Relu(x, {.name = "relu1"});
    b.Output("y", b.Sigmoid(x, {.name = "sigmoid1"}));
    Model model = b.Build().value();
    return std::move(model.graph);
  };
  const GraphDiff diff = Diff(build(1, true), build(2, false));
  EXPECT_THAT(diff.only_a, ElementsAre("relu1 (Relu)"));
  EXPECT_THAT(diff.only_b, IsEmpty());
  EXPECT_THAT(diff.ToString(), HasSubstr("conv1 (Conv)\n"
                                         "  strides: [1,1] -> [2,2]\n"
                                         "  type: f32[N,3,5,5] -> f32[N,3,3,3]\n"));
  EXPECT_THAT(diff.ToString(), HasSubstr("  inputs: (relu1) -> (conv1)\n"));
  EXPECT_THAT(Diff(build(2, false), build(1, true)).only_b, ElementsAre("relu1 (Relu)"));
}

}  // namespace
}  // namespace weft
