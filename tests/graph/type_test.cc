#include "graph/type.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft {
namespace {

using ::testing::HasSubstr;

TEST(DTypeTest, NamesParseBackAndSizesAreRight) {
  const std::pair<DType, size_t> sizes[] = {
      {DType::kF32, 4},  {DType::kF64, 8},  {DType::kI32, 4}, {DType::kI64, 8}, {DType::kU8, 1},
      {DType::kBool, 1}, {DType::kBF16, 2}, {DType::kF16, 2}, {DType::kI8, 1},  {DType::kU16, 2},
      {DType::kU32, 4},  {DType::kU64, 8},  {DType::kI16, 2}};
  EXPECT_EQ(std::size(sizes), static_cast<size_t>(kNumDTypes));
  for (const auto& [dtype, size] : sizes) {
    EXPECT_TRUE(kAllTypes.contains(dtype));
    EXPECT_EQ(DTypeOfNumber(static_cast<int>(dtype)), dtype);
    EXPECT_EQ(ParseDType(ToString(dtype)), dtype);
    EXPECT_EQ(SizeOf(dtype), size) << ToString(dtype);
  }
  EXPECT_EQ(ParseDType("f99"), std::nullopt);
  EXPECT_TRUE(kFloatTypes.contains(DType::kF64));
  EXPECT_FALSE(kFloatTypes.contains(DType::kI64));
  EXPECT_EQ(kFloatTypes.ToString(), "f32|f64");
}

TEST(DTypeTest, NumbersOfNoTypeAreRefused) {
  for (int number : {-1, 0, kNumDTypes + 1, 257}) EXPECT_EQ(DTypeOfNumber(number), std::nullopt);
}

TEST(DTypeTest, AVisitGetsTheElementsCppType) {
  for (int number = 1; number <= kNumDTypes; ++number) {
    const DType dtype = *DTypeOfNumber(number);
    VisitDType(dtype, [&](auto zero) {
      EXPECT_EQ(DTypeOf<decltype(zero)>, dtype);
      EXPECT_EQ(sizeof zero, SizeOf(dtype));
    });
    VisitWidth(dtype, [&](auto word) { EXPECT_EQ(sizeof word, SizeOf(dtype)); });
  }
}

TEST(DTypeTest, AVisitOfASetRefusesTheOthers) {
  int calls = 0;
  EXPECT_TRUE(VisitFloat(DType::kF64, [&](auto zero) {
                calls += std::is_same_v<decltype(zero), double>;
              }).ok());
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(VisitFloat(DType::kI8, [&](auto) { ++calls; }).message(),
            "expected elements of f32|f64, got i8");
  EXPECT_EQ(VisitFloat(DType::kF16, [&](auto) { return absl::OkStatus(); }).message(),
            "expected elements of f32|f64, got f16");
  EXPECT_EQ(VisitFloat(DType::kF32, [](auto) { return absl::DataLossError("its own"); }).message(),
            "its own");
  EXPECT_EQ(calls, 1);
}

TEST(TypeTest, TextShowsSymbols) {
  const TensorType type{DType::kI64, {Dim::Symbol("N"), 3, Dim::Parse("2*T").value()}};
  EXPECT_EQ(ToString(type), "i64[N,3,2*T]");
  EXPECT_EQ(ToString(TensorType{}), "f32[]");
  EXPECT_FALSE(type.is_static());
}

TEST(TypeTest, StaticDimsNamesTheSymbolicDim) {
  EXPECT_EQ(*StaticDims({2, 3}), (Dims{2, 3}));
  const auto dims = StaticDims({2, Dim::Symbol("N")});
  ASSERT_FALSE(dims.ok());
  EXPECT_THAT(std::string(dims.status().message()), HasSubstr("N"));
}

TEST(TypeTest, CountElementsKeepsTheLimits) {
  EXPECT_EQ(*CountElements(Dims{}), 1);
  EXPECT_EQ(*CountElements(Dims{2, 3, 4}), 24);
  EXPECT_EQ(*CountElements(Dims{2, 0, 4}), 0);
  EXPECT_EQ(*CountElements(Shape{Dim::Symbol("N"), 4}), Dim::Parse("4*N").value());
  EXPECT_EQ(*CountElements(Dims{kMaxElements}), kMaxElements);
  EXPECT_FALSE(CountElements(Dims{kMaxElements, 2}).ok());
  EXPECT_FALSE(CountElements(Dims{int64_t{1} << 40}).ok());
  EXPECT_FALSE(CountElements(Dims{int64_t{1} << 40, 0}).ok());
  EXPECT_FALSE(CountElements(Dims{int64_t{1} << 32, int64_t{1} << 32}).ok());
  EXPECT_FALSE(CountElements(Dims{-1}).ok());
  EXPECT_FALSE(CountElements(Dims{-1, 0}).ok());
  EXPECT_FALSE(CountElements(Dims(kMaxRank + 1, 1)).ok());
  EXPECT_TRUE(CountElements(Shape{Dim::Symbol(std::string(4000, 'n'))}).ok());
  EXPECT_EQ(CountElements(Shape(2, Dim::Symbol(std::string(4000, 'n')))).status().message(),
            "expected dims with symbols of at most 4096 characters, got 8002");
}

TEST(TypeTest, NormalizeAxisCountsFromTheEnd) {
  EXPECT_EQ(*NormalizeAxis(0, 3), 0);
  EXPECT_EQ(*NormalizeAxis(-1, 3), 2);
  EXPECT_FALSE(NormalizeAxis(3, 3).ok());
  EXPECT_FALSE(NormalizeAxis(-4, 3).ok());
  EXPECT_FALSE(NormalizeAxis(0, 0).ok());
}

}  // namespace
}  // namespace weft
