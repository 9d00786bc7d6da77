// Channels that only change places before or after a linear op change places in its weights
// instead:
//
//   linear(order(x), w, b)  =>  linear(x, w with its inputs in the inverse order, b)
//   order(linear(x, w, b))  =>  linear(x, w and b with the filters in that order)
//
// An order is a Gather (BGR to RGB), a Slice that reverses the channels, three channels that are
// cut out one by one and joined, or a ChannelShuffle. Post-ops without operands do not mind it.

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "ops/arguments.h"
#include "ops/post_ops.h"
#include "passes/axes.h"
#include "passes/linear/linear.h"
#include "passes/linear/linear_op.h"

namespace weft {
namespace {

bool KeepsType(const Node& node) { return node.type() == node.input(0).type(); }

Pattern OrderPattern(const Pattern& x) {
  const auto channel = [&](const char* name) { return Op("Slice", {x, Rest()}).As(name); };
  return Either({OneOf({"ChannelShuffle", "Gather", "Slice"}, {x, Rest()}).Where(KeepsType),
                 Op("Concat", {channel("first"), channel("second"), channel("third")})})
      .As("order");
}

// The channel that each of three pieces takes.
std::optional<Dims> JoinedChannels(const Match& m, int axis) {
  Dims channels;
  for (const char* name : {"first", "second", "third"}) {
    const Node& slice = *m.node(name);
    const std::optional<Dims> starts = ConstantInts(slice.input(1));
    if (SlicedAxis(slice) != axis || slice.type().dim(axis) != Dim(1)) return std::nullopt;
    channels.push_back(starts->front());
  }
  return channels;
}

std::optional<Dims> ReversedChannels(const Node& slice, int axis, int64_t channels) {
  if (SlicedAxis(slice) != axis || ConstantInts(slice.input(4)) != Dims{-1}) return std::nullopt;
  Dims reversed;
  for (int64_t i = channels; i > 0; --i) reversed.push_back(i - 1);
  return reversed;
}

std::optional<Dims> ShuffledChannels(const Node& shuffle, int axis, int64_t channels) {
  if (axis != 1) return std::nullopt;
  const int64_t group = GetInt(shuffle.attributes(), "group");
  Dims shuffled;
  for (int64_t i = 0; i < channels; ++i) {
    shuffled.push_back(i % group * (channels / group) + i / group);
  }
  return shuffled;
}

// For each channel of "order": which one of its operand it is. nullopt where that is unknown.
std::optional<Dims> SourcesOf(const Match& m, int axis, int64_t channels) {
  const Node& node = *m.node("order");
  if (node.op_name() == "ChannelShuffle") return ShuffledChannels(node, axis, channels);
  if (node.op_name() == "Slice") return ReversedChannels(node, axis, channels);
  if (AxisOf(node) != axis) return std::nullopt;
  return node.op_name() == "Concat" ? JoinedChannels(m, axis) : ConstantInts(node.input(1));
}

// The sources where each channel of `x` is one of them and nothing else changes.
std::optional<Dims> OrderOf(const Match& m, Value x, int axis) {
  if (axis < 0 || axis >= x.type().rank() || m["order"].type() != x.type()) return std::nullopt;
  const Dim& extent = x.type().dim(axis);
  if (!extent.is_static()) return std::nullopt;
  const int64_t channels = extent.coefficient();
  std::optional<Dims> order = SourcesOf(m, axis, channels);
  if (!order || std::ssize(*order) != channels) return std::nullopt;
  for (int64_t& channel : *order) {
    if (channel < 0) channel += channels;
  }
  Dims sorted = *order;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i] != static_cast<int64_t>(i)) return std::nullopt;
  }
  return order;
}

Condition IsOrder(const Match& m, Value x, int axis) {
  return Unless(!OrderOf(m, x, axis),
                absl::StrCat(m.node("order")->name(), " does not just reorder axis ", axis, " of ",
                             x.ToString()));
}

Value InOrder(Rewriter& r, Value constant, Dims order, int axis) {
  return r.OpAs(constant.node->name(), "Gather", {constant, r.Ints(std::move(order))},
                {{"axis", axis}});
}

// "linear" with other operands in front.
std::vector<Value> WithFirstInputs(const Match& m, Rewriter& r, const std::vector<Value>& first) {
  const Node& linear = *m.node("linear");
  std::vector<Value> inputs(linear.inputs().begin(), linear.inputs().end());
  std::copy(first.begin(), first.end(), inputs.begin());
  return {r.OpAs(linear.name(), linear.op_name(), std::move(inputs), linear.attributes())};
}

Condition FoldChannelOrderHolds(const Match& m) {
  return All({HasSingleReader(m, "order"), HasChannels(m), HasOneGroup(m, "linear"),
              IsConstant(m, "w"), IsOrder(m, m["x"], ReadLinearOp(m).x_axis)});
}

std::vector<Value> FoldChannelOrderReplace(const Match& m, Rewriter& r) {
  const LinearOp op = ReadLinearOp(m);
  const Dims order = OrderOf(m, m["x"], op.x_axis).value_or(Dims());
  Dims places(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    places[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  }
  return WithFirstInputs(m, r, {m["x"], InOrder(r, op.w, std::move(places), op.w_in)});
}

// Each filter reads the channels that it read, those of its group.
Condition KeepsGroups(const Match& m) {
  const LinearOp op = ReadLinearOp(m);
  if (op.group == 1 || op.kind != "Conv") return HasOneGroup(m, "linear");
  const Dims order = OrderOf(m, m["linear"], op.y_axis).value_or(Dims());
  const int64_t filters = std::ssize(order) / op.group;
  bool keeps = true;
  for (size_t i = 0; i < order.size(); ++i) {
    keeps = keeps && order[i] / filters == static_cast<int64_t>(i) / filters;
  }
  return Unless(!keeps, absl::StrCat(m.node("order")->name(), " moves channels from one of the ",
                                     op.group, " groups of ", op.node->name(), " to another"));
}

Condition HasNoOperands(const Match& m) {
  const Node& linear = *m.node("linear");
  return Unless(
      UnfusedFormOf(linear.op()) != nullptr && linear.num_inputs() > FirstOperandOf(linear.op()),
      absl::StrCat(linear.name(), " has post-ops with operands"));
}

Condition FoldFilterOrderHolds(const Match& m) {
  return All({AreReadInside(m, {"linear", "first", "second", "third"}), HasNoOperands(m),
              HasChannels(m), IsConstant(m, "w"), IsConstant(m, "b"),
              IsOrder(m, m["linear"], ReadLinearOp(m).y_axis), KeepsGroups(m)});
}

// One number for all filters stays as it is.
bool HasNumberPerFilter(Value bias, int64_t filters) {
  const Shape& shape = bias.type().shape;
  return !shape.empty() && shape.back() == Dim(filters);
}

std::vector<Value> FoldFilterOrderReplace(const Match& m, Rewriter& r) {
  const LinearOp op = ReadLinearOp(m);
  const Dims order = OrderOf(m, m["linear"], op.y_axis).value_or(Dims());
  std::vector<Value> first = {m["x"], InOrder(r, op.w, order, op.w_out)};
  if (op.bias && HasNumberPerFilter(op.bias, std::ssize(order))) {
    first.push_back(InOrder(r, op.bias, order, op.bias.type().rank() - 1));
  }
  return WithFirstInputs(m, r, first);
}

}  // namespace

Pass FoldChannelOrder() {
  return ToPass({.name = "fold_channel_order",
                 .doc = "reorder the weights of a convolution or matrix product instead of the "
                        "channels that it reads",
                 .pattern = FusedLinearPattern(OrderPattern(Any().As("x"))),
                 .conditions = FoldChannelOrderHolds,
                 .rewrite = FoldChannelOrderReplace});
}

Pass FoldFilterOrder() {
  return ToPass({.name = "fold_filter_order",
                 .doc = "reorder the filters of a convolution or matrix product instead of the "
                        "channels that it makes",
                 .pattern = OrderPattern(FusedLinearPattern(Any().As("x"))),
                 .conditions = FoldFilterOrderHolds,
                 .rewrite = FoldFilterOrderReplace});
}

}  // namespace weft
