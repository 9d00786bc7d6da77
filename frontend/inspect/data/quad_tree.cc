#include "frontend/inspect/data/quad_tree.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <tuple>
#include <utility>

namespace weft {
namespace {

constexpr int kTreeLevels = 24;    // squares of 2^-24 of the whole side are not divided
constexpr size_t kLeafPoints = 4;  // nor are those of so few points

// The 24 bits of `v`, a zero before each.
uint64_t SpreadBits(uint64_t v) {
  v = (v | v << 16) & 0x0000ffff0000ffff;
  v = (v | v << 8) & 0x00ff00ff00ff00ff;
  v = (v | v << 4) & 0x0f0f0f0f0f0f0f0f;
  v = (v | v << 2) & 0x3333333333333333;
  return (v | v << 1) & 0x5555555555555555;
}

// The whole square.
struct TreeBounds {
  double left = 0, top = 0, side = 0;

  static TreeBounds Of(std::span<const PlanePoint> points) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    PlanePoint low{kInfinity, kInfinity}, high{-kInfinity, -kInfinity};
    for (const PlanePoint& p : points) {
      low = {std::min(low.x, p.x), std::min(low.y, p.y)};
      high = {std::max(high.x, p.x), std::max(high.y, p.y)};
    }
    return {low.x, low.y, std::max(high.x - low.x, high.y - low.y)};
  }

  uint64_t CodeOf(const PlanePoint& p) const {
    constexpr double kCells = 1 << kTreeLevels;
    const auto cell = [&](double from) {
      const double place = side > 0 ? from / side * kCells : 0;
      return static_cast<uint64_t>(std::clamp(place, 0.0, kCells - 1));
    };
    return SpreadBits(cell(p.x - left)) << 1 | SpreadBits(cell(p.y - top));
  }
};

}  // namespace

void QuadTree::Build(std::span<const PlanePoint> points) {
  const TreeBounds bounds = TreeBounds::Of(points);
  std::vector<std::pair<uint64_t, uint32_t>> coded(points.size());
  for (size_t i = 0; i < points.size(); ++i) {
    coded[i] = {bounds.CodeOf(points[i]), static_cast<uint32_t>(i)};
  }
  std::ranges::sort(coded);
  codes_.resize(points.size());
  order_.resize(points.size());
  sorted_.resize(points.size());
  for (size_t place = 0; place < points.size(); ++place) {
    std::tie(codes_[place], order_[place]) = coded[place];
    sorted_[place] = points[order_[place]];
  }
  squares_.clear();
  if (!points.empty()) AddSquare(0, points.size(), bounds.side);
}

// `side` is the whole square's; the new one's follows from the digits that its points share, so
// that no square has all of its points in a quarter.
void QuadTree::AddSquare(size_t begin, size_t end, double side) {
  const int levels = (std::bit_width(codes_[begin] ^ codes_[end - 1]) + 1) / 2;  // that differ
  const size_t at = squares_.size();
  Square square;
  for (size_t place = begin; place < end; ++place) {
    square.x += sorted_[place].x;
    square.y += sorted_[place].y;
  }
  square.x /= static_cast<double>(end - begin);
  square.y /= static_cast<double>(end - begin);
  const double own = side / static_cast<double>(uint64_t{1} << (kTreeLevels - levels));
  square.side_squared = own * own;
  square.begin = static_cast<uint32_t>(begin);
  square.count = static_cast<uint32_t>(end - begin);
  square.is_leaf = levels == 0 || end - begin <= kLeafPoints;
  squares_.push_back(square);
  if (!square.is_leaf) {
    const int shift = 2 * (levels - 1);
    for (size_t from = begin; from < end;) {
      const uint64_t quarter = codes_[from] >> shift;
      const auto next =
          std::partition_point(codes_.begin() + static_cast<ptrdiff_t>(from),
                               codes_.begin() + static_cast<ptrdiff_t>(end),
                               [&](uint64_t code) { return code >> shift == quarter; });
      const auto to = static_cast<size_t>(next - codes_.begin());
      AddSquare(from, to, side);
      from = to;
    }
  }
  squares_[at].skip = static_cast<uint32_t>(squares_.size());
}

QuadTree::Push QuadTree::PushOf(size_t place, double theta) const {
  const PlanePoint from = sorted_[place];
  const double theta_squared = theta * theta;
  Push push;
  const auto add = [&push](double dx, double dy, double squared, double count) {
    const double q = 1 / (1 + squared);
    push.sum += count * q;
    push.x += count * q * q * dx;
    push.y += count * q * q * dy;
  };
  for (size_t at = 0; at < squares_.size();) {
    const Square& s = squares_[at];
    const double dx = from.x - s.x, dy = from.y - s.y, squared = dx * dx + dy * dy;
    const bool outside = place - s.begin >= s.count;  // wraps below `begin`
    if (outside && s.side_squared < theta_squared * squared) {
      add(dx, dy, squared, s.count);
      at = s.skip;
    } else if (s.is_leaf) {
      for (size_t other = s.begin; other < s.begin + s.count; ++other) {
        if (other == place) continue;
        const double ox = from.x - sorted_[other].x, oy = from.y - sorted_[other].y;
        add(ox, oy, ox * ox + oy * oy, 1);
      }
      at = s.skip;
    } else {
      ++at;
    }
  }
  return push;
}

}  // namespace weft
