#include "frontend/session/folding.h"

#include <gtest/gtest.h>

#include "graph/emitter.h"
#include "ops/ops.h"

namespace weft {
namespace {

// Values that a product of has to round.
Tensor Uneven(Dims dims) {
  Tensor result = Tensor::Zeros(DType::kF32, std::move(dims)).value();
  const std::span<float> values = result.mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = 1.0F / static_cast<float>(3 + i % 1009) - 1.0F / static_cast<float>(7 + i % 31);
  }
  return result;
}

class Folding : public testing::TestWithParam<int64_t> {};

// Scaled channels of a layer's weights: a few, and so many that the runtime computes them.
TEST_P(Folding, ScaledWeightsHaveTheBitsOfTheReference) {
  Graph graph(StandardOps());
  Emitter e(graph);
  const int64_t channels = GetParam();
  const Tensor weights = Uneven({channels, 64, 3, 3});
  const Tensor scales = Uneven({channels, 1, 1, 1});
  const Value scaled = e.Op("Mul", {e.Constant(weights), e.Constant(scales)});
  ASSERT_TRUE(e.ok()) << e.status();
  const std::vector<Tensor> operands = {weights, scales};
  const auto expected = ReferenceEvaluator().RunNode(*scaled.node, operands);
  ASSERT_TRUE(expected.ok()) << expected.status();
  for (const int threads : {1, 2, 3}) {
    const auto actual = FoldingEvaluator({.threads = threads}).RunNode(*scaled.node, operands);
    ASSERT_TRUE(actual.ok()) << actual.status();
    ASSERT_EQ(actual->size(), 1U);
    EXPECT_EQ((*actual)[0], (*expected)[0]) << threads;
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, Folding, testing::Values(4, 250));

}  // namespace
}  // namespace weft
