#include <functional>

#include "ops/elementwise.h"
#include "ops/families.h"

// Integers as rows of bits.

namespace weft {
namespace {

constexpr DTypeSet kUnsignedTypes = {DType::kU8, DType::kU16, DType::kU32, DType::kU64};

template <typename Fn>
absl::Status EvaluateBitwise(const EvalContext& c) {
  return VisitDType<kIntegerTypes>(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    ForEachPair<T, T, T>(c, Fn());
  });
}

absl::Status EvaluateBitwiseNot(const EvalContext& c) {
  return VisitDType<kIntegerTypes>(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto x = c.in(0).in<T>();
    const auto y = c.out().out<T>();
    for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(~x[i]);
  });
}

absl::StatusOr<std::vector<TensorType>> InferBitShift(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckOneOf(c.attributes(), "direction", {"LEFT", "RIGHT"}));
  return InferBroadcast(c);
}

absl::Status EvaluateBitShift(const EvalContext& c) {
  const bool left = GetString(c.attributes, "direction") == "LEFT";
  return VisitDType<kUnsignedTypes>(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    ForEachPair<T, T, T>(c, [left](T x, T by) {
      if (by >= std::numeric_limits<T>::digits) return T{0};  // nothing is left
      return static_cast<T>(left ? uint64_t{x} << by : x >> by);
    });
  });
}

OpDef OfPairs(std::string_view name, std::string_view doc, DTypeSet dtypes, EvaluateFn evaluate) {
  return {.name = name,
          .doc = doc,
          .inputs = {{"A", dtypes}, {"B", dtypes}},
          .outputs = {{"C"}},
          .infer = InferBroadcast,
          .no_gradient = "integer output",
          .evaluate = evaluate,
          .aliases = InPlaceOfEither,
          .traits = {.elementwise = true}};
}

OpDef BitShift() {
  OpDef def = OfPairs("BitShift",
                      "The bits of X shifted by Y places to the \"LEFT\" or \"RIGHT\", with NumPy "
                      "broadcasting; 0 where Y is as many places as X has bits, or more.",
                      kUnsignedTypes, EvaluateBitShift);
  def.inputs = {{"X", kUnsignedTypes}, {"Y", kUnsignedTypes}};
  def.outputs = {{"Z"}};
  def.attributes = {{.name = "direction", .kind = Attribute::Kind::kString, .required = true}};
  def.infer = InferBitShift;
  return def;
}

}  // namespace

std::vector<OpDef> BitwiseOps() {
  return {BitShift(),
          Commutative(OfPairs("BitwiseAnd",
                              "The bits that A and B both have, with NumPy "
                              "broadcasting.",
                              kIntegerTypes, EvaluateBitwise<std::bit_and<>>)),
          Commutative(OfPairs("BitwiseOr", "The bits that A or B has, with NumPy broadcasting.",
                              kIntegerTypes, EvaluateBitwise<std::bit_or<>>)),
          Commutative(OfPairs("BitwiseXor",
                              "The bits that either A or B has, not both, with NumPy "
                              "broadcasting.",
                              kIntegerTypes, EvaluateBitwise<std::bit_xor<>>)),
          {.name = "BitwiseNot",
           .doc = "The bits that X lacks.",
           .inputs = {{"X", kIntegerTypes}},
           .outputs = {{"Y"}},
           .infer = InferSameAsFirst,
           .no_gradient = "integer output",
           .evaluate = EvaluateBitwiseNot,
           .traits = {.elementwise = true}}};
}

}  // namespace weft
