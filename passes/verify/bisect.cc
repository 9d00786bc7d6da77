#include "passes/verify/bisect.h"

#include "absl/strings/str_cat.h"
#include "graph/bind.h"
#include "passes/verify/samples.h"

namespace weft {
namespace {

struct Trial {
  std::vector<Rewrite> rewrites;
  double error = 0;
};

class Trials {
 public:
  Trials(const Graph& graph, const TensorMap& feeds, const PassOptions& options)
      : graph_(graph), feeds_(feeds), options_(options) {
    options_.explain = false;
    evaluator_ = options.replay.evaluator != nullptr ? options.replay.evaluator : options.evaluator;
    options_.replay = {};
  }

  absl::Status Begin() {
    WEFT_ASSIGN_OR_RETURN(expected_, evaluator_->RunGraph(graph_, feeds_));
    return absl::OkStatus();
  }

  absl::StatusOr<Trial> Run(int rewrites) {
    Graph copy = Clone(graph_);
    options_.max_rewrites = rewrites;
    WEFT_ASSIGN_OR_RETURN(PassReport report, Optimize(copy, options_));
    WEFT_ASSIGN_OR_RETURN(const TensorMap outputs, evaluator_->RunGraph(copy, feeds_));
    return Trial{std::move(report.rewrites), ErrorOf(expected_, outputs)};
  }

 private:
  const Graph& graph_;
  const TensorMap& feeds_;
  PassOptions options_;
  Evaluator* evaluator_;
  TensorMap expected_;
};

}  // namespace

absl::StatusOr<std::optional<Culprit>> Bisect(const Graph& graph, const TensorMap& feeds,
                                              double tolerance, const PassOptions& options) {
  if (!(tolerance > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("tolerance: expected a number above 0, got ", tolerance));
  }
  if (options.evaluator == nullptr) {
    return absl::InvalidArgumentError("bisecting: expected an evaluator");
  }
  Trials trials(graph, feeds, options);
  WEFT_RETURN_IF_ERROR(trials.Begin());
  WEFT_ASSIGN_OR_RETURN(Trial bad, trials.Run(options.max_rewrites));
  if (bad.error <= tolerance) return std::nullopt;
  Trial good;  // the graph as it is
  while (bad.rewrites.size() - good.rewrites.size() > 1) {
    const size_t middle = (good.rewrites.size() + bad.rewrites.size()) / 2;
    WEFT_ASSIGN_OR_RETURN(Trial trial, trials.Run(static_cast<int>(middle)));
    if (trial.rewrites.size() != middle) {
      return absl::InternalError(
          absl::StrCat("bisecting: expected ", middle, " rewrites, got ", trial.rewrites.size()));
    }
    (trial.error <= tolerance ? good : bad) = std::move(trial);
  }
  if (bad.rewrites.empty()) {
    return absl::InternalError("bisecting: outputs change without a rewrite");
  }
  return Culprit{bad.rewrites.size() - 1, std::move(bad.rewrites.back()), good.error, bad.error};
}

}  // namespace weft
