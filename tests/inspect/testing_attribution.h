#ifndef WEFT_TESTS_INSPECT_TESTING_ATTRIBUTION_H_
#define WEFT_TESTS_INSPECT_TESTING_ATTRIBUTION_H_

#include <cmath>
#include <utility>
#include <vector>

#include "frontend/build/builder.h"
#include "frontend/inspect/probe.h"

namespace weft {

// A small classifier with curves and kinks.
inline Model CurvedNet(DType dtype) {
  Builder b({.seed = 3, .dtype = dtype});
  Value h = b.Input("image", {"N", 2, 8, 8});
  h = b.Silu(b.BatchNorm2d(b.Conv2d(h, {.channels = 4, .kernel = 3, .name = "conv1"})));
  h = b.MaxPool2d(h, {.kernel = 2, .stride = 2});
  h = b.Relu(b.Conv2d(h, {.channels = 5, .kernel = 2, .name = "conv2"}), {.name = "relu2"});
  b.Output("scores", b.Softmax(b.Linear(b.Flatten(h), {.features = 3, .name = "fc"})));
  return b.Build().value();
}

// The structure of CAM.
inline Model PooledNet(DType dtype = DType::kF32) {
  Builder b({.seed = 8, .dtype = dtype});
  Value h = b.Input("image", {"N", 2, 8, 8});
  h = b.Relu(b.Conv2d(h, {.channels = 4, .kernel = 3, .name = "conv1"}), {.name = "relu1"});
  h = b.Relu(b.Conv2d(h, {.channels = 6, .kernel = 3, .name = "conv2"}), {.name = "relu2"});
  b.Output("scores", b.Linear(b.GlobalAvgPool(h), {.features = 3, .name = "fc"}));
  return b.Build().value();
}

// Numbers that f32 and f64 both have.
inline Tensor Waves(Dims dims) {
  Tensor x = Tensor::Zeros(DType::kF32, std::move(dims)).value();
  const std::span<float> values = x.mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = std::sin(1.7f * static_cast<float>(i) + 1);
  }
  return x;
}

inline std::vector<float> ValuesOf(const Tensor& tensor) {
  return {tensor.values<float>().begin(), tensor.values<float>().end()};
}

// The score of `target` for x, by a session of its own.
inline double ScoreOf(const Model& model, const Tensor& x, int64_t target) {
  const auto probe = Probe::Create(model, {.towards = {}}).value();
  return (*probe->Values(x))[0].At(target);
}

}  // namespace weft

#endif  // WEFT_TESTS_INSPECT_TESTING_ATTRIBUTION_H_
