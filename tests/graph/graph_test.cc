#include "graph/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>

#include "graph/op.h"
#include "tests/graph/testing_ops.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

// x[N,4] -> a = Relu(x) -> b = Relu(a) -> output
class GraphTest : public ::testing::Test {
 protected:
  GraphTest() {
    x = g.AddInput("x", F32Type({N(), 4})).value();
    a = Add({.op = "Relu", .name = "a", .inputs = {x}});
    b = Add({.op = "Relu", .name = "b", .inputs = {a}});
    EXPECT_TRUE(g.AddOutput("y", b).ok());
  }
  Value Add(NodeSpec spec) { return g.AddNode(std::move(spec)).value()->output(0); }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const Node& node : g.nodes()) names.push_back(node.name());
    return names;
  }

  Graph g{TestOps()};
  Value x, a, b;
};

TEST_F(GraphTest, NodesKnowTheirTypesAndReaders) {
  EXPECT_EQ(ToString(b.type()), "f32[N,4]");
  EXPECT_THAT(a.node->uses(), ElementsAre(Use{b.node, 0}));
  EXPECT_EQ(g.CountReaders(b), 1);
  EXPECT_TRUE(g.IsOutput(b));
  EXPECT_FALSE(g.IsOutput(a));
  EXPECT_TRUE(g.Verify().ok());
}

TEST_F(GraphTest, NamesAreMadeUnique) {
  EXPECT_EQ(Add({.op = "Relu", .name = "a", .inputs = {x}}).node->name(), "a_1");
  EXPECT_EQ(Add({.op = "Relu", .name = "a", .inputs = {x}}).node->name(), "a_2");
  EXPECT_NE(Add({.op = "Relu", .inputs = {x}}).node->name(), "");
  EXPECT_EQ(g.Find("a"), a.node);
  EXPECT_EQ(g.Find("nothing"), nullptr);
}

TEST_F(GraphTest, ManyNodesOfOneNameAreNumberedInLittleTime) {
  Value last;
  for (int i = 0; i < 20000; ++i) last = Add({.op = "Relu", .name = "r", .inputs = {x}});
  EXPECT_EQ(last.node->name(), "r_19999");
}

TEST_F(GraphTest, WrongNodesAreRefusedAndNothingIsAdded) {
  const int size = g.size();
  const auto error = [&](NodeSpec spec) { return Message(g.AddNode(std::move(spec)).status()); };
  EXPECT_THAT(error({.op = "Blur", .name = "n"}), HasSubstr("Blur"));
  EXPECT_THAT(error({.op = "Relu", .name = "n"}), HasSubstr("n (Relu)"));
  EXPECT_THAT(error({.op = "Relu", .name = "n", .inputs = {x, x}}), HasSubstr("n (Relu)"));
  EXPECT_THAT(error({.op = "Relu", .name = "n", .inputs = {x}, .attributes = {{"k", 1}}}),
              HasSubstr("'k'"));
  EXPECT_THAT(
      error({.op = "Norm", .name = "n", .inputs = {x}, .attributes = {{"epsilon", "much"}}}),
      HasSubstr("expected float, got string"));
  EXPECT_THAT(error({.op = "Norm", .name = "n", .inputs = {x}, .num_outputs = 4}),
              HasSubstr("n (Norm)"));
  const Value i = g.AddInput("i", {DType::kI64, {4}}).value();
  EXPECT_THAT(error({.op = "Relu", .name = "n", .inputs = {i}}), HasSubstr("expected f32|f64"));
  EXPECT_THAT(
      error({.op = "Add", .name = "n", .inputs = {x, g.AddInput("z", F32Type({2})).value()}}),
      HasSubstr("n (Add): expected f32[N,4], B is f32[2]"));
  EXPECT_EQ(g.size(), size + 2);
  EXPECT_TRUE(g.Verify().ok());
}

TEST_F(GraphTest, DefaultsAreFilledIn) {
  const Value n = Add({.op = "Norm", .inputs = {x}});
  EXPECT_EQ(GetFloat(n.node->attributes(), "epsilon"), 0.5);
}

TEST_F(GraphTest, OptionalOutputsExistOnlyWhenAskedFor) {
  EXPECT_EQ(Add({.op = "Norm", .inputs = {x}}).node->num_outputs(), 1);
  EXPECT_EQ(Add({.op = "Norm", .inputs = {x}, .num_outputs = 3}).node->num_outputs(), 3);
}

TEST_F(GraphTest, ANodesSpecMakesItOnceMore) {
  const Value n = Add({.op = "Norm",
                       .name = "n",
                       .inputs = {b},
                       .attributes = {{"epsilon", 0.25}},
                       .num_outputs = 3,
                       .provenance = {.rule = "r", .sources = {"a", "b"}},
                       .forward = a.node});
  NodeSpec spec = n.node->Spec();
  spec.name = "again";
  const Node& again = *Add(spec).node;
  EXPECT_EQ(again.op_name(), "Norm");
  EXPECT_EQ(again.name(), "again");
  EXPECT_THAT(again.inputs(), ElementsAre(b));
  EXPECT_EQ(GetFloat(again.attributes(), "epsilon"), 0.25);
  EXPECT_EQ(again.num_outputs(), 3);
  EXPECT_EQ(again.provenance(), (Provenance{.rule = "r", .sources = {"a", "b"}}));
  EXPECT_EQ(again.forward(), a.node);
  EXPECT_EQ(n.node->Spec().name, "n");
}

TEST_F(GraphTest, FreshSymbolsAreTheNodesOwn) {
  const Value p = Add({.op = "NonZero", .name = "p", .inputs = {x}});
  const Value q = Add({.op = "NonZero", .name = "q", .inputs = {x}});
  EXPECT_EQ(ToString(p.type()), "i64[2,p.n]");
  EXPECT_EQ(ToString(q.type()), "i64[2,q.n]");
}

TEST_F(GraphTest, InsertionPointKeepsTheOrder) {
  g.SetInsertionPoint(b.node);
  const Value c = Add({.op = "Relu", .name = "c", .inputs = {a}});
  ASSERT_TRUE(g.ReplaceUses(b, c).ok());
  g.SetInsertionPoint(nullptr);
  EXPECT_THAT(Names(), ElementsAre("x", "a", "c", "b"));
  EXPECT_EQ(g.outputs()[0].value, c);
  EXPECT_TRUE(g.Verify().ok());
  EXPECT_EQ(g.RemoveDeadNodes(), 1);
  EXPECT_THAT(Names(), ElementsAre("x", "a", "c"));
  EXPECT_EQ(g.Find("b"), nullptr);
  EXPECT_TRUE(g.Verify().ok());
}

TEST_F(GraphTest, ManyInsertionsAtOnePlaceKeepTheOrder) {
  g.SetInsertionPoint(b.node);
  Value last = a;
  for (int i = 0; i < 200; ++i) {
    last = Add({.op = "Relu", .inputs = {last}});
    g.SetInsertionPoint(b.node);
  }
  EXPECT_TRUE(g.ReplaceUses(a, x).ok());
  EXPECT_FALSE(g.ReplaceUses(x, b).ok());
  EXPECT_TRUE(g.Verify().ok());
}

TEST_F(GraphTest, ReplaceUsesRefusesAValueThatComesAfterAReader) {
  const Value late = Add({.op = "Relu", .name = "late", .inputs = {b}});
  const absl::Status status = g.ReplaceUses(a, late);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(Message(status), HasSubstr("late (Relu) comes after its reader b (Relu)"));
  EXPECT_EQ(b.node->input(0), a);
  EXPECT_TRUE(g.Verify().ok());
}

TEST_F(GraphTest, ReplaceUsesRefusesAnotherType) {
  const Value z = g.AddInput("z", F32Type({2})).value();
  EXPECT_THAT(Message(g.ReplaceUses(b, z)), HasSubstr("f32[2]"));
}

TEST_F(GraphTest, ReplaceUsesMovesEveryReader) {
  const Value twice = Add({.op = "Add", .inputs = {a, a}});
  ASSERT_TRUE(g.ReplaceUses(a, x).ok());
  EXPECT_EQ(twice.node->input(0), x);
  EXPECT_EQ(twice.node->input(1), x);
  EXPECT_EQ(g.CountReaders(a), 0);
  EXPECT_EQ(g.CountReaders(x), 4);  // a, b and both of Add
  EXPECT_TRUE(g.Verify().ok());
}

TEST_F(GraphTest, DeadCodeGoesInputsAndUpdatesStay) {
  const Value w = g.AddVariable("w", F32({2}, {1, 2})).value();
  const Value dead = g.AddVariable("dead", F32({2}, {1, 2})).value();
  const Value next = Add({.op = "Relu", .name = "next", .inputs = {w}});
  Add({.op = "Relu", .name = "unread", .inputs = {dead}});
  g.AddInput("unused", F32Type({1})).value();
  ASSERT_TRUE(g.AddUpdate(w.node, next).ok());
  EXPECT_EQ(g.RemoveDeadNodes(), 2);
  EXPECT_THAT(Names(), ElementsAre("x", "a", "b", "w", "next", "unused"));
  EXPECT_TRUE(g.Verify().ok());
}

TEST_F(GraphTest, ForwardLinksFollowARewriteAndGoWithTheirNode) {
  Node* gradient = g.AddNode({.op = "Relu", .name = "g", .inputs = {a}, .forward = a.node}).value();
  g.MoveGradientLinks(a.node, b.node);
  EXPECT_EQ(gradient->forward(), b.node);
  g.ClearOutputs();
  ASSERT_TRUE(g.AddOutput("g", gradient->output(0)).ok());
  EXPECT_EQ(g.RemoveDeadNodes(), 1);
  EXPECT_EQ(gradient->forward(), nullptr);
}

TEST_F(GraphTest, ValuesThatAreNotThereAreRefused) {
  Graph other(TestOps());
  const Value foreign = other.AddInput("foreign", F32Type({N(), 4})).value();
  const auto error = [&](Value v) {
    return Message(g.AddNode({.op = "Relu", .name = "n", .inputs = {v}}).status());
  };
  EXPECT_EQ(error(Value{a.node, 1}),
            "n (Relu): input 0: expected an output of a node before it, got a (Relu) output 1");
  EXPECT_THAT(error(Value{a.node, -1}), HasSubstr("a (Relu) output -1"));
  EXPECT_THAT(error(foreign), HasSubstr("foreign (Input) output 0"));
  EXPECT_FALSE(g.AddOutput("z", Value{a.node, 1}).ok());
  EXPECT_FALSE(g.AddOutput("z", foreign).ok());
  const Value w = g.AddVariable("w", F32({2}, {1, 2})).value();
  EXPECT_FALSE(g.AddUpdate(w.node, Value{a.node, 1}).ok());
  g.SetInsertionPoint(a.node);
  EXPECT_THAT(error(b), HasSubstr("b (Relu) output 0"));
  EXPECT_FALSE(g.AddNode({.op = "Relu", .inputs = {x}, .forward = b.node}).ok());
  EXPECT_TRUE(g.AddNode({.op = "Relu", .inputs = {x}}).ok());
  EXPECT_TRUE(g.Verify().ok());
}

TEST_F(GraphTest, InferenceThatReadsAConstantKeepsItsType) {
  const auto ints = [](std::vector<int64_t> v) { return Tensor::FromInts(v); };
  const Value shape = g.AddConstant("shape", ints({2, 3})).value();
  const Value other = g.AddConstant("other", ints({3, 2})).value();
  const Value same = g.AddConstant("same", ints({2, 3})).value();
  Add({.op = "Reshape", .name = "r", .inputs = {x, shape}});
  EXPECT_THAT(Message(g.ReplaceUses(shape, other)), HasSubstr("r (Reshape)"));
  EXPECT_THAT(Message(g.SetLeafValue(shape.node, ints({3, 2}))), HasSubstr("r (Reshape)"));
  EXPECT_EQ(LeafValue(*shape.node).At(0), 2);
  EXPECT_TRUE(g.SetLeafValue(shape.node, ints({2, 3})).ok());
  EXPECT_TRUE(g.ReplaceUses(shape, same).ok());
  EXPECT_TRUE(g.Verify().ok());
}

TEST_F(GraphTest, MovingForwardLinksToTheirOwnNodeChangesNothing) {
  Node* gradient = g.AddNode({.op = "Relu", .name = "g", .inputs = {a}, .forward = a.node}).value();
  g.MoveGradientLinks(a.node, a.node);
  g.MoveGradientLinks(a.node, b.node);
  EXPECT_EQ(gradient->forward(), b.node);
}

TEST(OpTest, VariadicOpsHaveNoHolesAndAllTheirOutputs) {
  OpRegistry ops;
  ASSERT_TRUE(RegisterLeaves(ops).ok());
  ASSERT_TRUE(
      ops.Register({.name = "All",
                    .inputs = {{"X", kFloatTypes, Arity::kVariadic}},
                    .infer = [](const InferContext& c) -> absl::StatusOr<std::vector<TensorType>> {
                      return std::vector(static_cast<size_t>(c.num_inputs()), c.type(0));
                    },
                    .variadic_outputs = true})
          .ok());
  Graph g(ops);
  const Value x = g.AddInput("x", F32Type({2})).value();
  EXPECT_EQ(Message(g.AddNode({.op = "All", .name = "n", .inputs = {x, Value(), x}}).status()),
            "n (All): input 1 (X): expected a value, got none");
  EXPECT_EQ(
      Message(g.AddNode({.op = "All", .name = "n", .inputs = {x, x}, .num_outputs = 1}).status()),
      "n (All): expected 2 to 2 outputs, got 1");
  EXPECT_EQ(g.AddNode({.op = "All", .inputs = {x, x}}).value()->num_outputs(), 2);
}

TEST_F(GraphTest, TheCostOfHugeSizesIsAnError) {
  EXPECT_THAT(Message(CostOf(*b.node, {{"N", int64_t{1} << 62}}).status()), HasSubstr("b (Relu)"));
}

TEST_F(GraphTest, UpdatesAndOutputsAreChecked) {
  const Value w = g.AddVariable("w", F32({2}, {1, 2})).value();
  EXPECT_THAT(Message(g.AddUpdate(w.node, a)), HasSubstr("update of w: expected f32[2]"));
  EXPECT_FALSE(g.AddUpdate(a.node, a).ok());
  EXPECT_TRUE(g.AddUpdate(w.node, w).ok());
  EXPECT_FALSE(g.AddUpdate(w.node, w).ok());
  EXPECT_FALSE(g.AddOutput("y", a).ok());
  EXPECT_FALSE(g.AddOutput("null", Value()).ok());
}

TEST_F(GraphTest, LeavesKeepTheirTensorsAndFlags) {
  const Value w = g.AddVariable("w", F32({2}, {1, 2}), false, kStatistic).value();
  EXPECT_FALSE(IsTrainable(*w.node));
  EXPECT_EQ(VariableRole(*w.node), "statistic");
  EXPECT_EQ(ConstantValue(w), nullptr);
  ASSERT_TRUE(g.SetLeafValue(w.node, F32({2}, {3, 4})).ok());
  EXPECT_EQ(LeafValue(*w.node).At(1), 4);
  EXPECT_FALSE(g.SetLeafValue(w.node, F32({3}, {3, 4, 5})).ok());
  EXPECT_FALSE(g.SetLeafValue(a.node, F32({2}, {3, 4})).ok());
  const Value c = g.AddConstant("c", F32({1}, {7})).value();
  EXPECT_EQ(ConstantValue(c)->At(0), 7);
}

TEST_F(GraphTest, LossesAreKeptApartFromOutputs) {
  const Value s = g.AddInput("s", F32Type({})).value();
  ASSERT_TRUE(g.AddLoss("loss", s).ok());
  EXPECT_EQ(g.outputs().size(), 1u);
  ASSERT_EQ(g.losses().size(), 1u);
  EXPECT_EQ(g.losses()[0].value, s);
  EXPECT_TRUE(g.IsOutput(s));
  EXPECT_FALSE(g.AddLoss("vector", a).ok());
  EXPECT_FALSE(g.AddLoss("y", s).ok());  // an output's name
  EXPECT_FALSE(g.AddOutput("loss", s).ok());
  const Value t = Add({.op = "Relu", .name = "t", .inputs = {s}});
  EXPECT_FALSE(g.ReplaceUses(s, t).ok());  // t would read itself
  EXPECT_EQ(g.losses()[0].value, s);
  EXPECT_TRUE(g.Verify().ok());
  g.ClearOutputs();
  EXPECT_TRUE(g.losses().empty());
  EXPECT_FALSE(g.IsOutput(s));
}

TEST_F(GraphTest, AConstantsAttributeIsAsCarefullyChangedAsItsValue) {
  const auto ints = [](std::vector<int64_t> v) { return Tensor::FromInts(v); };
  const Value shape = g.AddConstant("shape", ints({2, 3})).value();
  Add({.op = "Reshape", .name = "r", .inputs = {x, shape}});
  EXPECT_THAT(Message(g.SetAttribute(shape.node, "value", ints({3, 2}))), HasSubstr("r (Reshape)"));
  EXPECT_EQ(LeafValue(*shape.node).At(0), 2);
  EXPECT_TRUE(g.Verify().ok());
}

// The time that a graph of `n` nodes takes to build, to ask and to verify.
double SecondsFor(int n, void (*build)(Graph&, int)) {
  const std::clock_t start = std::clock();
  Graph g(TestOps());
  build(g, n);
  int readers = 0;
  for (const Node& node : g.nodes()) readers += g.CountReaders(node.output());
  EXPECT_GE(readers, n);
  EXPECT_EQ(g.Verify(), absl::OkStatus());
  EXPECT_EQ(g.ReplaceUses(g.Find("x")->output(), g.Find("z")->output()), absl::OkStatus());
  EXPECT_EQ(g.CountReaders(g.Find("x")->output()), 0);
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

// Ten times the nodes take about ten times as long; a hundred times where each looks at all.
void ExpectLinearTime(void (*build)(Graph&, int)) {
  double small = 1e9, large = 1e9;
  for (int i = 0; i < 2; ++i) {
    small = std::min(small, SecondsFor(2000, build));
    large = std::min(large, SecondsFor(20000, build));
  }
  EXPECT_LT(large, 35 * small) << small << " s and " << large << " s";
}

void AddTwoInputs(Graph& g) {
  for (const char* name : {"x", "z"}) ASSERT_TRUE(g.AddInput(name, F32Type({4})).ok());
}

TEST(GraphSizeTest, ManyOutputsTakeLinearTime) {
  ExpectLinearTime([](Graph& g, int n) {
    AddTwoInputs(g);
    for (int i = 0; i < n; ++i) {
      const Value v =
          g.AddNode({.op = "Relu", .inputs = {g.Find("x")->output()}}).value()->output();
      ASSERT_TRUE(g.AddOutput("o" + std::to_string(i), v).ok());
      ASSERT_TRUE(g.IsOutput(v));
    }
  });
}

TEST(GraphSizeTest, ManyOutputsOfOneValueTakeLinearTime) {
  ExpectLinearTime([](Graph& g, int n) {
    AddTwoInputs(g);
    for (int i = 0; i < n; ++i) {
      ASSERT_TRUE(g.AddOutput("o" + std::to_string(i), g.Find("x")->output()).ok());
    }
  });
}

TEST(GraphSizeTest, ManyUpdatesTakeLinearTime) {
  ExpectLinearTime([](Graph& g, int n) {
    AddTwoInputs(g);
    for (int i = 0; i < n; ++i) {
      const Value v = g.AddVariable("v", F32({4}, {1, 2, 3, 4})).value();
      ASSERT_TRUE(g.AddUpdate(v.node, g.Find("x")->output()).ok());
    }
  });
}

TEST(GraphSizeTest, ManyReadersOfOneValueTakeLinearTime) {
  ExpectLinearTime([](Graph& g, int n) {
    AddTwoInputs(g);
    for (int i = 0; i < n; ++i) {
      ASSERT_TRUE(g.AddNode({.op = "Relu", .inputs = {g.Find("x")->output()}}).ok());
    }
    // Every other one goes again.
    std::vector<Node*> nodes;
    for (Node& node : g.nodes()) nodes.push_back(&node);
    for (size_t i = 2; i < nodes.size(); i += 2) EXPECT_EQ(g.RemoveDeadNodes(nodes[i]), 1);
    for (int i = 0; i < n; ++i) {
      ASSERT_TRUE(g.AddOutput("o" + std::to_string(i), g.Find("x")->output()).ok());
    }
  });
}

}  // namespace
}  // namespace weft
