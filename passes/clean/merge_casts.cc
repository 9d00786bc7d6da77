// A cast to a type that holds every value of x's, on the way to another one, goes:
//
//   cast2(cast1(x, f64), f16)  =>  cast2(x, f16)      x of f32
//   cast2(cast1(x, f64), f32)  =>  x
//
// From an integer by way of floating point to another integer it stays: that saturates, where
// between integers values wrap around.

#include "passes/clean/clean.h"
#include "passes/rule.h"

namespace weft {
namespace {

// Numbers m * 2^e with |m| < 2^digits; floating point has `exponents` of them, integers none.
struct Numbers {
  int digits;
  bool is_signed = true;
  int exponents = 0;  // bits; 0 of integers
};

Numbers NumbersOf(DType dtype) {
  switch (dtype) {
    case DType::kBool:
      return {1, false};
    case DType::kU8:
      return {8, false};
    case DType::kU16:
      return {16, false};
    case DType::kU32:
      return {32, false};
    case DType::kU64:
      return {64, false};
    case DType::kI8:
      return {7};
    case DType::kI16:
      return {15};
    case DType::kI32:
      return {31};
    case DType::kI64:
      return {63};
    case DType::kF16:
      return {11, true, 5};
    case DType::kBF16:
      return {8, true, 8};
    case DType::kF32:
      return {24, true, 8};
    case DType::kF64:
      break;
  }
  return {53, true, 11};
}

// Whether `wide` has every value of `narrow`. (A lowest integer, -2^digits, is a power of two, and
// every floating-point type reaches beyond 2^11.)
bool MergeCastsHolds(DType wide, DType narrow) {
  const Numbers w = NumbersOf(wide), n = NumbersOf(narrow);
  return w.digits >= n.digits && w.exponents >= n.exponents && (w.is_signed || !n.is_signed);
}

bool IsFloat(DType dtype) { return NumbersOf(dtype).exponents > 0; }

bool IsDetour(const Node& cast2) {
  const Node& cast1 = *cast2.input(0).node;
  if (cast1.op_name() != "Cast") return false;
  const DType from = cast1.input(0).type().dtype, by = cast1.type().dtype, to = cast2.type().dtype;
  return MergeCastsHolds(by, from) && (from == to || IsFloat(from) == IsFloat(by) || IsFloat(to));
}

std::vector<Value> MergeCastsReplace(const Match& m, Rewriter& r) {
  if (m["x"].type() == m.root()->type()) return {m["x"]};
  return {r.OpAs(m.root()->name(), "Cast", {m["x"]}, m.root()->attributes())};
}

}  // namespace

Pass MergeCasts() {
  return ToPass({.name = "merge_casts",
                 .doc = "cast at once where a cast in between loses nothing",
                 .pattern = Op("Cast", {Op("Cast", {Any().As("x")})}).Where(IsDetour),
                 .conditions = nullptr,
                 .rewrite = MergeCastsReplace});
}

}  // namespace weft
