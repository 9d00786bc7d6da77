// The kernels of indexing, resizing, random and Fourier ops on tensors large enough for their
// vectors, pieces and threads, against the reference.

#include <cmath>

#include "gmock/gmock.h"
#include "graph/bind.h"
#include "gtest/gtest.h"
#include "ops/ops.h"
#include "ops/reference.h"
#include "runtime/exec/evaluator.h"
#include "tests/cases/table.h"
#include "tests/runtime/close.h"

namespace weft {
namespace {

const RandomKey kKey{.seed = 17, .step = 3, .first_example = 40};

absl::StatusOr<Tensor> RunOnThreads(const Graph& graph, const TensorMap& feeds, int threads) {
  WEFT_ASSIGN_OR_RETURN(const TensorMap outputs,
                        RuntimeEvaluator({.threads = threads}, kKey).RunGraph(graph, feeds));
  return outputs.at("output0");
}

class IndexKernels : public testing::TestWithParam<OpCase> {};

TEST_P(IndexKernels, AgreeWithTheReferenceAtAnyThreadCount) {
  const OpCase& c = GetParam();
  const absl::StatusOr<Graph> graph = BuildCase(c, DType::kF32);
  ASSERT_TRUE(graph.ok()) << graph.status();
  const TensorMap feeds = MakeFeeds(c, DType::kF32);
  const auto expected = ReferenceEvaluator(kKey).RunGraph(*graph, feeds);
  ASSERT_TRUE(expected.ok()) << expected.status();
  const auto one = RunOnThreads(*graph, feeds, 1);
  ASSERT_TRUE(one.ok()) << one.status();
  ExpectClose(*one, expected->at("output0"), c.name);
  for (int threads : {2, 3}) {
    const auto more = RunOnThreads(*graph, feeds, threads);
    ASSERT_TRUE(more.ok()) << more.status();
    EXPECT_TRUE(*more == *one) << threads << " threads";
  }
}

CaseInput Sizes(std::vector<double> values) {
  const auto count = static_cast<int64_t>(values.size());
  return Constant(Values({count}, std::move(values), DType::kI64));
}

std::vector<OpCase> Cases() {
  const AttributeMap linear = {{"mode", "linear"}, {"axes", Ints{2, 3}}};
  const CaseInput pooled = Uniform({3, 5, 31, 40}), image = Uniform({3, 5, 56, 33});
  const AttributeMap reduce = {{"axis", 1}, {"reduction", "add"}};
  return {
      {.op = "Gather", .name = "rows", .inputs = {Uniform({500, 33}), Integers({700}, -500, 500)}},
      {.op = "GatherGrad",
       .name = "rows",
       .inputs = {Uniform({700, 33}), Integers({700}, -50, 50), Uniform({50, 33})}},
      {.op = "GatherGrad",
       .name = "columns",
       .attributes = {{"axis", 1}},
       .inputs = {Uniform({70, 900}), Integers({900}, 0, 41), Uniform({70, 41})}},
      {.op = "GatherElements",
       .name = "columns",
       .attributes = {{"axis", 1}},
       .inputs = {Uniform({130, 70, 5}), Integers({129, 90, 5}, 0, 70)}},
      {.op = "ScatterElements",
       .name = "columns",
       .attributes = reduce,
       .inputs = {Uniform({130, 70, 5}), Integers({129, 90, 5}, 0, 70), Uniform({129, 90, 5})}},
      {.op = "ScatterElementsGrad",
       .name = "columns",
       .attributes = {{"axis", 1}},
       .inputs = {Uniform({130, 70, 5}), Integers({129, 90, 5}, 0, 70)}},
      {.op = "ScatterND",
       .name = "rows",
       .inputs = {Uniform({300, 65}), Integers({900, 1}, 0, 300), Uniform({900, 65})}},
      {.op = "OneHot",
       .name = "axis_1",
       .attributes = {{"axis", 1}},
       .inputs = {Integers({40, 70}, -20, 20), Constant(Values({}, {17}, DType::kI64)),
                  Values({2}, {0.25, 1})}},
      {.op = "Resize",
       .name = "linear",
       .attributes = linear,
       .inputs = {image, Absent(), Absent(), Sizes({31, 40})}},
      {.op = "ResizeGrad",
       .name = "linear",
       .attributes = linear,
       .inputs = {pooled, image, Absent(), Absent(), Sizes({31, 40})}},
      {.op = "Resize",
       .name = "nearest",
       .attributes = {{"axes", Ints{2, 3}}},
       .inputs = {image, Absent(), Absent(), Sizes({112, 66})}},
      {.op = "Resize",
       .name = "linear_up_and_down",
       .attributes = linear,
       .inputs = {image, Absent(), Absent(), Sizes({90, 20})}},
      {.op = "RandomUniformLike",
       .name = "odd",
       .attributes = {{"low", -3.0}, {"stream", 4}},
       .inputs = {Uniform({5, 5003})}},
      {.op = "RandomNormalLike",
       .name = "odd",
       .attributes = {{"mean", 0.5}, {"stream", 4}},
       .inputs = {Uniform({5, 5003})}},
      {.op = "RandomNormal", .name = "whole", .attributes = {{"shape", Ints{70001}}}},
      {.op = "Bernoulli", .name = "odd", .inputs = {Uniform({5, 5003}, 0, 1)}},
      {.op = "RandomPlacement",
       .name = "images",
       .attributes = {{"mode", "training"}, {"pads", Ints{9, 6}}},
       .inputs = {Uniform({7, 5, 28, 31})}},
      {.op = "DFT", .name = "all_factors", .inputs = {Uniform({3, 2520, 1})}},
      {.op = "DFT", .name = "factors_11_13", .inputs = {Uniform({3, 286, 2})}},
      {.op = "DFT",
       .name = "powers_of_2",
       .attributes = {{"inverse", 1}},
       .inputs = {Uniform({5, 512, 2})}},
      {.op = "DFT", .name = "a_prime", .inputs = {Uniform({3, 509, 2})}},
      {.op = "DFT",
       .name = "a_multiple_of_a_prime",
       .attributes = {{"onesided", 1}},
       .inputs = {Uniform({3, 458, 1})}},
      {.op = "DFTGrad",
       .name = "columns",
       .attributes = {{"onesided", 1}},
       .inputs = {Uniform({3, 181, 7, 2}), Uniform({3, 360, 7, 1})}},
  };
}

std::vector<OpCase> CasesWithOneOutput() {
  std::vector<OpCase> cases = Cases();
  for (OpCase& c : cases) c.outputs = {{}};
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Large, IndexKernels, testing::ValuesIn(CasesWithOneOutput()), CaseName);

TEST(IndexKernelsTest, ABadIndexIsTheReferencesError) {
  const OpCase gather{.op = "Gather",
                      .name = "bad",
                      .inputs = {Uniform({3, 4}), Values({3}, {0, -4, 1}, DType::kI64)},
                      .outputs = {{}}};
  const absl::StatusOr<Graph> graph = BuildCase(gather, DType::kF32);
  ASSERT_TRUE(graph.ok()) << graph.status();
  const auto y = RunOnThreads(*graph, MakeFeeds(gather, DType::kF32), 2);
  EXPECT_EQ(y.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(
      std::string(y.status().message()),
      testing::HasSubstr("expected indices in [-3,3) along axis 0, got -4 at position [1]"));
}

// Real lines share transforms, but neither their NaN nor their rounding errors.
TEST(IndexKernelsTest, LinesOfADftDoNotDisturbEachOther) {
  const double nan = std::nan("");
  const OpCase dft{.op = "DFT",
                   .name = "lines",
                   .inputs = {Values({4, 2, 1}, {nan, 1, 1, 2, 1e30, 1e30, 3, 5})},
                   .outputs = {{}}};
  const absl::StatusOr<Graph> graph = BuildCase(dft, DType::kF32);
  ASSERT_TRUE(graph.ok()) << graph.status();
  const auto y = RunOnThreads(*graph, MakeFeeds(dft, DType::kF32), 2);
  ASSERT_TRUE(y.ok()) << y.status();
  EXPECT_TRUE(std::isnan(y->At(0)));
  EXPECT_EQ(y->At(4), 3);
  EXPECT_EQ(y->At(6), -1);
  EXPECT_EQ(y->At(12), 8);
  EXPECT_EQ(y->At(14), -2);
}

// Regions and scales that only a run knows.
TEST(IndexKernelsTest, ResizeReadsItsRegionInTheRun) {
  const OpCase crop{.op = "Resize",
                    .name = "crop",
                    .attributes = {{"mode", "linear"},
                                   {"axes", Ints{2}},
                                   {"coordinate_transformation_mode", "tf_crop_and_resize"}},
                    .inputs = {Uniform({2, 3, 9}), Values({2}, {0.25, 1.5}), Absent(), Sizes({7})},
                    .outputs = {{}}};
  const absl::StatusOr<Graph> graph = BuildCase(crop, DType::kF32);
  ASSERT_TRUE(graph.ok()) << graph.status();
  const TensorMap feeds = MakeFeeds(crop, DType::kF32);
  const auto expected = ReferenceEvaluator(kKey).RunGraph(*graph, feeds);
  const auto y = RunOnThreads(*graph, feeds, 2);
  ASSERT_TRUE(expected.ok() && y.ok()) << expected.status() << y.status();
  ExpectClose(*y, expected->at("output0"), "crop");
}

}  // namespace
}  // namespace weft
