#ifndef WEFT_FRONTEND_ANALYSIS_RECEPTIVE_FIELD_H_
#define WEFT_FRONTEND_ANALYSIS_RECEPTIVE_FIELD_H_

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "graph/graph.h"
#include "graph/status.h"

namespace weft {

// What the units of a value see along one axis of an input: unit i reads the elements from
// start + i*stride to start + i*stride + size - 1. Elements outside of the input are padding,
// whatever fills it. Behind a transposed convolution or a resizing, strides are fractions and units
// see different numbers of elements: the interval is the smallest that moves evenly with the units,
// and `size`, the whole elements in it, a bound for all of them.
struct FieldAxis {
  double size = 1;
  double stride = 1;
  double start = 0;
  // All elements of the axis (after Gemm, a mean over it): the other members say nothing.
  bool whole = false;
  // false: the units do not follow one another along the axis (after Flatten); only size counts.
  bool placed = true;

  double center() const { return start + (size - 1) / 2; }  // of the first unit's field
  friend bool operator==(const FieldAxis&, const FieldAxis&) = default;
};

// One entry for each spatial axis of the input (those after [N,C]).
using ReceptiveField = std::vector<FieldAxis>;

// Elements [begin, end) of an axis of the input; below 0 and beyond its extent: padding.
struct FieldInterval {
  int64_t begin = 0, end = 0;
  int64_t size() const { return end - begin; }
  friend bool operator==(const FieldInterval&, const FieldInterval&) = default;
};

// What the unit at `place` of a value with this field sees, an interval for each spatial axis of
// the input, whose extents are `extent`. Errors: where an axis is not whole, units that do not
// follow one another along the axes, a place of another number of axes.
absl::StatusOr<std::vector<FieldInterval>> FieldOfUnitAt(const ReceptiveField& field,
                                                         const Dims& place, const Dims& extent);

// "14x14/4": sizes and strides; "6x10/2x4" where they differ, "all" for a whole axis, no stride for
// units that are not placed.
std::string ToString(const ReceptiveField& field);

// The receptive fields of a graph's values with respect to one of its inputs: Araujo, Norris and
// Sim, "Computing receptive fields of convolutional neural networks", Distill 2019. Where branches
// meet, the smallest interval that holds theirs. Normalization by the statistics of a batch counts
// as element-wise, as it is in inference.
class ReceptiveFields {
 public:
  // `input` is [N,C,spatial axes...], of `graph`, which must outlive this. Errors: another rank.
  static absl::StatusOr<ReceptiveFields> Create(const Graph& graph, const Node& input);

  // The field of a node's outputs. Errors: NotFound for a node that does not depend on the elements
  // of the input; Unimplemented, with the first node whose op, or whose way of joining branches, is
  // not understood.
  absl::StatusOr<ReceptiveField> Of(const Node& node) const;

 private:
  std::unordered_map<const Node*, absl::StatusOr<ReceptiveField>> fields_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_ANALYSIS_RECEPTIVE_FIELD_H_
