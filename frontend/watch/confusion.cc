#include "frontend/watch/confusion.h"

namespace weft {
namespace {

// The mean of the scores, each of the weight that `weight` gives it.
template <typename Weight>
MeanScores MeanOfClasses(const std::map<int64_t, ClassScore>& scores, Weight weight) {
  MeanScores sum;
  double total = 0;
  for (const auto& [label, score] : scores) {
    const double w = weight(score);
    total += w;
    sum.precision += w * score.precision();
    sum.recall += w * score.recall();
    sum.f1 += w * score.f1();
    sum.iou += w * score.iou();
  }
  if (total == 0) return {};
  return {sum.precision / total, sum.recall / total, sum.f1 / total, sum.iou / total};
}

}  // namespace

void Confusion::Add(const Confusion& other) {
  for (const auto& [pair, count] : other.counts_) counts_[pair] += count;
}

int64_t Confusion::count(int64_t label, int64_t predicted) const {
  const auto it = counts_.find({label, predicted});
  return it == counts_.end() ? 0 : it->second;
}

size_t Confusion::bytes() const {
  constexpr size_t kLinks = 4 * sizeof(void*);  // of a tree's node
  return counts_.size() * (kLinks + sizeof(std::pair<const Pair, int64_t>));
}

std::map<int64_t, ClassScore> ClassScores(const Confusion& confusion) {
  std::map<int64_t, ClassScore> scores;
  for (const auto& [pair, count] : confusion.counts()) {
    const auto& [label, predicted] = pair;
    scores[label].support += count;
    scores[predicted].predicted += count;
    if (label == predicted) scores[label].hits += count;
  }
  return scores;
}

MeanScores MacroMean(const std::map<int64_t, ClassScore>& scores) {
  return MeanOfClasses(scores, [](const ClassScore&) { return 1.0; });
}

MeanScores WeightedMean(const std::map<int64_t, ClassScore>& scores) {
  return MeanOfClasses(scores, [](const ClassScore& s) { return static_cast<double>(s.support); });
}

}  // namespace weft
