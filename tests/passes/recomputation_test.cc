#include "passes/memory/recomputation.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "autodiff/gradients.h"
#include "ops/ops.h"
#include "passes/memory/forecast.h"

namespace weft {
namespace {

// loss = sum(sin(exp(x * w))): the gradients read exp's result and x * w or what follows from them.
Graph StepToRecompute() {
  Graph g(StandardOps());
  const Value x = *g.AddInput("x", {DType::kF32, {64, 64}});
  const Value w = *g.AddVariable("w", *Tensor::Zeros(DType::kF32, {64, 64}));
  const Value product = (*g.AddNode({.op = "Mul", .name = "product", .inputs = {x, w}}))->output();
  const Value e = (*g.AddNode({.op = "Exp", .name = "exp", .inputs = {product}}))->output();
  const Value s = (*g.AddNode({.op = "Sin", .name = "sin", .inputs = {e}}))->output();
  const Value loss = (*g.AddNode({.op = "ReduceSum",
                                  .name = "loss",
                                  .inputs = {s},
                                  .attributes = {{"keepdims", int64_t{0}}}}))
                         ->output();
  EXPECT_TRUE(g.AddOutput("loss", loss).ok());
  const Value losses[] = {loss}, xs[] = {w};
  const Value dw = (*Gradients(g, losses, xs))[0];
  EXPECT_TRUE(g.AddUpdate(g.Find("w"), dw).ok());
  return g;
}

int CandidateNumber(const Recomputation& r, const Graph& graph, std::string_view node) {
  int number = 0;
  for (const Node& n : graph.nodes()) {
    if (n.name() == node) break;
    number += n.num_outputs();
  }
  EXPECT_NE(std::count(r.candidates().begin(), r.candidates().end(), number), 0) << node;
  return number;
}

TEST(Recomputation, ComputesAgainWhatIsChosenJustBeforeItIsRead) {
  const Graph graph = StepToRecompute();
  const Recomputation r(graph, {}, {});
  Recomputation::Choice choice = r.Nothing();
  choice[static_cast<size_t>(CandidateNumber(r, graph, "exp"))] = true;
  const auto again = r.Apply(choice);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->Verify().ok()) << again->Verify();
  const Node* copy = again->Find("exp/again");
  ASSERT_NE(copy, nullptr);
  EXPECT_TRUE(again->Find("loss")->IsBefore(*copy));
  // Only the forward pass reads the first one.
  ASSERT_EQ(again->Find("exp")->uses().size(), 1u);
  EXPECT_EQ(again->Find("exp")->uses()[0].user->name(), "sin");
  EXPECT_FALSE(copy->uses().empty());

  const auto before = r.Of(r.Nothing(), 0), after = r.Of(choice, 0);
  EXPECT_EQ(before.nodes, 0);
  EXPECT_GE(after.nodes, 1);
  EXPECT_GT(after.flops, before.flops);
  EXPECT_LE(after.peak, before.peak);
}

// A network may have any names, and a pass that computes again gives the same ones.
TEST(Recomputation, TakesNoNameThatTheGraphHas) {
  Graph graph = StepToRecompute();
  Node* last = graph.updates()[0].value.node;
  ASSERT_TRUE(graph.Rename(last, "exp/again").ok());
  const std::string op(last->op_name());
  const Recomputation r(graph, {}, {});
  Recomputation::Choice choice = r.Nothing();
  choice[static_cast<size_t>(CandidateNumber(r, graph, "exp"))] = true;
  Recomputation::FirstNames firsts;
  const auto again = r.Apply(choice, &firsts);
  ASSERT_TRUE(again.ok()) << again.status();
  for (const Node& node : graph.nodes()) EXPECT_NE(again->Find(node.name()), nullptr);
  EXPECT_EQ(again->Find("exp/again")->op_name(), op);
  ASSERT_TRUE(firsts.contains("exp/again_1"));
  EXPECT_EQ(firsts["exp/again_1"], "exp");
  EXPECT_EQ(again->Find("exp/again_1")->op_name(), "Exp");
}

TEST(Recomputation, LeavesAGraphAloneWhereNothingIsChosen) {
  const Graph graph = StepToRecompute();
  const Recomputation r(graph, {}, {});
  EXPECT_EQ(r.Apply(r.Nothing())->size(), graph.size());
}

TEST(Recomputation, NeverComputesAgainWhatItMustNot) {
  const Graph graph = StepToRecompute();
  const Recomputation all(graph, {}, {}), some(graph, {"exp"}, {});
  EXPECT_EQ(some.candidates().size() + 1, all.candidates().size());
}

// A chain of sines, the gradients of which read what each of them reads.
Graph LongChain(int length) {
  Graph g(StandardOps());
  const Value x = *g.AddInput("x", {DType::kF32, {64, 64}});
  const Value w = *g.AddVariable("w", *Tensor::Zeros(DType::kF32, {64, 64}));
  Value h = (*g.AddNode({.op = "Mul", .name = "product", .inputs = {x, w}}))->output();
  for (int i = 0; i < length; ++i) {
    h = (*g.AddNode({.op = "Sin", .name = absl::StrCat("sin", i), .inputs = {h}}))->output();
  }
  const Value loss = (*g.AddNode({.op = "ReduceSum",
                                  .name = "loss",
                                  .inputs = {h},
                                  .attributes = {{"keepdims", int64_t{0}}}}))
                         ->output();
  EXPECT_TRUE(g.AddOutput("loss", loss).ok());
  const Value losses[] = {loss}, xs[] = {w};
  EXPECT_TRUE(g.AddUpdate(g.Find("w"), (*Gradients(g, losses, xs))[0]).ok());
  return g;
}

// Far from the turns at which memory is at its most, nothing transient counts.
TEST(RecomputationForecast, IsWhatAWalkOverTheStepFinds) {
  const Graph graph = LongChain(40);
  const Recomputation r(graph, {}, {});
  const size_t limit = r.Of(r.Nothing(), 0).peak * 8 / 10;
  RecomputationForecast forecast(r, r.Nothing(), limit);
  EXPECT_EQ(forecast.excess(), r.Of(r.Nothing(), limit).excess);
  EXPECT_GT(forecast.excess(), 0);
  Recomputation::Choice choice = r.Nothing();
  for (const int i : {4, 10, 7, 8}) {
    const int v = CandidateNumber(r, graph, absl::StrCat("sin", i));
    const Recomputation::Measure before = r.Of(choice, limit);
    choice[static_cast<size_t>(v)] = true;
    const Recomputation::Measure after = r.Of(choice, limit);
    EXPECT_EQ(forecast.GainOf(v), (before.excess - after.excess) / (after.work - before.work));
    forecast.Choose(v);
    EXPECT_EQ(forecast.excess(), after.excess) << i;
  }
  // One whose reader is computed again is read for that.
  RecomputationForecast back(r, choice, limit);
  for (const int i : {10, 8}) {
    const int v = CandidateNumber(r, graph, absl::StrCat("sin", i));
    const Recomputation::Measure before = r.Of(choice, limit);
    choice[static_cast<size_t>(v)] = false;
    const Recomputation::Measure after = r.Of(choice, limit);
    EXPECT_EQ(back.LossOf(v), after.excess - before.excess) << i;
    EXPECT_EQ(back.WorkSavedBy(v), before.work - after.work) << i;
    back.Keep(v);
    EXPECT_EQ(back.excess(), after.excess) << i;
  }
}

}  // namespace
}  // namespace weft
