// Optimizer steps of several batches.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/data/tensor_data.h"
#include "frontend/train/train_loop.h"
#include "tests/frontend/testing_optimizer.h"

namespace weft {
namespace {

TEST(Accumulation, AccumulatedBatchesAreOneStepOnAllTheirExamples) {
  for (const char* method : {"sgd", "adam", "lamb"}) {
    const OptimizerOptions options = {.method = method, .weight_decay = 0.01, .clip_norm = 0.3};
    OptimizerOptions in_parts = options;
    in_parts.accumulation = 3;
    const auto whole = TrainerOf(TwoLayers(), options), parts = TrainerOf(TwoLayers(), in_parts);
    for (int step = 0; step < 4; ++step) {
      StepOn(*whole, step * 6, 6);
      const Doubles before = Get(*parts, "head.weight");
      StepOn(*parts, step * 6, 2);
      StepOn(*parts, step * 6 + 2, 2);
      EXPECT_EQ(Get(*parts, "head.weight"), before);
      StepOn(*parts, step * 6 + 4, 2);
      for (const char* name : {"features.weight", "features.bias", "head.weight"}) {
        EXPECT_THAT(Get(*parts, name), Near(Get(*whole, name))) << method << ", " << name;
      }
    }
  }
}

// Five batches an epoch, of which three make a step: the other two make one of their own mean, and
// the next epoch begins with a whole one. Resumed after any batch it is the same.
TEST(Accumulation, WhatAnEpochLeavesMakesAStepOfItsOwn) {
  for (const char* method : {"sgd", "adam", "lamb"}) {
    const OptimizerOptions options = {.method = method, .clip_norm = 0.3, .average_decay = 0.9};
    OptimizerOptions in_parts = options;
    in_parts.accumulation = 3;
    const auto whole = TrainerOf(TwoLayers(), options);
    auto parts = TrainerOf(TwoLayers(), in_parts);
    for (int epoch = 0; epoch < 3; ++epoch) {
      StepOn(*whole, epoch * 10, 6);
      StepOn(*whole, epoch * 10 + 6, 4);
      for (int batch = 0; batch < 5; ++batch) {
        StepOn(*parts, epoch * 10 + batch * 2, 2, /*last=*/batch == 4);
        auto resumed = Trainer::Resume(*parts->Snapshot(), parts->options());
        ASSERT_TRUE(resumed.ok()) << resumed.status();
        parts = *std::move(resumed);
      }
      for (const char* name : {"features.weight", "head.weight", "head.weight/average"}) {
        EXPECT_THAT(Get(*parts, name), Near(Get(*whole, name))) << method << ", " << name;
      }
    }
  }
}

// Batches that are whole steps count as they did.
TEST(Accumulation, AnEpochOfWholeStepsLeavesNothing) {
  const OptimizerOptions options = {.method = "adam", .accumulation = 2};
  const auto marked = TrainerOf(OneLayer(), options), plain = TrainerOf(OneLayer(), options);
  for (int batch = 0; batch < 8; ++batch) {
    StepOn(*marked, batch * 6, 6, /*last=*/batch % 4 == 3);
    StepOn(*plain, batch * 6, 6);
  }
  EXPECT_EQ(Get(*marked, "fc.weight"), Get(*plain, "fc.weight"));
  EXPECT_EQ(marked->Snapshot()->training->config, plain->Snapshot()->training->config);
}

// Fit says which batch is an epoch's last: 7 batches of 2 by three, against one batch of 14.
TEST(Accumulation, FitEndsEpochsWithAStep) {
  const auto examples = MakeTensorDataset(
      {.name = "waves"}, {.x = *Examples(0, 14).Converted(DType::kF32), .y = LabelsOf(0, 14)});
  ASSERT_TRUE(examples.ok()) << examples.status();
  const auto trainer = TrainerOf(OneLayer(DType::kF32), {.accumulation = 3});
  std::vector<bool> moved;
  Doubles before = Get(*trainer, "fc.weight");
  const FitCallbacks callbacks = {.on_step = [&](const StepProgress&) {
    const Doubles now = Get(*trainer, "fc.weight");
    moved.push_back(now != before);
    before = now;
  }};
  ASSERT_TRUE(Fit(*trainer, *examples, nullptr, {.epochs = 2, .batch_size = 2}, callbacks).ok());
  EXPECT_THAT(moved, testing::ElementsAre(false, false, true, false, false, true, true,  //
                                          false, false, true, false, false, true, true));
}

// With another number of batches a step the steps that were made still count, Adam's too.
TEST(Accumulation, AnotherAccumulationKeepsTheCountOfSteps) {
  const auto fours = TrainerOf(OneLayer(), {.method = "adam", .accumulation = 4});
  const auto ones = TrainerOf(OneLayer(), {.method = "adam"});
  for (int step = 0; step < 2; ++step) {
    StepOn(*ones, step * 8, 8);
    for (int part = 0; part < 4; ++part) StepOn(*fours, step * 8 + part * 2, 2);
  }
  TrainOptions options = fours->options();
  options.optimizer.accumulation = 1;
  const auto resumed = Trainer::Resume(*fours->Snapshot(), options);
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  StepOn(*ones, 16, 8);
  StepOn(**resumed, 16, 8);
  EXPECT_THAT(Get(**resumed, "fc.weight"), Near(Get(*ones, "fc.weight")));
}

TEST(Accumulation, AnotherAccumulationBeginsItsMeanAnew) {
  const auto whole = TrainerOf(OneLayer(), {.accumulation = 4});
  StepOn(*whole, 0);
  TrainOptions options = whole->options();
  const auto gradient = [&] {
    auto resumed = Trainer::Resume(*whole->Snapshot(), options);
    EXPECT_TRUE(resumed.ok()) << resumed.status();
    return resumed.ok() ? Get(**resumed, "fc.weight/gradient") : Doubles();
  };
  EXPECT_EQ(gradient(), Get(*whole, "fc.weight/gradient"));
  EXPECT_THAT(gradient(), testing::Not(testing::Each(0.0)));
  options.optimizer.accumulation = 2;
  EXPECT_THAT(gradient(), testing::Each(0.0));
}

}  // namespace
}  // namespace weft
