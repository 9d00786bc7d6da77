#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cmath>
#include <numeric>
#include <set>

#include "frontend/data/augment/augmented.h"
#include "frontend/data/digits.h"
#include "frontend/data/fit.h"
#include "frontend/data/loader.h"
#include "frontend/data/synthetic.h"
#include "frontend/data/tensor_data.h"
#include "frontend/session/tta.h"
#include "tests/frontend/testing_files.h"
#include "tests/frontend/testing_pictures.h"

namespace weft {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

const Preprocessing kGray4 = {
    .channels = 1, .height = 4, .width = 4, .channel_order = "gray", .mean = {0}, .std = {1}};
const Preprocessing kRgb2 = {.channels = 3,
                             .height = 2,
                             .width = 2,
                             .channel_order = "rgb",
                             .mean = {0, 0, 0},
                             .std = {1, 1, 1}};

std::shared_ptr<const Dataset> Make(std::string_view text, std::shared_ptr<const Dataset> source,
                                    const Preprocessing& target) {
  const auto dataset = AugmentedDataset(std::move(source), ParsePipeline(text).value(), target);
  EXPECT_TRUE(dataset.ok()) << dataset.status();
  return *dataset;
}

std::string ErrorOf(std::string_view text, const std::shared_ptr<const Dataset>& source) {
  return MessageOf(
      AugmentedDataset(source, ParsePipeline(text).value(), source->preprocessing()).status());
}

std::vector<float> ImageOf(const Dataset& dataset, int64_t index, const ExampleDraw& draw = {}) {
  std::vector<float> image(static_cast<size_t>(dataset.example_size()));
  const auto size = static_cast<size_t>(dataset.label_size());
  std::vector<int64_t> classes(dataset.targets() ? 0 : size);
  std::vector<float> targets(dataset.targets() ? size : 0);
  const absl::Status status =
      dataset.Read(index, image, {.classes = classes, .targets = targets}, draw);
  EXPECT_TRUE(status.ok()) << status;
  return image;
}

std::shared_ptr<const Dataset> Digits(int64_t n) { return MakeDigits(Split::kTrain, n).value(); }

TEST(AugmentedDataset, GivesPicturesTheModelsChannelsAndSize) {
  const auto source = std::make_shared<PictureList>(
      std::vector<PictureExample>{
          {.picture = {.height = 2,
                       .width = 2,
                       .pixels = {0, 51, 255, 0, 51, 255, 0, 51, 255, 0, 51, 255}},
           .label = 1},
          {.picture = GrayPicture(4, 4, std::vector<uint8_t>(16, 102)), .label = 0}},
      kGray4, std::vector<std::string>{"a", "b"});
  const auto rgb = Make("", source, kRgb2);
  EXPECT_THAT(ImageOf(*rgb, 0), ElementsAre(0, 0, 0, 0, 0.2f, 0.2f, 0.2f, 0.2f, 1, 1, 1, 1));
  EXPECT_THAT(ImageOf(*rgb, 1), Each(0.4f));
  Preprocessing bgr = kRgb2;
  bgr.channel_order = "bgr";
  EXPECT_THAT(ImageOf(*FitDataset(source, bgr).value(), 0),
              ElementsAre(1, 1, 1, 1, 0.2f, 0.2f, 0.2f, 0.2f, 0, 0, 0, 0));
  const auto gray = Make("flip", source, kGray4);
  EXPECT_THAT(ImageOf(*gray, 0), Each(59 / 255.0f));  // 0.587 * 51 + 0.114 * 255 = 59.0
  int64_t label = 0;
  std::vector<float> image(16);
  ASSERT_TRUE(gray->Read(0, image, &label).ok());
  EXPECT_EQ(label, 1);
}

TEST(AugmentedDataset, OfAFittedDataSetBeginsAtThePicturesOwnSize) {
  const auto source = std::make_shared<PictureList>(
      std::vector<PictureExample>{{.picture = GrayPicture(1, 8, {0, 0, 0, 0, 0, 0, 51, 102})}},
      kGray4, std::vector<std::string>{"a"});
  Preprocessing small = kGray4;
  small.height = 1;
  small.width = 2;
  const auto fitted = FitDataset(source, small).value();
  ASSERT_TRUE(fitted->has_pictures());
  EXPECT_THAT(ImageOf(*Make("center_crop(at=1)", fitted, small), 0), ElementsAre(0.2f, 0.4f));
  EXPECT_FALSE(Make("flip", fitted, small)->has_pictures());
}

TEST(AugmentedDataset, ChangesMemoryDataToo) {
  const auto digits = Digits(10);
  const auto flipped = Make("flip(1)", digits, digits->preprocessing());
  const std::vector<float> before = ImageOf(*digits, 3), after = ImageOf(*flipped, 3);
  for (size_t y = 0; y < 28; ++y) {
    for (size_t x = 0; x < 28; ++x) EXPECT_EQ(after[y * 28 + x], before[y * 28 + 27 - x]);
  }
  EXPECT_EQ(Make("", digits, digits->preprocessing()), digits);
}

TEST(AugmentedDataset, DrawsBySeedEpochAndIndexOnly) {
  const auto digits = Digits(20);
  for (const char* text : {"crop(28, 4), rotate(15), noise(0.1)", "affine(10, 0.1), mixup(1)"}) {
    const auto dataset = Make(text, digits, digits->preprocessing());
    const std::vector<float> image = ImageOf(*dataset, 7, {.seed = 3, .epoch = 2});
    EXPECT_EQ(ImageOf(*dataset, 7, {.seed = 3, .epoch = 2}), image);
    EXPECT_NE(ImageOf(*dataset, 7, {.seed = 3, .epoch = 3}), image);
    EXPECT_NE(ImageOf(*dataset, 7, {.seed = 4, .epoch = 2}), image);
    EXPECT_NE(ImageOf(*dataset, 17, {.seed = 3, .epoch = 2}), image);  // the same class
  }
}

TEST(AugmentedDataset, IsTheSameWithAnyNumberOfWorkers) {
  const auto digits = Digits(50);
  const auto dataset =
      Make("crop(28, 3), elastic, erase, cutmix, mixup", digits, digits->preprocessing());
  const auto batches = [&](int workers, int prefetch) {
    const auto loader =
        Loader::Create(dataset,
                       {.batch_size = 16, .seed = 5, .prefetch = prefetch, .workers = workers})
            .value();
    std::vector<Tensor> all;
    Batch batch;
    for (int64_t epoch = 0; epoch < 2; ++epoch) {
      EXPECT_TRUE(loader->StartEpoch(epoch).ok());
      while (*loader->Next(&batch)) {
        all.push_back(batch.images);
        all.push_back(batch.labels);
      }
    }
    return all;
  };
  const std::vector<Tensor> plain = batches(1, 0);
  EXPECT_EQ(plain.size(), 16u);
  EXPECT_EQ(batches(1, 2), plain);
  EXPECT_EQ(batches(2, 2), plain);
  EXPECT_EQ(batches(4, 3), plain);
}

TEST(AugmentedDataset, MixingMakesLabelsShares) {
  const auto digits = Digits(30);
  for (const char* text : {"mixup(1)", "cutmix", "mixup, cutmix"}) {
    const auto dataset = Make(text, digits, digits->preprocessing());
    ASSERT_TRUE(dataset->targets());
    EXPECT_THAT(dataset->label_dims(), ElementsAre(10));
    int mixed = 0;
    for (int64_t i = 0; i < 30; ++i) {
      std::vector<float> image(784), shares(10);
      ASSERT_TRUE(dataset->Read(i, image, LabelBuffer{.targets = shares}, {.epoch = 1}).ok());
      EXPECT_NEAR(std::accumulate(shares.begin(), shares.end(), 0.0), 1, 1e-6);
      EXPECT_GE(*std::ranges::min_element(shares), 0);
      const auto others = std::ranges::count_if(shares, [](float x) { return x > 0; });
      EXPECT_TRUE(others == 1 || (others == 2 && shares[static_cast<size_t>(i % 10)] > 0) ||
                  shares[static_cast<size_t>(i % 10)] == 0);
      mixed += others == 2;
    }
    EXPECT_GT(mixed, 15) << text;
  }
  const auto never = Make("mixup(1, p=0)", digits, digits->preprocessing());
  std::vector<float> image(784), shares(10);
  ASSERT_TRUE(never->Read(4, image, LabelBuffer{.targets = shares}).ok());
  EXPECT_EQ(image, ImageOf(*digits, 4));
  EXPECT_THAT(shares, ElementsAre(0, 0, 0, 0, 1, 0, 0, 0, 0, 0));
}

// With a fixed share each pixel is share * own + (1 - share) * the partner's, as the labels say.
TEST(AugmentedDataset, MixupFadesAsItsLabelsSay) {
  std::vector<PictureExample> examples;
  for (int64_t i = 0; i < 4; ++i) {
    examples.push_back(
        {.picture = GrayPicture(4, 4, std::vector<uint8_t>(16, 51 * (i + 1))), .label = i});
  }
  const auto source =
      std::make_shared<PictureList>(examples, kGray4, std::vector<std::string>{"a", "b", "c", "d"});
  const auto dataset = Make("mixup(1)", source, kGray4);
  for (int64_t i = 0; i < 4; ++i) {
    std::vector<float> image(16), shares(4);
    ASSERT_TRUE(dataset->Read(i, image, LabelBuffer{.targets = shares}, {.seed = 8}).ok());
    float expected = 0;
    for (size_t c = 0; c < 4; ++c) expected += shares[c] * 0.2f * static_cast<float>(c + 1);
    for (const float x : image) EXPECT_NEAR(x, expected, 1e-6);
  }
}

// A vector that counts how often its elements are read.
class CountedReads final : public Dataset {
 public:
  CountedReads()
      : Dataset({.name = "counted",
                 .size = 50,
                 .class_names = {"a", "b"},
                 .preprocessing = {.height = 1, .width = 4, .mean = {0}, .std = {1}},
                 .dims = {1, 4}}) {}
  std::vector<int> counts() const { return {reads_.begin(), reads_.end()}; }

 private:
  absl::Status ReadExample(int64_t index, std::span<float> image,
                           std::span<int64_t> labels) const override {
    ++reads_[static_cast<size_t>(index)];
    std::ranges::fill(image, static_cast<float>(index));
    labels[0] = index % 2;
    return absl::OkStatus();
  }
  mutable std::array<std::atomic<int>, 50> reads_ = {};
};

// Each example is read once an epoch, for itself and for the one that it is mixed into: but for the
// first, which is the last one's partner too.
TEST(AugmentedDataset, MixingReadsNoExampleTwice) {
  for (const int workers : {1, 3}) {
    const auto source = std::make_shared<CountedReads>();
    const auto dataset = Make("mixup(1)", source, source->preprocessing());
    const auto loader =
        Loader::Create(dataset, {.batch_size = 8, .seed = 3, .workers = workers}).value();
    Batch batch;
    for (int64_t epoch = 0; epoch < 2; ++epoch) {
      // It has begun with epoch 0, and read ahead.
      ASSERT_TRUE(epoch == 0 || loader->StartEpoch(epoch).ok());
      while (loader->Next(&batch).value()) {
        for (int64_t i = 0; i < batch.size(); ++i) {
          const int64_t next =
              ShuffledIndices(50, 3, epoch)[static_cast<size_t>((batch.first + i + 1) % 50)];
          const double own = static_cast<double>(batch.indices[static_cast<size_t>(i)]);
          const double mixed = batch.images.At(4 * i), share = (mixed - next) / (own - next);
          EXPECT_GE(share, -1e-5);
          EXPECT_LE(share, 1 + 1e-5);
        }
      }
    }
    const std::vector<int> counts = source->counts();
    EXPECT_LE(std::accumulate(counts.begin(), counts.end(), 0), 2 * 50 + 2) << workers;
  }
}

TEST(AugmentedDataset, MasksComeAsLabelsOfPixels) {
  PictureExample example = {.picture = CountingPicture(2, 4, 1)};
  example.mask = GrayPicture(2, 4, {0, 1, 2, 3, 4, 5, 6, 255});
  const auto source = std::make_shared<PictureList>(std::vector<PictureExample>{example}, kGray4,
                                                    std::vector<std::string>{});
  const auto dataset = Make("flip(1)", source, kGray4);
  EXPECT_THAT(dataset->label_dims(), ElementsAre(4, 4));
  std::vector<float> image(16);
  std::vector<int64_t> labels(16);
  ASSERT_TRUE(dataset->Read(0, image, labels).ok());
  EXPECT_THAT(labels, ElementsAre(3, 2, 1, 0, 3, 2, 1, 0, 255, 6, 5, 4, 255, 6, 5, 4));
  EXPECT_EQ(ErrorOf("mixup", source),
            "augment: mixup wants one label an example; those of pictures are [1,4,4] with labels "
            "[4,4]");
}

TEST(AugmentedDataset, LabelsOfPixelsFollowImagesOfNumbers) {
  SyntheticOptions options = {.size = 2, .dims = {3, 8, 8}};
  options.labels = SyntheticOptions::Labels::kPositions;
  const auto source = MakeSynthetic(Split::kTrain, options).value();
  const auto flipped = Make("vflip(1)", source, source->preprocessing());
  std::vector<float> image(192);
  std::vector<int64_t> before(64), after(64);
  ASSERT_TRUE(source->Read(1, image, before).ok());
  ASSERT_TRUE(flipped->Read(1, image, after).ok());
  for (size_t i = 0; i < 64; ++i) EXPECT_EQ(after[i], before[(7 - i / 8) * 8 + i % 8]);
}

TEST(AugmentedDataset, SlicesAndNormalisesSignals) {
  const auto source = MakeSynthetic(Split::kTrain, {.size = 3, .dims = {2, 40}}).value();
  const auto dataset = Make("window(10), standardize(row)", source, source->preprocessing());
  EXPECT_THAT(dataset->example_dims(), ElementsAre(2, 10));
  EXPECT_EQ(dataset->preprocessing().width, 20);
  EXPECT_THAT(dataset->preprocessing().mean, Each(0));
  EXPECT_THAT(dataset->preprocessing().std, Each(1));
  const auto loader = Loader::Create(dataset, {.batch_size = 3}).value();
  Batch batch;
  ASSERT_TRUE(*loader->Next(&batch));
  EXPECT_EQ(ToString(batch.images.type()), "f32[3,2,10]");
  for (int64_t row = 0; row < 6; ++row) {
    double sum = 0;
    for (int64_t t = 0; t < 10; ++t) sum += batch.images.At(row * 10 + t);
    EXPECT_NEAR(sum, 0, 1e-5);
  }
}

TEST(AugmentedDataset, RefusesWhatDoesNotFit) {
  const auto signal = MakeSynthetic(Split::kTrain, {.size = 3, .dims = {2, 40}}).value();
  EXPECT_THAT(ErrorOf("flip", signal), HasSubstr("flip wants examples that are images; those of"));
  EXPECT_THAT(ErrorOf("window(41)", signal), HasSubstr("window(41) wants signals of that length"));
  EXPECT_THAT(ErrorOf("window(10)", Digits(10)), HasSubstr("wants signals of that length"));
  SyntheticOptions tokens = {.size = 2, .dims = {8}};
  tokens.labels = SyntheticOptions::Labels::kNextToken;
  EXPECT_THAT(ErrorOf("noise", MakeSynthetic(Split::kTrain, tokens).value()),
              HasSubstr("noise wants examples that are numbers, not tokens"));
  EXPECT_THAT(ErrorOf("mixup", MakeSynthetic(Split::kTrain, tokens).value()),
              HasSubstr("mixup wants examples that are numbers, not tokens"));
}

// The mask would stay where it is.
TEST(AugmentedDataset, RefusesToMoveImagesFromUnderTheirMasks) {
  const auto source = std::make_shared<PictureList>(
      std::vector<PictureExample>{{.picture = CountingPicture(4, 4, 1),
                                   .mask = GrayPicture(4, 4, std::vector<uint8_t>(16, 1))}},
      kGray4, std::vector<std::string>{"a", "b"});
  EXPECT_THAT(ErrorOf("shift(2)", source), HasSubstr("shift wants one label an example"));
  EXPECT_EQ(ErrorOf("noise", source), "");
}

// Bytes cannot hold them.
TEST(AugmentedDataset, RefusesToMakePicturesOfOtherValues) {
  Preprocessing p = kGray4;
  p.height = 1;
  p.width = 2;
  for (const float value : {-0.5f, 127.0f, std::nanf("")}) {
    Tensor x = Tensor::FromValues<float>({1, 1, 1, 2}, std::vector<float>{0.5f, value}).value();
    Tensor y = Tensor::FromValues<int64_t>({1}, std::vector<int64_t>{0}).value();
    const auto source = MakeTensorDataset({.name = "floats", .preprocessing = p},
                                          {.x = std::move(x), .y = std::move(y)})
                            .value();
    ASSERT_TRUE(source->is_images());
    std::vector<float> image(2);
    std::vector<int64_t> labels(1);
    EXPECT_TRUE(Make("scale(2)", source, p)->Read(0, image, labels).ok());
    EXPECT_THAT(MessageOf(Make("flip", source, p)->Read(0, image, labels)),
                HasSubstr("flip wants values in [0,1], got "));
  }
}

TEST(AugmentedDataset, RefusesPicturesThatAreNone) {
  const std::vector<PictureExample> bad = {{.picture = GrayPicture(4, 4, std::vector<uint8_t>(15))},
                                           {.picture = GrayPicture(0, 4, {})},
                                           {.picture = GrayPicture(4, 4, std::vector<uint8_t>(16)),
                                            .mask = GrayPicture(2, 8, std::vector<uint8_t>(16))}};
  for (const PictureExample& example : bad) {
    const auto source = std::make_shared<PictureList>(std::vector<PictureExample>{example}, kGray4,
                                                      std::vector<std::string>{"a", "b"});
    const auto dataset = Make("flip(1)", source, kGray4);
    std::vector<float> image(16);
    std::vector<int64_t> labels(static_cast<size_t>(dataset->label_size()));
    EXPECT_THAT(MessageOf(dataset->Read(0, image, labels)), HasSubstr(": expected bytes ["));
  }
}

// Pictures with numbers as labels, which the values' reader would give only after another decoding.
class PicturesWithTargets final : public Dataset {
 public:
  PicturesWithTargets()
      : Dataset({.name = "targets",
                 .size = 1,
                 .preprocessing = kGray4,
                 .label_dims = {2},
                 .targets = true,
                 .pictures = true}) {}

 private:
  absl::Status ReadExample(int64_t, std::span<float>, std::span<int64_t>) const override {
    return absl::InternalError("decoded again");
  }
  absl::StatusOr<PictureExample> ReadPicture(int64_t) const override {
    return PictureExample{.picture = CountingPicture(4, 4, 1), .targets = {0.5f, 2}};
  }
};

TEST(AugmentedDataset, TakesTargetsWithThePicture) {
  const auto dataset = Make("flip", std::make_shared<PicturesWithTargets>(), kGray4);
  std::vector<float> image(16), targets(2);
  ASSERT_TRUE(dataset->Read(0, image, {.targets = targets}).ok());
  EXPECT_THAT(targets, ElementsAre(0.5f, 2));
}

// Scores of a "model" that finds class 0 by a bright left half, class 1 by a bright right one.
absl::StatusOr<Tensor> HalfScores(const Batch& batch) {
  std::vector<float> scores;
  const std::span<const float> x = batch.images.values<float>();
  for (size_t i = 0; i < x.size(); i += 16) {
    float left = 0, right = 0;
    for (size_t k = 0; k < 16; ++k) (k % 4 < 2 ? left : right) += x[i + k];
    scores.push_back(left);
    scores.push_back(right);
  }
  return Tensor::FromValues<float>({batch.size(), 2}, scores);
}

TEST(EvaluateWithTta, AveragesTheProbabilitiesOfViews) {
  std::vector<uint8_t> left(16);
  for (size_t k = 0; k < 16; ++k) left[k] = k % 4 < 2 ? 51 : 0;
  const auto source = std::make_shared<PictureList>(
      std::vector<PictureExample>{{.picture = GrayPicture(4, 4, left), .label = 0},
                                  {.picture = GrayPicture(4, 4, left), .label = 1}},
      kGray4, std::vector<std::string>{"left", "right"});
  const auto plain = EvaluateWithTta(source, kGray4, "", 1, HalfScores);
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_EQ(plain->count, 2);
  EXPECT_EQ(plain->correct, 1);
  // Scores 1.6 and 0.
  EXPECT_NEAR(plain->loss(), std::log(1 + std::exp(1.6)) - 0.8, 1e-6);
  const auto both = EvaluateWithTta(source, kGray4, "flip", 2, HalfScores);
  ASSERT_TRUE(both.ok()) << both.status();
  EXPECT_EQ(both->count, 2);
  EXPECT_NEAR(both->loss(), std::log(2), 1e-6);
  const auto ten = EvaluateWithTta(source, kGray4, "ten_crop(3)", 2, HalfScores);
  ASSERT_TRUE(ten.ok()) << ten.status();
  EXPECT_EQ(ten->count, 2);
  EXPECT_FALSE(EvaluateWithTta(source, kGray4, "mixup", 2, HalfScores).ok());
  const auto left_out = EvaluateWithTta(source, kGray4, "flip", 2, HalfScores, false, 1);
  ASSERT_TRUE(left_out.ok()) << left_out.status();
  EXPECT_EQ(left_out->count, 1);
  EXPECT_NEAR(left_out->loss(), std::log(2), 1e-6);
}

TEST(EvaluateWithTta, TakesProbabilitiesAsTheyAre) {
  Tensor sum;
  const Tensor scores = Tensor::FromValues<float>({1, 2}, std::vector<float>{0.25f, 0.75f}).value();
  ASSERT_TRUE(AddProbabilities(scores, true, &sum).ok());
  ASSERT_TRUE(AddProbabilities(scores, true, &sum).ok());
  EXPECT_THAT(sum.values<double>(), ElementsAre(0.5, 1.5));
  EXPECT_FALSE(AddProbabilities(*Tensor::Zeros(DType::kF32, {1, 3}), true, &sum).ok());
}

}  // namespace
}  // namespace weft
