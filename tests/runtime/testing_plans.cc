#include "tests/runtime/testing_plans.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/exec/executable.h"
#include "runtime/exec/parallel.h"
#include "tests/runtime/close.h"

namespace weft {

Tensor Waves(Dims dims, float step) {
  Tensor tensor = Tensor::Zeros(DType::kF32, std::move(dims)).value();
  float at = 0;
  for (float& v : tensor.mutable_values<float>()) v = 0.2F * std::sin(at += step);
  return tensor;
}

int CountSteps(const Plan& plan, std::string_view op) {
  return static_cast<int>(std::count_if(plan.steps.begin(), plan.steps.end(),
                                        [&](const PlanStep& step) { return step.op == op; }));
}

namespace {

std::vector<Tensor> ResultsOf(const Graph& graph, const LowerOptions& options) {
  const auto executable = Executable::Create(graph, {}, options).value();
  const auto context = Context::Create(*executable).value();
  std::vector<Tensor> feeds, outputs(executable->plan().outputs.size());
  for (const Layout& layout : executable->plan().input_layouts) {
    feeds.push_back(Waves(layout.dims(), 0.7F));
  }
  // Twice: the second run finds what the first one left in the arena.
  for (int run = 0; run < 2; ++run) {
    const absl::Status status = executable->Run(*context, feeds, outputs);
    EXPECT_TRUE(status.ok()) << status;
  }
  return outputs;
}

}  // namespace

void ExpectSameBitsAtAnyThreadCount(const Graph& graph) {
  SplitFinely(true);
  const std::vector<Tensor> expected = ResultsOf(graph, {.threads = 1});
  for (const bool one_by_one : {false, true}) {
    RunPartsOneByOne(one_by_one);
    for (const int threads : {2, 3}) {
      EXPECT_TRUE(ResultsOf(graph, {.threads = threads}) == expected) << threads << " threads";
    }
  }
  RunPartsOneByOne(false);
  SplitFinely(false);
}

void ExpectReferenceResults(const Graph& graph) {
  const std::vector<Tensor> expected = ResultsOf(graph, {.threads = 1, .reference_only = true});
  SplitFinely(true);
  const Plan plan = Lower(graph, {.threads = 3}).value();
  for (const PlanStep& step : plan.steps) {
    EXPECT_EQ(step.threads, 3) << step.name;
  }
  for (const int threads : {1, 2, 3}) {
    const std::vector<Tensor> actual = ResultsOf(graph, {.threads = threads});
    EXPECT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < std::min(actual.size(), expected.size()); ++i) {
      ExpectClose(actual[i], expected[i], "output " + std::to_string(i), 1e-5);
    }
  }
  SplitFinely(false);
}

}  // namespace weft
