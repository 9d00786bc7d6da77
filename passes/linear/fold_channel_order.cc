// Channels that only change places before a linear op (BGR to RGB) change places in its weights
// instead:
//
//   linear(gather(x, order), w, b)  =>  linear(x, gather(w, order^-1), b)
//
// The same for a Slice that reverses the channels.

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "passes/linear/linear.h"
#include "passes/linear/linear_op.h"

namespace weft {
namespace {

bool IsOneInt(Value v, int64_t expected, int64_t or_this) {
  const Tensor* t = ConstantValue(v);
  if (t == nullptr || t->size() != 1) return false;
  const int64_t value = static_cast<int64_t>(t->At(0));
  return value == expected || value == or_this;
}

// Whether it goes through all of `axis`, and only that one, backwards.
bool Reverses(const Node& slice, int axis) {
  return IsOneInt(slice.input(4), -1, -1) &&
         IsOneInt(slice.input(3), axis, axis - slice.type().rank());
}

// Which channel of x each channel of `node` is; nullopt where not each is one of its own.
std::optional<Dims> OrderOf(const Node& node, int axis) {
  const TensorType& x = node.input(0).type();
  if (!x.dim(axis).is_static()) return std::nullopt;
  const int64_t channels = x.dim(axis).coefficient();
  Dims order(static_cast<size_t>(channels));
  if (node.op_name() == "Slice") {
    if (!Reverses(node, axis)) return std::nullopt;
    for (size_t i = 0; i < order.size(); ++i) order[i] = channels - 1 - static_cast<int64_t>(i);
    return order;
  }
  const Tensor* indices = ConstantValue(node.input(1));
  const int64_t gathered = GetInt(node.attributes(), "axis");
  if (indices == nullptr || indices->rank() != 1 ||
      (gathered != axis && gathered != axis - x.rank())) {
    return std::nullopt;
  }
  for (size_t i = 0; i < order.size(); ++i) {
    const int64_t index = static_cast<int64_t>(indices->At(static_cast<int64_t>(i)));
    order[i] = index < 0 ? index + channels : index;
  }
  Dims sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i] != static_cast<int64_t>(i)) return std::nullopt;
  }
  return order;
}

bool KeepsType(const Node& node) { return node.type() == node.input(0).type(); }

Condition Holds(const Match& m) {
  const Node& node = *m.node("order");
  const int axis = ReadLinearOp(m).x_axis;
  return All({HasSingleReader(m, "order"), HasChannels(m), HasOneGroup(m, "linear"),
              IsConstant(m, "w"),
              Unless(!OrderOf(node, axis), absl::StrCat(node.name(), " does not just reorder axis ",
                                                        axis, " of ", m["x"].ToString()))});
}

std::vector<Value> Replace(const Match& m, Rewriter& r) {
  const LinearOp op = ReadLinearOp(m);
  const Dims order = OrderOf(*m.node("order"), op.x_axis).value_or(Dims());
  Dims places(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    places[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  }
  const Value w =
      r.OpAs(op.w().node->name(), "Gather", {op.w(), r.Ints(places)}, {{"axis", op.w_in}});
  std::vector<Value> inputs(m.root()->inputs().begin(), m.root()->inputs().end());
  inputs[0] = m["x"];
  inputs[1] = w;
  return {r.OpAs(m.root()->name(), std::string(m.root()->op_name()), std::move(inputs),
                 m.root()->attributes())};
}

}  // namespace

Pass FoldChannelOrder() {
  return ToPass(
      {.name = "fold_channel_order",
       .doc = "reorder the weights of a convolution or matrix product instead of the "
              "channels that it reads",
       .pattern = LinearPattern(
           OneOf({"Gather", "Slice"}, {Any().As("x"), Rest()}).As("order").Where(KeepsType)),
       .conditions = Holds,
       .rewrite = Replace});
}

}  // namespace weft
