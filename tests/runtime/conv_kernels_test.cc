#include <gtest/gtest.h>

#include "ops/ops.h"
#include "runtime/plan/lowering.h"
#include "runtime/plan/plan.h"
#include "tests/cases/cases.h"
#include "tests/cases/table.h"

// Which of the library's implementations ordinary convolutions get.

namespace weft {
namespace {

struct Layer {
  std::string name;
  AttributeMap attributes = {};
  Dims x, w, y;
};

std::vector<Layer> Layers() {
  const Ints same = {1, 1, 1, 1}, same3 = {1, 1, 1, 1, 1, 1};
  const AttributeMap depthwise = {{"group", 64}, {"pads", same}};
  return {
      {"first", {{"pads", same}}, {2, 3, 28, 28}, {32, 3, 3, 3}, {2, 32, 28, 28}},
      {"3x3", {{"pads", same}}, {2, 32, 14, 14}, {64, 32, 3, 3}, {2, 64, 14, 14}},
      {"1x1", {}, {2, 64, 14, 14}, {128, 64, 1, 1}, {2, 128, 14, 14}},
      {"1x1_of_17_channels", {}, {2, 17, 14, 14}, {3, 17, 1, 1}, {2, 3, 14, 14}},
      {"depthwise", depthwise, {2, 64, 14, 14}, {64, 1, 3, 3}, {2, 64, 14, 14}},
      {"depthwise_multiplier", depthwise, {2, 64, 14, 14}, {128, 1, 3, 3}, {2, 128, 14, 14}},
      {"groups", {{"group", 4}}, {2, 64, 14, 14}, {64, 16, 3, 3}, {2, 64, 12, 12}},
      {"1d", {{"pads", Ints{2, 2}}}, {2, 16, 100}, {32, 16, 5}, {2, 32, 100}},
      {"1d_of_a_signal", {}, {2, 1, 100}, {8, 1, 9}, {2, 8, 92}},
      {"3d", {{"pads", same3}}, {1, 3, 8, 14, 14}, {16, 3, 3, 3, 3}, {1, 16, 8, 14, 14}},
      {"3d_1x3x3", {}, {1, 16, 8, 14, 14}, {32, 16, 1, 3, 3}, {1, 32, 8, 12, 12}},
      {"3d_depthwise",
       {{"pads", same3}, {"group", 32}},
       {1, 32, 8, 14, 14},
       {32, 1, 3, 3, 3},
       {1, 32, 8, 14, 14}},
  };
}

// Generated code, or the library's matrix product, or vectors of ours: no plain loops.
void ExpectGenerated(const OpCase& op_case) {
  SCOPED_TRACE(op_case.TestName());
  absl::StatusOr<Graph> graph = BuildCase(op_case, DType::kF32);
  ASSERT_TRUE(graph.ok()) << graph.status();
  const auto plan = Lower(*graph, {.threads = 2});
  ASSERT_TRUE(plan.ok()) << plan.status();
  for (const PlanStep& step : plan->steps) {
    if (step.name != "node") continue;
    const bool ours = op_case.op == "Conv" && op_case.name == "depthwise";
    EXPECT_EQ(step.kernel->name(), ours ? "weft" : "onednn");
    EXPECT_EQ(step.kernel->implementation().find("ref"), std::string::npos)
        << step.kernel->implementation();
  }
}

TEST(ConvKernels, OrdinaryLayersAndTheirGradientsRunGeneratedCode) {
  for (const Layer& layer : Layers()) {
    const CaseInput x = Uniform(layer.x), w = Uniform(layer.w), y = Uniform(layer.y);
    ExpectGenerated({.op = "Conv",
                     .name = layer.name,
                     .attributes = layer.attributes,
                     .inputs = {x, w},
                     .outputs = {y.dims}});
    ExpectGenerated({.op = "ConvGradInput",
                     .name = layer.name,
                     .attributes = layer.attributes,
                     .inputs = {y, w, x},
                     .outputs = {x.dims}});
    ExpectGenerated({.op = "ConvGradWeight",
                     .name = layer.name,
                     .attributes = layer.attributes,
                     .inputs = {y, x, w},
                     .outputs = {w.dims}});
    // The way back: from y's shape to x's.
    ExpectGenerated({.op = "ConvTranspose",
                     .name = layer.name,
                     .attributes = layer.attributes,
                     .inputs = {y, w},
                     .outputs = {x.dims}});
  }
}

// It would run over the padding for minutes, or past 32 bits.
TEST(ConvKernels, TheLibraryIsNotAskedForWindowsFarOutside) {
  constexpr int64_t kFar = 1 << 24;
  const auto graph =
      BuildCase({.op = "Conv",
                 .name = "far",
                 .attributes = {{"dilations", Ints{kFar}}, {"pads", Ints{kFar, kFar}}},
                 .inputs = {Uniform({1, 16, 9}), Uniform({16, 16, 3})},
                 .outputs = {{1, 16, 9}}},
                DType::kF32);
  ASSERT_TRUE(graph.ok()) << graph.status();
  const auto plan = Lower(*graph, {.threads = 2});
  ASSERT_TRUE(plan.ok()) << plan.status();
  int convolutions = 0;
  for (const PlanStep& step : plan->steps) {
    if (step.name != "node") continue;
    EXPECT_EQ(step.kernel->name(), "reference");
    ++convolutions;
  }
  EXPECT_EQ(convolutions, 1);
}

}  // namespace
}  // namespace weft
