// `weft features` as a user meets it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/io/npy.h"
#include "testing_cli.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

class CliFeatures : public Cli {};

TEST_F(CliFeatures, WritesFeaturesAndSaysWhatTheyAreWorth) {
  Train("a.weft");
  const std::string out =
      Output("features a.weft --data digits:300 -o x.npy --labels y.npy --knn 5 --probe");
  EXPECT_THAT(out, HasSubstr("5 nearest neighbours: accuracy "));
  EXPECT_THAT(out, HasSubstr("linear probe: accuracy "));
  const Tensor x = ReadNpy(Path("x.npy")).value(), y = ReadNpy(Path("y.npy")).value();
  EXPECT_EQ(x.dims()[0], 60);
  EXPECT_EQ(x.rank(), 2);
  EXPECT_EQ(y.dims(), Dims{60});
  EXPECT_EQ(y.At(13), 3);
  Output("features a.weft --data digits:300 --split train --at block1.bn -o x.npy");
  EXPECT_EQ(ReadNpy(Path("x.npy")).value().dims()[0], 300);
}

TEST_F(CliFeatures, MistakesAreErrors) {
  Train("a.weft");
  EXPECT_THAT(Error("features a.weft"), HasSubstr("expected something to do"));
  EXPECT_THAT(Error("features a.weft --at block1.bm -o x.npy"),
              HasSubstr("no node is called block1.bm, did you mean block1.bn?"));
  EXPECT_THAT(Error("features a.weft --split val -o x.npy"), HasSubstr("train or test, got val"));
  EXPECT_THAT(Error("features a.weft --data digits:20 --knn 21"), HasSubstr("1 to 20 neighbours"));
}

}  // namespace
}  // namespace weft
