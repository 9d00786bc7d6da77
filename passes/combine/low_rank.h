#ifndef WEFT_PASSES_COMBINE_LOW_RANK_H_
#define WEFT_PASSES_COMBINE_LOW_RANK_H_

#include <cstdint>
#include <span>
#include <vector>

#include "graph/status.h"

namespace weft {

// A matrix [rows, cols] as a product left [rows, rank] * right [rank, cols], all row-major.
struct LowRank {
  int64_t rank = 0;
  double error = 0;  // the Frobenius norm of what is missing, over that of the matrix
  std::vector<double> left;
  std::vector<double> right;
};

// The product of least rank whose error is at most `error` (Eckart and Young 1936): the projection
// on the leading singular vectors, which are the eigenvectors of the smaller of A A^T and A^T A.
// Errors: an empty matrix or one of zeros, numbers that are not finite, more than kMostSingular
// rows and columns.
inline constexpr int64_t kMostSingular = 4096;
absl::StatusOr<LowRank> FactorMatrix(std::span<const double> matrix, int64_t rows, int64_t cols,
                                     double error);

}  // namespace weft

#endif  // WEFT_PASSES_COMBINE_LOW_RANK_H_
