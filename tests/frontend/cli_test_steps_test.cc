// What a training does to every example is done to those that its model is judged by and run on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "frontend/build/builder.h"
#include "frontend/io/npy.h"
#include "graph/file/serialize.h"
#include "testing_cli.h"
#include "testing_data.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

class CliTestSteps : public Cli {
 protected:
  // A wide picture: `level` in the left half, and at both ends the level `sides`.
  void AddWide(const std::string& name, uint8_t level, uint8_t sides) const {
    Picture picture = Plain(36, 60, {40});
    for (size_t i = 0; i < picture.pixels.size(); ++i) {
      const size_t x = i % 60;
      if (x < 30) picture.pixels[i] = static_cast<uint8_t>(level + i / 60);
      if (x < 4 || x >= 56) picture.pixels[i] = sides;
    }
    AddPicture(Path(name), picture);
  }
  void AddTwoClasses() const {
    for (int i = 0; i < 12; ++i) {
      AddWide(absl::StrCat("wide/dark/", i, ".png"), static_cast<uint8_t>(10 * i), 200);
      AddWide(absl::StrCat("wide/light/", i, ".png"), static_cast<uint8_t>(90 + 10 * i), 200);
    }
  }
  std::string TestAccuracy(const std::string& out) const {
    const size_t at = out.rfind("test accuracy ");
    EXPECT_NE(at, std::string::npos) << out;
    return out.substr(at + 14, out.find(')', at) - at - 13);
  }
};

// Steps without chance are taken by training, by its tests, by eval, by its views and by run: the
// sides that they cut off are never seen.
TEST_F(CliTestSteps, FixedPictureStepsStay) {
  AddTwoClasses();
  const std::string trained = Output(
      "train --model lenet-bn --data folder:wide --val-split 0.5 --image-size 28 --epochs 3 "
      "--batch 4 --lr 0.01 --threads 1 --augment 'resize(28), center_crop(28)' -o a.weft");
  EXPECT_THAT(Output("eval a.weft --threads 1"), HasSubstr("accuracy " + TestAccuracy(trained)));
  EXPECT_THAT(Output("eval a.weft --threads 1 --tta 'center_crop(28)'"),
              HasSubstr("accuracy " + TestAccuracy(trained)));
  AddWide("x.png", 50, 0);
  AddWide("y.png", 50, 255);
  for (const char* name : {"x", "y"}) {
    Output(absl::StrCat("run a.weft --input ", name, ".png --output ", name, ".npy"));
  }
  const Tensor x = ReadNpy(Path("x.npy")).value(), y = ReadNpy(Path("y.npy")).value();
  EXPECT_EQ(x, y);
  // So do files without the training's state.
  Output("optimize a.weft -o fast.weft");
  Output("run fast.weft --input y.png --output z.npy");
  const Tensor z = ReadNpy(Path("z.npy")).value();
  for (int64_t i = 0; i < z.size(); ++i) EXPECT_NEAR(z.At(i), x.At(i), 1e-4);
  // Views that resize see the whole picture, as wide as it is high.
  Output("eval a.weft --tta 'resize((28, 28)), flip'");
}

// Without steps run still wants the model's size, or to be asked to resize.
TEST_F(CliTestSteps, RandomStepsLeavePicturesToRunsOptions) {
  AddTwoClasses();
  Output(
      "train --model lenet-bn --data folder:wide --val-split 0.5 --image-size 28 --epochs 1 "
      "--batch 4 --threads 1 --augment 'random_resized_crop(28), flip' -o a.weft");
  EXPECT_THAT(Error("run a.weft --input wide/dark/0.png"),
              HasSubstr("expected 28x28, image is 36x60"));
  Output("run a.weft --input wide/dark/0.png --resize");
}

// Rows that lie elsewhere are normalised by the training's mean, not by their own: all of them are
// above it.
TEST_F(CliTestSteps, TablesAreNormalisedAsInTraining) {
  Builder b({.seed = 2});
  b.Output("y", b.Linear(b.Input("x", {"N", 1}), {.features = 2, .name = "fc"}));
  ASSERT_TRUE(SaveModel(b.Build().value(), Path("new.weft")).ok());
  std::string train = "x,label\n", other = "x,label\n";
  for (int i = 0; i < 40; ++i) {
    absl::StrAppend(&train, 100 + (i - 19.5) / 20, ",", i < 20 ? 0 : 1, "\n");
    absl::StrAppend(&other, 100.2 + i / 40.0, ",1\n");
  }
  WriteText(Path("train.csv"), train);
  WriteText(Path("other.csv"), other);
  Output(
      "train --model new.weft --data csv:train.csv --val-split 0.2 --epochs 60 --lr 0.5 --batch 8 "
      "--threads 1 -o a.weft");
  EXPECT_THAT(Output("eval a.weft --data csv:other.csv --val-split 0.9"),
              HasSubstr("accuracy 100.00 %"));
  // A training that goes on keeps its mean too.
  Output("train --resume a.weft --data csv:other.csv --epochs 61");
  EXPECT_THAT(Output("eval a.weft --data csv:other.csv --val-split 0.9"),
              HasSubstr("accuracy 100.00 %"));
}

}  // namespace
}  // namespace weft
