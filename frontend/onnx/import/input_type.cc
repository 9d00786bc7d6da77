#include <algorithm>

#include "frontend/onnx/import/importer.h"

namespace weft {
namespace {

// Exporters write several dims that they know nothing of by one word, which is no symbol; only on
// axis 0 it is, the batch, which the inputs share.
bool IsUnknownDim(std::string_view dim_param, int axis) {
  constexpr std::string_view kWords[] = {"?", "-1", "None", "none", "unk", "unknown"};
  return dim_param.empty() ||
         (axis > 0 && std::ranges::find(kWords, dim_param) != std::end(kWords));
}

// `unknown` is the symbol where the model has none.
absl::StatusOr<Dim> DimOfOnnx(const onnx::TensorShapeProto::Dimension& dim, int axis,
                              std::string unknown) {
  if (dim.has_dim_value() && dim.dim_value() >= 0) return Dim(dim.dim_value());
  if (IsUnknownDim(dim.dim_param(), axis)) return Dim::Symbol(std::move(unknown));
  absl::StatusOr<Dim> parsed = Dim::Parse(dim.dim_param());
  return parsed.ok() ? parsed : Dim::Symbol(std::move(unknown));
}

}  // namespace

absl::StatusOr<TensorType> TypeOfOnnxInput(const onnx::ValueInfoProto& info) {
  if (!info.type().has_tensor_type()) {
    return absl::UnimplementedError(
        "is no tensor (sequences, maps, optional and sparse values are not supported)");
  }
  const onnx::TypeProto::Tensor& proto = info.type().tensor_type();
  const std::optional<DType> dtype = DTypeOfOnnx(proto.elem_type());
  if (!dtype) {
    return absl::UnimplementedError(
        absl::StrCat(OnnxTypeName(proto.elem_type()), " is not supported"));
  }
  if (!proto.has_shape()) return absl::UnimplementedError("is of unknown rank");
  TensorType type{*dtype, {}};
  for (const auto& dim : proto.shape().dim()) {
    const int axis = type.rank();
    WEFT_ASSIGN_OR_RETURN(Dim d, DimOfOnnx(dim, axis, absl::StrCat(info.name(), ".d", axis)));
    type.shape.push_back(std::move(d));
  }
  return type;
}

}  // namespace weft
