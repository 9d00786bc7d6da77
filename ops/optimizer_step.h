#ifndef WEFT_OPS_OPTIMIZER_STEP_H_
#define WEFT_OPS_OPTIMIZER_STEP_H_

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "graph/op.h"

// What the ops that update variables (OptimizerStep, Momentum) and their kernels share. The rules
// themselves are in ops/optimizer_rules.inc.

namespace weft {

enum class UpdateMethod {
  kSgd,
  kMomentum,
  kNesterov,
  kAdagrad,
  kAdadelta,
  kRmsprop,
  kAdam,
  kAmsgrad,
  kNadam,
  kRadam,
  kLion,
  kLamb,
  kLars,
  kAccumulate,  // of gradients, for steps of several batches
  kAverage      // of weights, over the steps
};
std::string_view ToString(UpdateMethod method);
std::optional<UpdateMethod> ParseUpdateMethod(std::string_view name);

// An update's attributes; those that its method does not read keep any value.
struct UpdateSpec {
  UpdateMethod method = UpdateMethod::kSgd;
  double momentum = 0, dampening = 0;
  double beta1 = 0.9, beta2 = 0.999;
  double alpha = 0.99;  // what a mean of squares, or of weights, keeps
  double epsilon = 1e-8;
  double lr_decay = 0;                   // Adagrad's
  double momentum_decay = 0.004;         // NAdam's
  double trust = 0.001;                  // LARS's
  bool centered = false;                 // RMSprop's
  double rate_factor = 1;                // of the learning rate
  double l1 = 0, l2 = 0;                 // decay as a part of the gradient
  double decay = 0;                      // decoupled from it
  double clip_value = 0, clip_norm = 0;  // 0: none
  int64_t every = 1;
  int64_t first = 0;  // updates of others before the first one of these variables
};
UpdateSpec UpdateSpecOf(const AttributeMap& attributes);          // of an OptimizerStep
UpdateSpec MomentumUpdateSpecOf(const AttributeMap& attributes);  // of ONNX's Momentum

// What a method keeps of each variable, in the order of the operands, under PyTorch's names.
std::vector<std::string_view> SlotNames(const UpdateSpec& spec);

// The operands before the tensors: R, T and, of OptimizerStep, N.
inline constexpr int kStepScalars = 3;
inline constexpr int kMomentumScalars = 2;

// An update with what a run has given it.
struct UpdateRun : UpdateSpec {
  double rate = 0;            // with its factor
  double step = 0;            // updates of these variables made before this one
  double gradient_scale = 1;  // of clip_norm
  bool due = true;            // false: outputs are the inputs
};
UpdateRun UpdateOf(const UpdateSpec& spec, const EvalContext& c, int scalars);

// Outputs that are copies of their inputs, where those lie elsewhere. `bytes(i)`: of output i.
void KeepOperands(const EvalContext& c, int scalars, int variables,
                  const std::function<size_t(int)>& bytes);

// Types, aliases and the reference computation of either op.
absl::StatusOr<std::vector<TensorType>> InferUpdate(const InferContext& c, int scalars, int slots);
std::vector<Alias> UpdateAliases(const Node& node, int scalars, int slots);
absl::Status EvaluateUpdate(const EvalContext& c, const UpdateSpec& spec, int scalars);

}  // namespace weft

#endif  // WEFT_OPS_OPTIMIZER_STEP_H_
