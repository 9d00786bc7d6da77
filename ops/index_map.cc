#include "ops/index_map.h"

#include <algorithm>

#include "ops/common.h"

namespace weft {
namespace {

int64_t Product(std::span<const int64_t> dims) {
  int64_t product = 1;
  for (int64_t d : dims) product *= d;
  return product;
}

// `value` counted from the front; -1 where it is out of range.
template <typename Index>
int64_t Wrap(Index value, int64_t extent) {
  const int64_t index = value < 0 ? value + extent : value;
  return index >= extent ? -1 : index < 0 ? -1 : index;
}

}  // namespace

IndexMap IndexMap::OfAxis(std::span<const int64_t> data, const TensorView& indices, int axis) {
  IndexMap map;
  map.kind_ = Kind::kAxis;
  map.indices_ = indices;
  map.data_ = data;
  map.axis_ = axis;
  const auto at = static_cast<size_t>(axis);
  map.batches = Product(data.first(at));
  map.rows = indices.size();
  map.slices = data[at];
  map.width = Product(data.subspan(at + 1));
  return map;
}

IndexMap IndexMap::OfTuples(std::span<const int64_t> data, const TensorView& indices,
                            int batch_dims) {
  IndexMap map;
  map.kind_ = Kind::kTuples;
  map.indices_ = indices;
  map.data_ = data;
  map.axis_ = batch_dims;
  map.tuple_size_ = static_cast<int>(indices.dims.back());
  const auto selected = static_cast<size_t>(batch_dims + map.tuple_size_);
  map.rows = Product(indices.dims.first(indices.dims.size() - 1));
  map.slices = Product(data.first(selected));
  map.width = Product(data.subspan(selected));
  int64_t stride = 1;
  for (size_t i = selected; i-- > 0; stride *= data[i]) map.strides_[i] = stride;
  return map;
}

IndexMap IndexMap::OfElements(std::span<const int64_t> data, const TensorView& indices, int axis) {
  IndexMap map;
  map.kind_ = Kind::kElements;
  map.indices_ = indices;
  map.data_ = data;
  map.axis_ = axis;
  map.rows = indices.size();
  map.slices = Product(data);
  int64_t stride = 1;
  for (size_t i = data.size(); i-- > 0; stride *= data[i]) map.strides_[i] = stride;
  return map;
}

absl::Status IndexMap::OutOfRange(int64_t at, int64_t value, int axis) const {
  Dims position(indices_.dims.size());
  for (size_t i = position.size(); i-- > 0; at /= indices_.dims[i]) {
    position[i] = at % indices_.dims[i];
  }
  const int64_t extent = data_[static_cast<size_t>(axis)];
  return absl::InvalidArgumentError(absl::StrCat("expected indices in [", -extent, ",", extent,
                                                 ") along axis ", axis, ", got ", value,
                                                 " at position ", ToString(position)));
}

template <typename Index>
absl::Status IndexMap::ResolveAxis(int64_t begin, int64_t end, int64_t* slots) const {
  const Index* indices = static_cast<const Index*>(indices_.data);
  for (int64_t i = begin; i < end; ++i) {
    slots[i] = Wrap(indices[i], slices);
    if (slots[i] < 0) return OutOfRange(i, indices[i], axis_);
  }
  return absl::OkStatus();
}

template <typename Index>
absl::Status IndexMap::ResolveTuples(int64_t begin, int64_t end, int64_t* slots) const {
  const Index* indices = static_cast<const Index*>(indices_.data);
  const auto first = static_cast<size_t>(axis_);
  const int64_t batches_of_data = Product(data_.first(first));
  const int64_t rows_of_batch = rows / std::max<int64_t>(batches_of_data, 1);
  const int64_t slices_of_batch = slices / std::max<int64_t>(batches_of_data, 1);
  for (int64_t row = begin; row < end; ++row) {
    int64_t slot = row / rows_of_batch * slices_of_batch;
    for (int64_t k = 0; k < tuple_size_; ++k) {
      const auto axis = first + static_cast<size_t>(k);
      const int64_t at = row * tuple_size_ + k;
      const int64_t index = Wrap(indices[at], data_[axis]);
      if (index < 0) return OutOfRange(at, indices[at], static_cast<int>(axis));
      slot += index * strides_[axis];
    }
    slots[row] = slot;
  }
  return absl::OkStatus();
}

template <typename Index>
absl::Status IndexMap::ResolveElements(int64_t begin, int64_t end, int64_t* slots) const {
  if (begin == end) return absl::OkStatus();  // a dim may be 0
  const Index* indices = static_cast<const Index*>(indices_.data);
  const auto along = static_cast<size_t>(axis_);
  const size_t last = indices_.dims.size() - 1;
  std::array<int64_t, kMaxRank> at = {};  // begin's coordinates
  int64_t rest = begin;
  int64_t offset = 0;  // of the coordinates, but for the one along the axis
  for (size_t i = last + 1; i-- > 0; rest /= indices_.dims[i]) {
    at[i] = rest % indices_.dims[i];
    if (i != along) offset += at[i] * strides_[i];
  }
  for (int64_t i = begin; i < end; ++i) {
    const int64_t index = Wrap(indices[i], data_[along]);
    if (index < 0) return OutOfRange(i, indices[i], axis_);
    slots[i] = offset + index * strides_[along];
    for (size_t k = last;; --k) {  // the next coordinates, as an odometer counts
      const int64_t stride = k == along ? 0 : strides_[k];
      offset += stride;
      if (++at[k] < indices_.dims[k] || k == 0) break;
      offset -= stride * at[k];
      at[k] = 0;
    }
  }
  return absl::OkStatus();
}

absl::Status IndexMap::Resolve(int64_t begin, int64_t end, int64_t* slots) const {
  const bool wide = indices_.dtype == DType::kI64;
  switch (kind_) {
    case Kind::kAxis:
      return wide ? ResolveAxis<int64_t>(begin, end, slots)
                  : ResolveAxis<int32_t>(begin, end, slots);
    case Kind::kTuples:
      return wide ? ResolveTuples<int64_t>(begin, end, slots)
                  : ResolveTuples<int32_t>(begin, end, slots);
    case Kind::kElements:
      break;
  }
  return wide ? ResolveElements<int64_t>(begin, end, slots)
              : ResolveElements<int32_t>(begin, end, slots);
}

bool DimsDiffer(const Shape& a, const Shape& b) {
  return a.size() != b.size() ||
         !std::equal(a.begin(), a.end(), b.begin(), [](const Dim& x, const Dim& y) {
           return x == y || !x.is_static() || !y.is_static();
         });
}

absl::StatusOr<Shape> TupleRowsShape(const Shape& data, const Shape& indices, int64_t batch_dims) {
  const auto rank = static_cast<int64_t>(data.size());
  const auto index_rank = static_cast<int64_t>(indices.size());
  if (rank < 1 || index_rank < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected data and indices of rank 1 or more, got ", ToString(data), " and ",
                     ToString(indices)));
  }
  const int64_t most = std::min(rank, index_rank) - 1;
  if (batch_dims < 0 || batch_dims > most) {
    return absl::InvalidArgumentError(absl::StrCat("expected batch_dims in [0,", most,
                                                   "] for data ", ToString(data), " and indices ",
                                                   ToString(indices), ", got ", batch_dims));
  }
  const Shape batch_of_data(data.begin(), data.begin() + batch_dims);
  const Shape batch_of_indices(indices.begin(), indices.begin() + batch_dims);
  if (DimsDiffer(batch_of_data, batch_of_indices)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected the first ", batch_dims, " dims of data and indices to be equal, ",
                     "got ", ToString(data), " and ", ToString(indices)));
  }
  const Dim& size = indices.back();
  const int64_t longest = rank - batch_dims;
  if (!size.is_static() || size.coefficient() < 1 || size.coefficient() > longest) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected index tuples (the last axis of indices) of 1 to ", longest,
                     " indices, got ", ToString(indices)));
  }
  Shape shape(indices.begin(), indices.end() - 1);
  shape.insert(shape.end(), data.begin() + batch_dims + size.coefficient(), data.end());
  return shape;
}

absl::Status CheckElementIndices(const Shape& data, const Shape& indices, int64_t axis) {
  if (data.empty() || data.size() != indices.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected data and indices of one rank, at least 1, got ", ToString(data),
                     " and ", ToString(indices)));
  }
  WEFT_ASSIGN_OR_RETURN(const int along, NormalizeAxis(axis, static_cast<int>(data.size())));
  for (size_t i = 0; i < data.size(); ++i) {
    if (i == static_cast<size_t>(along) || !data[i].is_static() || !indices[i].is_static())
      continue;
    if (indices[i].coefficient() > data[i].coefficient()) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected indices within the data's extents but along axis ", along,
                       ", got ", ToString(indices), " for data ", ToString(data)));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int64_t>> ResolveAll(const IndexMap& map) {
  std::vector<int64_t> slots(static_cast<size_t>(map.rows));
  WEFT_RETURN_IF_ERROR(map.Resolve(0, map.rows, slots.data()));
  return slots;
}

absl::StatusOr<ScatterReduction> ScatterReductionOf(const AttributeMap& attributes) {
  WEFT_RETURN_IF_ERROR(CheckOneOf(attributes, "reduction", {"none", "add", "mul", "max", "min"}));
  const std::string name = GetString(attributes, "reduction");
  if (name == "add") return ScatterReduction::kAdd;
  if (name == "mul") return ScatterReduction::kMul;
  if (name == "max") return ScatterReduction::kMax;
  if (name == "min") return ScatterReduction::kMin;
  return ScatterReduction::kNone;
}

// The second operand are the indices. What is indexed is the result of a gradient that scatters,
// and the first operand otherwise.
absl::StatusOr<IndexMap> IndexMapOf(std::string_view op, const EvalContext& c) {
  const bool into = op == "GatherGrad" || op == "GatherNDGrad";
  const std::span<const int64_t> data = into ? c.out().dims : c.in(0).dims;
  if (op == "GatherND" || op == "GatherNDGrad" || op == "ScatterND" || op == "ScatterNDGrad") {
    return IndexMap::OfTuples(data, c.in(1), static_cast<int>(GetInt(c.attributes, "batch_dims")));
  }
  WEFT_ASSIGN_OR_RETURN(const int axis,
                        NormalizeAxis(GetInt(c.attributes, "axis"), static_cast<int>(data.size())));
  if (op == "Gather" || op == "GatherGrad") return IndexMap::OfAxis(data, c.in(1), axis);
  return IndexMap::OfElements(data, c.in(1), axis);
}

}  // namespace weft
