// The loop's decisions between epochs, and the files that it leaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <memory>
#include <set>

#include "frontend/build/builder.h"
#include "frontend/data/open.h"
#include "frontend/train/lr_find.h"
#include "frontend/train/train_loop.h"
#include "graph/file/serialize.h"
#include "ops/ops.h"
#include "testing_files.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Model TinyNet() {
  Builder b({.seed = 3});
  const Value x = b.Input("x", {"N", 1, 28, 28});
  Value h = b.Relu(b.BatchNorm2d(b.Conv2d(x, {.channels = 4, .kernel = 5, .stride = 4})));
  h = b.Dropout(b.Flatten(h), {.ratio = 0.1});
  b.Output("logits", b.Linear(h, {.features = 10}));
  return *b.Build();
}

std::shared_ptr<const Dataset> FewDigits(Split split = Split::kTrain) {
  return *OpenDataset("digits:100", split);
}

std::unique_ptr<Trainer> TinyTrainer() {
  return *Trainer::Create(TinyNet(), {.optimizer = {.momentum = 0.9}, .seed = 5, .threads = 1});
}

// Five steps an epoch.
FitOptions Epochs(int64_t epochs) {
  return {.epochs = epochs, .batch_size = 20, .learning_rate = 0.02};
}

int64_t StepOf(const std::string& path) { return LoadModel(path, StandardOps())->training->step; }

std::set<std::string> FilesOf(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.insert(entry.path().filename());
  }
  return names;
}

TEST(EarlyStopping, CountsEpochsWithoutImprovement) {
  const EarlyStoppingOptions loss = {.patience = 2, .min_delta = 0.1};
  BestEpoch best;
  const double values[] = {3, 2.95, 2.5, 2.45, 2.41};
  const bool expected[] = {true, false, true, false, false};
  for (int64_t i = 0; i < 5; ++i) {
    EXPECT_FALSE(ShouldStop(loss, best));
    EXPECT_EQ(UpdateBest(loss, i, values[i], &best), expected[i]) << i;
  }
  EXPECT_TRUE(ShouldStop(loss, best));
  EXPECT_EQ(best.epoch, 2);
  EXPECT_EQ(best.value, 2.5);
  EXPECT_FALSE(ShouldStop({.patience = 0}, best));
  const EarlyStoppingOptions accuracy = {.monitor = "accuracy", .patience = 1};
  BestEpoch rising;
  EXPECT_TRUE(UpdateBest(accuracy, 0, 0.5, &rising));
  EXPECT_FALSE(UpdateBest(accuracy, 1, 0.4, &rising));
  EXPECT_TRUE(UpdateBest(accuracy, 2, 0.6, &rising));
}

// As with PyTorch's and Keras's, for which nothing is better than a NaN only by being a number.
TEST(EarlyStopping, ANanIsNeverTheBest) {
  for (const bool rises : {false, true}) {
    const EarlyStoppingOptions options = {.monitor = rises ? "accuracy" : "loss", .patience = 2};
    BestEpoch best;
    EXPECT_FALSE(UpdateBest(options, 0, NAN, &best));
    EXPECT_EQ(best.epoch, -1);
    EXPECT_TRUE(UpdateBest(options, 1, 0.5, &best));
    EXPECT_FALSE(UpdateBest(options, 2, NAN, &best));
    EXPECT_EQ(best.epoch, 1);
    EXPECT_EQ(best.waited, 1);
  }
}

// Nothing is an improvement but the first epoch.
TEST(Fit, StopsEarlyAndRestoresTheBestEpoch) {
  FitOptions fit = Epochs(9);
  fit.early_stopping = {.patience = 2, .min_delta = 1e6};
  for (const bool saved : {false, true}) {
    const std::string folder = TestFolder();
    if (saved) fit.checkpoint.path = folder + "/out.weft";
    const auto trainer = TinyTrainer();
    std::vector<bool> best;
    std::string first;
    const auto result = Fit(*trainer, FewDigits(), FewDigits(Split::kTest), fit,
                            {.on_epoch = [&](const EpochSummary& e) {
                              best.push_back(e.best);
                              if (e.epoch == 0) first = SerializeModel(*trainer->Snapshot());
                              return absl::OkStatus();
                            }});
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_THAT(best, ElementsAre(true, false, false));
    EXPECT_TRUE(result->early);
    EXPECT_FALSE(result->stopped);
    EXPECT_EQ(result->best.epoch, 0);
    ASSERT_TRUE(result->restored);
    EXPECT_EQ(SerializeModel(*result->restored), first);
    if (!saved) continue;
    EXPECT_EQ(ReadText(fit.checkpoint.path), first);
  }
  fit.early_stopping.restore_best = false;
  const auto trainer = TinyTrainer();
  const auto result = Fit(*trainer, FewDigits(), nullptr, fit);
  EXPECT_FALSE(result->restored);
  EXPECT_EQ(StepOf(fit.checkpoint.path), 15);
}

// A kill between the last save and the restoring of the best epoch.
TEST(Fit, RestoresTheBestEpochAfterAKillAtTheEnd) {
  FitOptions fit = Epochs(3);
  fit.early_stopping = {.patience = 3, .min_delta = 1e6};
  fit.checkpoint.path = TestFolder() + "/out.weft";
  const auto trainer = TinyTrainer();
  ASSERT_TRUE(Fit(*trainer, FewDigits(), nullptr, fit).ok());
  const std::string whole = ReadText(fit.checkpoint.path);
  EXPECT_EQ(StepOf(fit.checkpoint.path), 5);
  auto killed = Trainer::Resume(*trainer->Snapshot(), trainer->options());
  ASSERT_EQ((*killed)->epoch(), 3);
  WriteText(fit.checkpoint.path, "");
  ASSERT_TRUE(Fit(**killed, FewDigits(), nullptr, fit).ok());
  EXPECT_EQ(ReadText(fit.checkpoint.path), whole);
}

// A best epoch whose file is elsewhere, or another training's, is sought anew instead of restored.
TEST(Fit, RestoresNoOtherTrainingsBest) {
  FitOptions fit = Epochs(2);
  const auto first = TinyTrainer();
  ASSERT_TRUE(Fit(*first, FewDigits(), nullptr, fit).ok());
  fit.epochs = 4;
  fit.early_stopping = {.patience = 2, .min_delta = 1e6};
  fit.checkpoint.path = TestFolder() + "/out.weft";
  for (const bool stale : {false, true}) {
    std::filesystem::remove(BestPath(fit.checkpoint.path));
    if (stale) {
      const Model other = *TinyTrainer()->Snapshot();
      ASSERT_TRUE(SaveModel(other, BestPath(fit.checkpoint.path)).ok());
    }
    auto resumed = Trainer::Resume(*first->Snapshot(), first->options());
    ASSERT_TRUE(resumed.ok()) << resumed.status();
    const auto result = Fit(**resumed, FewDigits(), nullptr, fit);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->best.epoch, 2);
    EXPECT_EQ(StepOf(fit.checkpoint.path), 15);
  }
}

// A best epoch from before whose file nobody kept is no reason to keep none.
TEST(Fit, KeepsABestEpochOfItsOwn) {
  FitOptions fit = Epochs(1);
  fit.early_stopping.min_delta = 1e6;  // nothing is an improvement but the first epoch
  const auto trainer = TinyTrainer();
  ASSERT_TRUE(Fit(*trainer, FewDigits(), nullptr, fit).ok());
  fit.checkpoint = {.path = TestFolder() + "/out.weft", .keep_best = true};
  for (const int64_t epochs : {2, 3}) {
    fit.epochs = epochs;
    ASSERT_TRUE(Fit(*trainer, FewDigits(), nullptr, fit).ok());
    EXPECT_EQ(StepOf(BestPath(fit.checkpoint.path)), 10);
  }
}

// Plateau, early stopping and the mean loss of an epoch go on as if nothing had stopped, judged by
// the training's own loss.
TEST(Fit, StoppingAnywhereChangesNoBit) {
  FitOptions fit = Epochs(6);
  fit.schedule = {.kind = "plateau",
                  .warmup_steps = 3,
                  .gamma = 0.5,
                  .plateau_patience = 0,
                  .plateau_threshold = 0.2};
  fit.early_stopping = {.patience = 4, .min_delta = 0.3, .restore_best = false};
  const auto whole = TinyTrainer();
  std::vector<double> rates;
  ASSERT_TRUE(Fit(*whole, FewDigits(), nullptr, fit, {.on_epoch = [&](const EpochSummary& e) {
                rates.push_back(e.learning_rate);
                return absl::OkStatus();
              }}).ok());
  EXPECT_LT(rates.back(), 0.02);  // some plateau was met
  auto trainer = TinyTrainer();
  for (int64_t stop = 2;; stop += 3) {
    const auto result =
        Fit(*trainer, FewDigits(), nullptr, fit, {.stop = [&] { return trainer->step() >= stop; }});
    ASSERT_TRUE(result.ok()) << result.status();
    if (!result->stopped) break;
    auto resumed = Trainer::Resume(*trainer->Snapshot(), trainer->options());
    ASSERT_TRUE(resumed.ok()) << resumed.status();
    trainer = *std::move(resumed);
  }
  EXPECT_EQ(SerializeModel(*trainer->Snapshot()), SerializeModel(*whole->Snapshot()));
}

TEST(Fit, RefusesCountsThatNoTrainingHas) {
  for (const char* key : {"plateau_bad_epochs", "epochs_since_best", "epoch_examples"}) {
    for (const char* count : {"9223372036854775807", "-1"}) {
      const auto trainer = TinyTrainer();
      trainer->config()[key] = count;
      EXPECT_THAT(MessageOf(Fit(*trainer, FewDigits(), nullptr, Epochs(1)).status()),
                  HasSubstr(absl::StrCat("expected counts in [0,9007199254740992], got ", count)))
          << key;
    }
  }
}

TEST(Fit, SavesWithinEpochsAndKeepsTheLastFew) {
  const std::string folder = TestFolder();
  FitOptions fit = Epochs(3);
  fit.checkpoint = {
      .path = folder + "/out.weft", .every_steps = 2, .keep_last = 3, .keep_best = true};
  WriteText(folder + "/out-step999.weft", "another training's");
  WriteText(folder + "/out-stepx.weft", "no step");
  std::vector<int64_t> saved;
  const auto trainer = TinyTrainer();
  ASSERT_TRUE(Fit(*trainer, FewDigits(), nullptr, fit, {.on_step = [&](const StepProgress& p) {
                if (p.step > 2) saved.push_back(StepOf(fit.checkpoint.path));
              }}).ok());
  EXPECT_THAT(saved, ElementsAre(2, 2, 4, 5, 6, 6, 8, 8, 10, 10, 12, 12, 14));
  EXPECT_THAT(FilesOf(folder),
              ElementsAre("out-best.weft", "out-step12.weft", "out-step14.weft", "out-step15.weft",
                          "out-step999.weft", "out-stepx.weft", "out.weft"));
  EXPECT_EQ(ReadText(folder + "/out-step15.weft"), ReadText(folder + "/out.weft"));
}

TEST(Fit, SavesByTime) {
  FitOptions fit = Epochs(1);
  fit.checkpoint = {.path = TestFolder() + "/out.weft", .every_minutes = 1e-9};
  std::vector<int64_t> saved;
  ASSERT_TRUE(
      Fit(*TinyTrainer(), FewDigits(), nullptr, fit, {.on_step = [&](const StepProgress& p) {
        if (p.step > 1) saved.push_back(StepOf(fit.checkpoint.path));
      }}).ok());
  EXPECT_THAT(saved, ElementsAre(1, 2, 3, 4));
}

TEST(Fit, StopsWhereItCannotSave) {
  FitOptions fit = Epochs(2);
  fit.checkpoint.path = TestFolder() + "/nowhere/out.weft";
  const auto trainer = TinyTrainer();
  EXPECT_THAT(MessageOf(Fit(*trainer, FewDigits(), nullptr, fit).status()),
              HasSubstr("nowhere/out.weft"));
  EXPECT_EQ(trainer->step(), 5);
}

TEST(Fit, RefusesOptionsOfItsPartsOutOfRange) {
  const auto error = [](const FitOptions& fit) {
    return MessageOf(Fit(*TinyTrainer(), FewDigits(), nullptr, fit).status());
  };
  EXPECT_THAT(error({.schedule = {.kind = "stairs"}}), HasSubstr("schedule: expected constant"));
  EXPECT_THAT(error({.early_stopping = {.monitor = "f1"}}),
              HasSubstr("monitor: expected loss or accuracy, got \"f1\""));
  EXPECT_THAT(error({.early_stopping = {.patience = -1}}), HasSubstr("patience: expected"));
  EXPECT_THAT(error({.early_stopping = {.min_delta = NAN}}), HasSubstr("min_delta: expected"));
  EXPECT_THAT(error({.checkpoint = {.every_steps = -1}}), HasSubstr("save_every_steps: expected"));
  EXPECT_THAT(error({.checkpoint = {.every_minutes = INFINITY}}), HasSubstr("save_every_minutes"));
  EXPECT_THAT(error({.checkpoint = {.keep_last = -1}}), HasSubstr("keep_last"));
}

// Falls fastest in the middle, then explodes.
TEST(LrFind, SuggestsWhereTheLossFallsFastest) {
  std::vector<LrFindPoint> points;
  for (const double loss : {3.0, 2.95, 2.9, 2.4, 1.6, 1.2, 1.1, 1.3, 9.0}) {
    points.push_back(
        {.learning_rate = std::pow(10, static_cast<double>(points.size()) - 6), .smoothed = loss});
  }
  const LrFindResult result = SuggestLearningRate(points);
  EXPECT_NEAR(result.steepest, 1e-3, 1e-9);  // from 2.9 to 1.6, around 2.4
  EXPECT_NEAR(result.least, 1, 1e-9);
}

TEST(LrFind, RisesUntilTheLossExplodes) {
  const LrFindOptions o = {.begin = 1e-5, .end = 1e5, .steps = 60, .batch_size = 20};
  const auto result = FindLearningRate(*TinyTrainer(), FewDigits(), o);
  ASSERT_TRUE(result.ok()) << result.status();
  const auto& points = result->points;
  EXPECT_LT(points.size(), 60u);
  EXPECT_DOUBLE_EQ(points[0].learning_rate, 1e-5);
  EXPECT_DOUBLE_EQ(points[0].smoothed, points[0].loss);
  EXPECT_NEAR(points[1].learning_rate, 1e-5 * std::pow(10, 10.0 / 59), 1e-12);
  EXPECT_NEAR(points[1].smoothed, (0.9 * points[0].loss + points[1].loss) / 1.9, 1e-9);
  EXPECT_GT(result->steepest, 1e-4);
  EXPECT_LT(result->steepest, 10);
  EXPECT_THAT(MessageOf(FindLearningRate(*TinyTrainer(), FewDigits(), {.begin = 0}).status()),
              HasSubstr("rise from above 0, got 0 to 10"));
  EXPECT_THAT(MessageOf(FindLearningRate(*TinyTrainer(), FewDigits(), {.steps = 2}).status()),
              HasSubstr("at least 3 steps, got 2"));
}

}  // namespace
}  // namespace weft
