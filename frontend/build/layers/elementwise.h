#ifndef WEFT_FRONTEND_BUILD_LAYERS_ELEMENTWISE_H_
#define WEFT_FRONTEND_BUILD_LAYERS_ELEMENTWISE_H_

#include <string>
#include <vector>

#include "frontend/build/layers/family.h"

namespace weft {

struct ModOptions {
  bool fmod = false;  // the sign of `a` rather than of `b`; always so for floating point
  std::string name = {};
};

struct BitShiftOptions {
  std::string direction = "LEFT";  // or "RIGHT"
  std::string name = {};
};

struct IsInfOptions {
  bool negative = true;  // whether -infinity counts
  bool positive = true;
  std::string name = {};
};

// Arithmetic, comparison and logic, element by element with NumPy's broadcasting.
class ElementwiseLayers : public LayerFamily<ElementwiseLayers> {
 public:
  // Of one operand. Round takes halves to the even neighbour.
  Value Abs(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Sign(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Floor(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Ceil(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Round(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Reciprocal(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Exp(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Log(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Erf(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Sin(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Cos(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Tan(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Asin(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Acos(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Atan(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Sinh(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Cosh(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Asinh(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Acosh(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Atanh(Value x, const NameOption& o = {}, Where where = Where::current());
  Value IsInf(Value x, const IsInfOptions& o = {}, Where where = Where::current());
  Value IsNaN(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Not(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Sqrt(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Neg(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Identity(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Add(Value a, Value b, const NameOption& o = {}, Where where = Where::current());
  Value Sub(Value a, Value b, const NameOption& o = {}, Where where = Where::current());
  Value Mul(Value a, Value b, const NameOption& o = {}, Where where = Where::current());
  Value Div(Value a, Value b, const NameOption& o = {}, Where where = Where::current());

  // Operands and powers of any numeric types; the result has a's.
  Value Pow(Value a, Value b, const NameOption& o = {}, Where where = Where::current());
  Value Mod(Value a, Value b, const ModOptions& o = {}, Where where = Where::current());
  Value BitShift(Value a, Value b, const BitShiftOptions& o = {}, Where where = Where::current());

  // Comparisons are false where either operand is NaN.
  Value Equal(Value a, Value b, const NameOption& o = {}, Where where = Where::current());
  Value Greater(Value a, Value b, const NameOption& o = {}, Where where = Where::current());
  Value GreaterOrEqual(Value a, Value b, const NameOption& o = {}, Where where = Where::current());
  Value Less(Value a, Value b, const NameOption& o = {}, Where where = Where::current());
  Value LessOrEqual(Value a, Value b, const NameOption& o = {}, Where where = Where::current());
  Value And(Value a, Value b, const NameOption& o = {}, Where where = Where::current());
  Value Or(Value a, Value b, const NameOption& o = {}, Where where = Where::current());
  Value Xor(Value a, Value b, const NameOption& o = {}, Where where = Where::current());
  // x where the condition holds, y elsewhere: ONNX's Where, a name that a parameter type has here.
  Value Select(Value condition, Value x, Value y, const NameOption& o = {},
               Where where = Where::current());

  // Of one or more values, element by element.
  Value Max(std::vector<Value> xs, const NameOption& o = {}, Where where = Where::current());
  Value Mean(std::vector<Value> xs, const NameOption& o = {}, Where where = Where::current());
  Value Min(std::vector<Value> xs, const NameOption& o = {}, Where where = Where::current());
  Value Sum(std::vector<Value> xs, const NameOption& o = {}, Where where = Where::current());
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_LAYERS_ELEMENTWISE_H_
