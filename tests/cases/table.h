#ifndef WEFT_TESTS_CASES_TABLE_H_
#define WEFT_TESTS_CASES_TABLE_H_

#include <utility>
#include <vector>

#include "tests/cases/cases.h"

// Short names for writing the rows of the table, and the list of its parts.

namespace weft {

using Ints = std::vector<int64_t>;

inline CaseInput Uniform(Dims dims, double low = -1, double high = 1) {
  return {.dims = std::move(dims), .low = low, .high = high};
}
inline CaseInput Positive(Dims dims) { return Uniform(std::move(dims), 0.5, 2); }
inline CaseInput OffZero(Dims dims) {
  return {.dims = std::move(dims), .fill = CaseInput::Fill::kOffZero, .low = 0.25, .high = 1.5};
}
inline CaseInput Distinct(Dims dims) {
  return {.dims = std::move(dims), .fill = CaseInput::Fill::kDistinct};
}
inline CaseInput Integers(Dims dims, double low, double high, DType dtype = DType::kI64) {
  return {.dims = std::move(dims),
          .dtype = dtype,
          .fill = CaseInput::Fill::kIntegers,
          .low = low,
          .high = high};
}
inline CaseInput Labels(Dims dims, double classes, DType dtype = DType::kI64) {
  return Integers(std::move(dims), 0, classes, dtype);
}
inline CaseInput Values(Dims dims, std::vector<double> values, std::optional<DType> dtype = {}) {
  return {.dims = std::move(dims),
          .dtype = dtype,
          .fill = CaseInput::Fill::kValues,
          .values = std::move(values)};
}
inline CaseInput Constant(CaseInput input) {
  input.role = CaseInput::Role::kConstant;
  return input;
}
inline CaseInput Variable(CaseInput input) {
  input.role = CaseInput::Role::kVariable;
  return input;
}
// A list of i64, as starts, pads and shapes are.
inline CaseInput ConstantInts(std::vector<double> values) {
  const int64_t n = static_cast<int64_t>(values.size());
  return Constant(Values({n}, std::move(values), DType::kI64));
}
inline CaseInput Absent() { return {.role = CaseInput::Role::kAbsent}; }

// Appends rows of `op`; a row that names its op keeps it.
inline void AddRows(std::vector<OpCase>& all, const char* op, std::vector<OpCase> rows) {
  for (OpCase& row : rows) {
    if (row.op.empty()) row.op = op;
    all.push_back(std::move(row));
  }
}

// The rows of one file each.
std::vector<OpCase> ActivationCases();
std::vector<OpCase> BatchNormCases();
std::vector<OpCase> ChoicePoolCases();
std::vector<OpCase> CompareCases();
std::vector<OpCase> ConcatCases();
std::vector<OpCase> ConvCases();
std::vector<OpCase> ConvGradCases();
std::vector<OpCase> ConvTransposeCases();
std::vector<OpCase> EinsumCases();
std::vector<OpCase> ElementwiseCases();
std::vector<OpCase> FusedCases();
std::vector<OpCase> FusedElementwiseCases();
std::vector<OpCase> SqueezeExcitationCases();
std::vector<OpCase> GemmCases();
std::vector<OpCase> GenerateCases();
std::vector<OpCase> Im2ColCases();
std::vector<OpCase> IndexCases();
std::vector<OpCase> LossCases();
std::vector<OpCase> LpPoolCases();
std::vector<OpCase> MatMulCases();
std::vector<OpCase> MomentumCases();
std::vector<OpCase> MoveCases();
std::vector<OpCase> NormCases();
std::vector<OpCase> OptimizerCases();
std::vector<OpCase> OrderCases();
std::vector<OpCase> PadCases();
std::vector<OpCase> PoolCases();
std::vector<OpCase> RandomCases();
std::vector<OpCase> RecurrentCases();
std::vector<OpCase> ReduceCases();
std::vector<OpCase> ResizeCases();
std::vector<OpCase> SampleCases();
std::vector<OpCase> ShapeCases();
std::vector<OpCase> SignalCases();
std::vector<OpCase> SliceCases();
std::vector<OpCase> SoftmaxCases();
std::vector<OpCase> UnaryCases();
std::vector<OpCase> UnpoolCases();

}  // namespace weft

#endif  // WEFT_TESTS_CASES_TABLE_H_
