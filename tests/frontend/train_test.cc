#include "frontend/train/train.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "frontend/build/builder.h"
#include "frontend/data/open.h"
#include "frontend/session/session.h"
#include "frontend/train/train_loop.h"
#include "graph/file/serialize.h"
#include "ops/ops.h"
#include "tests/frontend/testing_files.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

// Small, with everything that has state: statistics, slots, dropout.
Model SmallNet(DType dtype = DType::kF32, uint64_t seed = 1) {
  Builder b({.seed = seed, .dtype = dtype});
  const Value x = b.Input("x", {"N", 1, 28, 28});
  Value h = b.Conv2d(x, {.channels = 8, .kernel = 5, .stride = 2, .bias = false});
  h = b.Relu(b.BatchNorm2d(h));
  h = b.Flatten(b.MaxPool2d(h, {.kernel = 2}));
  h = b.Relu(b.Linear(h, {.features = 32}));
  b.Output("logits", b.Linear(b.Dropout(h, {.ratio = 0.2}), {.features = 10}));
  return *b.Build();
}

std::shared_ptr<const Dataset> Digits(Split split = Split::kTrain) {
  return *OpenDataset("digits:500", split);
}

const TrainOptions kOptions = {.optimizer = {.momentum = 0.9}, .seed = 5, .threads = 2};
const FitOptions kFit = {
    .epochs = 3, .batch_size = 64, .learning_rate = 0.05, .schedule = {.kind = "cosine"}};

std::unique_ptr<Trainer> NewTrainer(const TrainOptions& options = kOptions) {
  auto trainer = Trainer::Create(SmallNet(), options);
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  return *std::move(trainer);
}

Tensor Images(int64_t n) {
  Tensor t = *Tensor::Zeros(DType::kF32, {n, 1, 28, 28});
  const auto values = t.mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i));
  return t;
}

Tensor Labels(std::vector<int64_t> labels) { return Tensor::FromInts(labels); }

TEST(Trainer, LossFallsAndHeldOutDigitsAreRecognised) {
  const auto trainer = NewTrainer();
  std::vector<double> losses;
  const auto result = Fit(*trainer, *OpenDataset("digits:2000", Split::kTrain),
                          Digits(Split::kTest), kFit, {.on_epoch = [&](const EpochSummary& s) {
                            losses.push_back(s.loss);
                            return absl::OkStatus();
                          }});
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_EQ(losses.size(), 3u);
  EXPECT_LT(losses[1], losses[0]);
  EXPECT_LT(losses[2], 0.7 * losses[0]);
  EXPECT_GT(result->test->accuracy(), 0.8);
  EXPECT_EQ(result->test->count, 100);
  EXPECT_EQ(trainer->epoch(), 3);
  EXPECT_EQ(trainer->step(), 3 * 32);
}

TEST(Trainer, StepReportsTheBatchBeforeTheUpdate) {
  const auto trainer = NewTrainer({.threads = 1});
  const auto result = trainer->Step(Images(4), Labels({1, 2, 3, 4}), 0.0);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->count, 4);
  EXPECT_LE(result->correct, 4);
  EXPECT_GT(result->loss, 0.5);
  EXPECT_LT(result->loss, 10);
  EXPECT_EQ(trainer->step(), 1);
}

TEST(Trainer, RefusesABatchThatDoesNotFit) {
  const auto trainer = NewTrainer();
  const auto error = [&](const Tensor& images, const Tensor& labels) {
    return MessageOf(trainer->Step(images, labels, 0.1).status());
  };
  const std::string labels = error(Images(4), Labels({1, 2, 3}));
  EXPECT_THAT(labels, HasSubstr("labels"));
  EXPECT_THAT(labels, HasSubstr("4"));
  EXPECT_THAT(labels, HasSubstr("3"));
  const std::string size = error(*Tensor::Zeros(DType::kF32, {2, 1, 27, 28}), Labels({1, 2}));
  EXPECT_THAT(size, HasSubstr("input x, axis 2: expected 28, got 27"));
  EXPECT_THAT(error(*Tensor::Zeros(DType::kU8, {2, 1, 28, 28}), Labels({1, 2})),
              HasSubstr("input x: expected f32[N,1,28,28], got u8[2,1,28,28]"));
  EXPECT_THAT(error(Tensor(), Labels({1, 2})), HasSubstr("input x"));
  EXPECT_THAT(error(Images(2), Tensor()), HasSubstr("labels"));
  EXPECT_EQ(trainer->step(), 0);
}

TEST(Trainer, ALabelOutOfRangeChangesNothing) {
  const auto trainer = NewTrainer();
  const Tensor before = *trainer->Get("fc1.weight");
  const Tensor mean = *trainer->Get("bn1.running_mean");
  const absl::Status status = trainer->Step(Images(3), Labels({1, 10, 2}), 0.1).status();
  EXPECT_THAT(MessageOf(status), HasSubstr("10"));
  EXPECT_EQ(*trainer->Get("fc1.weight"), before);
  EXPECT_EQ(*trainer->Get("bn1.running_mean"), mean);
  EXPECT_EQ(trainer->step(), 0);
}

TEST(Trainer, RefusesOptionsOutOfRange) {
  const auto error = [](const TrainOptions& options) {
    return MessageOf(Trainer::Create(SmallNet(), options).status());
  };
  EXPECT_THAT(error({.optimizer = {.momentum = 1}}), HasSubstr("momentum in [0,1), got 1"));
  EXPECT_THAT(error({.optimizer = {.nesterov = true}}), HasSubstr("needs a momentum above 0"));
  EXPECT_THAT(error({.optimizer = {.weight_decay = -0.5}}), HasSubstr("weight decay"));
  EXPECT_THAT(error({.loss = {.label_smoothing = 2}}),
              HasSubstr("label smoothing in [0,1), got 2"));
  EXPECT_THAT(error({.threads = -1}), HasSubstr("expected 0 (all) to 1024 threads, got -1"));
  EXPECT_THAT(error({.threads = 100000}), HasSubstr("threads, got 100000"));
  EXPECT_THAT(MessageOf(Session::Create(SmallNet(), {.threads = 100000}).status()),
              HasSubstr("threads, got 100000"));
  EXPECT_THAT(MessageOf(NewTrainer()->Step(Images(1), Labels({1}), NAN).status()),
              HasSubstr("learning rate"));
}

TEST(Trainer, RefusesAModelThatWasOptimized) {
  Model frozen(*OptimizedForInference(SmallNet().graph));
  EXPECT_THAT(MessageOf(Trainer::Create(std::move(frozen), {}).status()),
              HasSubstr("no trainable variables"));
}

TEST(Trainer, RefusesProbabilities) {
  Builder b;
  const Value x = b.Input("x", {"N", 4});
  b.Output("p", b.Softmax(b.Linear(x, {.features = 3})));
  EXPECT_THAT(MessageOf(Trainer::Create(*b.Build(), {}).status()),
              HasSubstr("output p: expected scores, it is a Softmax"));
}

TEST(Trainer, TrainsInF64FromF32Images) {
  auto trainer = Trainer::Create(SmallNet(DType::kF64), kOptions);
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  const auto first = (*trainer)->Step(Images(8), Labels({0, 1, 2, 3, 4, 5, 6, 7}), 0.05);
  ASSERT_TRUE(first.ok()) << first.status();
  double last = first->loss;
  for (int i = 0; i < 10; ++i) {
    last = (*trainer)->Step(Images(8), Labels({0, 1, 2, 3, 4, 5, 6, 7}), 0.05)->loss;
  }
  EXPECT_LT(last, 0.9 * first->loss);
  EXPECT_EQ((*trainer)->Get("fc1.weight")->dtype(), DType::kF64);
}

TEST(Trainer, EvaluationUsesTheTrainedWeights) {
  const auto trainer = NewTrainer();
  ASSERT_TRUE(Fit(*trainer, Digits(), nullptr, kFit).ok());
  const auto here = trainer->Evaluate(Digits(Split::kTest));
  ASSERT_TRUE(here.ok()) << here.status();
  const auto snapshot = trainer->Snapshot();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  const auto session = Session::Create(*snapshot, {.optimize = false});
  ASSERT_TRUE(session.ok()) << session.status();
  const auto there = (*session)->Evaluate(Digits(Split::kTest));
  ASSERT_TRUE(there.ok()) << there.status();
  EXPECT_EQ(here->correct, there->correct);
  EXPECT_NEAR(here->loss(), there->loss(), 1e-5 * here->loss());
  EXPECT_NE(LeafValue(*snapshot->graph.Find("bn1.running_mean")).At(0), 0);
}

TEST(Trainer, LeavesVectorsOutOfTheDecayWhenAsked) {
  const auto after = [](double decay, bool vectors, const char* name) {
    const auto trainer = NewTrainer(
        {.optimizer = {.momentum = 0.9, .weight_decay = decay, .decay_vectors = vectors}});
    EXPECT_TRUE(trainer->Step(Images(4), Labels({1, 2, 3, 4}), 0.5).ok());
    return *trainer->Get(name);
  };
  EXPECT_EQ(after(0.1, false, "bn1.weight"), after(0, true, "bn1.weight"));
  EXPECT_NE(after(0.1, true, "bn1.weight"), after(0, true, "bn1.weight"));
  EXPECT_NE(after(0.1, false, "fc1.weight"), after(0, true, "fc1.weight"));
}

// With 8 values a channel the two conventions differ by a factor of 8/7.
TEST(Trainer, RunningVarianceIsUnbiasedUnlessAskedOtherwise) {
  const float pixels[] = {1, 2, 3, 4, 6, 8, 10, 14};  // mean 6, squared deviations 138
  const Tensor images = *Tensor::FromValues<float>({2, 1, 2, 2}, pixels);
  for (const bool reference_only : {false, true}) {
    for (const bool unbiased : {true, false}) {
      Builder b;
      const Value h = b.BatchNorm2d(b.Input("x", {"N", 1, 2, 2}), {.unbiased = unbiased});
      b.Output("y", b.Linear(b.Flatten(h), {.features = 2}));
      auto trainer = Trainer::Create(*b.Build(), {.threads = 1, .reference_only = reference_only});
      ASSERT_TRUE(trainer.ok()) << trainer.status();
      ASSERT_TRUE((*trainer)->Step(images, Labels({0, 1}), 0.1).ok());
      EXPECT_NEAR((*trainer)->Get("bn1.running_mean")->At(0), 0.1 * 6, 1e-6);
      EXPECT_NEAR((*trainer)->Get("bn1.running_var")->At(0),
                  0.9 + 0.1 * 138 / (unbiased ? 7.0 : 8.0), 1e-5);
    }
  }
}

// --- Determinism and resuming ---

std::string TrainedBytes(uint64_t seed) {
  TrainOptions options = kOptions;
  options.seed = seed;
  const auto trainer = NewTrainer(options);
  EXPECT_TRUE(Fit(*trainer, Digits(), Digits(Split::kTest), kFit).ok());
  return SerializeModel(*trainer->Snapshot());
}

TEST(Trainer, SameSeedGivesTheSameBytes) {
  const std::string bytes = TrainedBytes(5);
  EXPECT_EQ(TrainedBytes(5), bytes);
  EXPECT_NE(TrainedBytes(6), bytes);
}

// Trains, stops after each number of steps in `stops`, and goes on from the bytes of a file.
std::string TrainedInParts(const std::vector<int64_t>& stops, const TrainOptions& options) {
  auto trainer = NewTrainer(options);
  for (size_t part = 0; part <= stops.size(); ++part) {
    FitCallbacks callbacks;
    if (part < stops.size()) {
      callbacks.stop = [&, part] { return trainer->step() >= stops[part]; };
    }
    const auto result = Fit(*trainer, Digits(), nullptr, kFit, callbacks);
    EXPECT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->stopped, part < stops.size());
    const std::string bytes = SerializeModel(*trainer->Snapshot());
    if (part == stops.size()) return bytes;
    auto model = ParseModel(bytes, StandardOps());
    EXPECT_TRUE(model.ok()) << model.status();
    const auto kept = OptionsOf(*model->training);
    EXPECT_TRUE(kept.ok()) << kept.status();
    auto resumed = Trainer::Resume(*std::move(model), *kept);
    EXPECT_TRUE(resumed.ok()) << resumed.status();
    trainer = *std::move(resumed);
  }
  return "";
}

TEST(Trainer, ResumingGivesTheSameBytesAsNotStopping) {
  // 500 images are 7 batches of 64 and one of 52 an epoch.
  EXPECT_EQ(TrainedInParts({3, 8, 15}, kOptions), TrainedInParts({}, kOptions));
}

TEST(Trainer, ResumingKeepsPlainDescentAndSmoothingToo) {
  TrainOptions options = kOptions;
  options.optimizer = {.weight_decay = 1e-3};
  options.loss.label_smoothing = 0.1;
  EXPECT_EQ(TrainedInParts({5}, options), TrainedInParts({}, options));
}

TEST(Trainer, OptionsSurviveAFileExactly) {
  const TrainOptions options = {.loss = {.label_smoothing = 0.1},
                                .optimizer = {.momentum = 0.3,
                                              .nesterov = true,
                                              .weight_decay = 1e-5,
                                              .decay_vectors = false,
                                              .sam = 0.05},
                                .seed = uint64_t{1} << 63,
                                .threads = 1};
  const auto snapshot = NewTrainer(options)->Snapshot();
  const auto kept = OptionsOf(*snapshot->training);
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->loss, options.loss);
  EXPECT_EQ(kept->optimizer, options.optimizer);
  EXPECT_EQ(kept->seed, options.seed);
  EXPECT_EQ(kept->threads, 1);
}

TEST(Trainer, ResumeRefusesADamagedTrainingState) {
  const auto resume = [](void (*damage)(TrainingState&)) {
    const auto trainer = NewTrainer();
    EXPECT_TRUE(trainer->Step(Images(2), Labels({1, 2}), 0.1).ok());
    Model model = *trainer->Snapshot();
    damage(*model.training);
    const auto options = OptionsOf(*model.training);
    if (!options.ok()) return MessageOf(options.status());
    return MessageOf(Trainer::Resume(std::move(model), *options).status());
  };
  EXPECT_EQ(resume([](TrainingState&) {}), "");
  EXPECT_THAT(resume([](TrainingState& s) { s.slots.erase("fc1.bias/momentum"); }),
              HasSubstr("slot fc1.bias/momentum is missing"));
  EXPECT_THAT(resume([](TrainingState& s) { s.slots["fc9/momentum"] = Tensor::FromInts({}); }),
              HasSubstr("fc9/momentum belongs to no parameter"));
  EXPECT_THAT(resume([](TrainingState& s) {
                s.slots["fc1.bias/momentum"] = *Tensor::Zeros(DType::kF32, {3});
              }),
              HasSubstr("fc1.bias/momentum"));
  EXPECT_THAT(resume([](TrainingState& s) { s.config["momentum"] = "fast"; }),
              HasSubstr("momentum: expected a number, got \"fast\""));
  EXPECT_THAT(resume([](TrainingState& s) { s.step = -1; }), HasSubstr("step"));
  EXPECT_THAT(resume([](TrainingState& s) { s.step = INT64_MAX; }), HasSubstr("step"));
  EXPECT_THAT(resume([](TrainingState& s) { s.threads = (int64_t{1} << 32) + 1; }),
              HasSubstr("threads, got 4294967297"));
  EXPECT_THAT(MessageOf(Trainer::Resume(SmallNet(), {}).status()), HasSubstr("no training state"));
}

TEST(Trainer, ResumesOnTheSameKernels) {
  const auto trainer = NewTrainer();
  ASSERT_TRUE(trainer->Step(Images(4), Labels({1, 2, 3, 4}), 0.1).ok());
  Model model = *trainer->Snapshot();
  EXPECT_FALSE(model.training->kernel_choices.empty());
  auto resumed = Trainer::Resume(std::move(model), kOptions);
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_THAT(*(*resumed)->ChangedKernels(4), ::testing::IsEmpty());
}

TEST(Trainer, RemembersKernelsAndLayoutsOfEachSizeOfBatch) {
  const auto trainer = NewTrainer();
  ASSERT_TRUE(trainer->Step(Images(4), Labels({1, 2, 3, 4}), 0.1).ok());
  ASSERT_TRUE(trainer->Step(Images(2), Labels({1, 2}), 0.1).ok());
  Model model = *trainer->Snapshot();
  std::map<std::string, std::string>& choices = model.training->kernel_choices;
  std::map<std::string, int> steps;  // by size
  for (const auto& [key, choice] : choices) {
    ++steps[key.substr(0, key.find('/'))];
    EXPECT_THAT(choice, HasSubstr(") -> (")) << key;
  }
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_GT(steps["4"], 10);
  EXPECT_EQ(steps["4"], steps["2"]);
  const auto conv = choices.find("2/conv1");
  ASSERT_NE(conv, choices.end());
  const std::string now = std::exchange(conv->second, "winograd (plain, plain) -> (plain)");

  const auto resumed = *Trainer::Resume(std::move(model), kOptions);
  EXPECT_THAT(*resumed->ChangedKernels(4), ::testing::IsEmpty());
  EXPECT_THAT(*resumed->ChangedKernels(3), ::testing::IsEmpty());
  EXPECT_THAT(*resumed->ChangedKernels(2),
              ::testing::ElementsAre("conv1: was winograd (plain, plain) -> (plain), is " + now));
  // What goes on is what the next file says.
  ASSERT_TRUE(resumed->Step(Images(2), Labels({1, 2}), 0.1).ok());
  EXPECT_EQ(resumed->Snapshot()->training->kernel_choices.at("2/conv1"), now);
}

// Who asks for another way of choosing has kernels chosen that way, not those of the file.
TEST(Trainer, AnotherTuningChoosesKernelsAnew) {
  const auto trainer = NewTrainer();
  ASSERT_TRUE(trainer->Step(Images(2), Labels({1, 2}), 0.1).ok());
  for (const bool other : {false, true}) {
    Model model = *trainer->Snapshot();
    model.training->kernel_choices.at("2/conv1") = "another";
    if (other) model.training->config["tuning"] = "cached";  // kOptions have none
    const auto resumed = Trainer::Resume(std::move(model), kOptions);
    ASSERT_TRUE(resumed.ok()) << resumed.status();
    EXPECT_EQ((*resumed)->ChangedKernels(2)->size(), other ? 0u : 1u);
  }
}

// --- The loop ---

TEST(Fit, RefusesEpochsThatAreOver) {
  const auto trainer = NewTrainer();
  ASSERT_TRUE(Fit(*trainer, Digits(), nullptr, kFit).ok());
  EXPECT_THAT(MessageOf(Fit(*trainer, Digits(), nullptr, kFit).status()),
              HasSubstr("has been trained for 3 of 3 epochs already"));
}

TEST(Fit, RefusesOptionsOutOfRange) {
  const auto error = [](int64_t epochs, double rate) {
    const FitOptions fit = {.epochs = epochs, .learning_rate = rate};
    return MessageOf(Fit(*NewTrainer(), Digits(), nullptr, fit).status());
  };
  EXPECT_THAT(error(0, 0.1), HasSubstr("1 to 1000000000 epochs, got 0"));
  EXPECT_THAT(error(INT64_MAX, 0.1), HasSubstr("epochs, got 9223372036854775807"));
  EXPECT_THAT(error(1, 0), HasSubstr("learning rate above 0, got 0"));
}

// The place within the epoch that a training stopped at, by data that end before it.
TEST(Fit, RefusesToGoOnWithFewerImages) {
  const auto stopped = [](int64_t steps, const char* batch) {
    auto trainer = NewTrainer();
    EXPECT_TRUE(Fit(*trainer, Digits(), nullptr, kFit, {.stop = [&] {
                  return trainer->step() == steps;
                }}).ok());
    trainer->config()["batch"] = batch;
    return trainer;
  };
  const auto go_on = [](Trainer& trainer, const char* data) {
    return MessageOf(Fit(trainer, *OpenDataset(data, Split::kTrain), nullptr, kFit).status());
  };
  EXPECT_THAT(go_on(*stopped(4, "64"), "digits:256"),
              HasSubstr("after 4 batches of 64: digits (train) has only 256 images"));
  EXPECT_EQ(go_on(*stopped(4, "64"), "digits:257"), "");
  EXPECT_THAT(go_on(*stopped(4, "9223372036854775807"), "digits:500"), HasSubstr("only 500"));
  EXPECT_THAT(go_on(*stopped(4, "-64"), "digits:500"), HasSubstr("batches of -64"));
}

TEST(Fit, IsNotStoppedByAWishThatComesAfterTheLastStep) {
  const auto trainer = NewTrainer();
  int epochs = 0;
  const auto result = Fit(*trainer, Digits(), Digits(Split::kTest), kFit,
                          {.on_epoch =
                               [&](const EpochSummary&) {
                                 ++epochs;
                                 return absl::OkStatus();
                               },
                           .stop = [&] { return trainer->step() == 24; }});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_FALSE(result->stopped);
  EXPECT_EQ(epochs, 3);
}

TEST(Fit, StopsWithAnErrorWhenTheLossIsNotFinite) {
  const auto trainer = NewTrainer();
  FitOptions fit = kFit;
  fit.learning_rate = 1e30;
  fit.schedule.kind = "constant";
  EXPECT_THAT(MessageOf(Fit(*trainer, Digits(), nullptr, fit).status()),
              HasSubstr("try a lower learning rate than 1e+30"));
}

TEST(Fit, ReportsEveryStepOnce) {
  const auto trainer = NewTrainer();
  std::vector<int64_t> batches;
  ASSERT_TRUE(Fit(*trainer, Digits(), nullptr, kFit, {.on_step = [&](const StepProgress& p) {
                batches.push_back(p.epoch * p.batches + p.batch);
                EXPECT_EQ(p.batches, 8);
                EXPECT_GE(p.eta_seconds, 0);
              }}).ok());
  ASSERT_EQ(batches.size(), 24u);
  for (size_t i = 0; i < batches.size(); ++i) EXPECT_EQ(batches[i], static_cast<int64_t>(i) + 1);
}

TEST(Fit, LearningRateFollowsTheSchedule) {
  FitOptions fit = kFit;
  fit.epochs = 2;
  std::vector<double> rates;
  ASSERT_TRUE(Fit(*NewTrainer(), Digits(), nullptr, fit, {.on_step = [&](const StepProgress& p) {
                rates.push_back(p.learning_rate);
              }}).ok());
  ASSERT_EQ(rates.size(), 16u);
  EXPECT_DOUBLE_EQ(rates[0], 0.05);
  EXPECT_DOUBLE_EQ(rates[8], 0.025);
}

}  // namespace
}  // namespace weft
