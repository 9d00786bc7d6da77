#include <cmath>
#include <limits>

#include "tests/ops/testing_run.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int32_t kMinI32 = std::numeric_limits<int32_t>::min();
constexpr int32_t kMaxI32 = std::numeric_limits<int32_t>::max();
constexpr int64_t kMinI64 = std::numeric_limits<int64_t>::min();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(ElementwiseTest, AddBroadcastsARowAndAColumn) {
  const Tensor sum = RunOp("Add", {F32({2, 1}, {10, 20}), F32({3}, {1, 2, 3})});
  EXPECT_EQ(sum.dims(), (Dims{2, 3}));
  EXPECT_THAT(Numbers(sum), ElementsAre(11, 12, 13, 21, 22, 23));
}

TEST(ElementwiseTest, SubTakesTheSecondFromTheFirst) {
  EXPECT_THAT(Numbers(RunOp("Sub", {F64({2}, {1, 5}), F64({}, {3})})), ElementsAre(-2, 2));
  EXPECT_THAT(Numbers(RunOp("Sub", {F64({}, {3}), F64({2}, {1, 5})})), ElementsAre(2, -2));
}

TEST(ElementwiseTest, MulOfOneChannelFactorEach) {
  const Tensor y = RunOp("Mul", {F32({1, 2, 1, 2}, {1, 2, 3, 4}), F32({2, 1, 1}, {10, -1})});
  EXPECT_THAT(Numbers(y), ElementsAre(10, 20, -3, -4));
}

TEST(ElementwiseTest, DivFollowsIeeeForFloats) {
  const Tensor y = RunOp("Div", {F64({4}, {1, -1, 0, 3}), F64({4}, {0, 0, 0, 4})});
  EXPECT_THAT(y, NumbersAre((std::vector<double>{kInf, -kInf, kNan, 0.75}), 0.0));
}

TEST(ElementwiseTest, IntegerArithmeticWrapsAround) {
  EXPECT_THAT(Numbers(RunOp("Add", {I32({1}, {kMaxI32}), I32({1}, {1})})), ElementsAre(kMinI32));
  EXPECT_THAT(Numbers(RunOp("Sub", {U8({1}, {3}), U8({1}, {5})})), ElementsAre(254));
  EXPECT_THAT(Numbers(RunOp("Mul", {I32({1}, {kMinI32}), I32({1}, {-1})})), ElementsAre(kMinI32));
  EXPECT_THAT(Numbers(RunOp("Mul", {U8({1}, {16}), U8({1}, {17})})), ElementsAre(16));
  EXPECT_EQ(RunOp("Neg", {I64({1}, {kMinI64})}).values<int64_t>()[0], kMinI64);
}

TEST(ElementwiseTest, IntegerDivisionCutsTowardsZeroAndWraps) {
  const Tensor y = RunOp("Div", {I32({4}, {7, -7, 7, kMinI32}), I32({4}, {2, 2, -2, -1})});
  EXPECT_THAT(Numbers(y), ElementsAre(3, -3, -3, kMinI32));
  EXPECT_EQ(RunOp("Div", {I64({1}, {kMinI64}), I64({1}, {-1})}).values<int64_t>()[0], kMinI64);
  EXPECT_THAT(Numbers(RunOp("Div", {U8({1}, {200}), U8({1}, {3})})), ElementsAre(66));
}

TEST(ElementwiseTest, IntegerDivisionByZeroIsAnError) {
  EXPECT_EQ(RunError("Div", {I32({3}, {1, 2, 3}), I32({3}, {1, 0, 2})}),
            "node (Div): integer division by zero: element 1 of B is 0, expected none");
}

TEST(ElementwiseTest, DividingNothingByZeroIsNoError) {
  EXPECT_EQ(RunOp("Div", {I64({0}, {}), I64({}, {0})}).dims(), Dims{0});
}

TEST(ElementwiseTest, NegAndSqrt) {
  const Tensor negative = RunOp("Neg", {F32({3}, {1, -2, 0})});
  EXPECT_THAT(Numbers(negative), ElementsAre(-1, 2, 0));
  EXPECT_TRUE(std::signbit(negative.At(2)));
  EXPECT_THAT(RunOp("Sqrt", {F64({3}, {9, 0, -1})}),
              NumbersAre((std::vector<double>{3, 0, kNan}), 0.0));
}

TEST(ElementwiseTest, InfersBroadcastSymbolicTypes) {
  EXPECT_EQ(Inferred("Add", {F32Type({"N", "10"}), F32Type({"10"})}), "f32[N,10]");
  EXPECT_EQ(Inferred("Mul", {F32Type({"1", "C", "1", "1"}), F32Type({"N", "C", "H", "W"})}),
            "f32[N,C,H,W]");
}

TEST(ElementwiseTest, RefusesShapesThatDoNotBroadcast) {
  EXPECT_EQ(Inferred("Add", {F32Type({"N", "3"}), F32Type({"4"})}),
            "node (Add): shapes [N,3] and [4] do not broadcast: expected equal dims or 1 on axis "
            "-1, got 3 and 4; operands x0 and x1");
}

TEST(ElementwiseTest, RefusesDifferentAndUnsupportedDTypes) {
  EXPECT_THAT(Inferred("Add", {F32Type({"2"}), Type(DType::kF64, {"2"})}),
              HasSubstr("input 1 (B): expected f32 as the inputs before it, got f64"));
  EXPECT_THAT(Inferred("Mul", {Type(DType::kBool, {"2"}), Type(DType::kBool, {"2"})}),
              HasSubstr("got bool"));
  EXPECT_THAT(Inferred("Neg", {Type(DType::kU8, {"2"})}), HasSubstr("got u8"));
}

TEST(ActivationTest, SigmoidOfSmallAndHugeNumbers) {
  const Tensor y = RunOp("Sigmoid", {F64({5}, {0, std::log(3), -std::log(3), 1000, -1000})});
  EXPECT_THAT(y, NumbersAre((std::vector<double>{0.5, 0.75, 0.25, 1, 0}), 1e-15));
}

TEST(ActivationTest, TanhAndRelu) {
  EXPECT_THAT(RunOp("Tanh", {F64({3}, {0, std::log(2), -std::log(2)})}),
              NumbersAre((std::vector<double>{0, 0.6, -0.6}), 1e-15));
  EXPECT_THAT(RunOp("Relu", {F64({4}, {-1, 0, 2, kNan})}),
              NumbersAre((std::vector<double>{0, 0, 2, kNan}), 0.0));
  EXPECT_THAT(Numbers(RunOp("Relu", {I32({3}, {-5, 0, 5})})), ElementsAre(0, 0, 5));
}

TEST(ActivationTest, GradientsFromTheForwardResult) {
  const Tensor dy = F64({3}, {2, 3, 4});
  EXPECT_THAT(RunOp("SigmoidGrad", {dy, F64({3}, {0.5, 0.25, 1})}),
              NumbersAre((std::vector<double>{0.5, 0.5625, 0}), 1e-15));
  EXPECT_THAT(RunOp("TanhGrad", {dy, F64({3}, {0, 0.5, -1})}),
              NumbersAre((std::vector<double>{2, 2.25, 0}), 1e-15));
  EXPECT_THAT(Numbers(RunOp("ReluGrad", {dy, F64({3}, {1, 0, 0.1})})), ElementsAre(2, 0, 4));
}

TEST(ActivationTest, GradientsWantTwoInputsOfOneShape) {
  EXPECT_EQ(Inferred("ReluGrad", {F32Type({"N", "3"}), F32Type({"N", "4"})}),
            "node (ReluGrad): expected two inputs of one shape, got [N,3] and [N,4]");
}

}  // namespace
}  // namespace weft
