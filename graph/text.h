#ifndef WEFT_GRAPH_TEXT_H_
#define WEFT_GRAPH_TEXT_H_

#include <string>

#include "graph/graph.h"

namespace weft {

struct TextOptions {
  bool provenance = true;  // `# fold_conv_bn(conv1, bn1)` after rewritten nodes
};

// A readable dump, one node a line, in order:
//   input  x: f32[N,1,28,28]
//   var    conv1.weight: f32[6,1,5,5]
//   var    bn1.running_mean: f32[6] {role=statistic}
//   const  shape: i64[2]{0,-1}
//   conv1: f32[N,6,28,28] = Conv(x, conv1.weight, conv1.bias) {pads=[2,2,2,2]}
//   output logits = fc3
//   update bn1.running_mean <- bn1:1
// Attributes that have their default value are left out; tensors show their type, small constants
// (up to 8 elements) their elements. A gradient node ends in ` of conv1`, its forward node. Control
// characters in names are shown as \xNN. Deterministic: equal graphs give equal text.
std::string ToText(const Graph& graph, const TextOptions& options = {});

// The graph in Graphviz' DOT language: one box an op with its type, leaves of weights left out.
std::string ToDot(const Graph& graph);

}  // namespace weft

#endif  // WEFT_GRAPH_TEXT_H_
