#ifndef WEFT_FRONTEND_ONNX_CONFORM_CONFORM_H_
#define WEFT_FRONTEND_ONNX_CONFORM_CONFORM_H_

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "graph/evaluator.h"
#include "graph/model.h"

// Test cases in the layout of ONNX's own suite: a folder with model.onnx and, in test_data_set_0
// and so on, input_0.pb, output_0.pb and so on, the values of the graph's inputs and outputs in
// order.

namespace onnx {
class GraphProto;
}

namespace weft {

enum class ConformOutcome {
  kPass,
  kRandom,  // draws random numbers: dtype, shape and statistics are those of the expected values
  kUnsupported,
  kFail
};
std::string_view ToString(ConformOutcome outcome);  // "pass", "random", "unsupported", "FAIL"

struct ConformResult {
  std::string name;  // the folder's
  ConformOutcome outcome = ConformOutcome::kFail;
  std::string detail;  // what is unsupported or wrong; empty for a pass
};

struct ConformOptions {
  int threads = 0;  // 0: all that this process may use
  // A floating-point value passes if |got - expected| <= atol + rtol * |expected|, as in ONNX's
  // runner; integers and bools must be equal.
  double rtol = 1e-3;
  double atol = 1e-7;
};

// The folders with a model.onnx at or below `folder`, sorted. Errors: no such folder, none in it.
absl::StatusOr<std::vector<std::string>> FindConformCases(const std::string& folder);

// Runs a case with all its data sets, as it is and optimized. Inputs that decide shapes are bound
// to the data set's values. Whatever goes wrong is in the result.
ConformResult RunConformCase(const std::string& folder, const ConformOptions& options = {});

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

// One data set, for those who want more of it than an outcome.
struct ConformData {
  TensorMap inputs;                  // of the graph's inputs without initializers
  std::vector<NamedTensor> outputs;  // expected, in order
};
// Errors: Unimplemented for values that are no tensors of ours.
absl::StatusOr<std::vector<ConformData>> ReadConformData(const std::string& folder);
// ONNX's own runner compares no shapes: where data contradict what the model says of an input, as
// in some of its suite's cases, the data's shape counts, and RunConformCase puts it there.
void TakeShapes(const TensorMap& data, onnx::GraphProto& graph);

// Whether `got` has all of `expected`, and no more. Of the outputs named in `random` the statistics
// are compared.
struct Comparison {
  ConformOutcome outcome = ConformOutcome::kPass;
  std::string detail;
};
Comparison CompareOutputs(const std::vector<NamedTensor>& expected, const TensorMap& got,
                          const std::set<std::string>& random = {},
                          const ConformOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_CONFORM_CONFORM_H_
