#ifndef WEFT_FRONTEND_DATA_MODEL_INPUTS_H_
#define WEFT_FRONTEND_DATA_MODEL_INPUTS_H_

#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace weft {

// The names of inputs that a model which states its losses is fed besides those for the examples:
// the labels, and standard normal numbers drawn anew for each step.
inline constexpr std::string_view kLabelsInput = "labels";
inline constexpr std::string_view kNoiseInput = "noise";

// All others, in their order.
std::vector<const Node*> InputsForExamples(const Graph& graph);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_MODEL_INPUTS_H_
