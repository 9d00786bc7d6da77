#include "frontend/watch/roc_auc.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace weft {
namespace {

double LogSumExpWithout(std::span<const double> x, size_t left_out) {
  double top = -std::numeric_limits<double>::infinity(), sum = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (i != left_out) top = std::max(top, x[i]);
  }
  if (std::isinf(top)) return top;
  for (size_t i = 0; i < x.size(); ++i) {
    if (i != left_out) sum += std::exp(x[i] - top);
  }
  return top + std::log(sum);
}

// log(p / (1 - p)) of the softmax's p of class `c`; `total` is log(sum(exp(scores))).
double LogOddsOf(std::span<const double> scores, size_t c, double total) {
  const double log_p = scores[c] - total;
  // Near 1 the difference 1 - p would be lost.
  if (log_p > -0.5) return scores[c] - LogSumExpWithout(scores, c);
  return log_p - std::log1p(-std::exp(log_p));
}

}  // namespace

std::optional<double> RocAuc(std::span<const float> scores,
                             const std::function<bool(size_t)>& is_positive) {
  // A NaN has no place, and sorting needs an order.
  if (std::any_of(scores.begin(), scores.end(), [](float s) { return std::isnan(s); })) {
    return std::nullopt;
  }
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] < scores[b]; });
  // The pairs that are in order, a run of equal scores at a time.
  double negatives = 0, positives = 0, ordered = 0;
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    double positive = 0, negative = 0;
    for (; end < order.size() && scores[order[end]] == scores[order[begin]]; ++end) {
      (is_positive(order[end]) ? positive : negative) += 1;
    }
    ordered += positive * (negatives + negative / 2);
    negatives += negative;
    positives += positive;
  }
  if (positives == 0 || negatives == 0) return std::nullopt;
  return ordered / (positives * negatives);
}

bool RankedScores::HasRoom(size_t more) {
  if (log_odds.size() + more > kLimit) complete = false;
  if (complete) return true;
  log_odds = std::vector<float>();  // frees what it held
  labels = std::vector<int64_t>();
  return false;
}

void RankedScores::Add(std::span<const double> scores, int64_t label) {
  classes = static_cast<int64_t>(scores.size());
  if (classes < 2 || !HasRoom(columns())) return;
  labels.push_back(label);
  if (classes == 2) {
    log_odds.push_back(static_cast<float>(scores[1] - scores[0]));
    return;
  }
  const double total = LogSumExpWithout(scores, scores.size());
  for (size_t c = 0; c < scores.size(); ++c) {
    log_odds.push_back(static_cast<float>(LogOddsOf(scores, c, total)));
  }
}

void RankedScores::Add(const RankedScores& other) {
  if (other.classes == 0) return;
  classes = other.classes;
  complete = complete && other.complete;
  if (!HasRoom(other.log_odds.size())) return;
  log_odds.insert(log_odds.end(), other.log_odds.begin(), other.log_odds.end());
  labels.insert(labels.end(), other.labels.begin(), other.labels.end());
}

size_t RankedScores::bytes() const {
  return log_odds.capacity() * sizeof(float) + labels.capacity() * sizeof(int64_t);
}

std::optional<double> RocAuc(const RankedScores& ranked) {
  if (!ranked.complete || ranked.labels.empty()) return std::nullopt;
  const size_t columns = ranked.columns();
  std::vector<float> scores(ranked.labels.size());
  double sum = 0;
  int64_t areas = 0;
  for (size_t c = 0; c < columns; ++c) {
    for (size_t i = 0; i < scores.size(); ++i) scores[i] = ranked.log_odds[i * columns + c];
    const int64_t positive = columns == 1 ? 1 : static_cast<int64_t>(c);
    const std::optional<double> area =
        RocAuc(scores, [&](size_t i) { return ranked.labels[i] == positive; });
    if (!area) continue;
    sum += *area;
    ++areas;
  }
  if (areas == 0) return std::nullopt;
  return sum / static_cast<double>(areas);
}

}  // namespace weft
