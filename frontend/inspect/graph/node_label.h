#ifndef WEFT_FRONTEND_INSPECT_GRAPH_NODE_LABEL_H_
#define WEFT_FRONTEND_INSPECT_GRAPH_NODE_LABEL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace weft {

// The op with what a reader looks for first: "Conv 3x3 /2 pad 1" (kernel, stride, padding, with a
// sign of multiplication), "FusedConv 3x3 + Add + Relu", "Concat axis 1".
std::string OpLabel(const Node& node);
// "conv1 (Conv)", the outputs' types, the parameters, attributes that differ from their defaults,
// and the rule with the sources: a line each.
std::vector<std::string> NodeDescription(const Node& node);
// Elements of the floating-point variables and constants that the node reads.
int64_t ParametersOf(const Node& node);
// "9.4 K", "1.2 M": at most three digits and a unit.
std::string CountText(int64_t count);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_GRAPH_NODE_LABEL_H_
