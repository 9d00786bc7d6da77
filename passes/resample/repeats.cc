#include "passes/resample/repeats.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "graph/evaluate.h"
#include "ops/resize.h"

namespace weft {
namespace {

constexpr int64_t kSampleExtent = 64;  // of an axis that is a symbol

bool Repeats(const ResizeAxis& axis, int64_t times) {
  if (axis.identity) return times == 1;
  for (int64_t o = 0; o < axis.output; ++o) {
    const auto begin = static_cast<size_t>(axis.starts[static_cast<size_t>(o)]);
    const auto end = static_cast<size_t>(axis.starts[static_cast<size_t>(o) + 1]);
    if (end != begin + 1 || axis.sources[begin] != o / times || axis.weights[begin] != 1) {
      return false;
    }
  }
  return true;
}

// The operand's elements, absent where there is none. Nothing where only a run knows them.
std::optional<TensorView> KnownOperand(const Node& node, int i) {
  if (i >= node.num_inputs() || node.input(i).null()) return TensorView();
  const Tensor* constant = ConstantValue(node.input(i));
  return constant == nullptr ? std::nullopt : std::optional(ViewOf(*constant));
}

}  // namespace

std::optional<int64_t> RatioOf(const Dim& from, const Dim& to) {
  if (from.coefficient() == 0) return std::nullopt;
  const int64_t times = to.coefficient() / from.coefficient();
  if (times < 1 || Dim::Multiply(from, Dim(times)) != to) return std::nullopt;
  return times;
}

std::optional<Dims> RepeatsOf(const Node& resize) {
  const std::optional<TensorView> roi = KnownOperand(resize, 1), scales = KnownOperand(resize, 2);
  const Shape &from = resize.input(0).type().shape, &to = resize.type().shape;
  if (!roi || !scales || from.size() < 3) return std::nullopt;
  Dims times, input, output;
  for (size_t i = 0; i < from.size(); ++i) {
    const std::optional<int64_t> ratio = RatioOf(from[i], to[i]);
    if (!ratio || (i < 2 && ratio != 1)) return std::nullopt;
    times.push_back(*ratio);
    input.push_back(from[i].is_static() ? from[i].coefficient() : kSampleExtent);
    output.push_back(input[i] * *ratio);
  }
  const auto axes = ResizeAxes(resize.attributes(), input, output, *roi, *scales);
  for (size_t i = 0; i < axes.size(); ++i) {
    if (!Repeats(axes[i], times[i])) return std::nullopt;
  }
  return Dims(times.begin() + 2, times.end());
}

Condition RepeatsElements(const Match& match, std::string_view resize) {
  const Node& node = *match.node(resize);
  return Unless(!RepeatsOf(node), absl::StrCat(node.name(), " does not just repeat elements of ",
                                               node.input(0).ToString()));
}

Value RepeatedChannels(Rewriter& r, Value channels, int64_t count) {
  const int axis = channels.type().rank() - 3;
  if (axis < 0 || channels.type().dim(axis) == Dim(1)) return channels;
  Dims repeats(static_cast<size_t>(channels.type().rank()), 1);
  repeats[static_cast<size_t>(axis)] = count;
  return r.OpAs(channels.node->name(), "Tile", {channels, r.Ints(repeats)});
}

bool IsSpread(const TensorType& type, int image_rank) {
  const auto spatial = std::min<std::ptrdiff_t>(type.rank(), image_rank - 2);
  return std::all_of(type.shape.end() - spatial, type.shape.end(),
                     [](const Dim& dim) { return dim == Dim(1); });
}

}  // namespace weft
