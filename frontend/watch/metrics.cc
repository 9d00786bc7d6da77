#include "frontend/watch/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace weft {
namespace {

constexpr int64_t kTopScores = 5;

constexpr std::array<std::string_view, 11> kMetricNames = {
    "top5",        "label_accuracy", "miou", "precision", "recall", "f1",
    "f1_weighted", "f1_micro",       "auc",  "mse",       "mae"};

// f1 over all labels at once.
double MicroF1(const std::map<int64_t, ClassScore>& labels) {
  ClassScore all;
  for (const auto& [label, score] : labels) {
    all.support += score.support;
    all.predicted += score.predicted;
    all.hits += score.hits;
  }
  return all.f1();
}

void AppendMeans(const MeanScores& means, std::vector<NamedMetric>* metrics) {
  metrics->push_back({"precision", means.precision});
  metrics->push_back({"recall", means.recall});
  metrics->push_back({"f1", means.f1});
}

void AppendClassMetrics(const MetricSums& sums, int64_t count, std::vector<NamedMetric>* metrics) {
  const std::map<int64_t, ClassScore> scores = ClassScores(sums.confusion);
  if (sums.ranked.classes > kTopScores) {
    metrics->push_back({"top5", static_cast<double>(sums.top5) / static_cast<double>(count)});
  }
  AppendMeans(MacroMean(scores), metrics);
  metrics->push_back({"f1_weighted", WeightedMean(scores).f1});
  if (const auto area = RocAuc(sums.ranked)) metrics->push_back({"auc", *area});
}

}  // namespace

void MetricSums::Add(const MetricSums& other) {
  task = other.task;
  confusion.Add(other.confusion);
  top5 += other.top5;
  ranked.Add(other.ranked);
  for (const auto& [label, score] : other.labels) {
    ClassScore& sum = labels[label];
    sum.support += score.support;
    sum.predicted += score.predicted;
    sum.hits += score.hits;
  }
  labels_right += other.labels_right;
  numbers += other.numbers;
  squared += other.squared;
  absolute += other.absolute;
}

void MetricSums::AddClass(std::span<const double> scores, int64_t label) {
  const auto predicted = std::max_element(scores.begin(), scores.end()) - scores.begin();
  confusion.Add(label, predicted);
  if (task != Task::kClasses) return;
  const double own = scores[static_cast<size_t>(label)];
  int64_t before = 0;
  for (int64_t c = 0; c < static_cast<int64_t>(scores.size()); ++c) {
    const double score = scores[static_cast<size_t>(c)];
    before += !(score < own || (score == own && c >= label));  // beside a NaN each is before
  }
  top5 += before < kTopScores;
  ranked.Add(scores, label);
}

bool MetricSums::AddLabels(std::span<const double> logits, std::span<const double> targets) {
  bool all_right = true;
  for (size_t c = 0; c < logits.size(); ++c) {
    const bool predicted = logits[c] >= 0, wanted = targets[c] >= 0.5;
    ClassScore& score = labels[static_cast<int64_t>(c)];
    score.support += wanted;
    score.predicted += predicted;
    score.hits += wanted && predicted;
    labels_right += wanted == predicted;
    all_right = all_right && wanted == predicted;
    ++numbers;
  }
  return all_right;
}

void MetricSums::AddNumber(double value, double target) {
  squared += (value - target) * (value - target);
  absolute += std::abs(value - target);
  ++numbers;
}

std::span<const std::string_view> MetricNames() { return kMetricNames; }

std::vector<NamedMetric> Metrics(const MetricSums& sums, int64_t count) {
  std::vector<NamedMetric> metrics;
  const auto numbers = static_cast<double>(sums.numbers);
  switch (sums.task) {
    case Task::kClasses:
      if (!sums.confusion.counts().empty()) AppendClassMetrics(sums, count, &metrics);
      break;
    case Task::kPixels: {
      const MeanScores means = MacroMean(ClassScores(sums.confusion));
      metrics.push_back({"miou", means.iou});
      AppendMeans(means, &metrics);
      break;
    }
    case Task::kLabels:
      if (sums.numbers == 0) break;
      metrics.push_back({"label_accuracy", static_cast<double>(sums.labels_right) / numbers});
      AppendMeans(MacroMean(sums.labels), &metrics);
      metrics.push_back({"f1_micro", MicroF1(sums.labels)});
      break;
    case Task::kNumbers:
      if (sums.numbers == 0) break;
      metrics.push_back({"mse", sums.squared / numbers});
      metrics.push_back({"mae", sums.absolute / numbers});
      break;
  }
  return metrics;
}

}  // namespace weft
