// Channels that only change places before a linear op (BGR to RGB) change places in its weights
// instead:
//
//   linear(gather(x, order), w, b)  =>  linear(x, gather(w, order^-1), b)
//
// The same for a Slice that reverses the channels, and for three channels that are cut out one by
// one and joined.

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "passes/linear/linear.h"
#include "passes/linear/linear_op.h"

namespace weft {
namespace {

bool IsAxis(int64_t attribute, int axis, int rank) {
  return attribute == axis || attribute == axis - rank;
}

std::optional<int64_t> OneInt(Value v) {
  const Tensor* t = ConstantValue(v);
  if (t == nullptr || t->size() != 1) return std::nullopt;
  return static_cast<int64_t>(t->At(0));
}

bool Cuts(const Node& slice, int axis) {
  const std::optional<int64_t> cut = OneInt(slice.input(3));
  return cut && IsAxis(*cut, axis, slice.type().rank());
}

// For each channel of what the linear op reads: which one of x it is. nullopt where that is
// unknown.
std::optional<Dims> SourcesOf(const Match& m, int axis) {
  const Node& node = *m.node("order");
  Dims sources;
  if (node.op_name() == "Concat") {
    for (const char* name : {"first", "second", "third"}) {
      const Node& slice = *m.node(name);
      const std::optional<int64_t> channel = OneInt(slice.input(1));
      if (!channel || !Cuts(slice, axis) || slice.type().dim(axis) != Dim(1)) return std::nullopt;
      sources.push_back(*channel);
    }
  } else if (node.op_name() == "Slice") {
    if (!Cuts(node, axis) || OneInt(node.input(4)) != -1) return std::nullopt;
    for (int64_t i = node.type().dim(axis).coefficient(); i > 0; --i) sources.push_back(i - 1);
  } else {
    const Tensor* indices = ConstantValue(node.input(1));
    if (indices == nullptr) return std::nullopt;
    for (int64_t i = 0; i < indices->size(); ++i) {
      sources.push_back(static_cast<int64_t>(indices->At(i)));
    }
  }
  return sources;
}

// The sources where each channel of x is one of them and nothing else changes.
std::optional<Dims> OrderOf(const Match& m, int axis) {
  const Node& node = *m.node("order");
  const TensorType& x = m["x"].type();
  const bool along_axis =
      node.op_name() == "Slice" || IsAxis(GetInt(node.attributes(), "axis"), axis, x.rank());
  if (node.type() != x || !x.dim(axis).is_static() || !along_axis) return std::nullopt;
  const int64_t channels = x.dim(axis).coefficient();
  std::optional<Dims> order = SourcesOf(m, axis);
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

bool KeepsType(const Node& node) { return node.type() == node.input(0).type(); }

Condition FoldChannelOrderHolds(const Match& m) {
  const Node& node = *m.node("order");
  const int axis = ReadLinearOp(m).x_axis;
  return All({HasSingleReader(m, "order"), HasChannels(m), HasOneGroup(m, "linear"),
              IsConstant(m, "w"),
              Unless(!OrderOf(m, axis), absl::StrCat(node.name(), " does not just reorder axis ",
                                                     axis, " of ", m["x"].ToString()))});
}

std::vector<Value> FoldChannelOrderReplace(const Match& m, Rewriter& r) {
  const LinearOp op = ReadLinearOp(m);
  const Dims order = OrderOf(m, op.x_axis).value_or(Dims());
  Dims places(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    places[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  }
  const Value w = r.OpAs(op.w.node->name(), "Gather", {op.w, r.Ints(places)}, {{"axis", op.w_in}});
  std::vector<Value> inputs(m.root()->inputs().begin(), m.root()->inputs().end());
  inputs[0] = m["x"];
  inputs[1] = w;
  return {r.OpAs(m.root()->name(), std::string(m.root()->op_name()), std::move(inputs),
                 m.root()->attributes())};
}

}  // namespace

Pass FoldChannelOrder() {
  const auto channel = [](const char* name) {
    return Op("Slice", {Any().As("x"), Rest()}).As(name);
  };
  const Pattern joined = Op("Concat", {channel("first"), channel("second"), channel("third")});
  const Pattern order = OneOf({"Gather", "Slice"}, {Any().As("x"), Rest()}).Where(KeepsType);
  return ToPass({.name = "fold_channel_order",
                 .doc = "reorder the weights of a convolution or matrix product instead of the "
                        "channels that it reads",
                 .pattern = LinearPattern(Either({order, joined}).As("order")),
                 .conditions = FoldChannelOrderHolds,
                 .rewrite = FoldChannelOrderReplace});
}

}  // namespace weft
