// Gemm of few examples, whose weights are read once.
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ops/post_ops.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/kernel.h"
#include "tests/cases/cases.h"
#include "tests/runtime/testing_candidates.h"

namespace weft {
namespace {

OpCase Case(int64_t examples, int64_t columns, int64_t rows, std::optional<CaseInput> c = {}) {
  OpCase result{.op = "Gemm",
                .name = "rows",
                .attributes = {{"transB", 1}},
                .inputs = {Uniform({examples, columns}), Constant(Uniform({rows, columns}))},
                .outputs = {{examples, rows}}};
  if (c) result.inputs.push_back(*std::move(c));
  return result;
}

class GemmRows : public testing::Test {
 protected:
  void SetUp() override { SplitFinely(true); }
  void TearDown() override { SplitFinely(false); }
};

TEST_F(GemmRows, OfOneToFourExamples) {
  const auto test = [] {
    for (const int64_t examples : {1, 2, 3, 4}) {
      for (const int64_t columns : {1, 5, 16, 40, 1030}) {
        for (const int64_t rows : {1, 7, 30}) {
          ExpectSameAtAnyThreadCount(Case(examples, columns, rows, Uniform({rows})), HostGemmRows,
                                     1, 1e-5);
        }
      }
      ExpectSameAtAnyThreadCount(Case(examples, 40, 30), HostGemmRows, 1, 1e-5);
      ExpectSameAtAnyThreadCount(Case(examples, 40, 30, Uniform({1, 30})), HostGemmRows, 1, 1e-5);
    }
  };
  test();
  WithOlderCpus(test);
}

TEST_F(GemmRows, WithWhatFollows) {
  for (const char* op : {"Relu", "Gelu"}) {
    OpCase c = Case(3, 70, 33, Uniform({33}));
    c.op = "FusedGemm";
    c.attributes.emplace("post_ops",
                         std::vector<PostOp>{{.op = "Add", .input = 3}, {.op = std::string(op)}});
    c.inputs.push_back(Uniform({3, 33}));
    ExpectSameAtAnyThreadCount(c, HostGemmRows, 1, 1e-5);
  }
}

// An example's result is the same alone and among others.
TEST_F(GemmRows, OtherExamplesChangeNoBit) {
  const CaseNode four(Case(4, 130, 50));
  const RunScope scope(2);
  const auto kernels = HostGemmRows(RequestFor(four.node(), false, 2)).value();
  const std::vector<Tensor> all = RunKernel(*kernels[0], four.inputs).value();
  for (const int64_t count : {1, 2, 3}) {
    const CaseNode few(Case(count, 130, 50));
    std::vector<Tensor> inputs = few.inputs;
    inputs[0] = Tensor::FromBytes(DType::kF32, {count, 130},
                                  {four.inputs[0].data(), static_cast<size_t>(count) * 130 * 4})
                    .value();
    inputs[1] = four.inputs[1];
    const auto made = HostGemmRows(RequestFor(few.node(), false, 2)).value();
    const std::vector<Tensor> some = RunKernel(*made[0], inputs).value();
    EXPECT_EQ(std::memcmp(some[0].data(), all[0].data(), some[0].bytes()), 0) << count;
  }
}

TEST_F(GemmRows, OfNothing) {
  ExpectSameAtAnyThreadCount(Case(2, 0, 3, Uniform({3})), HostGemmRows, 1, 1e-5);
  ExpectSameAtAnyThreadCount(Case(0, 4, 3), HostGemmRows, 1, 1e-5);
  ExpectSameAtAnyThreadCount(Case(2, 4, 0), HostGemmRows, 1, 1e-5);
  ExpectSameAtAnyThreadCount(Case(2, 4, 1, Uniform({1})), HostGemmRows, 1, 1e-5);
}

// Of columns, scaled, of more examples, with a column of addends: those are the library's.
TEST_F(GemmRows, OthersAreLeftToTheLibrary) {
  const auto offered = [](OpCase c, const char* attribute = nullptr, Attribute value = 0) {
    if (attribute != nullptr) c.attributes.insert_or_assign(attribute, value);
    const CaseNode made(c);
    return HostGemmRows(RequestFor(made.node(), false, 1)).value().size();
  };
  EXPECT_EQ(offered(Case(4, 6, 6)), 1U);
  EXPECT_EQ(offered(Case(5, 6, 6)), 0U);
  EXPECT_EQ(offered(Case(4, 6, 6), "transB", 0), 0U);
  EXPECT_EQ(offered(Case(4, 4, 4), "transA", 1), 0U);
  EXPECT_EQ(offered(Case(4, 6, 6), "alpha", 2.0), 0U);
  EXPECT_EQ(offered(Case(4, 6, 6, Uniform({6})), "beta", 2.0), 0U);
  EXPECT_EQ(offered(Case(4, 6, 6, Uniform({4, 1}))), 0U);
  EXPECT_EQ(offered(Case(4, 6, 1, Uniform({4, 1}))), 0U);
  EXPECT_EQ(offered(Case(4, 6, 6, Uniform({}))), 0U);
}

}  // namespace
}  // namespace weft
