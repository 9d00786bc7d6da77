#include <utility>

#include "frontend/build/builder.h"
#include "frontend/build/builder_layer.h"
#include "frontend/build/layers/shape.h"

namespace weft {
namespace {

Value AddPad(Layer& layer, Value x, const PadOptions& o) {
  std::vector<int64_t> pads, ends, axes;
  for (const AxisPadding& axis : o.padding) {
    axes.push_back(axis.axis);
    pads.push_back(axis.begin);
    ends.push_back(axis.end);
  }
  pads.insert(pads.end(), ends.begin(), ends.end());
  const Value amounts = layer.Constant("pads", Tensor::FromInts(pads));
  Value fill;
  if (o.value != 0 && layer.ok() && !x.null()) {
    fill = layer.Constant("value", Tensor::Scalar(o.value, x.type().dtype));
  }
  return layer.Node({x, amounts, fill, layer.Constant("axes", Tensor::FromInts(axes))},
                    {{"mode", o.mode}});
}

Value PadImages(Builder& builder, Value x, const Border& border, PadOptions o,
                const Builder::Where& where) {
  Layer layer(builder, "Pad", o.name, where);
  if (!layer.ExpectRank(x, 4, "[N,C,H,W]")) return {};
  o.padding = {{2, border.top, border.bottom}, {3, border.left, border.right}};
  return AddPad(layer, x, o);
}

}  // namespace

Value ShapeLayers::Pad(Value x, const PadOptions& o, Where where) {
  Layer layer(builder(), "Pad", o.name, where);
  return AddPad(layer, x, o);
}

Value ShapeLayers::ZeroPad2d(Value x, const Border& border, const NameOption& o, Where where) {
  return PadImages(builder(), x, border, {.name = o.name}, where);
}

Value ShapeLayers::ConstantPad2d(Value x, const Border& border, double value, const NameOption& o,
                                 Where where) {
  return PadImages(builder(), x, border, {.value = value, .name = o.name}, where);
}

Value ShapeLayers::ReplicationPad2d(Value x, const Border& border, const NameOption& o,
                                    Where where) {
  return PadImages(builder(), x, border, {.mode = "edge", .name = o.name}, where);
}

Value ShapeLayers::ReflectionPad2d(Value x, const Border& border, const NameOption& o,
                                   Where where) {
  return PadImages(builder(), x, border, {.mode = "reflect", .name = o.name}, where);
}

Value ShapeLayers::SymmetricPad2d(Value x, const Border& border, const NameOption& o, Where where) {
  return PadImages(builder(), x, border, {.mode = "symmetric", .name = o.name}, where);
}

Value ShapeLayers::CircularPad2d(Value x, const Border& border, const NameOption& o, Where where) {
  return PadImages(builder(), x, border, {.mode = "wrap", .name = o.name}, where);
}

}  // namespace weft
