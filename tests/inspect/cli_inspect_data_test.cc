// `weft inspect` of data and embedding as a user meets it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "../frontend/testing_cli.h"
#include "frontend/io/npy.h"
#include "testing_golden.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class CliInspectData : public Cli {
 protected:
  static std::string Digits(const std::string& method) {
    return "inspect '" + GoldenFolder() + "/digits.weft' " + method + " --data digits:1000 ";
  }
  int64_t WidthOf(const std::string& file) const { return LoadPicture(Path(file))->width; }
};

TEST_F(CliInspectData, Pca) {
  EXPECT_THAT(Output(Digits("pca")),
              AllOf(HasSubstr("share of the variance by component:"), HasSubstr("together")));
  Output(Digits("pca") + "--components 5 -o x.npy");
  EXPECT_EQ(ReadNpy(Path("x.npy"))->dims(), (Dims{200, 5}));
  Output(Digits("pca") + "--examples 50 -o x.npy");
  EXPECT_EQ(ReadNpy(Path("x.npy"))->dims(), (Dims{50, 2}));
  Output(Digits("pca") + "-o x.svg");
  EXPECT_THAT(ReadText(Path("x.svg")), HasSubstr("component 1 ("));
  Output(Digits("pca") + "--at block1.conv -o x.png");
  EXPECT_EQ(WidthOf("x.png"), 480);
}

TEST_F(CliInspectData, Tsne) {
  const std::string out = Output(Digits("tsne") + "--iterations 300 -o x.svg");
  EXPECT_THAT(out, AllOf(HasSubstr("200 examples in "),
                         HasSubstr("10 neighbours tell the class of "), HasSubstr("saved x.svg")));
  EXPECT_THAT(ReadText(Path("x.svg")), HasSubstr("<title>example 199: "));
  Output(Digits("tsne") + "--iterations 20 --seed 3 --threads 1 -o a.npy");
  Output(Digits("tsne") + "--iterations 20 --seed 3 --threads 2 -o b.npy");
  EXPECT_EQ(ReadText(Path("a.npy")), ReadText(Path("b.npy")));
}

TEST_F(CliInspectData, Neighbours) {
  const std::string out = Output(Digits("neighbours") + "--index 7 --count 3 -o x.png");
  EXPECT_THAT(out, AllOf(HasSubstr("example 7"), HasSubstr("distance 0.")));
  EXPECT_EQ(WidthOf("x.png"), 4 * 118 + 6);
}

TEST_F(CliInspectData, MistakesAndConfusion) {
  EXPECT_THAT(Output(Digits("mistakes") + "--count 2"), HasSubstr("accuracy "));
  EXPECT_THAT(Output(Digits("confusion") + "-o x.npy"),
              AllOf(HasSubstr("precision"), HasSubstr("means over classes: precision ")));
  EXPECT_EQ(ReadNpy(Path("x.npy"))->dims(), (Dims{10, 10}));
  Output(Digits("confusion") + "-o x.svg");
  EXPECT_THAT(ReadText(Path("x.svg")), HasSubstr("predicted"));
  Output(Digits("confusion") + "-o x.png");
}

TEST_F(CliInspectData, Calibration) {
  const std::string command = "inspect '" + GoldenFolder() + "/digits.weft' calibration ";
  EXPECT_THAT(
      Output(command + "--data digits:4000"),
      AllOf(HasSubstr("temperature from 400 examples, judged by the other 400"), HasSubstr("ECE")));
  Output(command + "--data digits:4000 -o x.svg");
  EXPECT_THAT(ReadText(Path("x.svg")), HasSubstr("calibrated"));
}

TEST_F(CliInspectData, Adversarial) {
  const std::string out =
      Output(Digits("adversarial") + "--epsilons 0,0.1 --steps 3 --examples 64 -o x.svg");
  EXPECT_THAT(out, AllOf(HasSubstr("64 attacked pictures"), HasSubstr("0.10000")));
  EXPECT_THAT(ReadText(Path("x.svg")), HasSubstr("PGD"));
  EXPECT_THAT(Output(Digits("adversarial") + "--epsilon 0.2 --count 2 -o x.png"),
              HasSubstr(" becomes "));
  EXPECT_EQ(WidthOf("x.png"), 3 * 118 + 6);
  Output(Digits("adversarial") + "--epsilons 0,0.1 --steps 1 --examples 20 -o x.npy");
  EXPECT_EQ(ReadNpy(Path("x.npy"))->dims(), (Dims{2, 3}));
}

TEST_F(CliInspectData, MistakenArgumentsAreErrors) {
  EXPECT_THAT(Error(Digits("pca") + "-o x.jpg"), HasSubstr(".svg or .png or .npy, got x.jpg"));
  EXPECT_THAT(Error(Digits("pca") + "--at conv9"), HasSubstr("no node is called conv9"));
  EXPECT_THAT(Error(Digits("pca") + "--components 300 -o x.npy"), HasSubstr("got 300"));
  EXPECT_THAT(Error(Digits("tsne") + "--perplexity 100"), HasSubstr("expected a perplexity from"));
  EXPECT_THAT(Error(Digits("neighbours") + "--count 0"), HasSubstr("neighbours, got"));
  EXPECT_THAT(Error(Digits("mistakes") + "--count 0"), HasSubstr("--count"));
  EXPECT_THAT(Error(Digits("confusion") + "--split val"), HasSubstr("train or test, got val"));
  EXPECT_THAT(Error(Digits("calibration") + "--bins 0"), HasSubstr("1 to 1000 bins"));
  EXPECT_THAT(Error(Digits("adversarial") + "--epsilons 2"), HasSubstr("in [0,1]"));
  EXPECT_THAT(Error(Digits("adversarial") + "--steps 0 -o x.png"),
              HasSubstr("--steps: expected 1 or more (--fgsm takes a single one), got 0"));
  EXPECT_THAT(Error(Digits("adversarial") + "--epsilon 0 -o x.png"),
              HasSubstr("try a larger --epsilon"));
}

}  // namespace
}  // namespace weft
