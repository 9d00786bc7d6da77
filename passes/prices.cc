#include "passes/prices.h"

#include <limits>

namespace weft {

absl::StatusOr<Value> Prices::AddImage(TensorType type) {
  for (size_t axis = 0; axis < type.shape.size(); ++axis) {
    if (axis == 0 || !type.shape[axis].is_static()) type.shape[axis] = Dim(axis == 0 ? 1 : 64);
  }
  return graph_.AddInput("x", std::move(type));
}

absl::StatusOr<Value> Prices::AddConv(Value x, const Dims& w, AttributeMap attributes,
                                      std::string_view op) {
  WEFT_ASSIGN_OR_RETURN(const Value weights, graph_.AddInput("w", {x.type().dtype, ToShape(w)}));
  WEFT_ASSIGN_OR_RETURN(Node * conv, graph_.AddNode({.op = std::string(op),
                                                     .name = "conv",
                                                     .inputs = {x, weights},
                                                     .attributes = std::move(attributes)}));
  WEFT_RETURN_IF_ERROR(AddPrice(*conv));
  return conv->output();
}

absl::StatusOr<Value> Prices::AddResize(Value x, const Shape& to, std::string mode) {
  WEFT_ASSIGN_OR_RETURN(const Dims extents, StaticDims(to));
  WEFT_ASSIGN_OR_RETURN(const Value sizes, graph_.AddConstant("sizes", Tensor::FromInts(extents)));
  WEFT_ASSIGN_OR_RETURN(const Node* resize,
                        graph_.AddNode({.op = "Resize",
                                        .name = "resize",
                                        .inputs = {x, Value(), Value(), sizes},
                                        .attributes = {{"mode", std::move(mode)}}}));
  WEFT_RETURN_IF_ERROR(AddPrice(*resize));
  return resize->output();
}

absl::Status Prices::AddElementwise(Value x) {
  WEFT_ASSIGN_OR_RETURN(const Node* node,
                        graph_.AddNode({.op = "Relu", .name = "relu", .inputs = {x}}));
  return AddPrice(*node);
}

absl::Status Prices::AddSplit(Value y, const std::vector<int64_t>& channels) {
  WEFT_ASSIGN_OR_RETURN(const Value sizes,
                        graph_.AddConstant("channels", Tensor::FromInts(channels)));
  WEFT_ASSIGN_OR_RETURN(
      const Node* split,
      graph_.AddNode(
          {.op = "Split", .name = "split", .inputs = {y, sizes}, .attributes = {{"axis", 1}}}));
  return AddPrice(*split);
}

absl::Status Prices::AddPrice(const Node& node) {
  WEFT_ASSIGN_OR_RETURN(const Cost cost, costs_.Price(node));
  if (__builtin_add_overflow(macs_, cost.macs, &macs_)) macs_ = std::numeric_limits<int64_t>::max();
  flops_ += cost.flops;
  bytes_ += cost.bytes;
  return absl::OkStatus();
}

}  // namespace weft
