#include "frontend/onnx/import/halves.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_join.h"

namespace weft {
namespace {

bool IsHalf(int32_t data_type) {
  return data_type == onnx::TensorProto::FLOAT16 || data_type == onnx::TensorProto::BFLOAT16;
}

bool HoldsHalves(const onnx::ValueInfoProto& info) {
  return IsHalf(info.type().tensor_type().elem_type());
}

// A Constant of halves, or a Cast to them.
bool MakesHalves(const onnx::NodeProto& node) {
  return std::ranges::any_of(node.attribute(), [&](const onnx::AttributeProto& a) {
    return (node.op_type() == "Cast" && a.name() == "to" && IsHalf(static_cast<int32_t>(a.i()))) ||
           (a.has_t() && IsHalf(a.t().data_type()));
  });
}

}  // namespace

DType ImportedDType(DType dtype) { return kHalfTypes.contains(dtype) ? DType::kF32 : dtype; }

std::optional<DType> ImportedDTypeOf(int32_t data_type) {
  const std::optional<DType> dtype = DTypeOfOnnx(data_type);
  return dtype ? std::optional(ImportedDType(*dtype)) : std::nullopt;
}

absl::StatusOr<Tensor> ImportedTensor(const Tensor& tensor) {
  if (!kHalfTypes.contains(tensor.dtype())) return tensor;
  return tensor.Converted(ImportedDType(tensor.dtype()));
}

absl::StatusOr<Tensor> ImportedTensor(const onnx::TensorProto& proto, const TensorSource& source) {
  WEFT_ASSIGN_OR_RETURN(const Tensor tensor, TensorFromProto(proto, source));
  return ImportedTensor(tensor);
}

std::string NoteOfHalves(const onnx::ModelProto& model, bool kept) {
  const onnx::GraphProto& graph = model.graph();
  const auto weights = std::ranges::count_if(
      graph.initializer(), [](const auto& tensor) { return IsHalf(tensor.data_type()); });
  const auto nodes = std::ranges::count_if(graph.node(), MakesHalves);
  std::vector<std::string> values;
  for (const auto& info : graph.input()) {
    if (HoldsHalves(info)) values.push_back("input " + info.name());
  }
  for (const auto& info : graph.output()) {
    if (HoldsHalves(info)) values.push_back("output " + info.name());
  }
  if (weights == 0 && nodes == 0 && values.empty()) return "";
  std::string note = absl::StrCat("f16 and bf16 are read and computed as f32: ", weights,
                                  weights == 1 ? " initializer, " : " initializers, ", nodes,
                                  nodes == 1 ? " constant or cast" : " constants and casts");
  if (values.empty()) return note;
  absl::StrAppend(&note, kept ? "; " : ", ", absl::StrJoin(values, ", "),
                  kept ? " keep their types" : "");
  return note;
}

}  // namespace weft
