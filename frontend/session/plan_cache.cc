#include "frontend/session/plan_cache.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "graph/bind.h"
#include "runtime/exec/evaluator.h"

namespace weft {
namespace {

// A training run needs two: full batches and the epoch's smaller last one.
constexpr size_t kMaxPlans = 4;
// Of a step's kernel, its library's descriptors and generated code: as measured, on the average.
constexpr size_t kStepBytes = size_t{20} << 10;

// Whether a node has a dim that is no monomial of the inputs' symbols. Binding tells those that
// follow from them all the same.
bool HasOwnSymbols(const Graph& graph) {
  std::set<std::string> known;
  for (const Node* input : graph.inputs()) {
    for (const Dim& dim : input->type().shape) {
      known.insert(dim.symbols().begin(), dim.symbols().end());
    }
  }
  for (const Node& node : graph.nodes()) {
    for (int i = 0; i < node.num_outputs(); ++i) {
      for (const Dim& dim : node.type(i).shape) {
        for (const std::string& symbol : dim.symbols()) {
          if (!known.contains(symbol)) return true;
        }
      }
    }
  }
  return false;
}

}  // namespace

absl::Status PlanCache::CheckNames(const TensorMap& feeds) const {
  for (const Node* input : graph_.inputs()) {
    if (!feeds.contains(input->name())) {
      return absl::InvalidArgumentError(absl::StrCat("input ", input->name(), ": expected ",
                                                     ToString(input->type()), ", got nothing"));
    }
  }
  for (const auto& [name, tensor] : feeds) {
    const Node* node = graph_.Find(name);
    if (node == nullptr || node->op_name() != kInput) {
      return absl::InvalidArgumentError(absl::StrCat("there is no input ", name));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<const LateNodes>> PlanCache::FindLate(
    const SymbolBindings& symbols) const {
  if (!HasOwnSymbols(graph_)) return nullptr;
  WEFT_ASSIGN_OR_RETURN(Graph bound, Bind(graph_, symbols));
  if (state_ == nullptr) return LateNodes::Of(std::move(bound));
  const Node* late = FirstLateNode(bound);
  if (late == nullptr) return nullptr;
  return absl::UnimplementedError(absl::StrCat(
      late->Describe(), ": is ", ToString(late->type()),
      ", which only its operands' values tell; in training every size must follow from those of "
      "the inputs: keep it out of what the loss reads, or choose by a mask (Where, Mul) instead"));
}

absl::StatusOr<std::unique_ptr<const Executable>> PlanCache::MakeExecutable(
    const Entry& entry, const LowerOptions& options) const {
  if (entry.late != nullptr) return Executable::Create(entry.late->early(), {}, options);
  if (!fit_) return Executable::Create(graph_, entry.symbols, options);
  WEFT_ASSIGN_OR_RETURN(const Graph bound, Bind(graph_, entry.symbols));
  WEFT_ASSIGN_OR_RETURN(const Graph fitted, fit_(bound, options));
  return Executable::Create(fitted, {}, options);
}

absl::StatusOr<PlanCache::Entry*> PlanCache::Find(const SymbolBindings& symbols) {
  // A training plan may have moved the variables since.
  entries_.remove_if([this](const Entry& entry) { return entry.moves != moves(); });
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    if (it->symbols != symbols) continue;
    entries_.splice(entries_.begin(), entries_, it);
    return &entries_.front();
  }
  Entry entry;
  entry.symbols = symbols;
  LowerOptions options = options_;
  if (state_ != nullptr) options.variables = state_->layouts();
  WEFT_ASSIGN_OR_RETURN(entry.late, FindLate(symbols));
  WEFT_ASSIGN_OR_RETURN(entry.executable, MakeExecutable(entry, options));
  // At once, so that the plans made next, of evaluation too, follow.
  const Plan& plan = entry.executable->plan();
  if (state_ != nullptr && plan.chose_variable_layouts) {
    WEFT_RETURN_IF_ERROR(state_->Move(plan.variable_layouts()));
  }
  entry.moves = moves();
  entry.inputs.resize(entry.executable->plan().inputs.size());
  entry.outputs.resize(entry.executable->plan().outputs.size());
  entries_.push_front(std::move(entry));
  if (entries_.size() > kMaxPlans) entries_.pop_back();
  return &entries_.front();
}

absl::StatusOr<std::span<const Tensor>> PlanCache::Run(const TensorMap& feeds,
                                                       const RunOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckNames(feeds));
  WEFT_ASSIGN_OR_RETURN(const SymbolBindings symbols, BindingsFromFeeds(graph_, feeds));
  WEFT_ASSIGN_OR_RETURN(Entry * entry, Find(symbols));
  if (entry->context == nullptr) {
    WEFT_ASSIGN_OR_RETURN(entry->context, Context::Create(*entry->executable, state_, arena_));
  }
  last_ = entry->executable;
  const Plan& plan = last_->plan();
  for (size_t i = 0; i < plan.inputs.size(); ++i) {
    entry->inputs[i] = feeds.find(plan.inputs[i])->second;
  }
  const absl::Status status =
      entry->executable->Run(*entry->context, entry->inputs, entry->outputs, options);
  for (Tensor& input : entry->inputs) input = Tensor();  // so that the caller can reuse them
  WEFT_RETURN_IF_ERROR(status);
  if (entry->late == nullptr) return std::span<const Tensor>(entry->outputs);
  LowerOptions one_node = options_;
  one_node.choices = nullptr;  // kernels of one run are not worth a choice
  RuntimeEvaluator one_by_one(one_node, options.key);
  WEFT_ASSIGN_OR_RETURN(entry->results, entry->late->Run(entry->outputs, one_by_one));
  return std::span<const Tensor>(entry->results);
}

absl::StatusOr<std::shared_ptr<const Plan>> PlanCache::PlanFor(const SymbolBindings& symbols) {
  WEFT_ASSIGN_OR_RETURN(Entry * entry, Find(symbols));
  return std::shared_ptr<const Plan>(entry->executable, &entry->executable->plan());
}

void PlanCache::CountInto(MemoryCount& count) const {
  count.Add(graph_);
  for (const Entry& entry : entries_) CountPlan(entry.executable->plan(), count);
}

void PlanCache::CountPlan(const Plan& plan, MemoryCount& count) {
  count.Add(plan.steps.size() * kStepBytes);
  for (const Tensor& constant : plan.constants) count.Add(constant);
  for (const Layout& output : plan.output_layouts) count.Add(output.bytes());
}

size_t PlanCache::arena_bytes() const {
  size_t bytes = 0;
  for (const Entry& entry : entries_) {
    bytes = std::max(bytes, entry.executable->plan().arena_bytes);
  }
  return bytes;
}

}  // namespace weft
