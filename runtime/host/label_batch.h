#ifndef WEFT_RUNTIME_HOST_LABEL_BATCH_H_
#define WEFT_RUNTIME_HOST_LABEL_BATCH_H_

#include <cstdint>
#include <optional>
#include <string>

#include "graph/op.h"

namespace weft {

// The operands of a loss against integer labels: scores [N,C,d..], labels [N,d..] and, where
// present, weights [C], the inputs from `first` on. Position i has its classes `inner` apart.
struct LabelBatch {
  LabelBatch(const EvalContext& c, int first)
      : scores(static_cast<const float*>(c.in(first).data)),
        labels(c.in(first + 1)),
        weights(c.has(first + 2) ? c.in(first + 2).in<float>().data() : nullptr),
        classes(c.in(first).dim(1)),
        positions(labels.size()) {
    const std::string reduction = GetString(c.attributes, "reduction", "mean");
    none = reduction == "none";
    mean = reduction == "mean";
    if (c.attributes.contains("ignore_index")) ignored = GetInt(c.attributes, "ignore_index");
    for (int axis = 2; axis < c.in(first).rank(); ++axis) inner *= c.in(first).dim(axis);
  }

  int64_t Label(int64_t i) const {
    return labels.dtype == DType::kI32 ? static_cast<const int32_t*>(labels.data)[i]
                                       : static_cast<const int64_t*>(labels.data)[i];
  }
  bool IsIgnored(int64_t label) const { return ignored && label == *ignored; }
  bool LabelsAreValid() const {
    const auto count_bad = [this](const auto* values) {
      const bool may_ignore = ignored.has_value();
      const int64_t other = ignored.value_or(0);
      int64_t bad = 0;
      for (int64_t i = 0; i < positions; ++i) {
        const int64_t label = values[i];
        bad += (label < 0 || label >= classes) && !(may_ignore && label == other);
      }
      return bad;
    };
    return 0 == (labels.dtype == DType::kI32 ? count_bad(static_cast<const int32_t*>(labels.data))
                                             : count_bad(static_cast<const int64_t*>(labels.data)));
  }
  double Weight(int64_t k) const { return weights == nullptr ? 1.0 : weights[k]; }
  // What the sum over the positions is divided by.
  double Divisor() const {
    if (!mean) return 1;
    if (weights == nullptr && !ignored) return static_cast<double>(positions);
    double total = 0;
    for (int64_t i = 0; i < positions; ++i) {
      const int64_t label = Label(i);
      if (!IsIgnored(label)) total += Weight(label);
    }
    return total;
  }
  // The offset of a class of position i.
  int64_t At(int64_t i, int64_t k) const { return (i / inner * classes + k) * inner + i % inner; }

  const float* scores;
  TensorView labels;
  const float* weights;
  int64_t classes, positions, inner = 1;
  bool none = false, mean = false;
  std::optional<int64_t> ignored;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_LABEL_BATCH_H_
