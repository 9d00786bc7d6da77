#ifndef WEFT_GRAPH_HALF_H_
#define WEFT_GRAPH_HALF_H_

#include <bit>
#include <cstdint>

// The 16-bit floating-point types. They store; arithmetic is done in float. To float is exact,
// subnormals, infinities and NaNs (with their payload's bits) included. From float rounds to the
// nearest, ties to even; what is too large becomes infinite, a NaN stays one.

namespace weft {

// IEEE 754's binary16: 1 bit of sign, 5 of exponent (bias 15), 10 of fraction.
struct Half {
  Half() = default;
  explicit Half(float value);
  static Half FromBits(uint16_t bits);
  explicit operator float() const;

  uint16_t bits = 0;
};

// The upper half of a float: 1 bit of sign, 8 of exponent (bias 127), 7 of fraction.
struct BFloat16 {
  BFloat16() = default;
  explicit BFloat16(float value);
  static BFloat16 FromBits(uint16_t bits);
  explicit operator float() const;

  uint16_t bits = 0;
};

// Inline, since tensors are converted element by element.

namespace half_internal {

// A float is 1 bit of sign, 8 of exponent (bias 127), 23 of fraction.
inline constexpr uint32_t kInfinity = 0x7f800000;
inline constexpr uint32_t kQuietNaN = 0x00400000;
inline constexpr uint32_t kExponentShift = uint32_t{127 - 15} << 23;
inline constexpr int kFractionShift = 23 - 10;

// `value` without its lowest `bits` bits, rounded to the nearest, ties to even.
inline uint32_t ShiftRounded(uint32_t value, int bits) {
  const uint32_t half = (uint32_t{1} << (bits - 1)) - 1;
  return (value + half + (value >> bits & 1)) >> bits;
}

}  // namespace half_internal

inline Half Half::FromBits(uint16_t bits) {
  Half half;
  half.bits = bits;
  return half;
}

inline Half::operator float() const {
  using namespace half_internal;
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

inline Half::Half(float value) {
  using namespace half_internal;
  const auto wide = std::bit_cast<uint32_t>(value);
  const uint32_t sign = wide >> 31 << 15;
  const uint32_t magnitude = wide & 0x7fffffff;
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
  bits = static_cast<uint16_t>(sign | result);
}

inline BFloat16 BFloat16::FromBits(uint16_t bits) {
  BFloat16 half;
  half.bits = bits;
  return half;
}

inline BFloat16::operator float() const { return std::bit_cast<float>(uint32_t{bits} << 16); }

inline BFloat16::BFloat16(float value) {
  using namespace half_internal;
  const auto wide = std::bit_cast<uint32_t>(value);
  const bool is_nan = (wide & 0x7fffffff) > kInfinity;
  bits = static_cast<uint16_t>(is_nan ? (wide | kQuietNaN) >> 16 : ShiftRounded(wide, 16));
}

}  // namespace weft

#endif  // WEFT_GRAPH_HALF_H_
