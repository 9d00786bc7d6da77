#ifndef WEFT_RUNTIME_ONEDNN_BATCHED_GEMM_H_
#define WEFT_RUNTIME_ONEDNN_BATCHED_GEMM_H_

#include <cstdint>
#include <vector>

#include "graph/status.h"
#include "graph/type.h"

namespace weft {

// A matrix in memory: row-major, or the transpose of one that is, with `step` elements from one
// row of that to the next.
struct MatrixLayout {
  bool transposed = false;
  int64_t step = 0;
};

// Y = A B for a batch of matrices, A [M,K], B [K,N], Y [M,N], all f32; or Y += A B where that
// `adds`. Y is not transposed.
struct BatchedGemm {
  int64_t m = 1, n = 1, k = 1;
  MatrixLayout a = {}, b = {}, y = {};
  Dims batch = {};
  // Elements from one matrix to the next along each axis of `batch`; 0 where one serves all.
  std::vector<int64_t> a_strides = {}, b_strides = {}, y_strides = {};
  bool adds = false;
};

// The same products in fewer and larger matrices where the batch's inner axes continue the rows of
// A and Y ([B,M,K] x [K,N] is [B*M,K] x [K,N]), over as few batch axes as possible.
BatchedGemm Simplify(BatchedGemm gemm);

// Uses the run's threads. No operand may overlap Y.
absl::Status RunBatchedGemm(const BatchedGemm& gemm, const float* a, const float* b, float* y);

// Y = op(A) op(B) + beta Y, row-major with the given row lengths in memory: the library's sgemm,
// which runs on the calling thread alone inside a ParallelFor, else on all of the run's. The
// operands may have no elements.
struct SgemmOptions {
  bool transpose_a = false, transpose_b = false;
  float beta = 0;
};
absl::Status Sgemm(const SgemmOptions& o, int64_t m, int64_t n, int64_t k, const float* a,
                   int64_t a_step, const float* b, int64_t b_step, float* y, int64_t y_step);

}  // namespace weft

#endif  // WEFT_RUNTIME_ONEDNN_BATCHED_GEMM_H_
