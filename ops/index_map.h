#ifndef WEFT_OPS_INDEX_MAP_H_
#define WEFT_OPS_INDEX_MAP_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "graph/op.h"

namespace weft {

// Where the rows of an indexing op lie in its data: row r of the batches * rows rows on the side of
// the indices (Gather's output, a Scatter's updates) is the slice
//   slots[r % rows] + r / rows * slices
// of the data; rows and slices have `width` elements each. The slots follow from the indices:
//   Gather                            one an index; the axes before `axis` are batches
//   GatherND, ScatterND               one an index tuple
//   GatherElements, ScatterElements   one an index; slices are single elements
struct IndexMap {
  static IndexMap OfAxis(std::span<const int64_t> data, const TensorView& indices, int axis);
  static IndexMap OfTuples(std::span<const int64_t> data, const TensorView& indices,
                           int batch_dims);
  static IndexMap OfElements(std::span<const int64_t> data, const TensorView& indices, int axis);

  // Computes slots [begin, end) into slots[begin], … Errors: an index out of range, with its value,
  // the range and its position.
  absl::Status Resolve(int64_t begin, int64_t end, int64_t* slots) const;

  int64_t batches = 1;
  int64_t rows = 0;
  int64_t slices = 1;
  int64_t width = 1;

 private:
  enum class Kind { kAxis, kTuples, kElements };

  template <typename Index>
  absl::Status ResolveAxis(int64_t begin, int64_t end, int64_t* slots) const;
  template <typename Index>
  absl::Status ResolveTuples(int64_t begin, int64_t end, int64_t* slots) const;
  template <typename Index>
  absl::Status ResolveElements(int64_t begin, int64_t end, int64_t* slots) const;
  // The error of index number `at`, which selects along `axis`.
  absl::Status OutOfRange(int64_t at, int64_t value, int axis) const;

  Kind kind_ = Kind::kAxis;
  TensorView indices_ = {};
  std::span<const int64_t> data_ = {};
  int axis_ = 0;                                // the first one that indices select along
  int tuple_size_ = 1;                          // the axes that one slot's indices select along
  std::array<int64_t, kMaxRank> strides_ = {};  // of the data's axes: in slices
};

// The shape of what index tuples select: GatherND's output, ScatterND's updates. Errors: ranks,
// batch_dims or a tuple size that do not fit; batch axes that differ.
absl::StatusOr<Shape> TupleRowsShape(const Shape& data, const Shape& indices, int64_t batch_dims);
// Errors unless `indices` has the rank of data, and no more than its extents but along `axis`.
absl::Status CheckElementIndices(const Shape& data, const Shape& indices, int64_t axis);
// Whether two shapes differ for all values of their symbols, as far as can be told.
bool DimsDiffer(const Shape& a, const Shape& b);

// All slots of `map`.
absl::StatusOr<std::vector<int64_t>> ResolveAll(const IndexMap& map);

// What becomes of an element that is written to: ONNX's `reduction`.
enum class ScatterReduction { kNone, kAdd, kMul, kMax, kMin };
// Errors: another name.
absl::StatusOr<ScatterReduction> ScatterReductionOf(const AttributeMap& attributes);

// The map of a node's operands, whichever of the ops of gather.cc and scatter.cc it is.
absl::StatusOr<IndexMap> IndexMapOf(std::string_view op, const EvalContext& c);

}  // namespace weft

#endif  // WEFT_OPS_INDEX_MAP_H_
