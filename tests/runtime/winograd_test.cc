// Convolutions by Winograd, which the planner does not choose unasked: every tile and layout.

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/post_ops.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/winograd/filters.h"
#include "tests/cases/cases.h"
#include "tests/cases/table.h"
#include "tests/runtime/close.h"
#include "tests/runtime/testing_candidates.h"

namespace weft {
namespace {

// Of the largest output; measured: 4x4 tiles 0.5e-6 to 1.2e-6 up to 64 channels and 4.4e-6 for 512,
// 2x2 tiles 0.2e-6 to 0.7e-6.
constexpr double kLargestError = 4e-6, kLargestErrorOfLongSums = 1e-5;

struct Shape4 {
  int64_t images, channels, filters, rows, columns;
  Ints pads;
};

// Odd ones: tails of vectors, of blocks, of panels; tiles that stick out; windows outside.
const std::vector<Shape4>& Shapes() {
  static const auto& shapes =
      *new std::vector<Shape4>{{1, 1, 1, 3, 3, {0, 0, 0, 0}},   {2, 3, 5, 7, 9, {1, 1, 1, 1}},
                               {1, 17, 33, 5, 6, {1, 1, 1, 1}}, {3, 16, 16, 4, 4, {1, 1, 1, 1}},
                               {1, 20, 40, 9, 4, {0, 1, 2, 0}}, {1, 64, 70, 14, 13, {1, 1, 1, 1}},
                               {2, 33, 17, 6, 1, {1, 1, 1, 1}}, {1, 16, 31, 1, 1, {1, 1, 1, 1}},
                               {1, 8, 8, 2, 3, {5, 0, 4, 7}},   {2, 24, 100, 30, 21, {1, 1, 1, 1}},
                               {1, 40, 130, 3, 3, {1, 1, 1, 1}}};
  return shapes;
}

OpCase ForwardCase(const Shape4& s) {
  const Dims y = {s.images, s.filters, s.rows + s.pads[0] + s.pads[2] - 2,
                  s.columns + s.pads[1] + s.pads[3] - 2};
  return {.op = "Conv",
          .name = absl::StrCat("c", s.channels, "_k", s.filters, "_", s.rows, "x", s.columns),
          .attributes = {{"pads", s.pads}},
          .inputs = {Uniform({s.images, s.channels, s.rows, s.columns}),
                     Uniform({s.filters, s.channels, 3, 3}), Uniform({s.filters})},
          .outputs = {y}};
}

OpCase GradientCase(const Shape4& s) {
  const OpCase forward = ForwardCase(s);
  return {.op = "ConvGradInput",
          .name = forward.name,
          .attributes = forward.attributes,
          .inputs = {Uniform(forward.outputs[0]), forward.inputs[1], forward.inputs[0]},
          .outputs = {forward.inputs[0].dims}};
}

// With and without the bias's.
OpCase WeightGradientCase(const Shape4& s, bool bias) {
  const OpCase forward = ForwardCase(s);
  OpCase c{.op = "ConvGradWeight",
           .name = forward.name,
           .attributes = forward.attributes,
           .inputs = {Uniform(forward.outputs[0]), forward.inputs[0], forward.inputs[1]},
           .outputs = {forward.inputs[1].dims}};
  if (bias) c.outputs.push_back({s.filters});
  return c;
}

KernelFamily FamilyOf(const OpCase& c) {
  if (c.op == "ConvGradWeight") return HostWinogradGradWeight;
  return c.op == "ConvGradInput" ? HostWinogradGradInput : HostWinogradConv;
}

void ExpectSameAtAnyThreadCount(const OpCase& c, double largest_error) {
  weft::ExpectSameAtAnyThreadCount(c, FamilyOf(c), 2, largest_error);
}

class Winograd : public testing::Test {
 protected:
  void SetUp() override { SplitFinely(true); }
  void TearDown() override { SplitFinely(false); }
};

TEST_F(Winograd, AgreesWithTheReferenceAtAnyThreadCount) {
  for (const Shape4& s : Shapes()) {
    ExpectSameAtAnyThreadCount(ForwardCase(s), kLargestError);
    ExpectSameAtAnyThreadCount(GradientCase(s), kLargestError);
    ExpectSameAtAnyThreadCount(WeightGradientCase(s, s.images > 1), kLargestError);
  }
}

TEST_F(Winograd, LongSumsKeepToTheBound) {
  const Shape4 deep = {1, 512, 32, 6, 6, {1, 1, 1, 1}};
  ExpectSameAtAnyThreadCount(ForwardCase(deep), kLargestErrorOfLongSums);
  const Shape4 wide = {2, 17, 20, 50, 49, {1, 1, 1, 1}};  // more than one band of tiles
  ExpectSameAtAnyThreadCount(WeightGradientCase(wide, true), kLargestErrorOfLongSums);
}

// Weights that are transformed once, when the plan is made.
TEST_F(Winograd, ConstantWeightsComeTransformed) {
  for (OpCase c : {ForwardCase(Shapes()[5]), GradientCase(Shapes()[5])}) {
    c.inputs[1] = Constant(c.inputs[1]);
    ExpectSameAtAnyThreadCount(c, kLargestError);
    const CaseNode made(c);
    const auto kernels = FamilyOf(c)(RequestFor(made.node(), true, 2));
    ASSERT_TRUE(kernels.ok()) << kernels.status();
    for (const auto& kernel : *kernels) {
      const auto filters = FindWinogradFilters(kernel->inputs()[1]);
      ASSERT_TRUE(filters.has_value());
      EXPECT_EQ(filters->layout(), kernel->inputs()[1]);
      EXPECT_EQ(filters->backward, c.op == "ConvGradInput");
      EXPECT_EQ(kernel->implementation(),
                absl::StrCat("winograd:", filters->tile, "x", filters->tile));
    }
  }
}

// One plan or another: what runs is chosen for the CPU when it runs.
TEST_F(Winograd, AgreesWithTheReferenceOnOlderCpus) {
  WithOlderCpus([&] {
    for (const size_t i : {1, 2, 4, 5}) {
      ExpectSameAtAnyThreadCount(ForwardCase(Shapes()[i]), kLargestError);
      ExpectSameAtAnyThreadCount(GradientCase(Shapes()[i]), kLargestError);
      ExpectSameAtAnyThreadCount(WeightGradientCase(Shapes()[i], true), kLargestError);
    }
  });
}

// In the transforms, in loops after them, and over the addend's memory.
TEST_F(Winograd, DoesPostOps) {
  const PostOp relu{.op = "Relu"}, gelu{.op = "Gelu"}, add{.op = "Add", .input = 3},
      mul{.op = "Mul", .input = 3};
  const CaseInput y = Uniform({2, 40, 9, 5}), channels = Uniform({40, 1, 1});
  const auto run = [&](std::vector<PostOp> posts, const std::vector<CaseInput>& operands,
                       size_t kernels) {
    OpCase c{.op = "FusedConv",
             .name = "post_ops",
             .attributes = {{"pads", Ints{1, 1, 1, 1}}, {"post_ops", std::move(posts)}},
             .inputs = {Uniform({2, 24, 9, 5}), Uniform({40, 24, 3, 3}), Uniform({40})},
             .outputs = {y.dims}};
    c.inputs.insert(c.inputs.end(), operands.begin(), operands.end());
    size_t seen = 0;
    const KernelFamily family = HostWinogradConv;
    ExpectAgreement(c, {&family, 1}, [&](const Kernel& kernel) {
      ++seen;
      const bool first_adds = GetPostOps(c.attributes, "post_ops")[0].op == "Add";
      EXPECT_EQ(kernel.AllowsInPlace(0, 3), first_adds && operands[0].dims == y.dims);
    });
    EXPECT_EQ(seen, 2 * kernels);  // for either layout of x
  };
  run({relu}, {}, 4);
  run({add}, {y}, 4);
  run({add, relu}, {y}, 4);
  run({relu, add}, {y}, 4);
  run({add, gelu, mul}, {y}, 4);
  run({mul, relu}, {y}, 4);
  run({add, relu}, {channels}, 2);  // not over blocks
  run({{.op = "Sigmoid"}}, {}, 2);  // padding would not stay zero
}

TEST_F(Winograd, ReluKeepsNaNAndPaddingStaysZero) {
  OpCase c = ForwardCase({1, 20, 20, 6, 6, {1, 1, 1, 1}});
  c.op = "FusedConv";
  c.attributes.emplace("post_ops", std::vector<PostOp>{{.op = "Relu"}});
  const CaseNode made(c);
  const auto kernels = HostWinogradConv(RequestFor(made.node(), true, 1));
  ASSERT_TRUE(kernels.ok()) << kernels.status();
  ASSERT_EQ(kernels->size(), 4u);
  for (const auto& kernel : *kernels) {
    const size_t size = kernel->inputs()[0].bytes() / sizeof(float);
    std::vector<float> x(size), w(20 * 20 * 9, 1), bias(20, 1);
    x[0] = std::numeric_limits<float>::infinity();
    std::vector<float> y(kernel->outputs()[0].bytes() / sizeof(float), -1);
    const auto scratch = AllocateAligned(kernel->scratch_bytes());
    const auto bytes = [](std::vector<float>& v) { return reinterpret_cast<std::byte*>(v.data()); };
    const auto bound = kernel->Bind({.inputs = {bytes(x), bytes(w), bytes(bias)},
                                     .outputs = {bytes(y)},
                                     .scratch = scratch.get()});
    ASSERT_TRUE(bound.ok()) << bound.status();
    ASSERT_TRUE((*bound)->Run({}).ok());
    EXPECT_TRUE(std::isnan(y[0]));
    EXPECT_EQ(y[5 * 6 * 16 + 5 * 16], 1) << "the tiles that do not see it";
    if (y.size() == 20 * 36) continue;
    for (size_t pixel = 0; pixel < 36; ++pixel) {
      for (size_t channel = 4; channel < 16; ++channel) {
        ASSERT_EQ(y[36 * 16 + pixel * 16 + channel], 0);
      }
    }
  }
}

TEST_F(Winograd, TakesNoOtherConvolutions) {
  const auto kernels_for = [](const AttributeMap& attributes, const Dims& x, const Dims& w,
                              const Dims& y, DType dtype = DType::kF32) {
    return KernelsOffered(HostWinogradConv, attributes, x, w, y, dtype);
  };
  const Dims x = {1, 16, 9, 9}, w = {16, 16, 3, 3};
  EXPECT_EQ(kernels_for({}, x, w, {1, 16, 7, 7}), 4u);
  EXPECT_EQ(kernels_for({}, {1, 16, 9, 9}, {15, 16, 3, 3}, {1, 15, 7, 7}), 2u);
  EXPECT_EQ(kernels_for({{"strides", Ints{2, 2}}}, x, w, {1, 16, 4, 4}), 0u);
  EXPECT_EQ(kernels_for({{"strides", Ints{1, 2}}}, x, w, {1, 16, 7, 4}), 0u);
  EXPECT_EQ(kernels_for({{"dilations", Ints{2, 1}}}, x, w, {1, 16, 5, 7}), 0u);
  EXPECT_EQ(kernels_for({{"group", 2}}, x, {16, 8, 3, 3}, {1, 16, 7, 7}), 0u);
  EXPECT_EQ(kernels_for({}, x, {16, 16, 5, 5}, {1, 16, 5, 5}), 0u);
  EXPECT_EQ(kernels_for({}, x, {16, 16, 3, 1}, {1, 16, 7, 9}), 0u);
  EXPECT_EQ(kernels_for({}, {1, 16, 9}, {16, 16, 3}, {1, 16, 7}), 0u);
  EXPECT_EQ(kernels_for({}, {0, 16, 9, 9}, w, {0, 16, 7, 7}), 0u);
  EXPECT_EQ(kernels_for({}, x, w, {1, 16, 7, 7}, DType::kF64), 0u);
}

}  // namespace
}  // namespace weft
