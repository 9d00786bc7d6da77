#include "runtime/tuning/contest.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>

#include "runtime/exec/executable.h"

namespace weft {
namespace {

constexpr int kRounds = 15;
constexpr double kMostSeconds = 3;  // for all of them, once each has had two turns

// One plan with all that it runs on.
class Contestant {
 public:
  static absl::StatusOr<Contestant> Create(const Graph& graph, LowerOptions options,
                                           const KernelChoices& choices) {
    Contestant c;
    options.choices = std::make_shared<FixedChoices>(choices);
    WEFT_ASSIGN_OR_RETURN(c.executable_, Executable::Create(graph, {}, options));
    WEFT_ASSIGN_OR_RETURN(c.state_, State::Create(graph));
    if (options.variables != nullptr) WEFT_RETURN_IF_ERROR(c.state_->Move(*options.variables));
    WEFT_ASSIGN_OR_RETURN(c.context_, Context::Create(*c.executable_, c.state_.get()));
    for (const Layout& layout : c.executable_->plan().input_layouts) {
      WEFT_ASSIGN_OR_RETURN(Tensor input, Tensor::Zeros(layout.dtype(), layout.dims()));
      // Of other types they may be indices: zero is in every range.
      if (layout.dtype() == DType::kF32) {
        float value = 0;
        for (float& v : input.mutable_values<float>()) v = value = value > 1 ? -1 : value + 0.37F;
      }
      c.inputs_.push_back(std::move(input));
    }
    c.outputs_.resize(c.executable_->plan().outputs.size());
    return c;
  }

  absl::Status Run() {
    const auto start = std::chrono::steady_clock::now();
    WEFT_RETURN_IF_ERROR(executable_->Run(*context_, inputs_, outputs_));
    last_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    least_ = std::min(least_, last_);
    return absl::OkStatus();
  }
  double last() const { return last_; }
  double least() const { return least_; }

 private:
  std::unique_ptr<Executable> executable_;
  std::unique_ptr<State> state_;
  std::unique_ptr<Context> context_;
  std::vector<Tensor> inputs_, outputs_;
  double last_ = 0, least_ = std::numeric_limits<double>::infinity();
};

}  // namespace

absl::StatusOr<size_t> QuickestChoices(const Graph& graph, const LowerOptions& options,
                                       const std::vector<KernelChoices>& choices) {
  std::vector<std::optional<Contestant>> contestants;
  for (const KernelChoices& c : choices) {
    absl::StatusOr<Contestant> contestant = Contestant::Create(graph, options, c);
    if (!contestant.ok() && contestants.empty()) return contestant.status();
    // The others were put together from times: a variable may not come in a layout that one wants.
    contestants.emplace_back();
    if (contestant.ok()) contestants.back() = *std::move(contestant);
  }
  double total = 0;
  for (int round = 0; round < kRounds && (round < 2 || total < kMostSeconds); ++round) {
    for (std::optional<Contestant>& contestant : contestants) {
      if (!contestant) continue;
      if (!contestant->Run().ok()) return 0;
      total += contestant->last();
    }
  }
  size_t best = 0;
  for (size_t i = 1; i < contestants.size(); ++i) {
    if (!contestants[i]) continue;
    const double limit = contestants[best]->least() * (best == 0 ? 1 - kClearGain : 1);
    if (contestants[i]->least() < limit) best = i;
  }
  return best;
}

}  // namespace weft
