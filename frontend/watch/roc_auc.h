#ifndef WEFT_FRONTEND_WATCH_ROC_AUC_H_
#define WEFT_FRONTEND_WATCH_ROC_AUC_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace weft {

// The area under the ROC curve: how probable it is that a positive example has a higher score than
// a negative one, ties counting half (Mann and Whitney 1947; scikit-learn's roc_auc_score). Exact.
// None without positives or without negatives, or with a NaN among the scores.
std::optional<double> RocAuc(std::span<const float> scores,
                             const std::function<bool(size_t)>& is_positive);

// The scores of all examples, for areas under curves: they need the examples' order.
struct RankedScores {
  // Numbers that are kept at most (16 MiB, and of two classes 32 MiB of labels, which grow by
  // doubling); a larger evaluation has no such area.
  static constexpr size_t kLimit = size_t{1} << 22;

  int64_t classes = 0;
  // Of each example the log-odds of every class; of two classes, those of class 1 alone. They order
  // examples as probabilities do, without becoming equal near 0 and 1.
  std::vector<float> log_odds = {};
  std::vector<int64_t> labels = {};
  bool complete = true;  // false: over the limit, nothing is kept

  void Add(std::span<const double> scores, int64_t label);
  void Add(const RankedScores& other);
  size_t columns() const { return classes == 2 ? 1 : static_cast<size_t>(classes); }
  size_t bytes() const;

 private:
  bool HasRoom(size_t more);
};

// Of two classes, RocAuc of class 1; of several, the mean over each class against the rest
// (roc_auc_score(multi_class="ovr", average="macro")), classes without examples left out.
std::optional<double> RocAuc(const RankedScores& ranked);

}  // namespace weft

#endif  // WEFT_FRONTEND_WATCH_ROC_AUC_H_
