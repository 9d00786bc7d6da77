#include <gtest/gtest.h>

#include "runtime/channel_blocks.h"
#include "runtime/exec/parallel.h"
#include "runtime/kernel.h"

namespace weft {
namespace {

class InterleavePlanes : public testing::TestWithParam<int64_t> {};

TEST_P(InterleavePlanes, ReordersImagesOfFewChannels) {
  const int64_t channels = GetParam();
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{1, 3}, {5, 7}, {16, 16}}) {
    const Dims dims = {3, channels, height, width};
    const Layout to = ChannelsLastLayout(dims, channels);
    const auto kernel = MakeReorder(Layout::Plain(DType::kF32, dims), to);
    ASSERT_TRUE(kernel.ok()) << kernel.status();
    EXPECT_EQ((*kernel)->implementation() == "interleave planes", 2 <= channels && channels <= 4);
    Tensor x = Tensor::Zeros(DType::kF32, dims).value(),
           y = Tensor::Zeros(DType::kF32, dims).value();
    float next = 0;
    for (float& v : x.mutable_values<float>()) v = ++next;
    SplitFinely(true);
    for (const int threads : {1, 2, 3}) {
      std::ranges::fill(y.mutable_values<float>(), -1.0F);
      const RunScope scope(threads);
      const auto bound =
          (*kernel)->Bind({.inputs = {x.mutable_data()}, .outputs = {y.mutable_data()}});
      ASSERT_TRUE(bound.ok() && (*bound)->Run({}).ok());
      const int64_t plane = height * width;
      for (int64_t i = 0; i < x.size(); ++i) {
        const int64_t image = i / (channels * plane), c = i / plane % channels, at = i % plane;
        ASSERT_EQ(y.At((image * plane + at) * channels + c), x.At(i)) << threads << " threads";
      }
    }
    SplitFinely(false);
  }
}

INSTANTIATE_TEST_SUITE_P(Channels, InterleavePlanes, testing::Values(2, 3, 4, 5));

}  // namespace
}  // namespace weft
