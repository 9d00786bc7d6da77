// A matrix of weights that is nearly of low rank becomes two thin ones, where that takes fewer
// MACs. It changes values: the error that is allowed is that of the weights, relative in the
// Frobenius norm.
//
//   gemm(x, W)   =>   gemm(gemm(x, L), R)                       with W = L*R of rank r
//   conv(x, w)   =>   conv1x1(conv(x, R), L)                    with w as [M, C*kh*kw] = L*R
//
// The first convolution has r filters of the old kernel (Zhang et al. 2016, "Accelerating very deep
// convolutional networks", section 3).

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "passes/combine/combine.h"
#include "passes/combine/low_rank.h"
#include "passes/rule.h"

namespace weft {
namespace {

// A half is not halved again: that would add to the error, time after time.
Condition SplitLowRankHolds(const Match& m) {
  const Condition known =
      All({IsConstant(m, "w"),
           Unless(m["w"].node->provenance().rule == kSplitLowRank,
                  absl::StrCat(m["w"].ToString(), " is a factor already")),
           Unless(!kFloatTypes.contains(m["w"].type().dtype),
                  absl::StrCat(m["w"].ToString(), " is ", ToString(m["w"].type())))});
  if (!known.holds || m.root()->op_name() != "Conv") return known;
  return HasOneGroup(m, "y");
}

// The weights as a matrix, factored; a status that says why not where it does not pay.
absl::StatusOr<LowRank> Factor(const Tensor& w, int64_t rows, int64_t cols, double error) {
  WEFT_ASSIGN_OR_RETURN(const Tensor wide, w.Converted(DType::kF64));
  WEFT_ASSIGN_OR_RETURN(LowRank factors, FactorMatrix(wide.values<double>(), rows, cols, error));
  if (factors.rank * (rows + cols) < rows * cols) return factors;
  return absl::FailedPreconditionError(absl::StrCat("in two steps of rank ", factors.rank,
                                                    " it would take ", factors.rank * (rows + cols),
                                                    " MACs for each ", rows * cols));
}

Value Half(Rewriter& r, const std::string& name, const std::vector<double>& values,
           const Tensor& like, Dims dims) {
  absl::StatusOr<Tensor> wide = Tensor::FromValues<double>(std::move(dims), values);
  if (wide.ok()) wide = wide->Converted(like.dtype());
  if (!wide.ok()) return r.Fail(wide.status());
  return r.OpAs(name, kConstant, {}, {{"value", *std::move(wide)}});
}

Value SplitConv(const Match& m, Rewriter& r, const LowRank& factors, const Tensor& w) {
  const std::string name = m.root()->name();
  Dims first = w.dims(), second(first.size(), 1);
  first[0] = second[1] = factors.rank;
  second[0] = w.dims()[0];
  const Value right = Half(r, m["w"].node->name() + ".right", factors.right, w, std::move(first));
  const Value left = Half(r, m["w"].node->name() + ".left", factors.left, w, std::move(second));
  const Value inner = r.OpAs(name + ".inner", "Conv", {m["x"], right}, m.root()->attributes());
  return r.OpAs(name, "Conv", {inner, left, m["c"]});
}

Value SplitProduct(const Match& m, Rewriter& r, const LowRank& factors, const Tensor& w) {
  const std::string name = m.root()->name(), of_w = m["w"].node->name();
  const AttributeMap& attributes = m.root()->attributes();
  const bool transposed = GetInt(attributes, "transB", 0) != 0;
  // Of W^T = L*R, W is R^T*L^T: both halves stay transposed.
  const Value left = Half(r, of_w + ".left", factors.left, w, {w.dims()[0], factors.rank});
  const Value right = Half(r, of_w + ".right", factors.right, w, {factors.rank, w.dims()[1]});
  const Value first = transposed ? right : left, second = transposed ? left : right;
  if (m.root()->op_name() == "MatMul") {
    return r.OpAs(name, "MatMul", {r.OpAs(name + ".inner", "MatMul", {m["x"], first}), second});
  }
  const Value inner = r.OpAs(
      name + ".inner", "Gemm", {m["x"], first},
      {{"transA", GetInt(attributes, "transA", 0)}, {"transB", GetInt(attributes, "transB", 0)}});
  AttributeMap rest = attributes;
  rest.erase("transA");
  return r.OpAs(name, "Gemm", {inner, second, m["c"]}, std::move(rest));
}

std::vector<Value> SplitLowRankReplace(const Match& m, Rewriter& r) {
  const Tensor& w = *ConstantValue(m["w"]);
  const bool conv = m.root()->op_name() == "Conv";
  if (w.rank() < 2 || (!conv && w.rank() != 2)) return r.Decline("its weights are no matrix");
  if (w.size() == 0) return r.Decline("its weights are empty");
  const int64_t rows = w.dims()[0];
  const absl::StatusOr<LowRank> factors =
      Factor(w, rows, w.size() / rows, r.options().lossy.find(kSplitLowRank)->second);
  if (!factors.ok()) return r.Decline(std::string(factors.status().message()));
  return {conv ? SplitConv(m, r, *factors, w) : SplitProduct(m, r, *factors, w)};
}

}  // namespace

Pass SplitLowRank() {
  return ToPass(
      {.name = kSplitLowRank,
       .doc = "split weights of nearly low rank into two factors; the error is that of the weights",
       .pattern = OneOf({"Conv", "Gemm", "MatMul"},
                        {Any().As("x"), Any().As("w"), Any().As("c").Optional()})
                      .As("y"),
       .conditions = SplitLowRankHolds,
       .rewrite = SplitLowRankReplace,
       .lossy = true});
}

}  // namespace weft
