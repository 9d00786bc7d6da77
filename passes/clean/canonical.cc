// Ops become others that more rules and kernels know and that do the same:
//
//   clip(x, 0)  =>  relu(x)
//   sum(x, y)  =>  add(x, y)
//   pow(x, 2)  =>  mul(x, x)       pow(x, -1)  =>  reciprocal(x)      floating point
//   x - c  =>  x + (-c)            x / c  =>  x * (1/c)     where all of c are powers of two
//
// (pow(x, 0.5) is not sqrt(x): of minus infinity one is infinite, the other NaN.)

#include <cmath>

#include "ops/common.h"
#include "passes/clean/clean.h"
#include "passes/clean/moves.h"

namespace weft {
namespace {

bool IsRelu(const Node& clip) {
  return clip.input(2).null() && clip.type().dtype != DType::kU8 && IsFilledWith(clip.input(1), 0);
}

std::vector<Value> ToRelu(const Match& m, Rewriter& r) {
  return {r.OpAs(m.root()->name(), "Relu", {m.root()->input(0)})};
}

bool HasTwoTerms(const Node& sum) { return sum.num_inputs() == 2; }

std::vector<Value> ToAdd(const Match& m, Rewriter& r) {
  return {r.OpAs(m.root()->name(), "Add", {m.root()->input(0), m.root()->input(1)})};
}

bool IsSimplePower(const Node& pow) {
  if (!kFloatTypes.contains(pow.type().dtype) || pow.input(0).type() != pow.type()) return false;
  return IsFilledWith(pow.input(1), 2) || IsFilledWith(pow.input(1), -1);
}

std::vector<Value> ToProduct(const Match& m, Rewriter& r) {
  const Value x = m.root()->input(0);
  if (IsFilledWith(m.root()->input(1), 2)) return {r.OpAs(m.root()->name(), "Mul", {x, x})};
  return {r.OpAs(m.root()->name(), "Reciprocal", {x})};
}

// Whether 1/c is exact for every element; those far from 1 are left to the division.
bool HaveExactReciprocals(const Tensor& c) {
  constexpr int kMostExponent = 100;
  for (int64_t i = 0; i < c.size(); ++i) {
    int exponent = 0;
    if (std::abs(std::frexp(c.At(i), &exponent)) != 0.5) return false;
    if (std::abs(exponent) > kMostExponent) return false;
  }
  return true;
}

bool HasExactInverse(const Node& node) {
  const Tensor* c = ConstantValue(node.input(1));
  if (c == nullptr) return false;
  return node.op_name() == "Sub" ? kSignedTypes.contains(c->dtype())
                                 : kFloatTypes.contains(c->dtype()) && HaveExactReciprocals(*c);
}

std::vector<Value> Invert(const Match& m, Rewriter& r) {
  const bool is_sub = m.root()->op_name() == "Sub";
  return {r.OpAs(m.root()->name(), is_sub ? "Add" : "Mul",
                 {m["x"], r.Op(is_sub ? "Neg" : "Reciprocal", {m["c"]})})};
}

}  // namespace

Pass ClipToRelu() {
  return ToPass({.name = "clip_to_relu",
                 .doc = "make a Relu of a Clip that only keeps what is above 0",
                 .pattern = Op("Clip").Where(IsRelu),
                 .conditions = nullptr,
                 .rewrite = ToRelu});
}

Pass SumToAdd() {
  return ToPass({.name = "sum_to_add",
                 .doc = "make an Add of a Sum of two",
                 .pattern = Op("Sum").Where(HasTwoTerms),
                 .conditions = nullptr,
                 .rewrite = ToAdd});
}

Pass PowToProduct() {
  return ToPass({.name = "pow_to_product",
                 .doc = "make a product of a square, and a Reciprocal of a power of -1",
                 .pattern = Op("Pow").Where(IsSimplePower),
                 .conditions = nullptr,
                 .rewrite = ToProduct});
}

Pass InvertConstants() {
  return ToPass(
      {.name = "invert_constants",
       .doc = "add the negative, and multiply by an exact reciprocal, of a constant",
       .pattern = OneOf({"Sub", "Div"}, {Any().As("x"), Op(std::string(kConstant)).As("c")})
                      .Where(HasExactInverse),
       .conditions = nullptr,
       .rewrite = Invert});
}

}  // namespace weft
