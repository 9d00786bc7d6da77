#include <limits>

#include "tests/ops/testing_run.h"

// Comparisons, logic, Where, and the element-wise ops of any number of operands. Values marked ONNX
// are those of the examples in ONNX's operator documentation.

namespace weft {
namespace {

using testing::ElementsAre;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(CompareTest, ComparesNumbers) {
  const Tensor a = F32({4}, {1, 2, 3, -0.0f}), b = F32({4}, {2, 2, 2, 0.0f});
  EXPECT_EQ(RunOp("Equal", {a, b}), Bool({4}, {false, true, false, true}));
  EXPECT_EQ(RunOp("Greater", {a, b}), Bool({4}, {false, false, true, false}));
  EXPECT_EQ(RunOp("GreaterOrEqual", {a, b}), Bool({4}, {false, true, true, true}));
  EXPECT_EQ(RunOp("Less", {a, b}), Bool({4}, {true, false, false, false}));
  EXPECT_EQ(RunOp("LessOrEqual", {a, b}), Bool({4}, {true, true, false, true}));
}

TEST(CompareTest, BroadcastsARowAgainstAColumn) {
  EXPECT_EQ(RunOp("Less", {I64({2, 1}, {1, 2}), I64({2}, {2, 1})}),
            Bool({2, 2}, {true, false, false, false}));
}

TEST(CompareTest, NanIsNeitherEqualNorGreaterNorLess) {
  const Tensor nan = F32({2}, {kNan, kNan}), x = F32({2}, {kNan, 1});
  for (const char* op : {"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"}) {
    EXPECT_EQ(RunOp(op, {nan, x}), Bool({2}, {false, false})) << op;
  }
}

TEST(CompareTest, StorageTypesKeepTheirOrder) {
  const Tensor large = Make<uint64_t>({2}, {UINT64_MAX, uint64_t{1} << 63});
  const Tensor next = Make<uint64_t>({2}, {UINT64_MAX - 1, 1});
  EXPECT_EQ(RunOp("Greater", {large, next}), Bool({2}, {true, true}));
  EXPECT_EQ(RunOp("Equal", {large, next}), Bool({2}, {false, false}));
  EXPECT_EQ(RunOp("Less", {Make<int8_t>({1}, {-1}), Make<int8_t>({1}, {1})}), Bool({1}, {true}));
  EXPECT_EQ(RunOp("Less", {I64({1}, {INT64_MAX - 1}), I64({1}, {INT64_MAX})}), Bool({1}, {true}));
  const Tensor halves = RunOp("Cast", {F32({3}, {-1, NAN, 2})}, {{"to", DType::kF16}});
  EXPECT_EQ(RunOp("LessOrEqual", {halves, halves}), Bool({3}, {true, false, true}));
}

TEST(CompareTest, EqualOfTruthsAndBytes) {
  EXPECT_EQ(RunOp("Equal", {Bool({2}, {true, false}), Bool({}, {true})}), Bool({2}, {true, false}));
  EXPECT_EQ(RunOp("Greater", {U8({2}, {200, 3}), U8({2}, {100, 3})}), Bool({2}, {true, false}));
}

TEST(LogicTest, TruthTables) {
  const Tensor a = Bool({4}, {false, false, true, true});
  const Tensor b = Bool({4}, {false, true, false, true});
  EXPECT_EQ(RunOp("And", {a, b}), Bool({4}, {false, false, false, true}));
  EXPECT_EQ(RunOp("Or", {a, b}), Bool({4}, {false, true, true, true}));
  EXPECT_EQ(RunOp("Xor", {a, b}), Bool({4}, {false, true, true, false}));
}

TEST(WhereTest, ChoosesElementByElement) {  // ONNX
  const Tensor condition = Bool({2, 2}, {true, false, true, true});
  EXPECT_EQ(RunOp("Where", {condition, F32({2, 2}, {1, 2, 3, 4}), F32({2, 2}, {9, 8, 7, 6})}),
            F32({2, 2}, {1, 8, 3, 4}));
}

TEST(WhereTest, BroadcastsAllThree) {
  EXPECT_EQ(RunOp("Where", {Bool({2, 1}, {true, false}), I64({}, {7}), I64({3}, {1, 2, 3})}),
            I64({2, 3}, {7, 7, 7, 1, 2, 3}));
}

TEST(WhereTest, DoesNotTouchWhatItDoesNotChoose) {
  EXPECT_EQ(RunOp("Where", {Bool({2}, {true, false}), F32({2}, {1, kNan}), F32({}, {0})}),
            F32({2}, {1, 0}));
}

TEST(VariadicTest, MaxMinSumMeanOfThree) {  // ONNX
  EXPECT_EQ(RunOp("Max", {F32({3}, {3, 2, 1}), F32({3}, {1, 4, 4}), F32({3}, {2, 5, 3})}),
            F32({3}, {3, 5, 4}));
  EXPECT_EQ(RunOp("Min", {F32({3}, {3, 2, 1}), F32({3}, {1, 4, 4}), F32({3}, {2, 5, 0})}),
            F32({3}, {1, 2, 0}));
  const std::vector<Tensor> xs = {F32({3}, {3, 0, 2}), F32({3}, {1, 3, 4}), F32({3}, {2, 6, 6})};
  EXPECT_EQ(RunOp("Sum", xs), F32({3}, {6, 9, 12}));
  EXPECT_EQ(RunOp("Mean", xs), F32({3}, {2, 3, 4}));
}

TEST(VariadicTest, OneOperandIsItselfAndShapesBroadcast) {
  for (const char* op : {"Max", "Min", "Sum", "Mean"}) {
    EXPECT_EQ(RunOp(op, {F32({2}, {1, -2})}), F32({2}, {1, -2})) << op;
  }
  EXPECT_EQ(RunOp("Sum", {F32({2, 1}, {10, 20}), F32({2}, {1, 2}), F32({}, {100})}),
            F32({2, 2}, {111, 112, 121, 122}));
  EXPECT_EQ(RunOp("Max", {U8({2}, {1, 200}), U8({}, {7})}), U8({2}, {7, 200}));
}

TEST(VariadicTest, NanWins) {
  const Tensor a = F32({3}, {kNan, 1, 2}), b = F32({3}, {1, kNan, 1});
  EXPECT_THAT(RunOp("Max", {a, b}), NumbersAre((std::vector<double>{kNan, kNan, 2}), 0.0));
  EXPECT_THAT(RunOp("Min", {a, b}), NumbersAre((std::vector<double>{kNan, kNan, 1}), 0.0));
}

TEST(VariadicTest, InfersSymbols) {
  EXPECT_EQ(Inferred("Max", {F32Type({"N", "3"}), F32Type({"3"}), F32Type({"1", "1"})}),
            "f32[N,3]");
  EXPECT_EQ(Inferred("Where", {Type(DType::kBool, {"N", "1"}), F32Type({"3"}), F32Type({})}),
            "f32[N,3]");
  EXPECT_EQ(Inferred("Less", {F32Type({"N", "3"}), F32Type({"3"})}), "bool[N,3]");
}

TEST(PowTest, RaisesToPowers) {  // ONNX
  EXPECT_EQ(RunOp("Pow", {F32({3}, {1, 2, 3}), F32({3}, {4, 5, 6})}), F32({3}, {1, 32, 729}));
  EXPECT_EQ(RunOp("Pow", {F32({3}, {1, 2, 3}), F32({}, {2})}), F32({3}, {1, 4, 9}));
}

TEST(PowTest, TheResultHasTheTypeOfTheBase) {  // ONNX
  EXPECT_EQ(RunOp("Pow", {F32({3}, {1, 2, 3}), I64({3}, {4, 5, 6})}), F32({3}, {1, 32, 729}));
  EXPECT_EQ(RunOp("Pow", {I64({3}, {1, 2, 3}), F32({3}, {4, 5, 6})}), I64({3}, {1, 32, 729}));
  EXPECT_EQ(RunOp("Pow", {I32({3}, {1, 2, 3}), I32({3}, {4, 5, 6})}), I32({3}, {1, 32, 729}));
}

TEST(PowTest, ZeroAndNegativeBasesFollowIeee) {
  EXPECT_THAT(Numbers(RunOp("Pow", {F64({4}, {0, 0, -2, -2}), F64({4}, {0, 2, 3, -1})})),
              ElementsAre(1, 0, -8, -0.5));
  EXPECT_TRUE(std::isnan(RunOp("Pow", {F64({}, {-2}), F64({}, {0.5})}).At(0)));
}

TEST(PowTest, IntegerPowersWrapAroundAndAreCutTowardsZero) {
  EXPECT_EQ(RunOp("Pow", {U8({2}, {2, 3}), U8({2}, {8, 5})}), U8({2}, {0, 243}));
  EXPECT_EQ(RunOp("Pow", {I64({1}, {3}), I64({1}, {41})}), I64({1}, {-420491770248316829}));
  EXPECT_EQ(RunOp("Pow", {I32({4}, {2, 1, -1, -1}), I32({4}, {-1, -5, -3, -2})}),
            I32({4}, {0, 1, -1, 1}));
  EXPECT_EQ(RunOp("Pow", {I32({2}, {4, 10}), F32({2}, {0.5, 20})}),
            I32({2}, {2, std::numeric_limits<int32_t>::max()}));
}

TEST(ModTest, TheSignOfTheDivisorOrOfTheDividend) {  // ONNX
  const Tensor x = I64({6}, {-4, 7, 5, 4, -7, 8}), y = I64({6}, {2, -3, 8, -2, 3, 5});
  EXPECT_EQ(RunOp("Mod", {x, y}), I64({6}, {0, -2, 5, 0, 2, 3}));
  EXPECT_EQ(RunOp("Mod", {x, y}, {{"fmod", 1}}), I64({6}, {0, 1, 5, 0, -1, 3}));
  const Tensor a = F64({6}, {-4.3, 7.2, 5.0, 4.3, -7.2, 8.0});
  const Tensor b = F64({6}, {2.1, -3.4, 8.0, -2.1, 3.4, 5.0});
  EXPECT_THAT(RunOp("Mod", {a, b}, {{"fmod", 1}}),
              NumbersAre((std::vector<double>{-0.1, 0.4, 5, 0.1, -0.4, 3}), 1e-14));
}

TEST(ModTest, TheSmallestIntegerByMinusOneIsZero) {
  constexpr int32_t kMin = std::numeric_limits<int32_t>::min();
  for (int fmod : {0, 1}) {
    EXPECT_EQ(RunOp("Mod", {I32({1}, {kMin}), I32({1}, {-1})}, {{"fmod", fmod}}), I32({1}, {0}));
  }
}

}  // namespace
}  // namespace weft
