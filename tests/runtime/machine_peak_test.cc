#include "runtime/host/simd/machine_peak.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(MachinePeak, ABoundIsTheSlowerOfArithmeticAndReading) {
  const MachinePeak peak{
      .flops = 100, .reads = {{.bytes = 10, .per_second = 40}, {.bytes = 1000, .per_second = 20}}};
  EXPECT_EQ(peak.memory_rate(), 20);
  EXPECT_EQ(peak.ReadRate(1), 40);    // as fast as what is measured for more
  EXPECT_EQ(peak.ReadRate(999), 40);  // may still be in the cache
  EXPECT_EQ(peak.ReadRate(1000), 20);
  EXPECT_EQ(peak.ReadRate(1e9), 20);
  EXPECT_EQ(peak.LowerBound(500, 40), 5);
  EXPECT_EQ(peak.LowerBound(50, 40), 1);
  EXPECT_EQ(peak.LowerBound(50, 2000), 100);
  EXPECT_EQ(peak.LowerBound(0, 0), 0);
}

TEST(MachinePeak, IsMeasuredOnce) {
  const MachinePeak peak = MeasuredPeak(1);
  EXPECT_GT(peak.flops, 1e8);
  ASSERT_GT(peak.reads.size(), 1u);
  for (size_t i = 0; i < peak.reads.size(); ++i) {
    EXPECT_GT(peak.reads[i].per_second, 1e7) << i;
    if (i == 0) continue;
    EXPECT_GT(peak.reads[i].bytes, peak.reads[i - 1].bytes) << i;
    EXPECT_LE(peak.reads[i].per_second, peak.reads[i - 1].per_second) << i;
  }
  const MachinePeak again = MeasuredPeak(1);
  EXPECT_EQ(again.flops, peak.flops);
  EXPECT_EQ(again.memory_rate(), peak.memory_rate());
}

}  // namespace
}  // namespace weft
