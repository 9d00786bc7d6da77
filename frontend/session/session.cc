#include "frontend/session/session.h"

#include <malloc.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "frontend/session/feeds.h"
#include "frontend/session/folding.h"
#include "graph/bind.h"
#include "graph/file/mapped_pages.h"
#include "runtime/exec/evaluator.h"
#include "runtime/exec/parallel.h"

namespace weft {

namespace {

// What passes need, for options that lack it.
class PassTools {
 public:
  explicit PassTools(const Graph& graph) : costs_(BindAllSymbols(graph, 1)) {}

  PassOptions Complete(PassOptions options) {
    if (options.evaluator == nullptr) options.evaluator = &folding_;
    if (options.costs == nullptr) options.costs = &costs_;
    if (options.replay.evaluator == nullptr) options.replay.evaluator = &fast_;
    return options;
  }

 private:
  FoldingEvaluator folding_;
  RuntimeEvaluator fast_;
  OpCostModel costs_;
};

// Gives back what the values of the graph's leaves take of mapped files.
void ReleaseLeaves(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    if (node.op_name() != kConstant && node.op_name() != kVariable) continue;
    const Tensor& value = LeafValue(node);
    ReleasePages({value.data(), value.bytes()});
  }
}

// Gives the system back what passes have freed between the constants that stay in the heap: a fifth
// of a network's weights.
void TrimHeap() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

// An option that a model was trained with; "" where that is not known.
std::string TrainedOption(const Model& model, const std::string& name) {
  if (!model.training) return {};
  const auto it = model.training->config.find(name);
  return it == model.training->config.end() ? std::string() : it->second;
}

}  // namespace

absl::StatusOr<PassReport> RunPasses(Graph& graph, PassOptions options) {
  PassTools tools(graph);
  return Optimize(graph, tools.Complete(std::move(options)));
}

absl::StatusOr<std::optional<Culprit>> BisectPasses(const Graph& graph, const TensorMap& feeds,
                                                    double tolerance, PassOptions options) {
  PassTools tools(graph);
  return Bisect(graph, feeds, tolerance, tools.Complete(std::move(options)));
}

absl::StatusOr<Graph> OptimizedForInference(const Graph& graph, PassOptions options,
                                            PassReport* report) {
  WEFT_ASSIGN_OR_RETURN(Graph result, ForInference(graph));
  if (report == nullptr) options.explain = false;
  WEFT_ASSIGN_OR_RETURN(PassReport what, RunPasses(result, std::move(options)));
  if (report != nullptr) *report = std::move(what);
  return result;
}

absl::StatusOr<const Node*> OnlyInput(const Graph& graph) {
  const std::vector<Node*> inputs = graph.inputs();
  if (inputs.size() == 1) return inputs[0];
  std::string names;
  for (const Node* input : inputs)
    absl::StrAppend(&names, names.empty() ? "" : ", ", input->name());
  return absl::InvalidArgumentError(absl::StrCat("expected a model with one input, this one has ",
                                                 inputs.size(), inputs.empty() ? "" : ": ", names));
}

absl::StatusOr<Tensor> FitToInput(const Node& input, const Tensor& x) {
  if (x.is_empty()) return x;  // refused where the feeds are checked
  Tensor fitted = x;
  const TensorType& type = input.type();
  if (fitted.rank() + 1 == type.rank()) {
    Dims dims = fitted.dims();
    dims.insert(dims.begin(), 1);
    WEFT_ASSIGN_OR_RETURN(fitted, fitted.Reshaped(std::move(dims)));
  }
  if (kRealTypes.contains(fitted.dtype()) && kRealTypes.contains(type.dtype)) {
    WEFT_ASSIGN_OR_RETURN(fitted, fitted.Converted(type.dtype));
  }
  return fitted;
}

absl::StatusOr<std::unique_ptr<Session>> Session::Create(const Model& model,
                                                         const SessionOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckThreads(options.threads));
  if (model.graph.outputs().empty()) {
    return absl::InvalidArgumentError("expected a model with an output, this one has none");
  }
  FoldingEvaluator folding({.threads = options.threads, .reference_only = options.reference_only});
  auto graph = options.optimize ? OptimizedForInference(model.graph, {.evaluator = &folding})
                                : ForInference(model.graph);
  WEFT_RETURN_IF_ERROR(graph.status());
  ReleaseLeaves(model.graph);  // Passes have read them, few of them will be read again.
  TrimHeap();
  std::unique_ptr<Session> session(
      new Session(*std::move(graph), {.threads = options.threads,
                                      .reference_only = options.reference_only,
                                      .choices = Tuner::Create(options.tuning)}));
  session->loss_ = TrainedOption(model, "loss");
  if (!absl::SimpleAtoi(TrainedOption(model, "ignore_index"), &session->ignored_)) {
    session->ignored_ = -1;
  }
  session->gives_probabilities_ = model.graph.outputs()[0].value.node->op_name() == "Softmax";
  return session;
}

absl::StatusOr<TensorMap> Session::Run(const TensorMap& feeds, const RunOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const std::span<const Tensor> outputs, plans_.Run(feeds, options));
  TensorMap result;
  for (size_t i = 0; i < outputs.size(); ++i) result[this->outputs()[i].name] = outputs[i];
  return result;
}

absl::StatusOr<Tensor> Session::Run(const Tensor& x) {
  WEFT_ASSIGN_OR_RETURN(const Node* input, OnlyInput(graph()));
  WEFT_ASSIGN_OR_RETURN(Tensor fitted, FitToInput(*input, x));
  WEFT_ASSIGN_OR_RETURN(const std::span<const Tensor> outputs,
                        plans_.Run({{input->name(), std::move(fitted)}}));
  return outputs[0];
}

absl::StatusOr<Tensor> Session::Scores(const Batch& batch) {
  WEFT_ASSIGN_OR_RETURN(const TensorMap feeds, FeedExamples(inputs(), batch));
  WEFT_ASSIGN_OR_RETURN(const std::span<const Tensor> outputs, plans_.Run(feeds));
  return outputs[0];
}

absl::StatusOr<Evaluation> Session::Evaluate(const std::shared_ptr<const Dataset>& dataset,
                                             int64_t batch_size, const BatchObserver& observer) {
  const bool regression = loss_ == "mse";
  const auto scores = [&](const Batch& batch) -> absl::StatusOr<Tensor> {
    WEFT_ASSIGN_OR_RETURN(const Tensor outputs, Scores(batch));
    return gives_probabilities_ && !regression ? ScoresOfProbabilities(outputs) : outputs;
  };
  return EvaluateDataset(dataset, batch_size, scores, loss_, ignored_, observer);
}

absl::StatusOr<std::shared_ptr<const Plan>> Session::PlanFor(int64_t batch) {
  return plans_.PlanFor(BindAllSymbols(graph(), batch));
}

void Session::CountInto(MemoryCount& count) const {
  plans_.CountInto(count);
  count.Add(plans_.arena_bytes());
}

}  // namespace weft
