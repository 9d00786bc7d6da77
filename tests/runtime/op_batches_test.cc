#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ops/reference.h"
#include "runtime/exec/evaluator.h"
#include "runtime/exec/parallel.h"
#include "tests/cases/cases.h"
#include "tests/runtime/close.h"

// Batches of no examples, on the kernels that the planner chooses, against the reference.

namespace weft {
namespace {

const RandomKey kKey{.seed = 17, .step = 3, .first_example = 40};

class OpKernelsOfBatches : public testing::TestWithParam<OpCase> {
 protected:
  void SetUp() override { SplitFinely(true); }
  void TearDown() override { SplitFinely(false); }
};

// Ops and cases that may refuse axis 0 without elements: the largest of none, the mean of none,
// lengths above it, regions of no image.
bool MayNeedExamples(const OpCase& c) {
  static const std::set<std::string> list = {"ArgMax",
                                             "ArgMin",
                                             "BatchNormalization",
                                             "GRU",
                                             "GRUGrad",
                                             "LSTM",
                                             "Hardmax",
                                             "LSTMGrad",
                                             "RNN",
                                             "RNNGrad",
                                             "RoiAlign",
                                             "ReshapeLike_merged_batch",
                                             "Squeeze_the_batch"};
  return list.contains(c.op) || list.contains(c.TestName());
}

// Every case whose inputs have a batch axis, without examples.
TEST_P(OpKernelsOfBatches, TakeABatchOfNone) {
  const OpCase& c = GetParam();
  absl::StatusOr<Graph> graph = BuildCase(c, DType::kF32, {.symbolic_batch = true});
  ASSERT_TRUE(graph.ok()) << graph.status();
  TensorMap feeds = MakeFeeds(c, DType::kF32);
  for (int i : c.batch_inputs) {
    Tensor& feed = feeds.at(CaseInputName(c, i));
    Dims dims = feed.dims();
    dims[0] = 0;
    feed = RandomTensor(dims, feed.dtype(), 1);
  }
  const absl::StatusOr<TensorMap> expected = ReferenceEvaluator(kKey).RunGraph(*graph, feeds);
  const absl::StatusOr<TensorMap> result =
      RuntimeEvaluator({.threads = 2}, kKey).RunGraph(*graph, feeds);
  ASSERT_EQ(result.ok(), expected.ok()) << result.status() << "; reference: " << expected.status();
  if (!expected.ok()) {
    EXPECT_TRUE(MayNeedExamples(c)) << expected.status();
    return;
  }
  for (const auto& [name, tensor] : *expected) {
    ExpectClose(result->at(name), tensor, name);
  }
}

// Those that are fed a batch, rather than hold it as a constant.
std::vector<OpCase> CasesWithBatch() {
  std::vector<OpCase> cases = RunnableCases();
  std::erase_if(cases, [](const OpCase& c) {
    const TensorMap feeds = MakeFeeds(c, DType::kF32);
    return c.batch_inputs.empty() ||
           std::any_of(c.batch_inputs.begin(), c.batch_inputs.end(),
                       [&](int i) { return !feeds.contains(CaseInputName(c, i)); });
  });
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Cases, OpKernelsOfBatches, testing::ValuesIn(CasesWithBatch()), CaseName);

}  // namespace
}  // namespace weft
