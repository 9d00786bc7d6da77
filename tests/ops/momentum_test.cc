#include "tests/ops/testing_run.h"

namespace weft {
namespace {

using testing::HasSubstr;

using Doubles = std::vector<double>;

AttributeMap Attributes(const char* mode) {
  return {{"alpha", 0.9}, {"beta", 0.5}, {"norm_coefficient", 0.01}, {"mode", mode}};
}

// One variable X = (1, 2) with G = (0.5, -1), so that g = 0.01 X + G = (0.51, -0.98), and
// V = (3, 4); the rate is 0.1.
std::vector<Tensor> Step(const char* mode, int64_t t) {
  auto outputs = Evaluate(
      "Momentum",
      {F64({}, {0.1}), I64({}, {t}), F64({2}, {1, 2}), F64({2}, {0.5, -1}), F64({2}, {3, 4})},
      Attributes(mode));
  EXPECT_TRUE(outputs.ok()) << outputs.status();
  return outputs.value_or(std::vector<Tensor>(2));
}

TEST(MomentumTest, TheFirstStepTakesTheWholeGradient) {
  // V' = 0.9 V + g, X' = X - 0.1 V'
  const auto outputs = Step("standard", 0);
  EXPECT_THAT(outputs[1], NumbersAre((Doubles{3.21, 2.62}), 1e-14));
  EXPECT_THAT(outputs[0], NumbersAre((Doubles{0.679, 1.738}), 1e-14));
}

TEST(MomentumTest, LaterStepsScaleItByBeta) {
  // V' = 0.9 V + 0.5 g
  const auto outputs = Step("standard", 1);
  EXPECT_THAT(outputs[1], NumbersAre((Doubles{2.955, 3.11}), 1e-14));
  EXPECT_THAT(outputs[0], NumbersAre((Doubles{0.7045, 1.689}), 1e-14));
}

TEST(MomentumTest, NesterovLooksAhead) {
  // X' = X - 0.1 (g + 0.9 V')
  const auto outputs = Step("nesterov", 1);
  EXPECT_THAT(outputs[1], NumbersAre((Doubles{2.955, 3.11}), 1e-14));
  EXPECT_THAT(outputs[0], NumbersAre((Doubles{0.68305, 1.8181}), 1e-14));
}

TEST(MomentumTest, UpdatesSeveralVariablesAndKeepsTheirOrder) {
  // alpha 0.5, beta 1, no decay: V' = 0.5 V + G, X' = X - V'.
  const auto outputs = Evaluate("Momentum",
                                {F32({}, {1}), I64({}, {7}), F32({1}, {10}), F32({2}, {20, 30}),
                                 F32({1}, {1}), F32({2}, {2, 3}), F32({1}, {4}), F32({2}, {6, 8})},
                                {{"alpha", 0.5}, {"beta", 1.0}, {"norm_coefficient", 0.0}});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  ASSERT_EQ(outputs->size(), 4u);
  EXPECT_EQ((*outputs)[0], F32({1}, {7}));
  EXPECT_EQ((*outputs)[1], F32({2}, {15, 23}));
  EXPECT_EQ((*outputs)[2], F32({1}, {3}));
  EXPECT_EQ((*outputs)[3], F32({2}, {5, 7}));
}

TEST(MomentumTest, RefusesWrongOperands) {
  const TensorType rate = F32Type({}), step = Type(DType::kI64, {}), x = F32Type({"2"});
  EXPECT_EQ(Inferred("Momentum", {rate, step, x, x}, Attributes("standard")),
            "node (Momentum): expected n variables, n gradients and 1 times n slots after the "
            "scalars; got 2 tensors");
  EXPECT_THAT(Inferred("Momentum", {rate, step}, Attributes("standard")),
              HasSubstr("got 0 tensors"));
  EXPECT_EQ(Inferred("Momentum", {rate, step, x, F32Type({"3"}), x}, Attributes("standard")),
            "node (Momentum): expected a gradient of type f32[2] for variable 0, got f32[3]");
  EXPECT_THAT(Inferred("Momentum", {rate, step, x, x, F32Type({"3"})}, Attributes("standard")),
              HasSubstr("expected a slot of type f32[2]"));
  EXPECT_THAT(Inferred("Momentum", {F32Type({"1"}), step, x, x, x}, Attributes("standard")),
              HasSubstr("expected a scalar R, got f32[1]"));
  EXPECT_THAT(Inferred("Momentum", {rate, step, x, x, x}, Attributes("heavy")),
              HasSubstr("expected one of \"standard\", \"nesterov\", got \"heavy\""));
}

}  // namespace
}  // namespace weft
