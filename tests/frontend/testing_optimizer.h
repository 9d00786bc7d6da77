#ifndef WEFT_TESTS_FRONTEND_TESTING_OPTIMIZER_H_
#define WEFT_TESTS_FRONTEND_TESTING_OPTIMIZER_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "frontend/build/builder.h"
#include "frontend/train/train.h"
#include "graph/bind.h"

namespace weft {

// Trainings of one or two layers on examples that are waves, for the tests of optimizers.

using Doubles = std::vector<double>;

inline constexpr double kRate = 0.1;

inline Model OneLayer(DType dtype = DType::kF64) {
  Builder b({.seed = 3, .dtype = dtype});
  b.Output("y", b.Linear(b.Input("x", {"N", 4}), {.features = 3, .name = "fc"}));
  return *b.Build();
}

inline Model TwoLayers(DType dtype = DType::kF64) {
  Builder b({.seed = 3, .dtype = dtype});
  const Value h = b.Relu(b.Linear(b.Input("x", {"N", 4}), {.features = 8, .name = "features"}));
  b.Output("y", b.Linear(h, {.features = 3, .name = "head"}));
  return *b.Build();
}

// Example i of any number: two batches are those of one after the other.
inline Tensor Examples(int64_t first, int64_t n) {
  Tensor t = *Tensor::Zeros(DType::kF64, {n, 4});
  const auto values = t.mutable_values<double>();
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = std::sin(1.7 * static_cast<double>(first * 4 + static_cast<int64_t>(i)));
  }
  return t;
}

inline Tensor LabelsOf(int64_t first, int64_t n) {
  std::vector<int64_t> labels;
  for (int64_t i = first; i < first + n; ++i) labels.push_back(i % 3);
  return Tensor::FromInts(labels);
}

inline std::unique_ptr<Trainer> TrainerOf(Model model, OptimizerOptions optimizer) {
  auto trainer =
      Trainer::Create(std::move(model), {.optimizer = std::move(optimizer), .threads = 1});
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  return trainer.ok() ? *std::move(trainer) : nullptr;
}

inline double StepOn(Trainer& trainer, int64_t first, int64_t n = 6, bool last = false) {
  const auto result =
      trainer.Step(Examples(first, n), LabelsOf(first, n), kRate, /*first_example=*/0, last);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? result->loss : NAN;
}

inline Doubles ValuesOf(const Tensor& tensor) {
  Doubles values;
  for (int64_t i = 0; i < tensor.size(); ++i) values.push_back(tensor.At(i));
  return values;
}
inline Doubles Get(const Trainer& trainer, const std::string& name) {
  const auto tensor = trainer.Get(name);
  EXPECT_TRUE(tensor.ok()) << tensor.status();
  return tensor.ok() ? ValuesOf(*tensor) : Doubles();
}
inline Doubles Initial(const Trainer& trainer, const std::string& name) {
  return ValuesOf(LeafValue(*trainer.model().graph.Find(name)));
}

// How far a parameter went in the first step.
inline Doubles Moved(Model (*make)(DType), const OptimizerOptions& options,
                     const std::string& name) {
  const auto trainer = TrainerOf(make(DType::kF64), options);
  StepOn(*trainer, 0);
  Doubles moved = Get(*trainer, name);
  const Doubles before = Initial(*trainer, name);
  for (size_t i = 0; i < moved.size(); ++i) moved[i] -= before[i];
  return moved;
}

inline auto Near(const Doubles& values, double error = 1e-12) {
  return testing::Pointwise(testing::DoubleNear(error), values);
}

}  // namespace weft

#endif  // WEFT_TESTS_FRONTEND_TESTING_OPTIMIZER_H_
