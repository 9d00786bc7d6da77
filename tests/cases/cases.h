#ifndef WEFT_TESTS_CASES_CASES_H_
#define WEFT_TESTS_CASES_CASES_H_

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "graph/evaluator.h"
#include "graph/graph.h"
#include "gtest/gtest.h"

// The op-case table: for every op a few rows of attributes and input shapes. It is the one place
// that drives the tests of inference, gradients, fast kernels, files and dumps.

namespace weft {

// What one input of a case holds and how the graph gets it.
struct CaseInput {
  enum class Role { kInput, kConstant, kVariable, kAbsent };
  enum class Fill {
    kUniform,   // in [low, high)
    kOffZero,   // magnitudes in [low, high), either sign
    kDistinct,  // all elements at least 1/16 apart
    kIntegers,  // whole numbers in [low, high)
    kValues,    // `values`
  };

  Dims dims = {};
  std::optional<DType> dtype = {};  // nullopt: the floating-point type that the case is built for
  Role role = Role::kInput;
  Fill fill = Fill::kUniform;
  double low = -1;
  double high = 1;
  std::vector<double> values = {};
};

struct OpCase {
  std::string op = {};
  std::string name = {};  // unique within the op; letters, digits and _
  AttributeMap attributes = {};
  std::vector<CaseInput> inputs = {};
  std::vector<Dims> outputs = {};  // expected dims; their number is what the node is asked for
  // The outputs' dtypes where they are not the floating-point type: one entry an output.
  std::vector<std::optional<DType>> dtypes = {};
  // Inputs whose axis 0 is the batch, which inference must also accept as a symbol.
  std::vector<int> batch_inputs = {};
  bool gradient = true;  // false: this mode of the op has no gradient

  std::string TestName() const { return op + "_" + name; }
};

// The whole table, grouped by op family.
const std::vector<OpCase>& OpCases();
// Those that run as they are: not in mode "auto", which ForInference or ForTraining replaces.
std::vector<OpCase> RunnableCases();

struct CaseOptions {
  bool symbolic_batch = false;  // axis 0 of the batch_inputs is the symbol N
};

// A graph of the case's one node, called "node". Its inputs, constants and variables are called
// after the op's inputs (CaseInputName), the graph's outputs "output0", "output1", …
absl::StatusOr<Graph> BuildCase(const OpCase& op_case, DType float_type,
                                const CaseOptions& options = {});
std::string CaseInputName(const OpCase& op_case, int i);

// A tensor for each Input of the case: the same numbers in every process and, up to rounding, for
// both floating-point types.
TensorMap MakeFeeds(const OpCase& op_case, DType float_type);

// A tensor of the input's dims; equal seeds give equal numbers.
Tensor MakeTensor(const CaseInput& input, DType float_type, uint64_t seed);

// Uniform in [low, high), for what a test adds to a case.
Tensor RandomTensor(const Dims& dims, DType dtype, uint64_t seed, double low = -1, double high = 1);

// For INSTANTIATE_TEST_SUITE_P.
inline std::string CaseName(const testing::TestParamInfo<OpCase>& info) {
  return info.param.TestName();
}
inline void PrintTo(const OpCase& op_case, std::ostream* out) { *out << op_case.TestName(); }

}  // namespace weft

#endif  // WEFT_TESTS_CASES_CASES_H_
