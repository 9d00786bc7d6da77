#include "frontend/onnx/import/constant.h"

#include <array>
#include <cstring>

#include "frontend/onnx/import/halves.h"

namespace weft {
namespace {

// Where the elements lie among those of dims: the indices themselves, or of one a axis.
absl::StatusOr<std::vector<int64_t>> SparsePlaces(const Tensor& indices, const Dims& dims,
                                                  int64_t count) {
  const auto rank = static_cast<int64_t>(dims.size());
  const bool linear = indices.dims() == Dims{count};
  if (indices.dtype() != DType::kI64 || (!linear && indices.dims() != Dims{count, rank})) {
    return absl::InvalidArgumentError(absl::StrCat("expected indices i64[", count, "] or i64[",
                                                   count, ",", rank, "], got ",
                                                   ToString(indices.type())));
  }
  WEFT_ASSIGN_OR_RETURN(const int64_t size, CountElements(dims));
  const auto given = indices.values<int64_t>();
  std::vector<int64_t> places;
  for (int64_t i = 0; i < count; ++i) {
    int64_t place = linear ? given[static_cast<size_t>(i)] : 0;
    bool inside = place >= 0 && place < size;
    for (int64_t axis = 0; !linear && axis < rank; ++axis) {
      const int64_t index = given[static_cast<size_t>(i * rank + axis)];
      const int64_t extent = dims[static_cast<size_t>(axis)];
      inside = inside && index >= 0 && index < extent;
      place = inside ? place * extent + index : 0;
    }
    if (!inside || (!places.empty() && place <= places.back())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "element ", i, " lies outside of ", ToString(dims), " or not after the one before it"));
    }
    places.push_back(place);
  }
  return places;
}

}  // namespace

absl::StatusOr<Tensor> TensorFromSparse(const onnx::SparseTensorProto& sparse,
                                        const TensorSource& source, KnownBudget& budget) {
  WEFT_ASSIGN_OR_RETURN(const Tensor values, ImportedTensor(sparse.values(), source));
  WEFT_ASSIGN_OR_RETURN(const Tensor indices, TensorFromProto(sparse.indices(), source));
  const Dims dims(sparse.dims().begin(), sparse.dims().end());
  WEFT_ASSIGN_OR_RETURN(const int64_t size, CountElements(dims));
  WEFT_ASSIGN_OR_RETURN(const std::vector<int64_t> places,
                        SparsePlaces(indices, dims, values.size()));
  const size_t width = SizeOf(values.dtype());
  if (!budget.Spend(0, static_cast<double>(size) * static_cast<double>(width))) {
    return absl::UnimplementedError(absl::StrCat("a sparse tensor of ", ToString(dims),
                                                 " is too large to be filled with its zeros"));
  }
  WEFT_ASSIGN_OR_RETURN(Tensor dense, Tensor::Zeros(values.dtype(), dims));
  const auto* from = static_cast<const std::byte*>(values.data());
  auto* to = static_cast<std::byte*>(dense.mutable_data());
  for (size_t i = 0; i < places.size(); ++i) {
    std::memcpy(to + static_cast<size_t>(places[i]) * width, from + i * width, width);
  }
  return dense;
}

absl::StatusOr<Tensor> TensorOfConstant(const onnx::NodeProto& node, const TensorSource& source,
                                        KnownBudget& budget) {
  if (node.attribute_size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected one attribute, the value, got ", node.attribute_size()));
  }
  const onnx::AttributeProto& a = node.attribute(0);
  const auto list = [](const auto& field) { return Dims{static_cast<int64_t>(field.size())}; };
  if (a.name() == "value") return ImportedTensor(a.t(), source);
  if (a.name() == "sparse_value") return TensorFromSparse(a.sparse_tensor(), source, budget);
  if (a.name() == "value_int") return Tensor::FromValues<int64_t>({}, std::array{a.i()});
  if (a.name() == "value_float") return Tensor::Scalar(static_cast<double>(a.f()), DType::kF32);
  if (a.name() == "value_ints") {
    return Tensor::FromValues<int64_t>(list(a.ints()),
                                       std::span(a.ints().data(), size_t(a.ints_size())));
  }
  if (a.name() == "value_floats") {
    return Tensor::FromValues<float>(list(a.floats()),
                                     std::span(a.floats().data(), size_t(a.floats_size())));
  }
  return absl::UnimplementedError(absl::StrCat("a ", a.name(), " is not supported"));
}

}  // namespace weft
