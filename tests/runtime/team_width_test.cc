#include "runtime/exec/team_width.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace weft {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// Regions of `parts` one after the other, each of 100 us of CPU time a part, on a machine of so
// many CPUs for them.
class Regions {
 public:
  explicit Regions(int parts) : parts_(parts) {}

  // Regions for so long; the threads of the last one.
  int Run(milliseconds time, double cpus) {
    const TeamWidth::Clock::time_point end = now_ + time;
    int threads = 0;
    while (now_ < end) {
      threads = width_.Next(parts_, now_);
      const microseconds cpu(100 * parts_);
      const auto took = std::chrono::duration_cast<TeamWidth::Clock::duration>(
          cpu / std::min<double>(cpus, threads));
      if (width_.measures()) {
        ++measured_;
        const int most = (parts_ + threads - 1) / threads;
        width_.Learn(
            {.begin = now_, .end = now_ + took, .cpu = cpu, .longest = microseconds(100 * most)});
      }
      now_ += took;
      wide_ += threads == parts_ ? took : TeamWidth::Clock::duration();
    }
    return threads;
  }
  int TakeMeasured() { return std::exchange(measured_, 0); }
  milliseconds TakeWide() {
    return std::chrono::duration_cast<milliseconds>(std::exchange(wide_, {}));
  }

 private:
  int parts_;
  TeamWidth width_;
  TeamWidth::Clock::time_point now_;
  int measured_ = 0;
  TeamWidth::Clock::duration wide_{};
};

TEST(TeamWidth, AllThreadsWorkWhileThereAreCpus) {
  Regions regions(2);
  EXPECT_EQ(regions.Run(milliseconds(500), 2), 2);
  EXPECT_EQ(regions.TakeWide(), milliseconds(500));
  EXPECT_LT(regions.TakeMeasured(), 100);  // of 5,000 regions
  EXPECT_EQ(regions.Run(milliseconds(500), 1.5), 2);
  EXPECT_EQ(regions.TakeWide(), milliseconds(500));
}

TEST(TeamWidth, OneThreadDoesWhatTwoWouldOnOneCpu) {
  Regions regions(2);
  EXPECT_EQ(regions.Run(milliseconds(500), 1), 1);
  regions.Run(milliseconds(5000), 1);
  regions.TakeWide();
  regions.Run(milliseconds(5000), 1);
  EXPECT_LT(regions.TakeWide(), milliseconds(100));  // to see whether that has changed
}

TEST(TeamWidth, ComesBackWhenThereAreCpusAgain) {
  Regions regions(8);
  EXPECT_EQ(regions.Run(milliseconds(1000), 1), 1);
  regions.Run(milliseconds(10'000), 1);
  EXPECT_EQ(regions.Run(milliseconds(2000), 8), 8);
  regions.TakeWide();
  EXPECT_EQ(regions.Run(milliseconds(500), 8), 8);
  EXPECT_EQ(regions.TakeWide(), milliseconds(500));
}

TEST(TeamWidth, SomeThreadsWorkForSomeCpus) {
  Regions regions(8);
  EXPECT_EQ(regions.Run(milliseconds(200), 3), 3);
}

// Parts that have little to do are no sign of others.
TEST(TeamWidth, UnevenPartsKeepTheirThreads) {
  TeamWidth width;
  TeamWidth::Clock::time_point now;
  for (int i = 0; i < 5000; ++i, now += microseconds(100)) {
    ASSERT_EQ(width.Next(16, now), 16);
    if (!width.measures()) continue;
    width.Learn({.begin = now,
                 .end = now + microseconds(100),
                 .cpu = microseconds(250),
                 .longest = microseconds(90)});
  }
}

TEST(TeamWidth, ATrialTakesTwiceTheThreads) {
  Regions regions(8);
  EXPECT_EQ(regions.Run(milliseconds(1000), 1), 1);
  int most = 0;
  for (int i = 0; i < 5000; ++i) most = std::max(most, regions.Run(milliseconds(1), 1));
  EXPECT_EQ(most, 2);
}

TEST(TeamWidth, NeverMoreThreadsThanParts) {
  TeamWidth width;
  EXPECT_EQ(width.Next(1, {}), 1);
  EXPECT_FALSE(width.measures());
  EXPECT_EQ(width.Next(3, {}), 3);
}

}  // namespace
}  // namespace weft
