#include "frontend/train/train_loop.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "frontend/data/loader.h"
#include "frontend/session/feeds.h"
#include "graph/bind.h"

namespace weft {
namespace {

using Clock = std::chrono::steady_clock;

double Seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

// What is kept in the configuration from step to step.
struct FitState {
  double loss_sum = 0;  // of the epoch so far, all sessions
  int64_t correct = 0;
  int64_t examples = 0;
  PlateauState plateau = {};
  BestEpoch best = {};

  double loss() const { return examples == 0 ? 0 : loss_sum / static_cast<double>(examples); }
  std::optional<double> accuracy(const Trainer& trainer) const {
    if (!trainer.form().scores) return std::nullopt;
    return examples == 0 ? 0 : static_cast<double>(correct) / static_cast<double>(examples);
  }
};

template <typename F>
void VisitOptions(FitState& s, F& f) {
  f("epoch_loss_sum", s.loss_sum);
  f("epoch_correct", s.correct);
  f("epoch_examples", s.examples);
  VisitOptions(s.plateau, f);
  VisitOptions(s.best, f);
}

// Errors: counts of a file that no training has had, and that could not be counted on from.
absl::Status CheckState(const FitState& s) {
  constexpr int64_t kMost = int64_t{1} << 53;
  for (const int64_t count :
       {s.correct, s.examples, s.plateau.reductions, s.plateau.bad_epochs, s.plateau.cooldown,
        s.best.waited, std::max<int64_t>(s.best.epoch, 0)}) {
    if (count >= 0 && count <= kMost) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("training configuration: expected counts in [0,", kMost, "], got ", count));
  }
  return absl::OkStatus();
}

// What this session has seen of an epoch.
struct Tally {
  int64_t count = 0;
  double step_loss = 0, learning_rate = 0;  // of the last step
  double waited = 0;                        // seconds, for data
  Clock::time_point begin = Clock::now();

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
        callbacks_(callbacks),
        checkpoints_(options.checkpoint) {}

  absl::StatusOr<FitResult> Run(const std::shared_ptr<const Dataset>& test);

 private:
  // The rest of an epoch; true when it was stopped.
  absl::StatusOr<bool> RunEpoch(int64_t epoch, Tally* tally);
  absl::Status RunStep(int64_t epoch, int64_t batch, Tally* tally);
  void Report(int64_t epoch, const Tally& tally) const;
  absl::Status EndEpoch(int64_t epoch, const Tally& tally,
                        const std::shared_ptr<const Dataset>& test, FitResult* result);
  // Takes the epoch's figures into account, for what comes next; true where it is the best one.
  bool Judge(const EpochSummary& summary);
  absl::Status KeepBest(FitResult* result);

  Trainer& trainer_;
  Loader& loader_;
  int64_t examples_;
  const FitOptions& options_;
  const FitCallbacks& callbacks_;
  Checkpoints checkpoints_;
  FitState state_;
  Batch batch_;
};

absl::Status Loop::RunStep(int64_t epoch, int64_t batch, Tally* tally) {
  const int64_t batches = loader_.batches_per_epoch();
  const ScheduleTime time = {
      .step = epoch * batches + batch, .steps_per_epoch = batches, .epochs = options_.epochs};
  const double rate =
      ScheduledRate(options_.schedule, options_.learning_rate, time, state_.plateau);
  WEFT_ASSIGN_OR_RETURN(const StepResult result,
                        trainer_.Step(batch_, rate, /*last=*/batch + 1 == batches));
  if (!std::isfinite(result.loss)) {
    return absl::OutOfRangeError(
        absl::StrCat("the loss is ", result.loss, " at step ", trainer_.step(), " (epoch ",
                     epoch + 1, ", batch ", batch + 1, "): try a lower learning rate than ",
                     options_.learning_rate, ", or check_numerics to see where it comes from"));
  }
  state_.loss_sum += result.loss * static_cast<double>(result.count);
  state_.correct += result.correct;
  state_.examples += result.count;
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
                      .loss = state_.loss(),
                      .step_loss = tally.step_loss,
                      .learning_rate = tally.learning_rate,
                      .accuracy = state_.accuracy(trainer_),
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
    WriteOptions(state_, trainer_.config());
    Report(epoch, *tally);
    if (batch < batches) WEFT_RETURN_IF_ERROR(checkpoints_.OnStep(trainer_));
    if (callbacks_.stop && callbacks_.stop()) return true;
  }
  return false;
}

bool Loop::Judge(const EpochSummary& summary) {
  const EarlyStoppingOptions& o = options_.early_stopping;
  const double loss = summary.test ? summary.test->loss() : summary.loss;
  const double accuracy = summary.test ? summary.test->accuracy() : summary.accuracy.value_or(0);
  const double value = o.rises() ? accuracy : loss;
  UpdatePlateau(options_.schedule, value, o.rises(), &state_.plateau);
  const bool best = UpdateBest(o, summary.epoch, value, &state_.best);
  state_ = {.plateau = state_.plateau, .best = state_.best};
  WriteOptions(state_, trainer_.config());
  return best;
}

absl::Status Loop::KeepBest(FitResult* result) {
  const bool restores = options_.early_stopping.restores();
  if (restores || options_.checkpoint.keep_best) {
    WEFT_RETURN_IF_ERROR(checkpoints_.SaveBest(trainer_));
  }
  if (restores && options_.checkpoint.path.empty()) {
    WEFT_ASSIGN_OR_RETURN(result->restored, trainer_.Snapshot());
  }
  return absl::OkStatus();
}

absl::Status Loop::EndEpoch(int64_t epoch, const Tally& tally,
                            const std::shared_ptr<const Dataset>& test, FitResult* result) {
  EpochSummary summary{.epoch = epoch,
                       .epochs = options_.epochs,
                       .loss = state_.loss(),
                       .accuracy = state_.accuracy(trainer_),
                       .step = trainer_.step(),
                       .learning_rate = tally.learning_rate,
                       .images_per_second = tally.rate(),
                       .seconds = Seconds(tally.begin),
                       .waiting = tally.waiting()};
  if (test != nullptr) {
    WEFT_ASSIGN_OR_RETURN(summary.test, trainer_.Evaluate(test, kEvaluationBatch));
    result->test = summary.test;
  }
  summary.best = Judge(summary);
  if (summary.best) WEFT_RETURN_IF_ERROR(KeepBest(result));
  if (callbacks_.on_epoch) WEFT_RETURN_IF_ERROR(callbacks_.on_epoch(summary));
  return checkpoints_.Save(trainer_);
}

absl::StatusOr<FitResult> Loop::Run(const std::shared_ptr<const Dataset>& test) {
  WEFT_RETURN_IF_ERROR(ReadOptions(trainer_.config(), state_));
  WEFT_RETURN_IF_ERROR(CheckState(state_));
  const bool saves = !options_.checkpoint.path.empty();
  const bool restores = options_.early_stopping.restores() && saves;
  const bool keeps = restores || (options_.checkpoint.keep_best && saves);
  const bool has_best = state_.best.epoch >= 0;  // else waiting for the first one goes on
  if (keeps && has_best && !checkpoints_.HasBest(state_.best)) state_.best = {};
  FitResult result;
  for (int64_t epoch = trainer_.epoch(); epoch < options_.epochs && !result.stopped; ++epoch) {
    result.early = ShouldStop(options_.early_stopping, state_.best);
    if (result.early) break;
    WEFT_RETURN_IF_ERROR(trainer_.UnfreezeWhenDue());
    Tally tally;
    WEFT_ASSIGN_OR_RETURN(result.stopped, RunEpoch(epoch, &tally));
    if (trainer_.epoch() == epoch) break;  // stopped in the middle of it
    WEFT_RETURN_IF_ERROR(EndEpoch(epoch, tally, test, &result));
  }
  if (trainer_.epoch() >= options_.epochs) result.stopped = false;  // asked after the last step
  WEFT_RETURN_IF_ERROR(checkpoints_.SaveRest(trainer_));
  result.best = state_.best;
  if (restores && !result.stopped && state_.best.epoch >= 0) {
    WEFT_ASSIGN_OR_RETURN(result.restored, checkpoints_.RestoreBest());
  }
  return result;
}

// Whether a training that has had all its epochs still ends with another model than its best one.
bool AwaitsItsBest(const FitOptions& options, const Trainer& trainer) {
  BestEpoch best;
  return options.early_stopping.restores() && !options.checkpoint.path.empty() &&
         ReadOptions(trainer.config(), best).ok() && best.epoch < trainer.epoch() - 1 &&
         Checkpoints(options.checkpoint).HasBest(best);
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
  if (options.workers < 1 || options.workers > kMaxWorkers) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected 1 to ", kMaxWorkers, " workers, got ", options.workers));
  }
  WEFT_RETURN_IF_ERROR(CheckSchedule(options.schedule));
  WEFT_RETURN_IF_ERROR(CheckEarlyStopping(options.early_stopping));
  WEFT_RETURN_IF_ERROR(CheckCheckpoints(options.checkpoint));
  if (options.early_stopping.rises() && !trainer.form().scores) {
    return absl::InvalidArgumentError("monitor: the model has no accuracy, expected loss");
  }
  if (trainer.epoch() >= options.epochs && !AwaitsItsBest(options, trainer)) {
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

absl::StatusOr<FitOptions> FitOptionsOf(const Config& config) {
  FitOptions options;
  WEFT_RETURN_IF_ERROR(ReadOptions(config, options));
  // A file may have options that did nothing.
  options.schedule = WithSchedule(options.schedule, options.schedule.kind);
  WEFT_RETURN_IF_ERROR(Annotate(CheckSchedule(options.schedule), "training configuration"));
  return options;
}

void WriteTo(Config& config, const FitOptions& options) { WriteOptions(options, config); }

namespace {

// Of the training as it is now, whatever is frozen.
absl::StatusOr<size_t> PresentPeakBytes(Trainer& trainer, const Dataset& train, const Dataset* test,
                                        const FitOptions& options) {
  for (const int64_t batch : BatchSizes(train.size(), options.batch_size)) {
    WEFT_RETURN_IF_ERROR(trainer.TrainingPlan(batch).status());
  }
  size_t evaluation = 0;
  if (test != nullptr) {
    WEFT_ASSIGN_OR_RETURN(const int64_t most, trainer.EvaluationBatch(kEvaluationBatch));
    for (const int64_t batch : BatchSizes(test->size(), most)) {
      WEFT_RETURN_IF_ERROR(trainer.EvaluationPlan(batch).status());
    }
    evaluation = LoaderBytes(*test, {.batch_size = most});
  }
  MemoryCount count;
  trainer.CountInto(count);
  count.Add(LoaderBytes(
      train, {.batch_size = options.batch_size, .workers = static_cast<int>(options.workers)}));
  count.Add(std::max(evaluation, trainer.snapshot_bytes()));  // one follows the other
  const bool keeps_best = options.early_stopping.restores() && options.checkpoint.path.empty();
  if (keeps_best) count.Add(trainer.snapshot_bytes());
  return count.bytes();
}

}  // namespace

absl::StatusOr<size_t> PeakBytes(Trainer& trainer, const Dataset& train, const Dataset* test,
                                 const FitOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const size_t present, PresentPeakBytes(trainer, train, test, options));
  const FineTuneOptions& finetune = trainer.options().finetune;
  const FineTuneOptions now = finetune.At(trainer.epoch()), last = finetune.At(options.epochs - 1);
  if (now.freeze.empty() || !last.freeze.empty()) return present;
  TrainOptions unfrozen = trainer.options();
  unfrozen.finetune = last;
  WEFT_ASSIGN_OR_RETURN(const auto later,
                        Trainer::Create(Model(Clone(trainer.model().graph)), unfrozen));
  const absl::StatusOr<size_t> peak = PresentPeakBytes(*later, train, test, options);
  if (!peak.ok()) return Annotate(peak.status(), "when nothing is frozen any more");
  return std::max(present, *peak);
}

absl::StatusOr<FitResult> Fit(Trainer& trainer, const std::shared_ptr<const Dataset>& train,
                              const std::shared_ptr<const Dataset>& test, const FitOptions& options,
                              const FitCallbacks& callbacks) {
  WEFT_RETURN_IF_ERROR(CheckOptions(options, trainer));
  WEFT_RETURN_IF_ERROR(CheckParts(trainer.form().examples, *train));
  if (test != nullptr) WEFT_RETURN_IF_ERROR(CheckParts(trainer.form().examples, *test));
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<Loader> loader,
                        Loader::Create(train, {.batch_size = options.batch_size,
                                               .seed = trainer.options().seed,
                                               .workers = static_cast<int>(options.workers)}));
  WEFT_RETURN_IF_ERROR(AdoptPosition(trainer, *train, options));
  // A budget that is a share is one of a whole batch's step: the next may be an epoch's last one.
  if (!trainer.options().memory.budget.empty() && trainer.next_batch() != 0) {
    WEFT_RETURN_IF_ERROR(
        trainer.TrainingPlan(std::min(options.batch_size, train->size())).status());
  }
  WriteTo(trainer.config(), options);
  return Loop(trainer, *loader, train->size(), options, callbacks).Run(test);
}

}  // namespace weft
