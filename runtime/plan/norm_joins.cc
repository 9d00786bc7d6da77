#include <algorithm>
#include <optional>
#include <utility>

#include "ops/batch_norm.h"
#include "runtime/host/batch_norm.h"
#include "runtime/plan/joins.h"
#include "runtime/plan/step_patterns.h"

namespace weft {
namespace {

using KernelPtr = StepEditor::KernelPtr;

// The step of a normalization by a kernel of ours, which activations can be part of.
bool IsNorm(const PlanStep& step, std::string_view op) {
  return step.node != nullptr && step.op == op && step.kernel->name() == "weft" &&
         step.inputs.size() == static_cast<size_t>(step.node->num_inputs());
}

// Sets `bound` to input `i` of a Clip where there is one; false where that is not known.
bool TakeBound(const Node& node, int i, float& bound) {
  if (i >= node.num_inputs() || !node.input(i)) return true;
  const Tensor* value = ConstantValue(node.input(i));
  if (value == nullptr || value->dtype() != DType::kF32) return false;
  bound = value->values<float>()[0];
  return true;
}

// Nothing where the step is another.
std::optional<NormActivation> ActivationOf(const PlanStep& step) {
  if (step.node == nullptr) return std::nullopt;
  NormActivation activation;
  ResultBounds& bounds = activation.bounds;
  if (step.op == "Relu") {
    bounds.least = 0;
    activation.open = true;
    return activation;
  }
  if (step.op != "Clip" || !TakeBound(*step.node, 1, bounds.least) ||
      !TakeBound(*step.node, 2, bounds.most) || !(bounds.least <= bounds.most)) {
    return std::nullopt;
  }
  return activation;
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

  void Run() {
    const std::optional<NormActivation> does = ActivationOf(Step(at_.activation));
    if (!does || !FindNorm()) return;
    FindGradient();
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
  }

 private:
  PlanStep& Step(size_t s) { return steps_.step(s); }
  int y() { return Step(at_.activation).inputs[0]; }
  int z() { return Step(at_.activation).outputs[0]; }

  bool FindNorm() {
    const int norm = steps_.WriterOf(y());
    if (norm < 0 || !IsNorm(Step(Index(norm)), "BatchNormalization")) return false;
    at_.norm = Index(norm);
    return Step(at_.norm).outputs[0] == y() && !steps_.IsShared(y()) &&
           steps_.BufferOf(y()).place == Place::kArena &&
           steps_.value(y()).layout == steps_.value(z()).layout;
  }

  // Relu's gradient reads its result, Clip's its input.
  void FindGradient() {
    const bool is_relu = Step(at_.activation).op == "Relu";
    const int read = is_relu ? z() : y();
    for (const int reader : steps_.ReadersOf(read)) {
      const PlanStep& gradient = Step(Index(reader));
      if (gradient.op != (is_relu ? "ReluGrad" : "ClipGrad") || gradient.inputs[1] != read)
        continue;
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
    const bool finds = norm.outputs.size() > bn::kBatchVar;
    return IsNorm(back, "BatchNormalizationGrad") && back.inputs[0] == dy &&
           back.inputs[1] == norm.inputs[bn::kX] && back.inputs[2] == norm.inputs[bn::kScale] &&
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
  for (size_t s = 0; s < steps.num_steps(); ++s) {
    if (!steps.IsRemoved(s)) NormJoin(steps, s).Run();
  }
}

}  // namespace weft
