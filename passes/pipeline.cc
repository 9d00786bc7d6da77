#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "passes/pass.h"

namespace weft {

// The order of everything. A stage repeats until none of its passes finds anything to do.
//
// Batch normalizations become part of convolutions before activations do, or they would stand
// behind a FusedConv; 1x1 convolutions are compared once nothing linear is left between them;
// equal nodes merge first, so that a doubled reader does not count as a second consumer.
const std::vector<Stage>& Pipeline() {
  static const auto* stages = new std::vector<Stage>{
      {"clean", {RemoveDead(), RemoveIdentity(), RemoveOnes(), FoldConstants(), MergeCommon()}},
      {"linear", {FoldConvBn(), FuseConvBias(), FoldConstants(), Fold1x1(), MergeCommon()}},
      {"fuse", {FuseConvActivation(), FuseConvAdd()}},
  };
  return *stages;
}

namespace {

bool IsChosen(const Pass& pass, const PassOptions& options) {
  return options.passes.empty() ||
         std::find(options.passes.begin(), options.passes.end(), pass.name) != options.passes.end();
}

absl::Status RunStage(const Stage& stage, PassContext& context) {
  int before = -1;
  while (before != context.rewrites() && !context.done()) {
    before = context.rewrites();
    for (const Pass& pass : stage.passes) {
      if (IsChosen(pass, context.options())) WEFT_RETURN_IF_ERROR(pass.run(context));
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> NamesOf(std::span<const Stage> stages) {
  std::vector<std::string> names;
  for (const Stage& stage : stages) {
    for (const Pass& pass : stage.passes) {
      if (std::find(names.begin(), names.end(), pass.name) == names.end()) {
        names.emplace_back(pass.name);
      }
    }
  }
  return names;
}

}  // namespace

absl::StatusOr<PassReport> RunStages(std::span<const Stage> stages, Graph& graph,
                                     const PassOptions& options) {
  if (options.evaluator == nullptr || options.costs == nullptr) {
    return absl::InvalidArgumentError("optimizing: expected an evaluator and a cost model");
  }
  const std::vector<std::string> names = NamesOf(stages);
  for (const std::string& name : options.passes) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown pass '", name, "'; expected ", absl::StrJoin(names, ", ")));
    }
  }
  PassContext context(graph, options);
  int before = -1;
  while (before != context.rewrites() && !context.done()) {
    before = context.rewrites();
    for (const Stage& stage : stages) WEFT_RETURN_IF_ERROR(RunStage(stage, context));
  }
  return context.TakeReport();
}

std::vector<std::string> PassNames() { return NamesOf(Pipeline()); }

absl::StatusOr<PassReport> Optimize(Graph& graph, const PassOptions& options) {
  return RunStages(Pipeline(), graph, options);
}

}  // namespace weft
