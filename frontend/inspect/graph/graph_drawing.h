#ifndef WEFT_FRONTEND_INSPECT_GRAPH_GRAPH_DRAWING_H_
#define WEFT_FRONTEND_INSPECT_GRAPH_GRAPH_DRAWING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "frontend/inspect/graph/graph_layout.h"
#include "frontend/inspect/graph/graph_svg.h"
#include "frontend/inspect/op_kind.h"

namespace weft {

// What GraphSvg draws, before it has a place. Sizes are pixels.

// Text is drawn in a monospaced font; a character is so wide for each pixel of its size.
inline constexpr double kCharacterWidth = 0.61;
inline constexpr double kNameSize = 12, kLineSize = 11, kShapeSize = 10;
inline constexpr double kLineHeight = 15, kBoxPadding = 8;
inline constexpr double kSourceHeight = 20, kSourceGap = 18;  // a source's box, and between two
inline constexpr double kSourcesGap = 3;                      // above the first
inline constexpr double kSourceLane = 9;                      // for an edge that passes sources by

// A node of the original graph within the node that was made of it.
struct DrawnSource {
  std::string name;
  std::string op = {};     // "" where the original graph is not known
  std::string label = {};  // "bn1  BatchNormalization"
  OpKind kind = OpKind::kOther;
};
struct DrawnSourceEdge {
  int from = 0, to = 0;
  std::string shape = {};
  int lane = 0;  // 0: to the next source; others pass by in this lane
};

struct DrawnNode {
  const Node* node = nullptr;  // null for what the graph keeps: an output, a loss, an update
  int index = -1;              // in the graph
  std::string name = {};
  std::string shown_name = {};  // shortened
  OpKind kind = OpKind::kInterface;
  std::vector<std::string> lines = {};  // below the name
  std::vector<std::string> title = {};  // lines, too
  int64_t parameters = 0;               // elements of the weights that it reads
  std::vector<DrawnSource> sources = {};
  std::vector<DrawnSourceEdge> source_edges = {};
  DrawingSize size = {};
};

struct DrawnEdge {
  DrawingEdge ends = {};
  Value value = {};
  bool has_label = false;  // the first edge of a node's first output
};

struct GraphDrawing {
  std::vector<DrawnNode> nodes = {};  // in a topological order: inputs before their first readers
  std::vector<DrawnEdge> edges = {};
};

GraphDrawing DrawingOf(const Graph& graph, const GraphSvgOptions& options);

// "N x 16 x 28 x 28" with signs of multiplication; the type before it, unless it is f32.
std::string ShapeLabel(const TensorType& type);
// At most so many characters, the middle of a longer text left out.
std::string Shortened(const std::string& text, size_t most);
size_t CountCharacters(const std::string& text);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_GRAPH_GRAPH_DRAWING_H_
