#ifndef WEFT_FRONTEND_TRAIN_TRAIN_LOOP_H_
#define WEFT_FRONTEND_TRAIN_TRAIN_LOOP_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "frontend/train/train.h"

namespace weft {

// How the learning rate goes on: as it is, or down half a cosine to 0 over the whole training.
enum class Schedule { kConstant, kCosine };
std::string_view ToString(Schedule schedule);
std::optional<Schedule> ParseSchedule(std::string_view name);

// Steps and images of a whole training can then be counted in 64 bits.
inline constexpr int64_t kMaxEpochs = 1000000000;

struct FitOptions {
  int64_t epochs = 1;  // in all, those of earlier sessions included
  int64_t batch_size = 128;
  double learning_rate = 0.1;
  Schedule schedule = Schedule::kConstant;
};
inline constexpr int64_t kEvaluationBatch = 256;  // examples that Fit tests at a time

// The options that a training state was made with, and into the configuration it will be made from.
absl::StatusOr<FitOptions> FitOptionsOf(const Config& config);
void WriteTo(Config& config, const FitOptions& options);

// The learning rate at a moment, `done` of `total` steps taken.
double LearningRateAt(const FitOptions& options, int64_t done, int64_t total);

// After a step. Means are over the examples of this epoch that this session has seen.
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
};

struct FitCallbacks {
  std::function<void(const StepProgress&)> on_step = {};
  // After the test of an epoch; its failure ends the training with that failure.
  std::function<absl::Status(const EpochSummary&)> on_epoch = {};
  // Asked after every step: true ends the training there.
  std::function<bool()> stop = {};
};

struct FitResult {
  bool stopped = false;                 // by FitCallbacks::stop, before the last step
  std::optional<Evaluation> test = {};  // of the last epoch of this session
};

// The bytes that Fit holds at most, the trainer's and those of snapshots after each epoch included:
// all that is not the program's own or the data sets'. Makes the plans that it will run. `test` may
// be null. Errors: whatever planning says.
absl::StatusOr<size_t> PeakBytes(Trainer& trainer, const Dataset& train, const Dataset* test,
                                 const FitOptions& options);

// Trains from the trainer's position up to `options.epochs` epochs, shuffling by the trainer's seed
// and the epoch, and tests after each epoch where there are test data. The trainer's position and
// configuration are always those of its last step, so that a snapshot can be resumed at any moment.
// Errors: whatever the trainer or the data say; options out of range; a loss that is not finite; an
// epoch that is over already; a resumed training's place in its epoch that these data do not have.
absl::StatusOr<FitResult> Fit(Trainer& trainer, const std::shared_ptr<const Dataset>& train,
                              const std::shared_ptr<const Dataset>& test, const FitOptions& options,
                              const FitCallbacks& callbacks = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_TRAIN_LOOP_H_
