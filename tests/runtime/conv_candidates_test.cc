// What convolutions' kernels must keep, whichever the planner would choose.

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "graph/emitter.h"
#include "gtest/gtest.h"
#include "ops/ops.h"
#include "ops/post_ops.h"
#include "runtime/exec/parallel.h"
#include "runtime/kernel.h"
#include "runtime/onednn/conv_problem.h"
#include "runtime/onednn/families.h"
#include "tests/cases/cases.h"
#include "tests/cases/table.h"
#include "tests/runtime/testing_candidates.h"
#include "tests/runtime/testing_plans.h"

namespace weft {
namespace {

// Whatever a convolution's result is, its activation answers as it does alone: NaN stays NaN.
TEST(FusedConvCandidates, ActivationsKeepNaN) {
  CaseInput x{.dims = {1, 24, 5, 5}, .fill = CaseInput::Fill::kValues};
  for (int i = 0; i < 24 * 25; ++i) x.values.push_back(i % 17 / 8.0 - 1);
  x.values[7] = NAN;
  for (const std::string& op : PostOpNames()) {
    if (TakesOperand(*FindPostOp(op))) continue;
    const PostOp activation{.op = op}, add{.op = "Add", .input = 3};
    for (const auto& posts : {std::vector{activation}, std::vector{add, activation},
                              std::vector{activation, add, activation}}) {
      int kernels = 0;
      const CaseInput y = Uniform({1, 40, 5, 5});
      OpCase c{.op = "FusedConv",
               .name = op,
               .attributes = {{"post_ops", posts}},
               .inputs = {x, Uniform({40, 24, 1, 1}), Uniform({40})},
               .outputs = {y.dims}};
      if (posts.size() > 1) c.inputs.push_back(y);
      ExpectAgreement(c, FamiliesFor("FusedConv"), [&](const Kernel&) { ++kernels; });
      EXPECT_GT(kernels, 2) << op;
    }
  }
}

// Convolutions of the shape for which oneDNN 3.7 divides by zero on a machine that names no caches.
std::vector<OpCase> DividingCases() {
  const AttributeMap strided = {{"strides", Ints{2, 2}}};
  const CaseInput x = Uniform({1, 512, 4, 4}), w = Uniform({1024, 512, 1, 1}),
                  y = Uniform({1, 1024, 2, 2});
  AttributeMap residual = strided;
  residual.emplace("post_ops", std::vector<PostOp>{{.op = "Add", .input = 3}, {.op = "Relu"}});
  return {{"Conv", "", strided, {x, w, Uniform({1024})}, {y.dims}},
          {"FusedConv", "", residual, {x, w, Uniform({1024}), y}, {y.dims}},
          {"ConvGradInput", "", strided, {y, w, x}, {x.dims}},
          {"ConvGradWeight", "", strided, {y, x, w}, {w.dims, {1024}}},
          {"ConvTranspose",
           "",
           {{"strides", Ints{2, 2}}, {"output_padding", Ints{1, 1}}},
           {y, w},
           {x.dims}}};
}

TEST(ConvCandidates, WithoutCachesTheDivisionByZeroIsAvoided) {
  const std::map<std::string, KernelFamily> families = {
      {"Conv", [](const KernelRequest& r) { return DnnlConv(r, Caches::kUnknown); }},
      {"FusedConv", [](const KernelRequest& r) { return DnnlConv(r, Caches::kUnknown); }},
      {"ConvGradInput",
       [](const KernelRequest& r) { return DnnlConvGradInput(r, Caches::kUnknown); }},
      {"ConvGradWeight",
       [](const KernelRequest& r) { return DnnlConvGradWeight(r, Caches::kUnknown); }},
      {"ConvTranspose",
       [](const KernelRequest& r) { return DnnlConvTranspose(r, Caches::kUnknown); }},
  };
  for (const OpCase& c : DividingCases()) {
    bool product = false;
    const KernelFamily family = families.at(c.op);
    ExpectAgreement(c, {&family, 1}, [&](const Kernel& kernel) {
      // Images of any other format are what the library divides by zero for.
      for (const Layout& layout : kernel.inputs()) {
        const bool image = layout.dims().size() == 4 && layout.dims()[2] > 1;
        EXPECT_TRUE(layout.is_plain() || !image);
      }
      product |= KindOf(kernel.implementation()) == ImplementationKind::kMatrixProduct;
    });
    EXPECT_TRUE(product) << c.op;
  }
}

// Each thread sums up for its share of the images where those are many and the weights are few.
TEST(ConvCandidates, WeightGradientsOfManyPixelsComeInShares) {
  const auto in_shares = [](const Dims& x, const Dims& w, const Dims& y) {
    const CaseNode made({.op = "ConvGradWeight",
                         .name = "shares",
                         .attributes = {{"pads", Ints{1, 1, 1, 1}}},
                         .inputs = {Uniform(y), Uniform(x), Uniform(w)},
                         .outputs = {w}});
    const RunScope scope(2);
    const auto kernels = DnnlConvGradWeight(RequestFor(made.node(), true, 2));
    EXPECT_TRUE(kernels.ok()) << kernels.status();
    return kernels->front()->implementation().ends_with(" in shares");
  };
  EXPECT_TRUE(in_shares({4, 16, 14, 14}, {32, 16, 3, 3}, {4, 32, 14, 14}));
  EXPECT_FALSE(in_shares({5, 16, 14, 14}, {32, 16, 3, 3}, {5, 32, 14, 14}));
  EXPECT_FALSE(in_shares({4, 64, 4, 4}, {64, 64, 3, 3}, {4, 64, 4, 4}));
}

// Operands in the caller's memory, which a run is given last.
TEST(ConvCandidates, SharesOfTheCallersImages) {
  Graph graph(StandardOps());
  Emitter e(graph);
  const auto input = [&](const char* name, int64_t channels) {
    return graph.AddInput(name, {DType::kF32, {Dim(6), Dim(channels), Dim(14), Dim(14)}}).value();
  };
  const Value dy = input("dy", 7), x = input("x", 5);
  Node* const gradient = e.OpNode("ConvGradWeight", {dy, x, e.Constant(Waves({7, 5, 3, 3}, 0.3F))},
                                  {{"pads", Ints{1, 1, 1, 1}}}, 2);
  ASSERT_TRUE(graph.AddOutput("dw", {gradient, 0}).ok());
  ASSERT_TRUE(graph.AddOutput("db", {gradient, 1}).ok());
  SplitFinely(true);
  EXPECT_NE(Lower(graph, {.threads = 3})->ToString().find(" in shares"), std::string::npos);
  SplitFinely(false);
  ExpectReferenceResults(graph);
}

// Only where it must be.
TEST(ConvCandidates, OtherConvolutionsKeepTheirFormats) {
  using Kind = ConvFormats::Kind;
  const auto kinds = [](const Dims& x, const Dims& w, Caches caches) {
    const auto problem = ReadConvProblem({}, x, w);
    EXPECT_TRUE(problem.ok()) << problem.status();
    std::vector<Kind> result;
    for (const ConvFormats& formats : ConvFormatsToTry(*problem, caches)) {
      result.push_back(formats.kind);
    }
    return result;
  };
  const std::vector<Kind> all = {Kind::kChannelsLast, Kind::kAny, Kind::kRowMajor};
  const std::vector<Kind> row_major = {Kind::kRowMajor};
  const Dims x = {1, 512, 4, 4}, w = {1024, 512, 1, 1};
  EXPECT_EQ(kinds(x, w, Caches::kKnown), all);
  EXPECT_EQ(kinds(x, w, Caches::kUnknown), row_major);
  EXPECT_EQ(kinds({1, 1024, 4, 4}, {512, 1024, 1, 1}, Caches::kUnknown), row_major);
  EXPECT_EQ(kinds(x, {1000, 512, 1, 1}, Caches::kUnknown), all);
  EXPECT_EQ(kinds(x, {1024, 512, 3, 3}, Caches::kUnknown), all);
  EXPECT_EQ(kinds({1, 512, 4}, {1024, 512, 1}, Caches::kUnknown), row_major);
}

// The first kernel takes no more kernels than it must: 3x3 of 64 channels, a first layer,
// depthwise, 1x1; with what is fused.
TEST(ConvCandidates, TheFirstIsTheSameWithoutTheOthers) {
  const AttributeMap residual = {
      {"post_ops", std::vector<PostOp>{{.op = "Add", .input = 3}, {.op = "Relu"}}}};
  const std::vector<OpCase> cases = {
      {"Conv", "", {}, {Uniform({1, 64, 9, 9}), Uniform({48, 64, 3, 3})}, {{1, 48, 7, 7}}},
      {"Conv", "", {}, {Uniform({1, 3, 9, 9}), Uniform({48, 3, 3, 3})}, {{1, 48, 7, 7}}},
      {"Conv",
       "",
       {{"group", int64_t{32}}},
       {Uniform({1, 32, 9, 9}), Uniform({32, 1, 3, 3})},
       {{1, 32, 7, 7}}},
      {"FusedConv",
       "",
       residual,
       {Uniform({2, 64, 4, 4}), Uniform({96, 64, 1, 1}), Uniform({96}), Uniform({2, 96, 4, 4})},
       {{2, 96, 4, 4}}}};
  for (const OpCase& c : cases) {
    const CaseNode node(c);
    for (const bool channels_last : {false, true}) {
      const KernelRequest request = RequestFor(node.node(), channels_last, 2);
      const RunScope scope(2);
      const Kernels all = DnnlConv(request).value(), first = DnnlFirstConv(request).value();
      ASSERT_FALSE(first.empty());
      EXPECT_LT(first.size(), all.size());
      EXPECT_EQ(first[0]->implementation(), all[0]->implementation());
      EXPECT_EQ(first[0]->inputs(), all[0]->inputs());
      EXPECT_EQ(first[0]->outputs(), all[0]->outputs());
    }
  }
}

}  // namespace
}  // namespace weft
