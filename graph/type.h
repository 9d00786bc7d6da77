#ifndef WEFT_GRAPH_TYPE_H_
#define WEFT_GRAPH_TYPE_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "graph/dim.h"
#include "graph/dtype.h"
#include "graph/status.h"

namespace weft {

// Extents known at run time.
using Dims = std::vector<int64_t>;
// Extents that may hold symbols.
using Shape = std::vector<Dim>;

// No value has more axes or more elements than this; larger ones are refused where they appear.
inline constexpr int kMaxRank = 12;
inline constexpr int64_t kMaxElements = int64_t{1} << 38;

// What is known of a value before it is computed.
struct TensorType {
  DType dtype = DType::kF32;
  Shape shape;

  int rank() const { return static_cast<int>(shape.size()); }
  const Dim& dim(int axis) const { return shape[static_cast<size_t>(axis)]; }
  bool is_static() const;
  friend bool operator==(const TensorType&, const TensorType&) = default;
};

std::string ToString(std::span<const int64_t> dims);  // "[32,1,28,28]"
std::string ToString(const Shape& shape);             // "[N,1,28,28]"
std::string ToString(const TensorType& type);         // "f32[N,1,28,28]"

Shape ToShape(std::span<const int64_t> dims);
// The integers of a shape without symbols; an error names the symbolic dim.
absl::StatusOr<Dims> StaticDims(const Shape& shape);
absl::StatusOr<Shape> Substitute(const Shape& shape, const SymbolBindings& bindings);

// The product of the dims (1 for a scalar). Errors: negative dims, rank above kMaxRank, more than
// kMaxElements elements.
absl::StatusOr<int64_t> CountElements(std::span<const int64_t> dims);
// The same with symbols: at most 4096 characters; other limits are on the integer factor.
absl::StatusOr<Dim> CountElements(const Shape& shape);
// The errors of CountElements alone.
absl::Status CheckSize(const Shape& shape);

// Turns an axis in [-rank, rank) into one in [0, rank), or says what is allowed.
absl::StatusOr<int> NormalizeAxis(int64_t axis, int rank);

}  // namespace weft

#endif  // WEFT_GRAPH_TYPE_H_
