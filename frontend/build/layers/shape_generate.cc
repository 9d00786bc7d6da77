#include <utility>

#include "frontend/build/builder.h"
#include "frontend/build/builder_layer.h"
#include "frontend/build/layers/shape.h"

// Layers that make elements from positions, dims or nothing.

namespace weft {
namespace {

constexpr DTypeSet kSignedNumbers = {DType::kF32, DType::kF64, DType::kI32, DType::kI64};

}  // namespace

Value ShapeLayers::Trilu(Value x, const TriluOptions& o, Where where) {
  Layer layer(builder(), "Trilu", o.name, where);
  Value k;
  if (o.k != 0) k = layer.Constant("k", *Tensor::FromInts(std::vector{o.k}).Reshaped({}));
  return layer.Node({x, k}, {{"upper", o.upper ? 1 : 0}});
}

Value ShapeLayers::EyeLike(Value x, const EyeLikeOptions& o, Where where) {
  AttributeMap attributes = {{"k", o.k}};
  if (o.dtype) attributes.emplace("dtype", *o.dtype);
  return builder().Op("EyeLike", {x}, std::move(attributes), {o.name}, where);
}

Value ShapeLayers::Range(double start, double limit, double delta, DType dtype, const NameOption& o,
                         Where where) {
  Layer layer(builder(), "Range", o.name, where);
  if (!layer.ok()) return {};
  if (!kSignedNumbers.contains(dtype)) {
    return layer.Fail(absl::InvalidArgumentError(
        absl::StrCat("expected ", kSignedNumbers.ToString(), ", got ", Absl(ToString(dtype)))));
  }
  const auto number = [&](std::string_view suffix, double value) {
    return layer.Constant(suffix, Tensor::Scalar(value, dtype));
  };
  return layer.Node({number("start", start), number("limit", limit), number("delta", delta)});
}

Value ShapeLayers::Full(const Dims& dims, double value, DType dtype, const NameOption& o,
                        Where where) {
  Layer layer(builder(), "ConstantOfShape", o.name, where);
  if (!layer.ok()) return {};
  // A scalar can always become [1].
  return layer.Node({layer.Constant("shape", Tensor::FromInts(dims))},
                    {{"value", *Tensor::Scalar(value, dtype).Reshaped({1})}});
}

Value ShapeLayers::Zeros(const Dims& dims, DType dtype, const NameOption& o, Where where) {
  return Full(dims, 0, dtype, o, where);
}

Value ShapeLayers::Shape(Value x, const ShapeOptions& o, Where where) {
  AttributeMap attributes = {{"start", o.start}};
  if (o.end) attributes.emplace("end", *o.end);
  return builder().Op("Shape", {x}, std::move(attributes), {o.name}, where);
}

Value ShapeLayers::Size(Value x, const NameOption& o, Where where) {
  return builder().Op("Size", {x}, {}, o, where);
}

}  // namespace weft
