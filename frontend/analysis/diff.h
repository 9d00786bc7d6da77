#ifndef WEFT_FRONTEND_ANALYSIS_DIFF_H_
#define WEFT_FRONTEND_ANALYSIS_DIFF_H_

#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace weft {

// How the elements of a weight differ.
struct ValueChange {
  int64_t elements = 0;
  int64_t differing = 0;
  double largest = 0;  // difference
};

// A node of the second graph that is not what it is in the first one.
struct NodeDiff {
  std::string name;
  std::string op;
  std::string rule = {};                  // that made it; "" where none did
  std::vector<std::string> from = {};     // the nodes of the first graph: "conv1 (Conv)"
  std::vector<std::string> changes = {};  // "pads: [0,0] -> [1,1]"
  std::optional<ValueChange> value = {};  // of a weight whose elements differ
};

// What became of the nodes of one graph in another, which passes have made of it, by their
// provenance: a node came from those that it names as its sources, from one that names the same,
// or from the one of its name.
struct GraphDiff {
  int equal = 0;                    // nodes
  std::vector<NodeDiff> changed;    // in the second graph's order
  std::vector<std::string> only_a;  // "bn1 (BatchNormalization)": nothing came from it
  std::vector<std::string> only_b;

  // One line a changed node, with the ops that it came from, and one for each of its other changes;
  // nodes that changed alike share them.
  std::string ToString() const;
};

GraphDiff Diff(const Graph& a, const Graph& b);

}  // namespace weft

#endif  // WEFT_FRONTEND_ANALYSIS_DIFF_H_
