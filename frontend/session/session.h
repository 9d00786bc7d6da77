#ifndef WEFT_FRONTEND_SESSION_SESSION_H_
#define WEFT_FRONTEND_SESSION_SESSION_H_

#include <memory>
#include <optional>

#include "frontend/session/evaluation.h"
#include "frontend/session/plan_cache.h"
#include "graph/model.h"
#include "passes/passes.h"
#include "passes/verify/bisect.h"
#include "runtime/tuning/tuner.h"

namespace weft {

// The graph that inference on `model` runs: its weights frozen into constants and the passes of
// `options` applied, all by default. `report`, unless null, says what they did.
absl::StatusOr<Graph> OptimizedForInference(const Graph& graph, PassOptions options = {},
                                            PassReport* report = nullptr);
// The optimizing passes on a graph of any mode. Where `options` lack them: the reference kernels
// fold constants, rules compare the prices of one example, rewrites are replayed by fast kernels.
absl::StatusOr<PassReport> RunPasses(Graph& graph, PassOptions options = {});
// Bisect (passes/verify/bisect.h) of what RunPasses would do.
absl::StatusOr<std::optional<Culprit>> BisectPasses(const Graph& graph, const TensorMap& feeds,
                                                    double tolerance, PassOptions options = {});

struct SessionOptions {
  int threads = 0;              // 0: all that this process may use
  bool reference_only = false;  // no fast kernels
  bool optimize = true;         // false: the graph as it is, mode inference
  TuningOptions tuning = {};    // kernels by measured times
};

// Inference on a model, for batches of any size. One thread at a time.
class Session {
 public:
  // Copies what it needs of `model`. Errors: no output, too many threads, whatever the passes say.
  static absl::StatusOr<std::unique_ptr<Session>> Create(const Model& model,
                                                         const SessionOptions& options = {});

  const Graph& graph() const { return plans_.graph(); }
  // What a run takes and gives. Of a model with losses these are fewer than the model's: labels and
  // losses are not among them.
  std::vector<Node*> inputs() const { return graph().inputs(); }
  const std::vector<NamedValue>& outputs() const { return graph().outputs(); }

  // All outputs for all inputs, by name. Errors name the input that is missing or of another type.
  absl::StatusOr<TensorMap> Run(const TensorMap& feeds, const RunOptions& options = {});
  // The first output for the only input. Floating-point types are converted to what the input
  // takes; without its first axis, `x` is a batch of one. Errors as above, and more than one input.
  absl::StatusOr<Tensor> Run(const Tensor& x);
  // The first output for a batch of examples, see FeedExamples.
  absl::StatusOr<Tensor> Scores(const Batch& batch);
  // All metrics that apply. The loss that the model was trained with says what targets are, its
  // ignore_index which are left out; but for regression the outputs of a Softmax are taken for the
  // probabilities that they are.
  absl::StatusOr<Evaluation> Evaluate(const std::shared_ptr<const Dataset>& dataset,
                                      int64_t batch_size = 256, const BatchObserver& observer = {});
  // Whether the first output is a Softmax's.
  bool gives_probabilities() const { return gives_probabilities_; }
  // The label that counted for nothing when the model was trained; -1: none.
  int64_t ignored() const { return ignored_; }
  // The plan with every symbol of the inputs equal to `batch`. It lives as long as somebody holds
  // it.
  absl::StatusOr<std::shared_ptr<const Plan>> PlanFor(int64_t batch);
  // What it holds when each of the plans made so far has run: weights, arena, outputs.
  void CountInto(MemoryCount& count) const;

 private:
  Session(Graph graph, LowerOptions options) : plans_(std::move(graph), nullptr, options) {}
  PlanCache plans_;
  std::string loss_;  // that the model was trained with; "" for unknown
  int64_t ignored_ = -1;
  bool gives_probabilities_ = false;
};

// The only input of `graph`, or an error that says what there is.
absl::StatusOr<const Node*> OnlyInput(const Graph& graph);
// `x` as what the input takes: floating-point types converted, a missing first axis added.
absl::StatusOr<Tensor> FitToInput(const Node& input, const Tensor& x);

}  // namespace weft

#endif  // WEFT_FRONTEND_SESSION_SESSION_H_
