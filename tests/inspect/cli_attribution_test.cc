// `weft inspect` of attribution as a user meets it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../frontend/testing_cli.h"
#include "frontend/inspect/attribution/attribution.h"
#include "frontend/io/decode.h"
#include "frontend/io/npy.h"
#include "frontend/io/png.h"
#include "testing_golden.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class CliAttribution : public Cli {
 protected:
  std::string Digits(const std::string& rest) const {
    return "inspect " + GoldenFolder() + "/digits.weft " + rest + " --threads 1";
  }
};

TEST_F(CliAttribution, WritesThePictureAndTheMapOnIt) {
  const std::string out = Output(Digits("integrated-gradients --index 3 -o why.png"));
  EXPECT_THAT(out, ContainsRegex("example 3: .*, score .*, completeness error [0-9.e-]+\n"));
  EXPECT_THAT(out, HasSubstr("saved why.png (452x224)"));
  const Picture picture = LoadPicture(Path("why.png")).value();
  EXPECT_EQ(picture.width, 2 * 224 + 4);
}

TEST_F(CliAttribution, WritesNumbers) {
  Output(Digits("gradient --index 3 --class 5 -o g.npy"));
  const Tensor gradient = ReadNpy(Path("g.npy")).value();
  EXPECT_EQ(gradient.dims(), (Dims{1, 28, 28}));
  const Model model = GoldenModel("digits");
  const Example example = ExampleOf(*GoldenData("digits"), 3).value();
  const Tensor expected = GradientAttribution(model, example.x, {.target = 5})->elements;
  for (int64_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(gradient.At(i), expected.At(i), 1e-4) << i;
  }
  Output(Digits("occlusion --window 7 --stride 7 --fill 0 -o o.npy"));
  EXPECT_EQ(ReadNpy(Path("o.npy")).value().dims(), (Dims{28, 28}));
}

TEST_F(CliAttribution, DrawsInTheTerminal) {
  const std::string out = Output(Digits("grad-cam --index 3"));
  EXPECT_GT(std::count(out.begin(), out.end(), '\n'), 10);
  EXPECT_THAT(out, HasSubstr(", maps of block2."));
}

TEST_F(CliAttribution, SameSeedSamePicture) {
  const std::string line = "smoothgrad --samples 3 --noise 0.3 ";
  Output(Digits(line + "--seed 4 -o a.png"));
  Output(Digits(line + "--seed 4 -o b.png"));
  Output(Digits(line + "--seed 5 -o c.png"));
  EXPECT_EQ(ReadText(Path("a.png")), ReadText(Path("b.png")));
  EXPECT_NE(ReadText(Path("a.png")), ReadText(Path("c.png")));
}

TEST_F(CliAttribution, AllMethodsOnOneSheet) {
  const std::string out = Output(Digits("attribution --index 3 --samples 2 -o all.png"));
  EXPECT_THAT(out, HasSubstr("CAM is left out: "));
  EXPECT_THAT(out, HasSubstr("saved all.png"));
}

// The ops of an optimized file have no gradients; occlusion needs none.
TEST_F(CliAttribution, OptimizedFilesHaveTheMethodsWithoutGradients) {
  Output("optimize " + GoldenFolder() + "/digits.weft -o fast.weft");
  const std::string out =
      Output("inspect fast.weft attribution --data digits:50 --threads 1 -o all.png");
  EXPECT_THAT(out, HasSubstr("Gradient is left out: "));
  EXPECT_THAT(out, HasSubstr("saved all.png"));
}

TEST_F(CliAttribution, SignalsAreSvg) {
  Tensor x = Tensor::Zeros(DType::kF32, {1, 12, 4096}).value();
  x.mutable_values<float>()[100] = 1;
  ASSERT_TRUE(WriteNpy(Path("ecg.npy"), x).ok());
  const std::string out =
      Output("inspect ecg_resnet gradient-times-input --image ecg.npy --threads 1 -o why.svg");
  EXPECT_THAT(out, HasSubstr("saved why.svg"));
  EXPECT_THAT(ReadText(Path("why.svg")),
              AllOf(HasSubstr("Gradient x input: ecg.npy"), HasSubstr("channel 11")));
}

TEST_F(CliAttribution, GatesOfBlocks) {
  Tensor x = Tensor::Zeros(DType::kF32, {1, 3, 224, 224}).value();
  ASSERT_TRUE(WriteNpy(Path("x.npy"), x).ok());
  const std::string out =
      Output("inspect mobilenet_v3_small excitation --image x.npy --threads 1 -o gates.svg");
  EXPECT_THAT(out, HasSubstr("features.1.block.1"));
  EXPECT_THAT(ReadText(Path("gates.svg")), HasSubstr("</svg>"));
  Output("inspect mobilenet_v3_small excitation --image x.npy --threads 1 -o gates.npy");
  EXPECT_EQ(ReadNpy(Path("gates.npy")).value().dims(), (Dims{9, 576}));
}

TEST_F(CliAttribution, HelpShowsWhatStandsBefore) {
  EXPECT_THAT(Output("inspect x.weft occlusion --help"),
              AllOf(HasSubstr("inspect FILE occlusion [OPTIONS]"), HasSubstr("--window")));
}

TEST_F(CliAttribution, MistakesAreErrors) {
  EXPECT_THAT(Error(Digits("gradient -o why.jpg")),
              HasSubstr("expected a file that ends in .png or .svg or .npy, got why.jpg"));
  EXPECT_THAT(Error(Digits("gradient -o why.svg")), HasSubstr(".svg is for signals"));
  EXPECT_THAT(Error(Digits("gradient --class 10")), HasSubstr("a class from 0 to 9, got 10"));
  EXPECT_THAT(Error(Digits("gradient --class seven")), HasSubstr("number or name, got seven"));
  EXPECT_THAT(Error(Digits("cam")), HasSubstr("is no global average pooling"));
  EXPECT_THAT(Error(Digits("grad-cam --at fc")), HasSubstr("no layer is called fc"));
  EXPECT_THAT(Error(Digits("occlusion --stride 40")), HasSubstr("a stride from 1 to the window"));
  EXPECT_THAT(Error(Digits("excitation")), HasSubstr("expected squeeze-and-excitation blocks"));
  EXPECT_THAT(Error(Digits("gradient --steps 3")), HasSubstr("there is no option --steps"));
  EXPECT_THAT(Error(Digits("attribution")), HasSubstr("--output is required"));
}

TEST_F(CliAttribution, WhatIsReadIsNotWrittenOver) {
  const std::string lost = "expected another file than the input, which would be lost";
  const Picture picture{
      .height = 28, .width = 28, .channels = 1, .pixels = std::vector<uint8_t>(28 * 28, 9)};
  ASSERT_TRUE(WritePng(Path("in.png"), picture).ok());
  const std::string before = ReadText(Path("in.png"));
  EXPECT_THAT(Error(Digits("gradient --image in.png -o in.png")),
              HasSubstr("--output: in.png: " + lost));
  EXPECT_THAT(Error(Digits("attribution --image in.png -o ./in.png")), HasSubstr(lost));
  EXPECT_THAT(Error(Digits("activations --at block2.relu --image in.png -o in.png")),
              HasSubstr(lost));
  EXPECT_THAT(Error(Digits("deepdream --at block2.relu --image in.png -o in.png")),
              HasSubstr(lost));
  EXPECT_THAT(Error(Digits("style --index 3 --style in.png -o in.png")), HasSubstr(lost));
  EXPECT_EQ(ReadText(Path("in.png")), before);
  Output(Digits("gradient --image in.png -o out.png"));
}

}  // namespace
}  // namespace weft
