#include <algorithm>

#include "frontend/onnx/import/importer.h"

namespace weft {
namespace {

// Exporters write several dims that they know nothing of by one word, which is no symbol.
bool IsUnknownDim(std::string_view dim_param) {
  constexpr std::string_view kWords[] = {"?", "-1", "None", "none", "unk", "unknown"};
  return dim_param.empty() || std::ranges::find(kWords, dim_param) != std::end(kWords);
}

// `unknown` is the symbol where the model has none.
absl::StatusOr<Dim> DimOfOnnx(const onnx::TensorShapeProto::Dimension& dim, std::string unknown) {
  if (dim.has_dim_value() && dim.dim_value() >= 0) return Dim(dim.dim_value());
  if (IsUnknownDim(dim.dim_param())) return Dim::Symbol(std::move(unknown));
  absl::StatusOr<Dim> parsed = Dim::Parse(dim.dim_param());
  return parsed.ok() ? parsed : Dim::Symbol(std::move(unknown));
}

absl::StatusOr<TensorType> DeclaredType(const onnx::ValueInfoProto& info) {
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
    WEFT_ASSIGN_OR_RETURN(Dim d, DimOfOnnx(dim, absl::StrCat(info.name(), ".d", axis)));
    type.shape.push_back(std::move(d));
  }
  return type;
}

// The inputs that a run is fed: files of old list their initializers too.
std::vector<const onnx::ValueInfoProto*> FedInputs(const onnx::GraphProto& graph) {
  std::vector<const onnx::ValueInfoProto*> inputs;
  for (const onnx::ValueInfoProto& input : graph.input()) {
    const bool has_value = std::ranges::any_of(
        graph.initializer(), [&](const auto& tensor) { return tensor.name() == input.name(); });
    if (!has_value) inputs.push_back(&input);
  }
  return inputs;
}

// The input that `name` means, "" the only one.
absl::StatusOr<const onnx::ValueInfoProto*> InputOfShape(
    const std::vector<const onnx::ValueInfoProto*>& inputs, const std::string& name) {
  if (name.empty() && inputs.size() == 1) return inputs[0];
  std::string names;
  for (const onnx::ValueInfoProto* input : inputs) {
    if (input->name() == name && !name.empty()) return input;
    absl::StrAppend(&names, names.empty() ? "" : ", ", input->name());
  }
  if (name.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a shape needs the name of its input, one of ", inputs.size(), ": ", names));
  }
  return absl::NotFoundError(
      absl::StrCat("a shape is given for '", name, "', which is none of the inputs ", names));
}

}  // namespace

absl::StatusOr<OnnxInputTypes> OnnxInputTypes::Create(const onnx::GraphProto& graph,
                                                      const std::map<std::string, Shape>& shapes) {
  OnnxInputTypes types;
  const std::vector<const onnx::ValueInfoProto*> inputs = FedInputs(graph);
  for (const auto& [name, shape] : shapes) {
    WEFT_ASSIGN_OR_RETURN(const onnx::ValueInfoProto* input, InputOfShape(inputs, name));
    if (!types.shapes_.emplace(input->name(), shape).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("input ", input->name(), " is given two shapes"));
    }
    WEFT_RETURN_IF_ERROR(
        Annotate(types.Bind(*input, shape), absl::StrCat("input ", input->name())));
  }
  return types;
}

absl::Status OnnxInputTypes::Bind(const onnx::ValueInfoProto& info, const Shape& shape) {
  const absl::StatusOr<TensorType> declared = DeclaredType(info);
  if (!declared.ok()) return absl::OkStatus();  // a problem of the model, told with the others
  if (declared->shape.size() != shape.size()) {
    return absl::InvalidArgumentError(absl::StrCat("is ", ToString(*declared), ", of rank ",
                                                   declared->rank(), ", but the shape given is ",
                                                   ToString(shape)));
  }
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const Dim& dim = declared->shape[axis];
    const bool is_symbol = dim.symbols().size() == 1 && dim.coefficient() == 1;
    if (!is_symbol || !shape[axis].is_static()) continue;
    const int64_t number = shape[axis].coefficient();
    const auto [known, is_new] = numbers_.emplace(dim.symbols()[0], number);
    if (!is_new && known->second != number) {
      return absl::InvalidArgumentError(absl::StrCat(known->first, " is ", known->second,
                                                     " already, but the shape given is ",
                                                     ToString(shape)));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<TensorType> OnnxInputTypes::Of(const onnx::ValueInfoProto& info) const {
  WEFT_ASSIGN_OR_RETURN(TensorType type, DeclaredType(info));
  WEFT_ASSIGN_OR_RETURN(type.shape, Substitute(type.shape, numbers_));
  const auto given = shapes_.find(info.name());
  if (given == shapes_.end()) return type;
  for (size_t axis = 0; axis < type.shape.size(); ++axis) {
    Dim& dim = type.shape[axis];
    if (dim.is_static() && dim != given->second[axis]) {
      return absl::InvalidArgumentError(
          absl::StrCat("is ", ToString(type), ", with ", dim.ToString(), " on axis ", axis,
                       ", but the shape given is ", ToString(given->second)));
    }
    dim = given->second[axis];
  }
  return type;
}

}  // namespace weft
