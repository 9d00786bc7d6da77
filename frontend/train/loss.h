#ifndef WEFT_FRONTEND_TRAIN_LOSS_H_
#define WEFT_FRONTEND_TRAIN_LOSS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "frontend/data/dataset.h"
#include "graph/graph.h"

namespace weft {

// What a model that states no loss of its own is trained by: a mean over its first output, scores
// [N,C] of an example or [N,C,d..] of positions, such as the pixels of a mask. Semantics are
// PyTorch's:
//   cross_entropy  CrossEntropyLoss: of classes i64[N,d..], a mean weighted by the labels' class
//                  weights, and 0, not NaN, where no label of a batch counts; of targets, shares of
//                  the scores' shape, sum_c -w_c p_c log softmax_c, a mean over the positions
//   bce            BCEWithLogitsLoss: of targets 0..1 of the scores' shape, several classes at
//                  once; classes count as one target each. class_weights are its pos_weight
//   focal          Lin et al. 2017, equation 5. Of classes: the cross-entropy times (1-p)^gamma,
//                  with class weights for alpha, a mean weighted by these; gamma 0 is
//                  cross_entropy. Of targets, torchvision's sigmoid_focal_loss with focal_alpha
//   mse            MSELoss: of targets of the output's shape, whatever it is
struct LossOptions {
  std::string loss = "cross_entropy";
  bool targets = false;
  double label_smoothing = 0;
  std::string class_weights = {};
  int64_t ignore_index = -1;
  double focal_gamma = 2;
  double focal_alpha = 0.25;
  friend bool operator==(const LossOptions&, const LossOptions&) = default;
};

template <typename F>
void VisitOptions(LossOptions& o, F& f) {
  f("loss", o.loss, "What is minimised: cross_entropy, bce, focal or mse");
  f("targets", o.targets, "Labels are numbers instead of classes (set by the data)");
  f("label_smoothing", o.label_smoothing, "Share of the labels spread evenly");
  f("class_weights", o.class_weights,
    "What the classes' examples count, as 1,0.5,2; balanced: inversely to how many there are");
  f("ignore_index", o.ignore_index, "A label whose positions count for nothing; -1: none");
  f("focal_gamma", o.focal_gamma, "How little the focal loss counts what is right already");
  f("focal_alpha", o.focal_alpha,
    "Weight of positive targets in the focal loss, 1 minus it of the others; -1: none");
}

// Errors: another loss, numbers out of range, options that the loss does not have, class weights
// that are no numbers or still "balanced" (see FitLoss).
absl::Status CheckLossOptions(const LossOptions& options);

// Errors: options other than the default ones, `targets` aside, since the model states its loss.
absl::Status CheckNoLossOptions(const LossOptions& options);

// The first output of a classifier or, for mse, of any model. Errors: no output, another form, a
// Softmax or Sigmoid, which the losses contain.
absl::StatusOr<Value> ScoresFor(const Graph& graph, const LossOptions& options);

// `options` with this loss, without options that it does not have.
LossOptions WithLoss(LossOptions options, std::string_view loss);

// The labels that the loss of these scores takes: i64[N,d..] or f32 of the scores' shape.
TensorType LabelsFor(const TensorType& scores, const LossOptions& options);

// Adds the loss, a scalar of the scores' dtype. Errors: those of CheckLossOptions; class weights
// that are not one a class; an unknown number of classes where it is needed.
absl::StatusOr<Value> AddLoss(Graph& graph, Value scores, Value labels, const LossOptions& options);

// Labels as an input takes them: classes become shares where the input is f32, of one axis more;
// other dims of as many elements become the input's.
absl::StatusOr<Tensor> FitLabels(const Node& input, const Tensor& labels);

// Before anything is updated: OK where every label is a class of `classes` or `ignored`. Labels of
// other types are refused where feeds are checked.
absl::Status CheckClasses(const Tensor& labels, int64_t classes, int64_t ignored);

// What the classes' weights are where each class is to count as much as any other: n / (C n_c), as
// scikit-learn's "balanced"; for bce, PyTorch's pos_weight, (n - n_c) / n_c. `counts` are n_c; a
// class without examples has the weight 1.
std::string BalancedWeights(std::span<const double> counts, double n, const LossOptions& options);

// Makes `options` fit the data set: targets as its are, balanced class weights as numbers, for
// which all labels are read once (ReadLabels). Errors: those of reading; balanced weights for a
// loss that has none, or of classes that the data do not name.
absl::Status FitLoss(const Dataset& dataset, LossOptions& options);

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_LOSS_H_
