// What exporters write, and what algebra takes apart.

#include <algorithm>
#include <iterator>
#include <numeric>

#include "tests/cases/table.h"
#include "tests/passes/testing_random.h"

namespace weft {
namespace {

using Motif = Value (*)(Draft&, Value);
using Names = std::vector<std::string>;

Value AnyOrder(Draft& d, std::string_view op, Value a, Value b) {
  return d.Chance(50) ? d.Add(op, {a, b}) : d.Add(op, {b, a});
}

CaseInput Within(double low, double high) {
  return {.fill = CaseInput::Fill::kOffZero, .low = low, .high = high};
}

Value Positive(Draft& d, Value x) { return d.Add("Add", {d.Add("Mul", {x, x}), d.Scalar(0.5)}); }

// A constant that x can be combined with: of all, of some axis, or a whole.
Value Operand(Draft& d, Value x, double low = -1, double high = 1) {
  Dims dims = d.DimsOf(x);
  const TensorType& type = x.type();
  for (size_t i = 0; i < dims.size(); ++i) {
    if (!type.shape[i].is_static() || d.Chance(50)) dims[i] = 1;
  }
  if (d.Chance(40)) dims = {};
  if (!dims.empty() && dims[0] == 1 && d.Chance(50)) dims.erase(dims.begin());
  return d.Constant(d.Numbers(std::move(dims), low, high));
}

// --- written-out layers

Value WrittenSoftmax(Draft& d, Value x) {
  const AttributeMap axis = {{"axes", Dims{-1}}};
  const Value most = d.Add("ReduceMax", {x}, axis);
  const Value e = d.Add("Exp", {d.Chance(70) ? d.Add("Sub", {x, most}) : x});
  const Value sum = d.Add("ReduceSum", {e}, axis);
  return d.Add("Div", {e, sum});
}

Value WrittenLogSoftmax(Draft& d, Value x) {
  const AttributeMap axis = {{"axes", Dims{-1}}};
  if (d.Chance(40)) return d.Add("Log", {d.Add("Softmax", {x})});
  const Value z = d.Chance(50) ? d.Add("Sub", {x, d.Add("ReduceMax", {x}, axis)}) : x;
  return d.Add("Sub", {z, d.Add("Log", {d.Add("ReduceSum", {d.Add("Exp", {z})}, axis)})});
}

// Where the composition overflows and the op does not, there is nothing to compare.
Value WrittenSoftplusOrGelu(Draft& d, Value x) {
  if (d.Chance(50)) return d.Add("Log", {d.Add("Add", {d.Add("Exp", {x}), d.Scalar(1)})});
  const Value cube =
      d.Chance(50) ? d.Add("Pow", {x, d.Scalar(3)}) : d.Add("Mul", {x, d.Add("Mul", {x, x})});
  const Value sum = d.Add("Add", {x, d.Add("Mul", {cube, d.Scalar(0.044715)})});
  const Value tanh = d.Add("Tanh", {d.Add("Mul", {sum, d.Scalar(0.7978845608028654)})});
  return d.Add("Mul", {d.Add("Mul", {x, d.Scalar(0.5)}), d.Add("Add", {tanh, d.Scalar(1)})});
}

Value WrittenGroupNorm(Draft& d, Value x) {
  const int64_t channels = d.DimsOf(x)[1], groups = channels % 2 == 0 ? 2 : 1;
  if (!x.type().dim(1).is_static()) return {};
  const Value rows = d.Add("Reshape", {x, d.Ints({0, groups, -1})});
  const Value instance =
      d.Add("InstanceNormalization",
            {rows, d.Constant(d.Numbers({groups}, 0.5, 1.5)), d.Constant(d.Numbers({groups}))});
  return d.Add("ReshapeLike", {instance, x});
}

Value WrittenActivation(Draft& d, Value x) {
  const auto s = [&](double v) { return d.Scalar(v); };
  // HardSwish of -infinity is 0, the product's NaN.
  switch (d.Pick(d.has_specials() ? 3 : 0, d.has_specials() ? 6 : 7)) {
    case 0:
      return AnyOrder(d, "Mul", x, d.Add("Sigmoid", {x}));
    case 1:
      return AnyOrder(d, "Mul", x, d.Add("Tanh", {d.Add("Softplus", {x})}));
    case 2: {
      const Value gate = d.Add("Clip", {d.Add("Add", {x, s(3)}), s(0), s(6)});
      return d.Chance(50) ? d.Add("Div", {d.Add("Mul", {x, gate}), s(6)})
                          : d.Add("Mul", {x, d.Add("Div", {gate, s(6)})});
    }
    case 3: {
      const Value erf = d.Add("Erf", {d.Add("Div", {x, s(1.4142135623730951)})});
      return d.Add("Mul", {d.Add("Mul", {x, d.Add("Add", {erf, s(1)})}), s(0.5)});
    }
    case 4:
      return d.Chance(50) ? d.Add("Clip", {x, s(0), s(6)}) : d.Add("Clip", {x, s(0)});
    case 5:
      return d.Add("Min", {d.Add("Max", {x, s(0)}), s(6)});
    case 6:
      return AnyOrder(d, "Max", x, d.Add("Mul", {x, s(0.1)}));
    default:
      return AnyOrder(d, "Mul", x, d.Add("HardSigmoid", {x}, {{"alpha", 1.0 / 6}}));
  }
}

Value WrittenLayerNorm(Draft& d, Value x) {
  const AttributeMap last = {{"axes", Dims{-1}}};
  const Value centred = d.Add("Sub", {x, d.Add("ReduceMean", {x}, last)});
  const Value square =
      d.Chance(50) ? d.Add("Mul", {centred, centred}) : d.Add("Pow", {centred, d.Scalar(2)});
  const Value variance = d.Add("Add", {d.Add("ReduceMean", {square}, last), d.Scalar(0.01)});
  const Value y = d.Add("Div", {centred, d.Add("Sqrt", {variance})});
  return d.Chance(50) ? y : d.Add("Add", {d.Add("Mul", {y, Operand(d, x)}), Operand(d, x)});
}

Value WrittenBatchNorm(Draft& d, Value x) {
  Dims c(d.DimsOf(x).size(), 1);
  c[1 % c.size()] = d.DimsOf(x)[1 % c.size()];
  const auto some = [&](double low) { return d.Constant(d.Numbers(c, low, 1.5)); };
  const Value deviation = d.Add("Sqrt", {d.Add("Add", {some(0.5), d.Scalar(1e-3)})});
  return d.Add("Add",
               {d.Add("Mul", {d.Add("Div", {d.Add("Sub", {x, some(-1)}), deviation}), some(0.5)}),
                some(-1)});
}

Value Attention(Draft& d, Value x) {
  const int64_t c = d.DimsOf(x).back();
  const Value q = d.Add("MatMul", {x, d.Constant(d.Numbers({c, 3}))});
  const Value k = d.Add("MatMul", {x, d.Constant(d.Numbers({c, 3}))});
  if (k.null() || d.DimsOf(k).size() != 3) return q;
  const Value scores = d.Add("MatMul", {q, d.Add("Transpose", {k}, {{"perm", Dims{0, 2, 1}}})});
  const Value weights = d.Add("Softmax", {d.Add("Mul", {scores, d.Scalar(0.57)})}, {{"axis", -1}});
  return d.Add("MatMul", {weights, x});
}

Value Linear(Draft& d, Value x) {
  Value y = x;
  const int count = d.Pick(1, 3);
  for (int i = 0; i < count && !y.null(); ++i) {
    const int64_t from = d.DimsOf(y).back(), to = d.Pick(1, 5);
    if (d.DimsOf(y).size() == 2 && d.Chance(30)) {
      y = d.Add("Gemm", {y, d.Constant(d.Numbers({from, to})), d.Constant(d.Numbers({to}))},
                {{"alpha", d.Chance(50) ? 1.0 : 0.5}});
      continue;
    }
    y = d.Add("MatMul", {y, d.Constant(d.Numbers({from, to}))});
    if (d.Chance(60)) y = AnyOrder(d, "Add", y, d.Constant(d.Numbers({to})));
    if (d.Chance(30)) y = d.Add("Mul", {y, d.Constant(d.Numbers({to}))});
  }
  return d.Chance(40) ? d.Add("Relu", {y}) : y;
}

// --- moves

std::vector<int64_t> AnyPermutation(Draft& d, size_t rank) {
  std::vector<int64_t> perm(rank);
  std::iota(perm.begin(), perm.end(), 0);
  for (size_t i = rank; i > 1; --i)
    std::swap(perm[i - 1], perm[static_cast<size_t>(d.Pick(0, static_cast<int>(i) - 1))]);
  return perm;
}

Value TransposePair(Draft& d, Value x) {
  const size_t rank = d.DimsOf(x).size();
  if (rank == 0) return {};
  const std::vector<int64_t> perm = AnyPermutation(d, rank);
  std::vector<int64_t> back(rank);
  for (size_t i = 0; i < rank; ++i) back[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  Value y = d.Add("Transpose", {x}, {{"perm", perm}});
  if (d.Chance(50)) y = d.Add(d.OneOf<std::string>({"Relu", "Tanh", "Neg"}), {y});
  if (d.Chance(40) && !y.null()) y = d.Add("Add", {y, Operand(d, y)});
  // Not quite the way back, but to the same type where two extents are equal.
  const Shape& shape = x.type().shape;
  if (d.Chance(40) && rank > 1 && shape[rank - 1] == shape[rank - 2]) {
    std::swap(back[rank - 1], back[rank - 2]);
  }
  return d.Add("Transpose", {y}, {{"perm", d.Chance(80) ? back : AnyPermutation(d, rank)}});
}

Value ReshapeChain(Draft& d, Value x) {
  Value y = x;
  const int count = d.Pick(2, 4);
  for (int i = 0; i < count && !y.null(); ++i) {
    const int64_t rank = static_cast<int64_t>(d.DimsOf(y).size());
    switch (d.Pick(0, 4)) {
      case 0:
        y = d.Add("Flatten", {y}, {{"axis", d.Pick(0, static_cast<int>(rank))}});
        break;
      case 1:
        y = d.Add("Unsqueeze", {y, d.Ints({d.Pick(0, static_cast<int>(rank))})});
        break;
      case 2:
        y = d.Add("Squeeze", {d.Add("Unsqueeze", {y, d.Ints({-1})}), d.Ints({rank})});
        break;
      case 3:
        if (rank > 1) y = d.Add("Reshape", {y, d.Ints({0, -1})});
        break;
      default:
        y = d.Add(d.OneOf<std::string>({"Relu", "Neg"}), {y});
    }
  }
  return y;
}

Value SliceAndJoin(Draft& d, Value x) {
  const Dims dims = d.DimsOf(x);
  if (dims.empty()) return {};
  const int64_t axis = d.Pick(0, static_cast<int>(dims.size()) - 1);
  const int64_t extent = dims[static_cast<size_t>(axis)];
  if (!x.type().dim(static_cast<int>(axis)).is_static() || extent < 2) return {};
  const int64_t cut = d.Pick(1, static_cast<int>(extent) - 1);
  const auto part = [&](int64_t from, int64_t to) {
    return d.Add("Slice", {x, d.Ints({from}), d.Ints({to}), d.Ints({axis})});
  };
  const Value a = part(0, cut), b = part(cut, extent);
  return d.Add("Concat", {a, d.Chance(30) ? d.Add("Relu", {b}) : b}, {{"axis", axis}});
}

// Pieces that are joined again, joined ones that are cut, and what stretches in front of a sum.
Value CutAndJoin(Draft& d, Value x) {
  const Dims dims = d.DimsOf(x);
  if (dims.empty()) return {};
  const int axis = d.Pick(0, static_cast<int>(dims.size()) - 1);
  const int64_t extent = dims[static_cast<size_t>(axis)];
  if (!x.type().dim(axis).is_static() || extent < 1) return {};
  const AttributeMap along = {{"axis", axis}};
  const Value twice = d.Add("Concat", {x, d.Add("Tanh", {x})}, along);
  switch (d.Pick(0, 3)) {
    case 0: {
      if (extent < 2) return {};
      Node* split = d.AddNode({.op = "Split",
                               .inputs = {x, d.Ints({1, extent - 1})},
                               .attributes = along,
                               .num_outputs = 2});
      if (split == nullptr) return {};
      return d.Add("Concat", {split->output(0), split->output(1)}, along);
    }
    case 1:
      return d.Add("Slice", {twice, d.Ints({d.Chance(50) ? 0 : extent}),
                             d.Ints({d.Chance(50) ? extent : 2 * extent}), d.Ints({axis})});
    case 2:
      return d.Add("Concat", {twice, x}, along);
    default:
      return d.Add("Add", {d.Add("ExpandLike", {Operand(d, x), x}), x});
  }
}

Value PadAndWindow(Draft& d, Value x) {
  const Dims dims = d.DimsOf(x);
  std::vector<int64_t> pads(2 * dims.size());
  for (size_t i = 2; i < dims.size(); ++i) {
    pads[i] = d.Pick(0, dims[i] > 2 ? 2 : 0);
    pads[i + dims.size()] = d.Pick(0, dims[i] > 2 ? 2 : 0);
  }
  const std::string mode = d.Chance(70) ? "constant" : d.OneOf<std::string>({"reflect", "edge"});
  std::vector<Value> inputs = {x, d.Ints(pads)};
  if (mode == "constant" && d.Chance(30)) inputs.push_back(d.Scalar(d.Chance(50) ? 0 : 0.5));
  const Value padded = d.Add("Pad", inputs, {{"mode", mode}});
  const bool is_small = std::find(dims.begin() + 2, dims.end(), 1) != dims.end();
  const Dims kernel(dims.size() - 2, is_small ? 1 : d.Pick(1, 2));
  const AttributeMap window = {{"kernel_shape", kernel}};
  if (d.Chance(20)) return d.Add("MaxPool", {padded}, window);
  if (d.Chance(20)) return d.Add("AveragePool", {padded}, window);
  Dims weight = {3, dims[1]};
  weight.insert(weight.end(), kernel.begin(), kernel.end());
  return d.Add("Conv", {padded, d.Constant(d.Numbers(std::move(weight)))});
}

// --- algebra

Value Neutral(Draft& d, Value x) {
  const double one = d.Chance(80) ? 1 : 0.5, zero = d.Chance(80) ? 0 : 0.5;
  switch (d.Pick(0, 7)) {
    case 0:
      return AnyOrder(d, "Add", x, d.Scalar(zero));
    case 1:
      return AnyOrder(d, "Mul", x, d.Scalar(one));
    case 2:
      return d.Add("Sub", {x, d.Scalar(zero)});
    case 3:
      return d.Add("Div", {x, d.Scalar(one)});
    case 4:
      return d.Add("Pow", {Positive(d, x), d.Scalar(d.OneOf<double>({1, 2, 0.5, -1, 3}))});
    case 5:
      return AnyOrder(d, "Mul", x, d.Scalar(0));
    case 6:
      return d.Add(d.OneOf<std::string>({"Sub", "Add", "Mul", "Max"}), {x, x});
    default:
      return d.Add("Sub", {d.Scalar(zero), x});
  }
}

Value Inverse(Draft& d, Value x) {
  static const auto& pairs = *new std::vector<std::pair<std::string, std::string>>{
      {"Neg", "Neg"},  {"Abs", "Abs"},           {"Relu", "Relu"},
      {"Neg", "Abs"},  {"Abs", "Relu"},          {"Relu", "Abs"},
      {"Tanh", "Neg"}, {"Identity", "Identity"}, {"Sigmoid", "Relu"}};
  static const auto& of_positive =
      *new std::vector<std::pair<std::string, std::string>>{{"Exp", "Log"},
                                                            {"Log", "Exp"},
                                                            {"Reciprocal", "Reciprocal"},
                                                            {"Sqrt", "Reciprocal"},
                                                            {"Reciprocal", "Sqrt"}};
  if (d.Chance(10)) return d.Add("Neg", {d.Add("Mul", {x, Operand(d, x)})});
  const bool is_positive = d.Chance(40);
  const auto& [a, b] = d.OneOf(is_positive ? of_positive : pairs);
  return d.Add(b, {d.Add(a, {is_positive ? d.Tame(x, Within(0.5, 2)) : x})});
}

Value Chain(Draft& d, Value x) {
  Value y = x;
  const int count = d.Pick(2, 4);
  for (int i = 0; i < count && !y.null(); ++i) {
    const std::string op = d.OneOf<std::string>({"Add", "Mul", "Sub", "Div", "Max", "Min"});
    const Value c = Operand(d, y, op == "Div" ? 0.5 : -1, 1.5);
    y = op == "Div" ? d.Add(op, {y, c}) : AnyOrder(d, op, y, c);
  }
  return y;
}

Value Factors(Draft& d, Value x) {
  const Value y = d.Add(d.OneOf<std::string>({"Tanh", "Relu", "Neg"}), {x});
  const Value c = Operand(d, x);
  const bool by_constant = d.Chance(50);
  const Value a = AnyOrder(d, "Mul", x, by_constant ? c : y);
  const Value b = AnyOrder(d, "Mul", y, by_constant && d.Chance(70) ? c : Operand(d, y));
  return d.Add(d.OneOf<std::string>({"Add", "Sub", "Mul"}), {a, b});
}

Value Variadic(Draft& d, Value x) {
  std::vector<Value> operands = {x};
  const int count = d.Pick(0, 3);
  for (int i = 0; i < count; ++i) {
    operands.push_back(d.Chance(50) ? Operand(d, x) : d.Add("Tanh", {x}));
  }
  return d.Add(d.OneOf<std::string>({"Sum", "Max", "Min", "Mean"}), operands);
}

Value Quotient(Draft& d, Value x) {
  const Value y = d.Add("Exp", {d.Add("Tanh", {x})});
  if (d.Chance(30)) return d.Add("Mul", {x, d.Add("Reciprocal", {y})});
  if (d.Chance(30)) return d.Add("Mul", {x, d.Add("Div", {d.Scalar(1), y})});
  if (d.Chance(40)) return d.Add("Div", {d.Add("Mul", {x, y}), y});
  return d.Add("Div", {d.Scalar(2), y});
}

Value Chosen(Draft& d, Value x) {
  const Value y = d.Add("Neg", {x});
  const Dims last = {d.DimsOf(x).empty() ? 1 : d.DimsOf(x).back()};
  const bool is_known = d.Chance(50) && (d.DimsOf(x).empty() || x.type().shape.back().is_static());
  const CaseInput truths = {
      .dims = last, .dtype = DType::kBool, .fill = CaseInput::Fill::kIntegers, .low = 0, .high = 2};
  Value condition = is_known ? d.Constant(MakeTensor(truths, DType::kBool, d.Seed()))
                             : d.Add("Greater", {x, Operand(d, x)});
  if (d.Chance(30)) condition = d.Add("Not", {condition});
  return d.Add("Where", {condition, x, d.Chance(30) ? x : y});
}

Value Reduced(Draft& d, Value x) {
  const Dims dims = d.DimsOf(x);
  Dims axes;
  for (size_t i = dims.size() > 2 ? 2 : 0; i < dims.size(); ++i) {
    if (axes.empty() || d.Chance(70)) axes.push_back(static_cast<int64_t>(i));
  }
  if (axes.empty()) return {};
  const AttributeMap attributes = {{"axes", axes}, {"keepdims", d.Pick(0, 1)}};
  const Value scaled = d.Chance(40) ? d.Add("Mul", {x, d.Scalar(0.5)}) : x;
  Value y = d.Add(d.OneOf<std::string>({"ReduceMean", "ReduceMean", "ReduceMax", "ReduceMin"}),
                  {scaled}, attributes);
  if (y.null() || d.DimsOf(y).empty() || d.Chance(50)) return y;
  return d.Add("ReduceMean", {y}, {{"axes", Dims{-1}}});
}

Value Copies(Draft& d, Value x) {
  const Value c = Operand(d, x);
  const std::string op = d.OneOf<std::string>({"Add", "Mul", "Sub", "Max"});
  const Value a = d.Add(op, {x, c}), b = d.Chance(60) ? d.Add(op, {c, x}) : d.Add(op, {x, c});
  return d.Add("Mul", {d.Add("Tanh", {a}), d.Add(d.Chance(70) ? "Tanh" : "Sigmoid", {b})});
}

Value SameType(Draft& d, Value x) {
  const DType other = d.dtype() == DType::kF32 ? DType::kF64 : DType::kF32;
  if (d.Chance(50)) return d.Add("Cast", {x}, {{"to", d.dtype()}});
  // Rounding to f32 is a step, but to f64 and back nothing is lost.
  if (d.dtype() == DType::kF64) return d.Add("Identity", {x});
  return d.Add("Cast", {d.Add("Cast", {x}, {{"to", other}})}, {{"to", d.dtype()}});
}

// Exact too for NaN and infinities.
constexpr Motif kExact[] = {WrittenActivation, TransposePair, TransposePair, ReshapeChain,
                            ComputedShape,     SliceAndJoin,  CutAndJoin,    Neutral,
                            Neutral,           Inverse,       Chain,         Chain,
                            Variadic,          Chosen,        Copies,        SameType};
constexpr Motif kOfAll[] = {WrittenActivation,
                            WrittenActivation,
                            TransposePair,
                            TransposePair,
                            ReshapeChain,
                            ComputedShape,
                            SliceAndJoin,
                            CutAndJoin,
                            WrittenSoftplusOrGelu,
                            Neutral,
                            Neutral,
                            Inverse,
                            Chain,
                            Chain,
                            Factors,
                            Variadic,
                            Quotient,
                            Chosen,
                            Reduced,
                            Copies,
                            SameType};
constexpr Motif kOfMatrices[] = {
    WrittenSoftmax, WrittenLogSoftmax, WrittenLayerNorm, Attention, Linear, Linear};
constexpr Motif kOfImages[] = {WrittenBatchNorm, WrittenGroupNorm, PadAndWindow, PadAndWindow};

}  // namespace

void AddExactMotif(Draft& d) {
  const Value x = d.AnyFloat();
  d.Offer(kExact[d.Pick(0, static_cast<int>(std::size(kExact)) - 1)](d, x));
}

void AddMotif(Draft& d) {
  const int which = d.Pick(1, 100);
  if (which <= 60) {
    const Value x = d.AnyFloat();
    d.Offer(kOfAll[d.Pick(0, static_cast<int>(std::size(kOfAll)) - 1)](d, x));
  } else if (which <= 85) {
    d.Offer(kOfMatrices[d.Pick(0, static_cast<int>(std::size(kOfMatrices)) - 1)](d, d.AnyMatrix()));
  } else {
    d.Offer(kOfImages[d.Pick(0, static_cast<int>(std::size(kOfImages)) - 1)](d, d.AnyImage()));
  }
}

}  // namespace weft
