#ifndef WEFT_FRONTEND_ZOO_GOLDEN_H_
#define WEFT_FRONTEND_ZOO_GOLDEN_H_

#include <string>
#include <string_view>
#include <vector>

#include "graph/model.h"

// Logits that another program computed for networks of the zoo with weights generated from the
// names of the tensors (generated_weights.h). A folder has NET.txt for each network: its input,
// "# NET input [2, 3, 224, 224]", then each tensor's name and dims, one a line; and
// logits.safetensors with the tensor NET, f64 [2,classes].

namespace weft {

// What may differ: of the largest logit, and for the difference between the two images of its
// largest element. Weights as these give every image nearly the same logits, which hides mistakes.
inline constexpr double kLogitsTolerance = 1e-5;
inline constexpr double kDifferenceTolerance = 1e-3;

// How far the network of a folder is from its logits, relative to the figures above's scales.
struct GoldenResult {
  std::string network;
  double plain = 0;             // of the logits, the graph as it is
  double plain_difference = 0;  // of the difference between the images
  double optimized = 0;         // the same of the optimized graph
  double optimized_difference = 0;

  bool passes() const {
    return plain <= kLogitsTolerance && optimized <= kLogitsTolerance &&
           plain_difference <= kDifferenceTolerance && optimized_difference <= kDifferenceTolerance;
  }
};

// The networks that a folder has, by name. Errors: no such folder, none in it.
absl::StatusOr<std::vector<std::string>> GoldenNetworks(const std::string& folder);

// Builds a network, compares the names and shapes of its variables with NET.txt, runs both images.
// Errors: an unknown network, a file that is missing or not of this form, variables that differ
// (all of them).
absl::StatusOr<GoldenResult> CheckGolden(const std::string& folder, const std::string& network,
                                         int threads = 0);

}  // namespace weft

#endif  // WEFT_FRONTEND_ZOO_GOLDEN_H_
