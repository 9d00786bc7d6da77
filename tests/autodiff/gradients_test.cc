#include "autodiff/gradients.h"

#include "gmock/gmock.h"
#include "graph/bind.h"
#include "tests/autodiff/testing_graph.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// The gradients of `ys` in `xs`, which must exist.
std::vector<Value> Grad(Graph& graph, std::vector<Value> ys, std::vector<Value> xs,
                        std::vector<Value> cotangents = {}) {
  absl::StatusOr<std::vector<Value>> gradients = Gradients(graph, ys, xs, cotangents);
  EXPECT_TRUE(gradients.ok()) << gradients.status();
  EXPECT_TRUE(graph.Verify().ok()) << graph.Verify();
  return gradients.ok() ? *gradients : std::vector<Value>(xs.size());
}

std::string GradError(Graph& graph, std::vector<Value> ys, std::vector<Value> xs,
                      std::vector<Value> cotangents = {}) {
  return std::string(Gradients(graph, ys, xs, cotangents).status().message());
}

TEST(Gradients, OfAProductAreTheOtherFactor) {
  TestGraph t;
  const Value a = t.Input("a", {}, {3}), b = t.Input("b", {}, {5});
  const std::vector<Value> dx = Grad(t.graph, {t.Op("Mul", {a, b})}, {a, b});
  EXPECT_THAT(t.Run(dx[0]), ElementsAre(5));
  EXPECT_THAT(t.Run(dx[1]), ElementsAre(3));
}

TEST(Gradients, AddUpWhereAValueIsReadByTwoBranches) {
  TestGraph t;
  const Value x = t.Input("x", {2}, {3, -1});
  const Value h = t.Op("Mul", {x, x});                              // x^2
  const Value left = t.Op("Mul", {h, x});                           // x^3
  const Value right = t.Op("Neg", {h});                             // -x^2
  const Value y = t.Op("ReduceSum", {t.Op("Add", {left, right})});  // 3 x^2 - 2 x
  const std::vector<Value> dx = Grad(t.graph, {t.Op("Reshape", {y, t.emitter.Ints({})})}, {x, h});
  EXPECT_THAT(t.Run(dx[0]), ElementsAre(21, 5));
  EXPECT_THAT(t.Run(dx[1]), ElementsAre(2, -2)) << "of a value in the middle: x - 1";
}

TEST(Gradients, CountAnInputReadTwiceByOneNodeTwice) {
  TestGraph t;
  const Value x = t.Input("x", {}, {3});
  EXPECT_THAT(t.Run(Grad(t.graph, {t.Op("Add", {x, x})}, {x})[0]), ElementsAre(2));
}

TEST(Gradients, OfSeveralResultsAreTheSum) {
  TestGraph t;
  const Value x = t.Input("x", {}, {3});
  const Value y = t.Op("Mul", {x, x}), z = t.Op("Neg", {x});
  EXPECT_THAT(t.Run(Grad(t.graph, {y, z, z}, {x})[0]), ElementsAre(2 * 3 - 1 - 1));
}

TEST(Gradients, FollowTheGivenCotangents) {
  TestGraph t;
  const Value x = t.Input("x", {3}, {1, 2, 3}), dy = t.Input("dy", {3}, {10, 20, 30});
  const std::vector<Value> dx = Grad(t.graph, {t.Op("Mul", {x, x})}, {x}, {dy});
  EXPECT_THAT(t.Run(dx[0]), ElementsAre(20, 80, 180));
}

TEST(Gradients, OfAnInputThatIsItselfTheResultAreOne) {
  TestGraph t;
  const Value x = t.Input("x", {1, 1}, {4});
  const Value dx = Grad(t.graph, {x}, {x})[0];
  EXPECT_EQ(ToString(dx.type()), "f64[1,1]");
  EXPECT_THAT(t.Run(dx), ElementsAre(1));
}

TEST(Gradients, OfAnUnrelatedInputAreZerosOfItsType) {
  TestGraph t;
  const Value x = t.Input("x", {}, {3}),
              other = t.Input("other", {2, 3}, std::vector<double>(6, 7));
  const Value scalar = t.Input("scalar", {}, {std::numeric_limits<double>::infinity()});
  const std::vector<Value> dx = Grad(t.graph, {t.Op("Neg", {x})}, {x, other, scalar});
  EXPECT_EQ(dx[1].type(), other.type());
  EXPECT_THAT(t.Run(dx[1]), testing::Each(0.0));
  EXPECT_THAT(t.Run(dx[2]), ElementsAre(0.0)) << "also where x is infinite";
}

TEST(Gradients, OfAnUnrelatedInputWithASymbolicBatchFollowTheSymbol) {
  TestGraph t;
  const TensorType type{DType::kF64, {Dim::Symbol("N"), 2}};
  const Value x = t.Input("x", {}, {3}), other = *t.graph.AddInput("other", type);
  t.feeds["other"] = *Tensor::Zeros(DType::kF64, {3, 2});
  const Value dx = Grad(t.graph, {t.Op("Neg", {x})}, {other})[0];
  EXPECT_EQ(dx.type(), type);
  EXPECT_EQ(t.Run(dx), std::vector<double>(6, 0.0));
}

TEST(Gradients, OfGradientsAreSecondAndThirdDerivatives) {
  TestGraph t;
  const Value x = t.Input("x", {}, {5});
  const Value cube = t.Op("Mul", {t.Op("Mul", {x, x}), x});
  const Value first = Grad(t.graph, {cube}, {x})[0];
  const Value second = Grad(t.graph, {first}, {x})[0];
  const Value third = Grad(t.graph, {second}, {x})[0];
  EXPECT_THAT(t.Run(first), ElementsAre(3 * 25));
  EXPECT_THAT(t.Run(second), ElementsAre(6 * 5));
  EXPECT_THAT(t.Run(third), ElementsAre(6));
}

TEST(Gradients, WorkWithASymbolicBatch) {
  TestGraph t;
  const Value x = *t.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), 2}});
  const Value w = t.Input("w", {2, 3}, {1, 2, 3, 4, 5, 6}), b = t.Input("b", {3}, {1, 1, 1});
  const Value y = t.Op("ReduceMean", {t.Op("Gemm", {x, w, b})}, {{"keepdims", 0}});
  const std::vector<Value> dx = Grad(t.graph, {y}, {x, w, b});
  EXPECT_EQ(ToString(dx[0].type()), "f64[N,2]");
  t.feeds["x"] = *Tensor::FromValues<double>({2, 2}, std::vector<double>{1, 2, 3, 4});
  EXPECT_THAT(t.Run(dx[0]), ElementsAre(1, 2.5, 1, 2.5));  // row sums of w, over 6 elements
  const double u = 4.0 / 6, v = 6.0 / 6;                   // column sums of x, over 6 elements
  EXPECT_THAT(t.Run(dx[1]), testing::Pointwise(testing::DoubleNear(1e-15), {u, u, u, v, v, v}));
  EXPECT_THAT(t.Run(dx[2]),
              testing::Pointwise(testing::DoubleNear(1e-15), {1. / 3, 1. / 3, 1. / 3}));
}

TEST(Gradients, OfTilingFollowSeveralSymbols) {
  TestGraph t;
  const Shape symbols = {Dim::Symbol("H"), Dim::Symbol("W")};
  const Value x = *t.graph.AddInput("x", {DType::kF64, symbols});
  t.feeds["x"] = *Tensor::FromValues<double>({2, 1}, std::vector<double>{1, 2});
  const Value y = t.Op("Tile", {x, t.emitter.Ints({2, 3})});
  const Value weights = t.Input("w", {4, 3}, {1, 2, 3, 4, 5, 6, 70, 80, 90, 100, 110, 120});
  const Value scores = t.Op(
      "Reshape", {t.Op("Mul", {t.Op("ReshapeLike", {y, weights}), weights}), t.emitter.Ints({-1})});
  EXPECT_THAT(t.Run(Grad(t.graph, {t.Op("ReduceSum", {scores}, {{"keepdims", 0}})}, {x})[0]),
              ElementsAre(246, 345));
}

TEST(Gradients, BuildNothingForInputsThatNeedNone) {
  TestGraph t;
  const Value x = t.Input("x", {1, 1, 3, 3}, std::vector<double>(9, 1));
  const Value w = t.Input("w", {1, 1, 3, 3}, std::vector<double>(9, 2));
  const Value conv = t.Op("Conv", {x, w});
  t.Op("Relu", {conv});  // no y depends on it
  Grad(t.graph, {conv}, {w});
  EXPECT_EQ(t.Count("ConvGradWeight"), 1);
  EXPECT_EQ(t.Count("ConvGradInput"), 0);
  EXPECT_EQ(t.Count("ReluGrad"), 0);
}

TEST(Gradients, BuildNothingBelowTheValuesAskedFor) {
  TestGraph t;
  const Value x = t.Input("x", {}, {2});
  const Value h = t.Op("Sigmoid", {x});
  const Value y = t.Op("Tanh", {h});
  Grad(t.graph, {y}, {h});
  EXPECT_EQ(t.Count("TanhGrad"), 1);
  EXPECT_EQ(t.Count("SigmoidGrad"), 0);
}

TEST(Gradients, DoNotFlowThroughShapes) {
  TestGraph t;
  const Value x = t.Input("x", {}, {2}), like = t.Input("like", {3}, {1, 2, 3});
  const Value y = t.Op("ReduceSum", {t.Op("ExpandLike", {x, like})}, {{"keepdims", 0}});
  const std::vector<Value> dx = Grad(t.graph, {y}, {x, like});
  EXPECT_THAT(t.Run(dx[0]), ElementsAre(3));
  EXPECT_THAT(t.Run(dx[1]), ElementsAre(0, 0, 0));
}

TEST(Gradients, DoNotFlowThroughIntegers) {
  TestGraph t;
  const Value x = t.Input("x", {3}, {1, 5, 2});
  const Value top = t.Op("ArgMax", {x}, {{"keepdims", 0}});
  const Value y = t.Op("Cast", {top}, {{"to", DType::kF64}});
  EXPECT_THAT(t.Run(Grad(t.graph, {y}, {x})[0]), ElementsAre(0, 0, 0));
}

TEST(Gradients, FlowThroughHalvesAndRoundAsThey) {
  TestGraph t;
  const Value x = t.Input("x", {2}, {3, 4});
  const Value half = t.Op("Cast", {x}, {{"to", DType::kF16}});
  const Value wide = t.Op("Cast", {half}, {{"to", DType::kF64}});
  const Value y = t.Op("Mul", {wide, t.emitter.Scalar(2049, DType::kF64)});
  const Value sum = t.Op("ReduceSum", {y}, {{"keepdims", 0}});
  EXPECT_THAT(t.Run(Grad(t.graph, {sum}, {x})[0]), ElementsAre(2048, 2048));
}

TEST(Gradients, AreRefusedWhereHalvesWouldBeAdded) {
  TestGraph t;
  const Value half = t.Op("Cast", {t.Input("x", {2}, {3, 4})}, {{"to", DType::kF16}});
  const Value picked = t.Op("Gather", {half, t.emitter.Ints({0})});
  const Value y = t.Op("Cast", {picked}, {{"to", DType::kF64}});
  EXPECT_THAT(GradError(t.graph, {y}, {half.node->input(0)}), HasSubstr("f32|f64, got f16"));
}

TEST(Gradients, AreNamedAfterTheForwardNode) {
  TestGraph t;
  const Value x = t.Input("x", {}, {2});
  absl::StatusOr<Node*> act = t.graph.AddNode({.op = "Sigmoid", .name = "act1", .inputs = {x}});
  ASSERT_TRUE(act.ok());
  const Value dx = Grad(t.graph, {(*act)->output()}, {x})[0];
  EXPECT_EQ(dx.node->name(), "grad/act1/SigmoidGrad");
}

TEST(Gradients, RememberTheForwardNodeOfAPooling) {
  TestGraph t;
  const Value x = t.Input("x", {1, 1, 2, 2}, {1, 2, 4, 3});
  const Value y = t.Op("MaxPool", {x}, {{"kernel_shape", std::vector<int64_t>{2, 2}}});
  const Value dx = Grad(t.graph, {y}, {x})[0];
  EXPECT_EQ(dx.node->forward(), y.node);
  EXPECT_THAT(t.Run(dx), ElementsAre(0, 0, 1, 0));
}

OpDef Opaque() {
  return {.name = "Opaque",
          .doc = "The input, without a gradient.",
          .inputs = {{"X"}},
          .infer = [](const InferContext& c) -> absl::StatusOr<std::vector<TensorType>> {
            return std::vector<TensorType>{c.type(0)};
          },
          .no_gradient = "it is opaque",
          .evaluate = StandardOps().Find("Identity")->evaluate};
}

TEST(Gradients, ThroughAnOpWithoutRuleAreAnErrorThatNamesNodeOpAndReason) {
  TestGraph t({Opaque()});
  const Value x = t.Input("x", {}, {2});
  absl::StatusOr<Node*> node = t.graph.AddNode({.op = "Opaque", .name = "box", .inputs = {x}});
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_EQ(GradError(t.graph, {(*node)->output()}, {x}),
            "box (Opaque): no gradient: it is opaque");
}

TEST(Gradients, IgnoreOpsWithoutRuleThatAreNotOnTheWay) {
  TestGraph t({Opaque()});
  const Value x = t.Input("x", {}, {2}), c = t.Input("c", {}, {7});
  t.Op("Opaque", {x});                                    // nothing flows back into it
  const Value y = t.Op("Mul", {x, t.Op("Opaque", {c})});  // nothing depends on x below it
  EXPECT_THAT(t.Run(Grad(t.graph, {y}, {x})[0]), ElementsAre(7));
}

TEST(Gradients, KeepTheErrorOfARuleAndSayWhoseItIs) {
  OpDef op = Opaque();
  op.no_gradient = "";
  op.gradient = [](GradientContext& c) -> InputGradients {
    return {c.Fail(absl::FailedPreconditionError("not today"))};
  };
  TestGraph t({op});
  const Value x = t.Input("x", {}, {2});
  EXPECT_EQ(GradError(t.graph, {t.Op("Opaque", {x})}, {x}),
            "gradient of Opaque (Opaque): not today");
}

TEST(Gradients, RefuseARulesResultOfTheWrongType) {
  OpDef op = Opaque();
  op.no_gradient = "";
  op.gradient = [](GradientContext& c) -> InputGradients { return {c.Scalar(1, DType::kF64)}; };
  TestGraph t({op});
  const Value x = t.Input("x", {1}, {2});
  EXPECT_EQ(GradError(t.graph, {t.Op("Opaque", {x})}, {x}),
            "gradient of Opaque (Opaque): input 0 is f64[1], its gradient f64[]");
}

TEST(Gradients, RefuseArgumentsThatMakeNoSense) {
  TestGraph t;
  const Value x = t.Input("x", {2}, {1, 2});
  const Value y = t.Op("Neg", {x});
  const Value n = *t.graph.AddInput("n", {DType::kI64, {}});
  EXPECT_THAT(GradError(t.graph, {y}, {x}), HasSubstr("y Neg is f64[2], not a scalar"));
  EXPECT_THAT(GradError(t.graph, {n}, {x}), HasSubstr("y n is i64[], not floating-point"));
  EXPECT_THAT(GradError(t.graph, {y}, {n}, {x}), HasSubstr("x n is i64[], not floating-point"));
  EXPECT_THAT(GradError(t.graph, {y}, {x}, {x, x}), HasSubstr("1 ys but 2 cotangents"));
  EXPECT_THAT(GradError(t.graph, {y}, {Value()}, {x}), HasSubstr("a null x"));
  const Value wide = t.Input("wide", {3}, {1, 2, 3});
  EXPECT_THAT(GradError(t.graph, {y}, {x}, {wide}),
              HasSubstr("y Neg is f64[2], its cotangent f64[3]"));
}

TEST(Gradients, OfBatchNormalizationInAutoModeAskForAMode) {
  TestGraph t;
  const Value x = t.Input("x", {2, 1}, {1, 2}), c = t.Input("c", {1}, {1});
  const Value y = t.Op("BatchNormalization", {x, c, c, c, c});
  const std::string error = GradError(t.graph, {y}, {x}, {x});
  EXPECT_THAT(error, StartsWith("gradient of BatchNormalization (BatchNormalization): "));
  EXPECT_THAT(error, HasSubstr("ForTraining"));
  EXPECT_THAT(error, HasSubstr("ForInference"));
}

}  // namespace
}  // namespace weft
