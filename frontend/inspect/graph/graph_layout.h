#ifndef WEFT_FRONTEND_INSPECT_GRAPH_GRAPH_LAYOUT_H_
#define WEFT_FRONTEND_INSPECT_GRAPH_GRAPH_LAYOUT_H_

#include <span>
#include <vector>

#include "graph/status.h"

namespace weft {

struct DrawingSize {
  double width = 0, height = 0;
};
struct DrawingPoint {
  double x = 0, y = 0;  // from the top left corner
};
// From a box to one after it.
struct DrawingEdge {
  int from = 0, to = 0;
};

struct GraphLayout {
  DrawingSize size = {};
  std::vector<DrawingPoint> centers = {};  // of the boxes
  // One an edge: the points of cubic Bezier curves, 3n + 1, the last one at the box that it goes
  // to.
  std::vector<std::vector<DrawingPoint>> curves = {};
};

// Places boxes of these sizes, which come in a topological order, in layers from top to bottom:
// Gansner et al., "A technique for drawing directed graphs", 1993, by Graphviz' program `dot`.
//
// A network is mostly a chain of blocks. It is cut at every box that no edge passes by, the pieces
// are laid out one by one, equal ones once, and put below one another: this takes time for the
// largest block, not for the network. A block with too many long edges, as of the graph of a
// training step, becomes one column of boxes with those edges beside it. Layers are `gap` pixels
// apart. Errors: no `dot`; more than `seconds` taken by it.
absl::StatusOr<GraphLayout> LayOutGraph(std::span<const DrawingSize> boxes,
                                        std::span<const DrawingEdge> edges, double gap,
                                        double seconds);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_GRAPH_GRAPH_LAYOUT_H_
