#ifndef WEFT_FRONTEND_BUILD_LAYERS_LOSS_H_
#define WEFT_FRONTEND_BUILD_LAYERS_LOSS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "frontend/build/layers/family.h"

namespace weft {

// The reductions: "mean" of all elements or positions, "sum", or "none".
struct RegressionLossOptions {
  std::string reduction = "mean";
  std::string name = {};
};

struct CrossEntropyOptions {
  double label_smoothing = 0;
  std::string reduction = "mean";  // divides by the weights of the labels that count
  std::optional<int64_t> ignore_index = {};
  std::vector<double> class_weights = {};  // one a class; none: all 1
  std::string name = {};
};

struct SoftCrossEntropyOptions {
  double label_smoothing = 0;
  std::string reduction = "mean";  // divides by the number of positions
  std::vector<double> class_weights = {};
  std::string name = {};
};

struct NllOptions {
  std::string reduction = "mean";  // divides by the weights of the labels that count
  std::optional<int64_t> ignore_index = {};
  std::vector<double> class_weights = {};
  std::string name = {};
};

struct SmoothL1Options {
  double beta = 1;  // where the parabola meets the lines; 0: L1
  std::string reduction = "mean";
  std::string name = {};
};

struct HuberOptions {
  double delta = 1;
  std::string reduction = "mean";
  std::string name = {};
};

struct BceWithLogitsOptions {
  // Weights of the positive answers: one, or one an element of the last axis; none: all 1.
  std::vector<double> pos_weight = {};
  std::string reduction = "mean";
  std::string name = {};
};

struct KlDivergenceOptions {
  bool log_target = false;         // the target holds logarithms too
  std::string reduction = "mean";  // or "batchmean", the sum over the batch size
  std::string name = {};
};

struct HingeOptions {
  double margin = 1;
  std::string reduction = "mean";
  std::string name = {};
};

struct MultiMarginOptions {
  int64_t p = 1;  // or 2
  double margin = 1;
  std::string reduction = "mean";
  std::vector<double> class_weights = {};
  std::string name = {};
};

// Losses, as PyTorch's. Scores are [N,C,...], labels [N,...] of i32 or i64; other targets have the
// input's shape. Reductions other than "none" give a scalar.
class LossLayers : public LayerFamily<LossLayers> {
 public:
  Value CrossEntropy(Value scores, Value labels, const CrossEntropyOptions& o = {},
                     Where where = Where::current());
  // Cross-entropy against probabilities of the scores' shape: -sum_c w_c p_c log softmax(scores)_c.
  Value SoftCrossEntropy(Value scores, Value probabilities, const SoftCrossEntropyOptions& o = {},
                         Where where = Where::current());
  // Of log-probabilities [N,C,...].
  Value NegativeLogLikelihood(Value log_probabilities, Value labels, const NllOptions& o = {},
                              Where where = Where::current());

  Value Mse(Value x, Value target, const RegressionLossOptions& o = {},
            Where where = Where::current());
  Value L1(Value x, Value target, const RegressionLossOptions& o = {},
           Where where = Where::current());
  // d^2 / (2 beta) where |d| < beta, |d| - beta / 2 elsewhere, for d = x - target.
  Value SmoothL1(Value x, Value target, const SmoothL1Options& o = {},
                 Where where = Where::current());
  // delta times that with beta = delta.
  Value Huber(Value x, Value target, const HuberOptions& o = {}, Where where = Where::current());

  // Of probabilities: -t log p - (1 - t) log(1 - p), the logarithms at least -100. There is no
  // gradient where they are.
  Value BinaryCrossEntropy(Value probabilities, Value target, const RegressionLossOptions& o = {},
                           Where where = Where::current());
  Value BinaryCrossEntropyWithLogits(Value logits, Value target, const BceWithLogitsOptions& o = {},
                                     Where where = Where::current());
  // target (log target - x) for x of log-probabilities; 0 where the target is 0.
  Value KlDivergence(Value x, Value target, const KlDivergenceOptions& o = {},
                     Where where = Where::current());

  // Two classes: max(0, margin - target x) for targets of -1 and 1.
  Value Hinge(Value x, Value target, const HingeOptions& o = {}, Where where = Where::current());
  // Many classes, scores [N,C] and labels [N] (PyTorch's MultiMarginLoss): the mean over c of
  // w_y max(0, margin - score_y + score_c)^p, without c = y.
  Value MultiMargin(Value scores, Value labels, const MultiMarginOptions& o = {},
                    Where where = Where::current());
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_LAYERS_LOSS_H_
