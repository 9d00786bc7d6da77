#include "graph/evaluate.h"

#include <algorithm>

namespace weft {
namespace {

absl::StatusOr<std::vector<Tensor>> AllocateOutputs(const Node& node) {
  std::vector<Tensor> outputs;
  for (int i = 0; i < node.num_outputs(); ++i) {
    WEFT_ASSIGN_OR_RETURN(Dims dims, StaticDims(node.type(i).shape));
    WEFT_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Zeros(node.type(i).dtype, std::move(dims)));
    outputs.push_back(std::move(tensor));
  }
  return outputs;
}

}  // namespace

TensorView ViewOf(const Tensor& tensor) {
  if (tensor.is_empty()) return {};
  // Kernels write through the views of outputs only.
  void* data = tensor.size() == 0 ? nullptr : const_cast<std::byte*>(tensor.data());
  return {tensor.dtype(), tensor.dims(), data, true};
}

absl::StatusOr<std::vector<Tensor>> EvaluateNode(const Node& node,
                                                 std::span<const TensorView> inputs,
                                                 const RandomKey& key) {
  if (node.op().evaluate == nullptr) {
    return absl::FailedPreconditionError("has no reference kernel");
  }
  WEFT_ASSIGN_OR_RETURN(std::vector<Tensor> outputs, AllocateOutputs(node));
  std::vector<TensorView> views;
  for (Tensor& tensor : outputs) {
    tensor.mutable_data();
    views.push_back(ViewOf(tensor));
  }
  // Nothing to compute; loops over the other extents, which may be huge, would take their time.
  const bool nothing = std::all_of(outputs.begin(), outputs.end(),
                                   [](const Tensor& tensor) { return tensor.size() == 0; });
  if (nothing) return outputs;
  WEFT_RETURN_IF_ERROR(node.op().evaluate({node.attributes(), inputs, views, key}));
  return outputs;
}

bool AreKnown(const OpDef& op, std::span<const Value> inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Value v = inputs[i];
    const bool known =
        v.null() || ConstantValue(v) != nullptr ||
        (op.inputs[std::min(i, op.inputs.size() - 1)].shape_only && v.type().is_static());
    if (!known) return false;
  }
  return !inputs.empty();
}

std::optional<Tensor> KnownOutput(const Node& node) {
  if (node.num_outputs() != 1 || node.op().draws_random || !AreKnown(node.op(), node.inputs())) {
    return std::nullopt;
  }
  const auto size = CountElements(node.type().shape);
  if (!size.ok() || !size->is_static() || size->coefficient() > kMostKnownElements) {
    return std::nullopt;
  }
  // Constants may be large, and the reference kernels are slow.
  const absl::StatusOr<Cost> cost = CostOf(node);
  if (!cost.ok() || cost->flops > kMostKnownFlops) return std::nullopt;
  std::vector<Dims> dims(
      static_cast<size_t>(node.num_inputs()));  // what views of no bytes refer to
  std::vector<TensorView> views;
  for (int i = 0; i < node.num_inputs(); ++i) {
    const Value v = node.input(i);
    const Tensor* constant = v.null() ? nullptr : ConstantValue(v);
    if (v.null() || constant != nullptr) {
      views.push_back(v.null() ? TensorView() : ViewOf(*constant));
      continue;
    }
    for (const Dim& dim : v.type().shape) dims[static_cast<size_t>(i)].push_back(dim.coefficient());
    views.push_back({v.type().dtype, dims[static_cast<size_t>(i)], nullptr, true});
  }
  auto outputs = EvaluateNode(node, views, {});
  if (!outputs.ok()) return std::nullopt;
  return std::move((*outputs)[0]);
}

}  // namespace weft
