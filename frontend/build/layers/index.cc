#include "frontend/build/layers/index.h"

#include <numeric>
#include <utility>

#include "frontend/build/builder.h"
#include "frontend/build/builder_layer.h"

namespace weft {
namespace {

Tensor Vector(const std::vector<double>& values, DType dtype) {
  const auto tensor = Tensor::FromValues<double>({static_cast<int64_t>(values.size())}, values);
  return *tensor->Converted(dtype);  // of so few elements that neither can fail
}

// `values`, or its only element once for each axis.
template <typename T>
std::vector<T> ForEachAxis(const std::vector<T>& values, size_t axes) {
  return values.size() == 1 ? std::vector<T>(axes, values[0]) : values;
}

// The node of a Resize whose kind of options the layer has checked.
Value ResizeNode(Layer& layer, Value x, const ResizeOptions& o) {
  if (o.sizes.empty() == o.scales.empty()) {
    return layer.Fail(absl::InvalidArgumentError(absl::StrCat(
        "expected either sizes or scales, got ", o.sizes.empty() ? "neither" : "both")));
  }
  if (x.null()) return layer.Node({x});  // says what is missing
  std::vector<Value> inputs = {x, Value()};
  if (!o.roi.empty()) inputs[1] = layer.Constant("roi", Vector(o.roi, layer.dtype()));
  if (o.scales.empty()) {
    inputs.push_back(Value());
    inputs.push_back(layer.Ints(o.sizes));
  } else {
    inputs.push_back(layer.Constant("scales", Vector(o.scales, DType::kF32)));
  }
  AttributeMap attributes = {{"coordinate_transformation_mode", o.coordinates},
                             {"cubic_coeff_a", o.cubic_a},
                             {"exclude_outside", o.exclude_outside ? 1 : 0},
                             {"extrapolation_value", o.extrapolation_value},
                             {"mode", o.mode},
                             {"nearest_mode", o.nearest_mode}};
  if (!o.axes.empty()) attributes["axes"] = o.axes;
  return layer.Node(std::move(inputs), std::move(attributes));
}

}  // namespace

Value IndexLayers::Gather(Value x, Value indices, const GatherOptions& o, Where where) {
  return builder().Op("Gather", {x, indices}, {{"axis", o.axis}}, {o.name}, where);
}

Value IndexLayers::GatherElements(Value x, Value indices, const GatherOptions& o, Where where) {
  return builder().Op("GatherElements", {x, indices}, {{"axis", o.axis}}, {o.name}, where);
}

Value IndexLayers::GatherND(Value x, Value indices, const GatherNDOptions& o, Where where) {
  return builder().Op("GatherND", {x, indices}, {{"batch_dims", o.batch_dims}}, {o.name}, where);
}

Value IndexLayers::ScatterElements(Value x, Value indices, Value updates,
                                   const ScatterElementsOptions& o, Where where) {
  return builder().Op("ScatterElements", {x, indices, updates},
                      {{"axis", o.axis}, {"reduction", o.reduction}}, {o.name}, where);
}

Value IndexLayers::ScatterND(Value x, Value indices, Value updates, const ScatterNDOptions& o,
                             Where where) {
  return builder().Op("ScatterND", {x, indices, updates}, {{"reduction", o.reduction}}, {o.name},
                      where);
}

Value IndexLayers::OneHot(Value indices, const OneHotOptions& o, Where where) {
  Layer layer(builder(), "OneHot", o.name, where);
  if (!layer.ExpectAtLeast("a depth", o.depth, 1)) return {};
  const Value depth = layer.Scalar(static_cast<double>(o.depth), DType::kI64);
  const Value values =
      layer.Constant("values", Vector({o.off, o.on}, o.dtype.value_or(layer.dtype())));
  return layer.Node({indices, depth, values}, {{"axis", o.axis}});
}

Value IndexLayers::Embedding(Value indices, const EmbeddingOptions& o, Where where) {
  Layer layer(builder(), "Embedding", o.name, where);
  if (!layer.ExpectAtLeast("a count", o.count, 1) ||
      !layer.ExpectAtLeast("features", o.features, 1)) {
    return {};
  }
  const Value weight = layer.Parameter("weight", {o.count, o.features}, o.init);
  return layer.Result("Gather", {weight, indices}, {{"axis", 0}});
}

Value IndexLayers::Resize(Value x, const ResizeOptions& o, Where where) {
  Layer layer(builder(), "Resize", o.name, where);
  return ResizeNode(layer, x, o);
}

Value IndexLayers::Upsample(Value x, const UpsampleOptions& o, Where where) {
  Layer layer(builder(), "Resize", o.name, where);
  if (!layer.ok()) return {};
  if (x.null() || x.type().rank() < 3) {
    layer.ExpectRank(x, 3, "[N,C,..]");
    return {};
  }
  const auto spatial = static_cast<size_t>(x.type().rank() - 2);
  ResizeOptions resize{.sizes = ForEachAxis(o.size, spatial),
                       .scales = ForEachAxis(o.scale, spatial),
                       .mode = o.mode};
  resize.axes.resize(spatial);
  std::iota(resize.axes.begin(), resize.axes.end(), 2);
  if (o.mode == "nearest") {
    resize.coordinates = "asymmetric";
    resize.nearest_mode = "floor";
  } else if (o.align_corners) {
    resize.coordinates = "align_corners";
  }
  return ResizeNode(layer, x, resize);
}

}  // namespace weft
