#ifndef WEFT_FRONTEND_INSPECT_GRAPH_GRAPH_SVG_H_
#define WEFT_FRONTEND_INSPECT_GRAPH_GRAPH_SVG_H_

#include <string>

#include "graph/graph.h"
#include "graph/status.h"

namespace weft {

struct GraphSvgOptions {
  // The graph that passes made the drawn one of, or null: a fused node is drawn around the nodes
  // there that it came from, with their edges; without it around their names.
  const Graph* original = nullptr;
  bool weights = false;  // constants and variables as nodes too, not only as numbers of parameters
  bool shapes = true;    // on edges
  bool horizontal = false;  // from left to right instead of downwards
  bool standalone = true;   // a file of its own; false: for a page that has GraphSvgStyle()
  // Edges without titles, elements without line breaks between: half of what a browser has to keep.
  bool compact = false;
  double seconds = 30;  // that Graphviz may take
};

// A drawing of the graph as SVG, laid out by Graphviz. A node is a group of class "node" and of its
// op's (OpClass) with a <title> of all that is known of it and
//   data-node        its name (control characters as blanks), data-index its place in the graph
//   data-op, data-shape ("f32[N,6,28,28]" of its first output), data-parameters
// A node that a rule made has the class "fused", too, data-rule, and in it a group of class
// "source" with data-source and data-op for each node that it came from. Outputs, losses and
// updates (of one node together) are groups of class "output" with data-output; edges of class
// "edge" with data-from and data-to.
//
// Errors: Graphviz is not installed; it takes longer than `seconds`.
absl::StatusOr<std::string> GraphSvg(const Graph& graph, const GraphSvgOptions& options = {});

// The style sheet of pages with such drawings: kinds of ops have colors, the rest has the color of
// the page's text.
std::string GraphSvgStyle();

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_GRAPH_GRAPH_SVG_H_
