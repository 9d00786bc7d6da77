#ifndef WEFT_FRONTEND_WATCH_CONFUSION_H_
#define WEFT_FRONTEND_WATCH_CONFUSION_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

namespace weft {

// How often examples (or pixels) of a class were taken for which class. Only the pairs that occur
// are kept, so that many classes take no memory.
class Confusion {
 public:
  using Pair = std::pair<int64_t, int64_t>;  // label, predicted

  void Add(int64_t label, int64_t predicted, int64_t count = 1) {
    counts_[{label, predicted}] += count;
  }
  void Add(const Confusion& other);
  int64_t count(int64_t label, int64_t predicted) const;
  const std::map<Pair, int64_t>& counts() const { return counts_; }
  size_t bytes() const;

 private:
  std::map<Pair, int64_t> counts_;
};

// How well one class is found. Definitions are scikit-learn's (precision_recall_fscore_support and
// jaccard_score): a quotient of nothing by nothing is 0.
struct ClassScore {
  int64_t support = 0;    // examples of the class
  int64_t predicted = 0;  // examples that were taken for it
  int64_t hits = 0;       // both

  double precision() const { return Quotient(hits, predicted); }
  double recall() const { return Quotient(hits, support); }
  double f1() const { return Quotient(2 * hits, support + predicted); }
  double iou() const { return Quotient(hits, support + predicted - hits); }

 private:
  static double Quotient(int64_t a, int64_t b) {
    return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
  }
};

// By class; those that are neither labels nor predictions are left out, as scikit-learn does.
std::map<int64_t, ClassScore> ClassScores(const Confusion& confusion);

// Means over classes: macro is plain, weighted is by support.
struct MeanScores {
  double precision = 0, recall = 0, f1 = 0, iou = 0;
};
MeanScores MacroMean(const std::map<int64_t, ClassScore>& scores);
MeanScores WeightedMean(const std::map<int64_t, ClassScore>& scores);

}  // namespace weft

#endif  // WEFT_FRONTEND_WATCH_CONFUSION_H_
