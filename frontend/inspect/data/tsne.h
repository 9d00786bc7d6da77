#ifndef WEFT_FRONTEND_INSPECT_DATA_TSNE_H_
#define WEFT_FRONTEND_INSPECT_DATA_TSNE_H_

#include <cstdint>

#include "graph/status.h"
#include "graph/tensor.h"

namespace weft {

struct TsneOptions {
  double perplexity = 30;  // about how many neighbours count; above 1, below N / 3
  double theta = 0.5;      // how coarse far points are seen; 0: all pairs
  int64_t iterations = 1000;
  double exaggeration = 12;   // of affinities, and
  int64_t exaggerated = 250;  // in how many iterations
  double learning_rate =
      0;              // 0: N / exaggeration / 4, at least 50 (Belkina et al. 2019); at most 1e9
  uint64_t seed = 0;  // of the start
  int threads = 0;    // 0: all
};

struct Tsne {
  Tensor coordinates = {};  // f32[N,2], their mean 0
  double divergence = 0;    // KL(P || Q) in nats, of the affinities that count
};

// Points in the plane for features f32[N,...], so that near ones stay near (van der Maaten,
// "Accelerating t-SNE using tree-based algorithms", 2014): exact neighbours, gradient descent with
// momentum and gains, the repulsion by Barnes and Hut. About 1000 iterations of N log N. The same
// seed gives the same bits with any number of threads. Errors: those of FeatureRows, options out of
// range, fewer than 4 rows, a descent that leaves all bounds.
absl::StatusOr<Tsne> ComputeTsne(const Tensor& values, const TsneOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_DATA_TSNE_H_
