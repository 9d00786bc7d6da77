// Poolings on rows wide enough for vectors, and what the table of cases leaves open.

#include <cmath>
#include <cstring>
#include <limits>

#include "autodiff/gradients.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/ops.h"
#include "ops/reference.h"
#include "runtime/exec/evaluator.h"
#include "tests/cases/cases.h"
#include "tests/runtime/close.h"

namespace weft {
namespace {

using Ints = std::vector<int64_t>;

struct Pooled {
  Graph graph;
  TensorMap feeds;
};

// y = op(x), and dx for a cotangent dy.
absl::StatusOr<Pooled> PoolAndGradient(const std::string& op, Tensor x, AttributeMap attributes) {
  Pooled p{Graph(StandardOps()), {}};
  WEFT_ASSIGN_OR_RETURN(const Value in, p.graph.AddInput("x", x.type()));
  WEFT_ASSIGN_OR_RETURN(Node * node, p.graph.AddNode({.op = op,
                                                      .name = "pool",
                                                      .inputs = {in},
                                                      .attributes = std::move(attributes),
                                                      .num_outputs = 1}));
  WEFT_ASSIGN_OR_RETURN(const Value dy, p.graph.AddInput("dy", node->type()));
  WEFT_ASSIGN_OR_RETURN(const Dims dims, StaticDims(node->type().shape));
  WEFT_ASSIGN_OR_RETURN(const std::vector<Value> dxs,
                        Gradients(p.graph, std::vector<Value>{node->output()},
                                  std::vector<Value>{in}, std::vector<Value>{dy}));
  WEFT_RETURN_IF_ERROR(p.graph.AddOutput("y", node->output()));
  WEFT_RETURN_IF_ERROR(p.graph.AddOutput("dx", dxs[0]));
  p.feeds = {{"x", std::move(x)}, {"dy", RandomTensor(dims, DType::kF32, 2)}};
  return p;
}

// Of NaN too.
void ExpectSameBits(const Tensor& a, const Tensor& b, const std::string& name) {
  ASSERT_EQ(a.type(), b.type());
  EXPECT_EQ(std::memcmp(a.data(), b.data(), static_cast<size_t>(a.size()) * sizeof(float)), 0)
      << name;
}

// The fast kernels' results equal the reference's, with the same bits at 1 and 3 threads.
void ExpectReferenceResults(const std::string& op, const Tensor& x,
                            const AttributeMap& attributes) {
  const auto pooled = PoolAndGradient(op, x, attributes);
  ASSERT_TRUE(pooled.ok()) << pooled.status();
  const auto expected = ReferenceEvaluator().RunGraph(pooled->graph, pooled->feeds);
  ASSERT_TRUE(expected.ok()) << expected.status();
  const auto one = RuntimeEvaluator({.threads = 1}, {}).RunGraph(pooled->graph, pooled->feeds);
  const auto three = RuntimeEvaluator({.threads = 3}, {}).RunGraph(pooled->graph, pooled->feeds);
  ASSERT_TRUE(one.ok() && three.ok()) << one.status() << three.status();
  for (const auto& [name, tensor] : *expected) {
    ExpectClose(one->at(name), tensor, name);
    ExpectSameBits(one->at(name), three->at(name), name);
  }
}

TEST(PoolKernels, RowsOfAllWidths) {
  for (const char* op : {"MaxPool", "AveragePool", "LpPool"}) {
    for (const int64_t width : {3, 8, 17, 31, 32, 33, 56, 71, 112}) {
      for (const int64_t kernel : {1, 2, 3, 5}) {
        if (kernel > width) continue;
        for (const int64_t stride : {1, 2, 3}) {
          SCOPED_TRACE(absl::StrCat(op, " width ", width, " kernel ", kernel, " stride ", stride));
          const int64_t pad = kernel / 2;
          ExpectReferenceResults(op, RandomTensor({2, 3, 7, width}, DType::kF32, 5),
                                 {{"kernel_shape", Ints{kernel, kernel}},
                                  {"strides", Ints{stride, stride}},
                                  {"pads", Ints{pad, pad, 0, 0}}});
        }
      }
    }
  }
}

TEST(PoolKernels, DilatedRows) {
  for (const char* op : {"MaxPool", "AveragePool", "LpPool"}) {
    for (const int64_t stride : {1, 2}) {
      SCOPED_TRACE(absl::StrCat(op, " stride ", stride));
      ExpectReferenceResults(op, RandomTensor({1, 3, 9, 50}, DType::kF32, 5),
                             {{"kernel_shape", Ints{2, 3}},
                              {"dilations", Ints{3, 4}},
                              {"strides", Ints{1, stride}},
                              {"pads", Ints{1, 5, 2, 3}}});
    }
  }
}

// Of equal elements the first in the order of the window gets the gradient.
TEST(PoolKernels, TiesGoWhereTheReferenceSendsThem) {
  Tensor x = Tensor::Zeros(DType::kF32, {1, 2, 20, 40}).value();
  for (const int64_t kernel : {2, 3}) {
    ExpectReferenceResults("MaxPool", x,
                           {{"kernel_shape", Ints{kernel, kernel}}, {"strides", Ints{2, 2}}});
  }
}

TEST(PoolKernels, NaNAndInfinitiesPassAsInTheReference) {
  Tensor x = RandomTensor({1, 1, 6, 40}, DType::kF32, 3);
  const std::span<float> values = x.mutable_values<float>();
  for (size_t i = 0; i < 40; ++i) values[i] = -std::numeric_limits<float>::infinity();
  values[50] = std::nanf("");
  values[137] = std::numeric_limits<float>::infinity();
  ExpectReferenceResults("MaxPool", x, {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}});
  ExpectReferenceResults("MaxPool", x, {{"kernel_shape", Ints{1, 2}}, {"strides", Ints{1, 2}}});
}

// More taps than a byte can number: the gradient looks for the maxima itself. And sums of many.
TEST(PoolKernels, LargeWindows) {
  for (const char* op : {"MaxPool", "AveragePool", "LpPool"}) {
    SCOPED_TRACE(op);
    ExpectReferenceResults(op, RandomTensor({2, 2, 40, 40}, DType::kF32, 9, 0, 1),
                           {{"kernel_shape", Ints{20, 33}}, {"strides", Ints{3, 2}}});
    // As many as it can.
    ExpectReferenceResults(op, RandomTensor({2, 2, 40, 40}, DType::kF32, 9, 0, 1),
                           {{"kernel_shape", Ints{16, 16}}});
  }
}

// Neither lists for extents that no plane has, nor visits to taps outside of the input.
TEST(PoolKernels, HugeExtentsCostNothing) {
  constexpr int64_t kLarge = (int64_t{1} << 31) - 1;
  const Tensor none = *Tensor::Zeros(DType::kF32, {0, 3, 4, int64_t{1} << 34});
  const Tensor no_channels = *Tensor::Zeros(DType::kF32, {2, 0, kLarge});
  for (const char* op : {"MaxPool", "AveragePool", "LpPool", "MedianPool"}) {
    SCOPED_TRACE(op);
    ExpectReferenceResults(op, none, {{"kernel_shape", Ints{2, 2}}});
    ExpectReferenceResults(op, RandomTensor({1, 1, 3}, DType::kF32, 1),
                           {{"kernel_shape", Ints{kLarge}}, {"pads", Ints{kLarge - 1, 0}}});
  }
  for (const char* op : {"AdaptiveAveragePool", "AdaptiveMaxPool"}) {
    SCOPED_TRACE(op);
    ExpectReferenceResults(op, no_channels, {{"output_size", Ints{kLarge}}});
  }
}

TEST(PoolKernels, NormsOfExtremesStayFinite) {
  Tensor x = RandomTensor({1, 1, 4, 8}, DType::kF32, 3, 1e19, 2e19);
  for (size_t i = 0; i < 16; ++i) x.mutable_values<float>()[i] *= 1e-38f;
  for (const int p : {2, 3, 8, 20}) {
    SCOPED_TRACE(p);
    ExpectReferenceResults("LpPool", x, {{"kernel_shape", Ints{2, 2}}, {"p", p}});
  }
}

TEST(PoolKernels, ABadIndexIsTheReferencesError) {
  Graph graph(StandardOps());
  const Value x = *graph.AddInput("x", {DType::kF32, {1, 2, 2}});
  const Value i = *graph.AddInput("i", {DType::kI64, {1, 2, 2}});
  absl::StatusOr<Node*> node = graph.AddNode({.op = "MaxUnpool",
                                              .name = "unpool",
                                              .inputs = {x, i},
                                              .attributes = {{"kernel_shape", Ints{2}}}});
  ASSERT_TRUE(node.ok()) << node.status();
  ASSERT_TRUE(graph.AddOutput("y", (*node)->output()).ok());
  const std::vector<int64_t> indices = {0, 1, 2, 6};
  const TensorMap feeds = {{"x", RandomTensor({1, 2, 2}, DType::kF32, 1)},
                           {"i", *Tensor::FromValues<int64_t>({1, 2, 2}, indices)}};
  const auto result = RuntimeEvaluator({.threads = 2}, {}).RunGraph(graph, feeds);
  EXPECT_THAT(std::string(result.status().message()),
              testing::HasSubstr("expected indices in [0,6), got 6 at position 3"));
}

// On a large image every drawing kernel has the bits of the reference.
TEST(PoolKernels, DrawnPoolingsHaveTheBitsOfTheReference) {
  for (const char* op : {"StochasticPool", "TournamentPool", "FractionalMaxPool"}) {
    Graph graph(StandardOps());
    const Value x = *graph.AddInput("x", {DType::kF32, {3, 5, 30, 31}});
    AttributeMap attributes = {{"mode", "training"}, {"stream", 7}};
    if (std::string(op) == "FractionalMaxPool") {
      attributes["ratio"] = 1.4;
    } else {
      attributes["kernel_shape"] = Ints{3, 3};
    }
    absl::StatusOr<Node*> node =
        graph.AddNode({.op = op, .name = "pool", .inputs = {x}, .attributes = attributes});
    ASSERT_TRUE(node.ok()) << node.status();
    ASSERT_TRUE(graph.AddOutput("y", (*node)->output()).ok());
    const TensorMap feeds = {{"x", RandomTensor({3, 5, 30, 31}, DType::kF32, 1)}};
    const RandomKey key{.seed = 3, .step = 5, .first_example = 70};
    const auto expected = ReferenceEvaluator(key).RunGraph(graph, feeds);
    ASSERT_TRUE(expected.ok()) << expected.status();
    for (const int threads : {1, 2, 3}) {
      const auto result = RuntimeEvaluator({.threads = threads}, key).RunGraph(graph, feeds);
      ASSERT_TRUE(result.ok()) << result.status();
      EXPECT_TRUE(result->at("y") == expected->at("y")) << op << ", " << threads << " threads";
    }
  }
}

}  // namespace
}  // namespace weft
