#include "graph/evaluate.h"

#include <algorithm>

namespace weft {
namespace {

constexpr double kMostNodeFlops = 1e8;

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

bool IsKnown(const OpDef& op, std::span<const Value> inputs, KnownTensors tensors) {
  if (op.evaluate == nullptr || op.draws_random) return false;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Value v = inputs[i];
    const bool known =
        v.null() || tensors(v) != nullptr || (op.input(i).shape_only && v.type().is_static());
    if (!known) return false;
  }
  return !inputs.empty();
}

bool KnownBudget::Spend(double more_flops, double more_bytes) {
  if (more_flops > flops || more_bytes > bytes) return false;
  flops -= more_flops;
  bytes -= more_bytes;
  return true;
}

bool KnownBudget::SpendOn(const Node& node) {
  double node_bytes = 0, longest = 1;
  for (int i = 0; i < node.num_outputs(); ++i) {
    const auto size = CountElements(node.type(i).shape);
    if (!size.ok() || !size->is_static() || size->coefficient() > kMostKnownElements) return false;
    node_bytes +=
        static_cast<double>(size->coefficient()) * static_cast<double>(SizeOf(node.type(i).dtype));
    for (const Dim& dim : node.type(i).shape) {
      longest = std::max(longest, static_cast<double>(dim.coefficient()));
    }
  }
  // Constants may be large, and the reference kernels are slow.
  const absl::StatusOr<Cost> cost = CostOf(node);
  if (!cost.ok() || cost->flops > kMostNodeFlops) return false;
  // Theirs of a DFT takes n operations a number, not log n.
  return Spend(node.op_name() == "DFT" ? cost->flops * longest : cost->flops, node_bytes);
}

std::optional<Tensor> KnownOutput(const Node& node, KnownBudget& budget) {
  if (node.num_outputs() != 1 || !IsKnown(node.op(), node.inputs()) || !budget.SpendOn(node)) {
    return std::nullopt;
  }
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
