#include "graph/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/graph/testing_ops.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(TextTest, DumpOfASampleIsThis) {
  EXPECT_EQ(ToText(SampleModel().graph),
            R"(input  x: f32[N,4]
var    w: f32[4]
var    mean: f32[4] {role=statistic}
const  none: f64[0,3]{}
const  mask: bool[3]{1,0,1}
Norm: f32[4], f32[4] = Norm(w, -, mean) {epsilon=0.25}  # fuse(a, b)
AllKinds: f32[N,4] = AllKinds(x) {dtype=bf16, float=0.1, floats=[0.5,-0,1e+300], int=-5, ints=[1,-2,4611686018427387904], post_ops=[Relu(alpha=0.25),Add(input=3)], string="a\x00)"
            "\xff"
            R"("b", strings=["","two"], tensor=f32[2]{1,2}, type=u8[N,3,64*N]}  # fuse(a, b)
Relu: f32[N,4] = Relu(AllKinds) of AllKinds  # fuse(a, b)
NonZero: i64[1,NonZero.n] = NonZero(mask)  # fuse(a, b)
Relu_1: f64[0,3] = Relu(none)  # fuse(a, b)
output y = AllKinds
output indices = NonZero
output none = Relu_1
update mean <- Norm:1
)");
}

TEST(TextTest, ProvenanceCanBeLeftOut) {
  EXPECT_THAT(ToText(SampleModel().graph, {.provenance = false}), Not(HasSubstr("#")));
}

TEST(TextTest, DefaultAttributesAndLargeConstantsAreShort) {
  Graph g(TestOps());
  const Value c = g.AddConstant("c", Tensor::Zeros(DType::kF32, {9}).value()).value();
  g.AddNode({.op = "Norm", .name = "n", .inputs = {c}}).value();
  g.AddVariable("frozen", F32({1}, {1}), /*trainable=*/false).value();
  EXPECT_EQ(ToText(g),
            "const  c: f32[9]\n"
            "n: f32[9] = Norm(c)\n"
            "var    frozen: f32[1] {trainable=0}\n");
}

TEST(TextTest, NamesCannotBreakLinesOrQuotes) {
  Graph g(TestOps());
  g.AddInput("a\n\x1b[31m\"b\\", F32Type({2})).value();
  EXPECT_EQ(ToText(g), "input  a\\x0a\\x1b[31m\"b\\: f32[2]\n");
  EXPECT_THAT(ToDot(g), HasSubstr(R"(n0 [label="a  [31m\"b\\\nf32[2]", shape=ellipse];)"));
}

TEST(DotTest, OpsAreBoxesAndWeightsAreLeftOut) {
  Graph g(TestOps());
  const Value x = g.AddInput("x", F32Type({N()})).value();
  const Value w = g.AddVariable("w", F32({2}, {1, 2})).value();
  Node* n = g.AddNode({.op = "Norm", .name = "n", .inputs = {x, w}, .num_outputs = 2}).value();
  ASSERT_TRUE(g.AddOutput("mean", n->output(1)).ok());
  ASSERT_TRUE(g.AddUpdate(w.node, w).ok());
  EXPECT_EQ(ToDot(g), R"(digraph weft {
  rankdir=TB;
  node [shape=box];
  n0 [label="x\nf32[N]", shape=ellipse];
  n1 [label="w\nVariable\nf32[2]"];
  n2 [label="n\nNorm\nf32[N]\nf32[N]"];
  n0 -> n2;
  n1 -> n2;
  out0 [label="mean", shape=ellipse];
  n2 -> out0 [label="1"];
  update0 [label="update w", shape=note];
  n1 -> update0;
}
)");
  g.ClearUpdates();
  EXPECT_THAT(ToDot(g), Not(HasSubstr("Variable")));
  EXPECT_THAT(ToDot(g), Not(HasSubstr("n1")));
}

}  // namespace
}  // namespace weft
