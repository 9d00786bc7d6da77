#include "passes/clean/min_cut.h"

#include <algorithm>

namespace weft {

void MinCut::AddEdge(size_t from, size_t to, double cost) {
  edges_of_[from].push_back(edges_.size());
  edges_.push_back({to, cost});
  edges_of_[to].push_back(edges_.size());
  edges_.push_back({from, 0});
}

std::vector<size_t> MinCut::Reach() const {
  std::vector<size_t> by(edges_of_.size(), kUnreached);
  std::vector<size_t> queue = {kSource};
  for (size_t next = 0; next < queue.size(); ++next) {
    for (const size_t e : edges_of_[queue[next]]) {
      const Edge& edge = edges_[e];
      if (edge.left <= 0 || edge.to == kSource || by[edge.to] != kUnreached) continue;
      by[edge.to] = e;
      if (edge.to == kSink) return by;
      queue.push_back(edge.to);
    }
  }
  return by;
}

std::vector<bool> MinCut::Solve() {
  std::vector<size_t> by = Reach();
  for (; by[kSink] != kUnreached; by = Reach()) {
    double flow = kNever;
    const auto before = [&](size_t node) { return edges_[by[node] ^ 1].to; };
    for (size_t node = kSink; node != kSource; node = before(node)) {
      flow = std::min(flow, edges_[by[node]].left);
    }
    for (size_t node = kSink; node != kSource; node = before(node)) {
      edges_[by[node]].left -= flow;
      edges_[by[node] ^ 1].left += flow;
    }
  }
  std::vector<bool> side(by.size());
  for (size_t node = 0; node < by.size(); ++node) {
    side[node] = node == kSource || by[node] != kUnreached;
  }
  return side;
}

}  // namespace weft
