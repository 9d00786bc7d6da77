#include "ops/labels.h"

#include <string>

namespace weft {

absl::Status CheckLabels(const InferContext& c, int first,
                         const std::array<std::string_view, 3>& names) {
  const Shape& scores = c.type(first).shape;
  if (scores.size() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected ", Absl(names[0]), " of shape [N,C,...], got ", ToString(scores)));
  }
  Shape labels = scores;
  labels.erase(labels.begin() + 1);
  for (const auto& [i, expected] : {std::pair{1, labels}, {2, Shape{scores[1]}}}) {
    if (!c.has(first + i) || c.type(first + i).shape == expected) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "expected ", Absl(names[static_cast<size_t>(i)]), " of shape ", ToString(expected), " for ",
        Absl(names[0]), " ", ToString(scores), ", got ", ToString(c.type(first + i).shape)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int64_t>> ReadLabels(const TensorView& view, std::string_view name,
                                                int64_t classes, const AttributeMap& attributes) {
  const bool may_ignore = attributes.contains("ignore_index");
  const int64_t ignored = may_ignore ? GetInt(attributes, "ignore_index") : 0;
  std::vector<int64_t> labels(static_cast<size_t>(view.size()));
  for (size_t i = 0; i < labels.size(); ++i) {
    int64_t label = view.dtype == DType::kI32 ? view.in<int32_t>()[i] : view.in<int64_t>()[i];
    if (may_ignore && label == ignored) {
      label = -1;
    } else if (label < 0 || label >= classes) {
      Dims position;
      size_t rest = i;
      for (size_t axis = view.dims.size(); axis-- > 0;) {
        const size_t extent = static_cast<size_t>(view.dims[axis]);
        position.insert(position.begin(), static_cast<int64_t>(rest % extent));
        rest /= extent;
      }
      return absl::InvalidArgumentError(absl::StrCat("expected ", Absl(name), " in [0,", classes,
                                                     "), got ", label, " at position ",
                                                     ToString(position)));
    }
    labels[i] = label;
  }
  return labels;
}

}  // namespace weft
