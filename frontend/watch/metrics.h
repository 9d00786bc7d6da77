#ifndef WEFT_FRONTEND_WATCH_METRICS_H_
#define WEFT_FRONTEND_WATCH_METRICS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/watch/confusion.h"
#include "frontend/watch/roc_auc.h"

namespace weft {

// What a model's outputs are judged as.
enum class Task {
  kClasses,  // scores [N,C] of one label an example
  kPixels,   // scores [N,C,H,W] of a mask of labels [N,H,W], or of signals and volumes
  kLabels,   // logits [N,C] of any number of labels an example, targets [N,C] of zeros and ones
  kNumbers,  // numbers, targets likewise
};

// Everything that metrics are made from, summed over examples.
struct MetricSums {
  Task task = Task::kClasses;
  Confusion confusion = {};              // of classes and pixels
  int64_t top5 = 0;                      // of classes: the label is among the highest five
  RankedScores ranked = {};              // of classes
  std::map<int64_t, ClassScore> labels;  // of kLabels, by label; a score of 0.5 predicts it
  int64_t labels_right = 0;              // of kLabels: single ones
  int64_t numbers = 0;                   // of kLabels and kNumbers: how many
  double squared = 0, absolute = 0;      // errors of kNumbers

  void Add(const MetricSums& other);
  // Of one example, or pixel: the scores of all classes. Above, equals come in the classes' order.
  void AddClass(std::span<const double> scores, int64_t label);
  // Of one example: logits, and whether it has each label. True where all are right.
  bool AddLabels(std::span<const double> logits, std::span<const double> targets);
  void AddNumber(double value, double target);
  size_t bytes() const { return confusion.bytes() + ranked.bytes(); }
};

struct NamedMetric {
  std::string name;
  double value = 0;
};

// All names of Metrics, for tables.
std::span<const std::string_view> MetricNames();

// What applies to the task, in this order, under scikit-learn's names where it has the metric:
//   classes  top5 (of more than 5 classes), precision, recall, f1 (macro), f1_weighted, auc
//   pixels   miou, precision, recall, f1
//   labels   label_accuracy (1 - hamming_loss), precision, recall, f1 (macro), f1_micro
//   numbers  mse, mae
// `count` is the number of examples. Accuracy and loss are Evaluation's own.
std::vector<NamedMetric> Metrics(const MetricSums& sums, int64_t count);

}  // namespace weft

#endif  // WEFT_FRONTEND_WATCH_METRICS_H_
