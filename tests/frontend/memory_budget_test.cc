#include "frontend/train/memory_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/build/builder.h"
#include "frontend/train/train.h"
#include "graph/file/serialize.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A small residual network with what is delicate to compute again: statistics, dropout, maxima.
Model BudgetNet(DType dtype) {
  Builder b({.seed = 3, .dtype = dtype});
  Value h = b.Input("x", {"N", 3, 32, 32});
  h = b.Relu(b.BatchNorm2d(b.Conv2d(h, {.channels = 16, .kernel = 3, .padding = 1})));
  h = b.MaxPool2d(h, {.kernel = 2});
  for (int block = 0; block < 4; ++block) {
    const Value in = h;
    h = b.Relu(b.BatchNorm2d(b.Conv2d(h, {.channels = 8, .kernel = 1})));
    h = b.Dropout(h, {.ratio = 0.1});
    h = b.Silu(b.BatchNorm2d(b.Conv2d(h, {.channels = 8, .kernel = 3, .padding = 1})));
    h = b.BatchNorm2d(b.Conv2d(h, {.channels = 16, .kernel = 1}));
    h = b.Relu(b.Add(h, in));
  }
  b.Output("logits", b.Linear(b.GlobalAvgPool(h), {.features = 10}));
  return *b.Build();
}

Tensor BudgetImages(DType dtype, int64_t n) {
  Tensor images = *Tensor::Zeros(DType::kF32, {n, 3, 32, 32});
  float angle = 0;
  for (float& x : images.mutable_values<float>()) x = std::sin(angle += 1);
  return *images.Converted(dtype);
}

struct TrainedInBudget {
  std::vector<double> losses;
  std::string model;  // its bytes
  size_t arena = 0;
  std::optional<MemoryPrice> price;
};

TrainedInBudget AfterStepsInBudget(DType dtype, const std::string& budget, bool reference_only) {
  TrainOptions options = {
      .optimizer = {.momentum = 0.9}, .seed = 7, .threads = 2, .reference_only = reference_only};
  options.memory.budget = budget;
  auto trainer = Trainer::Create(BudgetNet(dtype), options);
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  TrainedInBudget result;
  // The last batch of an epoch is smaller.
  for (const int64_t n : {16, 16, 5, 16}) {
    std::vector<int64_t> labels;
    for (int64_t i = 0; i < n; ++i) labels.push_back((i * 7 + n) % 10);
    const auto step =
        (*trainer)->Step(BudgetImages(DType::kF32, n), Tensor::FromInts(labels), 0.05, 100);
    EXPECT_TRUE(step.ok()) << step.status();
    if (!step.ok()) return result;
    result.losses.push_back(step->loss);
  }
  Model model = *(*trainer)->Snapshot();
  model.training.reset();  // it remembers the kernels of every step
  result.model = SerializeModel(model);
  result.arena = (*(*trainer)->TrainingPlan(16))->arena_bytes;
  result.price = (*trainer)->memory_price();
  return result;
}

TEST(MemoryBudget, KeepsTheBudgetForTheSameBits) {
  for (const DType dtype : {DType::kF32, DType::kF64}) {
    for (const bool reference_only : {false, true}) {
      if (reference_only && dtype == DType::kF32) continue;  // slow, and the same kernels as f64
      const TrainedInBudget kept = AfterStepsInBudget(dtype, "", reference_only);
      EXPECT_FALSE(kept.price);
      // In f32 activations are part of normalizations: an ordinary step takes 15 % less already.
      const double share = dtype == DType::kF32 ? 0.75 : 0.7;
      const TrainedInBudget fitted =
          AfterStepsInBudget(dtype, absl::StrCat(100 * share, "%"), reference_only);
      ASSERT_TRUE(fitted.price);
      EXPECT_EQ(fitted.losses, kept.losses);
      EXPECT_EQ(fitted.model, kept.model);
      EXPECT_LT(fitted.arena, kept.arena);
      EXPECT_LE(fitted.price->after, share * static_cast<double>(fitted.price->before));
      EXPECT_GT(fitted.price->nodes, 0);
      EXPECT_GT(fitted.price->flops, 0);
      EXPECT_LT(fitted.price->flops, 0.4);  // about a whole forward pass
    }
  }
}

TEST(MemoryBudget, LeavesAStepAloneThatFits) {
  const TrainedInBudget kept = AfterStepsInBudget(DType::kF32, "", false);
  const TrainedInBudget fitted = AfterStepsInBudget(DType::kF32, "10GB", false);
  ASSERT_TRUE(fitted.price);
  EXPECT_EQ(fitted.price->nodes, 0);
  EXPECT_EQ(fitted.price->before, fitted.price->after);
  EXPECT_EQ(fitted.arena, kept.arena);
}

// The least that a step can take, by the error of a budget that is too small.
std::string LeastBudget(TrainOptions options) {
  options.memory.budget = "100KiB";
  const auto trainer = *Trainer::Create(BudgetNet(DType::kF32), options);
  const std::string message(trainer->TrainingPlan(16).status().message());
  EXPECT_THAT(message, AllOf(HasSubstr("memory budget 100.0 KiB: a step takes "),
                             HasSubstr(", and at least ")));
  const size_t begin = message.find('(') + 1;
  return message.substr(begin, message.find(" bytes") - begin);
}

TEST(MemoryBudget, SaysWhatCanBeReachedWhichThenIs) {
  TrainOptions options = {.threads = 2};
  options.memory.budget = LeastBudget(options);
  const auto least = *Trainer::Create(BudgetNet(DType::kF32), options);
  EXPECT_TRUE(least->TrainingPlan(16).ok()) << least->TrainingPlan(16).status();
}

TEST(MemoryBudget, IsWrittenInBytesOrAsAShare) {
  EXPECT_EQ(ParseMemoryBudget("1000")->bytes, 1000u);
  EXPECT_EQ(ParseMemoryBudget("2 KiB")->bytes, 2048u);
  EXPECT_EQ(ParseMemoryBudget("1.5GB")->bytes, 1500000000u);
  EXPECT_EQ(ParseMemoryBudget("60%")->share, 0.6);
  for (const char* text : {"", "%", "0", "0%", "101%", "-5MB", "5 parsecs", "nan", "1e30"}) {
    const absl::Status status = ParseMemoryBudget(text).status();
    EXPECT_THAT(std::string(status.message()), HasSubstr("expected bytes, as 700MiB or 1.5GB"))
        << text;
  }
  TrainOptions options;
  options.memory.budget = "much";
  EXPECT_THAT(std::string(Trainer::Create(BudgetNet(DType::kF32), options).status().message()),
              HasSubstr("got \"much\""));
}

// What is said to be taken is what the plan takes.
TEST(MemoryBudget, PriceIsThatOfThePlan) {
  for (const double average_decay : {0.0, 0.9}) {
    TrainOptions options = {.optimizer = {.average_decay = average_decay}, .threads = 2};
    options.memory.budget = "75%";
    options.numerics.check = average_decay == 0;  // takes a copy of all variables
    const auto trainer = *Trainer::Create(BudgetNet(DType::kF32), options);
    const auto plan = *trainer->TrainingPlan(16);
    MemoryCount count;
    trainer->CountInto(count);
    for (const Layout& input : plan->input_layouts) count.Add(input.bytes());
    EXPECT_EQ(count.bytes(), trainer->memory_price()->after);
  }
}

// What recompute_normalization computes again has the names that a budget would give.
TEST(MemoryBudget, GoesOnWhereNormalizationsAreComputedAgain) {
  TrainOptions options = {.threads = 2, .recompute = true};
  const auto losses = [&](const std::string& budget) {
    options.memory.budget = budget;
    const auto trainer = *Trainer::Create(BudgetNet(DType::kF32), options);
    std::vector<int64_t> labels(16);
    std::vector<double> result;
    for (int i = 0; i < 3; ++i) {
      const auto step =
          trainer->Step(BudgetImages(DType::kF32, 16), Tensor::FromInts(labels), 0.05);
      EXPECT_TRUE(step.ok()) << step.status();
      if (step.ok()) result.push_back(step->loss);
    }
    return result;
  };
  EXPECT_EQ(losses(LeastBudget(options)), losses(""));
}

// Before it is unfrozen a model takes less, of which the share would be too small.
TEST(MemoryBudget, IsAShareOfWhatIsTrainedNow) {
  Model model = BudgetNet(DType::kF32);
  TrainOptions options = {.threads = 2};
  options.memory.budget = "100%";
  for (const Node* variable : model.graph.variables()) {
    if (IsTrainable(*variable) && LeafValue(*variable).rank() == 4) {
      options.finetune.freeze.push_back(variable->name());
    }
  }
  options.finetune.unfreeze_at = 1;
  const auto trainer = *Trainer::Create(std::move(model), options);
  ASSERT_TRUE(trainer->TrainingPlan(16).ok()) << trainer->TrainingPlan(16).status();
  const size_t frozen = trainer->memory_price()->before;
  trainer->SetPosition(1, 0);
  ASSERT_TRUE(trainer->UnfreezeWhenDue().ok());
  EXPECT_FALSE(trainer->memory_price());
  ASSERT_TRUE(trainer->TrainingPlan(16).ok()) << trainer->TrainingPlan(16).status();
  EXPECT_GT(trainer->memory_price()->before, frozen);
  EXPECT_EQ(trainer->memory_price()->nodes, 0);
}

TEST(MemoryBudget, EvaluationTakesNoMoreThanTraining) {
  TrainOptions options = {.threads = 2};
  EXPECT_EQ(*(*Trainer::Create(BudgetNet(DType::kF32), options))->EvaluationBatch(4096), 4096);
  options.memory.budget = "75%";
  for (const double average_decay : {0.0, 0.9}) {
    options.optimizer.average_decay = average_decay;
    const auto trainer = *Trainer::Create(BudgetNet(DType::kF32), options);
    const size_t arena = (*trainer->TrainingPlan(16))->arena_bytes;
    const int64_t most = *trainer->EvaluationBatch(4096);
    EXPECT_GE(most, 16);
    EXPECT_LT(most, 4096);
    EXPECT_LE((*trainer->EvaluationPlan(most))->arena_bytes, arena);
  }
}

}  // namespace
}  // namespace weft
