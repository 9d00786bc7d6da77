#include "frontend/build/builder.h"
#include "frontend/build/builder_layer.h"
#include "frontend/build/layers/elementwise.h"

// The functions of one operand.

namespace weft {

Value ElementwiseLayers::Abs(Value x, const NameOption& o, Where where) {
  return builder().Op("Abs", {x}, {}, o, where);
}

Value ElementwiseLayers::Sign(Value x, const NameOption& o, Where where) {
  return builder().Op("Sign", {x}, {}, o, where);
}

Value ElementwiseLayers::Floor(Value x, const NameOption& o, Where where) {
  return builder().Op("Floor", {x}, {}, o, where);
}

Value ElementwiseLayers::Ceil(Value x, const NameOption& o, Where where) {
  return builder().Op("Ceil", {x}, {}, o, where);
}

Value ElementwiseLayers::Round(Value x, const NameOption& o, Where where) {
  return builder().Op("Round", {x}, {}, o, where);
}

Value ElementwiseLayers::Reciprocal(Value x, const NameOption& o, Where where) {
  return builder().Op("Reciprocal", {x}, {}, o, where);
}

Value ElementwiseLayers::Exp(Value x, const NameOption& o, Where where) {
  return builder().Op("Exp", {x}, {}, o, where);
}

Value ElementwiseLayers::Log(Value x, const NameOption& o, Where where) {
  return builder().Op("Log", {x}, {}, o, where);
}

Value ElementwiseLayers::Erf(Value x, const NameOption& o, Where where) {
  return builder().Op("Erf", {x}, {}, o, where);
}

Value ElementwiseLayers::Sin(Value x, const NameOption& o, Where where) {
  return builder().Op("Sin", {x}, {}, o, where);
}

Value ElementwiseLayers::Cos(Value x, const NameOption& o, Where where) {
  return builder().Op("Cos", {x}, {}, o, where);
}

Value ElementwiseLayers::Tan(Value x, const NameOption& o, Where where) {
  return builder().Op("Tan", {x}, {}, o, where);
}

Value ElementwiseLayers::Asin(Value x, const NameOption& o, Where where) {
  return builder().Op("Asin", {x}, {}, o, where);
}

Value ElementwiseLayers::Acos(Value x, const NameOption& o, Where where) {
  return builder().Op("Acos", {x}, {}, o, where);
}

Value ElementwiseLayers::Atan(Value x, const NameOption& o, Where where) {
  return builder().Op("Atan", {x}, {}, o, where);
}

Value ElementwiseLayers::Sinh(Value x, const NameOption& o, Where where) {
  return builder().Op("Sinh", {x}, {}, o, where);
}

Value ElementwiseLayers::Cosh(Value x, const NameOption& o, Where where) {
  return builder().Op("Cosh", {x}, {}, o, where);
}

Value ElementwiseLayers::Asinh(Value x, const NameOption& o, Where where) {
  return builder().Op("Asinh", {x}, {}, o, where);
}

Value ElementwiseLayers::Acosh(Value x, const NameOption& o, Where where) {
  return builder().Op("Acosh", {x}, {}, o, where);
}

Value ElementwiseLayers::Atanh(Value x, const NameOption& o, Where where) {
  return builder().Op("Atanh", {x}, {}, o, where);
}

Value ElementwiseLayers::IsInf(Value x, const IsInfOptions& o, Where where) {
  return builder().Op(
      "IsInf", {x},
      {{"detect_negative", o.negative ? 1 : 0}, {"detect_positive", o.positive ? 1 : 0}}, {o.name},
      where);
}

Value ElementwiseLayers::IsNaN(Value x, const NameOption& o, Where where) {
  return builder().Op("IsNaN", {x}, {}, o, where);
}

Value ElementwiseLayers::Not(Value x, const NameOption& o, Where where) {
  return builder().Op("Not", {x}, {}, o, where);
}

}  // namespace weft
