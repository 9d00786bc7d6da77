#ifndef WEFT_TESTS_OPS_TESTING_RUN_H_
#define WEFT_TESTS_OPS_TESTING_RUN_H_

#include <initializer_list>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/ops.h"
#include "ops/reference.h"

// One op on a few numbers, for tests with worked values.

namespace weft {

using Ints = std::vector<int64_t>;

template <typename T>
Tensor Make(Dims dims, std::initializer_list<T> values) {
  return Tensor::FromValues<T>(std::move(dims), {values.begin(), values.size()}).value();
}
inline Tensor F32(Dims dims, std::initializer_list<float> v) { return Make(std::move(dims), v); }
inline Tensor F64(Dims dims, std::initializer_list<double> v) { return Make(std::move(dims), v); }
inline Tensor I32(Dims dims, std::initializer_list<int32_t> v) { return Make(std::move(dims), v); }
inline Tensor I64(Dims dims, std::initializer_list<int64_t> v) { return Make(std::move(dims), v); }
inline Tensor U8(Dims dims, std::initializer_list<uint8_t> v) { return Make(std::move(dims), v); }
inline Tensor Bool(Dims dims, std::initializer_list<bool> v) { return Make(std::move(dims), v); }

// An f64 tensor of 0, 1, 2, …
inline Tensor Counting(Dims dims) {
  Tensor tensor = Tensor::Zeros(DType::kF64, std::move(dims)).value();
  std::span<double> values = tensor.mutable_values<double>();
  std::iota(values.begin(), values.end(), 0.0);
  return tensor;
}

// The elements as double; none for an empty tensor.
inline std::vector<double> Numbers(const Tensor& tensor) {
  std::vector<double> numbers;
  for (int64_t i = 0; i < tensor.size(); ++i) numbers.push_back(tensor.At(i));
  return numbers;
}

struct RunOptions {
  int num_outputs = -1;
  RandomKey key = {};
  bool constants = false;  // inputs are constants of the graph
};

// The outputs of one node called "node"; an input that is an empty tensor is absent.
inline absl::StatusOr<std::vector<Tensor>> Evaluate(std::string op, std::vector<Tensor> inputs,
                                                    AttributeMap attributes = {},
                                                    RunOptions options = {}) {
  Graph graph(StandardOps());
  NodeSpec spec{.op = std::move(op),
                .name = "node",
                .attributes = std::move(attributes),
                .num_outputs = options.num_outputs};
  TensorMap feeds;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string name = "x" + std::to_string(i);
    Value value;
    if (!inputs[i].is_empty() && options.constants) {
      WEFT_ASSIGN_OR_RETURN(value, graph.AddConstant(name, inputs[i]));
    } else if (!inputs[i].is_empty()) {
      WEFT_ASSIGN_OR_RETURN(value, graph.AddInput(name, inputs[i].type()));
      feeds[name] = inputs[i];
    }
    spec.inputs.push_back(value);
  }
  WEFT_ASSIGN_OR_RETURN(Node * node, graph.AddNode(std::move(spec)));
  std::vector<Value> outputs;
  for (int i = 0; i < node->num_outputs(); ++i) outputs.push_back(node->output(i));
  return ReferenceEvaluator(options.key).RunValues(graph, feeds, outputs);
}

// The first output, or an empty tensor and a failed test.
inline Tensor RunOp(std::string op, std::vector<Tensor> inputs, AttributeMap attributes = {},
                    RunOptions options = {}) {
  auto outputs = Evaluate(std::move(op), std::move(inputs), std::move(attributes), options);
  if (outputs.ok()) return (*outputs)[0];
  ADD_FAILURE() << outputs.status();
  return Tensor();
}

// The message of the error that evaluating gives; a failed test if it gives none.
inline std::string RunError(std::string op, std::vector<Tensor> inputs,
                            AttributeMap attributes = {}, RunOptions options = {}) {
  auto outputs = Evaluate(std::move(op), std::move(inputs), std::move(attributes), options);
  EXPECT_FALSE(outputs.ok());
  return std::string(outputs.status().message());
}

// "f32[N,3]" for a dtype and dims in text form.
inline TensorType Type(DType dtype, std::initializer_list<const char*> dims) {
  TensorType type{dtype, {}};
  for (const char* dim : dims) type.shape.push_back(Dim::Parse(dim).value());
  return type;
}
inline TensorType F32Type(std::initializer_list<const char*> dims) {
  return Type(DType::kF32, dims);
}

inline std::vector<TensorType> F32Types(const std::vector<Shape>& shapes) {
  std::vector<TensorType> types;
  for (const Shape& shape : shapes) types.push_back({DType::kF32, shape});
  return types;
}

// The types of the outputs of one node called "node".
inline absl::StatusOr<std::vector<TensorType>> Infer(std::string op, std::vector<TensorType> inputs,
                                                     AttributeMap attributes = {},
                                                     int num_outputs = -1) {
  Graph graph(StandardOps());
  NodeSpec spec{.op = std::move(op),
                .name = "node",
                .attributes = std::move(attributes),
                .num_outputs = num_outputs};
  for (size_t i = 0; i < inputs.size(); ++i) {
    WEFT_ASSIGN_OR_RETURN(Value value, graph.AddInput("x" + std::to_string(i), inputs[i]));
    spec.inputs.push_back(value);
  }
  WEFT_ASSIGN_OR_RETURN(Node * node, graph.AddNode(std::move(spec)));
  std::vector<TensorType> types;
  for (int i = 0; i < node->num_outputs(); ++i) types.push_back(node->type(i));
  return types;
}

// The first output's type in text form, or the error's message.
inline std::string Inferred(std::string op, std::vector<TensorType> inputs,
                            AttributeMap attributes = {}) {
  auto types = Infer(std::move(op), std::move(inputs), std::move(attributes));
  return types.ok() ? ToString((*types)[0]) : std::string(types.status().message());
}

// The message of the error that inference gives; "" when it gives none.
inline std::string InferenceError(std::string op, std::vector<TensorType> inputs,
                                  AttributeMap attributes = {}, int num_outputs = -1) {
  const auto types = Infer(std::move(op), std::move(inputs), std::move(attributes), num_outputs);
  return std::string(types.status().message());
}

// Each element within `tolerance` of the expected one; NaN equals NaN.
MATCHER_P2(NumbersAre, expected, tolerance, "") {
  const std::vector<double> want = expected;
  const std::vector<double> got = Numbers(arg);
  *result_listener << testing::PrintToString(got);
  return testing::Matches(testing::Pointwise(testing::NanSensitiveDoubleNear(tolerance), want))(
      got);
}

}  // namespace weft

#endif  // WEFT_TESTS_OPS_TESTING_RUN_H_
