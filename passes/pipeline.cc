#include <algorithm>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "passes/chains/chains.h"
#include "passes/clean/clean.h"
#include "passes/combine/combine.h"
#include "passes/fuse/fuse.h"
#include "passes/linear/linear.h"
#include "passes/memory/memory.h"
#include "passes/pass.h"
#include "passes/recognize/recognize.h"
#include "passes/resample/resample.h"
#include "passes/structure/structure.h"

namespace weft {

namespace {

std::vector<Pass> Joined(std::initializer_list<std::vector<Pass>> lists) {
  std::vector<Pass> all;
  for (const std::vector<Pass>& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

}  // namespace

// The order of everything. A stage repeats until none of its passes finds anything to do.
//
// What exporters wrote out is recognized before its parts go elsewhere. Batch normalizations become
// part of convolutions before activations do, or they would stand behind a FusedConv; 1x1
// convolutions are compared once nothing linear is left between them; equal nodes merge first, so
// that a doubled reader does not count as a second consumer. Transposes cancel before what is left
// of them becomes Reshapes. Algebra on constants comes after all that looks for a formula as
// exporters write it. Convolutions become other products once they have their post-ops, from which
// the product's views and DepthToSpace would part them. What is kept for a backward pass is settled
// when all else is.
const std::vector<Stage>& Pipeline() {
  static const auto* stages = new std::vector<Stage>{
      {"clean", {RemoveDead(),       RemoveIdentity(),     RemoveZeros(),        RemoveOnes(),
                 RemoveRepeated(),   FoldConstants(),      MergeCommon(),        MergeCasts(),
                 MergeViews(),       DropKeptAxes(),       ReductionToReshape(), MergeTransposes(),
                 CancelTransposes(), TransposeToReshape(), JoinPieces(),         CutConcat(),
                 FlattenConcats(),   DropExpand(),         MergeClips(),         ClipToRelu(),
                 SumToAdd()}},
      {"recognize", Joined({RecognizeActivations(),
                            RecognizeGelu(),
                            RecognizeSoftmax(),
                            RecognizeNormalization(),
                            {FoldConstants()}})},
      {"structure", {RecognizeChannelShuffle(), RecognizeDepthToSpace(), FuseSqueezeExcitation()}},
      {"algebra",
       {PowToProduct(), NegateTerms(), NegateFactors(), NegateProducts(), MergeFactors(),
        MergeTerms(), InvertConstants(), FoldConstants()}},
      {"linear",
       {FoldConvBn(), FoldConvAffine(), FoldMatMulScale(), FoldBnConv(), FoldAffineConv(),
        FoldPad(), FoldChannelOrder(), FoldFlattenOrder(), FoldFilterOrder(), FoldConstants(),
        MergeCommon()}},
      {"resample",
       {MoveResizeDown(), FoldResize(), OrderDepthToSpace(), MoveElementwiseUp(), FoldConstants()}},
      {"combine",
       {MergeBranches(), FoldConvConv(), MoveStrideUp(), SplitLowRank(), FoldConstants(),
        MergeCommon()}},
      {"fuse",
       {FuseSqueezeExcitation(), FuseConvActivation(), FuseConvAdd(), FuseConvMul(),
        FuseGemmActivation(), FuseGemmAdd(), FuseGemmMul(), MergeConvs(), FoldConstants()}},
      {"products",
       {ConvToGemm(), ConvTransposeToDepthToSpace(), MergeViews(), DropKeptAxes(),
        FoldConstants()}},
      {"chains", {FuseScaleShift(), FoldConstants(), FuseElementwise()}},
      {"memory", {RecomputeNormalization()}},
  };
  return *stages;
}

namespace {

bool IsChosen(const Pass& pass, const PassOptions& options) {
  const auto names = [&](const std::vector<std::string>& list) {
    return std::find(list.begin(), list.end(), pass.name) != list.end();
  };
  if (names(options.disable)) return false;
  if (pass.lossy && !options.lossy.contains(pass.name)) return false;
  if (names(options.passes) || names(options.also)) return true;
  return options.passes.empty() && !pass.on_request;
}

// The passes of one Optimize, each of which begins at its first turn.
class Runs {
 public:
  explicit Runs(PassContext& context) : context_(context) {}

  absl::Status RunStage(const Stage& stage) {
    int before = -1;
    while (before != context_.rewrites() && !context_.done()) {
      before = context_.rewrites();
      for (const Pass& pass : stage.passes) {
        if (!IsChosen(pass, context_.options())) continue;
        std::unique_ptr<PassRun>& run = runs_[pass.name];
        if (run == nullptr) run = pass.start(context_);
        WEFT_RETURN_IF_ERROR(run->Run());
      }
    }
    return absl::OkStatus();
  }

  // In the order of the stages; a pass that has several turns at its last one.
  void Explain(std::span<const Stage> stages) const {
    std::vector<std::string_view> backwards;
    for (auto stage = stages.rbegin(); stage != stages.rend(); ++stage) {
      for (auto pass = stage->passes.rbegin(); pass != stage->passes.rend(); ++pass) {
        if (!runs_.contains(pass->name)) continue;
        if (std::find(backwards.begin(), backwards.end(), pass->name) != backwards.end()) continue;
        backwards.push_back(pass->name);
      }
    }
    for (auto name = backwards.rbegin(); name != backwards.rend(); ++name) {
      runs_.at(*name)->Explain();
    }
  }

 private:
  PassContext& context_;
  std::map<std::string_view, std::unique_ptr<PassRun>> runs_;
};

// Whether remove_dead comes first, which reports what it removes.
bool BeginsWithRemoveDead(std::span<const Stage> stages, const PassOptions& options) {
  for (const Stage& stage : stages) {
    for (const Pass& pass : stage.passes) {
      if (IsChosen(pass, options)) return pass.name == RemoveDead().name;
    }
  }
  return false;
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

absl::Status CheckNames(std::span<const std::string> asked, const std::vector<std::string>& names) {
  for (const std::string& name : asked) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown pass '", name, "'; expected ", absl::StrJoin(names, ", ")));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckLossy(std::span<const Stage> stages, const PassOptions& options) {
  std::vector<std::string> names;
  for (const Stage& stage : stages) {
    for (const Pass& pass : stage.passes) {
      if (pass.lossy) names.emplace_back(pass.name);
    }
  }
  const auto contains = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  for (const std::string& name : options.passes) {
    if (contains(names, name) && !options.lossy.contains(name)) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " changes values: expected the error that it may make, got none"));
    }
  }
  for (const auto& [name, error] : options.lossy) {
    if (!contains(names, name)) {
      return absl::InvalidArgumentError(absl::StrCat("'", name, "' is no pass that changes values",
                                                     names.empty() ? "" : "; expected ",
                                                     absl::StrJoin(names, ", ")));
    }
    if (!(error > 0)) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": expected an error above 0, got ", error));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PassReport> RunStages(std::span<const Stage> stages, Graph& graph,
                                     const PassOptions& options) {
  if (options.evaluator == nullptr || options.costs == nullptr) {
    return absl::InvalidArgumentError("optimizing: expected an evaluator and a cost model");
  }
  const std::vector<std::string> names = NamesOf(stages);
  WEFT_RETURN_IF_ERROR(CheckNames(options.passes, names));
  WEFT_RETURN_IF_ERROR(CheckNames(options.disable, names));
  WEFT_RETURN_IF_ERROR(CheckNames(options.also, names));
  WEFT_RETURN_IF_ERROR(CheckLossy(stages, options));
  // A dead reader must not count as a consumer.
  if (!BeginsWithRemoveDead(stages, options)) graph.RemoveDeadNodes();
  PassContext context(graph, options);
  WEFT_RETURN_IF_ERROR(context.Begin());
  Runs runs(context);
  int before = -1;
  while (before != context.rewrites() && !context.done()) {
    before = context.rewrites();
    for (const Stage& stage : stages) WEFT_RETURN_IF_ERROR(runs.RunStage(stage));
  }
  if (options.explain) runs.Explain(stages);
  return context.TakeReport();
}

std::vector<std::string> PassNames() { return NamesOf(Pipeline()); }

absl::StatusOr<PassReport> Optimize(Graph& graph, const PassOptions& options) {
  std::vector<Stage> stages = Pipeline();
  std::vector<std::string> names = NamesOf(stages);
  for (const Pass& pass : options.own) {
    if (std::find(names.begin(), names.end(), pass.name) != names.end()) {
      return absl::InvalidArgumentError(absl::StrCat("a pass of your own is called '",
                                                     Absl(pass.name),
                                                     "': expected a name that no other pass has"));
    }
    names.emplace_back(pass.name);
  }
  if (!options.own.empty()) stages.insert(stages.begin() + 1, {"own", options.own});
  return RunStages(stages, graph, options);
}

}  // namespace weft
