#include "graph/tensor.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>

namespace weft {
namespace {

TEST(TensorTest, ZerosAreZeroAndAligned) {
  for (const int64_t n : {1, 3, 17, 1000}) {
    const Tensor t = Tensor::Zeros(DType::kF64, {n}).value();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(t.data()) % kTensorAlignment, 0u);
    for (const double x : t.values<double>()) EXPECT_EQ(x, 0);
  }
}

TEST(TensorTest, ScalarsAndEmptyTensorsAreDifferentThings) {
  EXPECT_TRUE(Tensor().is_empty());
  const Tensor scalar = Tensor::Scalar(2.5, DType::kF32);
  EXPECT_EQ(scalar.rank(), 0);
  EXPECT_EQ(scalar.size(), 1);
  EXPECT_EQ(scalar.At(0), 2.5);
  const Tensor none = Tensor::Zeros(DType::kF32, {0, 3}).value();
  EXPECT_FALSE(none.is_empty());
  EXPECT_EQ(none.bytes(), 0u);
}

TEST(TensorTest, SizesThatDoNotMatchAreRefused) {
  const std::array<float, 3> values = {1, 2, 3};
  EXPECT_FALSE(Tensor::FromValues<float>({4}, values).ok());
  EXPECT_FALSE(Tensor::Zeros(DType::kF32, {int64_t{1} << 40}).ok());
  EXPECT_FALSE(Tensor::Zeros(DType::kF32, {-1}).ok());
  EXPECT_FALSE(Tensor::Wrap(DType::kF64, {3}, std::as_bytes(std::span(values)), nullptr).ok());
}

TEST(TensorTest, WritingMakesAPrivateCopyOfSharedBytes) {
  const std::array<float, 2> values = {1, 2};
  Tensor a = Tensor::FromValues<float>({2}, values).value();
  Tensor b = a;
  EXPECT_EQ(a.data(), b.data());
  b.mutable_values<float>()[0] = 9;
  EXPECT_EQ(a.At(0), 1);
  EXPECT_EQ(b.At(0), 9);
  const std::byte* own = b.data();
  b.mutable_values<float>()[1] = 8;
  EXPECT_EQ(b.data(), own);
}

TEST(TensorTest, ATensorThatWasMovedFromIsEmpty) {
  Tensor a = Tensor::Scalar(3, DType::kF32);
  Tensor b = std::move(a);
  EXPECT_TRUE(a.is_empty());  // NOLINT(bugprone-use-after-move): what is tested
  EXPECT_EQ(b.At(0), 3);
  a = std::move(b);
  EXPECT_TRUE(b.is_empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(a.At(0), 3);
}

TEST(TensorTest, WrappedBytesAreKeptAliveAndNeverWritten) {
  auto owner = std::make_shared<std::array<int32_t, 2>>(std::array<int32_t, 2>{5, 6});
  const int32_t* data = owner->data();
  std::weak_ptr<void> alive = owner;
  Tensor t = Tensor::Wrap(DType::kI32, {2}, std::as_bytes(std::span(*owner)), owner).value();
  owner.reset();
  EXPECT_FALSE(alive.expired());
  EXPECT_EQ(static_cast<const void*>(t.data()), data);
  const Tensor before = t;
  t.mutable_values<int32_t>()[0] = 7;
  EXPECT_EQ(before.At(0), 5);
  EXPECT_EQ(t.At(0), 7);
}

TEST(TensorTest, UnalignedBytesAreRefused) {
  alignas(8) const std::array<std::byte, 9> bytes = {};
  EXPECT_FALSE(Tensor::Wrap(DType::kF32, {1}, std::span(bytes).subspan(1, 4), nullptr).ok());
}

TEST(TensorTest, ConversionSaturatesAndBoolIsNonZero) {
  const std::array<double, 5> values = {-1.9, 0, 300, 1e30, NAN};
  const Tensor t = Tensor::FromValues<double>({5}, values).value();
  const Tensor i32 = t.Converted(DType::kI32).value();
  EXPECT_EQ(i32.At(0), -1);
  EXPECT_EQ(i32.At(3), 2147483647);
  EXPECT_EQ(i32.At(4), 0);
  const Tensor flags = t.Converted(DType::kBool).value();
  EXPECT_EQ(flags.At(0), 1);
  EXPECT_EQ(flags.At(1), 0);
}

TEST(TensorTest, EqualityIsOfTypeAndBytes) {
  const Tensor a = Tensor::FromInts(std::array<int64_t, 2>{1, 2});
  EXPECT_EQ(a, Tensor::FromInts(std::array<int64_t, 2>{1, 2}));
  EXPECT_FALSE(a == Tensor::FromInts(std::array<int64_t, 2>{1, 3}));
  EXPECT_FALSE(a == a.Reshaped({2, 1}).value());
  EXPECT_FALSE(a == Tensor());
  EXPECT_FALSE(a.Reshaped({3}).ok());
}

}  // namespace
}  // namespace weft
