#include <array>
#include <functional>

#include "ops/elementwise.h"
#include "ops/families.h"

// Comparisons, logic and the choice between two values.

namespace weft {
namespace {

using Byte = uint8_t;  // of a bool

constexpr DTypeSet kNumbers = {DType::kF32, DType::kF64,  DType::kI32, DType::kI64,
                               DType::kU8,  DType::kBF16, DType::kF16, DType::kI8,
                               DType::kU16, DType::kU32,  DType::kU64, DType::kI16};

// Where either is NaN, every comparison is false, as in IEEE 754.
template <typename Fn>
absl::Status EvaluateComparison(const EvalContext& c) {
  const DType wide = WidestOf(c.in(0).dtype);
  std::array<Tensor, 2> memory;
  std::array<TensorView, 2> inputs;
  for (size_t i : {0, 1}) {
    WEFT_ASSIGN_OR_RETURN(inputs[i], ConvertedView(c.inputs[i], wide, memory[i]));
  }
  const EvalContext widened{c.attributes, inputs, c.outputs, c.key};
  return VisitDType<kWidestTypes>(wide, [&](auto zero) {
    using T = decltype(zero);
    ForEachPair<T, T, Byte>(widened, Fn());
  });
}

template <typename Fn>
absl::Status EvaluateLogic(const EvalContext& c) {
  ForEachPair<Byte, Byte, Byte>(c, [](Byte a, Byte b) { return Fn()(a != 0, b != 0); });
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TensorType>> InferWhere(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(Shape shape, BroadcastOfInputs(c));
  return std::vector<TensorType>{{c.type(1).dtype, std::move(shape)}};
}

absl::Status EvaluateWhere(const EvalContext& c) {
  std::array<std::vector<int64_t>, 3> strides;
  for (int i : {0, 1, 2}) {
    strides[static_cast<size_t>(i)] = BroadcastStrides(c.in(i).dims, c.out().dims);
  }
  const auto condition = c.in(0).in<Byte>();
  VisitWidth(c.out().dtype, [&](auto word) {
    using Word = decltype(word);
    const auto* x = static_cast<const Word*>(c.in(1).data);
    const auto* y = static_cast<const Word*>(c.in(2).data);
    auto* to = static_cast<Word*>(c.out().data);
    ForEachOffset<3>(c.out().dims, strides, [&](int64_t i, const std::array<int64_t, 3>& at) {
      to[i] = condition[static_cast<size_t>(at[0])] != 0 ? x[at[1]] : y[at[2]];
    });
  });
  return absl::OkStatus();
}

// Zeros take the place of the cotangent where the other value was chosen: a product with the
// condition would make NaN of infinity there.
InputGradients WhereGradient(GradientContext& c) {
  InputGradients dx(3);
  const Value zero = c.Scalar(0, c.dy().type().dtype);
  if (c.needs(1)) dx[1] = SumToLike(c, c.Op("Where", {c.x(0), c.dy(), zero}), c.x(1));
  if (c.needs(2)) dx[2] = SumToLike(c, c.Op("Where", {c.x(0), zero, c.dy()}), c.x(2));
  return dx;
}

std::vector<Alias> InPlaceOfChoices(const Node& node) {
  std::vector<Alias> aliases;
  for (int i : {1, 2}) {
    if (node.input(i).type() == node.type()) aliases.push_back({.output = 0, .input = i});
  }
  return aliases;
}

OpDef Predicate(std::string_view name, std::string_view doc, DTypeSet dtypes, EvaluateFn evaluate) {
  return {.name = name,
          .doc = doc,
          .inputs = {{"A", dtypes}, {"B", dtypes}},
          .outputs = {{"C"}},
          .infer = InferComparison,
          .no_gradient = "boolean output",
          .evaluate = evaluate,
          .traits = {.elementwise = true}};
}

}  // namespace

std::vector<OpDef> CompareOps() {
  constexpr DTypeSet kBool = {DType::kBool};
  return {
      Commutative(Predicate("Equal", "A == B with NumPy broadcasting; false where either is NaN.",
                            kAllTypes, EvaluateComparison<std::equal_to<>>)),
      Predicate("Greater", "A > B with NumPy broadcasting; false where either is NaN.", kNumbers,
                EvaluateComparison<std::greater<>>),
      Predicate("GreaterOrEqual", "A >= B with NumPy broadcasting; false where either is NaN.",
                kNumbers, EvaluateComparison<std::greater_equal<>>),
      Predicate("Less", "A < B with NumPy broadcasting; false where either is NaN.", kNumbers,
                EvaluateComparison<std::less<>>),
      Predicate("LessOrEqual", "A <= B with NumPy broadcasting; false where either is NaN.",
                kNumbers, EvaluateComparison<std::less_equal<>>),
      Commutative(Predicate("And", "A and B, element-wise with NumPy broadcasting.", kBool,
                            EvaluateLogic<std::logical_and<>>)),
      Commutative(Predicate("Or", "A or B, element-wise with NumPy broadcasting.", kBool,
                            EvaluateLogic<std::logical_or<>>)),
      Commutative(Predicate("Xor", "Either A or B, not both, element-wise with NumPy broadcasting.",
                            kBool, EvaluateLogic<std::not_equal_to<>>)),
      {.name = "Where",
       .doc = "X where the condition holds and Y elsewhere, element-wise with NumPy broadcasting "
              "of all three.",
       .inputs = {{"condition", {DType::kBool}, Arity::kRequired, ' '},
                  {"X", kAllTypes},
                  {"Y", kAllTypes}},
       .outputs = {{"output"}},
       .infer = InferWhere,
       .gradient = WhereGradient,
       .evaluate = EvaluateWhere,
       .aliases = InPlaceOfChoices,
       .traits = {.elementwise = true}},
  };
}

}  // namespace weft
