// Two 1x1 convolutions with nothing between them are one, whose matrix is the product of theirs:
//
//   conv2(conv1(x, w1, b1), w2, b2)  =>  conv2(x, w2*w1, w2*b1 + b2)   with strides multiplied
//
// It pays unless the channels between are a bottleneck: 64 -> 8 -> 64 is cheaper in two steps.

#include "absl/strings/str_cat.h"
#include "passes/combine/combine.h"
#include "passes/rule.h"

namespace weft {
namespace {

using Strides = std::vector<int64_t>;

Strides StridesOf(const Node& conv) {
  Strides strides = GetInts(conv.attributes(), "strides");
  if (strides.empty()) strides.assign(static_cast<size_t>(conv.type().rank()) - 2, 1);
  return strides;
}

bool IsPointwise(const Node& conv) {
  const TensorType& w = conv.input(1).type();
  for (int axis = 2; axis < w.rank(); ++axis) {
    if (w.dim(axis) != Dim(1)) return false;
  }
  return w.rank() >= 3;
}

Condition Holds(const Match& m) {
  return All({HasSingleReader(m, "conv1"), HasOneGroup(m, "conv1"), HasOneGroup(m, "conv2"),
              HasNoPadding(m, "conv1"), HasNoPadding(m, "conv2"), IsConstant(m, "w1"),
              IsConstant(m, "b1"), IsConstant(m, "w2"), IsConstant(m, "b2")});
}

// A graph beside the real one, to price convolutions for an image of one example. What is not known
// counts as 64: both sides grow alike with it.
class Prices {
 public:
  Prices(const OpRegistry& registry, const CostModel& costs) : graph_(registry), costs_(costs) {}

  absl::StatusOr<Value> AddImage(TensorType type) {
    for (size_t axis = 0; axis < type.shape.size(); ++axis) {
      if (!type.shape[axis].is_static() || axis == 0) type.shape[axis] = Dim(axis == 0 ? 1 : 64);
    }
    return graph_.AddInput("x", std::move(type));
  }
  // The convolution's result; its multiply-accumulates are added to `macs`.
  absl::StatusOr<Value> AddConv(Value x, Dims w, const Strides& strides, int64_t& macs) {
    WEFT_ASSIGN_OR_RETURN(Value weights, graph_.AddInput("w", {x.type().dtype, ToShape(w)}));
    WEFT_ASSIGN_OR_RETURN(Node * conv, graph_.AddNode({.op = "Conv",
                                                       .name = "conv",
                                                       .inputs = {x, weights},
                                                       .attributes = {{"strides", strides}}}));
    WEFT_ASSIGN_OR_RETURN(const Cost cost, costs_.Price(*conv));
    macs += cost.macs;
    return conv->output();
  }

 private:
  Graph graph_;
  const CostModel& costs_;
};

struct Counts {
  int64_t separate = 0;
  int64_t folded = 0;
};

absl::StatusOr<Counts> CountMacs(const Match& m, const Dims& folded_w, const Strides& strides,
                                 const CostModel& costs) {
  Counts counts;
  Prices prices(m.graph().registry(), costs);
  WEFT_ASSIGN_OR_RETURN(const Value x, prices.AddImage(m["x"].type()));
  WEFT_ASSIGN_OR_RETURN(const Value between,
                        prices.AddConv(x, ConstantValue(m["w1"])->dims(),
                                       StridesOf(*m.node("conv1")), counts.separate));
  WEFT_RETURN_IF_ERROR(prices
                           .AddConv(between, ConstantValue(m["w2"])->dims(),
                                    StridesOf(*m.node("conv2")), counts.separate)
                           .status());
  WEFT_RETURN_IF_ERROR(prices.AddConv(x, folded_w, strides, counts.folded).status());
  return counts;
}

std::vector<Value> Replace(const Match& m, Rewriter& r) {
  const Dims w1 = ConstantValue(m["w1"])->dims();
  Dims w = ConstantValue(m["w2"])->dims();
  const int64_t out = w[0], between = w[1], in = w1[1];
  w[1] = in;
  Strides strides = StridesOf(*m.node("conv2"));
  const Strides first = StridesOf(*m.node("conv1"));
  for (size_t i = 0; i < strides.size(); ++i) strides[i] *= first[i];

  const absl::StatusOr<Counts> macs = CountMacs(m, w, strides, *r.options().costs);
  if (!macs.ok()) return r.Decline(std::string(macs.status().message()));
  if (macs->folded >= macs->separate) {
    return r.Decline(absl::StrCat("folded with ", m.node("conv1")->name(), " it would take ",
                                  macs->folded, " MACs an example, apart they take ",
                                  macs->separate));
  }
  const Value b1 = m["b1"], b2 = m["b2"];
  const Value matrix2 = r.Op("Reshape", {m["w2"], r.Ints({out, between})});
  const Value matrix1 = r.Op("Reshape", {m["w1"], r.Ints({between, in})});
  const Value new_w =
      r.OpAs(m["w2"].node->name(), "Reshape", {r.Op("Gemm", {matrix2, matrix1}), r.Ints(w)});
  Value new_b = b2;
  if (b1) {
    const std::string name = b2 ? b2.node->name() : m.root()->name() + ".bias";
    const Value moved = r.Op("Gemm", {matrix2, r.Op("Reshape", {b1, r.Ints({between, 1})})});
    const Value one_axis = r.Ints({out});
    new_b = b2 ? r.OpAs(name, "Add", {r.Op("Reshape", {moved, one_axis}), b2})
               : r.OpAs(name, "Reshape", {moved, one_axis});
  }
  AttributeMap attributes;
  if (strides != Strides(strides.size(), 1)) attributes["strides"] = strides;
  const Value conv =
      r.OpAs(m.root()->name(), "Conv", {m["x"], new_w, new_b}, std::move(attributes));
  // Where strides of both cut a symbolic extent, its two formulas have one value but differ.
  if (r.ok() && conv.type() != m.root()->type()) {
    return r.Decline(absl::StrCat("folded with ", m.node("conv1")->name(), " it would be ",
                                  ToString(conv.type()), ", not ", ToString(m.root()->type())));
  }
  return {conv};
}

}  // namespace

Pass Fold1x1() {
  return ToPass(
      {.name = "fold_1x1",
       .doc = "make one of two 1x1 convolutions in a row where that takes fewer MACs",
       .pattern = Op("Conv", {Op("Conv", {Any().As("x"), Any().As("w1"), Any().As("b1").Optional()})
                                  .As("conv1")
                                  .Where(IsPointwise),
                              Any().As("w2"), Any().As("b2").Optional()})
                      .As("conv2")
                      .Where(IsPointwise),
       .conditions = Holds,
       .rewrite = Replace});
}

}  // namespace weft
