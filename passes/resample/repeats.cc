#include "passes/resample/repeats.h"

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

// In f32, places by the corners of more than some 2000 elements are rounded to others.
bool IsPlacedByCorners(const Node& resize) {
  const std::string how = GetString(resize.attributes(), "coordinate_transformation_mode");
  return how == "align_corners" || how == "tf_crop_and_resize";
}

}  // namespace

std::optional<int64_t> RatioOf(const Dim& from, const Dim& to) {
  if (from.coefficient() == 0) return std::nullopt;
  const int64_t times = to.coefficient() / from.coefficient();
  if (times < 1 || Dim::Multiply(from, Dim(times)) != to) return std::nullopt;
  return times;
}

std::optional<Dims> RatiosOf(const Node& resize) {
  const Shape &from = resize.input(0).type().shape, &to = resize.type().shape;
  if (from.size() < 3) return std::nullopt;
  Dims times;
  for (size_t i = 0; i < from.size(); ++i) {
    const std::optional<int64_t> ratio = RatioOf(from[i], to[i]);
    if (!ratio || (i < 2 && ratio != 1)) return std::nullopt;
    times.push_back(*ratio);
  }
  return times;
}

std::optional<Dims> RepeatsOf(const Node& resize) {
  const std::optional<TensorView> roi = KnownOperand(resize, 1), scales = KnownOperand(resize, 2);
  const std::optional<Dims> times = RatiosOf(resize);
  if (!roi || !scales || !times) return std::nullopt;
  const bool rounds = scales->present && scales->size() > 0 && IsPlacedByCorners(resize);
  Dims input, output;
  for (size_t i = 0; i < times->size(); ++i) {
    const Dim& from = resize.input(0).type().shape[i];
    const int64_t ratio = (*times)[i];
    input.push_back(from.is_static() ? from.coefficient() : kSampleExtent);
    if (ratio > 1 && ratio > kLongestResizedAxis / input[i]) return std::nullopt;
    if (ratio > 1 && rounds && !from.is_static()) return std::nullopt;
    output.push_back(input[i] * ratio);
  }
  const auto axes = ResizeAxes(resize.attributes(), input, output, *roi, *scales);
  for (size_t i = 0; i < axes.size(); ++i) {
    if (!Repeats(axes[i], (*times)[i])) return std::nullopt;
  }
  return Dims(times->begin() + 2, times->end());
}

Condition RepeatsElements(const Match& match, std::string_view resize) {
  const Node& node = *match.node(resize);
  return Unless(!RepeatsOf(node), absl::StrCat(node.name(), " does not just repeat elements of ",
                                               node.input(0).ToString()));
}

bool HasOneChannel(const TensorType& type, int image_rank) {
  const int axis = type.rank() - image_rank + 1;
  return axis < 0 || type.dim(axis) == Dim(1);
}

Value Tiled(Rewriter& r, Value v, Dims repeats) {
  const std::vector<Value> inputs = {v, r.Ints(repeats)};
  if (ConstantValue(v) == nullptr) return r.Op("Tile", inputs);
  return r.OpAs(v.node->name(), "Tile", inputs);
}

Value RepeatedChannels(Rewriter& r, Value channels, int64_t count) {
  if (HasOneChannel(channels.type(), 4)) return channels;
  Dims repeats(static_cast<size_t>(channels.type().rank()), 1);
  repeats[repeats.size() - 3] = count;
  return Tiled(r, channels, std::move(repeats));
}

}  // namespace weft
