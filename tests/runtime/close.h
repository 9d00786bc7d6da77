#ifndef WEFT_TESTS_RUNTIME_CLOSE_H_
#define WEFT_TESTS_RUNTIME_CLOSE_H_

#include <algorithm>
#include <cmath>
#include <string>

#include "graph/tensor.h"
#include "gtest/gtest.h"

namespace weft {

// |actual - expected| <= relative * max|expected|, exact for integers; NaN where NaN is expected.
inline void ExpectClose(const Tensor& actual, const Tensor& expected, const std::string& what,
                        double relative = 1e-5) {
  ASSERT_EQ(actual.type(), expected.type()) << what;
  double largest = 0;
  for (int64_t i = 0; i < expected.size(); ++i) {
    if (std::isfinite(expected.At(i))) largest = std::max(largest, std::abs(expected.At(i)));
  }
  const double tolerance = kFloatTypes.contains(expected.dtype()) ? relative * largest : 0;
  for (int64_t i = 0; i < expected.size(); ++i) {
    const double a = actual.At(i), e = expected.At(i);
    const bool same = a == e || (std::isnan(a) && std::isnan(e));
    ASSERT_TRUE(same || std::abs(a - e) <= tolerance)
        << what << ", element " << i << ": " << a << ", expected " << e << " within " << tolerance;
  }
}

}  // namespace weft

#endif  // WEFT_TESTS_RUNTIME_CLOSE_H_
