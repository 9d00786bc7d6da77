#include "graph/element.h"

#include <cmath>
#include <limits>
#include <type_traits>

namespace weft {
namespace {

template <typename T>
constexpr bool kIsHalf = kHalfTypes.contains(DTypeOf<T>);

template <typename To, typename From>
To Convert(From x) {
  if constexpr (kIsHalf<From>) {
    return Convert<To>(static_cast<float>(x));
  } else if constexpr (kIsHalf<To>) {
    return To(Convert<float>(x));
  } else if constexpr (std::is_same_v<To, bool>) {
    return x != From{};
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    if (std::isnan(x)) return 0;
    // The bounds are powers of two (or 0): exact in From, unlike the largest To.
    const From low = static_cast<From>(std::numeric_limits<To>::min());
    const From beyond = std::ldexp(From{1}, std::numeric_limits<To>::digits);
    if (x <= low) return std::numeric_limits<To>::min();
    if (x >= beyond) return std::numeric_limits<To>::max();
    return static_cast<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

template <typename T>
T Load(const void* data, int64_t i) {
  if constexpr (std::is_same_v<T, bool>) {
    return static_cast<const uint8_t*>(data)[i] != 0;  // bytes from outside may be others than 0, 1
  } else {
    return static_cast<const T*>(data)[i];
  }
}

}  // namespace

double ElementAt(DType dtype, const void* data, int64_t i) {
  return VisitDType(dtype,
                    [&](auto zero) { return Convert<double>(Load<decltype(zero)>(data, i)); });
}

void ConvertElements(DType from, const void* source, DType to, void* target, int64_t count) {
  VisitDType(from, [&](auto from_zero) {
    VisitDType(to, [&](auto to_zero) {
      using To = decltype(to_zero);
      auto* y = static_cast<To*>(target);
      for (int64_t i = 0; i < count; ++i) {
        y[i] = Convert<To>(Load<decltype(from_zero)>(source, i));
      }
    });
  });
}

}  // namespace weft
