#ifndef WEFT_FRONTEND_WATCH_LOG_H_
#define WEFT_FRONTEND_WATCH_LOG_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "frontend/data/dataset.h"
#include "frontend/train/train_loop.h"
#include "frontend/watch/event_file.h"
#include "frontend/watch/log_table.h"

namespace weft {

struct LogOptions {
  std::string log = {};          // a CSV file; none: ""
  std::string tensorboard = {};  // a folder; none: ""
  int64_t log_every = 10;        // steps from one row to the next; 0: rows of epochs only
  bool log_histograms = false;   // of every variable, after each epoch
  bool log_activations = false;  // of every layer, after each epoch
  int64_t log_gradients = 0;     // steps from one histogram of every gradient to the next; 0: none
};

template <typename F>
void VisitOptions(LogOptions& o, F& f) {
  f("log", o.log, "Write losses, rates and metrics to this CSV file, see weft plot");
  f("tensorboard", o.tensorboard, "Write events for TensorBoard into this folder");
  f("log_every", o.log_every, "Steps between two rows of the logs; 0: epochs only");
  f("log_histograms", o.log_histograms, "Weights' distributions after each epoch, in TensorBoard");
  f("log_activations", o.log_activations,
    "Layers' distributions for the first training examples after each epoch, in TensorBoard");
  f("log_gradients", o.log_gradients,
    "Steps between two distributions of all gradients in TensorBoard; 0: none");
}

// Errors: steps below 0, distributions without TensorBoard's folder.
absl::Status CheckLogOptions(const LogOptions& options);

// The logs of a training. Its CSV file has a row every few steps and one an epoch:
//   kind (step or epoch), epoch (from 1), step, loss, accuracy, learning_rate, images_per_second,
//   waiting, seconds, test_loss, test_accuracy, test_ and each of MetricNames()
// with empty cells for what there is not. `loss` is the step's own in rows of steps, and the mean
// over the training examples in those of epochs; `accuracy` is that of the epoch so far. A resumed
// training's logs go on: what came after the step where it goes on is replaced.
class TrainingLog {
 public:
  // `trainer` must outlive the log; its step says where the logs go on, its gradients are watched
  // where they are to be logged. The graph and the first examples of `examples`, which may be null,
  // are logged once; those whose activations are logged are its first too. Errors: those of
  // CheckLogOptions; a file cannot be written, a log of other columns, activations without
  // examples or of a model that takes others besides them (noise).
  static absl::StatusOr<std::unique_ptr<TrainingLog>> Create(const LogOptions& options,
                                                             Trainer& trainer,
                                                             const Dataset* examples = nullptr);
  ~TrainingLog() { trainer_.WatchGradients({}, 0); }
  // To be called after every step and every epoch. Errors: the disk is full or gone.
  absl::Status OnStep(const StepProgress& p);
  absl::Status OnEpoch(const EpochSummary& s);

 private:
  TrainingLog(const LogOptions& options, Trainer& trainer) : options_(options), trainer_(trainer) {}
  absl::Status Begin(const Dataset* examples);
  // A row of the CSV file, and the scalars of the same names in TensorBoard under `scope`.
  absl::Status AddRow(std::string_view kind, int64_t epoch, int64_t step,
                      std::vector<NamedMetric> numbers);
  absl::Status AddHistograms(int64_t step);
  // The layers' values, of one batch of the watched examples after the other.
  absl::Status WatchActivations(const Dataset& examples);
  absl::Status AddActivations(int64_t step);
  absl::Status AddGradient(const std::string& parameter, const absl::StatusOr<Tensor>& gradient);

  LogOptions options_;
  Trainer& trainer_;
  std::unique_ptr<LogTable> table_;
  std::unique_ptr<EventFile> events_;
  std::vector<Batch> watched_;  // the examples whose activations are logged
  absl::Status gradients_;      // the first failure to log one
};

// The first examples of a data set side by side, as one picture; `count` at most.
absl::StatusOr<Picture> ExamplesPicture(const Dataset& dataset, int64_t count);

}  // namespace weft

#endif  // WEFT_FRONTEND_WATCH_LOG_H_
