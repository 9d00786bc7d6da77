#ifndef WEFT_FRONTEND_INSPECT_DATA_QUAD_TREE_H_
#define WEFT_FRONTEND_INSPECT_DATA_QUAD_TREE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace weft {

struct PlanePoint {
  double x = 0, y = 0;
};

// Points in a tree of squares, so that far ones act as one (Barnes and Hut, Nature 324, 1986).
//
//   nodes in preorder:   root [ a [ a1 a2 ] b [ ... ] ]     a.skip = b: what follows a's part
//
// The points are sorted along a Z-curve (Morton), of which each square is a range.
class QuadTree {
 public:
  void Build(std::span<const PlanePoint> points);

  // The points' order: places that are near are near in it.
  std::span<const uint32_t> order() const { return order_; }

  // What pushes point order()[place] away in t-SNE (van der Maaten 2014, equation 9): over all
  // other points, with q = 1 / (1 + d^2), the sums of q^2 times the way from them, and of q.
  // Squares that are seen narrower than `theta` (side / distance) count as their points' mean.
  struct Push {
    double x = 0, y = 0;
    double sum = 0;
  };
  Push PushOf(size_t place, double theta) const;

 private:
  struct Square {
    double x = 0, y = 0;  // the points' mean
    double side_squared = 0;
    uint32_t begin = 0, count = 0;  // its points' places
    uint32_t skip = 0;
    bool is_leaf = false;
  };
  void AddSquare(size_t begin, size_t end, double side);

  std::vector<uint64_t> codes_;     // by place
  std::vector<uint32_t> order_;     // place -> point
  std::vector<PlanePoint> sorted_;  // by place
  std::vector<Square> squares_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_DATA_QUAD_TREE_H_
