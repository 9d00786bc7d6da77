// BatchNormalization where channels lie side by side: in any such layout, at any thread count.

#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ops/reference.h"
#include "runtime/exec/parallel.h"
#include "runtime/onednn/common.h"
#include "tests/cases/cases.h"
#include "tests/cases/table.h"
#include "tests/runtime/close.h"
#include "tests/runtime/testing_candidates.h"

namespace weft {
namespace {

using Tag = dnnl::memory::format_tag;

// Few channels, of which lines have several positions; lines of one; lines of several tiles; parts
// of a plane; channels that fill no block.
const std::vector<Dims> kImages = {{5, 8, 26, 27}, {3, 70, 9, 11}, {2, 1100, 3, 3},
                                   {2, 3, 41, 7},  {1, 20, 5, 5},  {4, 48, 13, 12}};

std::vector<OpCase> CasesOf(const Dims& x) {
  const Dims c = {x[1]};
  const CaseInput around = Uniform(x, 99, 101);
  const std::vector<CaseInput> inputs = {around, OffZero(c), Uniform(c), Uniform(c, 99, 101),
                                         Positive(c)};
  return {{.op = "BatchNormalization",
           .name = "training",
           .attributes = {{"mode", "training"}},
           .inputs = inputs,
           .outputs = {x, c, c, c, c}},
          {.op = "BatchNormalization",
           .name = "inference",
           .attributes = {{"mode", "inference"}},
           .inputs = inputs,
           .outputs = {x}},
          {.op = "BatchNormalizationGrad",
           .inputs = {Uniform(x), Uniform(x), OffZero(c), Uniform(c), Positive(c)},
           .outputs = {x, c, c}}};
}

// The only kernel for X in that format, on `threads` threads.
std::vector<Tensor> ResultsOf(const CaseNode& c, const OpCase& row, Tag tag, int threads) {
  RunScope scope(threads);
  KernelRequest request = RequestFor(c.node(), /*channels_last=*/false, threads);
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    if (request.inputs[i].dims().size() != 4) continue;
    const Dims& dims = row.inputs[i].dims;
    request.inputs[i] = ToLayout({DnnlDims(dims), dnnl::memory::data_type::f32, tag}, dims);
  }
  const absl::StatusOr<Kernels> kernels = FamiliesFor(row.op)[0](request);
  EXPECT_TRUE(kernels.ok()) << kernels.status();
  EXPECT_EQ(kernels->size(), 1U);
  EXPECT_EQ(kernels->at(0)->implementation(), "channel columns");
  EXPECT_EQ(kernels->at(0)->outputs()[0], request.inputs[0]);
  return RunKernel(*kernels->at(0), c.inputs).value();
}

TEST(ChannelColumns, NormalizeInAnyLayoutWithTheSameBitsAtAnyThreadCount) {
  SplitFinely(true);
  for (const Dims& x : kImages) {
    for (const OpCase& row : CasesOf(x)) {
      const CaseNode c(row);
      for (const Tag tag : {Tag::nhwc, Tag::nChw8c, Tag::nChw16c}) {
        SCOPED_TRACE(absl::StrCat(row.op, " ", row.name, " ", x[1], " channels, format ",
                                  static_cast<int>(tag)));
        const std::vector<Tensor> alone = ResultsOf(c, row, tag, 1);
        for (size_t i = 0; i < alone.size(); ++i)
          ExpectClose(alone[i], c.expected->at(i), "", 2e-6);
        for (const int threads : {2, 3}) {
          const std::vector<Tensor> together = ResultsOf(c, row, tag, threads);
          for (size_t i = 0; i < alone.size(); ++i) EXPECT_TRUE(together[i] == alone[i]) << i;
        }
      }
    }
  }
  SplitFinely(false);
}

// The node's results in double.
std::vector<Tensor> ExactResults(const OpCase& row, const CaseNode& made) {
  std::vector<Tensor> inputs;
  for (const Tensor& input : made.inputs) inputs.push_back(*input.Converted(DType::kF64));
  const absl::StatusOr<Graph> exact = BuildCase(row, DType::kF64);
  return ReferenceEvaluator().RunNode(*exact->Find("node"), inputs).value();
}

// A channel of 180,000 numbers: sums in float would be off by far more than a unit.
TEST(ChannelColumns, StatisticsOfManyPositionsAreAsExactAsTheirType) {
  const Dims x = {5, 4, 190, 190}, c = {4};
  const OpCase row = {.op = "BatchNormalization",
                      .attributes = {{"mode", "training"}},
                      .inputs = {Uniform(x, 0, 1), OffZero(c), Uniform(c), Uniform(c), Positive(c)},
                      .outputs = {x, c, c, c, c}};
  const CaseNode made(row);
  const std::vector<Tensor> expected = ExactResults(row, made);
  const std::vector<Tensor> results = ResultsOf(made, row, Tag::nhwc, 2);
  for (const size_t i : {3, 4}) {
    ExpectClose(*results[i].Converted(DType::kF64), expected[i], absl::StrCat(i), 0x1p-24);
  }
}

// Means large against their deviation, a step between images, a constant; and an outlier as the
// first element, where the sums of the lines that are taken relative to it lose some digits.
TEST(ChannelColumns, StatisticsOfUnevenChannelsAreExact) {
  const Dims x = {3, 4, 37, 29}, c = {4};
  const OpCase row = {.op = "BatchNormalization",
                      .attributes = {{"mode", "training"}},
                      .inputs = {Uniform(x), OffZero(c), Uniform(c), Uniform(c), Positive(c)},
                      .outputs = {x, c, c, c, c}};
  CaseNode made(row);
  const std::span<float> values = made.inputs[0].mutable_values<float>();
  const size_t plane = 37 * 29;
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t image = i / plane / 4, pixel = i % plane;
    float& v = values[i];
    switch (i / plane % 4) {
      case 0:
        v = 30000 + v;
        break;
      case 1:
        v = image == 0 && pixel == 0 ? 1000 : v;
        break;
      case 2:
        v = (image == 0 ? 1000 : -1000) + v / 64;
        break;
      default:
        v = -1234.5F;
    }
  }
  const std::vector<Tensor> expected = ExactResults(row, made);
  for (const Tag tag : {Tag::nhwc, Tag::nChw8c, Tag::nChw16c}) {
    const std::vector<Tensor> results = ResultsOf(made, row, tag, 2);
    for (const size_t i : {3, 4}) {
      for (int64_t channel = 0; channel < 4; ++channel) {
        const double exact = expected[i].At(channel);
        EXPECT_NEAR(results[i].At(channel), exact, std::fabs(exact) * (channel == 1 ? 2e-5 : 2e-7))
            << i << " channel " << channel;
      }
    }
  }
}

// Whether it comes first of the lines that are summed together or not.
TEST(ChannelColumns, ANaNAndAnInfinityAreOfTheirChannelAlone) {
  const float inf = std::numeric_limits<float>::infinity();
  const Dims x = {2, 9, 5, 11}, c = {9};
  const OpCase row = {.op = "BatchNormalization",
                      .attributes = {{"mode", "training"}},
                      .inputs = {Uniform(x), OffZero(c), Uniform(c), Uniform(c), Positive(c)},
                      .outputs = {x}};
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), inf, -inf}) {
    for (const size_t pixel : {0, 1, 16, 54}) {
      CaseNode made(row);
      made.inputs[0].mutable_values<float>()[4 * 55 + pixel] = value;
      const Tensor expected = *ExactResults(row, made)[0].Converted(DType::kF32);
      for (const Tag tag : {Tag::nhwc, Tag::nChw8c}) {
        const Tensor y = ResultsOf(made, row, tag, 2)[0];
        ExpectClose(y, expected, absl::StrCat(value, " at ", pixel), 2e-6);
        EXPECT_TRUE(std::isnan(y.At(4 * 55)) && std::isfinite(y.At(3 * 55)));
      }
    }
  }
}

}  // namespace
}  // namespace weft
