#include "ops/non_zero.h"

#include <algorithm>

#include "ops/common.h"
#include "ops/families.h"

// As NonMaxSuppression: as many columns as there can be, and the number of those that there are.

namespace weft {
namespace {

absl::StatusOr<std::vector<TensorType>> InferNonZero(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Dim most, CountElements(c.type(0).shape));
  return std::vector<TensorType>{{DType::kI64, {Dim(c.type(0).rank()), most}},
                                 {DType::kI64, {Dim(1)}}};
}

absl::Status EvaluateNonZero(const EvalContext& c) {
  const auto columns = c.out(0).out<int64_t>();
  std::fill(columns.begin(), columns.end(), -1);
  FillNonZeros(c.in(0), c.in(0).size(), columns.data());
  c.out(1).out<int64_t>()[0] = CountNonZeros(c.in(0));
  return absl::OkStatus();
}

}  // namespace

int64_t CountNonZeros(const TensorView& x) {
  int64_t count = 0;
  for (int64_t i = 0; i < x.size(); ++i) count += x.At(i) != 0;
  return count;
}

void FillNonZeros(const TensorView& x, int64_t stride, int64_t* rows) {
  int64_t column = 0;
  for (int64_t i = 0; i < x.size(); ++i) {
    if (x.At(i) == 0) continue;
    int64_t rest = i;
    for (int axis = x.rank(); axis-- > 0; rest /= x.dim(axis)) {
      rows[axis * stride + column] = rest % x.dim(axis);
    }
    ++column;
  }
}

std::vector<OpDef> NonZeroOps() {
  return {{.name = "NonZero",
           .doc = "Where X is not 0: the coordinates of each such element are a column of indices "
                  "[rank,size of X], in order, as many as count says; columns after them are -1. "
                  "The columns are those of ONNX's NonZero.",
           .inputs = {{"X", kAllTypes}},
           .outputs = {{"indices"}, {"count"}},
           .infer = InferNonZero,
           .no_gradient = "its output is an integer",
           .evaluate = EvaluateNonZero}};
}

}  // namespace weft
