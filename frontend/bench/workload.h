#ifndef WEFT_FRONTEND_BENCH_WORKLOAD_H_
#define WEFT_FRONTEND_BENCH_WORKLOAD_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "frontend/train/train.h"
#include "graph/dim.h"
#include "graph/model.h"
#include "runtime/plan/plan.h"

namespace weft {

struct WorkloadOptions {
  std::optional<int64_t> batch = {};          // nothing: 1, or the model's where its inputs fix it
  SymbolBindings sizes = {};                  // of the inputs' other symbols
  int threads = 0;                            // 0: all that this process may use
  bool optimize = true;                       // false: inference as the graph is
  TuningOptions tuning = {};                  // of either, whatever kernels a file's training had
  std::optional<TrainOptions> training = {};  // steps of a training instead of inference
};

// What is measured: the inference of a model, or steps of its training, again and again on the same
// made-up examples. One thread at a time.
class Workload {
 public:
  // Errors: a batch below 1, or one that the model does not take; sizes of its inputs that nobody
  // gives; whatever Session and Trainer say.
  static absl::StatusOr<std::unique_ptr<Workload>> Create(Model model, WorkloadOptions options);
  virtual ~Workload() = default;

  // Makes the examples. Before the first run.
  virtual absl::Status MakeExamples() = 0;
  // Where `step_seconds` is given, as RunOptions have it. A step of a training has the learning
  // rate 0: its weights stay where they are, whatever the number of steps.
  virtual absl::Status Run(std::vector<double>* step_seconds = nullptr) = 0;
  // What runs.
  virtual absl::StatusOr<std::shared_ptr<const Plan>> FindPlan() = 0;
  // What it holds when it has run: weights, arena, inputs, outputs.
  absl::StatusOr<size_t> PeakBytes();

  int64_t batch() const { return batch_; }

 protected:
  explicit Workload(int64_t batch) : batch_(batch) {}
  virtual void CountInto(MemoryCount& count) const = 0;  // all but the inputs

 private:
  int64_t batch_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BENCH_WORKLOAD_H_
