#ifndef WEFT_OPS_MAP_H_
#define WEFT_OPS_MAP_H_

#include <type_traits>

#include "ops/common.h"

// The loops of reference kernels that apply a function to every element.

namespace weft {

// What a function of T is computed in: double for floating point, T itself for integers.
template <typename T>
using Computed = std::conditional_t<std::is_floating_point_v<T>, double, T>;

// y = f(x), of floating-point or integer elements: f(double) or f(int64_t), … Rounded once.
template <typename F>
absl::Status MapNumeric(const EvalContext& c, F f) {
  return VisitNumeric(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto x = c.in(0).in<T>();
    const auto y = c.out().out<T>();
    for (size_t i = 0; i < y.size(); ++i) {
      y[i] = static_cast<T>(f(static_cast<Computed<T>>(x[i])));
    }
  });
}

// y = f(double x), of floating-point elements.
template <typename F>
absl::Status MapFloat(const EvalContext& c, F f) {
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto x = c.in(0).in<T>();
    const auto y = c.out().out<T>();
    for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(f(static_cast<double>(x[i])));
  });
}

// y = f(double a, double b), of floating-point elements of two inputs of one shape.
template <typename F>
absl::Status MapFloatPair(const EvalContext& c, F f) {
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto a = c.in(0).in<T>();
    const auto b = c.in(1).in<T>();
    const auto y = c.out().out<T>();
    for (size_t i = 0; i < y.size(); ++i) {
      y[i] = static_cast<T>(f(static_cast<double>(a[i]), static_cast<double>(b[i])));
    }
  });
}

}  // namespace weft

#endif  // WEFT_OPS_MAP_H_
