#include "frontend/session/plan_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/weft.h"
#include "tests/zoo/testing_zoo.h"

namespace weft {
namespace {

class Cache : public ::testing::Test {
 protected:
  Cache()
      : cache_(OptimizedForInference(SmallNetwork(**FindNetwork("lenet")).graph).value(), nullptr,
               {.threads = kTestThreads}, arena_) {}

  SymbolBindings Of(int64_t batch) const { return BindAllSymbols(cache_.graph(), batch); }
  // The output for `batch` examples.
  Tensor Run(int64_t batch) {
    const Node& input = *cache_.graph().inputs()[0];
    Dims dims = {batch};
    for (int axis = 1; axis < input.type().rank(); ++axis) {
      dims.push_back(input.type().dim(axis).coefficient());
    }
    Tensor x = Tensor::Zeros(DType::kF32, dims).value();
    const std::span<float> values = x.mutable_values<float>();
    for (size_t i = 0; i < values.size(); ++i) values[i] = 0.1f * static_cast<float>(i % 11);
    return cache_.Run({{input.name(), x}}).value()[0];
  }

  std::shared_ptr<Arena> arena_ = std::make_shared<Arena>();
  PlanCache cache_;
};

TEST_F(Cache, HasOneArenaAsLargeAsTheLargestPlanNeeds) {
  const Tensor first = Run(1);
  const size_t small = arena_->bytes();
  EXPECT_EQ(small, cache_.PlanFor(Of(1)).value()->arena_bytes);
  Run(16);
  EXPECT_GT(arena_->bytes(), small);
  EXPECT_EQ(arena_->bytes(), cache_.PlanFor(Of(16)).value()->arena_bytes);
  EXPECT_EQ(arena_->bytes(), cache_.arena_bytes());
  // The plan that knew the arena when it was smaller.
  EXPECT_TRUE(Run(1) == first);
}

TEST_F(Cache, PlansLiveAsLongAsSomebodyHoldsThem) {
  const std::shared_ptr<const Plan> plan = cache_.PlanFor(Of(1)).value();
  const std::string text = plan->ToString();
  for (int64_t batch = 2; batch < 12; ++batch) ASSERT_TRUE(cache_.PlanFor(Of(batch)).ok());
  EXPECT_NE(cache_.PlanFor(Of(1)).value(), plan) << "it should have been evicted";
  EXPECT_EQ(plan->ToString(), text);
}

TEST_F(Cache, TheLastPlanIsTheOneThatRan) {
  Run(2);
  for (int64_t batch = 4; batch < 12; ++batch) ASSERT_TRUE(cache_.PlanFor(Of(batch)).ok());
  EXPECT_EQ(cache_.last_plan().input_layouts[0].dims()[0], 2);
}

TEST_F(Cache, PlanningTakesNoArena) {
  ASSERT_TRUE(cache_.PlanFor(Of(4096)).ok());
  EXPECT_EQ(arena_->bytes(), 0U);
}

TEST_F(Cache, CountsOutputsAndSharedTensorsOnce) {
  MemoryCount before, after;
  cache_.CountInto(before);
  const auto plan = cache_.PlanFor(Of(4)).value();
  cache_.CountInto(after);
  EXPECT_GE(after.bytes(), before.bytes() + plan->output_layouts[0].bytes());
  const size_t once = after.bytes();
  after.Add(cache_.graph());
  EXPECT_EQ(after.bytes(), once);
}

}  // namespace
}  // namespace weft
