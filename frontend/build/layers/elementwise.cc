#include "frontend/build/layers/elementwise.h"

#include <utility>

#include "frontend/build/builder.h"
#include "frontend/build/builder_layer.h"

namespace weft {

Value ElementwiseLayers::Sqrt(Value x, const NameOption& o, Where where) {
  return builder().Op("Sqrt", {x}, {}, o, where);
}

Value ElementwiseLayers::Neg(Value x, const NameOption& o, Where where) {
  return builder().Op("Neg", {x}, {}, o, where);
}

Value ElementwiseLayers::Identity(Value x, const NameOption& o, Where where) {
  return builder().Op("Identity", {x}, {}, o, where);
}

Value ElementwiseLayers::Add(Value a, Value b, const NameOption& o, Where where) {
  return builder().Op("Add", {a, b}, {}, o, where);
}

Value ElementwiseLayers::Sub(Value a, Value b, const NameOption& o, Where where) {
  return builder().Op("Sub", {a, b}, {}, o, where);
}

Value ElementwiseLayers::Mul(Value a, Value b, const NameOption& o, Where where) {
  return builder().Op("Mul", {a, b}, {}, o, where);
}

Value ElementwiseLayers::Div(Value a, Value b, const NameOption& o, Where where) {
  return builder().Op("Div", {a, b}, {}, o, where);
}

Value ElementwiseLayers::Mod(Value a, Value b, const ModOptions& o, Where where) {
  const bool floating = a && kFloatTypes.contains(a.type().dtype);
  return builder().Op("Mod", {a, b}, {{"fmod", o.fmod || floating ? 1 : 0}}, {o.name}, where);
}

Value ElementwiseLayers::BitShift(Value a, Value b, const BitShiftOptions& o, Where where) {
  return builder().Op("BitShift", {a, b}, {{"direction", o.direction}}, {o.name}, where);
}

Value ElementwiseLayers::Pow(Value a, Value b, const NameOption& o, Where where) {
  return builder().Op("Pow", {a, b}, {}, o, where);
}

Value ElementwiseLayers::Equal(Value a, Value b, const NameOption& o, Where where) {
  return builder().Op("Equal", {a, b}, {}, o, where);
}

Value ElementwiseLayers::Greater(Value a, Value b, const NameOption& o, Where where) {
  return builder().Op("Greater", {a, b}, {}, o, where);
}

Value ElementwiseLayers::GreaterOrEqual(Value a, Value b, const NameOption& o, Where where) {
  return builder().Op("GreaterOrEqual", {a, b}, {}, o, where);
}

Value ElementwiseLayers::Less(Value a, Value b, const NameOption& o, Where where) {
  return builder().Op("Less", {a, b}, {}, o, where);
}

Value ElementwiseLayers::LessOrEqual(Value a, Value b, const NameOption& o, Where where) {
  return builder().Op("LessOrEqual", {a, b}, {}, o, where);
}

Value ElementwiseLayers::And(Value a, Value b, const NameOption& o, Where where) {
  return builder().Op("And", {a, b}, {}, o, where);
}

Value ElementwiseLayers::Or(Value a, Value b, const NameOption& o, Where where) {
  return builder().Op("Or", {a, b}, {}, o, where);
}

Value ElementwiseLayers::Xor(Value a, Value b, const NameOption& o, Where where) {
  return builder().Op("Xor", {a, b}, {}, o, where);
}

Value ElementwiseLayers::Select(Value condition, Value x, Value y, const NameOption& o,
                                Where where) {
  return builder().Op("Where", {condition, x, y}, {}, o, where);
}

Value ElementwiseLayers::Max(std::vector<Value> xs, const NameOption& o, Where where) {
  return builder().Op("Max", std::move(xs), {}, o, where);
}

Value ElementwiseLayers::Mean(std::vector<Value> xs, const NameOption& o, Where where) {
  return builder().Op("Mean", std::move(xs), {}, o, where);
}

Value ElementwiseLayers::Min(std::vector<Value> xs, const NameOption& o, Where where) {
  return builder().Op("Min", std::move(xs), {}, o, where);
}

Value ElementwiseLayers::Sum(std::vector<Value> xs, const NameOption& o, Where where) {
  return builder().Op("Sum", std::move(xs), {}, o, where);
}

}  // namespace weft
