#include "graph/type.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace weft {
namespace {

// What the symbols of one value's dims may take: formulas of a hostile graph double with each node.
constexpr size_t kMaxSymbolText = 4096;

absl::Status CheckRank(size_t rank) {
  if (rank <= static_cast<size_t>(kMaxRank)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("expected at most ", kMaxRank, " axes, got ", rank));
}

absl::Status CheckSymbols(const Shape& shape) {
  size_t text = 0;
  for (const Dim& d : shape) {
    for (const std::string& symbol : d.symbols()) text += symbol.size() + 1;
  }
  if (text <= kMaxSymbolText) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("expected dims with symbols of at most ",
                                                 kMaxSymbolText, " characters, got ", text));
}

int64_t FactorOf(const Dim& d) { return d.coefficient(); }
int64_t FactorOf(int64_t d) { return d; }

absl::Status CheckSymbols(std::span<const int64_t>) { return absl::OkStatus(); }

// The product of the integer factors of dims, on which the limits are.
template <typename Shaped>
absl::StatusOr<int64_t> CountFactors(const Shaped& shape) {
  WEFT_RETURN_IF_ERROR(CheckRank(shape.size()));
  WEFT_RETURN_IF_ERROR(CheckSymbols(shape));
  // A zero anywhere makes the product zero, but must not hide a dim that is negative or too large.
  int64_t count = 1;
  bool zero = false;
  for (const auto& d : shape) {
    const int64_t factor = FactorOf(d);
    if (factor < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected dims of at least 0, got ", ToString(shape)));
    }
    zero = zero || factor == 0;
    if (factor == 0) continue;
    if (__builtin_mul_overflow(count, factor, &count) || count > kMaxElements) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected at most ", kMaxElements, " elements, dims are ", ToString(shape)));
    }
  }
  return zero ? 0 : count;
}

}  // namespace

bool TensorType::is_static() const {
  return std::all_of(shape.begin(), shape.end(), [](const Dim& d) { return d.is_static(); });
}

std::string ToString(std::span<const int64_t> dims) {
  return absl::StrCat("[", absl::StrJoin(dims.begin(), dims.end(), ","), "]");
}

std::string ToString(const Shape& shape) {
  return absl::StrCat(
      "[", absl::StrJoin(shape, ",", [](std::string* out, const Dim& d) { *out += d.ToString(); }),
      "]");
}

std::string ToString(const TensorType& type) {
  return std::string(ToString(type.dtype)) + ToString(type.shape);
}

Shape ToShape(std::span<const int64_t> dims) { return Shape(dims.begin(), dims.end()); }

absl::StatusOr<Dims> StaticDims(const Shape& shape) {
  Dims dims;
  dims.reserve(shape.size());
  for (const Dim& d : shape) {
    if (!d.is_static()) {
      return absl::FailedPreconditionError(
          absl::StrCat("dim ", d.ToString(), " of ", ToString(shape), " has no value yet"));
    }
    dims.push_back(d.coefficient());
  }
  return dims;
}

absl::StatusOr<Shape> Substitute(const Shape& shape, const SymbolBindings& bindings) {
  Shape result;
  result.reserve(shape.size());
  for (const Dim& d : shape) {
    WEFT_ASSIGN_OR_RETURN(Dim bound, d.Substitute(bindings));
    result.push_back(std::move(bound));
  }
  return result;
}

absl::Status CheckSize(const Shape& shape) { return CountFactors(shape).status(); }

absl::StatusOr<int64_t> CountElements(std::span<const int64_t> dims) { return CountFactors(dims); }

absl::StatusOr<Dim> CountElements(const Shape& shape) {
  WEFT_ASSIGN_OR_RETURN(const int64_t factor, CountFactors(shape));
  Dim count(factor == 0 ? 0 : 1);
  for (const Dim& d : shape) {
    if (factor != 0) count = *Dim::Multiply(count, d);
  }
  return count;
}

absl::StatusOr<int> NormalizeAxis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected an axis in [", -rank, ", ", rank, "), got ", axis));
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

}  // namespace weft
