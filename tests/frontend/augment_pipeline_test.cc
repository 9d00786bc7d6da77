#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/data/augment/pipeline.h"
#include "tests/frontend/testing_files.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Canonical(std::string_view text) {
  const absl::StatusOr<Pipeline> pipeline = ParsePipeline(text);
  return pipeline.ok() ? ToString(*pipeline) : std::string(pipeline.status().message());
}

TEST(Pipeline, IsWrittenAsItIsRead) {
  for (const std::string text :
       {"", "flip", "random_resized_crop(224), flip, color_jitter(hue=0.1)", "resize((32, 48))",
        "crop(32, 4, reflect)", "crop(padding=4, fill=128)", "rotate(15, fill=3), noise(0.1)",
        "random_resized_crop(scale=(0.5, 1), filter=bicubic)", "pad((1, 2, 3, 4)), mixup, cutmix",
        "window(100), standardize(row)"}) {
    EXPECT_EQ(Canonical(text), text);
  }
}

TEST(Pipeline, LeavesOutDefaultsSpacesAndNames) {
  EXPECT_EQ(Canonical(" flip ( p = 0.5 ) ,\tvflip(1.0)"), "flip, vflip(1)");
  EXPECT_EQ(Canonical("resize(size=(64),filter=bilinear)"), "resize(64)");
  EXPECT_EQ(Canonical("flip()"), "flip");
}

TEST(Pipeline, WritesPresetsOut) {
  EXPECT_EQ(Canonical("cifar"), "crop(padding=4), flip");
  EXPECT_EQ(Canonical("imagenet"), "random_resized_crop, flip, color_jitter");
  EXPECT_EQ(Canonical("resize(40), cifar, mixup"), "resize(40), crop(padding=4), flip, mixup");
  EXPECT_EQ(Canonical("none"), "");
  for (const std::string preset : {"light", "strong", "imagenet_test"}) {
    EXPECT_EQ(Canonical(Canonical(preset)), Canonical(preset));
    EXPECT_NE(Canonical(preset), "");
  }
}

TEST(Pipeline, SaysWhereAMistakeIs) {
  const std::pair<std::string, std::string> cases[] = {
      {"flp", "expected one of resize center_crop"},
      {"flip, flp", "got \"flp\", at character 7 of \"flip, flp\""},
      {"flip,", "expected the name of a transform, at character 6"},
      {"flip flip", "expected a comma or the end, at character 6"},
      {"flip(2)", "expected p in [0, 1], got 2, at character 6"},
      {"flip(p=0.5, p=1)", "expected p once, at character 15"},
      {"flip(q=0.5)", "flip has no argument q, at character 6"},
      {"flip(0.5, 0.5)", "expected at most 1 arguments for flip, at character 11"},
      {"flip(half)", "expected a number for p, at character 6"},
      {"flip(0.5", "expected a comma or ), at character 9"},
      {"flip((0.5, 1))", "expected at most 1 numbers for p, at character 6"},
      {"crop(32.5)", "expected size, whole, in [0, 16384], got 32.5, at character 6"},
      {"crop(32, mode=mirror)",
       "expected mode to be one of: constant edge reflect symmetric, at character 15"},
      {"pad((1, 2, 3))", "expected 1, 2 or 4 numbers for padding, at character 5"},
      {"rotate", "expected rotate(degrees): up to as many either way, or (from, to)"},
      {"noise, flip", "expected pictures, then numbers, then mixing; flip comes after noise"},
      {"mixup, noise", "noise comes after mixup, at character 8"},
      {"five_crop(28)", "five_crop makes several views of a picture"},
      {"erase(p=1e999)", "expected a number for p, at character 9"},
      {"flip(nan)", "at character 6"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_THAT(MessageOf(ParsePipeline(text).status()), HasSubstr(message)) << text;
  }
}

TEST(Pipeline, ViewsAreAllCombinations) {
  const auto views = [](std::string_view text) {
    std::vector<std::string> result;
    const std::vector<Pipeline> pipelines = TtaPipelines(text).value();
    for (const Pipeline& view : pipelines) result.push_back(ToString(view));
    return result;
  };
  EXPECT_THAT(views(""), ElementsAre(""));
  EXPECT_THAT(views("flip"), ElementsAre("", "flip(1)"));
  EXPECT_THAT(views("resize(8), flip, vflip"),
              ElementsAre("resize(8)", "resize(8), flip(1)", "resize(8), vflip(1)",
                          "resize(8), flip(1), vflip(1)"));
  EXPECT_THAT(views("five_crop(6)"), ElementsAre("center_crop(6, (0, 0))", "center_crop(6, (0, 1))",
                                                 "center_crop(6, (1, 0))", "center_crop(6, (1, 1))",
                                                 "center_crop(6, (0.5, 0.5))"));
  const std::vector<std::string> ten = views("ten_crop(6)");
  EXPECT_EQ(ten.size(), 10u);
  EXPECT_EQ(ten[9], "center_crop(6, (0.5, 0.5)), flip(1)");
  EXPECT_THAT(MessageOf(TtaPipelines("mixup").status()), HasSubstr("mixup mixes examples"));
  EXPECT_EQ(views("ten_crop(6), ten_crop(4)").size(), 100u);
  EXPECT_THAT(MessageOf(TtaPipelines("ten_crop(6), ten_crop(4), flip").status()),
              HasSubstr("expected at most 100 views, got 200"));
}

TEST(Pipeline, KeepsForTestsWhatIsNoChance) {
  const auto steps = [](std::string_view text) {
    return ToString(TestSteps(ParsePipeline(text).value()));
  };
  EXPECT_EQ(steps("imagenet, noise"), "");
  EXPECT_EQ(steps("shift(3), window(100), scale, standardize(row)"),
            "window(100, 0.5), standardize(row)");
  EXPECT_EQ(steps("cifar, min_max, mixup, cutmix"), "min_max, mixup(p=0), cutmix(p=0)");
  EXPECT_EQ(steps("imagenet_test, flip, standardize"),
            "resize(256), center_crop(224), standardize");
  EXPECT_EQ(steps("pad(3), equalize(1), equalize, flip(1), gray(0), blur(2, 1), blur((1, 2), 1)"),
            "pad(3), equalize(1), flip(1), blur(2, 1)");
  EXPECT_EQ(steps("scale(2), scale((1, 2)), window(9, 0)"), "scale(2), window(9, 0)");
  EXPECT_EQ(steps("rotate(10), affine, rand_augment, trivial_augment, erase(1), noise"), "");
}

// A crop of what was resized comes from the middle; one of pictures of the model's size has none,
// nor has the border that was made for it.
TEST(Pipeline, TestsCropsFromTheMiddleOfWhatWasResized) {
  const auto steps = [](std::string_view text) {
    return ToString(TestSteps(ParsePipeline(text).value()));
  };
  EXPECT_EQ(steps("resize(40), crop(32, 4, fill=7), flip"), "resize(40), center_crop(32, fill=7)");
  EXPECT_EQ(steps("resize(40), random_place((48, 64))"), "resize(40), center_crop((48, 64))");
  EXPECT_EQ(steps("pad(4), crop(32)"), "");
  EXPECT_EQ(steps("crop(32), pad(4)"), "pad(4)");
}

TEST(Pipeline, SaysWhetherThereIsChance) {
  for (const char* text : {"", "imagenet_test", "resize(8), standardize", "window(9, 0.5)"}) {
    EXPECT_FALSE(IsRandom(*ParsePipeline(text))) << text;
  }
  for (const char* text : {"cifar", "resize(8), flip", "window(9)", "mixup", "blur(1)"}) {
    EXPECT_TRUE(IsRandom(*ParsePipeline(text))) << text;
  }
}

TEST(Pipeline, DescribesAllTransforms) {
  const std::string text = DescribeTransforms();
  for (const char* line : {"\nrandom_resized_crop: ", "\n  scale=(0.08, 1): ", "\nmixup: ",
                           "\ncifar = crop(padding=4), flip: ", "\ntime_mask: "}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

}  // namespace
}  // namespace weft
