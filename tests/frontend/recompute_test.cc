#include <gtest/gtest.h>

#include <cmath>

#include "frontend/build/builder.h"
#include "frontend/train/train.h"
#include "graph/file/serialize.h"
#include "ops/ops.h"

namespace weft {
namespace {

// Normalizations, with activations whose gradients read their result and their operand.
Model NormalizedNet(DType dtype) {
  Builder b({.seed = 3, .dtype = dtype});
  Value h = b.Input("x", {"N", 1, 28, 28});
  h = b.Relu(b.BatchNorm2d(b.Conv2d(h, {.channels = 8, .kernel = 3, .padding = 1})));
  h = b.Silu(b.BatchNorm2d(b.Conv2d(h, {.channels = 8, .kernel = 3, .padding = 1})));
  h = b.Relu(b.BatchNorm2d(b.Conv2d(h, {.channels = 8, .kernel = 3, .stride = 2})));
  b.Output("logits", b.Linear(b.Flatten(h), {.features = 10}));
  return *b.Build();
}

struct Trained {
  std::vector<double> losses;
  std::string model;  // its bytes
  size_t arena = 0;   // the memory of a step
};

Trained AfterFiveSteps(DType dtype, const TrainOptions& options) {
  Tensor images = *Tensor::Zeros(DType::kF32, {4, 1, 28, 28});
  float angle = 0;
  for (float& x : images.mutable_values<float>()) x = std::sin(angle += 1);
  auto trainer = *Trainer::Create(NormalizedNet(dtype), options);
  Trained result;
  for (int64_t i = 0; i < 5; ++i) {
    const std::vector<int64_t> labels = {1, 2, 3, i};
    result.losses.push_back(trainer->Step(images, Tensor::FromInts(labels), 0.05)->loss);
  }
  Model model = *trainer->Snapshot();
  model.training.reset();  // it remembers the kernels of every step
  result.model = SerializeModel(model);
  result.arena = (*trainer->TrainingPlan(4))->arena_bytes;
  return result;
}

TEST(Recompute, TakesLessMemoryForTheSameBits) {
  for (const DType dtype : {DType::kF32, DType::kF64}) {
    for (const bool reference_only : {false, true}) {
      TrainOptions options = {
          .optimizer = {.momentum = 0.9}, .threads = 2, .reference_only = reference_only};
      const Trained kept = AfterFiveSteps(dtype, options);
      options.recompute = true;
      const Trained recomputed = AfterFiveSteps(dtype, options);
      EXPECT_EQ(recomputed.losses, kept.losses);
      EXPECT_EQ(recomputed.model, kept.model);
      // Other kernels do not run in place: in so small a net they gain nothing.
      const bool in_place = dtype == DType::kF32 && !reference_only;
      if (in_place) {
        EXPECT_LT(recomputed.arena, kept.arena);
      }
    }
  }
}

}  // namespace
}  // namespace weft
