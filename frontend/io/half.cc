#include "frontend/io/half.h"

#include <bit>
#include <cstring>
#include <string>

namespace weft {
namespace {

// A float is 1 bit of sign, 8 of exponent (bias 127), 23 of fraction; an f16 1, 5 (bias 15), 10.
constexpr uint32_t kInfinity = 0x7f800000;
constexpr uint32_t kQuietNaN = 0x00400000;
constexpr uint32_t kExponentShift = uint32_t{127 - 15} << 23;
constexpr int kFractionShift = 23 - 10;

// `value` without its lowest `bits` bits, rounded to the nearest, ties to even.
uint32_t ShiftRounded(uint32_t value, int bits) {
  const uint32_t half = (uint32_t{1} << (bits - 1)) - 1;
  return (value + half + (value >> bits & 1)) >> bits;
}

}  // namespace

float F16ToFloat(uint16_t bits) {
  const uint32_t sign = uint32_t{bits} >> 15 << 31;
  const uint32_t exponent = bits >> 10 & 31;
  const uint32_t magnitude = uint32_t{bits} & 0x7fff;
  if (exponent == 31) return std::bit_cast<float>(sign | kInfinity | magnitude << kFractionShift);
  if (exponent == 0) {  // a multiple of 2^-24, which a float holds as a normal number
    const auto value = static_cast<float>(magnitude) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(value));
  }
  return std::bit_cast<float>(sign | ((magnitude << kFractionShift) + kExponentShift));
}

uint16_t FloatToF16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 31 << 15;
  const uint32_t magnitude = bits & 0x7fffffff;
  uint32_t result;
  if (magnitude > kInfinity) {
    result = (magnitude | kQuietNaN) >> kFractionShift & 0x7fff;
  } else if (magnitude >= std::bit_cast<uint32_t>(0x1p16f)) {
    result = 0x7c00;
  } else if (magnitude >= std::bit_cast<uint32_t>(0x1p-14f)) {
    result = ShiftRounded(magnitude - kExponentShift, kFractionShift);  // may carry to infinity
  } else if (magnitude < std::bit_cast<uint32_t>(0x1p-25f)) {
    result = 0;
  } else {  // subnormal: the fraction with its leading 1, in units of 2^-24
    const uint32_t fraction = (magnitude & 0x7fffff) | 0x800000;
    result = ShiftRounded(fraction, 126 - static_cast<int>(magnitude >> 23));
  }
  return static_cast<uint16_t>(sign | result);
}

float BF16ToFloat(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

uint16_t FloatToBF16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > kInfinity) return static_cast<uint16_t>((bits | kQuietNaN) >> 16);
  return static_cast<uint16_t>(ShiftRounded(bits, 16));
}

absl::StatusOr<Tensor> WidenHalf(const Tensor& half, DType dtype) {
  const bool bf16 = half.dtype() == DType::kBF16;
  if (half.is_empty() || (!bf16 && half.dtype() != DType::kF16) || !kFloatTypes.contains(dtype)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected f16 or bf16 to widen to f32 or f64, got ",
                     std::string(half.is_empty() ? "nothing" : ToString(half.dtype())),
                     " to widen to ", std::string(ToString(dtype))));
  }
  WEFT_ASSIGN_OR_RETURN(Tensor wide, Tensor::Zeros(dtype, half.dims()));
  VisitFloat(dtype, [&](auto zero) {
    auto values = wide.mutable_values<decltype(zero)>();
    for (size_t i = 0; i < values.size(); ++i) {
      uint16_t bits;
      std::memcpy(&bits, half.data() + i * sizeof bits, sizeof bits);
      values[i] = bf16 ? BF16ToFloat(bits) : F16ToFloat(bits);
    }
  });
  return wide;
}

}  // namespace weft
