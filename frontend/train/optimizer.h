#ifndef WEFT_FRONTEND_TRAIN_OPTIMIZER_H_
#define WEFT_FRONTEND_TRAIN_OPTIMIZER_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace weft {

// The scalar inputs of a training graph: the learning rate, of the parameters' dtype, and the
// number of batches trained on before this one, i64. Where several batches make a step, also how
// many of its batches came before this one, i64; an epoch's last batch makes a step of what there
// is, and counts for kStepInput as the last of a whole one.
inline constexpr std::string_view kLearningRateInput = "learning_rate";
inline constexpr std::string_view kStepInput = "step";
inline constexpr std::string_view kPartInput = "part";

// Variables of a training graph, called PARAMETER/slot, that belong to no method: the weights'
// average and the gradients' mean so far. A training state keeps the weights themselves as
// PARAMETER/trained where the model has their average.
inline constexpr std::string_view kAverageSlot = "/average";
inline constexpr std::string_view kGradientSlot = "/gradient";
inline constexpr std::string_view kTrainedSlot = "/trained";

// How the parameters follow their gradients. Methods are PyTorch's torch.optim, with its defaults
// and semantics; Lion, LAMB and LARS are their papers' (ops/optimizer_rules.inc has all formulas).
struct OptimizerOptions {
  // sgd, momentum, nesterov, adagrad, adadelta, rmsprop, adam, amsgrad, adamw, nadam, radam, lion,
  // lamb, lars. sgd with a momentum or nesterov set is what PyTorch's SGD makes of that.
  std::string method = "sgd";
  // 0: the method's own, which is 0.9 for momentum, nesterov and lars and none for the others.
  double momentum = 0;
  bool nesterov = false;
  // A part of the gradient, or, decoupled, of the parameter, times the learning rate. -1: the
  // method's own, which is 0.01 for adamw and none for the others.
  double weight_decay = -1;
  // False leaves parameters of one axis out of the decay: biases, scales of normalizations.
  bool decay_vectors = true;
  double dampening = 0;
  // Of the means of gradients and of their squares. -1: the method's own, 0.9 and 0.999, lion's
  // 0.9 and 0.99.
  double beta1 = -1, beta2 = -1;
  double epsilon = 0;  // 0: the method's own
  // What a mean of squares keeps, rmsprop's alpha and adadelta's rho. 0: the method's own.
  double alpha = 0;
  bool centered = false;
  double lr_decay = 0;
  double momentum_decay = 0;  // 0: nadam's own, 0.004
  double trust = 0;           // 0: lars's own, 0.001
  double l1 = 0;              // times the parameters' signs, a part of the gradient
  // Weight decay as AdamW's for any method; adamw, lion and lamb always have it.
  bool decoupled_decay = false;
  // Factors of the learning rate and of the decay by parameters' names: "features.*=0.1".
  std::vector<std::string> lr_group = {}, decay_group = {};
  // Limits on each element of a gradient, or on the norm of all gradients of a loss together; 0:
  // none.
  double clip_value = 0, clip_norm = 0;
  // Batches whose mean gradient makes one step. What is left of them at the end of an epoch makes
  // one too, of its own mean, as timm's loop has it (PyTorch leaves it to its user's loop).
  int64_t accumulation = 1;
  // Share that the weights' average keeps at a step, or (1+t)/(10+t) where that is less; 0: none.
  // Running statistics are averaged with them, as by timm's and torchvision's averages: those of
  // the latest weights would not be the average's.
  double average_decay = 0;
  // Sharpness-aware steps (sharpness.h): gradients are those at the worst place within this
  // distance of the parameters, by each loss's own and, with accumulation, by each batch's; 0: at
  // the parameters.
  double sam = 0;
  // The largest norm of a parameter's rows along axis 0 (an output's weights), by name.
  std::vector<std::string> max_norm = {};
  friend bool operator==(const OptimizerOptions&, const OptimizerOptions&) = default;
};

template <typename F>
void VisitOptions(OptimizerOptions& o, F& f) {
  f("optimizer", o.method,
    "sgd, momentum, nesterov, adagrad, adadelta, rmsprop, adam, amsgrad, adamw, nadam, radam, "
    "lion, lamb or lars");
  f("momentum", o.momentum, "Momentum of sgd, momentum, nesterov, rmsprop, lars (0: its own)");
  f("nesterov", o.nesterov, "Nesterov's momentum");
  f("weight_decay", o.weight_decay,
    "Factor of the parameters in the gradient; of the parameters themselves for adamw, lion, lamb "
    "(-1: the method's own)");
  f("decay_vectors", o.decay_vectors, "Decay biases and scales of normalizations too");
  f("dampening", o.dampening, "Part of the gradient that momentum leaves out");
  f("beta1", o.beta1, "Of the mean of gradients of adam and its kin (-1: the method's own)");
  f("beta2", o.beta2, "Of the mean of their squares (-1: the method's own)");
  f("epsilon", o.epsilon, "Added to the roots of squares (0: the method's own)");
  f("alpha", o.alpha, "Share of the old mean of squares, rmsprop and adadelta (0: its own)");
  f("centered", o.centered, "Divide by the gradients' deviation, rmsprop");
  f("lr_decay", o.lr_decay, "Of the learning rate by step, adagrad");
  f("momentum_decay", o.momentum_decay, "Of the momentum by step, nadam (0: its own)");
  f("trust", o.trust, "Trust coefficient of lars (0: its own)");
  f("l1", o.l1, "Factor of the parameters' signs in the gradient");
  f("decoupled_decay", o.decoupled_decay, "Weight decay apart from the gradient, as adamw's");
  f("lr_group", o.lr_group, "PATTERN=FACTOR of the learning rate by parameters' names");
  f("decay_group", o.decay_group, "PATTERN=FACTOR of the decay by parameters' names");
  f("clip_value", o.clip_value, "Limit on each element of a gradient (0: none)");
  f("clip_norm", o.clip_norm, "Limit on the norm of all gradients of a loss together (0: none)");
  f("grad_accum_steps", o.accumulation,
    "Batches whose mean gradient makes one step; the fewer left at an epoch's end make one too, of "
    "their own mean");
  f("average_decay", o.average_decay,
    "Share of the old weights in their moving average, which is evaluated and saved (0: none)");
  f("sam", o.sam,
    "Sharpness-aware steps: take gradients where the loss is highest within this distance of the "
    "weights, such as 0.05 (0: none); a step computes everything twice");
  f("max_norm", o.max_norm, "PATTERN=LIMIT of the norm of each output's weights, by name");
}

// The names of the methods, in the order above.
std::vector<std::string_view> OptimizerMethods();

// The learning rate that a method is begun with where nobody says: PyTorch's default, for lion and
// lamb their papers'; 0 of those that descend by the gradient's own size, as sgd and lars, for
// which a network's rate holds.
double RateOfMethod(std::string_view method);

// `options` with another method: what that one does not have is as if never set, so that a
// network's own momentum does not stand in the way of adam.
OptimizerOptions WithMethod(OptimizerOptions options, std::string_view method);

// OK, or what is wrong: an unknown method, a number out of its range, one that is set and not the
// method's.
absl::Status CheckOptimizer(const OptimizerOptions& options);

// Parameters that are trained from a later batch on than the others, by patterns of their names.
// Their count of steps, which Adam's corrections read, begins there, as PyTorch's does.
struct LateParameters {
  std::vector<std::string> patterns = {};
  int64_t first_batch = 0;
};

// What one loss is minimised by, as by an optimizer of its own: its parameters, one gradient each.
struct Descent {
  std::vector<Node*> parameters = {};
  std::vector<Value> gradients = {};
};

// Adds the optimizer's step to `graph` as updates of all parameters: one OptimizerStep node for
// those of the same rate, decay and beginning, and with clip_norm of the same loss, and slot
// variables of role kOptimizerSlot. Adds the inputs above. Errors: those of CheckOptimizer, nothing
// to train, a gradient of another type than its parameter's, a pattern that fits no parameter,
// trained or frozen.
absl::Status AddOptimizer(Graph& graph, std::span<const Descent> descents,
                          const OptimizerOptions& options, const LateParameters& late = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_OPTIMIZER_H_
