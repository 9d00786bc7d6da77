#include "frontend/build/layers/norm.h"

#include <algorithm>
#include <array>
#include <utility>

#include "frontend/build/builder.h"
#include "frontend/build/builder_layer.h"

namespace weft {
namespace {

// What an image of so many spatial axes looks like.
constexpr std::array<std::string_view, 4> kForms = {"[N,C]", "[N,C,L]", "[N,C,H,W]", "[N,C,D,H,W]"};

// The parameter NAME.suffix, or a constant of that name, full of one number.
Value Filled(Layer& layer, std::string_view suffix, Dims dims, Value x, double value, bool learnt) {
  if (!layer.ok()) return {};
  if (learnt) return layer.Parameter(suffix, dims, Initializer::Constant(value));
  // Of another type the node says that it is wrong.
  const DType dtype = kFloatTypes.contains(x.type().dtype) ? x.type().dtype : DType::kF32;
  absl::StatusOr<Tensor> tensor = Tensor::Zeros(DType::kF64, std::move(dims));
  if (tensor.ok()) {
    std::ranges::fill(tensor->mutable_values<double>(), value);
    tensor = tensor->Converted(dtype);
  }
  if (!tensor.ok()) return layer.Fail(tensor.status());
  return layer.Constant(suffix, *std::move(tensor));
}

// A node with a weight and a bias per channel.
Value NormalizePerChannel(Layer& layer, Value x, bool affine, AttributeMap attributes) {
  const Dims channels = {layer.KnownExtent(x, 1, "channels")};
  return layer.Node({x, Filled(layer, "weight", channels, x, 1, affine),
                     Filled(layer, "bias", channels, x, 0, affine)},
                    std::move(attributes));
}

}  // namespace

Value NormLayers::BatchNorm(Value x, int space, const BatchNormOptions& o, Where where) {
  Layer layer(builder(), "BatchNormalization", o.name, where);
  const bool flat = space == 1 && x && x.type().rank() == 2;
  if (!layer.ExpectRank(x, flat ? 2 : space + 2,
                        space == 1 ? "[N,C] or [N,C,L]" : kForms[static_cast<size_t>(space)])) {
    return {};
  }
  const Dims dims = {layer.KnownExtent(x, 1, "channels")};
  const Initializer zeros = Initializer::Constant(0), ones = Initializer::Constant(1);
  std::vector<Value> inputs = {x, layer.Parameter("weight", dims, ones),
                               layer.Parameter("bias", dims, zeros),
                               layer.Parameter("running_mean", dims, zeros, {}, kStatistic),
                               layer.Parameter("running_var", dims, ones, {}, kStatistic)};
  return layer.Node(std::move(inputs), {{"epsilon", o.epsilon},
                                        {"momentum", 1 - o.momentum},
                                        {"running_variance", o.unbiased ? "unbiased" : "biased"}});
}

Value NormLayers::BatchNorm1d(Value x, const BatchNormOptions& o, Where where) {
  return BatchNorm(x, 1, o, where);
}
Value NormLayers::BatchNorm2d(Value x, const BatchNormOptions& o, Where where) {
  return BatchNorm(x, 2, o, where);
}
Value NormLayers::BatchNorm3d(Value x, const BatchNormOptions& o, Where where) {
  return BatchNorm(x, 3, o, where);
}

Value NormLayers::LayerNorm(Value x, const LayerNormOptions& o, Where where) {
  Layer layer(builder(), "LayerNormalization", o.name, where);
  if (!layer.ok()) return {};
  const int rank = x ? x.type().rank() : 0;
  const int axes = o.axes == 0 ? rank - 1 : o.axes;
  if (axes < 1 || axes > rank) {
    return layer.Fail(absl::InvalidArgumentError(
        absl::StrCat("expected to normalize 1 to rank axes, got ", axes, " of ",
                     x ? ToString(x.type()) : std::string("none"))));
  }
  Dims dims;
  for (int axis = rank - axes; axis < rank; ++axis) {
    dims.push_back(layer.KnownExtent(x, axis, "elements to normalize"));
  }
  std::vector<Value> inputs = {x,
                               Filled(layer, "weight", o.affine ? dims : Dims{1}, x, 1, o.affine)};
  if (o.affine && o.bias) inputs.push_back(Filled(layer, "bias", dims, x, 0, true));
  return layer.Node(std::move(inputs), {{"axis", rank - axes}, {"epsilon", o.epsilon}});
}

Value NormLayers::InstanceNorm(Value x, int space, const InstanceNormOptions& o, Where where) {
  Layer layer(builder(), "InstanceNormalization", o.name, where);
  if (!layer.ExpectRank(x, space + 2, kForms[static_cast<size_t>(space)])) return {};
  return NormalizePerChannel(layer, x, o.affine, {{"epsilon", o.epsilon}});
}

Value NormLayers::InstanceNorm1d(Value x, const InstanceNormOptions& o, Where where) {
  return InstanceNorm(x, 1, o, where);
}
Value NormLayers::InstanceNorm2d(Value x, const InstanceNormOptions& o, Where where) {
  return InstanceNorm(x, 2, o, where);
}
Value NormLayers::InstanceNorm3d(Value x, const InstanceNormOptions& o, Where where) {
  return InstanceNorm(x, 3, o, where);
}

Value NormLayers::GroupNorm(Value x, const GroupNormOptions& o, Where where) {
  Layer layer(builder(), "GroupNormalization", o.name, where);
  if (layer.ok() && (!x || x.type().rank() < 2)) {
    layer.ExpectRank(x, 4, "[N,C,...]");
  }
  if (!layer.ok()) return {};
  return NormalizePerChannel(layer, x, o.affine,
                             {{"num_groups", o.groups}, {"epsilon", o.epsilon}});
}

Value NormLayers::LocalResponseNorm(Value x, const LocalResponseNormOptions& o, Where where) {
  return builder().Op("LRN", {x},
                      {{"size", o.size}, {"alpha", o.alpha}, {"beta", o.beta}, {"bias", o.k}},
                      {o.name}, where);
}

Value NormLayers::LpNorm(Value x, const LpNormOptions& o, Where where) {
  return builder().Op("LpNormalization", {x}, {{"axis", o.axis}, {"p", o.p}}, {o.name}, where);
}

Value NormLayers::MeanVarianceNorm(Value x, const MeanVarianceNormOptions& o, Where where) {
  Layer layer(builder(), "MeanVarianceNormalization", o.name, where);
  const AttributeMap axes = {{"axes", o.axes}};
  // Twice, since the mean is rounded as x is: what that leaves of a large one is not in the
  // variance.
  const Value nearly = layer.Part("Sub", {x, layer.Part("ReduceMean", {x}, axes)});
  const Value centered = layer.Part("Sub", {nearly, layer.Part("ReduceMean", {nearly}, axes)});
  const Value square = layer.Part("Mul", {centered, centered});
  const Value deviation = layer.Part("Sqrt", {layer.Part("ReduceMean", {square}, axes)});
  const Value epsilon = layer.Scalar(o.epsilon, x ? x.type().dtype : DType::kF32);
  return layer.Result("Div", {centered, layer.Part("Add", {deviation, epsilon})});
}

}  // namespace weft
