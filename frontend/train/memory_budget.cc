#include "frontend/train/memory_budget.h"

#include <algorithm>
#include <map>
#include <queue>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "graph/bind.h"
#include "graph/number_text.h"
#include "passes/memory/forecast.h"
#include "passes/memory/recomputation.h"

namespace weft {
namespace {

constexpr double kLimitStep = 0.95;   // from one limit to the next
constexpr double kPlanMargin = 1.02;  // plans are made of choices that may fit by so much

using Choice = Recomputation::Choice;
using FirstNames = Recomputation::FirstNames;

// The kernel, its implementation and the layouts of a step. A normalization in mode inference, by
// the statistics of the batch, has the same bits as the one in mode training by the same kernel,
// which reads and gives more: of both, the data's layouts count. So has one with an activation as
// part of it, forward and backward, and one without: what is added is behind a comma.
std::string KernelText(const PlanStep& step) {
  const Kernel& kernel = *step.kernel;
  const bool data_only = absl::StartsWith(step.op, "BatchNormalization");
  std::string implementation = kernel.implementation();
  if (data_only) implementation.resize(std::min(implementation.find(','), implementation.size()));
  std::string text = absl::StrCat(kernel.name(), " ", implementation);
  for (const auto* operands : {&kernel.inputs(), &kernel.outputs()}) {
    for (const Layout& layout : *operands) {
      absl::StrAppend(&text, " ", layout.name());
      if (data_only) break;
    }
  }
  return text;
}

// Of each step that is a node's, by name.
std::map<std::string, std::string> KernelTexts(const Plan& plan) {
  std::map<std::string, std::string> kernels;
  for (const PlanStep& step : plan.steps) {
    if (step.node != nullptr) kernels.emplace(step.name, KernelText(step));
  }
  return kernels;
}

// What must not be computed again, so that all kernels of `plan` are those that there were before,
// the first time and again: nodes whose kernel is another one, and what such a node reads.
std::set<std::string> FindKernelChanges(const Plan& plan, const FirstNames& firsts,
                                        const std::map<std::string, std::string>& before) {
  std::set<std::string> changes;
  for (const PlanStep& step : plan.steps) {
    if (step.node == nullptr) continue;
    const auto again = firsts.find(step.name);
    const std::string& first = again == firsts.end() ? step.name : again->second;
    const auto expected = before.find(first);
    if (expected == before.end() || expected->second == KernelText(step)) continue;
    changes.insert(first);
    for (const Value& v : step.node->inputs()) {
      const auto read = v ? firsts.find(v.node->name()) : firsts.end();
      if (read != firsts.end()) changes.insert(read->second);
    }
  }
  return changes;
}

// What the plan says about the nodes of its graph.
Recomputation::StepUses StepUsesOf(const Plan& plan) {
  Recomputation::StepUses uses;
  for (const PlanStep& step : plan.steps) {
    if (step.node == nullptr) continue;
    Recomputation::StepUse& use = uses[step.node];
    if (step.scratch >= 0) use.scratch = plan.buffers[static_cast<size_t>(step.scratch)].bytes;
    for (const int v : step.inputs) use.reads.push_back(v >= 0);
  }
  return uses;
}

// Chooses more and more to be computed again: by a forecast of what each value saves for its work,
// several at once, which are then measured and halved until they do save.
class RecomputationChooser {
 public:
  explicit RecomputationChooser(const Recomputation& recomputation)
      : r_(recomputation), choice_(recomputation.Nothing()) {}

  const Choice& choice() const { return choice_; }

  // Adds what saves most for its work until the peak is within `limit`, and takes back what does
  // not save any more; false where nothing helps.
  bool Reach(size_t limit) {
    double before = 0;
    do {
      before = r_.Of(choice_, limit).excess;
      Add(limit);
      if (r_.Of(choice_, limit).excess == before) choice_ = Pruned(limit);
      if (r_.Of(choice_, limit).peak <= limit) return true;
    } while (r_.Of(choice_, limit).excess < before);
    return false;
  }

  // Without what does not keep memory within the limit, the dearest first.
  Choice Pruned(size_t limit) const {
    Choice choice = choice_;
    const double most = r_.Of(choice, limit).excess;
    TryInRounds(
        choice, /*value=*/false,
        [&](const Refused& refused) { return ToKeep(choice, limit, refused); },
        [&](const Choice& changed) { return r_.Of(changed, limit).excess <= most; });
    return choice;
  }

 private:
  using Refused = std::set<int>;
  static constexpr size_t kMostRefused = 32;  // wrong forecasts before a search ends

  static size_t Slot(int v) { return static_cast<size_t>(v); }

  void Add(size_t limit) {
    double excess = r_.Of(choice_, limit).excess;
    TryInRounds(
        choice_, /*value=*/true,
        [&](const Refused& refused) {
          return excess == 0 ? std::vector<int>() : ToChoose(limit, refused);
        },
        [&](const Choice& changed) {
          const double then = r_.Of(changed, limit).excess;
          return then < excess && (excess = then, true);
        });
  }

  // Sets what `find` proposes to `value`, as many of the first ones as `is_better` takes, again and
  // again until nothing is left.
  template <typename Find, typename IsBetter>
  static void TryInRounds(Choice& choice, bool value, const Find& find, const IsBetter& is_better) {
    Refused refused;
    while (refused.size() < kMostRefused) {
      const std::vector<int> found = find(refused);
      if (found.empty()) return;
      size_t count = found.size();
      for (; count > 0; count /= 2) {
        Choice changed = choice;
        for (size_t i = 0; i < count; ++i) changed[Slot(found[i])] = value;
        if (!is_better(changed)) continue;
        choice = std::move(changed);
        break;
      }
      if (count == 0) refused.insert(found[0]);
    }
  }

  // What saves most for its work, until all is within the limit. Gains are looked at again only
  // where they may be the largest (Minoux 1978, Accelerated greedy algorithms).
  std::vector<int> ToChoose(size_t limit, const Refused& refused) const {
    RecomputationForecast forecast(r_, choice_, limit);
    std::priority_queue<std::pair<double, int>> queue;
    for (const int v : r_.candidates()) {
      if (choice_[Slot(v)] || refused.contains(v)) continue;
      if (const double gain = forecast.GainOf(v); gain > 0) queue.emplace(gain, v);
    }
    std::vector<int> chosen;
    while (forecast.excess() > 0 && !queue.empty()) {
      const int v = queue.top().second;
      queue.pop();
      const double gain = forecast.GainOf(v);
      if (!queue.empty() && gain < queue.top().first) {
        if (gain > 0) queue.emplace(gain, v);
      } else if (gain > 0) {
        forecast.Choose(v);
        chosen.push_back(v);
      }
    }
    return chosen;
  }

  // What can be kept without more excess, the dearest first.
  std::vector<int> ToKeep(const Choice& choice, size_t limit, const Refused& refused) const {
    RecomputationForecast forecast(r_, choice, limit);
    std::vector<std::pair<double, int>> order;
    for (const int v : r_.candidates()) {
      if (choice[Slot(v)] && !refused.contains(v)) order.emplace_back(-forecast.WorkSavedBy(v), v);
    }
    std::sort(order.begin(), order.end());
    std::vector<int> kept;
    for (const auto& [saved, v] : order) {
      if (forecast.LossOf(v) > 0) continue;
      forecast.Keep(v);
      kept.push_back(v);
    }
    return kept;
  }

  const Recomputation& r_;
  Choice choice_;
};

class BudgetFitting {
 public:
  BudgetFitting(const Graph& graph, const LowerOptions& lowering, const CountPlan& count)
      : graph_(graph), lowering_(lowering), count_(count) {}

  absl::StatusOr<Graph> Run(const MemoryBudget& budget, MemoryPrice* price) {
    WEFT_ASSIGN_OR_RETURN(const Plan plan, Lower(graph_, lowering_));
    uses_ = StepUsesOf(plan);
    kernels_ = KernelTexts(plan);
    price_.before = price_.after = smallest_ = count_(plan);
    arena_ = plan.arena_bytes;
    budget_ = budget.share > 0 ? static_cast<size_t>(budget.share * static_cast<double>(smallest_))
                               : budget.bytes;
    std::optional<Graph> fitted;
    if (price_.before <= budget_) fitted = Clone(graph_);
    for (size_t banned = 0; !fitted; banned = never_.size()) {
      WEFT_ASSIGN_OR_RETURN(fitted, Search());
      if (!fitted && never_.size() == banned) return Impossible();
    }
    if (price != nullptr) *price = price_;
    return *std::move(fitted);
  }

 private:
  absl::Status Impossible() const {
    return absl::ResourceExhaustedError(
        absl::StrCat("memory budget ", BytesText(static_cast<double>(budget_)), ": a step takes ",
                     BytesText(static_cast<double>(price_.before)), ", and at least ",
                     BytesText(static_cast<double>(smallest_)), " (", smallest_,
                     " bytes) when all that helps is computed again"));
  }

  // The first choice that fits, of those for lower and lower limits, whatever the budget is; null
  // where there is none, or where nodes have been found that must never be computed again.
  absl::StatusOr<std::optional<Graph>> Search() {
    const Recomputation recomputation(graph_, never_, uses_);
    const size_t whole = recomputation.Of(recomputation.Nothing(), 0).peak;
    const double beside = static_cast<double>(price_.before - arena_);
    // What the plan takes for a byte of the measure.
    const double scale =
        static_cast<double>(arena_) / static_cast<double>(std::max<size_t>(whole, 1));
    RecomputationChooser chooser(recomputation);
    for (double limit = static_cast<double>(whole) * kLimitStep;; limit *= kLimitStep) {
      const auto bytes = static_cast<size_t>(limit);
      const bool is_last = !chooser.Reach(bytes);
      if (!is_last && beside + limit * scale > kPlanMargin * static_cast<double>(budget_)) continue;
      WEFT_ASSIGN_OR_RETURN(std::optional<Graph> graph,
                            TryAround(recomputation, chooser, limit, scale));
      if (graph || Ban()) return graph;
      if (is_last) return std::optional<Graph>();
    }
  }

  // Pruned to the limit a choice's plan takes more or less than the budget; pruned by that much
  // less or more it comes nearer. Where neither fits all that is chosen may.
  absl::StatusOr<std::optional<Graph>> TryAround(const Recomputation& recomputation,
                                                 const RecomputationChooser& chooser, double limit,
                                                 double scale) {
    std::optional<Graph> fitted;
    Choice tried;
    for (int i = 0; i < 2; ++i) {
      Choice choice = chooser.Pruned(static_cast<size_t>(std::max(limit, 0.0)));
      if (choice == tried) break;
      tried = std::move(choice);
      WEFT_ASSIGN_OR_RETURN(std::optional<Graph> graph, Try(recomputation, tried));
      if (graph) fitted = std::move(graph);
      if (!changes_.empty()) return fitted;
      limit += (static_cast<double>(budget_) - static_cast<double>(tried_)) / scale;
    }
    if (fitted || tried == chooser.choice()) return fitted;
    return Try(recomputation, chooser.choice());
  }

  // Whether the last try has shown nodes that must not be computed again, which starts the search
  // anew. Where it has shown none that were not known, another choice may do.
  bool Ban() {
    const size_t before = never_.size();
    never_.merge(std::exchange(changes_, {}));
    return never_.size() > before;
  }

  // The graph of a choice where its plan fits.
  absl::StatusOr<std::optional<Graph>> Try(const Recomputation& recomputation,
                                           const Choice& choice) {
    FirstNames firsts;
    WEFT_ASSIGN_OR_RETURN(Graph graph, recomputation.Apply(choice, &firsts));
    WEFT_ASSIGN_OR_RETURN(const Plan plan, Lower(graph, lowering_));
    tried_ = count_(plan);
    changes_ = FindKernelChanges(plan, firsts, kernels_);
    if (!changes_.empty()) return std::optional<Graph>();
    smallest_ = std::min(smallest_, tried_);
    if (tried_ > budget_) return std::optional<Graph>();
    const Recomputation::Measure measure = recomputation.Of(choice, 0);
    price_.after = tried_;
    price_.nodes = measure.nodes;
    price_.flops = measure.flops / std::max(recomputation.flops(), 1.0);
    return std::optional<Graph>(std::move(graph));
  }

  const Graph& graph_;
  const LowerOptions& lowering_;
  const CountPlan& count_;
  Recomputation::StepUses uses_;
  std::map<std::string, std::string> kernels_;  // of the plan without a budget
  std::set<std::string> never_, changes_;       // nodes not to compute again; found just now
  MemoryPrice price_;
  size_t budget_ = 0, arena_ = 0;
  size_t tried_ = 0, smallest_ = 0;  // of the plans of choices: the last one, the smallest
};

struct MemoryUnit {
  std::string_view name;
  double bytes;
};
constexpr MemoryUnit kMemoryUnits[] = {
    {"KiB", 1024.0}, {"MiB", 1048576.0}, {"GiB", 1073741824.0}, {"TiB", 1099511627776.0},
    {"KB", 1e3},     {"MB", 1e6},        {"GB", 1e9},           {"TB", 1e12},
    {"B", 1}};

}  // namespace

absl::StatusOr<MemoryBudget> ParseMemoryBudget(std::string_view text) {
  const auto error = [&] {
    return absl::InvalidArgumentError(absl::StrCat(
        "memory budget: expected bytes, as 700MiB or 1.5GB, or a share, as 60%, got \"", Absl(text),
        "\""));
  };
  absl::string_view number = Absl(text);
  double unit = 1;
  const bool is_share = absl::ConsumeSuffix(&number, "%");
  for (const MemoryUnit& u : kMemoryUnits) {
    if (is_share || !absl::ConsumeSuffix(&number, Absl(u.name))) continue;
    unit = u.bytes;
    break;
  }
  double value = 0;
  if (!absl::SimpleAtod(number, &value) || !(value > 0)) return error();
  if (is_share) {
    if (value > 100) return error();
    return MemoryBudget{.share = value / 100};
  }
  if (value * unit < 1 || value * unit > 1e18) return error();
  return MemoryBudget{.bytes = static_cast<size_t>(value * unit)};
}

std::string ToString(const MemoryPrice& price) {
  const auto before = static_cast<double>(price.before), after = static_cast<double>(price.after);
  return absl::StrFormat(
      "memory budget: %s -> %s (%.1f %%), %d nodes are computed again, %.1f %% "
      "more FLOPs",
      BytesText(before), BytesText(after), 100 * after / before, price.nodes, 100 * price.flops);
}

absl::StatusOr<Graph> FitToBudget(const Graph& graph, const MemoryBudget& budget,
                                  const LowerOptions& lowering, const CountPlan& count,
                                  MemoryPrice* price) {
  return BudgetFitting(graph, lowering, count).Run(budget, price);
}

}  // namespace weft
