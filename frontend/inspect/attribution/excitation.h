#ifndef WEFT_FRONTEND_INSPECT_ATTRIBUTION_EXCITATION_H_
#define WEFT_FRONTEND_INSPECT_ATTRIBUTION_EXCITATION_H_

#include <span>
#include <string>
#include <vector>

#include "frontend/inspect/attribution/attributor.h"
#include "graph/tensor.h"

namespace weft {

// What a squeeze-and-excitation block lets through of an example (Hu et al. 2018, "Squeeze-and-
// excitation networks"): its attention to channels.
struct ExcitationGates {
  std::string name;               // of the node that makes the gates
  std::vector<float> gates = {};  // one a channel, in [0,1]
  double mean = 0, least = 0, most = 0;
};

// Of every block, in order. A block is known by its structure: maps [N,C,...] times a Sigmoid or
// HardSigmoid [N,C,1,...] that depends on these maps' means over places. `x` is one example.
// Errors: no such block, blocks that are fused into one op, whatever the run says.
absl::StatusOr<std::vector<ExcitationGates>> GatesOfExcitation(const Attributor& of,
                                                               const Tensor& x,
                                                               const SessionOptions& session = {});

// The gates as f32[blocks, most channels of any], NaN where a block has fewer channels.
absl::StatusOr<Tensor> ExcitationTable(std::span<const ExcitationGates> blocks);
// A strip of colors for each block, channels from left to right, 512 a line: an SVG file's text.
std::string ExcitationSvg(std::span<const ExcitationGates> blocks, const std::string& title);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_ATTRIBUTION_EXCITATION_H_
