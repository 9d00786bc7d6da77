// What a Trainer does for the choice of kernels, for memory budgets and for the check of numerics.

#include <utility>

#include "absl/strings/str_cat.h"
#include "frontend/train/train.h"
#include "graph/bind.h"
#include "graph/file/serialize.h"
#include "runtime/exec/evaluator.h"

namespace weft {
namespace {

bool IsOddTensor(const Tensor& tensor, const NumericsOptions& options) {
  return FindOddities(tensor.dtype(), tensor.data(), tensor.bytes(), options).any(options);
}

}  // namespace

absl::StatusOr<LowerOptions> Trainer::training_lowering() const {
  WEFT_ASSIGN_OR_RETURN(const TuningMode mode, ParseTuningMode(options_.tuning));
  const bool fits_memory = !options_.memory.budget.empty();
  if (mode == TuningMode::kMeasured && fits_memory) {
    return absl::InvalidArgumentError(
        "tuning: the memory budget is that of kernels that are not tuned; leave one of both out");
  }
  LowerOptions options = lowering();
  // None were measured for a budget; those of the same graph without one might exceed it.
  options.choices = ChoicesAsRecorded(resumed_choices_, form_.examples[0],
                                      Tuner::Create({.mode = fits_memory ? TuningMode::kOff : mode,
                                                     .progress = options_.tuning_progress,
                                                     .warn = options_.tuning_warning}));
  return options;
}

absl::StatusOr<Graph> Trainer::FitMemory(const Graph& bound, const LowerOptions& options) {
  LowerOptions lowering = options;
  lowering.choices = nullptr;  // looked for in many graphs, most of which nobody runs
  MemoryCount beside;
  beside.Add(model_.graph);
  if (averages_ != nullptr) beside.Add(averages_->bytes());
  beside.Add(guarded_bytes());
  beside.Add(training_graph());
  beside.Add(evaluation_->graph());
  const auto count = [&](const Plan& plan) {
    MemoryCount all = beside;
    PlanCache::CountPlan(plan, all);
    // The first plan moves the variables into its layouts, some of which are padded.
    all.Add(plan.chose_variable_layouts ? state_->BytesIn(plan.variable_layouts())
                                        : state_->bytes());
    for (const Layout& input : plan.input_layouts) all.Add(input.bytes());
    all.Add(plan.arena_bytes);
    return all.bytes();
  };
  // A share is one of the graph's first size, and the bytes that it comes to are the others'
  // budget: the last batch of an epoch is smaller.
  WEFT_ASSIGN_OR_RETURN(MemoryBudget budget, ParseMemoryBudget(options_.memory.budget));
  if (memory_budget_ != 0) budget = {.bytes = memory_budget_};
  MemoryPrice price;
  WEFT_ASSIGN_OR_RETURN(Graph fitted, FitToBudget(bound, budget, lowering, count, &price));
  if (!memory_price_) {
    memory_price_ = price;
    memory_budget_ = budget.bytes;
    if (budget.share > 0) {
      memory_budget_ = static_cast<size_t>(budget.share * static_cast<double>(price.before));
    }
  }
  return fitted;
}

absl::StatusOr<int64_t> Trainer::EvaluationBatch(int64_t most) const {
  if (memory_budget_ == 0) return most;
  LowerOptions options = lowering();
  options.variables = (averages_ != nullptr ? averages_ : state_)->layouts();
  const Graph& graph = evaluation_->graph();
  for (int64_t batch = most; batch > 1; batch = (batch + 1) / 2) {
    WEFT_ASSIGN_OR_RETURN(const Graph bound, Bind(graph, BindAllSymbols(graph, batch)));
    WEFT_ASSIGN_OR_RETURN(const Plan plan, Lower(bound, options));
    if (plan.arena_bytes <= training_->arena_bytes()) return batch;
  }
  return 1;
}

size_t Trainer::guarded_bytes() const {
  size_t bytes = 0;
  if (!options_.numerics.on()) return bytes;
  for (const Node* variable : training_graph().variables()) bytes += LeafValue(*variable).bytes();
  return bytes;
}

// Outputs are looked at step by step, which costs little; what is odd is then found by a run node
// by node, from the weights as they were. Of a normalization with an activation as part of its step
// what comes out is seen, in bounds: an infinity before them is not, a NaN is.
absl::StatusOr<std::span<const Tensor>> Trainer::RunChecked(const TensorMap& feeds,
                                                            const RunOptions& options) {
  TensorMap variables;
  for (const std::string& name : state_->names()) {
    WEFT_ASSIGN_OR_RETURN(variables[name], state_->Get(name));
  }
  bool odd = false;
  for (const TensorMap* leaves : std::initializer_list<const TensorMap*>{&feeds, &variables}) {
    for (const auto& [name, value] : *leaves) odd |= IsOddTensor(value, options_.numerics);
  }
  std::string odd_step;
  RunOptions looking = options;
  looking.after_step = [&](const PlanStepOperands& o) {
    if (options.after_step) options.after_step(o);
    for (size_t i = 0; !odd && i < o.outputs.size(); ++i) {
      if (o.outputs[i] == nullptr) continue;
      const Layout& layout = o.step.kernel->outputs()[i];
      for (const auto& [at, bytes] : layout.Pieces()) {
        odd |= FindOddities(layout.dtype(), o.outputs[i] + at, bytes, options_.numerics)
                   .any(options_.numerics);
      }
      if (odd) odd_step = absl::StrCat(o.step.name, " (", o.step.op, ")");
    }
  };
  WEFT_ASSIGN_OR_RETURN(const std::span<const Tensor> outputs, training_->Run(feeds, looking));
  if (!odd) return outputs;
  absl::Status status = LocateOddNumbers(feeds, variables, options.key);
  if (status.ok()) status = CheckResults(outputs, odd_step);
  if (status.ok()) return outputs;
  for (const auto& [name, value] : variables) WEFT_RETURN_IF_ERROR(state_->Set(name, value));
  return status;
}

// A node alone may have another kernel than in the step: then what the step has left behind counts.
absl::Status Trainer::CheckResults(std::span<const Tensor> outputs,
                                   const std::string& odd_step) const {
  bool odd = false;
  for (const Tensor& output : outputs) odd |= IsOddTensor(output, options_.numerics);
  for (const std::string& name : state_->names()) {
    WEFT_ASSIGN_OR_RETURN(const Tensor value, state_->Get(name));
    odd |= IsOddTensor(value, options_.numerics);
  }
  if (!odd) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("step ", counts_.step + 1, ": ", odd_step,
                   " gives odd numbers first (NaN, Inf or denormals), and no node does alone: try "
                   "a lower learning rate"));
}

absl::Status Trainer::LocateOddNumbers(const TensorMap& feeds, const TensorMap& variables,
                                       const RandomKey& key) {
  WEFT_ASSIGN_OR_RETURN(const SymbolBindings symbols, BindingsFromFeeds(training_graph(), feeds));
  WEFT_ASSIGN_OR_RETURN(const Graph bound, Bind(training_graph(), symbols));
  RuntimeEvaluator evaluator(lowering(), key);
  WEFT_ASSIGN_OR_RETURN(std::optional<OddPlace> place,
                        FindOddPlace(bound, feeds, variables, evaluator, options_.numerics));
  if (!place) return absl::OkStatus();
  std::string saved;
  if (place->alone && !options_.numerics.file.empty()) {
    const absl::Status status = SaveModel(Model(*std::move(place->alone)), options_.numerics.file);
    saved = status.ok() ? absl::StrCat("; the node and its inputs: weft run ",
                                       options_.numerics.file, " --output y.npy")
                        : absl::StrCat("; ", std::string(status.message()));
  }
  return absl::FailedPreconditionError(absl::StrCat("step ", counts_.step + 1, ", learning rate ",
                                                    feeds.at(std::string(kLearningRateInput)).At(0),
                                                    ": ", place->message, saved));
}

}  // namespace weft
