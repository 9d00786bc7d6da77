#ifndef WEFT_PASSES_CLEAN_MIN_CUT_H_
#define WEFT_PASSES_CLEAN_MIN_CUT_H_

#include <cstddef>
#include <vector>

namespace weft {

// Things that are on one of two sides, the source's or the sink's: the choice that costs least,
// where an edge's cost is due if it leads from the source's side to the sink's. Found as a maximum
// flow, along shortest paths (Edmonds and Karp 1972). Exact for halves of whole costs that are
// below 2^52 together.
class MinCut {
 public:
  static constexpr size_t kSource = 0;
  static constexpr size_t kSink = 1;
  static constexpr double kNever = 0x1p51;  // the cost of what must not be

  size_t AddNode() {
    edges_of_.emplace_back();
    return edges_of_.size() - 1;
  }
  void AddEdge(size_t from, size_t to, double cost);
  // For every node whether it is on the source's side; of several cheapest choices, the one with
  // the fewest there. To be called once.
  std::vector<bool> Solve();

 private:
  struct Edge {
    size_t to = 0;
    double left = 0;  // of its cost, what no flow has used
  };
  // The edge by which a shortest path from the source comes to each node; kUnreached where none
  // does, or none that is shorter than one to the sink.
  std::vector<size_t> Reach() const;
  static constexpr size_t kUnreached = static_cast<size_t>(-1);

  std::vector<Edge> edges_;  // each followed by the one back
  std::vector<std::vector<size_t>> edges_of_ = {{}, {}};
};

}  // namespace weft

#endif  // WEFT_PASSES_CLEAN_MIN_CUT_H_
