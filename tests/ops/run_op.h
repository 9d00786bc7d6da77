#ifndef WEFT_TESTS_OPS_RUN_OP_H_
#define WEFT_TESTS_OPS_RUN_OP_H_

#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "gtest/gtest.h"
#include "ops/ops.h"
#include "ops/reference.h"

// Running single ops on written-out values, for tests with worked examples.

namespace weft {

using Ints = std::vector<int64_t>;
using Doubles = std::vector<double>;

// A tensor of `values` converted to `dtype`.
inline Tensor MakeTensor(Dims dims, const Doubles& values, DType dtype = DType::kF64) {
  absl::StatusOr<Tensor> tensor = Tensor::FromValues<double>(std::move(dims), values);
  EXPECT_TRUE(tensor.ok()) << tensor.status();
  return tensor.ok() ? *tensor->Converted(dtype) : Tensor();
}

// A tensor 0, 1, 2, ...
inline Tensor Counting(Dims dims) {
  int64_t count = 1;
  for (int64_t d : dims) count *= d;
  Doubles values;
  for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<double>(i));
  return MakeTensor(std::move(dims), values);
}

inline Doubles ValuesOf(const Tensor& tensor) {
  Doubles values;
  for (int64_t i = 0; i < tensor.size(); ++i) values.push_back(tensor.At(i));
  return values;
}

// A graph of one node, called "node", with an input i0, i1, ... for each type; nullopt stands for
// an absent input.
inline absl::StatusOr<Node*> AddOp(Graph& graph, const std::string& op, AttributeMap attributes,
                                   const std::vector<std::optional<TensorType>>& types,
                                   int num_outputs = -1) {
  std::vector<Value> inputs;
  for (size_t i = 0; i < types.size(); ++i) {
    if (!types[i].has_value()) {
      inputs.emplace_back();
      continue;
    }
    WEFT_ASSIGN_OR_RETURN(const Value value, graph.AddInput(absl::StrCat("i", i), *types[i]));
    inputs.push_back(value);
  }
  return graph.AddNode({.op = op,
                        .name = "node",
                        .inputs = std::move(inputs),
                        .attributes = std::move(attributes),
                        .num_outputs = num_outputs});
}

// The outputs of one op by its reference kernel; an empty tensor stands for an absent input.
inline absl::StatusOr<std::vector<Tensor>> RunOp(const std::string& op, AttributeMap attributes,
                                                 const std::vector<Tensor>& inputs,
                                                 int num_outputs = -1) {
  std::vector<std::optional<TensorType>> types;
  for (const Tensor& input : inputs) {
    types.push_back(input.is_empty() ? std::nullopt : std::optional(input.type()));
  }
  Graph graph(StandardOps());
  WEFT_ASSIGN_OR_RETURN(Node* const node,
                        AddOp(graph, op, std::move(attributes), types, num_outputs));
  return ReferenceEvaluator().RunNode(*node, inputs);
}

// The elements of the first output.
inline Doubles RunValues(const std::string& op, AttributeMap attributes,
                         const std::vector<Tensor>& inputs) {
  absl::StatusOr<std::vector<Tensor>> outputs = RunOp(op, std::move(attributes), inputs);
  EXPECT_TRUE(outputs.ok()) << outputs.status();
  return outputs.ok() ? ValuesOf(outputs->front()) : Doubles();
}

// The message of the error that the op gives for inputs of these types; "" when there is none.
inline std::string InferenceError(const std::string& op, AttributeMap attributes,
                                  const std::vector<Shape>& shapes, int num_outputs = -1) {
  std::vector<std::optional<TensorType>> types;
  for (const Shape& shape : shapes) types.push_back(TensorType{DType::kF32, shape});
  Graph graph(StandardOps());
  return std::string(
      AddOp(graph, op, std::move(attributes), types, num_outputs).status().message());
}

// The inferred shape of the first output, as text; the error where inference fails.
inline std::string InferredShape(const std::string& op, AttributeMap attributes,
                                 const std::vector<Shape>& shapes) {
  std::vector<std::optional<TensorType>> types;
  for (const Shape& shape : shapes) types.push_back(TensorType{DType::kF32, shape});
  Graph graph(StandardOps());
  absl::StatusOr<Node*> node = AddOp(graph, op, std::move(attributes), types);
  return node.ok() ? ToString((*node)->type().shape) : std::string(node.status().message());
}

}  // namespace weft

#endif  // WEFT_TESTS_OPS_RUN_OP_H_
