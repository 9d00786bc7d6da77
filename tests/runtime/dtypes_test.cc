// Ops that move or compare elements of any type, on the kernels that the planner chooses: the bits
// of the reference.

#include <algorithm>
#include <string>

#include "gtest/gtest.h"
#include "ops/ops.h"
#include "ops/reference.h"
#include "runtime/exec/evaluator.h"
#include "runtime/exec/parallel.h"
#include "tests/cases/cases.h"

namespace weft {
namespace {

const RandomKey kKey{.seed = 17, .step = 3, .first_example = 40};

std::vector<OpCase> CasesOfAnyType() {
  std::vector<OpCase> cases = RunnableCases();
  const auto is_fixed = [](const CaseInput& input) { return input.dtype.has_value(); };
  std::erase_if(cases, [&](const OpCase& c) {
    return std::all_of(c.inputs.begin(), c.inputs.end(), is_fixed) ||
           !BuildCase(c, DType::kI8).ok();
  });
  return cases;
}

class OpKernelsOfAnyType : public testing::TestWithParam<OpCase> {
 protected:
  void SetUp() override { SplitFinely(true); }
  void TearDown() override { SplitFinely(false); }
};

TEST_P(OpKernelsOfAnyType, GiveTheBitsOfTheReference) {
  for (int number = 1; number <= kNumDTypes; ++number) {
    const DType dtype = *DTypeOfNumber(number);
    SCOPED_TRACE(ToString(dtype));
    const absl::StatusOr<Graph> graph = BuildCase(GetParam(), dtype);
    if (dtype == DType::kBool && !graph.ok()) continue;  // which has no order
    ASSERT_TRUE(graph.ok()) << graph.status();
    const TensorMap feeds = MakeFeeds(GetParam(), dtype);
    const auto expected = ReferenceEvaluator(kKey).RunGraph(*graph, feeds);
    const auto outputs = RuntimeEvaluator({.threads = 2}, kKey).RunGraph(*graph, feeds);
    ASSERT_TRUE(expected.ok() && outputs.ok()) << expected.status() << outputs.status();
    EXPECT_TRUE(*outputs == *expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, OpKernelsOfAnyType, testing::ValuesIn(CasesOfAnyType()), CaseName);

// Large enough for the blocks of transposing and strided copies, in two-byte elements.
TEST(MovementOfHalves, GivesTheBitsOfTheReference) {
  const OpCase cases[] = {{.op = "Transpose",
                           .attributes = {{"perm", std::vector<int64_t>{0, 2, 1}}},
                           .inputs = {{.dims = {3, 67, 129}, .low = -100, .high = 100}},
                           .outputs = {{3, 129, 67}}},
                          {.op = "Where",
                           .inputs = {{.dims = {300},
                                       .dtype = DType::kBool,
                                       .fill = CaseInput::Fill::kIntegers,
                                       .low = 0,
                                       .high = 2},
                                      {.dims = {70, 300}, .low = -100, .high = 100},
                                      {.dims = {70, 1}, .low = -100, .high = 100}},
                           .outputs = {{70, 300}}}};
  for (const OpCase& c : cases) {
    for (DType dtype : {DType::kF16, DType::kI16, DType::kU16}) {
      SCOPED_TRACE(c.op);
      const absl::StatusOr<Graph> graph = BuildCase(c, dtype);
      ASSERT_TRUE(graph.ok()) << graph.status();
      const TensorMap feeds = MakeFeeds(c, dtype);
      const auto expected = ReferenceEvaluator(kKey).RunGraph(*graph, feeds);
      for (int threads : {1, 3}) {
        const auto outputs = RuntimeEvaluator({.threads = threads}, kKey).RunGraph(*graph, feeds);
        ASSERT_TRUE(expected.ok() && outputs.ok()) << expected.status() << outputs.status();
        EXPECT_TRUE(*outputs == *expected);
      }
    }
  }
}

}  // namespace
}  // namespace weft
