#include "ops/philox.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weft {
namespace {

using testing::ElementsAre;

// The known answers that Random123, the authors' library, publishes for philox4x32 with 10 rounds.
TEST(PhiloxTest, GivesThePublishedAnswers) {
  EXPECT_THAT(Philox4x32({0, 0, 0, 0}, {0, 0}),
              ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(
      Philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
      ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(
      Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
      ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

TEST(PhiloxTest, CountersOfDifferentPlacesDiffer) {
  const uint64_t steps[] = {0, 1, uint64_t{1} << 32, (uint64_t{1} << 48) - 1};
  const uint64_t examples[] = {0, 1, uint64_t{1} << 32, (uint64_t{1} << 44) - 1};
  const uint64_t blocks[] = {0, 1, uint64_t{1} << 32, (uint64_t{1} << 36) - 1};
  std::set<PhiloxCounter> seen;
  for (uint64_t step : steps) {
    for (uint64_t example : examples) {
      for (uint64_t block : blocks) seen.insert(StreamCounter(step, example, block));
    }
  }
  EXPECT_EQ(seen.size(), 64u);
}

TEST(PhiloxTest, KeysOfNeighbouringSeedsAndStreamsDiffer) {
  std::set<PhiloxKey> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    for (uint64_t stream = 0; stream < 100; ++stream) seen.insert(StreamKey(seed, stream));
  }
  EXPECT_EQ(seen.size(), 10000u);
}

}  // namespace
}  // namespace weft
