// Pointwise convolutions of ours, which the planner does not choose unasked.

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/post_ops.h"
#include "ops/reference.h"
#include "runtime/channel_blocks.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/pointwise/conv.h"
#include "runtime/host/pointwise/filters.h"
#include "tests/cases/cases.h"
#include "tests/cases/table.h"
#include "tests/runtime/close.h"
#include "tests/runtime/testing_candidates.h"

namespace weft {
namespace {

constexpr double kLargestPointwiseError = 1e-5;  // of the largest output, as for the library's

struct PointwiseShape {
  int64_t images, channels, filters, rows, columns;
  Ints strides = {1, 1};
};

// Odd ones: tails of vectors, of chunks, of blocks, of panels; more filters than pixels; pixels
// that are left out; channels that are packed because their pixels are a power of two apart, or
// many; filters that fill more than the L2 cache.
const std::vector<PointwiseShape>& PointwiseShapes() {
  static const auto& shapes = *new std::vector<PointwiseShape>{
      {1, 1, 1, 3, 3},           {2, 3, 5, 7, 9},     {1, 17, 33, 5, 6},
      {3, 16, 16, 4, 4},         {1, 20, 130, 2, 3},  {1, 40, 70, 1, 1},
      {2, 33, 48, 29, 7},        {1, 64, 24, 1, 100}, {2, 24, 50, 7, 5, {2, 2}},
      {2, 19, 20, 6, 8, {1, 3}}, {1, 1024, 40, 5, 5}, {1, 530, 33, 4, 11},
      {1, 600, 2200, 5, 4}};
  return shapes;
}

OpCase PointwiseCase(const PointwiseShape& s, bool bias = true) {
  OpCase c{.op = "Conv",
           .name = absl::StrCat("c", s.channels, "_k", s.filters, "_", s.rows, "x", s.columns),
           .attributes = {{"strides", s.strides}},
           .inputs = {Uniform({s.images, s.channels, s.rows, s.columns}),
                      Uniform({s.filters, s.channels, 1, 1})},
           .outputs = {{s.images, s.filters, (s.rows - 1) / s.strides[0] + 1,
                        (s.columns - 1) / s.strides[1] + 1}}};
  if (bias) c.inputs.push_back(Uniform({s.filters}));
  return c;
}

// The results at 1, 2 and 3 threads, which have the same bits.
void ExpectSamePixelsAtAnyThreadCount(const OpCase& c) {
  SCOPED_TRACE(absl::StrCat(c.op, " ", c.TestName()));
  const CaseNode made(c);
  ASSERT_TRUE(made.expected.ok()) << made.expected.status();
  std::vector<Tensor> with_one_thread;
  for (const int threads : {1, 2, 3}) {
    RunScope scope(threads);
    const auto kernels = HostPointwiseConv(RequestFor(made.node(), true, threads));
    ASSERT_TRUE(kernels.ok()) << kernels.status();
    ASSERT_EQ(kernels->size(), 1u);
    const auto actual = RunKernel(*kernels->front(), made.inputs);
    ASSERT_TRUE(actual.ok()) << actual.status();
    ExpectClose((*actual)[0], (*made.expected)[0], absl::StrCat("threads: ", threads),
                kLargestPointwiseError);
    if (threads == 1) with_one_thread = *actual;
    EXPECT_TRUE(*actual == with_one_thread) << "threads: " << threads;
  }
}

class Pointwise : public testing::Test {
 protected:
  void SetUp() override { SplitFinely(true); }
  void TearDown() override { SplitFinely(false); }
};

TEST_F(Pointwise, AgreesWithTheReferenceAtAnyThreadCount) {
  for (const PointwiseShape& s : PointwiseShapes()) {
    ExpectSamePixelsAtAnyThreadCount(PointwiseCase(s));
    ExpectSamePixelsAtAnyThreadCount(PointwiseCase(s, /*bias=*/false));
  }
}

// Weights that are packed once, when the plan is made.
TEST_F(Pointwise, ConstantWeightsComePacked) {
  for (const size_t i : {2, 8, 12}) {
    OpCase c = PointwiseCase(PointwiseShapes()[i]);
    c.inputs[1] = Constant(c.inputs[1]);
    ExpectSamePixelsAtAnyThreadCount(c);
    const CaseNode made(c);
    const auto kernels = HostPointwiseConv(RequestFor(made.node(), true, 2));
    ASSERT_TRUE(kernels.ok()) << kernels.status();
    const auto filters = FindPointwiseFilters(kernels->front()->inputs()[1]);
    ASSERT_TRUE(filters.has_value());
    EXPECT_EQ(filters->layout(), kernels->front()->inputs()[1]);
    EXPECT_EQ(kernels->front()->implementation(), "pointwise");
  }
}

// One plan or another: what runs is chosen for the CPU when it runs.
TEST_F(Pointwise, AgreesWithTheReferenceOnOlderCpus) {
  WithOlderCpus([&] {
    for (const size_t i : {1, 2, 4, 6, 8, 10}) {
      ExpectSamePixelsAtAnyThreadCount(PointwiseCase(PointwiseShapes()[i]));
    }
  });
}

// In registers, in loops after that, and over the addend's memory.
TEST_F(Pointwise, DoesPostOps) {
  const PostOp relu{.op = "Relu"}, gelu{.op = "Gelu"}, add{.op = "Add", .input = 3},
      mul{.op = "Mul", .input = 3};
  const PostOp clip{.op = "Clip", .attributes = {{"min", -0.25}, {"max", 0.5}}};
  const CaseInput y = Uniform({2, 40, 9, 5}), channels = Uniform({40, 1, 1});
  const auto run = [&](std::vector<PostOp> posts, const std::vector<CaseInput>& operands) {
    OpCase c{.op = "FusedConv",
             .name = "post_ops",
             .attributes = {{"post_ops", std::move(posts)}},
             .inputs = {Uniform({2, 24, 9, 5}), Uniform({40, 24, 1, 1}), Uniform({40})},
             .outputs = {y.dims}};
    c.inputs.insert(c.inputs.end(), operands.begin(), operands.end());
    size_t seen = 0;
    const KernelFamily family = HostPointwiseConv;
    ExpectAgreement(c, {&family, 1}, [&](const Kernel& kernel) {
      ++seen;
      const bool first_adds = GetPostOps(c.attributes, "post_ops")[0].op == "Add";
      EXPECT_EQ(kernel.AllowsInPlace(0, 3), first_adds && operands[0].dims == y.dims);
    });
    EXPECT_EQ(seen, 2u);  // for either layout of x
  };
  run({relu}, {});
  run({clip}, {});
  run({{.op = "Clip", .attributes = {{"min", -0.25}}}}, {});
  run({add}, {y});
  run({add, relu}, {y});
  run({add, clip, gelu}, {y});
  run({relu, add}, {y});
  run({mul, relu}, {y});
  run({add, relu}, {channels});
  run({{.op = "Sigmoid"}}, {});
}

TEST_F(Pointwise, BoundsKeepNaN) {
  OpCase c = PointwiseCase({1, 20, 20, 2, 2});
  c.op = "FusedConv";
  c.attributes.emplace("post_ops", std::vector<PostOp>{{.op = "Relu"}});
  const CaseNode made(c);
  const auto kernels = HostPointwiseConv(RequestFor(made.node(), true, 1));
  ASSERT_TRUE(kernels.ok()) << kernels.status();
  std::vector<float> x(20 * 4), w(20 * 20, 1), bias(20, 1), y(20 * 4, -1);
  x[0] = std::numeric_limits<float>::quiet_NaN();
  const Kernel& kernel = *kernels->front();
  const auto scratch = AllocateAligned(kernel.scratch_bytes());
  const auto bytes = [](std::vector<float>& v) { return reinterpret_cast<std::byte*>(v.data()); };
  const auto bound = kernel.Bind({.inputs = {bytes(x), bytes(w), bytes(bias)},
                                  .outputs = {bytes(y)},
                                  .scratch = scratch.get()});
  ASSERT_TRUE(bound.ok()) << bound.status();
  ASSERT_TRUE((*bound)->Run({}).ok());
  for (size_t k = 0; k < 20; ++k) EXPECT_TRUE(std::isnan(y[k]));
  EXPECT_EQ(y[20], 1) << "the pixels that are numbers";
}

// Pixels and addends where they lie among the channels of wider images.
TEST_F(Pointwise, ReadsRegions) {
  for (const int64_t channels : {20, 64}) {
    for (const Ints& strides : {Ints{1, 1}, Ints{2, 1}}) {
      OpCase c = PointwiseCase({2, channels, 40, 9, 5, strides});
      c.op = "FusedConv";
      c.attributes.emplace("post_ops", std::vector<PostOp>{{.op = "Add", .input = 3}});
      c.inputs.push_back(Uniform(c.outputs[0]));
      const CaseNode made(c);
      KernelRequest request = RequestFor(made.node(), true, 2);
      request.inputs[0] = ChannelsLastLayout(request.inputs[0].dims(), channels + 13);
      request.inputs[3] = ChannelsLastLayout(request.inputs[3].dims(), 1024);
      RunScope scope(2);
      const KernelFamily family = HostPointwiseConv;
      size_t seen = 0;
      ExpectAgreement(made, request, family, [&](const Kernel& kernel) {
        ++seen;
        EXPECT_EQ(kernel.inputs()[0], request.inputs[0]);
        EXPECT_EQ(kernel.inputs()[3], request.inputs[3]);
      });
      EXPECT_EQ(seen, 1u);
    }
  }
}

// Into a region, of x scaled and shifted while it is packed.
void ExpectScaledPixels(const PointwiseShape& s) {
  const OpCase c = PointwiseCase(s);
  const CaseNode made(c);
  const Layout numbers = Layout::Plain(DType::kF32, {s.channels, 1, 1});
  Tensor scale = Tensor::Zeros(DType::kF32, numbers.dims()).value(), shift = scale;
  Tensor x = made.inputs[0];
  for (int64_t k = 0; k < s.channels; ++k) {
    const float a = 1 - 0.01F * static_cast<float>(k % 7);
    const float b = 0.02F * static_cast<float>(k % 5) - 0.05F;
    scale.mutable_values<float>()[static_cast<size_t>(k)] = a;
    shift.mutable_values<float>()[static_cast<size_t>(k)] = b;
    for (int64_t i = 0; i < x.size(); ++i) {
      float& v = x.mutable_values<float>()[static_cast<size_t>(i)];
      if (i / (s.rows * s.columns) % s.channels == k) v = std::max(v * a + b, 0.0F);
    }
  }
  std::vector<Tensor> inputs = made.inputs, scaled = made.inputs;
  inputs.insert(inputs.end(), {scale, shift});
  scaled[0] = x;
  const auto expected = ReferenceEvaluator(RandomKey()).RunNode(made.node(), scaled);
  ASSERT_TRUE(expected.ok()) << expected.status();
  for (const int threads : {1, 2, 3}) {
    RunScope scope(threads);
    const auto kernel =
        MakePointwiseConv(RequestFor(made.node(), true, threads),
                          {.results = {ChannelsLastLayout(c.outputs[0], s.filters + 11)},
                           .scale_and_shift = {numbers, numbers}});
    ASSERT_TRUE(kernel.ok()) << kernel.status();
    const auto actual = RunKernel(**kernel, inputs);
    ASSERT_TRUE(actual.ok()) << actual.status();
    ExpectClose((*actual)[0], (*expected)[0], absl::StrCat("threads: ", threads),
                kLargestPointwiseError);
  }
}

TEST_F(Pointwise, ScalesAndShiftsWhatItPacks) {
  const auto expect_all = [this] {
    for (const size_t i : {1, 2, 4, 6, 9}) ExpectScaledPixels(PointwiseShapes()[i]);
  };
  expect_all();
  WithOlderCpus(expect_all);
}

// Filters shared out to images of their own, one of them a region: what each of them gets is what
// one image would have had, to the bit.
void ExpectSharedFilters(const PointwiseShape& s, const Ints& shares) {
  OpCase c = PointwiseCase(s);
  c.op = "FusedConv";
  c.attributes.emplace("post_ops", std::vector<PostOp>{{.op = "Add", .input = 3}, {.op = "Relu"}});
  c.inputs.push_back(Uniform(c.outputs[0]));
  const CaseNode made(c);
  std::vector<Layout> results;
  for (const int64_t filters : shares) {
    Dims dims = c.outputs[0];
    dims[1] = filters;
    results.push_back(ChannelsLastLayout(dims, results.empty() ? filters + 5 : filters));
  }
  for (const int threads : {1, 2, 3}) {
    RunScope scope(threads);
    const KernelRequest request = RequestFor(made.node(), true, threads);
    const auto whole = RunKernel(**MakePointwiseConv(request, {}), made.inputs).value();
    const auto kernel = MakePointwiseConv(request, {.results = results}).value();
    ASSERT_NE(kernel, nullptr);
    EXPECT_FALSE(kernel->AllowsInPlace(0, 3)) << "an addend of all channels";
    const auto parts = RunKernel(*kernel, made.inputs).value();
    ASSERT_EQ(parts.size(), shares.size());
    const int64_t pixels = s.rows * s.columns;
    int64_t first = 0;
    for (const Tensor& part : parts) {
      const int64_t filters = part.dims()[1];
      for (int64_t n = 0; n < s.images; ++n) {
        const auto from =
            whole[0].values<float>().subspan(static_cast<size_t>((n * s.filters + first) * pixels),
                                             static_cast<size_t>(filters * pixels));
        const auto to = part.values<float>().subspan(static_cast<size_t>(n * filters * pixels),
                                                     static_cast<size_t>(filters * pixels));
        EXPECT_TRUE(std::ranges::equal(from, to)) << "filters from " << first << " on, image " << n;
      }
      first += filters;
    }
  }
}

TEST_F(Pointwise, SharesItsFiltersOut) {
  const auto expect_all = [] {
    ExpectSharedFilters({2, 33, 48, 29, 7}, {16, 32});
    ExpectSharedFilters({1, 64, 176, 6, 5}, {64, 96, 16});
    ExpectSharedFilters({3, 20, 67, 4, 9}, {48, 16, 3});
    ExpectSharedFilters({1, 24, 200, 3, 3}, {16, 16, 16, 16, 96, 40});
    ExpectSharedFilters({1, 600, 2208, 5, 4}, {1104, 1104});
  };
  expect_all();
  WithOlderCpus(expect_all);
}

TEST_F(Pointwise, SharesNoVectorOfFiltersAndAllOfThem) {
  const CaseNode made(PointwiseCase({1, 8, 40, 3, 3}));
  const auto kernel_for = [&](const Ints& shares) {
    std::vector<Layout> results;
    for (const int64_t filters : shares) {
      results.push_back(ChannelsLastLayout({1, filters, 3, 3}, filters));
    }
    return MakePointwiseConv(RequestFor(made.node(), true, 1), {.results = results}).value();
  };
  EXPECT_NE(kernel_for({32, 8}), nullptr);
  EXPECT_EQ(kernel_for({8, 32}), nullptr);
  EXPECT_EQ(kernel_for({0, 40}), nullptr);
  EXPECT_EQ(kernel_for({16, 16}), nullptr) << "eight filters are left";
  EXPECT_EQ(kernel_for({32, 16}), nullptr) << "eight filters lack";
}

TEST_F(Pointwise, TakesNoOtherConvolutions) {
  const auto kernels_for = [](const AttributeMap& attributes, const Dims& x, const Dims& w,
                              const Dims& y, DType dtype = DType::kF32) {
    return KernelsOffered(HostPointwiseConv, attributes, x, w, y, dtype);
  };
  const Dims x = {1, 16, 9, 9}, w = {16, 16, 1, 1};
  EXPECT_EQ(kernels_for({}, x, w, {1, 16, 9, 9}), 1u);
  EXPECT_EQ(kernels_for({{"strides", Ints{2, 1}}}, x, w, {1, 16, 5, 9}), 1u);
  EXPECT_EQ(kernels_for({{"pads", Ints{0, 1, 0, 0}}}, x, w, {1, 16, 9, 10}), 0u);
  EXPECT_EQ(kernels_for({{"group", 2}}, x, {16, 8, 1, 1}, {1, 16, 9, 9}), 0u);
  EXPECT_EQ(kernels_for({}, x, {16, 16, 3, 1}, {1, 16, 7, 9}), 0u);
  EXPECT_EQ(kernels_for({}, {1, 16, 9}, {16, 16, 1}, {1, 16, 9}), 0u);
  EXPECT_EQ(kernels_for({}, {0, 16, 9, 9}, w, {0, 16, 9, 9}), 0u);
  EXPECT_EQ(kernels_for({}, x, w, {1, 16, 9, 9}, DType::kF64), 0u);
}

}  // namespace
}  // namespace weft
