// Examples for several inputs: how they become batches, feeds, steps and scores.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <numeric>

#include "frontend/build/builder.h"
#include "frontend/data/augment/augmented.h"
#include "frontend/data/fit.h"
#include "frontend/data/loader.h"
#include "frontend/data/split.h"
#include "frontend/data/statistics.h"
#include "frontend/session/feeds.h"
#include "frontend/session/session.h"
#include "frontend/train/finetune_prefix.h"
#include "frontend/train/train.h"
#include "frontend/train/train_loop.h"
#include "tests/frontend/testing_files.h"
#include "tests/frontend/testing_inputs.h"
#include "tests/frontend/testing_pictures.h"

namespace weft {
namespace {

using testing::HasSubstr;

// A data set of one's own with an image, which is normalised, and features, which are not.
class XorData final : public Dataset {
 public:
  explicit XorData(int64_t size,
                   std::vector<ExamplePart> parts = {{.name = "image"},
                                                     {.name = "features", .dims = {2}}})
      : Dataset({.name = "xor",
                 .size = size,
                 .class_names = {"same", "different"},
                 .preprocessing = {.height = 8, .width = 8, .mean = {0.5f}, .std = {0.25f}},
                 .parts = std::move(parts)}) {}

 private:
  absl::Status ReadExample(int64_t i, std::span<float> example,
                           std::span<int64_t> label) const override {
    const XorExample x = XorAt(i);
    std::ranges::fill(example.first(64), static_cast<float>(x.level) / 255);
    std::ranges::copy(x.features, example.subspan(64).begin());
    label[0] = x.label;
    return absl::OkStatus();
  }
};

Batch BatchFrom(const std::shared_ptr<const Dataset>& dataset, int64_t size, int workers = 1) {
  const auto loader =
      Loader::Create(dataset, {.batch_size = size, .shuffle = false, .workers = workers});
  EXPECT_TRUE(loader.ok()) << loader.status();
  Batch batch;
  const auto more = (*loader)->Next(&batch);
  EXPECT_TRUE(more.ok() && *more) << more.status();
  return batch;
}

TEST(ExampleParts, BecomeATensorEach) {
  for (const int workers : {1, 3}) {
    const Batch batch = BatchFrom(std::make_shared<XorData>(9), 7, workers);
    EXPECT_TRUE(batch.images.is_empty());
    ASSERT_EQ(batch.parts.size(), 2u);
    const Tensor &image = batch.parts.at("image"), &features = batch.parts.at("features");
    EXPECT_EQ(ToString(image.type()), "f32[7,1,8,8]");
    EXPECT_EQ(ToString(features.type()), "f32[7,2]");
    for (int64_t i = 0; i < 7; ++i) {
      const XorExample x = XorAt(i);
      EXPECT_FLOAT_EQ(image.At(64 * i + 63), (static_cast<float>(x.level) / 255 - 0.5f) / 0.25f);
      EXPECT_EQ(features.At(2 * i), x.features[0]);
      EXPECT_EQ(features.At(2 * i + 1), x.features[1]);
      EXPECT_EQ(batch.labels.At(i), x.label);
    }
  }
  EXPECT_EQ(LoaderBytes(XorData(9), {.batch_size = 5, .prefetch = 1}), 2u * 5 * (66 * 4 + 8));
}

// What a batch held before, of another data set, is not taken for this one's.
TEST(ExampleParts, LeaveNothingOfOtherBatches) {
  Batch batch = BatchFrom(std::make_shared<XorData>(9), 7);
  const auto loader = Loader::Create(
      std::make_shared<XorData>(4, std::vector<ExamplePart>{{.name = "all", .dims = {2, 32}},
                                                            {.name = "features", .dims = {2}}}),
      {.batch_size = 4, .shuffle = false, .prefetch = 0});
  ASSERT_TRUE(loader.ok()) << loader.status();
  ASSERT_TRUE(*(*loader)->Next(&batch));
  ASSERT_EQ(batch.parts.size(), 2u);
  EXPECT_EQ(ToString(batch.parts.at("features").type()), "f32[4,2]");
  // No image: nothing is normalised.
  EXPECT_FLOAT_EQ(batch.parts.at("all").At(0), static_cast<float>(XorAt(0).level) / 255);
}

TEST(ExampleParts, HaveNamesAndSizes) {
  const auto error = [](std::vector<ExamplePart> parts) {
    return MessageOf(Loader::Create(std::make_shared<XorData>(4, std::move(parts)), {}).status());
  };
  EXPECT_THAT(error({{.name = "a"}, {.name = "a", .dims = {2}}}),
              HasSubstr("xor: expected parts of different names"));
  EXPECT_THAT(error({{.name = "a"}, {.name = "", .dims = {2}}}), HasSubstr("got \"\" [2]"));
  EXPECT_THAT(error({{.name = "a", .dims = {2}}, {.name = "b"}}), HasSubstr("got \"b\" []"));
  EXPECT_THAT(error({{.name = "a", .dims = {0}}}), HasSubstr("got \"a\" [0]"));
}

TEST(ExampleParts, FollowTheirImage) {
  const auto data = std::make_shared<XorData>(8);
  const auto subset = SubsetDataset(data, {5}, "one").value();
  const Preprocessing small = {.height = 2, .width = 2, .mean = {0}, .std = {1}};
  for (const auto& fitted :
       {FitDataset(subset, small).value(),
        AugmentedDataset(subset, ParsePipeline("flip").value(), small).value()}) {
    const Batch batch = BatchFrom(fitted, 1);
    EXPECT_EQ(ToString(batch.parts.at("image").type()), "f32[1,1,2,2]");
    EXPECT_NEAR(batch.parts.at("image").At(3), XorAt(5).level / 255.0, 1e-6);
    EXPECT_EQ(batch.parts.at("features").At(0), XorAt(5).features[0]);
  }
  for (const char* steps : {"mixup", "standardize"}) {
    EXPECT_THAT(MessageOf(AugmentedDataset(data, ParsePipeline(steps).value(), small).status()),
                HasSubstr("wants examples for one input"));
  }
}

TEST(ExampleParts, AreDescribedOneByOne) {
  const auto statistics = InspectDataset(XorData(16));
  ASSERT_TRUE(statistics.ok()) << statistics.status();
  EXPECT_EQ(statistics->sums.count, 16 * 64);
  ASSERT_EQ(statistics->parts.size(), 2u);
  EXPECT_EQ(statistics->parts[0].count, 0);
  EXPECT_EQ(statistics->parts[1].count, 16 * 2);
  double sum = 0;
  for (int64_t i = 0; i < 16; ++i) sum += XorAt(i).features[0] + XorAt(i).features[1];
  EXPECT_NEAR(statistics->parts[1].Mean(0), sum / 32, 1e-6);
}

std::unique_ptr<Trainer> TrainerOf(const XorInputs& inputs) {
  auto trainer =
      Trainer::Create(XorModel(inputs), {.optimizer = {.momentum = 0.9}, .seed = 3, .threads = 1});
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  return *std::move(trainer);
}

TEST(SeveralInputs, TogetherTellWhatNoneTellsAlone) {
  const auto trainer = TrainerOf({});
  const auto train = std::make_shared<XorData>(160);
  std::vector<int64_t> others(40);
  std::iota(others.begin(), others.end(), 160);
  const auto test = SubsetDataset(std::make_shared<XorData>(200), others, "test").value();
  const auto result =
      Fit(*trainer, train, test, {.epochs = 30, .batch_size = 20, .learning_rate = 0.05});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GT(result->test->accuracy(), 0.95);
  // Inference is of the same opinion, by data sets and by tensors.
  const auto session = Session::Create(*trainer->Snapshot(), {.threads = 1}).value();
  const auto evaluation = session->Evaluate(test);
  ASSERT_TRUE(evaluation.ok()) << evaluation.status();
  EXPECT_EQ(evaluation->correct, result->test->correct);
  EXPECT_NEAR(evaluation->loss(), result->test->loss(), 1e-5);
  const Batch batch = BatchFrom(test, 40);
  const Tensor scores = trainer->Scores(batch).value();
  const TensorMap outputs = session->Run(batch.parts).value();
  for (int64_t i = 0; i < scores.size(); ++i) {
    EXPECT_NEAR(outputs.at("logits").At(i), scores.At(i), 1e-4);
  }
}

TEST(SeveralInputs, RefuseOtherParts) {
  const auto both = TrainerOf({}), one = TrainerOf({.features = false});
  const auto data = std::make_shared<XorData>(8);
  const FitOptions fit = {.epochs = 1, .learning_rate = 0.1};
  const auto error = [&](Trainer& trainer, const std::shared_ptr<const Dataset>& dataset) {
    return MessageOf(Fit(trainer, dataset, nullptr, fit).status());
  };
  EXPECT_THAT(error(*one, data),
              HasSubstr("xor: expected a part of the examples for each input by its name; the "
                        "model's inputs are image, the examples have the parts image, features"));
  EXPECT_THAT(error(*both, std::make_shared<XorData>(
                               8, std::vector<ExamplePart>{{.name = "image"},
                                                           {.name = "feature", .dims = {2}}})),
              HasSubstr("inputs are image, features, the examples have the parts image, feature"));
  Batch batch = BatchFrom(data, 8);
  batch.parts["features"] = *Tensor::Zeros(DType::kF32, {8, 3});
  EXPECT_THAT(MessageOf(both->Step(batch, 0.1).status()),
              HasSubstr("input features, axis 1: expected 2, got 3"));
  EXPECT_THAT(
      MessageOf(both->Step(*Tensor::Zeros(DType::kF32, {8, 1, 8, 8}), batch.labels, 0.1).status()),
      HasSubstr("inputs are image, features, the examples have no parts"));
  EXPECT_THAT(MessageOf(one->Step(batch, 0.1).status()), HasSubstr("inputs are image, the"));
  EXPECT_EQ(both->step() + one->step(), 0);
  EXPECT_THAT(MessageOf(SplitFrozen(XorModel({}), {.freeze = {"conv1"}}).status()),
              HasSubstr("features are kept of models with one input"));
}

TEST(SeveralInputs, AreNamedWhereTheirNumbersAreOdd) {
  const auto trainer =
      Trainer::Create(XorModel({}), {.threads = 1, .numerics = {.check = true, .file = ""}})
          .value();
  Batch batch = BatchFrom(std::make_shared<XorData>(4), 4);
  batch.parts.at("features").mutable_values<float>()[5] = NAN;
  EXPECT_THAT(MessageOf(trainer->Step(batch, 0.1).status()),
              HasSubstr("input features has 1 NaN of 8 elements, the first at [2,1]"));
}

// A session takes of the parts what its model reads.
TEST(SeveralInputs, OfASessionMayBeFewerThanTheParts) {
  const Batch batch = BatchFrom(std::make_shared<XorData>(3), 3);
  const Model model = XorModel({.features = false});
  const auto session = Session::Create(model, {.threads = 1}).value();
  EXPECT_EQ(ToString(session->Scores(batch)->type()), "f32[3,2]");
}

// Numbers of tokens are integers where the input's are.
TEST(SeveralInputs, OfTokensAreIntegers) {
  Builder b;
  const Value tokens = b.Input("tokens", {"N", 2}, {.dtype = DType::kI64});
  const Value x = b.Input("x", {"N", 64});
  const Value words = b.Flatten(b.Embedding(tokens, {.count = 4, .features = 3}));
  b.Output("logits", b.Linear(b.Concat({words, x}, 1), {.features = 2}));
  const auto trainer = Trainer::Create(b.Build().value(), {.threads = 1});
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  Batch batch = {.parts = {{"tokens", *Tensor::FromValues<float>({1, 2}, std::vector<float>{3, 1})},
                           {"x", *Tensor::Zeros(DType::kF32, {1, 64})}},
                 .labels = Tensor::FromInts(std::vector<int64_t>{1})};
  const auto result = (*trainer)->Step(batch, 0.1);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->count, 1);
}

}  // namespace
}  // namespace weft
