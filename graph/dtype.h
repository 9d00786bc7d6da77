#ifndef WEFT_GRAPH_DTYPE_H_
#define WEFT_GRAPH_DTYPE_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/status/status.h"
#include "graph/half.h"

namespace weft {

// Element types. The values are those of proto/graph.proto and never change. Tensors and files hold
// all of them; each op's schema lists those that it takes.
enum class DType : uint8_t {
  kF32 = 1,
  kF64 = 2,
  kI32 = 3,
  kI64 = 4,
  kU8 = 5,
  kBool = 6,  // a byte, 0 or 1
  kBF16 = 7,
  kF16 = 8,
  kI8 = 9,
  kU16 = 10,
  kU32 = 11,
  kU64 = 12,
  kI16 = 13,
};
inline constexpr int kNumDTypes = 13;

// The dtype of that number, as files have it.
std::optional<DType> DTypeOfNumber(int number);

// Bytes of one element.
size_t SizeOf(DType dtype);

// "f32", "i64", "bool", …
std::string_view ToString(DType dtype);
std::optional<DType> ParseDType(std::string_view name);

// A set of element types, for the schemas of ops and for VisitDType.
struct DTypeSet {
  constexpr DTypeSet() = default;
  constexpr DTypeSet(std::initializer_list<DType> dtypes) {
    for (DType d : dtypes) bits |= 1u << static_cast<int>(d);
  }
  constexpr bool contains(DType d) const { return bits >> static_cast<int>(d) & 1; }
  std::string ToString() const;  // "f32|f64"

  uint32_t bits = 0;  // public, so that a set can be a template's argument
};

inline constexpr DTypeSet kFloatTypes = {DType::kF32, DType::kF64};
inline constexpr DTypeSet kHalfTypes = {DType::kF16, DType::kBF16};
inline constexpr DTypeSet kRealTypes = {DType::kF32, DType::kF64, DType::kF16, DType::kBF16};
inline constexpr DTypeSet kIndexTypes = {DType::kI32, DType::kI64};
inline constexpr DTypeSet kNumericTypes = {DType::kF32, DType::kF64, DType::kI32, DType::kI64,
                                           DType::kU8};
// What ops compute with; the other types are stored, moved and converted.
inline constexpr DTypeSet kComputeTypes = {DType::kF32, DType::kF64, DType::kI32,
                                           DType::kI64, DType::kU8,  DType::kBool};
inline constexpr DTypeSet kAllTypes = {
    DType::kF32, DType::kF64, DType::kI32, DType::kI64, DType::kU8,  DType::kBool, DType::kBF16,
    DType::kF16, DType::kI8,  DType::kU16, DType::kU32, DType::kU64, DType::kI16};

// The DType of a C++ type: DTypeOf<float> is DType::kF32.
template <typename T>
inline constexpr DType DTypeOf = [] {
  static_assert(sizeof(T) == 0, "no DType for this type");
  return DType();
}();
template <>
inline constexpr DType DTypeOf<float> = DType::kF32;
template <>
inline constexpr DType DTypeOf<double> = DType::kF64;
template <>
inline constexpr DType DTypeOf<int32_t> = DType::kI32;
template <>
inline constexpr DType DTypeOf<int64_t> = DType::kI64;
template <>
inline constexpr DType DTypeOf<uint8_t> = DType::kU8;
template <>
inline constexpr DType DTypeOf<bool> = DType::kBool;
template <>
inline constexpr DType DTypeOf<BFloat16> = DType::kBF16;
template <>
inline constexpr DType DTypeOf<Half> = DType::kF16;
template <>
inline constexpr DType DTypeOf<int8_t> = DType::kI8;
template <>
inline constexpr DType DTypeOf<uint16_t> = DType::kU16;
template <>
inline constexpr DType DTypeOf<uint32_t> = DType::kU32;
template <>
inline constexpr DType DTypeOf<uint64_t> = DType::kU64;
template <>
inline constexpr DType DTypeOf<int16_t> = DType::kI16;

// Whether elements of `dtype` may be read and written as T: T is its C++ type, or T is uint8_t and
// the elements are bools, whose bytes from outside may be other than the 0 and 1 of a C++ bool.
template <typename T>
constexpr bool IsStoredAs(DType dtype) {
  return dtype == DTypeOf<T> || (std::is_same_v<T, uint8_t> && dtype == DType::kBool);
}

// Calls f(T{}) with the C++ type of `dtype` and returns what it does. The zero that f gets serves
// only to name the type: `using T = decltype(zero)`.
template <typename F>
auto VisitDType(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kF32:
      break;
    case DType::kF64:
      return f(double{});
    case DType::kI32:
      return f(int32_t{});
    case DType::kI64:
      return f(int64_t{});
    case DType::kU8:
      return f(uint8_t{});
    case DType::kBool:
      return f(bool{});
    case DType::kBF16:
      return f(BFloat16{});
    case DType::kF16:
      return f(Half{});
    case DType::kI8:
      return f(int8_t{});
    case DType::kU16:
      return f(uint16_t{});
    case DType::kU32:
      return f(uint32_t{});
    case DType::kU64:
      return f(uint64_t{});
    case DType::kI16:
      return f(int16_t{});
  }
  return f(float{});
}

// The error for elements of a type that is none of `expected`.
absl::Status RefusedDType(DType dtype, DTypeSet expected);

// As VisitDType, for code that handles kTypes only: f is compiled for these alone and returns
// nothing or an absl::Status. Errors: f's; a dtype outside kTypes, for which f is not called.
template <DTypeSet kTypes, typename F>
[[nodiscard]] absl::Status VisitDType(DType dtype, F&& f) {
  return VisitDType(dtype, [&](auto zero) -> absl::Status {
    if constexpr (!kTypes.contains(DTypeOf<decltype(zero)>)) {
      return RefusedDType(dtype, kTypes);
    } else if constexpr (std::is_void_v<decltype(f(zero))>) {
      f(zero);
      return absl::OkStatus();
    } else {
      return f(zero);
    }
  });
}

template <typename F>
[[nodiscard]] absl::Status VisitFloat(DType dtype, F&& f) {
  return VisitDType<kFloatTypes>(dtype, f);
}

// Calls f with a zero of the unsigned integer as wide as an element, which is all that moving
// elements needs to know, and returns what it does.
template <typename F>
auto VisitWidth(DType dtype, F&& f) {
  switch (SizeOf(dtype)) {
    case 1:
      return f(uint8_t{});
    case 2:
      return f(uint16_t{});
    case 4:
      return f(uint32_t{});
    default:
      return f(uint64_t{});
  }
}

}  // namespace weft

#endif  // WEFT_GRAPH_DTYPE_H_
