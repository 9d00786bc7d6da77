#include "graph/bind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/text.h"
#include "tests/graph/testing_ops.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

Graph Small() {
  Graph g(TestOps());
  const Value x = g.AddInput("x", F32Type({N(), 3, 2})).value();
  const Value s = g.AddInput("s", {DType::kI64, {2}}).value();
  Node* flat = g.AddNode({.op = "Flatten", .name = "flat", .inputs = {x}}).value();
  Node* shaped =
      g.AddNode({.op = "Reshape", .name = "shaped", .inputs = {flat->output(0), s}}).value();
  EXPECT_TRUE(g.AddOutput("flat", flat->output(0)).ok());
  EXPECT_TRUE(g.AddOutput("y", shaped->output(0)).ok());
  return g;
}

TEST(BindTest, SymbolsBecomeNumbersInEveryType) {
  const Graph g = Small();
  NodeMap map;
  const Graph bound = Bind(g, {{"N", 5}}, {}, &map).value();
  EXPECT_EQ(ToString(bound.Find("x")->type()), "f32[5,3,2]");
  EXPECT_EQ(ToString(bound.Find("flat")->type()), "f32[5,6]");
  EXPECT_EQ(ToString(g.Find("flat")->type()), "f32[N,6]");
  EXPECT_EQ(map.at(g.Find("flat")), bound.Find("flat"));
  EXPECT_TRUE(bound.Verify().ok());
}

TEST(BindTest, AnInputMadeConstantSharpensTypes) {
  const Graph g = Small();
  EXPECT_EQ(ToString(g.Find("shaped")->type()), "f32[shaped.d0,shaped.d1]");
  const Tensor shape = Tensor::FromInts(std::vector<int64_t>{10, 3});
  const Graph bound = Bind(g, {}, {{"s", shape}}).value();
  EXPECT_EQ(ToString(bound.Find("shaped")->type()), "f32[10,3]");
  EXPECT_EQ(bound.inputs().size(), 1u);
}

TEST(BindTest, WrongBindingsNameTheInput) {
  const Graph g = Small();
  EXPECT_THAT(Message(Bind(g, {{"N", -1}}).status()), HasSubstr("N"));
  EXPECT_THAT(Message(Bind(g, {}, {{"t", F32({1}, {1})}}).status()), HasSubstr("'t'"));
  EXPECT_THAT(Message(Bind(g, {}, {{"s", F32({2}, {1, 2})}}).status()), HasSubstr("input s"));
  EXPECT_THAT(Message(Bind(g, {}, {{"s", Tensor::FromInts(std::vector<int64_t>{1})}}).status()),
              HasSubstr("input s"));
}

TEST(BindTest, ACloneIsTheSameGraphWithSharedTensors) {
  const Model model = SampleModel();
  NodeMap map;
  const Graph copy = Clone(model.graph, &map);
  EXPECT_EQ(ToText(copy), ToText(model.graph));
  EXPECT_EQ(LeafValue(*copy.Find("w")).data(), LeafValue(*model.graph.Find("w")).data());
  EXPECT_EQ(map.size(), static_cast<size_t>(model.graph.size()));
  EXPECT_TRUE(copy.Verify().ok());
}

TEST(BindTest, BindingsComeFromFeeds) {
  const Graph g = Small();
  const Tensor x = Tensor::Zeros(DType::kF32, {7, 3, 2}).value();
  EXPECT_EQ(*BindingsFromFeeds(g, {{"x", x}}), (SymbolBindings{{"N", 7}}));
  EXPECT_EQ(*BindingsFromFeeds(g, {}), SymbolBindings());
  const auto error = [&](DType dtype, Dims dims) {
    return Message(BindingsFromFeeds(g, {{"x", Tensor::Zeros(dtype, dims).value()}}).status());
  };
  EXPECT_THAT(error(DType::kF64, {7, 3, 2}), HasSubstr("input x: expected f32[N,3,2]"));
  EXPECT_THAT(error(DType::kF32, {7, 3}), HasSubstr("input x"));
  EXPECT_THAT(error(DType::kF32, {7, 4, 2}), HasSubstr("input x, axis 1: expected 3, got 4"));
}

TEST(BindTest, OneSymbolTakesOneValue) {
  Graph g(TestOps());
  g.AddInput("a", F32Type({N()})).value();
  g.AddInput("b", F32Type({Dim::Parse("2*N").value()})).value();
  EXPECT_EQ(*BindingsFromDims(g, {{"a", {3}}, {"b", {6}}}), (SymbolBindings{{"N", 3}}));
  EXPECT_THAT(Message(BindingsFromDims(g, {{"a", {3}}, {"b", {8}}}).status()), HasSubstr("N = 3"));
  EXPECT_THAT(Message(BindingsFromDims(g, {{"b", {7}}}).status()), HasSubstr("input b"));
}

}  // namespace
}  // namespace weft
