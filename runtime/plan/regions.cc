#include <algorithm>
#include <optional>

#include "runtime/channel_blocks.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/pointwise/conv.h"
#include "runtime/host/shuffled_concat.h"
#include "runtime/host/spread_result.h"
#include "runtime/plan/joins.h"
#include "runtime/plan/step_patterns.h"

namespace weft {
namespace {

using KernelPtr = StepEditor::KernelPtr;

// Concatenations along the channels of channels-last images, without a copy of their own where that
// moves fewer bytes: what grows in steps has one buffer from the start, and each of its values is
// the channels of every pixel that it has there.
//
//   x --Concat--> [x a] --Concat--> [x a b]        x, a, b and [x a] are regions of [x a b]:
//   a ----^         b -----^                       their makers write there, [x a] is read there
//
// A concatenation none of whose inputs is made there, all being made densely, stays as it is: one
// copy of all is as fast as one of each. The last one of a chain comes first here, since it says
// where the others lie.
class Regions {
 public:
  explicit Regions(StepEditor& steps) : steps_(steps) {}

  absl::Status Run() {
    for (size_t s = steps_.num_steps(); s-- > 0;) {
      if (!steps_.IsConcat(static_cast<int>(s))) continue;
      const int whole = steps_.step(s).outputs[0];
      if (steps_.IsRegion(whole) || SavesBytes(s)) WEFT_RETURN_IF_ERROR(Dissolve(s));
    }
    return absl::OkStatus();
  }

 private:
  // Whether an input of the concatenation comes to lie in its result without being moved.
  bool SavesBytes(size_t s) {
    return std::ranges::any_of(steps_.step(s).inputs, [&](int v) {
      const int writer = steps_.WriterOf(v);
      return writer >= 0 && WritesRegions(Index(writer), v, StrideIn(s)) &&
             PlanMove(s, v, StrideIn(s)).has_value();
    });
  }
  bool WritesRegions(size_t s, int v, int64_t stride) {
    return steps_.IsConcat(static_cast<int>(s)) || IsShuffle(steps_.step(s)) ||
           Pointwise(s, v, stride) != nullptr;
  }

  int64_t StrideIn(size_t concat) {
    return *FindPixelStride(steps_.value(steps_.step(concat).outputs[0]).layout);
  }
  Layout RegionOf(int v, int64_t stride) {
    return ChannelsLastLayout(steps_.value(v).layout.dims(), stride);
  }
  // Those of the step's results, `v` being a region.
  std::vector<Layout> ResultsWith(size_t s, int v, int64_t stride) {
    const std::vector<int>& outputs = steps_.step(s).outputs;
    std::vector<Layout> results = steps_.LayoutsOf(outputs);
    results[Index(static_cast<int>(std::ranges::find(outputs, v) - outputs.begin()))] =
        RegionOf(v, stride);
    return results;
  }

  // The kernels that make and read a value where it is a region.
  using Replacements = std::vector<std::pair<size_t, KernelPtr>>;

  // Nothing where input `v` of the concatenation cannot be one.
  std::optional<Replacements> PlanMove(size_t concat, int v, int64_t stride) {
    const int writer = steps_.WriterOf(v);
    if (writer < 0 || steps_.IsShared(v) || steps_.IsRegion(v) ||
        steps_.BufferOf(v).place != Place::kArena) {
      return std::nullopt;
    }
    Replacements result;
    if (!steps_.IsConcat(writer)) {
      result.emplace_back(Index(writer), Writing(Index(writer), v, stride));
    }
    for (const int reader : steps_.ReadersOf(v)) {
      if (reader == static_cast<int>(concat)) continue;
      result.emplace_back(Index(reader),
                          Reading(steps_.step(Index(reader)), v, RegionOf(v, stride)));
    }
    const bool possible =
        std::ranges::all_of(result, [](const auto& r) { return r.second != nullptr; });
    return possible && std::ranges::count(steps_.step(concat).inputs, v) == 1
               ? std::optional(std::move(result))
               : std::nullopt;
  }

  // The step's kernel with its result `v` as a region; null where it cannot.
  KernelPtr Writing(size_t s, int v, int64_t stride) {
    if (KernelPtr kernel = Pointwise(s, v, stride)) return kernel;
    const PlanStep& step = steps_.step(s);
    if (step.node != nullptr) return SpreadResult(step.kernel, stride);
    if (!IsShuffle(step)) return nullptr;
    return MakeShuffledConcat(steps_.LayoutsOf(step.inputs), ResultsWith(s, v, stride), 2);
  }

  KernelPtr Pointwise(size_t s, int v, int64_t stride) {
    return PointwiseFor(steps_, s, ResultsWith(s, v, stride));
  }

  // The step's kernel with its operand `v` as a region; null where it cannot. Kernels of ours alone
  // read them: the library has none but its plain loops.
  KernelPtr Reading(const PlanStep& step, int v, const Layout& region) {
    if (step.node == nullptr || step.kernel->name() != "weft" ||
        std::ranges::count(step.inputs, v) != 1 || step.workspace >= 0) {
      return nullptr;
    }
    KernelRequest request = RequestOf(step);
    const RunScope scope(step.threads);
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      if (step.inputs[i] == v) request.inputs[i] = region;
    }
    if (step.outputs.size() > 1 && IsConv(step)) {  // that writes the parts of its result
      auto kernel = MakePointwiseConv(request, {.results = step.kernel->outputs()});
      if (!kernel.ok() || *kernel == nullptr || (*kernel)->inputs() != request.inputs) {
        return nullptr;
      }
      return *std::move(kernel);
    }
    for (const KernelFamily family : FamiliesFor(step.op)) {
      absl::StatusOr<Kernels> kernels = BestOf(family)(request);
      if (!kernels.ok()) continue;
      for (auto& kernel : *kernels) {
        if (kernel->inputs() == request.inputs && kernel->outputs() == step.kernel->outputs()) {
          return std::move(kernel);
        }
      }
    }
    return nullptr;
  }

  // Lays the inputs into the result, or copies them there, instead of the concatenation.
  absl::Status Dissolve(size_t s) {
    const int whole = steps_.step(s).outputs[0];
    const int64_t stride = StrideIn(s);
    size_t offset = steps_.value(whole).offset;
    std::vector<int> parts;
    for (const int v : std::vector<int>(steps_.step(s).inputs)) {
      const Layout region = RegionOf(v, stride);
      const int buffer = steps_.value(whole).buffer;
      const std::optional<Replacements> kernels = PlanMove(s, v, stride);
      int part = v;
      if (kernels) {
        for (const auto& [step, kernel] : *kernels) steps_.SetKernel(step, kernel);
        steps_.value(v).layout = region;
        steps_.value(v).buffer = buffer;
        steps_.Share(v);  // The result needs it, whoever else reads it.
      } else {
        WEFT_ASSIGN_OR_RETURN(part, steps_.CopyBefore(s, v, region, buffer));
      }
      steps_.value(part).offset = offset;
      parts.push_back(part);
      offset += static_cast<size_t>(region.dims()[kChannelAxis]) * sizeof(float);
    }
    steps_.value(whole).parts = std::move(parts);
    steps_.Remove(s);
    return absl::OkStatus();
  }

  StepEditor& steps_;
};

}  // namespace

absl::Status RegionStage(Lowering& lowering) {
  StepEditor steps(lowering);
  JoinShuffles(steps);
  JoinSplits(steps);
  WEFT_RETURN_IF_ERROR(Regions(steps).Run());
  JoinScaleShifts(steps);
  JoinDepthwise(steps);
  JoinNormActivations(steps);
  steps.Assemble();
  return absl::OkStatus();
}

}  // namespace weft
