#include "passes/conv_form.h"

#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

TEST(ConvFormTest, NearMissesSayWhyPadsAreNotKnown) {
  Net net;
  const Value w = net.Random("w", {3, 4, 3, 3});  // says nothing of the kernel in attributes
  net.Output("y", net.Add("ConvTranspose", "conv1", {net.Image(3, 6), w}, {{"pads", Dims(4, 1)}}));
  const Pattern pattern = Op("ConvTranspose", {Any(), Any()}).As("conv");
  const std::vector<Match> matches = FindMatches(pattern, net.graph, net.graph.Find("conv1"));
  ASSERT_EQ(matches.size(), 1u);
  for (const Condition& condition :
       {HasKnownPads(matches[0], "conv"), HasNoPadding(matches[0], "conv")}) {
    EXPECT_FALSE(condition.holds);
    EXPECT_THAT(condition.failure, testing::StartsWith("conv1 has unknown pads: "));
    EXPECT_THAT(condition.failure, testing::Not(testing::HasSubstr("auto_pad")));
  }
}

}  // namespace
}  // namespace weft
