// Training on the features of a frozen beginning: the bits of training the whole model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/build/builder.h"
#include "frontend/data/digits.h"
#include "frontend/train/finetune_features.h"
#include "frontend/train/train_loop.h"
#include "graph/bind.h"
#include "graph/file/serialize.h"
#include "ops/ops.h"
#include "tests/frontend/testing_files.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

constexpr FitOptions kFit = {.epochs = 3, .batch_size = 16, .learning_rate = 0.05};

// Convolutions with statistics, then a hidden layer with statistics and dropout.
Model Net() {
  Builder b({.seed = 1});
  const Value x = b.Input("x", {"N", 1, 28, 28});
  Value h;
  {
    const auto scope = b.Scope("features");
    h = b.Conv2d(x, {.channels = 6, .kernel = 5, .stride = 2, .bias = false, .name = "conv1"});
    h = b.Relu(b.BatchNorm2d(h, {.name = "bn1"}));
    h = b.Conv2d(h, {.channels = 12, .kernel = 3, .bias = false, .name = "conv2"});
    h = b.MaxPool2d(b.Relu(b.BatchNorm2d(h, {.name = "bn2"})), {.kernel = 2});
  }
  h = b.Linear(b.Flatten(h), {.features = 24, .name = "hidden"});
  h = b.Dropout(b.Relu(b.BatchNorm1d(h, {.name = "bn3"})), {.ratio = 0.3, .name = "drop"});
  b.Output("logits", b.Linear(h, {.features = 10, .name = "fc"}));
  return b.Build().value();
}

TrainOptions Options() {
  return {.optimizer = {.method = "adamw", .accumulation = 2, .average_decay = 0.9},
          .finetune = {.freeze = {"features"}},
          .seed = 5,
          .threads = 1};
}

// 70 examples: the last batch is a smaller one.
struct FrozenData {
  std::shared_ptr<const Dataset> train = MakeDigits(Split::kTrain, 70).value();
  std::shared_ptr<const Dataset> test = MakeDigits(Split::kTest, 30).value();
};

FrozenData FeaturesOf(const FrozenData& data) {
  const FrozenSplit split = SplitFrozen(Net(), Options().finetune).value();
  const auto features = [&](const std::shared_ptr<const Dataset>& dataset) {
    const auto computed =
        ComputeFrozenFeatures(split, dataset, {.batch_size = 16, .threads = 1, .workers = 2});
    EXPECT_TRUE(computed.ok()) << computed.status();
    return FeatureDataset(*computed, *dataset);
  };
  return {features(data.train), features(data.test)};
}

// What a training ends with, its record of kernels aside, and what it says of the test data.
struct Trained {
  std::string bytes;
  Evaluation test;
};

Trained TrainedOn(Trainer& trainer, const FrozenData& data) {
  const auto result = Fit(trainer, data.train, data.test, kFit);
  EXPECT_TRUE(result.ok()) << result.status();
  Model model = trainer.Snapshot().value();
  model.training->kernel_choices.clear();
  return {SerializeModel(model), *result->test};
}

TEST(FrozenFeatures, GiveTheBitsOfTrainingTheWholeModel) {
  const FrozenData data;
  TrainOptions options = Options();
  auto trainer = Trainer::Create(Net(), options).value();
  const Trained whole = TrainedOn(*trainer, data);
  options.from_features = true;
  trainer = Trainer::Create(Net(), options).value();
  EXPECT_EQ(trainer->training_graph().Find("features.conv1.weight"), nullptr);
  EXPECT_FALSE(trainer->Get("features.conv1.weight").ok());
  const Trained rest = TrainedOn(*trainer, FeaturesOf(data));
  EXPECT_TRUE(rest.bytes == whole.bytes);
  EXPECT_EQ(rest.test.correct, whole.test.correct);
  EXPECT_EQ(rest.test.loss(), whole.test.loss());
}

// Stopped within the second epoch, and resumed with features or without.
TEST(FrozenFeatures, ResumeEitherWay) {
  const FrozenData data, features = FeaturesOf(data);
  const auto trained = [&](bool before, bool after) {
    TrainOptions options = Options();
    options.from_features = before;
    auto trainer = Trainer::Create(Net(), options).value();
    int steps = 0;
    const auto stop = [&] { return ++steps == 7; };
    EXPECT_TRUE(
        Fit(*trainer, before ? features.train : data.train, nullptr, kFit, {.stop = stop}).ok());
    const std::string file = SerializeModel(trainer->Snapshot().value());
    options.from_features = after;
    trainer = Trainer::Resume(ParseModel(file, StandardOps()).value(), options).value();
    return TrainedOn(*trainer, after ? features : data).bytes;
  };
  const std::string whole = trained(false, false);
  EXPECT_TRUE(trained(true, true) == whole);
  EXPECT_TRUE(trained(true, false) == whole);
  EXPECT_TRUE(trained(false, true) == whole);
}

TEST(FrozenFeatures, PatternsMayBeForWhatIsFrozen) {
  TrainOptions options = Options();
  options.from_features = true;
  options.optimizer.lr_group = {"features.*=0.1", "fc=0.5"};
  EXPECT_TRUE(Trainer::Create(Net(), options).ok());
  options.optimizer.lr_group = {"feature=0.1"};
  EXPECT_THAT(MessageOf(Trainer::Create(Net(), options).status()), HasSubstr("feature"));
}

TEST(FrozenFeatures, MistakesAreErrors) {
  const auto error = [](FineTuneOptions finetune) {
    TrainOptions options = Options();
    options.from_features = true;
    options.finetune = std::move(finetune);
    return MessageOf(Trainer::Create(Net(), options).status());
  };
  EXPECT_THAT(error({.freeze = {"features"}, .unfreeze_at = 2}),
              HasSubstr("from_features: what is frozen must stay so, unfreeze_at is 2"));
  EXPECT_THAT(error({.freeze = {"fc"}}), HasSubstr("no frozen beginning"));
  EXPECT_THAT(error({}), HasSubstr("no frozen beginning"));
}

// A convolution by itself can be kept though its normalization follows the batches.
TEST(FrozenFeatures, EndBeforeStatisticsOfTheBatch) {
  const auto split =
      SplitFrozen(Net(), {.freeze = {"features.conv1", "features.bn1.weight"}}).value();
  EXPECT_EQ(split.at, "features.conv1");
  EXPECT_TRUE(split.beginning.graph.Verify().ok());
  EXPECT_NE(split.beginning.graph.Find("features.conv1.weight"), nullptr);
  EXPECT_EQ(split.beginning.graph.Find("features.bn1.weight"), nullptr);
  EXPECT_EQ(SplitFrozen(Net(), {.freeze = {"features"}, .freeze_statistics = false})->at,
            "features.conv1");
}

// What is frozen further on keeps nothing where the beginning is trained.
TEST(FrozenFeatures, NeedSomethingFrozenBeforeThem) {
  Builder b({.seed = 1});
  const Value h = b.Flatten(b.Input("x", {"N", 1, 4, 4}), {.name = "flat"});
  b.Output("y", b.Linear(b.Linear(h, {.features = 3, .name = "a"}), {.features = 2, .name = "b"}));
  const Model model = b.Build().value();
  EXPECT_THAT(MessageOf(SplitFrozen(model, {.freeze = {"b"}}).status()),
              HasSubstr("no frozen beginning"));
  EXPECT_TRUE(SplitFrozen(model, {.freeze = {"a"}}).ok());
}

}  // namespace
}  // namespace weft
