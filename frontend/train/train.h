#ifndef WEFT_FRONTEND_TRAIN_TRAIN_H_
#define WEFT_FRONTEND_TRAIN_TRAIN_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/data/loader.h"
#include "frontend/session/evaluation.h"
#include "frontend/session/plan_cache.h"
#include "frontend/train/check_numerics.h"
#include "frontend/train/config.h"
#include "frontend/train/finetune.h"
#include "frontend/train/gradient_watch.h"
#include "frontend/train/kernel_choices.h"
#include "frontend/train/memory_budget.h"
#include "frontend/train/optimizer.h"
#include "frontend/train/training_graph.h"
#include "graph/model.h"
#include "runtime/tuning/tuner.h"

namespace weft {

// What --recompute does, for help.
inline constexpr char kRecomputeHelp[] =
    "Compute normalized values again for the backward pass instead of keeping them: less memory, "
    "more time, the same bits";

struct TrainOptions {
  LossOptions loss = {};
  OptimizerOptions optimizer = {};
  FineTuneOptions finetune = {};
  // The examples are features of the model's frozen beginning (SplitFrozen in finetune_prefix.h),
  // so that only the rest is computed. Snapshots have the whole model all the same, and can be
  // resumed either way. Nothing may be unfrozen later.
  bool from_features = false;
  uint64_t seed = 0;            // of dropout, and of the shuffling in Fit
  int threads = 0;              // 0: all that this process may use
  bool reference_only = false;  // no fast kernels: the oracle path
  // Normalized values are computed again for the backward pass instead of kept: less memory, more
  // time, the same bits.
  bool recompute = false;
  MemoryOptions memory = {};
  NumericsOptions numerics = {};
  std::string tuning = "off";  // TuningMode: how the kernels of a step are chosen
  // How the tuning reports; not kept in files.
  std::function<void(const TuningProgress&)> tuning_progress{};
  std::function<void(std::string_view)> tuning_warning{};
};

// The options that a file keeps as configuration, by name.
template <typename F>
void VisitOptions(TrainOptions& o, F& f) {
  VisitOptions(o.loss, f);
  VisitOptions(o.finetune, f);
  VisitOptions(o.optimizer, f);
  f("recompute", o.recompute, kRecomputeHelp);
  VisitOptions(o.memory, f);
  VisitOptions(o.numerics, f);
  f("tuning", o.tuning, kTuningHelp);
}

// The options that a training state was made with.
absl::StatusOr<TrainOptions> OptionsOf(const TrainingState& state);

struct StepResult {
  double loss = 0;  // of the batch, before the update; where there are several, their sum
  std::vector<double> losses = {};  // each, in the order of Trainer::form()
  int64_t correct = 0;              // of a classifier; 0 for other models
  int64_t count = 0;                // examples
};

// Trains a model: a classifier, whose input (or inputs) is a batch of examples and whose first
// output is scores [N,classes], or one that states its losses. See MakeTrainingGraph for both
// forms.
//
// The forward graph, the loss, its gradients and the optimizer are one static graph, planned once
// for each batch size; the evaluation graph shares its variables. The same model, options, batches
// and thread count give the same bits. A model may be f64 as well as f32; f64 runs on reference
// kernels. One thread at a time.
class Trainer {
 public:
  // A new training, from the model's weights; a training state in it is dropped. Errors: options
  // out of range, another form of model, an op without gradient, nothing to train (an optimized
  // model).
  static absl::StatusOr<std::unique_ptr<Trainer>> Create(Model model, const TrainOptions& options);
  // Goes on where the model's training state stopped, with the same results as if it had not.
  // Options are OptionsOf(*model.training), changed or not; another method's slots begin anew, and
  // its count of steps. Errors also: no training state, a slot missing or of another type.
  static absl::StatusOr<std::unique_ptr<Trainer>> Resume(Model model, const TrainOptions& options);

  // A batch: an optimizer step, or a part of one (OptimizerOptions::accumulation), which the `last`
  // one of an epoch completes. Of examples [N,...], f32 or f64 (numbers of tokens too), or parts of
  // them by the names of the model's inputs, and labels, i64[N] or as the model states; a model
  // without labels passes over them. `batch.first` is the global index of the first example, for
  // dropout. Errors: a batch that does not fit the model, naming the input, the type expected and
  // that given; a label out of range; where numerics are checked, numbers that are odd, with where
  // they come from. No weight has changed then.
  absl::StatusOr<StepResult> Step(const Batch& batch, double learning_rate, bool last = false);
  absl::StatusOr<StepResult> Step(const Tensor& images, const Tensor& labels, double learning_rate,
                                  int64_t first_example = 0, bool last = false) {
    return Step({.images = images, .labels = labels, .first = first_example}, learning_rate, last);
  }

  // From now on `watch` sees all gradients of every `every`-th step; 0: of none.
  void WatchGradients(GradientWatch watch, int64_t every);
  // From now on each Step adds the seconds of its plan's steps to `step_seconds`, as RunOptions
  // have it; null for no longer. Not where numerics are checked.
  void TimeSteps(std::vector<double>* step_seconds) { step_seconds_ = step_seconds; }

  // The scores of a batch in inference mode, with the current weights, or their average where the
  // options ask for one. Errors also: a model that states its losses (Snapshot() and a Session run
  // it).
  absl::StatusOr<Tensor> Scores(const Batch& batch);
  absl::StatusOr<Tensor> Scores(const Tensor& images) { return Scores(Batch{.images = images}); }
  // The losses in inference mode, with those weights, and where labels are one class an example how
  // many are right.
  absl::StatusOr<Evaluation> Evaluate(const Batch& batch);
  absl::StatusOr<Evaluation> Evaluate(const Tensor& images, const Tensor& labels) {
    return Evaluate(Batch{.images = images, .labels = labels});
  }
  absl::StatusOr<Evaluation> Evaluate(const std::shared_ptr<const Dataset>& dataset,
                                      int64_t batch_size = 256);

  // The model with the weights that Evaluate takes, and everything that Resume needs.
  absl::StatusOr<Model> Snapshot() const;
  // A copy of a variable's current value; optimizer slots are PARAMETER/SLOT (SlotNames).
  absl::StatusOr<Tensor> Get(std::string_view variable) const { return state_->Get(variable); }

  const TrainOptions& options() const { return options_; }
  const Model& model() const { return model_; }    // its weights are those of the beginning
  int64_t step() const { return counts_.step; }    // batches trained on, in all sessions
  int64_t epoch() const { return counts_.epoch; }  // whole passes over the data
  int64_t next_batch() const { return counts_.next_batch; }  // within this pass
  void SetPosition(int64_t epoch, int64_t next_batch);
  // Before each epoch: where FineTuneOptions::unfreeze_at has come, what was frozen is trained from
  // now on; its slots and its count of steps begin as those of a new training. Plans from before
  // are void then.
  absl::Status UnfreezeWhenDue();
  // What the training loop wants to be kept beside the options.
  Config& config() { return config_; }
  const Config& config() const { return config_; }

  const TrainingForm& form() const { return form_; }
  const Graph& training_graph() const { return training_->graph(); }
  const PassReport& passes() const { return passes_; }  // what was done to the training graph
  // The plans for batches of this size; they live as long as somebody holds them.
  absl::StatusOr<std::shared_ptr<const Plan>> TrainingPlan(int64_t batch);
  absl::StatusOr<std::shared_ptr<const Plan>> EvaluationPlan(int64_t batch);
  // What the memory budget costs for the first size of batch that was planned of the training graph
  // as it is now; nothing without one.
  const std::optional<MemoryPrice>& memory_price() const { return memory_price_; }
  // How many examples, of `most`, to evaluate at a time: under a memory budget as many as take no
  // more memory than the training plans made so far.
  absl::StatusOr<int64_t> EvaluationBatch(int64_t most) const;
  // What it holds when each of the plans made so far has run: the model, variables, arena, outputs.
  void CountInto(MemoryCount& count) const;
  // What Snapshot() copies.
  size_t snapshot_bytes() const { return state_->bytes(); }
  // Steps whose kernel or layouts are not those that the resumed training used for batches of this
  // size, one line each: its last bits may then differ. Empty for a new training, for a size that
  // the training has not met, and where kernels are chosen anew: with another tuning, or for what
  // was frozen.
  absl::StatusOr<std::vector<std::string>> ChangedKernels(int64_t batch);

 private:
  Trainer(Model model, const TrainOptions& options) : model_(std::move(model)), options_(options) {}
  // What has been counted, in batches unless named.
  struct Counts {
    int64_t step = 0;
    int64_t first_step = 0;  // where this method began
    // Since then, all of a whole step's also where an epoch's end left fewer to it.
    int64_t counted = 0;
    int64_t unfrozen = -1;  // what was counted when what was frozen came in; -1: it has not
    int64_t epoch = 0;      // epochs
    int64_t next_batch = 0;
  };
  static absl::StatusOr<Counts> CountsOf(const TrainingState& state, const TrainOptions& options,
                                         const TrainOptions& before);
  static absl::StatusOr<std::unique_ptr<Trainer>> Make(Model model, const TrainOptions& options,
                                                       const Counts& counts);
  static absl::Status ReadCounts(const Config& config, Counts& counts);
  static void WriteCounts(const Counts& counts, Config& config);
  // For examples that are features: what is trained is the rest.
  absl::Status LeaveBeginning();
  absl::Status BuildGraphs();
  LowerOptions lowering() const {
    return {.threads = options_.threads, .reference_only = options_.reference_only};
  }
  // The same for training steps: with kernels that were tuned, but as recorded after a resume.
  absl::StatusOr<LowerOptions> training_lowering() const;
  // What a graph of this form is fed; noise is that of the step.
  absl::StatusOr<TensorMap> Feeds(const Graph& graph, const TrainingForm& form,
                                  const Batch& batch) const;
  // The copies of variables that a check of numerics takes.
  size_t guarded_bytes() const;
  // A run of the training graph whose numbers are checked.
  absl::StatusOr<std::span<const Tensor>> RunChecked(const TensorMap& feeds,
                                                     const RunOptions& options);
  // Where a step on `variables` went wrong, as an error; OK where it cannot be told.
  absl::Status LocateOddNumbers(const TensorMap& feeds, const TensorMap& variables,
                                const RandomKey& key);
  // The results of a step of which no node alone gives odd numbers, though `odd_step` did.
  absl::Status CheckResults(std::span<const Tensor> outputs, const std::string& odd_step) const;
  // The training graph, bound to its sizes, within the memory budget.
  absl::StatusOr<Graph> FitMemory(const Graph& bound, const LowerOptions& options);
  absl::Status Restore(const TrainingState& state, const TrainOptions& before);
  absl::Status RestoreSlots(const TrainingState& state, const TrainOptions& before);
  // Brings the evaluation's weights up to date where they are averages.
  absl::Status RefreshAverages();

  Model model_;
  std::optional<Graph> rest_;  // what is trained, where the examples are features
  TrainOptions options_;
  TrainingForm form_, evaluation_form_;
  PassReport passes_;
  bool frozen_ = false;  // by the options, in the graph as it is now
  DType dtype_ = DType::kF32;
  std::unique_ptr<State> state_;
  std::unique_ptr<State> averages_;  // what is evaluated, where it is not state_
  int64_t averaged_step_ = -1;       // whose averages those are
  std::unique_ptr<PlanCache> training_, evaluation_;
  std::optional<MemoryPrice> memory_price_;
  size_t memory_budget_ = 0;  // in bytes, once known
  Counts counts_;
  std::vector<double>* step_seconds_ = nullptr;  // see TimeSteps
  Config config_;
  GradientWatch gradient_watch_;        // may be empty
  int64_t watch_every_ = 0;             // steps
  RecordedChoices kernel_choices_;      // for the next snapshot
  RecordedChoices resumed_choices_;     // as the file had them
  std::set<int64_t> recorded_batches_;  // whose choices are from this session
};

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_TRAIN_H_
