// Depthwise convolutions by our kernel, at the edges of its tiles, vectors and bands.

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/post_ops.h"
#include "runtime/channel_blocks.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "tests/cases/cases.h"
#include "tests/cases/table.h"
#include "tests/runtime/testing_candidates.h"

namespace weft {
namespace {

// Of the largest output.
constexpr double kLargestError = 1e-6;

struct DepthwiseShape {
  int64_t images, channels, rows, columns, taps, stride;
  Ints pads;
};

int64_t Extent(int64_t extent, int64_t pads, const DepthwiseShape& s) {
  return (extent + pads - s.taps) / s.stride + 1;
}

OpCase CaseOf(const DepthwiseShape& s) {
  return {.op = "Conv",
          .name = absl::StrCat("c", s.channels, "_", s.rows, "x", s.columns, "_k", s.taps, "_s",
                               s.stride),
          .attributes = {{"group", s.channels},
                         {"pads", s.pads},
                         {"strides", Ints{s.stride, s.stride}}},
          .inputs = {Uniform({s.images, s.channels, s.rows, s.columns}),
                     Uniform({s.channels, 1, s.taps, s.taps}), Uniform({s.channels})},
          .outputs = {{s.images, s.channels, Extent(s.rows, s.pads[0] + s.pads[2], s),
                       Extent(s.columns, s.pads[1] + s.pads[3], s)}}};
}

// Tails of vectors and of tiles, tiles that stick out on every side, windows that are all outside,
// images of one pixel.
std::vector<DepthwiseShape> Shapes() {
  std::vector<DepthwiseShape> shapes;
  for (const int64_t taps : {3, 5}) {
    const int64_t p = taps / 2, w = taps + 1;
    for (const int64_t stride : {1, 2}) {
      shapes.push_back({1, 2, taps, taps, taps, stride, {0, 0, 0, 0}});
      shapes.push_back({2, 16, 7, 7, taps, stride, {p, p, p, p}});
      shapes.push_back({1, 58, 14, 13, taps, stride, {p, p, p, p}});
      shapes.push_back({3, 17, 9, 22, taps, stride, {0, 1, 2, 0}});
      shapes.push_back({2, 33, 1, 1, taps, stride, {p, p, p, p}});
      shapes.push_back({1, 24, 2, 3, taps, stride, {w, 1, 4, w}});
      shapes.push_back({1, 40, 30, 5, taps, stride, {p, p, p, p}});
    }
  }
  return shapes;
}

class Depthwise : public testing::Test {
 protected:
  void SetUp() override { SplitFinely(true); }
  void TearDown() override { SplitFinely(false); }
};

TEST_F(Depthwise, AgreesWithTheReferenceAtAnyThreadCount) {
  for (const DepthwiseShape& s : Shapes()) {
    ExpectSameAtAnyThreadCount(CaseOf(s), HostDepthwiseConv, 1, kLargestError);
    OpCase without_bias = CaseOf(s);
    without_bias.inputs.pop_back();
    ExpectSameAtAnyThreadCount(without_bias, HostDepthwiseConv, 1, kLargestError);
  }
}

// Several bands of rows of a thread, several groups of channels.
TEST_F(Depthwise, SplitsLargeImages) {
  SplitFinely(false);
  for (const DepthwiseShape& s : {DepthwiseShape{2, 40, 71, 65, 3, 1, {1, 1, 1, 1}},
                                  DepthwiseShape{1, 600, 9, 21, 5, 2, {2, 2, 2, 2}}}) {
    ExpectSameAtAnyThreadCount(CaseOf(s), HostDepthwiseConv, 1, kLargestError);
  }
}

TEST_F(Depthwise, AgreesWithTheReferenceOnOlderCpus) {
  WithOlderCpus([&] {
    for (const DepthwiseShape& s : Shapes()) {
      ExpectSameAtAnyThreadCount(CaseOf(s), HostDepthwiseConv, 1, kLargestError);
    }
  });
}

// Bounds in registers, others on rows in the cache.
TEST_F(Depthwise, DoesPostOps) {
  const PostOp relu{.op = "Relu"}, silu{.op = "Silu"}, hard{.op = "HardSwish"},
      clip{.op = "Clip", .attributes = {{"min", -0.5}, {"max", 0.25}}},
      above{.op = "Clip", .attributes = {{"min", 0.1}}}, add{.op = "Add", .input = 3},
      mul{.op = "Mul", .input = 3};
  const auto run = [&](std::vector<PostOp> posts, const std::vector<CaseInput>& operands) {
    OpCase c = CaseOf({2, 40, 21, 13, 3, 1, {1, 1, 1, 1}});
    c.op = "FusedConv";
    c.attributes.emplace("post_ops", std::move(posts));
    c.inputs.insert(c.inputs.end(), operands.begin(), operands.end());
    ExpectSameAtAnyThreadCount(c, HostDepthwiseConv, 1, kLargestError);
  };
  const CaseInput y = Uniform({2, 40, 21, 13}), channels = Uniform({40, 1, 1});
  run({relu}, {});
  run({clip}, {});
  run({above, relu}, {});
  run({silu}, {});
  run({hard, clip}, {});
  run({add, relu}, {y});
  run({relu, mul, silu}, {channels});
}

TEST_F(Depthwise, BoundsKeepNaN) {
  OpCase c = CaseOf({1, 20, 6, 6, 3, 1, {1, 1, 1, 1}});
  c.op = "FusedConv";
  c.attributes.emplace("post_ops", std::vector<PostOp>{{.op = "Relu"}});
  CaseNode made(c);
  made.inputs[0].mutable_values<float>()[0] = std::numeric_limits<float>::quiet_NaN();
  const auto kernels = HostDepthwiseConv(RequestFor(made.node(), true, 1));
  ASSERT_TRUE(kernels.ok()) << kernels.status();
  ASSERT_EQ(kernels->size(), 1u);
  const auto y = RunKernel(*(*kernels)[0], made.inputs);
  ASSERT_TRUE(y.ok()) << y.status();
  for (int64_t i = 0; i < (*y)[0].size(); ++i) {
    const bool sees = i < 36 && i % 6 < 2 && i / 6 < 2;
    ASSERT_EQ(std::isnan((*y)[0].At(i)), sees) << i;
  }
}

// Channels of a wider image.
TEST_F(Depthwise, ReadsARegion) {
  const OpCase c = CaseOf({2, 17, 6, 5, 3, 1, {1, 1, 1, 1}});
  const CaseNode made(c);
  KernelRequest request = RequestFor(made.node(), true, 2);
  request.inputs[0] = ChannelsLastLayout(c.inputs[0].dims, 40);
  const auto kernels = HostDepthwiseConv(request);
  ASSERT_TRUE(kernels.ok()) << kernels.status();
  ASSERT_EQ(kernels->size(), 1u);
  EXPECT_EQ((*kernels)[0]->inputs()[0], request.inputs[0]);
  RunScope scope(2);
  const auto y = RunKernel(*(*kernels)[0], made.inputs);
  ASSERT_TRUE(y.ok()) << y.status();
  const auto dense = HostDepthwiseConv(RequestFor(made.node(), true, 2));
  ASSERT_TRUE(dense.ok()) << dense.status();
  EXPECT_TRUE(*y == *RunKernel(*(*dense)[0], made.inputs));
}

TEST_F(Depthwise, TakesNoOtherConvolutions) {
  const auto kernels_for = [](AttributeMap attributes, const Dims& x, const Dims& w, const Dims& y,
                              DType dtype = DType::kF32) {
    attributes.try_emplace("group", x[1]);
    return KernelsOffered(HostDepthwiseConv, attributes, x, w, y, dtype);
  };
  const Dims x = {1, 16, 9, 9}, w = {16, 1, 3, 3};
  EXPECT_EQ(kernels_for({}, x, w, {1, 16, 7, 7}), 1u);
  EXPECT_EQ(kernels_for({{"strides", Ints{1, 2}}}, x, w, {1, 16, 7, 4}), 0u);
  EXPECT_EQ(kernels_for({{"strides", Ints{3, 3}}}, x, w, {1, 16, 3, 3}), 0u);
  EXPECT_EQ(kernels_for({{"dilations", Ints{2, 2}}}, x, w, {1, 16, 5, 5}), 0u);
  EXPECT_EQ(kernels_for({{"group", 8}}, x, {16, 2, 3, 3}, {1, 16, 7, 7}), 0u);
  EXPECT_EQ(kernels_for({}, x, {32, 1, 3, 3}, {1, 32, 7, 7}), 0u);
  EXPECT_EQ(kernels_for({}, {1, 1, 9, 9}, {1, 1, 3, 3}, {1, 1, 7, 7}), 0u);
  EXPECT_EQ(kernels_for({}, x, {16, 1, 3, 5}, {1, 16, 7, 5}), 0u);
  EXPECT_EQ(kernels_for({}, x, {16, 1, 7, 7}, {1, 16, 3, 3}), 0u);
  EXPECT_EQ(kernels_for({}, {1, 16, 9}, {16, 1, 3}, {1, 16, 7}), 0u);
  EXPECT_EQ(kernels_for({}, {0, 16, 9, 9}, w, {0, 16, 7, 7}), 0u);
  EXPECT_EQ(kernels_for({}, x, w, {1, 16, 7, 7}, DType::kF64), 0u);
}

}  // namespace
}  // namespace weft
