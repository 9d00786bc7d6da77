#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <utility>

#include "frontend/inspect/graph/graph_piece.h"

namespace weft {
namespace {

constexpr double kLaneGap = 7;  // pixels between edges

class ColumnLayout {
 public:
  ColumnLayout(const GraphPiece& piece, std::span<const DrawingSize> boxes,
               std::span<const DrawingEdge> edges, double gap)
      : piece_(piece), edges_(edges) {
    double top = 0;
    for (int i = piece.first; i <= piece.last; ++i) {
      boxes_.push_back(boxes[static_cast<size_t>(i)]);
      layout_.centers.push_back({0, top + boxes_.back().height / 2});
      top += boxes_.back().height + gap;
      side_ = std::max(side_, boxes_.back().width / 2);
    }
  }

  GraphLayout Draw() {
    AssignLanes();
    std::map<std::pair<size_t, size_t>, int> parallel;
    for (const int e : piece_.edges) {
      const auto [from, to] = Rows(e);
      const int before = parallel[{from, to}]++;
      layout_.curves.push_back(to == from + 1 ? Down(from, before) : Around(from, to, before));
    }
    return std::move(layout_);
  }

 private:
  std::pair<size_t, size_t> Rows(int e) const {
    const DrawingEdge& edge = edges_[static_cast<size_t>(e)];
    return {static_cast<size_t>(edge.from - piece_.first),
            static_cast<size_t>(edge.to - piece_.first)};
  }

  void AssignLanes() {
    std::vector<size_t> last(boxes_.size());  // the last row that a row's lane goes to
    for (const int e : piece_.edges) {
      const auto [from, to] = Rows(e);
      if (to > from + 1) last[from] = std::max(last[from], to);
    }
    std::vector<size_t> rows;
    for (size_t i = 0; i < last.size(); ++i) {
      if (last[i] > 0) rows.push_back(i);
    }
    std::ranges::stable_sort(rows, {}, [&](size_t i) { return last[i] - i; });
    std::vector<std::map<size_t, size_t>> lanes;  // from where to where each is taken
    lanes_.resize(boxes_.size());
    for (const size_t i : rows) {
      size_t lane = 0;
      for (; lane < lanes.size(); ++lane) {
        const auto next = lanes[lane].lower_bound(i);
        const bool before = next == lanes[lane].begin() || std::prev(next)->second <= i;
        if (before && (next == lanes[lane].end() || next->first >= last[i])) break;
      }
      if (lane == lanes.size()) lanes.emplace_back();
      lanes[lane].emplace(i, last[i]);
      lanes_[i] = lane;
    }
  }

  // A line through these points, each piece as a cubic.
  static std::vector<DrawingPoint> Through(std::span<const DrawingPoint> points) {
    std::vector<DrawingPoint> curve = {points[0]};
    for (size_t i = 1; i < points.size(); ++i) {
      curve.push_back(Between(points[i - 1], points[i], 1.0 / 3));
      curve.push_back(Between(points[i - 1], points[i], 2.0 / 3));
      curve.push_back(points[i]);
    }
    return curve;
  }

  std::vector<DrawingPoint> Down(size_t from, int before) const {
    const double x = kLaneGap * before;
    return Through(
        std::array{DrawingPoint{x, layout_.centers[from].y + boxes_[from].height / 2},
                   DrawingPoint{x, layout_.centers[from + 1].y - boxes_[from + 1].height / 2}});
  }

  // Out of a box below its middle, into one above it.
  std::vector<DrawingPoint> Around(size_t from, size_t to, int before) const {
    const double lane = side_ + kBoxGap + kLaneGap * static_cast<double>(lanes_[from]);
    const double out = layout_.centers[from].y + boxes_[from].height / 4;
    const double in = layout_.centers[to].y - boxes_[to].height / 4 + 4 * before;
    return Through(std::array{DrawingPoint{boxes_[from].width / 2, out}, DrawingPoint{lane, out},
                              DrawingPoint{lane, in}, DrawingPoint{boxes_[to].width / 2, in}});
  }

  const GraphPiece& piece_;
  std::span<const DrawingEdge> edges_;
  std::vector<DrawingSize> boxes_;
  std::vector<size_t> lanes_;  // by the row that leaves by it
  double side_ = 0;            // of the widest box
  GraphLayout layout_;
};

}  // namespace

GraphLayout ColumnOf(const GraphPiece& piece, std::span<const DrawingSize> boxes,
                     std::span<const DrawingEdge> edges, double gap) {
  return ColumnLayout(piece, boxes, edges, gap).Draw();
}

}  // namespace weft
