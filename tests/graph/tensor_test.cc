#include "graph/tensor.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <tuple>

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

TEST(TensorTest, ElementsAreNeverReadAsAnotherType) {
  // As many elements, of half the bytes: a view as floats would reach past them.
  Tensor halves = Tensor::Zeros(DType::kF16, {3}).value();
  EXPECT_EQ(halves.values<Half>().size(), 3u);
  EXPECT_TRUE(halves.values<float>().empty());
  EXPECT_TRUE(halves.values<BFloat16>().empty());
  EXPECT_TRUE(halves.mutable_values<uint16_t>().empty());
  const Tensor bytes = Tensor::Zeros(DType::kU8, {3}).value();
  EXPECT_TRUE(bytes.values<bool>().empty());
  EXPECT_TRUE(bytes.values<int8_t>().empty());
  EXPECT_TRUE(Tensor().values<float>().empty());
  // A bool is a byte, which may be read as one.
  EXPECT_EQ(Tensor::Scalar(1, DType::kBool).values<uint8_t>()[0], 1);
}

TEST(TensorTest, EveryTypeIsMadeReadAndConverted) {
  for (int number = 1; number <= kNumDTypes; ++number) {
    const DType dtype = *DTypeOfNumber(number);
    SCOPED_TRACE(ToString(dtype));
    const double value = dtype == DType::kBool ? 1 : 5;
    const Tensor scalar = Tensor::Scalar(5, dtype);
    EXPECT_EQ(scalar.bytes(), SizeOf(dtype));
    EXPECT_EQ(scalar.At(0), value);
    VisitDType(dtype, [&](auto zero) { EXPECT_EQ(scalar.values<decltype(zero)>().size(), 1u); });
    EXPECT_EQ(scalar.Converted(DType::kF64)->At(0), value);
    EXPECT_EQ(Tensor::Scalar(value, DType::kF64).Converted(dtype).value(), scalar);
  }
}

TEST(TensorTest, ElementsOfEveryTypeAreReadRight) {
  const auto at = []<typename T>(T value) {
    return Tensor::FromValues<T>({2}, std::array<T, 2>{T(), value})->At(1);
  };
  EXPECT_EQ(at(int8_t{-128}), -128);
  EXPECT_EQ(at(uint16_t{65535}), 65535);
  EXPECT_EQ(at(uint32_t{4294967295}), 4294967295.0);
  EXPECT_EQ(at(uint64_t{1} << 63), 0x1p63);
  EXPECT_EQ(at(Half(-1.5f)), -1.5);
  EXPECT_EQ(at(Half::FromBits(1)), 0x1p-24);
  EXPECT_EQ(at(BFloat16(3e38f)), 0x1.c4p127);
  EXPECT_TRUE(std::isnan(at(Half(NAN))));
  const std::array<std::byte, 1> two = {std::byte{2}};  // as a file may hold it
  EXPECT_EQ(Tensor::FromBytes(DType::kBool, {1}, two)->At(0), 1);
}

// Every type to every other, for values that all of them hold, and at the edges.
TEST(TensorTest, ConvertsBetweenAllPairs) {
  for (int from = 1; from <= kNumDTypes; ++from) {
    for (int to = 1; to <= kNumDTypes; ++to) {
      const DType source = *DTypeOfNumber(from), target = *DTypeOfNumber(to);
      SCOPED_TRACE(
          absl::StrCat(std::string(ToString(source)), " to ", std::string(ToString(target))));
      for (const double value : {0.0, 1.0, 100.0}) {
        const Tensor x = Tensor::Scalar(value, source);
        const bool truth = source == DType::kBool || target == DType::kBool;
        const Tensor y = x.Converted(target).value();
        EXPECT_EQ(y.dtype(), target);
        EXPECT_EQ(y.At(0), truth ? static_cast<double>(value != 0) : value);
      }
    }
  }
}

double ConvertedTo(DType to, double value, DType from = DType::kF64) {
  return Tensor::Scalar(value, from).Converted(to)->At(0);
}

TEST(TensorTest, FloatingPointSaturatesInEveryIntegerType) {
  const std::tuple<DType, double, double> ranges[] = {
      {DType::kI8, -128, 127},
      {DType::kU8, 0, 255},
      {DType::kI16, -32768, 32767},
      {DType::kU16, 0, 65535},
      {DType::kI32, -0x1p31, 0x1p31 - 1},
      {DType::kU32, 0, 0x1p32 - 1},
      {DType::kI64, -0x1p63, 0x1p63},  // 2^63 - 1, rounded by At
      {DType::kU64, 0, 0x1p64}};
  for (const auto& [dtype, least, most] : ranges) {
    SCOPED_TRACE(ToString(dtype));
    EXPECT_EQ(ConvertedTo(dtype, 1e30), most);
    EXPECT_EQ(ConvertedTo(dtype, INFINITY), most);
    EXPECT_EQ(ConvertedTo(dtype, -1e30), least);
    EXPECT_EQ(ConvertedTo(dtype, -INFINITY), least);
    EXPECT_EQ(ConvertedTo(dtype, NAN), 0);
    EXPECT_EQ(ConvertedTo(dtype, 99.9), 99);
    EXPECT_EQ(ConvertedTo(dtype, -0.9), 0);
    EXPECT_EQ(ConvertedTo(dtype, NAN, DType::kF16), 0);
    EXPECT_EQ(ConvertedTo(dtype, -INFINITY, DType::kBF16), least);
  }
  EXPECT_EQ(Tensor::Scalar(1e30, DType::kU64).values<uint64_t>()[0], UINT64_MAX);
  EXPECT_EQ(Tensor::Scalar(1e30, DType::kI64).values<int64_t>()[0], INT64_MAX);
}

TEST(TensorTest, IntegersWrapAroundInNarrowerOnes) {
  EXPECT_EQ(ConvertedTo(DType::kI8, 200, DType::kI32), -56);
  EXPECT_EQ(ConvertedTo(DType::kI16, 40000, DType::kU16), -25536);
  EXPECT_EQ(ConvertedTo(DType::kU16, -1, DType::kI32), 65535);
  EXPECT_EQ(ConvertedTo(DType::kU32, 0x1p32 + 7, DType::kI64), 7);
  EXPECT_EQ(ConvertedTo(DType::kU64, -1, DType::kI8), 0x1p64);
}

TEST(TensorTest, HalvesRoundTiesToEvenAndOverflowToInfinity) {
  EXPECT_EQ(ConvertedTo(DType::kF16, 2049), 2048);
  EXPECT_EQ(ConvertedTo(DType::kF16, 2051), 2052);
  EXPECT_EQ(ConvertedTo(DType::kF16, 2051, DType::kI32), 2052);
  EXPECT_EQ(ConvertedTo(DType::kF16, 65519), 65504);
  EXPECT_EQ(ConvertedTo(DType::kF16, 65520), INFINITY);
  EXPECT_EQ(ConvertedTo(DType::kF16, 0x1p62, DType::kI64), INFINITY);
  EXPECT_EQ(ConvertedTo(DType::kF16, -1e30), -INFINITY);
  EXPECT_TRUE(std::isnan(ConvertedTo(DType::kF16, NAN)));
  EXPECT_EQ(ConvertedTo(DType::kBF16, 257), 256);
  EXPECT_EQ(ConvertedTo(DType::kBF16, 259), 260);
  EXPECT_EQ(ConvertedTo(DType::kBF16, 1e39), INFINITY);
  EXPECT_EQ(ConvertedTo(DType::kBF16, 65504, DType::kF16), 65536);
  EXPECT_EQ(ConvertedTo(DType::kF16, 65536, DType::kBF16), INFINITY);
  EXPECT_TRUE(std::isnan(ConvertedTo(DType::kBF16, NAN, DType::kF16)));
}

// Where the system has no huge pages, too.
TEST(TensorTest, MemoryKeepsItsBytesWhenItsPagesBecomeHuge) {
  for (const size_t bytes : {size_t{100}, size_t{9} << 20}) {
    for (const bool before : {false, true}) {  // they are written to
      const std::shared_ptr<std::byte> memory = AllocateAligned(bytes);
      ASSERT_NE(memory, nullptr);
      const std::span<std::byte> all(memory.get(), bytes);
      if (before) AskForHugePages(all.data(), bytes);
      for (size_t i = 0; i < bytes; ++i) all[i] = static_cast<std::byte>(i % 251);
      if (!before) MakeHugePages(all.data(), bytes);
      size_t wrong = 0;
      for (size_t i = 0; i < bytes; ++i) wrong += all[i] != static_cast<std::byte>(i % 251) ? 1 : 0;
      EXPECT_EQ(wrong, 0U) << bytes << (before ? " before" : " after");
    }
  }
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
