#ifndef WEFT_FRONTEND_TRAIN_TRAIN_LOOP_H_
#define WEFT_FRONTEND_TRAIN_TRAIN_LOOP_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "frontend/train/checkpoint.h"
#include "frontend/train/early_stopping.h"
#include "frontend/train/schedule.h"
#include "frontend/train/train.h"

namespace weft {

// Steps and images of a whole training can then be counted in 64 bits.
inline constexpr int64_t kMaxEpochs = 1000000000;

struct FitOptions {
  int64_t epochs = 1;  // in all, those of earlier sessions included
  int64_t batch_size = 128;
  double learning_rate = 0.1;
  int64_t workers = 1;  // threads that prepare batches
  ScheduleOptions schedule = {};
  EarlyStoppingOptions early_stopping = {};
  CheckpointOptions checkpoint = {};
};
inline constexpr int64_t kEvaluationBatch = 256;  // examples that Fit tests at a time

template <typename F>
void VisitOptions(FitOptions& o, F& f) {
  f("epochs", o.epochs, "Passes over the data, in all");
  f("batch", o.batch_size, "Images a step");
  f("learning_rate", o.learning_rate,
    "Learning rate, the highest of its schedule (default: the network's, or the optimizer's)");
  f("workers", o.workers, "Threads that read and change examples; any number gives the same");
  VisitOptions(o.schedule, f);
  VisitOptions(o.early_stopping, f);
  VisitOptions(o.checkpoint, f);
}

// The options that a training state was made with, and into the configuration it will be made from.
absl::StatusOr<FitOptions> FitOptionsOf(const Config& config);
void WriteTo(Config& config, const FitOptions& options);

// After a step. Means are over the examples of this epoch so far, those of earlier sessions
// included.
struct StepProgress {
  int64_t epoch = 0;  // the current one, from 0
  int64_t epochs = 0;
  int64_t batch = 0;  // done in this epoch
  int64_t batches = 0;
  int64_t step = 0;  // optimizer steps taken, over all sessions
  double loss = 0;
  double step_loss = 0;  // of this step's batch alone
  double learning_rate = 0;
  std::optional<double> accuracy = {};  // of a classifier
  double waiting = 0;                   // share of the epoch's time spent waiting for data
  double images_per_second = 0;
  double eta_seconds = 0;  // to the end of the last epoch
};

struct EpochSummary {
  int64_t epoch = 0;  // the one that has ended, from 0
  int64_t epochs = 0;
  double loss = 0;                      // of the training examples, while training
  std::optional<double> accuracy = {};  // likewise, of a classifier
  int64_t step = 0;                     // optimizer steps taken, over all sessions
  double learning_rate = 0;             // of its last step
  double images_per_second = 0;
  double seconds = 0;
  double waiting = 0;  // share of its time spent waiting for data
  std::optional<Evaluation> test = {};
  bool best = false;  // the best epoch so far, by EarlyStoppingOptions::monitor
};

struct FitCallbacks {
  std::function<void(const StepProgress&)> on_step = {};
  // After the test of an epoch, before it is saved; its failure ends the training with that
  // failure.
  std::function<absl::Status(const EpochSummary&)> on_epoch = {};
  // Asked after every step: true ends the training there.
  std::function<bool()> stop = {};
};

struct FitResult {
  bool stopped = false;                 // by FitCallbacks::stop, before the last step
  bool early = false;                   // by EarlyStoppingOptions, before the last epoch
  std::optional<Evaluation> test = {};  // of the last epoch of this session
  BestEpoch best = {};
  // The best epoch's model, where EarlyStoppingOptions want it restored; the trainer keeps the last
  // weights. Null where this session has not seen that epoch and nothing is saved.
  std::optional<Model> restored = {};
};

// The bytes that Fit holds at most, the trainer's and those of snapshots after each epoch included:
// all that is not the program's own or the data sets'. Makes the plans that it will run, and where
// something is unfrozen in an epoch to come those of that training too, to count them. `test` may
// be null. Errors: whatever planning says, so that a memory budget is known to be kept to the end.
absl::StatusOr<size_t> PeakBytes(Trainer& trainer, const Dataset& train, const Dataset* test,
                                 const FitOptions& options);

// Trains from the trainer's position up to `options.epochs` epochs, shuffling by the trainer's seed
// and the epoch, tests after each epoch where there are test data, and saves as
// `options.checkpoint` says. A best epoch that is to be kept or restored but whose file is not
// there (it was saved under another name, or nobody wanted it then) is forgotten. The trainer's
// position and configuration are always those of its last step, so that a snapshot can be resumed
// at any moment; what an epoch's test decides is in it from on_epoch on. Errors: whatever the
// trainer, the data or saving say; options out of range; a loss that is not finite; an epoch that
// is over already; a resumed training's place in its epoch that these data do not have.
absl::StatusOr<FitResult> Fit(Trainer& trainer, const std::shared_ptr<const Dataset>& train,
                              const std::shared_ptr<const Dataset>& test, const FitOptions& options,
                              const FitCallbacks& callbacks = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_TRAIN_LOOP_H_
