// Changes of a graph that are taken back leave nothing behind.

#include "graph/transaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "graph/file/serialize.h"
#include "graph/op.h"
#include "graph/text.h"
#include "tests/graph/testing_ops.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// All that can be seen of a graph from outside: dump, file, addresses, names, uses, types, links.
std::string Everything(const Model& model) {
  std::string text = ToText(model.graph);
  for (const Node& node : model.graph.nodes()) {
    absl::StrAppend(&text, node.name(), " at ", reinterpret_cast<uintptr_t>(&node), ": ",
                    node.provenance().rule, " of ",
                    node.forward() == nullptr ? "-" : node.forward()->name(), "\n");
    EXPECT_EQ(model.graph.Find(node.name()), &node);
    for (int i = 0; i < node.num_outputs(); ++i) {
      absl::StrAppend(&text, " ", ToString(node.type(i)), " read by ",
                      model.graph.CountReaders(node.output(i)), ":");
      for (const Use& use : node.uses(i)) absl::StrAppend(&text, " ", use.user->name(), use.input);
    }
    absl::StrAppend(&text, "\n");
  }
  const Node* point = model.graph.insertion_point();
  return absl::StrCat(text, point == nullptr ? "at the end" : point->name(), "\n",
                      SerializeModel(model));
}

// Random changes of a random graph, each of which may be refused.
class Changer {
 public:
  explicit Changer(uint32_t seed) : random_(seed) {
    x_ = g().AddInput("x", Vector()).value();
    scalar_ = g().AddInput("scalar", F32Type({})).value();
    const Value shape =
        g().AddConstant("shape", Tensor::FromInts(std::vector<int64_t>{2, 2})).value();
    Value last = x_;
    for (int i = 0; i < 3; ++i) {
      const std::string n = std::to_string(i);
      g().AddVariable("v" + n, Numbers()).value();
      g().AddConstant("c" + n, Numbers()).value();
      last = g().AddNode({.op = "Relu", .name = "r" + n, .inputs = {last}}).value()->output();
    }
    g().AddNode({.op = "Reshape", .name = "reshape", .inputs = {last, shape}}).value();
    EXPECT_TRUE(g().AddOutput("y", last).ok());
  }

  const Model& model() const { return model_; }

  void Change() {
    switch (Pick(16)) {
      case 0:
      case 1:
      case 2:
        return AddNode();
      case 3:
        return Ignore(g().AddNode({.op = "Norm", .inputs = {AnyVector()}, .num_outputs = 3}));
      case 4:
      case 5:
      case 6:
        return Ignore(g().ReplaceUses(AnyValue(), AnyValue()));
      case 7:
        return Ignore(g().Rename(AnyNode(), absl::StrCat("n", Pick(20))));
      case 8:
        return Ignore(g().AddOutput(absl::StrCat("o", Pick(9)), AnyValue()));
      case 9:
        return Ignore(g().AddLoss(absl::StrCat("o", Pick(9)), Pick(2) == 0 ? scalar_ : AnyValue()));
      case 10:
        return Ignore(g().AddUpdate(AnyNode(), AnyValue()));
      case 11:
        return Pick(2) == 0 ? g().ClearOutputs() : g().ClearUpdates();
      case 12:
        return Ignore(g().SetLeafValue(AnyNode(), Numbers()));
      case 13:
        return Ignore(g().SetAttribute(AnyNode(), "epsilon", Pick(8) / 8.0));
      case 14:
        return MoveLinks();
      default:
        if (Pick(3) == 0) return Ignore(g().RemoveDeadNodes());
        return Ignore(g().RemoveDeadNodes(AnyNode()));
    }
  }

  // A transaction of up to `changes` changes and inner transactions, taken back unless `commit`.
  void Transact(int changes, bool commit) {
    Graph::Transaction transaction(g());
    for (int i = 0; i < changes; ++i) {
      if (changes > 2 && Pick(6) == 0) {
        Transact(changes / 2, Pick(2) == 0);
      } else {
        Change();
      }
    }
    EXPECT_EQ(g().Verify(), absl::OkStatus());
    if (commit) transaction.Commit();
  }

 private:
  Graph& g() { return model_.graph; }
  int Pick(int count) { return static_cast<int>(random_() % static_cast<uint32_t>(count)); }
  static TensorType Vector() { return F32Type({4}); }
  Tensor Numbers() {
    const auto v = static_cast<float>(Pick(100));
    return F32({4}, {v, v + 1, v + 2, v + 3});
  }
  template <typename Result>
  static void Ignore(const Result&) {}

  Node* AnyNode() {
    auto it = g().nodes().begin();
    std::advance(it, Pick(g().size()));
    return &*it;
  }
  Value AnyValue() {
    Node* node = AnyNode();
    return node->output(Pick(node->num_outputs()));
  }
  Value AnyVector() {
    const Value v = AnyValue();
    return v.type() == Vector() ? v : x_;
  }

  // In the middle or at the end, a gradient of an earlier node or not.
  void AddNode() {
    g().SetInsertionPoint(Pick(2) == 0 ? AnyNode() : nullptr);
    NodeSpec spec{.op = Pick(2) == 0 ? "Add" : "Relu", .inputs = {AnyVector()}};
    if (spec.op == "Add") spec.inputs.push_back(AnyVector());
    spec.provenance = {.rule = absl::StrCat("rule", Pick(3)), .sources = {"a"}};
    if (Pick(3) == 0) spec.forward = AnyNode();
    Ignore(g().AddNode(std::move(spec)));
    if (Pick(2) == 0) g().SetInsertionPoint(nullptr);
  }

  void MoveLinks() {
    Node *from = AnyNode(), *to = AnyNode();
    if (to->IsBefore(*from)) g().MoveGradientLinks(from, to);
  }

  Model model_{Graph(TestOps())};
  std::mt19937 random_;
  Value x_, scalar_;
};

TEST(TransactionTest, RevertingRandomChangesLeavesTheGraphAsItWas) {
  size_t nodes = 0, changed = 0;
  for (uint32_t seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Changer changer(seed);
    for (int round = 0; round < 4; ++round) {
      const std::string before = Everything(changer.model());
      changer.Transact(12, /*commit=*/false);
      ASSERT_EQ(Everything(changer.model()), before);
      ASSERT_EQ(changer.model().graph.Verify(), absl::OkStatus());
      changer.Transact(12, /*commit=*/true);
      changed += Everything(changer.model()) == before ? 0 : 1;
    }
    nodes += static_cast<size_t>(changer.model().graph.size());
  }
  EXPECT_GT(nodes, 4000u);  // more than the inputs, which stay
  EXPECT_GT(changed, 2000u);
}

// x[4] -> a = Relu(x) -> b = Relu(a) -> output
class Chain : public ::testing::Test {
 protected:
  Chain() {
    x = g.AddInput("x", F32Type({4})).value();
    a = Add("a", x);
    b = Add("b", a);
    EXPECT_TRUE(g.AddOutput("y", b).ok());
  }
  Value Add(const std::string& name, Value of) {
    return g.AddNode({.op = "Relu", .name = name, .inputs = {of}}).value()->output();
  }

  Graph g{TestOps()};
  Value x, a, b;
};

TEST_F(Chain, ARemovedNodeComesBackWhereItWas) {
  Graph::Transaction change(g);
  ASSERT_TRUE(g.ReplaceUses(a, x).ok());
  EXPECT_EQ(g.RemoveDeadNodes(a.node), 1);
  EXPECT_EQ(g.Find("a"), nullptr);
  EXPECT_THAT(change.changes().removed, ElementsAre(a.node));
  EXPECT_THAT(change.changes().changed, ElementsAre(b.node));
  change.Revert();
  EXPECT_EQ(g.Find("a"), a.node);
  EXPECT_EQ(b.node->input(0), a);
  EXPECT_TRUE(x.node->IsBefore(*a.node) && a.node->IsBefore(*b.node));
  EXPECT_EQ(g.Verify(), absl::OkStatus());
}

TEST_F(Chain, WhatIsCommittedInsideIsRevertedOutside) {
  const std::string before = ToText(g);
  {
    Graph::Transaction outer(g);
    Graph::Transaction inner(g);
    Add("c", b);
    inner.Commit();
    EXPECT_NE(g.Find("c"), nullptr);
    EXPECT_THAT(outer.changes().changed, ElementsAre(g.Find("c")));
  }
  EXPECT_EQ(ToText(g), before);
}

TEST_F(Chain, ChangesNameWhatIsStillThere) {
  Graph::Transaction change(g);
  const Value c = Add("c", a);
  ASSERT_TRUE(g.Rename(b.node, "d").ok());
  EXPECT_EQ(g.RemoveDeadNodes(c.node), 1);
  const Changes changes = change.changes();
  EXPECT_THAT(changes.changed, IsEmpty());
  EXPECT_THAT(changes.renamed, ElementsAre(b.node));
  EXPECT_THAT(changes.unread, UnorderedElementsAre(a));
  EXPECT_THAT(changes.removed, ElementsAre(c.node));
  change.Commit();
  EXPECT_EQ(g.Verify(), absl::OkStatus());
}

TEST_F(Chain, RemovingADeadNodeTakesWhatOnlyItNeeded) {
  const Value c = Add("c", a);
  const Value sum = g.AddNode({.op = "Add", .name = "sum", .inputs = {c, c}}).value()->output();
  EXPECT_EQ(g.RemoveDeadNodes(c.node), 0);  // sum reads it
  EXPECT_EQ(g.RemoveDeadNodes(sum.node), 2);
  EXPECT_EQ(g.size(), 3);
  EXPECT_EQ(g.Verify(), absl::OkStatus());
}

}  // namespace
}  // namespace weft
