// Shapes that a graph computes, as exporters write them.
#include "tests/passes/testing_random.h"

namespace weft {
namespace {

Value Cast(Draft& d, Value v, DType to) { return d.Add("Cast", {v}, {{"to", to}}); }

// A list that is `shape` again, after arithmetic that inference may follow or not.
Value SameShape(Draft& d, Value shape) {
  const auto f32 = [&](double number) { return d.Constant(Tensor::Scalar(number, DType::kF32)); };
  switch (d.Pick(0, 6)) {
    case 0:
      return d.Add("Div", {d.Add("Mul", {shape, d.Ints({2})}), d.Ints({2})});
    case 1:
      return Cast(d, d.Add("Floor", {d.Add("Mul", {Cast(d, shape, DType::kF32), f32(1)})}),
                  DType::kI64);
    case 2:
      return Cast(d, d.Add("Div", {d.Add("Mul", {Cast(d, shape, DType::kF32), f32(4)}), f32(4)}),
                  DType::kI64);
    case 3:
      return d.Add("Where", {d.Add("Equal", {shape, d.Ints({-1})}), d.Ints({1}), shape});
    case 4:
      return d.Add("Neg", {d.Add("Neg", {shape})});
    case 5:
      return d.Add("Add", {d.Add("Sub", {shape, d.Ints({3})}), d.Ints({3})});
    default:
      return d.Add("Abs", {d.Add("Max", {shape, d.Ints({0})})});
  }
}

// By the batch's size as the file computes it.
Value Flattened(Draft& d, Value x, Value shape) {
  if (d.DimsOf(x).size() < 2 || d.At(x).size() == 0 || x.type().dim(0).is_static()) return {};
  const Value n = d.Add("Gather", {shape, d.Ints({0})});
  return d.Add("Reshape", {x, d.Add("Concat", {n, d.Ints({-1})}, {{"axis", 0}})});
}

}  // namespace

Value ComputedShape(Draft& d, Value x) {
  Value shape = d.Add("Shape", {x});
  for (int i = d.Pick(0, 2); i > 0; --i) shape = SameShape(d, shape);
  if (d.Chance(40)) return Flattened(d, x, shape);
  if (d.Chance(30)) return d.Add("Mul", {x, d.Add("Expand", {d.Scalar(0.5), shape})});
  if (d.DimsOf(x).size() == 4 && d.At(x).size() < 200 && d.Chance(50)) {
    const Value sizes = d.Add("Mul", {shape, d.Ints({1, 1, 2, 2})});
    Node* resize = d.AddNode({.op = "Resize", .inputs = {x, Value(), Value(), sizes}});
    return resize == nullptr ? Value() : resize->output();
  }
  return d.At(x).size() == 0 ? Value() : d.Add("Reshape", {d.Add("Flatten", {x}), shape});
}

}  // namespace weft
