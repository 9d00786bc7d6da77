#ifndef WEFT_FRONTEND_REPORT_REPORT_GRAPH_SVG_H_
#define WEFT_FRONTEND_REPORT_REPORT_GRAPH_SVG_H_

#include <string>

#include "graph/graph.h"

namespace weft {

// A drawing of the graph, `<svg ...>` to `</svg>`, in which every node is a `<g class="node"
// data-node="NAME">`. Errors: Graphviz is not installed or fails.
absl::StatusOr<std::string> ReportGraphSvg(const Graph& graph);

}  // namespace weft

#endif  // WEFT_FRONTEND_REPORT_REPORT_GRAPH_SVG_H_
