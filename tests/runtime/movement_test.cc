#include "ops/movement.h"

#include <algorithm>
#include <array>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/ops.h"
#include "ops/reference.h"
#include "runtime/exec/evaluator.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/simd/strided_copy.h"
#include "tests/cases/cases.h"

// Copies of boxes between strided arrays, and the kernels made of them, on sizes with blocks and
// rests, for every width of an element.

namespace weft {
namespace {

constexpr std::array kDTypes = {DType::kU8, DType::kF32, DType::kI64};

// x by the kernels and by the reference; equal at 1, 2 and 3 threads.
void ExpectMoved(const Graph& graph, const TensorMap& feeds) {
  const auto expected = ReferenceEvaluator().RunGraph(graph, feeds);
  ASSERT_TRUE(expected.ok()) << expected.status();
  for (int threads : {1, 2, 3}) {
    const auto results = RuntimeEvaluator({.threads = threads}).RunGraph(graph, feeds);
    ASSERT_TRUE(results.ok()) << results.status();
    for (const auto& [name, tensor] : *expected) {
      EXPECT_TRUE(results->at(name) == tensor) << name << " with " << threads << " threads";
    }
  }
}

void ExpectMoved(const std::string& op, const Dims& dims, AttributeMap attributes,
                 const std::vector<std::vector<int64_t>>& arguments = {}) {
  SCOPED_TRACE(absl::StrCat(op, " of ", ToString(dims)));
  for (DType dtype : kDTypes) {
    Graph graph(StandardOps());
    NodeSpec spec{.op = op, .name = "node", .attributes = attributes};
    spec.inputs.push_back(*graph.AddInput("x", {dtype, ToShape(dims)}));
    for (const auto& argument : arguments) {
      spec.inputs.push_back(*graph.AddConstant("c", Tensor::FromInts(argument)));
    }
    const auto node = graph.AddNode(std::move(spec));
    ASSERT_TRUE(node.ok()) << node.status();
    for (int i = 0; i < (*node)->num_outputs(); ++i) {
      ASSERT_TRUE(graph.AddOutput(absl::StrCat("y", i), (*node)->output(i)).ok());
    }
    ExpectMoved(graph, {{"x", RandomTensor(dims, dtype, 3, 0, 200)}});
  }
}

TEST(MovementKernels, TransposeAnyShape) {
  using Perm = std::vector<int64_t>;
  for (const Dims& dims : {Dims{64, 48}, Dims{17, 130}, Dims{1, 515}, Dims{515, 3}, Dims{3, 515}}) {
    ExpectMoved("Transpose", dims, {{"perm", Perm{1, 0}}});
  }
  for (const Perm& perm : {Perm{0, 2, 3, 1}, Perm{0, 3, 1, 2}, Perm{3, 2, 1, 0}, Perm{1, 0, 2, 3},
                           Perm{0, 1, 3, 2}, Perm{2, 3, 0, 1}}) {
    ExpectMoved("Transpose", {3, 17, 20, 33}, {{"perm", perm}});
    ExpectMoved("Transpose", {2, 32, 5, 64}, {{"perm", perm}});
  }
}

TEST(MovementKernels, CutAndPadAnyShape) {
  const Dims x = {5, 7, 33, 20};
  ExpectMoved("Slice", x, {}, {{1, 3}, {4, 30}, {0, 2}});
  ExpectMoved("Slice", x, {}, {{-1, 0}, {-100, 33}, {3, 2}, {-1, 5}});
  ExpectMoved("Slice", x, {}, {{-1}, {-100}, {0}, {-2}});
  ExpectMoved("Split", x, {{"axis", 2}}, {{1, 30, 2}});
  ExpectMoved("Tile", x, {}, {{2, 1, 1, 3}});
  ExpectMoved("Expand", {7, 1, 20}, {}, {{3, 1, 50, 1}});
  ExpectMoved("DepthToSpace", {2, 36, 17, 9}, {{"blocksize", 3}});
  ExpectMoved("ChannelShuffle", {2, 36, 17, 9}, {{"group", 4}});
  ExpectMoved("SpaceToDepth", {2, 3, 34, 18}, {{"blocksize", 2}, {"mode", "CRD"}});
  for (const char* mode : {"constant", "edge", "reflect", "symmetric", "wrap"}) {
    ExpectMoved("Pad", x, {{"mode", mode}}, {{0, 0, 3, 1, 0, 0, 2, 15}});
    ExpectMoved("Pad", x, {{"mode", mode}}, {{2, 0, 0, 0, 1, 3, 0, 0}});
    ExpectMoved("Pad", {2001, 3}, {{"mode", mode}}, {{0, 2, 0, 1}});
  }
}

// Larger than the caches: written past them.
TEST(MovementKernels, StreamLargeResults) {
  Graph graph(StandardOps());
  const Value x = *graph.AddInput("x", {DType::kF32, {3, 5, 1021, 131}});
  const Value y = *graph.AddInput("y", {DType::kF32, {3, 4, 1021, 131}});
  const auto concat =
      graph.AddNode({.op = "Concat", .inputs = {x, y}, .attributes = {{"axis", 1}}});
  ASSERT_TRUE(concat.ok()) << concat.status();
  const auto transpose =
      graph.AddNode({.op = "Transpose",
                     .inputs = {(*concat)->output()},
                     .attributes = {{"perm", std::vector<int64_t>{0, 2, 3, 1}}}});
  ASSERT_TRUE(transpose.ok()) << transpose.status();
  const Value matrix = *graph.AddInput("matrix", {DType::kF32, {2064, 2050}});
  const auto transposed = graph.AddNode({.op = "Transpose", .inputs = {matrix}});
  ASSERT_TRUE(transposed.ok()) << transposed.status();
  ASSERT_TRUE(graph.AddOutput("concat", (*concat)->output()).ok());
  ASSERT_TRUE(graph.AddOutput("transpose", (*transpose)->output()).ok());
  ASSERT_TRUE(graph.AddOutput("transposed", (*transposed)->output()).ok());
  ExpectMoved(graph, {{"x", RandomTensor({3, 5, 1021, 131}, DType::kF32, 1)},
                      {"y", RandomTensor({3, 4, 1021, 131}, DType::kF32, 2)},
                      {"matrix", RandomTensor({2064, 2050}, DType::kF32, 3)}});
}

// Targets of every alignment, between guards that must stay.
TEST(StreamCopy, CopiesExactlyTheBytes) {
  std::vector<std::byte> from(400);
  for (size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::byte>(i * 7);
  for (size_t offset : {0u, 1u, 16u, 63u}) {
    for (size_t bytes : {0u, 1u, 63u, 64u, 65u, 200u, 300u}) {
      std::vector<std::byte> to(500, std::byte{0xee});
      StreamCopy(to.data() + offset, from.data() + 3, bytes);
      EXPECT_TRUE(std::equal(to.begin() + static_cast<std::ptrdiff_t>(offset),
                             to.begin() + static_cast<std::ptrdiff_t>(offset + bytes),
                             from.begin() + 3));
      const auto kept = std::count(to.begin(), to.end(), std::byte{0xee});
      const auto copied = std::count(
          from.begin() + 3, from.begin() + 3 + static_cast<std::ptrdiff_t>(bytes), std::byte{0xee});
      EXPECT_EQ(kept, static_cast<std::ptrdiff_t>(to.size() - bytes) + copied);
    }
  }
}

// A graph of operations on images, and how its plan treats layouts.
class Images {
 public:
  Value Add(const char* op, std::vector<Value> inputs, AttributeMap attributes = {}) {
    const auto node = graph_.AddNode(
        {.op = op, .inputs = std::move(inputs), .attributes = std::move(attributes)});
    EXPECT_TRUE(node.ok()) << node.status();
    return (*node)->output();
  }
  // 3 x 3.
  Value Conv(Value x, int64_t channels = 16) {
    const auto w =
        graph_.AddConstant("w", RandomTensor({channels, x.type().dim(1).coefficient(), 3, 3},
                                             DType::kF32, static_cast<uint64_t>(graph_.size())));
    return Add("Conv", {x, *w}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  }
  // Runs it right; where convolutions have a layout of their own, only the ends are reordered.
  void ExpectReordersAtTheEndsOnly(Value y) {
    ASSERT_TRUE(graph_.AddOutput("y", y).ok());
    const auto plan = Lower(graph_, {.threads = 2});
    ASSERT_TRUE(plan.ok()) << plan.status();
    int reorders = 0;
    for (const PlanStep& step : plan->steps) reorders += step.op == "Reorder" ? 1 : 0;
    EXPECT_TRUE(reorders == 0 || reorders == 2) << plan->ToString();
    ExpectSameAsReference();
  }
  void ExpectRight(Value y) {
    ASSERT_TRUE(graph_.AddOutput("y", y).ok());
    ExpectSameAsReference();
  }

  Graph& graph() { return graph_; }
  Value x() const { return x_; }

 private:
  void ExpectSameAsReference() {
    const TensorMap feeds = {{"x", RandomTensor({2, 16, 8, 8}, DType::kF32, 3)}};
    const auto expected = ReferenceEvaluator().RunGraph(graph_, feeds);
    const auto result = RuntimeEvaluator({.threads = 2}).RunGraph(graph_, feeds);
    ASSERT_TRUE(expected.ok() && result.ok()) << expected.status() << result.status();
    for (int64_t i = 0; i < expected->at("y").size(); ++i) {
      ASSERT_NEAR(result->at("y").At(i), expected->at("y").At(i), 1e-3);
    }
  }

  Graph graph_{StandardOps()};
  Value x_ = *graph_.AddInput("x", {DType::kF32, {2, 16, 8, 8}});
};

TEST(MovementKernels, ConcatKeepsTheLayoutOfConvolutions) {
  Images images;
  const Value a = images.Conv(images.x()), b = images.Conv(a);
  images.ExpectReordersAtTheEndsOnly(images.Conv(images.Add("Concat", {a, b}, {{"axis", 1}})));
}

TEST(MovementKernels, ChannelsBecomePixelsInTheLayoutOfConvolutions) {
  for (const char* mode : {"DCR", "CRD"}) {
    for (const int64_t channels : {4, 16, 20, 64}) {  // one channel, blocks cut, whole blocks
      Images images;
      const Value deep = images.Conv(images.x(), channels);
      const Value wide = images.Add("DepthToSpace", {deep}, {{"blocksize", 2}, {"mode", mode}});
      images.ExpectRight(images.Conv(wide));
    }
  }
}

TEST(MovementKernels, PixelsBecomeChannelsInTheLayoutOfConvolutions) {
  for (const char* mode : {"DCR", "CRD"}) {
    for (const int64_t channels : {1, 4, 5, 16}) {
      Images images;
      const Value wide = images.Conv(images.x(), channels);
      const Value deep = images.Add("SpaceToDepth", {wide}, {{"blocksize", 2}, {"mode", mode}});
      images.ExpectRight(images.Conv(deep));
    }
  }
}

TEST(MovementKernels, PixelsOfWholeBlocksNeedNoReorder) {
  const AttributeMap block = {{"blocksize", 2}};
  Images larger, smaller;
  const Value deep = larger.Conv(larger.x(), 64);
  larger.ExpectReordersAtTheEndsOnly(larger.Conv(larger.Add("DepthToSpace", {deep}, block)));
  const Value wide = smaller.Conv(smaller.x(), 16);
  smaller.ExpectReordersAtTheEndsOnly(smaller.Conv(smaller.Add("SpaceToDepth", {wide}, block)));
}

TEST(MovementKernels, SplitKeepsTheLayoutOfConvolutions) {
  Images images;
  const Value sizes =
      *images.graph().AddConstant("sizes", Tensor::FromInts(std::vector<int64_t>{5, 11}));
  const Value a = images.Add("Split", {images.Conv(images.x()), sizes}, {{"axis", 1}});
  const Value b = {a.node, 1};
  images.ExpectReordersAtTheEndsOnly(
      images.Conv(images.Add("Concat", {images.Conv(b), images.Conv(a)}, {{"axis", 1}})));
}

}  // namespace
}  // namespace weft
