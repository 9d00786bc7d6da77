#include "frontend/data/digits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "frontend/data/open.h"
#include "frontend/data/random.h"
#include "frontend/data/strokes.h"
#include "tests/frontend/testing_files.h"

namespace weft {
namespace {

using testing::HasSubstr;
using Image = std::array<uint8_t, 784>;

Image Draw(uint64_t seed, Split split, int64_t index) {
  Image image;
  DrawDigit(seed, split, index, image);
  return image;
}

std::vector<float> ReadImageOf(const Dataset& dataset, int64_t index, int64_t* label) {
  std::vector<float> image(784);
  EXPECT_TRUE(dataset.Read(index, image, label).ok());
  return image;
}

TEST(Digits, AreTheSameForTheSameSeedSplitAndIndexAndElseDiffer) {
  const Image image = Draw(1, Split::kTrain, 7);
  EXPECT_EQ(image, Draw(1, Split::kTrain, 7));
  EXPECT_NE(image, Draw(2, Split::kTrain, 7));
  EXPECT_NE(image, Draw(1, Split::kTest, 7));
  EXPECT_NE(image, Draw(1, Split::kTrain, 17));
  EXPECT_NE(image, Draw(1 + (uint64_t{1} << 32), Split::kTrain, 7));
}

TEST(Digits, HaveTheirIndexModuloTenAsLabel) {
  const auto digits = *MakeDigits(Split::kTest, 100);
  for (int64_t i = 0; i < 100; ++i) {
    int64_t label = -1;
    ReadImageOf(*digits, i, &label);
    EXPECT_EQ(label, i % 10);
  }
}

TEST(Digits, DatasetHoldsWhatDrawDigitDraws) {
  const auto digits = *MakeDigits(Split::kTest, 30, /*seed=*/5);
  EXPECT_EQ(digits->size(), 30);
  EXPECT_EQ(ToString(digits->example_type()), "f32[1,28,28]");
  EXPECT_EQ(digits->class_names()[3], "3");
  int64_t label = 0;
  const std::vector<float> image = ReadImageOf(*digits, 29, &label);
  const Image drawn = Draw(5, Split::kTest, 29);
  for (size_t i = 0; i < image.size(); ++i) {
    ASSERT_EQ(image[i], static_cast<float>(drawn[i]) / 255.0f) << "pixel " << i;
  }
}

TEST(Digits, NoImageIsTwiceInOrSharedByTheTwoSplits) {
  std::set<Image> seen;
  for (int64_t i = 0; i < kTrainDigits; ++i) seen.insert(Draw(kDigitsSeed, Split::kTrain, i));
  for (int64_t i = 0; i < kTestDigits; ++i) seen.insert(Draw(kDigitsSeed, Split::kTest, i));
  EXPECT_EQ(static_cast<int64_t>(seen.size()), kTrainDigits + kTestDigits);
}

TEST(Digits, HaveTheMeanAndStandardDeviationThatNormaliseThem) {
  double sum = 0;
  double squares = 0;
  for (int64_t i = 0; i < kTrainDigits; ++i) {
    for (uint8_t byte : Draw(kDigitsSeed, Split::kTrain, i)) {
      sum += byte / 255.0;
      squares += byte / 255.0 * (byte / 255.0);
    }
  }
  const double n = 784.0 * kTrainDigits;
  EXPECT_NEAR(sum / n, kDigitsMean, 1e-4);
  EXPECT_NEAR(std::sqrt(squares / n - sum / n * (sum / n)), kDigitsStd, 1e-4);
  const auto digits = *MakeDigits(Split::kTest, 1);
  EXPECT_EQ(digits->preprocessing().mean, std::vector<float>{kDigitsMean});
  EXPECT_EQ(digits->preprocessing().std, std::vector<float>{kDigitsStd});
}

TEST(Digits, EveryImageShowsADigitOfPlausibleInkAwayFromTheCorners) {
  for (int64_t i = 0; i < 2000; ++i) {
    const Image image = Draw(kDigitsSeed, Split::kTrain, i);
    const auto ink = std::count_if(image.begin(), image.end(), [](uint8_t b) { return b > 128; });
    EXPECT_GT(ink, 8) << "image " << i;
    EXPECT_LT(ink, 350) << "image " << i;
    for (size_t corner : {size_t{0}, size_t{27}, size_t{756}, size_t{783}}) {
      EXPECT_LT(image[corner], 128) << "image " << i;
    }
  }
}

// The templates of a task that is too easy, the means of the classes, must not solve it; and it
// must be learnable, which they show by being far better than chance.
TEST(Digits, AreNeitherTrivialNorNoise) {
  const auto train = *MakeDigits(Split::kTrain, 5000);
  const auto test = *MakeDigits(Split::kTest, 2000);
  std::vector<std::vector<float>> means(10, std::vector<float>(784, 0.0f));
  int64_t label = 0;
  for (int64_t i = 0; i < train->size(); ++i) {
    const std::vector<float> image = ReadImageOf(*train, i, &label);
    for (size_t k = 0; k < 784; ++k) means[static_cast<size_t>(label)][k] += image[k] / 500;
  }
  int correct = 0;
  for (int64_t i = 0; i < test->size(); ++i) {
    const std::vector<float> image = ReadImageOf(*test, i, &label);
    std::array<float, 10> distances = {};
    for (size_t c = 0; c < 10; ++c) {
      for (size_t k = 0; k < 784; ++k) {
        distances[c] += (image[k] - means[c][k]) * (image[k] - means[c][k]);
      }
    }
    correct += std::min_element(distances.begin(), distances.end()) - distances.begin() == label;
  }
  EXPECT_GT(correct, 900);
  EXPECT_LT(correct, 1700);
}

TEST(Digits, RefuseASizeOutsideTheLimits) {
  EXPECT_THAT(MessageOf(MakeDigits(Split::kTrain, 0).status()),
              HasSubstr("expected a size in [1,1000000], got 0"));
  EXPECT_FALSE(MakeDigits(Split::kTrain, kMaxDigits + 1).ok());
}

TEST(Strokes, EveryDigitHasVariantsThatFitTheirBox) {
  for (int digit = 0; digit < 10; ++digit) {
    EXPECT_GE(GlyphsOf(digit).size(), 2u);
    for (const Glyph& glyph : GlyphsOf(digit)) {
      for (const Stroke& stroke : glyph) {
        EXPECT_GE(stroke.size(), 2u);
        EXPECT_LE(stroke.size(), 16u);
        for (const Point& p : stroke) {
          EXPECT_LE(std::abs(p.x), 0.65f) << "digit " << digit;
          EXPECT_LE(std::abs(p.y), 1.0f) << "digit " << digit;
        }
      }
    }
  }
}

TEST(RandomStream, DrawsTheSameNumbersForTheSameKeyAndOthersForAnother) {
  const auto words = [](uint64_t seed, RandomPurpose purpose, uint64_t index) {
    RandomStream random(seed, purpose, index);
    std::vector<uint32_t> drawn(9);
    for (uint32_t& word : drawn) word = random.NextWord();
    return drawn;
  };
  const auto base = words(1, RandomPurpose::kShuffle, 0);
  EXPECT_EQ(base, words(1, RandomPurpose::kShuffle, 0));
  EXPECT_NE(base, words(2, RandomPurpose::kShuffle, 0));
  EXPECT_NE(base, words(1, RandomPurpose::kTrainDigits, 0));
  EXPECT_NE(base, words(1, RandomPurpose::kShuffle, 1));
  EXPECT_EQ(std::set<uint32_t>(base.begin(), base.end()).size(), base.size());
}

TEST(RandomStream, HasTheMomentsThatItPromises) {
  RandomStream random(3, RandomPurpose::kShuffle, 0);
  double uniform = 0, bell = 0, bell_squares = 0;
  std::array<int, 5> counts = {};
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) {
    uniform += random.Uniform(2.0f, 4.0f);
    const double b = random.Bell();
    bell += b;
    bell_squares += b * b;
    ++counts[random.Below(5)];
  }
  EXPECT_NEAR(uniform / kDraws, 3.0, 0.01);
  EXPECT_NEAR(bell / kDraws, 0.0, 0.015);
  EXPECT_NEAR(bell_squares / kDraws, 1.0, 0.02);
  for (int count : counts) EXPECT_NEAR(count, kDraws / 5, 500);
}

TEST(OpenDataset, OpensDigitsOfDefaultAndGivenSizes) {
  EXPECT_EQ((*OpenDataset("digits", Split::kTest))->size(), kTestDigits);
  EXPECT_EQ((*OpenDataset("digits:12", Split::kTrain))->size(), 12);
  EXPECT_EQ((*OpenDataset("digits:12", Split::kTest))->size(), 3);
  EXPECT_EQ((*OpenDataset("digits:1", Split::kTest))->size(), 1);
}

TEST(OpenDataset, PassesTheFolderToMnist) {
  EXPECT_THAT(MessageOf(OpenDataset("mnist:/none/a:b", Split::kTrain).status()),
              HasSubstr("/none/a:b: expected a folder"));
}

TEST(OpenDataset, ListsTheKnownKindsWhenItKnowsNone) {
  for (const char* spec : {"", "cifar", "mnist", "mnist:", ":", "digit:5"}) {
    EXPECT_EQ(MessageOf(OpenDataset(spec, Split::kTrain).status()),
              std::string("data: expected one of digits, digits:N, mnist:DIR, fashion-mnist:DIR, "
                          "cifar10:DIR, cifar100:DIR, folder:DIR, masks:DIR, csv:FILE, npy:DIR, "
                          "wav:DIR; got \"") +
                  spec + "\"");
  }
  for (const char* spec : {"digits:", "digits:0", "digits:-3", "digits:x", "digits:5x",
                           "digits:99999999999999999999", "digits:1000001"}) {
    EXPECT_THAT(MessageOf(OpenDataset(spec, Split::kTrain).status()),
                HasSubstr("expected N in [1,1000000], got"));
  }
}

}  // namespace
}  // namespace weft
