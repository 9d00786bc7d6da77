#include "passes/axes.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ops/arguments.h"
#include "ops/reduce.h"

namespace weft {

int64_t AxisOf(const Node& node) {
  const int64_t axis = GetInt(node.attributes(), "axis");
  return axis < 0 ? axis + node.type().rank() : axis;
}

std::optional<int64_t> SlicedAxis(const Node& slice) {
  const auto starts = ConstantInts(slice.input(1));
  const auto axes = slice.input(3) ? ConstantInts(slice.input(3)) : Dims{0};
  if (!starts || starts->size() != 1 || !axes) return std::nullopt;
  return axes->front() < 0 ? axes->front() + slice.type().rank() : axes->front();
}

std::vector<int64_t> ReducedAxes(const Node& reduction) {
  return ReducedAxes(reduction.attributes(), reduction.input(0).type().rank()).value_or(Dims());
}

bool IsSpread(const TensorType& type, int image_rank) {
  const auto spatial = std::min<std::ptrdiff_t>(type.rank(), image_rank - 2);
  return std::all_of(type.shape.end() - spatial, type.shape.end(),
                     [](const Dim& dim) { return dim == Dim(1); });
}

Condition ReduceAlike(const Match& match, std::string_view a, std::string_view b) {
  for (const std::string_view name : {a, b}) {
    if (match[name].null()) return {};
    const Node& node = *match.node(name);
    if (GetInt(node.attributes(), "keepdims", 1) == 0) {
      return Unless(true, absl::StrCat(node.name(), " does not keep its axes"));
    }
  }
  const Node &x = *match.node(a), &y = *match.node(b);
  const auto of_x = ReducedAxes(x), of_y = ReducedAxes(y);
  return Unless(of_x != of_y, absl::StrCat(x.name(), " is over the axes ", ToString(of_x), ", ",
                                           y.name(), " over ", ToString(of_y)));
}

}  // namespace weft
