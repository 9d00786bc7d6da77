#ifndef WEFT_TESTS_FRONTEND_TESTING_LAYERS_H_
#define WEFT_TESTS_FRONTEND_TESTING_LAYERS_H_

#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "frontend/build/builder.h"
#include "gtest/gtest.h"
#include "ops/reference.h"

// A layer of the builder on a few numbers, in f64.

namespace weft {

inline Tensor Of(Dims dims, const std::vector<double>& values) {
  return Tensor::FromValues<double>(std::move(dims), values).value();
}

// 0, 1, 2, … of these dims.
inline Tensor Count(Dims dims) {
  Tensor tensor = Tensor::Zeros(DType::kF64, std::move(dims)).value();
  std::span<double> values = tensor.mutable_values<double>();
  std::iota(values.begin(), values.end(), 0.0);
  return tensor;
}

inline std::vector<double> NumbersOf(const Tensor& tensor) {
  std::vector<double> numbers;
  for (int64_t i = 0; i < tensor.size(); ++i) numbers.push_back(tensor.At(i));
  return numbers;
}

struct LayerRun {
  // Input "x" has x's dims, or these (to name symbols).
  std::vector<Axis> shape = {};
  TensorMap parameters = {};  // by name; others as they are drawn
};

// build(b, x) for x fed with `x`; an empty tensor and a failed test after an error.
template <typename F>
Tensor RunLayer(const Tensor& x, F build, const LayerRun& run = {}) {
  Builder b({.seed = 3, .dtype = DType::kF64});
  std::vector<Axis> shape = run.shape;
  if (shape.empty()) shape.assign(x.dims().begin(), x.dims().end());
  b.Output("y", build(b, b.Input("x", shape)));
  absl::StatusOr<Model> model = b.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  if (!model.ok()) return Tensor();
  for (const auto& [name, value] : run.parameters) {
    Node* leaf = model->graph.Find(name);
    EXPECT_NE(leaf, nullptr) << name;
    if (leaf == nullptr) return Tensor();
    const absl::Status status = model->graph.SetLeafValue(leaf, value);
    EXPECT_TRUE(status.ok()) << name << ": " << status;
  }
  auto outputs = ReferenceEvaluator().RunGraph(model->graph, {{"x", x}});
  EXPECT_TRUE(outputs.ok()) << outputs.status();
  return outputs.ok() ? outputs->at("y") : Tensor();
}

// "NAME f64[dims]" of each variable, in order.
template <typename F>
std::vector<std::string> ParametersOf(const Dims& x, F build) {
  Builder b({.dtype = DType::kF64});
  b.Output("y", build(b, b.Input("x", {x.begin(), x.end()})));
  absl::StatusOr<Model> model = b.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  std::vector<std::string> result;
  if (!model.ok()) return result;
  for (const Node* v : model->graph.variables()) {
    result.push_back(v->name() + " " + ToString(v->type().shape));
  }
  return result;
}

// The first mistake of build(b, x).
template <typename F>
std::string MistakeOf(const std::vector<Axis>& shape, F build) {
  Builder b;
  build(b, b.Input("x", shape));
  return std::string(b.status().message());
}

}  // namespace weft

#endif  // WEFT_TESTS_FRONTEND_TESTING_LAYERS_H_
