// `weft features` as a user meets it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/io/npy.h"
#include "frontend/weights/weights.h"
#include "graph/file/serialize.h"
#include "ops/ops.h"
#include "testing_cli.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

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

// A training on features that are kept ends with the same weights, and so does a resumed one.
TEST_F(CliFeatures, AFrozenBeginningIsComputedOnce) {
  Train("a.weft");
  const std::string tune =
      "train --model a.weft --restart --data digits:300 --freeze block1 --freeze block2 --epochs 3 "
      "--batch 64 --lr 0.01 --seed 4 --threads 1 ";
  const std::string kept = Output(tune + "-o kept.weft");
  EXPECT_THAT(kept, HasSubstr("features of 360 examples at "));
  EXPECT_THAT(kept, HasSubstr(" computed once: "));
  const std::string anew = Output(tune + "--feature-cache 0 -o anew.weft");
  EXPECT_THAT(anew, Not(HasSubstr("computed once")));
  const auto weights = [&](const std::string& file) {
    return WeightsOf(LoadModel(Path(file), StandardOps()).value());
  };
  EXPECT_TRUE(weights("kept.weft") == weights("anew.weft"));
  const auto judged = [](const std::string& out) {
    const size_t at = out.rfind("test accuracy ");
    return out.substr(at, out.find(')', at) - at);
  };
  EXPECT_EQ(judged(kept), judged(anew));
  EXPECT_THAT(Output("train --resume kept.weft --epochs 5"), HasSubstr("computed once"));
  Output("train --resume anew.weft --epochs 5");
  EXPECT_TRUE(weights("kept.weft") == weights("anew.weft"));
}

TEST_F(CliFeatures, FrozenFeaturesThatCannotBeKeptAreExplained) {
  Train("a.weft");
  const std::string tune = "train --model a.weft --restart --data digits:100 --epochs 1 -o b.weft ";
  const auto said = [&](const std::string& more) {
    const std::string out = Output(tune + more);
    EXPECT_THAT(out, Not(HasSubstr("computed once")));
    const std::string begin = "frozen features are computed in every epoch: ";
    const size_t at = out.find(begin);
    if (at == std::string::npos) return std::string();
    return out.substr(at + begin.size(), out.find('\n', at) - at - begin.size());
  };
  EXPECT_EQ(said(""), "");
  EXPECT_EQ(said("--freeze block1 --feature-cache 0"), "");
  EXPECT_EQ(said("--freeze block1 --augment 'crop(padding=2)'"),
            "--augment changes the examples at random");
  EXPECT_EQ(said("--freeze block1 --unfreeze-at 1"), "--unfreeze-at 1 trains them too");
  EXPECT_EQ(said("--freeze block1 --check-numerics"), "--check-numerics looks at every node");
  EXPECT_THAT(said("--freeze block2"), HasSubstr("no frozen beginning"));
  EXPECT_THAT(
      said("--freeze block1 --feature-cache 1KiB"),
      AllOf(HasSubstr("those of 120 examples at "), HasSubstr(", --feature-cache is 1KiB")));
  EXPECT_THAT(Error(tune + "--freeze block1 --feature-cache 60%"),
              HasSubstr("--feature-cache: expected bytes, as 700MiB or 2GB, or 0, got \"60%\""));
}

}  // namespace
}  // namespace weft
