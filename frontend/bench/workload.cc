#include "frontend/bench/workload.h"

#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_join.h"
#include "frontend/data/loader.h"
#include "frontend/data/synthetic.h"
#include "frontend/session/session.h"
#include "graph/bind.h"
#include "passes/verify/samples.h"

namespace weft {
namespace {

class InferenceWorkload final : public Workload {
 public:
  InferenceWorkload(int64_t batch, Model model, std::unique_ptr<Session> session)
      : Workload(batch), model_(std::move(model)), session_(std::move(session)) {}

  absl::Status MakeExamples() override {
    const Graph& graph = session_->graph();
    WEFT_ASSIGN_OR_RETURN(const Graph bound, Bind(graph, BindAllSymbols(graph, batch())));
    WEFT_ASSIGN_OR_RETURN(feeds_, RandomSample(bound, batch()));
    return absl::OkStatus();
  }
  absl::Status Run(std::vector<double>* step_seconds) override {
    return session_->Run(feeds_, {.key = {}, .step_seconds = step_seconds}).status();
  }
  absl::StatusOr<std::shared_ptr<const Plan>> FindPlan() override {
    return session_->PlanFor(batch());
  }

 private:
  void CountInto(MemoryCount& count) const override {
    count.Add(model_.graph);
    session_->CountInto(count);
  }

  Model model_;  // as whoever loads a file has it
  std::unique_ptr<Session> session_;
  TensorMap feeds_;
};

class TrainingWorkload final : public Workload {
 public:
  TrainingWorkload(int64_t batch, std::unique_ptr<Trainer> trainer)
      : Workload(batch), trainer_(std::move(trainer)) {}

  absl::Status MakeExamples() override {
    WEFT_ASSIGN_OR_RETURN(SyntheticOptions options, SyntheticFor(trainer_->model()));
    options.size = batch();
    WEFT_ASSIGN_OR_RETURN(const auto dataset, MakeSynthetic(Split::kTrain, options));
    const LoaderOptions loading{.batch_size = batch(), .shuffle = false, .prefetch = 0};
    WEFT_ASSIGN_OR_RETURN(const auto loader, Loader::Create(dataset, loading));
    return loader->Next(&examples_).status();
  }
  absl::Status Run(std::vector<double>* step_seconds) override {
    trainer_->TimeSteps(step_seconds);
    const auto result = trainer_->Step(examples_, /*learning_rate=*/0);
    trainer_->TimeSteps(nullptr);
    return result.status();
  }
  absl::StatusOr<std::shared_ptr<const Plan>> FindPlan() override {
    return trainer_->TrainingPlan(batch());
  }

 private:
  void CountInto(MemoryCount& count) const override { trainer_->CountInto(count); }

  std::unique_ptr<Trainer> trainer_;
  Batch examples_;
};

std::set<std::string> InputSymbols(const Graph& graph) {
  std::set<std::string> symbols;
  for (const Node* input : graph.inputs()) {
    for (const Dim& dim : input->type().shape) {
      symbols.insert(dim.symbols().begin(), dim.symbols().end());
    }
  }
  return symbols;
}

// The one size that runs may differ in: what is asked for, where the inputs leave it open.
absl::StatusOr<int64_t> BatchOf(const Graph& graph, std::optional<int64_t> asked) {
  if (asked && *asked < 1) {
    return absl::InvalidArgumentError(absl::StrCat("batch: expected at least 1, got ", *asked));
  }
  const std::set<std::string> symbols = InputSymbols(graph);
  if (symbols.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected inputs with one open size, the batch; these have ",
                     absl::StrJoin(symbols, ", "), ": say how large the others are"));
  }
  if (!symbols.empty()) return asked.value_or(1);
  const std::vector<Node*> inputs = graph.inputs();
  const bool has_batch = !inputs.empty() && inputs[0]->type().rank() > 0;
  const int64_t fixed = has_batch ? inputs[0]->type().dim(0).coefficient() : 1;
  if (!asked || *asked == fixed) return fixed;
  return absl::InvalidArgumentError(
      absl::StrCat("batch: the model's inputs fix it as ", fixed, ", got ", *asked));
}

// The model with these sizes of its inputs.
absl::Status BindSizes(const SymbolBindings& sizes, Model& model) {
  if (sizes.empty()) return absl::OkStatus();
  const std::set<std::string> symbols = InputSymbols(model.graph);
  for (const auto& [name, size] : sizes) {
    if (symbols.contains(name)) continue;
    return absl::NotFoundError(absl::StrCat(
        "no input has a size ", name,
        symbols.empty() ? "; all are fixed" : "; there is " + absl::StrJoin(symbols, ", ")));
  }
  WEFT_ASSIGN_OR_RETURN(model.graph, Bind(model.graph, sizes));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Workload>> Workload::Create(Model model, WorkloadOptions options) {
  WEFT_RETURN_IF_ERROR(BindSizes(options.sizes, model));
  WEFT_ASSIGN_OR_RETURN(const int64_t batch, BatchOf(model.graph, options.batch));
  if (options.training) {
    if (model.training) model.training->kernel_choices.clear();
    options.training->threads = options.threads;
    options.training->tuning = std::string(ToString(options.tuning.mode));
    options.training->tuning_progress = options.tuning.progress;
    options.training->tuning_warning = options.tuning.warn;
    WEFT_ASSIGN_OR_RETURN(auto trainer, Trainer::Create(std::move(model), *options.training));
    return std::make_unique<TrainingWorkload>(batch, std::move(trainer));
  }
  WEFT_ASSIGN_OR_RETURN(auto session, Session::Create(model, {.threads = options.threads,
                                                              .optimize = options.optimize,
                                                              .tuning = options.tuning}));
  return std::make_unique<InferenceWorkload>(batch, std::move(model), std::move(session));
}

absl::StatusOr<size_t> Workload::PeakBytes() {
  WEFT_ASSIGN_OR_RETURN(const auto plan, FindPlan());
  MemoryCount count;
  CountInto(count);
  for (const Layout& input : plan->input_layouts) count.Add(input.bytes());
  return count.bytes();
}

}  // namespace weft
