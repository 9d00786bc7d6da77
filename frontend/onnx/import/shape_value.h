#ifndef WEFT_FRONTEND_ONNX_IMPORT_SHAPE_VALUE_H_
#define WEFT_FRONTEND_ONNX_IMPORT_SHAPE_VALUE_H_

#include <optional>
#include <vector>

#include "frontend/onnx/proto.h"
#include "graph/tensor.h"

namespace weft {

// The elements of a scalar or a list of integers as far as they follow from shapes, symbols
// included: exporters compute the shape of a Reshape from Shape, Gather and Concat.
struct ShapeValue {
  std::vector<Dim> dims;
  bool scalar = false;

  // The tensor where no symbol is left; nullopt otherwise.
  std::optional<Tensor> Constant() const;
};

// The value of a small tensor of integers; nullopt for any other.
std::optional<ShapeValue> ShapeValueOf(const Tensor& tensor);

// What shape arithmetic looks at in one of a node's operands.
struct ShapeOperand {
  std::optional<TensorType> type = {};  // absent where the operand is
  const ShapeValue* value = nullptr;    // null: not known
  const Tensor* constant = nullptr;     // null: computed
};

// The first output of a node as a ShapeValue: Shape and Size of a known type, and Gather, Slice,
// Concat, Squeeze, Unsqueeze, Reshape, Cast, Identity, Add, Sub, Mul, Div and ReduceProd of known
// values. nullopt where it is none or would not be a list of dims.
std::optional<ShapeValue> ComputeShapeValue(const onnx::NodeProto& node,
                                            const std::vector<ShapeOperand>& operands);

// The argument of a Reshape of `data` to `target`: dims that are data's of the same axis become 0,
// one further symbolic dim becomes -1. nullopt where more symbols are left, or a 0 is a real one.
std::optional<std::vector<int64_t>> ReshapeArgument(const Shape& data, const ShapeValue& target);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_IMPORT_SHAPE_VALUE_H_
