#include "frontend/train/train_loop.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>

#include "frontend/data/loader.h"

namespace weft {
namespace {

using Clock = std::chrono::steady_clock;

double Seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

template <typename F>
void VisitOptions(FitOptions& o, std::string& schedule, F& f) {
  f("batch", o.batch_size);
  f("epochs", o.epochs);
  f("learning_rate", o.learning_rate);
  f("schedule", schedule);
}

// What one epoch has seen so far.
struct Tally {
  double loss_sum = 0;
  int64_t correct = 0;
  int64_t count = 0;
  double step_loss = 0, learning_rate = 0;  // of the last step
  double waited = 0;                        // seconds, for data
  Clock::time_point begin = Clock::now();

  double loss() const { return count == 0 ? 0 : loss_sum / static_cast<double>(count); }
  std::optional<double> accuracy(const Trainer& trainer) const {
    if (!trainer.form().scores) return std::nullopt;
    return count == 0 ? 0 : static_cast<double>(correct) / static_cast<double>(count);
  }
  double rate() const { return static_cast<double>(count) / std::max(Seconds(begin), 1e-9); }
  double waiting() const { return waited / std::max(Seconds(begin), 1e-9); }
};

class Loop {
 public:
  Loop(Trainer& trainer, Loader& loader, int64_t examples, const FitOptions& options,
       const FitCallbacks& callbacks)
      : trainer_(trainer),
        loader_(loader),
        examples_(examples),
        options_(options),
        callbacks_(callbacks) {}

  // The rest of an epoch; true when it was stopped.
  absl::StatusOr<bool> RunEpoch(int64_t epoch, Tally* tally);

 private:
  absl::Status RunStep(int64_t epoch, int64_t batch, Tally* tally);
  void Report(int64_t epoch, const Tally& tally) const;

  Trainer& trainer_;
  Loader& loader_;
  int64_t examples_;
  const FitOptions& options_;
  const FitCallbacks& callbacks_;
  Batch batch_;
};

absl::Status Loop::RunStep(int64_t epoch, int64_t batch, Tally* tally) {
  const int64_t batches = loader_.batches_per_epoch();
  const double rate = LearningRateAt(options_, epoch * batches + batch, options_.epochs * batches);
  WEFT_ASSIGN_OR_RETURN(const StepResult result,
                        trainer_.Step(batch_.images, batch_.labels, rate, batch_.first));
  if (!std::isfinite(result.loss)) {
    return absl::OutOfRangeError(absl::StrCat(
        "the loss is ", result.loss, " at step ", trainer_.step(), " (epoch ", epoch + 1,
        ", batch ", batch + 1, "): try a lower learning rate than ", options_.learning_rate));
  }
  tally->loss_sum += result.loss * static_cast<double>(result.count);
  tally->correct += result.correct;
  tally->count += result.count;
  tally->step_loss = result.loss;
  tally->learning_rate = rate;
  return absl::OkStatus();
}

void Loop::Report(int64_t epoch, const Tally& tally) const {
  if (!callbacks_.on_step) return;
  const int64_t batches = loader_.batches_per_epoch();
  const int64_t batch = trainer_.epoch() > epoch ? batches : trainer_.next_batch();
  const double left =
      static_cast<double>((options_.epochs - epoch) * examples_ - batch * options_.batch_size);
  callbacks_.on_step({.epoch = epoch,
                      .epochs = options_.epochs,
                      .batch = batch,
                      .batches = batches,
                      .step = trainer_.step(),
                      .loss = tally.loss(),
                      .step_loss = tally.step_loss,
                      .learning_rate = tally.learning_rate,
                      .accuracy = tally.accuracy(trainer_),
                      .waiting = tally.waiting(),
                      .images_per_second = tally.rate(),
                      .eta_seconds = std::max(left, 0.0) / std::max(tally.rate(), 1e-9)});
}

absl::StatusOr<bool> Loop::RunEpoch(int64_t epoch, Tally* tally) {
  const int64_t batches = loader_.batches_per_epoch();
  int64_t batch = trainer_.next_batch();
  WEFT_RETURN_IF_ERROR(loader_.StartEpoch(epoch, batch));
  while (batch < batches) {
    const Clock::time_point asked = Clock::now();
    WEFT_ASSIGN_OR_RETURN(const bool more, loader_.Next(&batch_));
    tally->waited += Seconds(asked);
    if (!more) break;
    WEFT_RETURN_IF_ERROR(RunStep(epoch, batch, tally));
    ++batch;
    trainer_.SetPosition(batch < batches ? epoch : epoch + 1, batch < batches ? batch : 0);
    Report(epoch, *tally);
    if (callbacks_.stop && callbacks_.stop()) return true;
  }
  return false;
}

absl::Status CheckOptions(const FitOptions& options, const Trainer& trainer) {
  if (options.epochs < 1 || options.epochs > kMaxEpochs) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected 1 to ", kMaxEpochs, " epochs, got ", options.epochs));
  }
  if (!(options.learning_rate > 0) || !std::isfinite(options.learning_rate)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a learning rate above 0, got ", options.learning_rate));
  }
  if (trainer.epoch() >= options.epochs) {
    return absl::InvalidArgumentError(absl::StrCat("the model has been trained for ",
                                                   trainer.epoch(), " of ", options.epochs,
                                                   " epochs already: ask for more epochs"));
  }
  return absl::OkStatus();
}

// Where a resumed training has another batch size, its position within the epoch is as many
// examples in, rounded down to whole batches.
absl::Status AdoptPosition(Trainer& trainer, const Dataset& train, const FitOptions& options) {
  if (trainer.next_batch() == 0) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(const FitOptions before, FitOptionsOf(trainer.config()));
  // An example was left when it stopped, so all the batches before that were whole.
  if (before.batch_size < 1 || trainer.next_batch() > (train.size() - 1) / before.batch_size) {
    return absl::InvalidArgumentError(
        absl::StrCat("the training stopped within an epoch, after ", trainer.next_batch(),
                     " batches of ", before.batch_size, ": ", train.name(), " has only ",
                     train.size(), " images; go on with the same data, or begin anew"));
  }
  trainer.SetPosition(trainer.epoch(),
                      trainer.next_batch() * before.batch_size / options.batch_size);
  return absl::OkStatus();
}

}  // namespace

std::string_view ToString(Schedule schedule) {
  return schedule == Schedule::kCosine ? "cosine" : "constant";
}

std::optional<Schedule> ParseSchedule(std::string_view name) {
  for (const Schedule schedule : {Schedule::kConstant, Schedule::kCosine}) {
    if (ToString(schedule) == name) return schedule;
  }
  return std::nullopt;
}

absl::StatusOr<FitOptions> FitOptionsOf(const Config& config) {
  FitOptions options;
  std::string schedule(ToString(options.schedule));
  ConfigReader reader(config);
  VisitOptions(options, schedule, reader);
  WEFT_RETURN_IF_ERROR(reader.status());
  const std::optional<Schedule> parsed = ParseSchedule(schedule);
  if (!parsed) {
    return absl::InvalidArgumentError(absl::StrCat(
        "training configuration: schedule: expected constant or cosine, got \"", schedule, "\""));
  }
  options.schedule = *parsed;
  return options;
}

void WriteTo(Config& config, const FitOptions& options) {
  FitOptions copy = options;
  std::string schedule(ToString(options.schedule));
  ConfigWriter writer(config);
  VisitOptions(copy, schedule, writer);
}

double LearningRateAt(const FitOptions& options, int64_t done, int64_t total) {
  if (options.schedule == Schedule::kConstant) return options.learning_rate;
  const double part = static_cast<double>(done) / static_cast<double>(std::max<int64_t>(total, 1));
  return options.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * part));
}

absl::StatusOr<size_t> PeakBytes(Trainer& trainer, const Dataset& train, const Dataset* test,
                                 const FitOptions& options) {
  for (const int64_t batch : BatchSizes(train.size(), options.batch_size)) {
    WEFT_RETURN_IF_ERROR(trainer.TrainingPlan(batch).status());
  }
  size_t evaluation = 0;
  if (test != nullptr) {
    for (const int64_t batch : BatchSizes(test->size(), kEvaluationBatch)) {
      WEFT_RETURN_IF_ERROR(trainer.EvaluationPlan(batch).status());
    }
    evaluation = LoaderBytes(*test, {.batch_size = kEvaluationBatch});
  }
  MemoryCount count;
  trainer.CountInto(count);
  count.Add(LoaderBytes(train, {.batch_size = options.batch_size}));
  count.Add(std::max(evaluation, trainer.snapshot_bytes()));  // one follows the other
  return count.bytes();
}

absl::StatusOr<FitResult> Fit(Trainer& trainer, const std::shared_ptr<const Dataset>& train,
                              const std::shared_ptr<const Dataset>& test, const FitOptions& options,
                              const FitCallbacks& callbacks) {
  WEFT_RETURN_IF_ERROR(CheckOptions(options, trainer));
  WEFT_ASSIGN_OR_RETURN(
      const std::unique_ptr<Loader> loader,
      Loader::Create(train, {.batch_size = options.batch_size, .seed = trainer.options().seed}));
  WEFT_RETURN_IF_ERROR(AdoptPosition(trainer, *train, options));
  WriteTo(trainer.config(), options);
  Loop loop(trainer, *loader, train->size(), options, callbacks);
  FitResult result;
  for (int64_t epoch = trainer.epoch(); epoch < options.epochs && !result.stopped; ++epoch) {
    WEFT_RETURN_IF_ERROR(trainer.UnfreezeWhenDue());
    Tally tally;
    WEFT_ASSIGN_OR_RETURN(result.stopped, loop.RunEpoch(epoch, &tally));
    if (trainer.epoch() == epoch) break;  // stopped in the middle of it
    EpochSummary summary{.epoch = epoch,
                         .epochs = options.epochs,
                         .loss = tally.loss(),
                         .accuracy = tally.accuracy(trainer),
                         .step = trainer.step(),
                         .learning_rate = tally.learning_rate,
                         .images_per_second = tally.rate(),
                         .seconds = Seconds(tally.begin),
                         .waiting = tally.waiting()};
    if (test != nullptr) {
      WEFT_ASSIGN_OR_RETURN(summary.test, trainer.Evaluate(test, kEvaluationBatch));
      result.test = summary.test;
    }
    if (callbacks.on_epoch) WEFT_RETURN_IF_ERROR(callbacks.on_epoch(summary));
  }
  if (trainer.epoch() >= options.epochs) result.stopped = false;  // asked after the last step
  return result;
}

}  // namespace weft
