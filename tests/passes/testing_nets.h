#ifndef WEFT_TESTS_PASSES_TESTING_NETS_H_
#define WEFT_TESTS_PASSES_TESTING_NETS_H_

#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/ops.h"
#include "ops/reference.h"
#include "passes/pass.h"

namespace weft {

struct ConvShape {
  int64_t kernel = 3;
  int64_t stride = 1;
  int64_t padding = -1;  // -1: keeps the size at stride 1
  bool bias = true;
};

// Builds small nets with random constants; a failure to build fails the test. Convolutions and
// batch normalizations name their constants as the builder does: conv1.weight, bn1.running_mean.
class Net {
 public:
  explicit Net(DType dtype = DType::kF64, uint32_t seed = 1);

  // [N, channels, size, size]
  Value Image(int64_t channels, int64_t size, const std::string& name = "x");
  Tensor RandomTensor(Dims dims, double low = -1, double high = 1);
  Value Random(const std::string& name, Dims dims, double low = -1, double high = 1);
  Value Add(const std::string& op, const std::string& name, std::vector<Value> inputs,
            AttributeMap attributes = {}, int num_outputs = -1);
  Value Conv(const std::string& name, Value x, int64_t channels, ConvShape shape = {});
  // By the dims of its weights, [out, in / group, kernel...].
  Value ConvOf(const std::string& name, Value x, Dims w, AttributeMap attributes = {},
               bool bias = true);
  Value BatchNorm(const std::string& name, Value x, const std::string& mode = "inference");
  Value Relu(const std::string& name, Value x) { return Add("Relu", name, {x}); }
  void Output(const std::string& name, Value value);
  DType dtype() const { return dtype_; }
  // Turns the constants into variables: scale and bias trainable, statistics not.
  bool variables = false;

  Graph graph;

 private:
  Value Leaf(const std::string& name, Dims dims, double low, double high, bool statistic = false);

  DType dtype_;
  std::mt19937 random_;
};

// Options with the reference evaluator and cost model, verifying after each rewrite. A pass that
// changes values may make an error of 1e-9 where it is named.
PassOptions TestOptions(std::vector<std::string> passes = {});

PassReport MustOptimize(Graph& graph, const PassOptions& options = TestOptions());

// Values of all outputs for random inputs with N = `batch`; the same for the same input names.
TensorMap ResultsOf(const Graph& graph, int64_t batch);

// Largest difference, relative to the output's largest expected value (at least 1e-3); infinite
// where names or types differ.
double RelativeDifference(const TensorMap& expected, const TensorMap& actual);

// Optimizes by `options` and checks that results for three batch sizes from `first_batch` on stay
// the same within `tolerance` (relative), and that a second run finds nothing to do.
PassReport ExpectSameResults(Graph& graph, const PassOptions& options, double tolerance = 1e-12,
                             int64_t first_batch = 1);

// As ExpectSameResults, and compares the dumps before and after and the report with
// tests/golden/passes_<name>.txt (tests/cases/golden.h).
PassReport ExpectGoldenRewrite(const std::string& name, Graph& graph, const PassOptions& options);

// Expects that `passes` leave the graph's dump as it is and report exactly these near-misses,
// each as "rule at node: condition".
void ExpectDeclined(Graph& graph, const std::vector<std::string>& passes,
                    const std::vector<std::string>& near_misses);

std::vector<std::string> NearMisses(const PassReport& report);
// "rule: a + b -> c" for each rewrite.
std::vector<std::string> Rewrites(const PassReport& report);
// The multiply-accumulates of one example (N = 1).
int64_t MacsOf(const Graph& graph);
int CountOps(const Graph& graph, std::string_view op);

}  // namespace weft

#endif  // WEFT_TESTS_PASSES_TESTING_NETS_H_
