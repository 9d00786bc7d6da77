#include <algorithm>
#include <optional>
#include <utility>

#include "ops/batch_norm.h"
#include "runtime/host/batch_norm.h"
#include "runtime/plan/joins.h"
#include "runtime/plan/step_patterns.h"

namespace weft {
namespace {

// The step of a normalization by a kernel of ours, which activations can be part of.
bool IsNorm(const PlanStep& step, std::string_view op) {
  return step.node != nullptr && step.op == op && step.kernel->name() == "weft" &&
         step.inputs.size() == static_cast<size_t>(step.node->num_inputs());
}

// The scalar inputs of a Clip or its gradient from number `first` on; nothing where they are not
// known.
std::optional<ResultBounds> BoundsOf(const Node& node, int first) {
  ResultBounds bounds;
  float* const to[] = {&bounds.least, &bounds.most};
  for (int i = 0; i < 2; ++i) {
    if (first + i >= node.num_inputs() || !node.input(first + i)) continue;
    const Tensor* value = ConstantValue(node.input(first + i));
    if (value == nullptr || value->dtype() != DType::kF32) return std::nullopt;
    *to[i] = value->values<float>()[0];
  }
  return bounds.least <= bounds.most ? std::optional(bounds) : std::nullopt;
}

// Nothing where the step is another.
std::optional<NormActivation> ActivationOf(const PlanStep& step) {
  if (step.node == nullptr) return std::nullopt;
  if (step.op == "Relu") return NormActivation{.bounds = {.least = 0}, .open = true};
  if (step.op != "Clip") return std::nullopt;
  const std::optional<ResultBounds> bounds = BoundsOf(*step.node, 1);
  return bounds ? std::optional(NormActivation{.bounds = *bounds}) : std::nullopt;
}

// A normalization and its activation, forward and backward, by number of step:
//
//   x --norm--> y --activation--> z              x --norm--> z
//   dz, y or z --gradient--> dy                  dz, x, bias --back--> dx
//   dy, x --back--> dx
struct ActivatedNorm {
  size_t activation = 0, norm = 0;
  int gradient = -1, back = -1;  // -1: nothing goes back, or it goes another way
};

class NormJoin {
 public:
  NormJoin(StepEditor& steps, size_t activation) : steps_(steps) { at_.activation = activation; }

  // `joined`: normalizations with an activation, which take no other.
  void Run(std::vector<bool>& joined) {
    const std::optional<NormActivation> does = ActivationOf(Step(at_.activation));
    if (!does || !FindNorm() || joined[at_.norm]) return;
    FindGradient(*does);
    // All that reads what stands between the two must be able to do without it.
    for (const int reader : steps_.ReadersOf(y())) {
      if (reader != static_cast<int>(at_.activation) && reader != at_.gradient) return;
    }
    auto forward = MakeBatchNorm(RequestOf(Step(at_.norm)), *does);
    if (!forward.ok() || *forward == nullptr ||
        (*forward)->outputs() != Step(at_.norm).kernel->outputs()) {
      return;
    }
    if (at_.gradient >= 0 && !JoinBack(*does)) return;
    PlanStep norm = Step(at_.norm);
    norm.kernel = *std::move(forward);
    norm.outputs[0] = Step(at_.activation).outputs[0];
    steps_.Remove(at_.activation);
    steps_.Replace(at_.norm, std::move(norm));
    joined[at_.norm] = true;
    if (IsIdle(at_.norm)) steps_.Remove(at_.norm);  // its result was computed again for Relu alone
  }

 private:
  PlanStep& Step(size_t s) { return steps_.step(s); }
  int y() { return Step(at_.activation).inputs[0]; }
  int z() { return Step(at_.activation).outputs[0]; }

  bool IsIdle(size_t s) {
    return std::ranges::all_of(Step(s).outputs, [this](int v) {
      return v < 0 || (steps_.ReadersOf(v).empty() && !steps_.IsShared(v) &&
                       steps_.BufferOf(v).place == Place::kArena);
    });
  }

  bool FindNorm() {
    const int norm = steps_.WriterOf(y());
    if (norm < 0 || !IsNorm(Step(Index(norm)), "BatchNormalization")) return false;
    at_.norm = Index(norm);
    return Step(at_.norm).outputs[0] == y() && !steps_.IsShared(y()) &&
           steps_.BufferOf(y()).place == Place::kArena &&
           steps_.value(y()).layout == steps_.value(z()).layout;
  }

  // Relu's gradient reads its result, Clip's its input.
  void FindGradient(const NormActivation& does) {
    const bool is_relu = Step(at_.activation).op == "Relu";
    const int read = is_relu ? z() : y();
    for (const int reader : steps_.ReadersOf(read)) {
      const PlanStep& gradient = Step(Index(reader));
      if (gradient.op != (is_relu ? "ReluGrad" : "ClipGrad") || gradient.inputs[1] != read)
        continue;
      if (!is_relu && BoundsOf(*gradient.node, 2) != does.bounds) continue;
      const int dy = gradient.outputs[0], back = steps_.OnlyReader(dy);
      if (back < 0 || !IsBack(Step(Index(back)), dy) ||
          steps_.value(gradient.inputs[0]).layout != steps_.value(dy).layout) {
        continue;
      }
      at_.gradient = reader;
      at_.back = back;
      return;
    }
  }
  // Whether it is the gradient of the normalization, or of the one that this one computes again by
  // the statistics that the other one found.
  bool IsBack(const PlanStep& back, int dy) {
    const PlanStep& norm = Step(at_.norm);
    if (!IsNorm(back, "BatchNormalizationGrad")) return false;
    const auto epsilon = [](const PlanStep& step) {
      return GetFloat(step.node->attributes(), "epsilon");
    };
    const bool finds = GetString(norm.node->attributes(), "mode") == "training";
    if (epsilon(back) != epsilon(norm) || (finds && norm.outputs.size() <= bn::kBatchVar)) {
      return false;
    }
    return back.inputs[0] == dy && back.inputs[1] == norm.inputs[bn::kX] &&
           back.inputs[2] == norm.inputs[bn::kScale] &&
           back.inputs[3] == (finds ? norm.outputs[bn::kBatchMean] : norm.inputs[bn::kMean]) &&
           back.inputs[4] == (finds ? norm.outputs[bn::kBatchVar] : norm.inputs[bn::kVar]);
  }

  bool JoinBack(const NormActivation& does) {
    PlanStep back = Step(Index(at_.back));
    const int bias = Step(at_.norm).inputs[bn::kBias];
    auto kernel = MakeBatchNormGrad(RequestOf(back), does, steps_.value(bias).layout);
    if (!kernel.ok() || *kernel == nullptr || (*kernel)->outputs() != back.kernel->outputs()) {
      return false;
    }
    back.inputs[0] = Step(Index(at_.gradient)).inputs[0];
    back.inputs.push_back(bias);
    back.kernel = *std::move(kernel);
    steps_.Remove(Index(at_.gradient));
    steps_.Replace(Index(at_.back), std::move(back));
    return true;
  }

  StepEditor& steps_;
  ActivatedNorm at_;
};

}  // namespace

void JoinNormActivations(StepEditor& steps) {
  std::vector<bool> joined(steps.num_steps());
  for (size_t s = 0; s < steps.num_steps(); ++s) {
    if (!steps.IsRemoved(s)) NormJoin(steps, s).Run(joined);
  }
}

}  // namespace weft
