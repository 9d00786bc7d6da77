// Constants that are added one after the other are one, and so are factors:
//
//   (x + a) + b  =>  x + (a+b)      (x * a) * b  =>  x * (a*b)
//   (x + a) - b  =>  x + (a-b)      (x * a) / b  =>  x * (a/b)
//   (x - a) + b  =>  x + (b-a)      (x / a) * b  =>  x * (b/a)
//   (x - a) - b  =>  x - (a+b)      (x / a) / b  =>  x / (a*b)
//
// Exact for integers, but for quotients, which stay. Floating point rounds once less: the constants
// are such that little can cancel, overflow or underflow in either order.

#include <cmath>

#include "absl/strings/str_cat.h"
#include "passes/clean/clean.h"
#include "passes/rule.h"

namespace weft {
namespace {

constexpr double kLargestTerm = 1000;
constexpr double kLargestFactor = 1e12;

// Whether all elements but zeros have a magnitude in [least, most].
Condition IsModerate(const Match& m, std::string_view name, double least, double most) {
  const Tensor& tensor = *ConstantValue(m[name]);
  for (int64_t i = 0; kFloatTypes.contains(tensor.dtype()) && i < tensor.size(); ++i) {
    const double magnitude = std::abs(tensor.At(i));
    if (magnitude == 0 || (magnitude >= least && magnitude <= most)) continue;
    return {false, absl::StrCat(m[name].ToString(), " has an element of magnitude ", magnitude)};
  }
  return {};
}

Condition AreTerms(const Match& m) {
  return All({HasSingleReader(m, "inner"), IsNotConstant(m, "x"),
              IsModerate(m, "a", 0, kLargestTerm), IsModerate(m, "b", 0, kLargestTerm)});
}

Condition AreFactors(const Match& m) {
  const bool divides = m.root()->op_name() == "Div" || m.node("inner")->op_name() == "Div";
  return All({HasSingleReader(m, "inner"), IsNotConstant(m, "x"),
              Unless(divides && !kFloatTypes.contains(m.root()->type().dtype),
                     "quotients of integers are cut"),
              IsModerate(m, "a", 1 / kLargestFactor, kLargestFactor),
              IsModerate(m, "b", 1 / kLargestFactor, kLargestFactor)});
}

// An operation that a chain may be of, with its inverse.
struct Ops {
  std::string direct;
  std::string inverse;
};

std::vector<Value> MergeOperands(const Ops& ops, const Match& m, Rewriter& r) {
  const std::string_view inner = m.node("inner")->op_name(), outer = m.root()->op_name();
  const Value a = m["a"], b = m["b"];
  const Value both = inner == outer        ? r.Op(ops.direct, {a, b})
                     : outer == ops.direct ? r.Op(ops.inverse, {b, a})
                                           : r.Op(ops.inverse, {a, b});
  if (r.ok() && both.type() != a.type() && both.type() != b.type()) {
    return r.Decline(absl::StrCat(a.ToString(), " and ", b.ToString(), " together would be ",
                                  ToString(both.type())));
  }
  return {r.OpAs(m.root()->name(), inner == outer ? outer : ops.direct, {m["x"], both})};
}

Pass MergeChain(std::string_view name, std::string_view doc, const Ops& ops,
                Condition (*conditions)(const Match&)) {
  const std::vector<std::string> both = {ops.direct, ops.inverse};
  return ToPass(
      {.name = name,
       .doc = doc,
       .pattern = OneOf(
           both, {OneOf(both, {Any().As("x"), Op(std::string(kConstant)).As("a")}).As("inner"),
                  Op(std::string(kConstant)).As("b")}),
       .conditions = conditions,
       .rewrite = [ops](const Match& m, Rewriter& r) { return MergeOperands(ops, m, r); }});
}

}  // namespace

Pass MergeFactors() {
  return MergeChain("merge_factors", "make one factor of constant factors in a row", {"Mul", "Div"},
                    AreFactors);
}

Pass MergeTerms() {
  return MergeChain("merge_terms", "make one term of constants added in a row", {"Add", "Sub"},
                    AreTerms);
}

}  // namespace weft
