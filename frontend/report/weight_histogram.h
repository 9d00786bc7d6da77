#ifndef WEFT_FRONTEND_REPORT_WEIGHT_HISTOGRAM_H_
#define WEFT_FRONTEND_REPORT_WEIGHT_HISTOGRAM_H_

#include <array>
#include <cstdint>

#include "graph/tensor.h"

namespace weft {

// How the finite elements of a tensor are distributed.
struct WeightHistogram {
  static constexpr size_t kBins = 40;

  double low = 0, high = 0;  // the least and the largest
  double mean = 0, deviation = 0;
  int64_t zeros = 0;
  int64_t not_finite = 0;
  // Of equal width from low to high, the last one with its end; all in the first where both are
  // one.
  std::array<int64_t, kBins> counts = {};
};

// Of any numeric type; an empty tensor has none.
WeightHistogram HistogramOf(const Tensor& tensor);

}  // namespace weft

#endif  // WEFT_FRONTEND_REPORT_WEIGHT_HISTOGRAM_H_
