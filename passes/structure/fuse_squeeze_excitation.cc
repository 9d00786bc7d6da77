// A squeeze and excitation: each channel is scaled by what two products make of all channels'
// means (Hu et al. 2018). As one node it need not leave the layout that X has:
//
//   x -> ReduceMean -> Conv 1x1 -> activation -> Conv 1x1 -> gate
//   x * gate  =>  SqueezeExcitation(x, w1, b1, w2, b2) {activation, gate}
//
// It comes before the activations become part of the convolutions.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ops/squeeze_excitation.h"
#include "passes/axes.h"
#include "passes/conv_form.h"
#include "passes/rule.h"
#include "passes/structure/structure.h"

namespace weft {
namespace {

// [N,C,...] to [N,C,1,...].
bool IsMeanOfChannels(const Node& mean) {
  const TensorType& x = mean.input(0).type();
  const TensorType& y = mean.type();
  if (x.rank() < 3 || y.rank() != x.rank() || y.dim(0) != x.dim(0)) return false;
  const std::vector<int64_t> axes = ReducedAxes(mean);
  return std::ssize(axes) == x.rank() - 2 && axes[0] == 2;
}

// Of an image of one position.
Condition IsProduct(const Match& m, std::string_view conv, std::string_view weights) {
  const Shape& shape = m[weights].type().shape;
  const bool one_tap = std::all_of(shape.begin() + 2, shape.end(),
                                   [](const Dim& extent) { return extent == Dim(1); });
  return All({Unless(!one_tap, absl::StrCat(m.node(conv)->name(), " has weights ",
                                            ToString(m[weights].type()), ", not 1x1")),
              HasOneGroup(m, conv), HasNoPadding(m, conv), HasSingleReader(m, conv)});
}

// One gate for all channels, or one channel for all gates, would broadcast.
Condition HasOneGateAChannel(const Match& m) {
  const Dim &gates = m["w2"].type().dim(0), &channels = m["x"].type().dim(1);
  return Unless(gates != channels, absl::StrCat(m.node("expand")->name(), " has ", gates.ToString(),
                                                " filters for ", channels.ToString(), " channels"));
}

Condition FuseSqueezeExcitationHolds(const Match& m) {
  return All({HasOneGateAChannel(m), HasSingleReader(m, "mean"), IsProduct(m, "reduce", "w1"),
              HasSingleReader(m, "activation"), IsProduct(m, "expand", "w2"),
              HasSingleReader(m, "gate")});
}

std::vector<PostOp> FunctionOf(const Node& node) {
  return {{.op = std::string(node.op_name()), .attributes = node.attributes(), .input = -1}};
}

std::vector<Value> FuseSqueezeExcitationReplace(const Match& m, Rewriter& r) {
  return {r.OpAs(
      m.root()->name(), "SqueezeExcitation", {m["x"], m["w1"], m["b1"], m["w2"], m["b2"]},
      {{"activation", FunctionOf(*m.node("activation"))}, {"gate", FunctionOf(*m.node("gate"))}})};
}

}  // namespace

Pass FuseSqueezeExcitation() {
  const auto conv = [](Pattern x, std::string w, std::string b) {
    return Op("Conv", {std::move(x), Any().As(std::move(w)), Any().As(std::move(b)).Optional()});
  };
  const Pattern mean = Op("ReduceMean", {Any().As("x")}).Where(IsMeanOfChannels).As("mean");
  const Pattern activation =
      OneOf(SqueezeActivations(), {conv(mean, "w1", "b1").As("reduce")}).As("activation");
  return ToPass(
      {.name = "fuse_squeeze_excitation",
       .doc = "scale channels by what two products make of their means, in one node",
       .pattern = Op(
           "Mul", {Any().As("x"),
                   OneOf(SqueezeGates(), {conv(activation, "w2", "b2").As("expand")}).As("gate")}),
       .conditions = FuseSqueezeExcitationHolds,
       .rewrite = FuseSqueezeExcitationReplace});
}

}  // namespace weft
