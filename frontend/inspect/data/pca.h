#ifndef WEFT_FRONTEND_INSPECT_DATA_PCA_H_
#define WEFT_FRONTEND_INSPECT_DATA_PCA_H_

#include <cstdint>
#include <vector>

#include "graph/status.h"
#include "graph/tensor.h"

namespace weft {

// Principal components (Jolliffe, "Principal component analysis", 2002): the directions along which
// rows differ most, orthogonal to each other.
struct Pca {
  Tensor mean = {};         // f32[D]
  Tensor components = {};   // f32[k,D], of length 1; the largest element of each is positive
  Tensor coordinates = {};  // f32[N,k]: (rows - mean) . components
  // Along each component, descending: sum of squared coordinates / (N - 1).
  std::vector<double> variance = {};
  double total_variance = 0;  // over all D directions
  // The share of the total that component `i` explains; 0 of nothing.
  double Explained(size_t i) const { return total_variance > 0 ? variance[i] / total_variance : 0; }
};

// The first k components of features f32[N,...], each of them flattened to D numbers: from the
// eigenvectors of the columns' products [D,D] or, where D > N, of the rows' [N,N]; from 513 on by
// products with the rows alone. Where rows differ in fewer than k directions, the components left
// over are zeros. Needs 8 N D bytes. Errors: those of FeatureRows, a single row, k outside [1,
// min(N,D)], k over 512.
absl::StatusOr<Pca> ComputePca(const Tensor& values, int64_t k = 2);

// Where other features lie: f32[M,k]. Errors: those of FeatureRows, another D.
absl::StatusOr<Tensor> Project(const Pca& pca, const Tensor& values);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_DATA_PCA_H_
