// Normalizations written out, in three steps. First the bare one, whose axes say which it is:
//
//   d = x - mean(x);  d / sqrt(mean(d^2) + epsilon)
//       =>  LayerNormalization(x, 1)         over the last axes
//       =>  InstanceNormalization(x, 1, 0)   over all axes of an image
//
// then groups of channels, which exporters make instances of:
//
//   reshape(InstanceNormalization(reshape(x, [N,G,-1]), s, b), [N,C,H,W])
//       =>  GroupNormalization(x, s by channel, b by channel)
//
// and last what follows it:
//
//   normalization(x, s, b) * c => normalization(x, s*c, b*c)     normalization(x, s, b) + c
//   likewise

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "passes/axes.h"
#include "passes/recognize/recognize.h"

namespace weft {
namespace {

constexpr std::string_view kLayer = "LayerNormalization";

Pattern BareForm() {
  const Pattern d =
      Op("Sub", {Any().As("x"), Op("ReduceMean", {Any().As("x")}).As("mean")}).As("d");
  const Pattern square = Either({Op("Pow", {Any().As("d"), Number().As("two")}),
                                 Op("Mul", {Any().As("d"), Any().As("d")})})
                             .As("square");
  const Pattern variance = Op("ReduceMean", {square}).As("variance");
  const Pattern deviation =
      Op("Sqrt", {Op("Add", {variance, Number().As("epsilon")}).As("sum")}).As("deviation");
  return Either({Op("Div", {d, deviation}),
                 Op("Mul", {d, Op("Reciprocal", {deviation}).As("inverse")})})
      .As("y");
}

bool AreTheLast(const std::vector<int64_t>& axes, int rank) {
  for (size_t i = 0; i < axes.size(); ++i) {
    if (axes[i] != rank - std::ssize(axes) + static_cast<int64_t>(i)) return false;
  }
  return !axes.empty();
}

// Of [N,C,H,W] and higher over all but N and C. [N,T,C] over C is a layer's.
bool IsOverImages(const std::vector<int64_t>& axes) { return axes.size() >= 2 && axes[0] == 2; }

// The dims that scale and bias have: those normalized, or the channels.
Shape AffineShape(const TensorType& x, const std::vector<int64_t>& axes) {
  if (IsOverImages(axes)) return {x.dim(1)};
  return {x.shape.begin() + axes[0], x.shape.end()};
}

Condition IsBare(const Match& m) {
  const TensorType& x = m["x"].type();
  const std::vector<int64_t> axes = ReducedAxes(*m.node("mean"));
  if (!AreTheLast(axes, x.rank())) {
    return Unless(true, absl::StrCat(m.node("mean")->name(), " is over the axes ", ToString(axes),
                                     ", not the last ones"));
  }
  const Shape affine = AffineShape(x, axes);
  const double epsilon = ConstantValue(m["epsilon"])->At(0);
  return All(
      {HaveSameType(m, "x", "y"), IsNumber(m, "two", 2), ReduceAlike(m, "mean", "variance"),
       Unless(!(epsilon >= 0) || !std::isfinite(epsilon), absl::StrCat("epsilon is ", epsilon)),
       Unless(!StaticDims(affine).ok(), ToString(affine) + " is not known"),
       AreReadInside(m, {"mean", "d", "square", "variance", "sum", "deviation", "inverse"})});
}

// As a constant at once: of a whole image's elements, folding an Expand would decline.
Value Filled(Rewriter& r, double number, DType dtype, const Shape& shape) {
  const absl::StatusOr<Dims> dims = StaticDims(shape);
  if (!dims.ok()) return r.Fail(dims.status());
  absl::StatusOr<Tensor> tensor = Tensor::Zeros(DType::kF64, *dims);
  if (tensor.ok()) {
    std::ranges::fill(tensor->mutable_values<double>(), number);
    tensor = tensor->Converted(dtype);
  }
  return tensor.ok() ? r.Constant(*std::move(tensor)) : r.Fail(tensor.status());
}

std::vector<Value> ReplaceBare(const Match& m, Rewriter& r) {
  const TensorType x = m["x"].type();
  const std::vector<int64_t> axes = ReducedAxes(*m.node("mean"));
  const Shape affine = AffineShape(x, axes);
  AttributeMap attributes = {{"epsilon", ConstantValue(m["epsilon"])->At(0)}};
  const std::string name = m.root()->name();
  const Value ones = Filled(r, 1, x.dtype, affine);
  if (IsOverImages(axes)) {
    return {r.OpAs(name, "InstanceNormalization", {m["x"], ones, Filled(r, 0, x.dtype, affine)},
                   std::move(attributes))};
  }
  attributes["axis"] = axes[0];
  return {r.OpAs(name, kLayer, {m["x"], ones}, std::move(attributes))};
}

Condition AreGroups(const Match& m) {
  const TensorType &x = m["x"].type(), &groups = m["groups"].type();
  const bool fits = groups.rank() >= 3 && x.rank() >= 3 && groups.dim(0) == x.dim(0) &&
                    groups.dim(1).is_static() && x.dim(1).is_static() &&
                    groups.dim(1).coefficient() > 0 &&
                    x.dim(1).coefficient() % groups.dim(1).coefficient() == 0;
  return All({HaveSameType(m, "x", "y"), AreReadInside(m, {"groups", "instance"}),
              Unless(!fits, absl::StrCat(m["groups"].ToString(), " of ", ToString(groups),
                                         " is not groups of the channels of ", ToString(x)))});
}

std::vector<Value> ReplaceGroups(const Match& m, Rewriter& r) {
  const int64_t groups = m["groups"].type().dim(1).coefficient();
  const int64_t channels = m["x"].type().dim(1).coefficient();
  const auto by_channel = [&](Value v) {
    const Value column = r.Op("Reshape", {v, r.Ints({groups, 1})});
    const Value table = r.Op("Expand", {column, r.Ints({groups, channels / groups})});
    return r.Op("Reshape", {table, r.Ints({channels})});
  };
  AttributeMap attributes = m.node("instance")->attributes();
  attributes["num_groups"] = groups;
  const Value scale = by_channel(m["scale"]), bias = by_channel(m["bias"]);
  return {
      r.OpAs(m.root()->name(), "GroupNormalization", {m["x"], scale, bias}, std::move(attributes))};
}

Pattern GroupForm() {
  const std::vector<std::string> reshapes = {"Reshape", "ReshapeLike"};
  return OneOf(reshapes,
               {Op("InstanceNormalization", {OneOf(reshapes, {Any().As("x"), Rest()}).As("groups"),
                                             Any().As("scale"), Any().As("bias")})
                    .As("instance"),
                Rest()})
      .As("y");
}

// c can be multiplied with, or added to, scale and bias: its elements are theirs in number and
// order, or it is one number.
Condition FitsTheScale(const Match& m) {
  if (m.node("norm")->op_name() != kLayer) return IsPerChannel(m, "c", "norm");
  const TensorType &c = m["c"].type(), &scale = m["scale"].type();
  bool fits = c.rank() <= scale.rank();
  for (int axis = 0; fits && axis < c.rank(); ++axis) {
    const Dim& of_scale = scale.dim(axis + scale.rank() - c.rank());
    fits = c.dim(axis) == Dim(1) || c.dim(axis) == of_scale;
  }
  return Unless(!fits, absl::StrCat(m["c"].ToString(), " is ", ToString(c), ", ",
                                    m["scale"].ToString(), " ", ToString(scale)));
}

// A sum with infinite terms is another value than an infinite multiple of the sum.
Condition IsFiniteConstant(const Match& m) {
  const Tensor* c = ConstantValue(m["c"]);
  bool finite = true;
  for (int64_t i = 0; c != nullptr && i < c->size(); ++i)
    finite = finite && std::isfinite(c->At(i));
  return Unless(!finite, m["c"].ToString() + " has elements that are infinite or NaN");
}

Condition CanTakeOver(const Match& m) {
  return All({IsFiniteConstant(m), AreReadInside(m, {"norm"}), HaveSameType(m, "norm", "y"),
              IsConstant(m, "c"), IsConstant(m, "scale"), IsConstant(m, "bias"), FitsTheScale(m)});
}

std::vector<Value> TakeOver(const Match& m, Rewriter& r) {
  const Node& norm = *m.node("norm");
  const Value scale = m["scale"];
  const bool layer = norm.op_name() == kLayer;
  const Value c = layer ? m["c"] : r.Op("Reshape", {m["c"], r.Ints({-1})});
  std::vector<Value> inputs(norm.inputs().begin(), norm.inputs().end());
  if (m.root()->op_name() == "Mul") {
    inputs[1] = r.OpAs(scale.node->name(), "Mul", {scale, c});
    if (m["bias"]) inputs[2] = r.OpAs(m["bias"].node->name(), "Mul", {m["bias"], c});
  } else {
    Value bias = m["bias"];
    const std::string name = bias ? bias.node->name() : norm.name() + ".bias";
    if (bias.null()) bias = Filled(r, 0, scale.type().dtype, scale.type().shape);
    inputs.resize(3);
    inputs[2] = r.OpAs(name, "Add", {bias, c});
  }
  return {r.OpAs(norm.name(), norm.op_name(), std::move(inputs), norm.attributes())};
}

}  // namespace

std::vector<Pass> RecognizeNormalization() {
  return {
      ToPass({.name = "recognize_normalization",
              .doc = "make (x - mean) / deviation a LayerNormalization or InstanceNormalization",
              .pattern = BareForm(),
              .conditions = IsBare,
              .rewrite = ReplaceBare}),
      ToPass({.name = "recognize_group_normalization",
              .doc = "make an InstanceNormalization of reshaped channels a GroupNormalization",
              .pattern = GroupForm(),
              .conditions = AreGroups,
              .rewrite = ReplaceGroups}),
      ToPass({.name = "fold_normalization_scale",
              .doc = "fold a constant factor or addend into the normalization before it",
              .pattern =
                  OneOf({"Mul", "Add"},
                        {OneOf({std::string(kLayer), "InstanceNormalization", "GroupNormalization"},
                               {Any().As("x"), Any().As("scale"), Any().As("bias").Optional()})
                             .As("norm"),
                         Any().As("c")})
                      .As("y"),
              .conditions = CanTakeOver,
              .rewrite = TakeOver}),
  };
}

}  // namespace weft
