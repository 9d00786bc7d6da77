#include "tests/ops/testing_run.h"

// Integers as bits, and arithmetic of those that fit 64 bits without a sign only.

namespace weft {
namespace {

template <typename T>
Tensor Whole(std::vector<T> values) {
  return Tensor::FromValues<T>({std::ssize(values)}, values).value();
}

TEST(BitShiftTest, ShiftsBothWays) {  // ONNX
  const Tensor x = U8({3}, {16, 4, 1}), y = U8({3}, {1, 2, 3});
  EXPECT_EQ(RunOp("BitShift", {x, y}, {{"direction", "RIGHT"}}), U8({3}, {8, 1, 0}));
  EXPECT_EQ(RunOp("BitShift", {x, y}, {{"direction", "LEFT"}}), U8({3}, {32, 16, 8}));
}

TEST(BitShiftTest, NothingIsLeftAfterEightPlaces) {
  const Tensor x = U8({2}, {255, 255}), y = U8({2}, {8, 255});
  EXPECT_EQ(RunOp("BitShift", {x, y}, {{"direction", "LEFT"}}), U8({2}, {0, 0}));
  EXPECT_EQ(RunOp("BitShift", {x, y}, {{"direction", "RIGHT"}}), U8({2}, {0, 0}));
}

TEST(BitShiftTest, WideIntegersKeepTheirBits) {
  const AttributeMap left = {{"direction", "LEFT"}}, right = {{"direction", "RIGHT"}};
  EXPECT_EQ(RunOp("BitShift", {Whole<uint16_t>({1, 3, 1}), Whole<uint16_t>({15, 15, 16})}, left),
            Whole<uint16_t>({32768, 32768, 0}));
  EXPECT_EQ(RunOp("BitShift", {Whole<uint32_t>({1, 5}), Whole<uint32_t>({31, 32})}, left),
            Whole<uint32_t>({0x80000000, 0}));
  EXPECT_EQ(RunOp("BitShift", {Whole<uint64_t>({UINT64_MAX, 1}), Whole<uint64_t>({63, 64})}, left),
            Whole<uint64_t>({uint64_t{1} << 63, 0}));
  EXPECT_EQ(RunOp("BitShift", {Whole<uint64_t>({UINT64_MAX}), Whole<uint64_t>({60})}, right),
            Whole<uint64_t>({15}));
}

TEST(BitwiseTest, OfEveryWidthAndSign) {
  EXPECT_EQ(RunOp("BitwiseAnd", {Whole<int16_t>({-1, 12}), Whole<int16_t>({-300, 10})}),
            Whole<int16_t>({-300, 8}));
  EXPECT_EQ(RunOp("BitwiseOr", {Whole<uint64_t>({uint64_t{1} << 63}), Whole<uint64_t>({1})}),
            Whole<uint64_t>({(uint64_t{1} << 63) + 1}));
  EXPECT_EQ(RunOp("BitwiseXor", {Whole<int8_t>({-1, 5}), Whole<int8_t>({127})}),
            Whole<int8_t>({-128, 122}));
  EXPECT_EQ(RunOp("BitwiseNot", {Whole<uint8_t>({0, 255, 1})}), Whole<uint8_t>({255, 0, 254}));
  EXPECT_EQ(RunOp("BitwiseNot", {Whole<int64_t>({0, INT64_MAX})}), Whole<int64_t>({-1, INT64_MIN}));
}

// A double has 53 bits, an i64 no number this large.
TEST(UnsignedArithmeticTest, IsExact) {
  constexpr uint64_t kMost = UINT64_MAX;
  const Tensor large = Whole<uint64_t>({kMost, kMost - 1}), less = Whole<uint64_t>({kMost - 1, 7});
  EXPECT_EQ(RunOp("Max", {large, less}), large);
  EXPECT_EQ(RunOp("Min", {large, less}), less);
  EXPECT_EQ(RunOp("Mod", {large, less}), Whole<uint64_t>({1, (kMost - 1) % 7}));
  EXPECT_EQ(RunOp("Mod", {large, less}, {{"fmod", 1}}), Whole<uint64_t>({1, (kMost - 1) % 7}));
  EXPECT_EQ(RunOp("Div", {large, less}), Whole<uint64_t>({1, (kMost - 1) / 7}));
  EXPECT_EQ(RunOp("Sub", {less, large}), Whole<uint64_t>({kMost, 9}));
  EXPECT_EQ(RunOp("Pow", {Whole<uint64_t>({3, kMost}), Whole<uint64_t>({40, kMost})}),
            Whole<uint64_t>({12157665459056928801u, kMost}));
  EXPECT_EQ(RunOp("Pow", {Whole<float>({-1, 2}), Whole<uint64_t>({kMost - 1, 10})}),
            Whole<float>({1, 1024}));
}

}  // namespace
}  // namespace weft
