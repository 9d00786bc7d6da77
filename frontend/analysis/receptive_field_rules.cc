#include "frontend/analysis/receptive_field_rules.h"

#include <algorithm>
#include <map>

#include "frontend/analysis/receptive_field_shapes.h"
#include "graph/op.h"
#include "ops/post_ops.h"

namespace weft {
namespace {

// --- Rearrangements ---

absl::StatusOr<Trace> Transpose(const FieldContext& c) {
  WEFT_ASSIGN_OR_RETURN(Trace trace, OnlyOf(c));
  const Shape& x = ShapeOf(c);
  std::vector<int64_t> perm = GetInts(c.node.attributes(), "perm");
  for (size_t i = x.size(); perm.size() < x.size(); --i)
    perm.push_back(static_cast<int64_t>(i) - 1);
  for (TracedAxis& traced : trace) {
    AxisSet along;
    for (size_t i = 0; i < perm.size(); ++i) along[i] = traced.along[static_cast<size_t>(perm[i])];
    traced.along = along;
  }
  return trace;
}

absl::StatusOr<Trace> Reshape(const FieldContext& c) {
  WEFT_ASSIGN_OR_RETURN(Trace trace, OnlyOf(c));
  Regroup(trace, ShapeOf(c), c.node.type().shape);
  return trace;
}

absl::StatusOr<Dims> ConstantInts(const FieldContext& c, int input) {
  const Tensor* tensor = ConstantValue(c.node.input(input));
  if (tensor == nullptr)
    return Unknown("expected a constant input ", input, ", got a computed one");
  Dims values;
  for (int64_t i = 0; i < tensor->size(); ++i) {
    values.push_back(static_cast<int64_t>(tensor->At(i)));
  }
  return values;
}

// The axes that input `input` names, all of `count` where it is absent.
absl::StatusOr<std::vector<size_t>> NamedAxes(const FieldContext& c, int input, size_t count) {
  const int rank = c.node.input(0).type().rank();
  Dims given;
  for (size_t i = 0; i < count; ++i) given.push_back(static_cast<int64_t>(i));
  if (!c.node.input(input).null()) {
    WEFT_ASSIGN_OR_RETURN(given, ConstantInts(c, input));
  }
  std::vector<size_t> axes;
  for (int64_t axis : given) {
    WEFT_ASSIGN_OR_RETURN(const int normal, NormalizeAxis(axis, rank));
    axes.push_back(static_cast<size_t>(normal));
  }
  return axes;
}

absl::StatusOr<Trace> Pad(const FieldContext& c) {
  WEFT_ASSIGN_OR_RETURN(Trace trace, OnlyOf(c));
  WEFT_ASSIGN_OR_RETURN(const Dims pads, ConstantInts(c, 1));
  WEFT_ASSIGN_OR_RETURN(const auto axes, NamedAxes(c, 3, pads.size() / 2));
  for (size_t i = 0; i < axes.size() && i < pads.size(); ++i) {
    WEFT_RETURN_IF_ERROR(Slide(trace, axes[i], 1, 1, static_cast<double>(pads[i])));
  }
  return trace;
}

absl::StatusOr<Trace> Slice(const FieldContext& c) {
  WEFT_ASSIGN_OR_RETURN(Trace trace, OnlyOf(c));
  WEFT_ASSIGN_OR_RETURN(const Dims starts, ConstantInts(c, 1));
  WEFT_ASSIGN_OR_RETURN(const auto axes, NamedAxes(c, 3, starts.size()));
  Dims steps(starts.size(), 1);
  if (!c.node.input(4).null()) {
    WEFT_ASSIGN_OR_RETURN(steps, ConstantInts(c, 4));
  }
  for (size_t i = 0; i < axes.size() && i < steps.size(); ++i) {
    if (!MovesAlong(trace, axes[i])) continue;
    const Dim& extent = ShapeOf(c)[axes[i]];
    int64_t start = starts[i];
    if (steps[i] < 1) return Unknown("a slice backwards");
    if (start < 0 && !extent.is_static()) return Unknown("a slice from an unknown end");
    if (start < 0) start = std::max<int64_t>(start + extent.coefficient(), 0);
    WEFT_RETURN_IF_ERROR(
        Slide(trace, axes[i], 1, static_cast<double>(steps[i]), -static_cast<double>(start)));
  }
  return trace;
}

// The pieces of Concat are branches; those of Split see what the whole sees.
absl::StatusOr<Trace> Joined(const FieldContext& c) {
  WEFT_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(GetInt(c.node.attributes(), "axis"),
                                                      c.node.input(0).type().rank()));
  std::vector<Trace> branches;
  for (const std::optional<Trace>& input : c.inputs) {
    if (!input) continue;
    if (MovesAlong(*input, static_cast<size_t>(axis))) {
      return Unknown("pieces along axis ", axis, ", a spatial one");
    }
    branches.push_back(*input);
  }
  return Union(std::move(branches));
}

// --- Everything along some axes ---

absl::StatusOr<AxisSet> AxesAttribute(const FieldContext& c, std::string_view name) {
  const int rank = c.node.input(0).type().rank();
  AxisSet set;
  const Dims axes = GetInts(c.node.attributes(), name);
  for (int axis = 0; axis < rank && axes.empty(); ++axis) set.set(static_cast<size_t>(axis));
  for (int64_t axis : axes) {
    WEFT_ASSIGN_OR_RETURN(const int normal, NormalizeAxis(axis, rank));
    set.set(static_cast<size_t>(normal));
  }
  return set;
}

absl::StatusOr<Trace> Reduce(const FieldContext& c) {
  WEFT_ASSIGN_OR_RETURN(Trace trace, OnlyOf(c));
  WEFT_ASSIGN_OR_RETURN(const AxisSet axes, AxesAttribute(c, "axes"));
  See(trace, axes);
  if (GetInt(c.node.attributes(), "keepdims", 1) == 0) Drop(trace, axes);
  return trace;
}

// Softmax and the like: each unit sees its whole row along `axis`, of which the result may have
// one.
absl::StatusOr<Trace> AlongAxis(const FieldContext& c) {
  WEFT_ASSIGN_OR_RETURN(Trace trace, OnlyOf(c));
  const int64_t fallback = c.node.op_name() == "ArgMax" || c.node.op_name() == "ArgMin" ? 0 : -1;
  WEFT_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(GetInt(c.node.attributes(), "axis", fallback),
                                                      c.node.input(0).type().rank()));
  const AxisSet axes = AxisSet().set(static_cast<size_t>(axis));
  See(trace, axes);
  if (c.node.type().rank() < c.node.input(0).type().rank()) Drop(trace, axes);
  return trace;
}

// LayerNormalization: all axes from `axis` on.
absl::StatusOr<Trace> FromAxis(const FieldContext& c) {
  WEFT_ASSIGN_OR_RETURN(Trace trace, OnlyOf(c));
  const int rank = c.node.input(0).type().rank();
  WEFT_ASSIGN_OR_RETURN(const int first,
                        NormalizeAxis(GetInt(c.node.attributes(), "axis", -1), rank));
  AxisSet axes;
  for (int axis = first; axis < rank; ++axis) axes.set(static_cast<size_t>(axis));
  See(trace, axes);
  return trace;
}

// Normalization by the mean of each example's image; losses, which read all there is.
absl::StatusOr<Trace> WholeImage(const FieldContext& c) {
  WEFT_ASSIGN_OR_RETURN(Trace trace, OnlyOf(c));
  See(trace, ~AxisSet());
  return trace;
}

// Each unit reads all channels, or any one of them.
absl::StatusOr<Trace> AcrossChannels(const FieldContext& c) {
  WEFT_ASSIGN_OR_RETURN(Trace trace, OnlyOf(c));
  See(trace, AxisSet().set(1));
  return trace;
}

// A B: a row of A, all of B's rows. One of them may depend on the input.
absl::StatusOr<Trace> MatrixProduct(const FieldContext& c) {
  const int data = c.inputs[0] ? 0 : 1;
  WEFT_ASSIGN_OR_RETURN(Trace trace, OnlyOf(c, data));
  const AttributeMap& attributes = c.node.attributes();
  const auto rank = static_cast<size_t>(c.node.input(data).type().rank());
  if (rank < 2 || c.node.type().rank() != static_cast<int>(rank)) {
    See(trace, ~AxisSet());
    return trace;
  }
  const bool transposed = GetInt(attributes, data == 0 ? "transA" : "transB") != 0;
  const size_t inner = (data == 0) == transposed ? rank - 2 : rank - 1, kept = 2 * rank - 3 - inner;
  const size_t result = data == 0 ? rank - 2 : rank - 1;
  See(trace, AxisSet().set(inner));
  for (TracedAxis& traced : trace) {
    const bool moves = traced.along[kept];
    traced.along.reset(kept);
    traced.along.set(result, moves);
  }
  return trace;
}

// --- Element by element ---

// Input `i`, which is broadcast to the result.
absl::StatusOr<Trace> Broadcast(const FieldContext& c, size_t i) {
  const Shape &shape = ShapeOf(c, static_cast<int>(i)), &y = c.node.type().shape;
  const size_t shift = y.size() - shape.size();
  Trace trace = *c.inputs[i];
  for (TracedAxis& traced : trace) {
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      if (!traced.along[axis] || shape[axis] == y[axis + shift]) continue;
      return Unknown("units along axis ", axis, " of input ", i, " are broadcast");
    }
    traced.along <<= shift;
  }
  return trace;
}

absl::StatusOr<Trace> Elementwise(const FieldContext& c) {
  std::vector<Trace> branches;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    if (!c.inputs[i]) continue;
    WEFT_ASSIGN_OR_RETURN(branches.emplace_back(), Broadcast(c, i));
  }
  return Union(std::move(branches));
}

// FusedConv, …: what it was fused from, and the operands of its post-ops as branches.
absl::StatusOr<Trace> Fused(const FieldContext& c) {
  FieldContext product{c.node, c.inputs};
  product.inputs.resize(static_cast<size_t>(FirstOperandOf(c.node.op())));
  std::vector<Trace> branches;
  if (std::ranges::any_of(product.inputs, [](const auto& trace) { return trace.has_value(); })) {
    const FieldRule rule = FieldRuleOf(*UnfusedFormOf(c.node.op()));
    WEFT_ASSIGN_OR_RETURN(branches.emplace_back(), rule(product));
  }
  for (size_t i = product.inputs.size(); i < c.inputs.size(); ++i) {
    if (!c.inputs[i]) continue;
    WEFT_ASSIGN_OR_RETURN(branches.emplace_back(), Broadcast(c, i));
  }
  return Union(std::move(branches));
}

// BatchNormalization, LRN, …: the other inputs are parameters.
absl::StatusOr<Trace> LikeFirst(const FieldContext& c) { return OnlyOf(c); }

// Of the ops whose traits do not say it.
const std::map<std::string_view, FieldRule>& Rules() {
  static const auto& rules = *[] {
    auto* all = new std::map<std::string_view, FieldRule>{
        {"Conv", ConvFields},
        {"ConvTranspose", ConvTransposeFields},
        {"DepthToSpace", BlockFields},
        {"SpaceToDepth", BlockFields},
        {"Resize", ResizeFields},
        {"AdaptiveAveragePool", AdaptivePoolFields},
        {"AdaptiveMaxPool", AdaptivePoolFields},
        {"MaxUnpool", UnpoolFields},
        {"ChannelShuffle", AcrossChannels},
        {"Transpose", Transpose},
        {"Pad", Pad},
        {"Slice", Slice},
        {"Gemm", MatrixProduct},
        {"MatMul", MatrixProduct},
        {"LayerNormalization", FromAxis},
        {"ArgMax", AlongAxis},
        {"ArgMin", AlongAxis},
        {"LpNormalization", AlongAxis},
    };
    const auto add = [all](FieldRule rule, std::initializer_list<std::string_view> ops) {
      for (std::string_view op : ops) all->emplace(op, rule);
    };
    add(Elementwise, {"Expand", "Trilu"});
    add(Fused, {"FusedConv", "FusedConvTranspose", "FusedGemm", "FusedMatMul"});
    add(LikeFirst, {"BatchNormalization", "LRN", "Bernoulli"});
    add(PoolFields,
        {"AveragePool", "LpPool", "MaxPool", "MedianPool", "StochasticPool", "TournamentPool"});
    add(Reshape, {"Flatten", "Reshape", "ReshapeLike", "Squeeze", "Unsqueeze"});
    add(Joined, {"Concat", "Split"});
    add(AlongAxis, {"Hardmax", "LogSoftmax", "Softmax"});
    add(WholeImage, {"GroupNormalization", "InstanceNormalization", "NegativeLogLikelihoodLoss",
                     "SoftmaxCrossEntropyLoss", "SqueezeExcitation"});
    return all;
  }();
  return rules;
}

}  // namespace

std::vector<std::string_view> OpsWithFieldRule() {
  std::vector<std::string_view> ops;
  for (const auto& [op, rule] : Rules()) ops.push_back(op);
  return ops;
}

FieldRule FieldRuleOf(const OpDef& op) {
  const auto found = Rules().find(op.name);
  if (found != Rules().end()) return found->second;
  if (op.traits.elementwise) return Elementwise;
  return op.traits.reduction ? Reduce : nullptr;
}

}  // namespace weft
