#include "ops/common.h"

#include <algorithm>
#include <cmath>

namespace weft {

absl::StatusOr<std::vector<TensorType>> InferSameAsFirst(const InferContext& c) {
  return std::vector<TensorType>{c.type(0)};
}

absl::StatusOr<std::vector<TensorType>> InferPairOfOneType(const InferContext& c) {
  if (c.type(0).shape != c.type(1).shape) {
    return absl::InvalidArgumentError(absl::StrCat("expected two inputs of one shape, got ",
                                                   ToString(c.type(0).shape), " and ",
                                                   ToString(c.type(1).shape)));
  }
  return std::vector<TensorType>{c.type(0)};
}

std::vector<Alias> InPlaceOfEither(const Node& node) {
  std::vector<Alias> aliases;
  for (int i : {0, 1}) {
    if (node.input(i).type() == node.type()) aliases.push_back({.output = 0, .input = i});
  }
  return aliases;
}

absl::Status CheckOneOf(const AttributeMap& attributes, std::string_view name,
                        std::initializer_list<std::string_view> allowed) {
  const std::string text = GetString(attributes, name);
  std::string choices;
  for (std::string_view choice : allowed) {
    if (text == choice) return absl::OkStatus();
    absl::StrAppend(&choices, choices.empty() ? "" : ", ", "\"", Absl(choice), "\"");
  }
  return absl::InvalidArgumentError(absl::StrCat("attribute ", Absl(name), ": expected one of ",
                                                 choices, ", got \"", text, "\""));
}

absl::Status CheckFinite(const AttributeMap& attributes, std::string_view name, double least) {
  const double value = GetFloat(attributes, name);
  if (std::isfinite(value) && value >= least) return absl::OkStatus();
  const std::string bound = std::isfinite(least) ? absl::StrCat(" of at least ", least) : "";
  return absl::InvalidArgumentError(
      absl::StrCat("attribute ", Absl(name), ": expected a finite number", bound, ", got ", value));
}

Value SumToLike(GradientContext& c, Value value, Value like) {
  if (value.null() || value.type().shape == like.type().shape) return value;
  return c.Op("ReduceToLike", {value, like});
}

absl::StatusOr<std::vector<int64_t>> NormalizeAxes(std::span<const int64_t> axes, int rank) {
  std::vector<int64_t> result;
  for (int64_t axis : axes) {
    WEFT_ASSIGN_OR_RETURN(const int normal, NormalizeAxis(axis, rank));
    result.push_back(normal);
  }
  std::sort(result.begin(), result.end());
  const auto twice = std::adjacent_find(result.begin(), result.end());
  if (twice != result.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected every axis once, got axis ", *twice, " twice in ", ToString(axes)));
  }
  return result;
}

Cost NoArithmetic(const CostContext&) { return {}; }

}  // namespace weft
