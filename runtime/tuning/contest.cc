#include "runtime/tuning/contest.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <utility>

#include "runtime/exec/executable.h"
#include "runtime/exec/team.h"

namespace weft {
namespace {

// Of two plans, beside one run each to warm up.
constexpr int kLeastTurns = 3, kMostTurns = 15;
constexpr double kRaceSeconds = 1.5;

// One plan with all that it runs on.
class Contestant {
 public:
  static absl::StatusOr<std::unique_ptr<Contestant>> Create(const Graph& graph,
                                                            LowerOptions options,
                                                            const KernelChoices& choices) {
    auto c = std::make_unique<Contestant>();
    options.choices = std::make_shared<FixedChoices>(choices);
    WEFT_ASSIGN_OR_RETURN(c->executable_, Executable::Create(graph, {}, options));
    WEFT_ASSIGN_OR_RETURN(c->state_, State::Create(graph));
    if (options.variables != nullptr) WEFT_RETURN_IF_ERROR(c->state_->Move(*options.variables));
    WEFT_ASSIGN_OR_RETURN(c->context_, Context::Create(*c->executable_, c->state_.get()));
    for (const Layout& layout : c->executable_->plan().input_layouts) {
      WEFT_ASSIGN_OR_RETURN(Tensor input, Tensor::Zeros(layout.dtype(), layout.dims()));
      // Of other types they may be indices: zero is in every range.
      if (layout.dtype() == DType::kF32) {
        float value = 0;
        for (float& v : input.mutable_values<float>()) v = value = value > 1 ? -1 : value + 0.37F;
      }
      c->inputs_.push_back(std::move(input));
    }
    c->outputs_.resize(c->executable_->plan().outputs.size());
    return c;
  }

  absl::Status Run() {
    const auto start = std::chrono::steady_clock::now();
    WEFT_RETURN_IF_ERROR(executable_->Run(*context_, inputs_, outputs_));
    last_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    least_ = std::min(least_, last_);
    return absl::OkStatus();
  }
  const Plan& plan() const { return executable_->plan(); }
  double last() const { return last_; }
  double least() const { return least_; }  // of the runs since Forget
  void Forget() { least_ = std::numeric_limits<double>::infinity(); }

 private:
  std::unique_ptr<Executable> executable_;
  std::unique_ptr<State> state_;
  std::unique_ptr<Context> context_;
  std::vector<Tensor> inputs_, outputs_;
  double last_ = 0, least_ = std::numeric_limits<double>::infinity();
};

// Runs both by turns.
absl::Status Race(Contestant& a, Contestant& b) {
  for (Contestant* c : {&a, &b}) {
    WEFT_RETURN_IF_ERROR(c->Run());
    c->Forget();
  }
  double total = 0;
  for (int i = 0; i < kMostTurns && (i < kLeastTurns || total < kRaceSeconds); ++i) {
    for (Contestant* c : {&a, &b}) {
      WEFT_RETURN_IF_ERROR(c->Run());
      total += c->last();
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<KernelChoices> WithAndWithoutJoined(std::vector<KernelChoices> choices,
                                                const Plan& plan) {
  std::vector<KernelChoices> result;
  for (KernelChoices& of : choices) {
    KernelChoices without = of;
    for (const PlanStep& step : plan.steps) {
      for (const Node* node : step.joined) without.erase(node->name());
    }
    for (KernelChoices* one : {&of, &without}) {
      if (std::ranges::find(result, *one) == result.end()) result.push_back(std::move(*one));
      if (result.size() == 1) break;
    }
  }
  return result;
}

absl::StatusOr<KernelChoices> QuickestChoices(const Graph& graph, const LowerOptions& options,
                                              std::vector<KernelChoices> choices) {
  const WholeTeams whole;
  size_t best = 0;
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<Contestant> champion,
                        Contestant::Create(graph, options, choices[0]));
  choices = WithAndWithoutJoined(std::move(choices), champion->plan());
  for (size_t i = 1; i < choices.size(); ++i) {
    auto other = Contestant::Create(graph, options, choices[i]);
    if (absl::IsResourceExhausted(other.status())) continue;
    WEFT_RETURN_IF_ERROR(other.status());
    if (!Race(*champion, **other).ok()) return choices[0];
    const double limit = champion->least() * (best == 0 ? 1 - kClearGain : 1);
    if ((*other)->least() >= limit) continue;
    champion = *std::move(other);
    best = i;
  }
  return choices[best];
}

}  // namespace weft
