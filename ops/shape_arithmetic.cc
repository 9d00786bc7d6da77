#include "ops/shape_arithmetic.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "graph/op.h"
#include "ops/arguments.h"

namespace weft {
namespace {

bool AreStatic(const Dim& a, const Dim& b) { return a.is_static() && b.is_static(); }
bool IsNegative(const Dim& a) { return a.is_static() && a.coefficient() < 0; }

KnownDim Truth(bool holds) { return Dim(holds ? 1 : 0); }

// The extent that is called after its formula.
KnownDim Formula(const Dim& a, std::string_view op, const Dim& b) {
  return InferContext::DerivedDim(absl::StrCat(a.ToString(), Absl(op), b.ToString()));
}

}  // namespace

KnownDim AddKnown(const Dim& a, const Dim& b) {
  int64_t sum = 0;
  if (AreStatic(a, b)) {
    if (__builtin_add_overflow(a.coefficient(), b.coefficient(), &sum)) return std::nullopt;
    return Dim(sum);
  }
  if (a == Dim(0)) return b;
  if (b == Dim(0)) return a;
  if (IsNegative(a) || IsNegative(b)) return std::nullopt;
  if (b.is_static() || a.is_static()) {
    const auto plus =
        b.is_static() ? PlusConstant(a, b.coefficient()) : PlusConstant(b, a.coefficient());
    return plus.ok() ? KnownDim(*plus) : std::nullopt;
  }
  const Dim both[] = {a, b};
  const auto total = SumOf(both);
  return total.ok() ? KnownDim(*total) : std::nullopt;
}

KnownDim SubtractKnown(const Dim& a, const Dim& b) {
  if (a == b) return Dim(0);
  if (b == Dim(0)) return a;
  int64_t difference = 0;
  if (__builtin_sub_overflow(a.coefficient(), b.coefficient(), &difference)) return std::nullopt;
  if (AreStatic(a, b)) return Dim(difference);
  // 3*N - N
  if (a.symbols() != b.symbols() || difference <= 0) return std::nullopt;
  return Dim::Multiply(*Dim::DivideExactly(a, Dim(a.coefficient())), Dim(difference));
}

KnownDim MultiplyKnown(const Dim& a, const Dim& b) {
  int64_t product = 0;
  if (AreStatic(a, b)) {
    if (__builtin_mul_overflow(a.coefficient(), b.coefficient(), &product)) return std::nullopt;
    return Dim(product);
  }
  if (IsNegative(a) || IsNegative(b)) return std::nullopt;
  return Dim::Multiply(a, b);
}

KnownDim DivideKnown(const Dim& a, const Dim& b, bool exactly) {
  if (b == Dim(0)) return std::nullopt;
  if (AreStatic(a, b)) {
    const bool overflows =
        b.coefficient() == -1 && a.coefficient() == std::numeric_limits<int64_t>::min();
    if (overflows || (exactly && a.coefficient() % b.coefficient() != 0)) return std::nullopt;
    return Dim(a.coefficient() / b.coefficient());
  }
  if (IsNegative(a) || IsNegative(b)) return std::nullopt;
  if (const auto quotient = Dim::DivideExactly(a, b)) return quotient;
  if (exactly) return std::nullopt;
  return InferContext::DerivedDim(absl::StrCat("floor(", a.ToString(), "/", b.ToString(), ")"));
}

KnownDim ModKnown(const Dim& a, const Dim& b) {
  if (!b.is_static() || b.coefficient() <= 0) return std::nullopt;
  if (a.is_static()) {
    const int64_t rest = a.coefficient() % b.coefficient();
    return Dim(rest < 0 ? rest + b.coefficient() : rest);  // as the divisor's sign
  }
  if (Dim::DivideExactly(a, b)) return Dim(0);
  return Formula(a, "%", b);
}

KnownDim MinKnown(const Dim& a, const Dim& b) {
  if (a == b) return a;
  if (AreStatic(a, b)) return a.coefficient() < b.coefficient() ? a : b;
  // No extent is below 0.
  if (a.is_static() && a.coefficient() <= 0) return a;
  if (b.is_static() && b.coefficient() <= 0) return b;
  return std::nullopt;
}

KnownDim MaxKnown(const Dim& a, const Dim& b) {
  if (a == b) return a;
  if (AreStatic(a, b)) return a.coefficient() > b.coefficient() ? a : b;
  if (a.is_static() && a.coefficient() <= 0) return b;
  if (b.is_static() && b.coefficient() <= 0) return a;
  return std::nullopt;
}

KnownDim AreEqualKnown(const Dim& a, const Dim& b) {
  if (a == b) return Truth(true);
  if (AreStatic(a, b) || IsNegative(a) || IsNegative(b)) return Truth(false);
  return std::nullopt;
}

KnownDim IsLessKnown(const Dim& a, const Dim& b) {
  if (a == b) return Truth(false);
  if (AreStatic(a, b)) return Truth(a.coefficient() < b.coefficient());
  if (IsNegative(a)) return Truth(true);
  if (b.is_static() && b.coefficient() <= 0) return Truth(false);
  return std::nullopt;
}

}  // namespace weft
