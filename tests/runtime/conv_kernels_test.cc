#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "ops/ops.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/batch_parts.h"
#include "runtime/onednn/families.h"
#include "runtime/plan/lowering.h"
#include "runtime/plan/plan.h"
#include "tests/cases/cases.h"
#include "tests/cases/table.h"
#include "tests/runtime/close.h"
#include "tests/runtime/testing_candidates.h"

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

// A batch of 6 as three of 2, by every kernel of the library: images and an addend in parts,
// weights and the bias whole; the addend in the result's memory too.
TEST(ConvKernels, PartsOfABatchMakeTheWhole) {
  const CaseNode made(
      {.op = "FusedConv",
       .name = "parts",
       .attributes = {{"pads", Ints{1, 1, 1, 1}},
                      {"post_ops", std::vector<PostOp>{{.op = "Add", .input = 3}, {.op = "Relu"}}}},
       .inputs = {Uniform({6, 5, 7, 6}), Uniform({16, 5, 3, 3}), Uniform({16}),
                  Uniform({6, 16, 7, 6})},
       .outputs = {{6, 16, 7, 6}}});
  ASSERT_TRUE(made.expected.ok()) << made.expected.status();
  RunScope scope(2);
  KernelRequest part = RequestFor(made.node(), false, 2);
  part.inputs[0] = Layout::Plain(DType::kF32, {2, 5, 7, 6});
  part.inputs[3] = Layout::Plain(DType::kF32, {2, 16, 7, 6});
  part.outputs[0] = {2, 16, 7, 6};
  auto kernels = DnnlConv(part);
  ASSERT_TRUE(kernels.ok()) << kernels.status();
  ASSERT_FALSE(kernels->empty());
  for (std::unique_ptr<Kernel>& kernel : *kernels) {
    const auto whole = InParts(std::move(kernel), 3, {true, false, false, true});
    ASSERT_NE(whole, nullptr);
    EXPECT_THAT(whole->implementation(), testing::EndsWith(" in parts"));
    EXPECT_EQ(whole->outputs()[0].dims(), made.expected->front().dims());
    EXPECT_TRUE(whole->AllowsInPlace(0, 3));
    for (const std::optional<Alias>& shared :
         {std::optional<Alias>(), std::optional<Alias>({.output = 0, .input = 3})}) {
      const auto y = RunKernel(*whole, made.inputs, shared);
      ASSERT_TRUE(y.ok()) << y.status();
      ExpectClose((*y)[0], made.expected->front(), whole->implementation());
    }
  }
}

// Where the plan takes them: a result larger than the caches, few weights, a loop after it.
TEST(ConvKernels, LargeBatchesWithPostOpsRunInParts) {
  if (CacheBytes(2) == 0) GTEST_SKIP() << "the caches are unknown";
  const auto floats = static_cast<int64_t>(CacheBytes(2) / sizeof(float));
  const auto implementation = [](int64_t batch, int64_t pixels, std::vector<PostOp> posts) {
    OpCase c{.op = posts.empty() ? "Conv" : "FusedConv",
             .name = "large",
             .inputs = {Uniform({batch, 16, pixels, 1}), Uniform({16, 16, 1, 1})},
             .outputs = {{batch, 16, pixels, 1}}};
    if (!posts.empty()) c.attributes = {{"post_ops", std::move(posts)}};
    const auto graph = BuildCase(c, DType::kF32);
    EXPECT_TRUE(graph.ok()) << graph.status();
    const auto kernels = DnnlConv(RequestFor(*graph->Find("node"), true, 1));
    EXPECT_TRUE(kernels.ok()) << kernels.status();
    return kernels->front()->implementation();
  };
  const auto in_parts = testing::EndsWith(" in parts");
  const PostOp relu{.op = "Relu"};
  const int64_t fits = floats / 16;
  EXPECT_THAT(implementation(4, fits, {relu}), in_parts);
  EXPECT_THAT(implementation(4, fits / 4, {relu}), testing::Not(in_parts));
  EXPECT_THAT(implementation(4, fits * 2, {relu}), testing::Not(in_parts));
  EXPECT_THAT(implementation(4, fits, {}), testing::Not(in_parts));
}

}  // namespace
}  // namespace weft
