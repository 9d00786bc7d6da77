#ifndef WEFT_GRAPH_DTYPE_H_
#define WEFT_GRAPH_DTYPE_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace weft {

// Element types. The values are those of proto/graph.proto and never change. bf16, f16 and i8 are
// reserved: they can be named and stored, no op takes them yet.
enum class DType : uint8_t {
  kF32 = 1,
  kF64 = 2,
  kI32 = 3,
  kI64 = 4,
  kU8 = 5,
  kBool = 6,
  kBF16 = 7,
  kF16 = 8,
  kI8 = 9,
};

// Bytes of one element.
size_t SizeOf(DType dtype);

// "f32", "i64", "bool", …
std::string_view ToString(DType dtype);
std::optional<DType> ParseDType(std::string_view name);

// A set of element types, for the schemas of ops.
class DTypeSet {
 public:
  constexpr DTypeSet() = default;
  constexpr DTypeSet(std::initializer_list<DType> dtypes) {
    for (DType d : dtypes) bits_ |= 1u << static_cast<int>(d);
  }
  constexpr bool contains(DType d) const { return bits_ >> static_cast<int>(d) & 1; }
  std::string ToString() const;  // "f32|f64"

 private:
  uint32_t bits_ = 0;
};

inline constexpr DTypeSet kFloatTypes = {DType::kF32, DType::kF64};
inline constexpr DTypeSet kIndexTypes = {DType::kI32, DType::kI64};
inline constexpr DTypeSet kNumericTypes = {DType::kF32, DType::kF64, DType::kI32, DType::kI64,
                                           DType::kU8};
inline constexpr DTypeSet kAllTypes = {DType::kF32, DType::kF64, DType::kI32,
                                       DType::kI64, DType::kU8,  DType::kBool};

// The DType of a C++ type: DTypeOf<float> is DType::kF32.
template <typename T>
inline constexpr DType DTypeOf = [] {
  if constexpr (std::is_same_v<T, float>)
    return DType::kF32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::kF64;
  else if constexpr (std::is_same_v<T, int32_t>)
    return DType::kI32;
  else if constexpr (std::is_same_v<T, int64_t>)
    return DType::kI64;
  else if constexpr (std::is_same_v<T, uint8_t>)
    return DType::kU8;
  else {
    static_assert(std::is_same_v<T, bool>, "no DType for this type");
    return DType::kBool;
  }
}();

// Calls f(T{}) with the C++ type of `dtype`, which must be in kAllTypes (the reserved ones have no
// C++ type). The zero that f gets serves only to name the type: `using T = decltype(zero)`.
template <typename F>
auto VisitDType(DType dtype, F&& f) {
  switch (dtype) {
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
    case DType::kF32:
    case DType::kBF16:
    case DType::kF16:
    case DType::kI8:
      break;
  }
  return f(float{});
}

// As VisitDType, for the two floating-point types only.
template <typename F>
auto VisitFloat(DType dtype, F&& f) {
  return dtype == DType::kF64 ? f(double{}) : f(float{});
}

}  // namespace weft

#endif  // WEFT_GRAPH_DTYPE_H_
