#ifndef WEFT_FRONTEND_INSPECT_GRAPH_GRAPH_PIECE_H_
#define WEFT_FRONTEND_INSPECT_GRAPH_GRAPH_PIECE_H_

#include <span>
#include <vector>

#include "frontend/inspect/graph/graph_layout.h"

namespace weft {

inline constexpr double kBoxGap = 24;  // pixels between boxes of a layer

// Boxes first, ..., last in order, of which edges lead to and from the rest by these two only.
struct GraphPiece {
  int first = 0, last = 0;
  std::vector<int> edges = {};  // by their numbers, in the order of the boxes that they leave
};

inline DrawingPoint Between(const DrawingPoint& a, const DrawingPoint& b, double share) {
  return {a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share};
}

// All boxes in one column, `gap` pixels apart; edges to the next one go down, others through lanes
// on its right, one for each box that they leave, short ones inside.
GraphLayout ColumnOf(const GraphPiece& piece, std::span<const DrawingSize> boxes,
                     std::span<const DrawingEdge> edges, double gap);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_GRAPH_GRAPH_PIECE_H_
