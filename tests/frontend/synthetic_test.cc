// Synthetic data, and data sets made to fit a model.
#include "frontend/data/synthetic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "frontend/data/fit.h"
#include "frontend/weft.h"
#include "tests/frontend/testing_files.h"
#include "tests/frontend/testing_inputs.h"

namespace weft {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using Labels = SyntheticOptions::Labels;

struct Example {
  std::vector<float> values;
  std::vector<int64_t> labels;
};

Example ReadExample(const Dataset& dataset, int64_t index) {
  Example example;
  example.values.resize(static_cast<size_t>(dataset.example_size()));
  example.labels.resize(static_cast<size_t>(dataset.label_size()));
  EXPECT_TRUE(dataset.Read(index, example.values, example.labels).ok());
  return example;
}

TEST(Synthetic, ExamplesFollowFromTheirIndexAndSplit) {
  const SyntheticOptions options{.size = 20, .dims = {3, 8, 9}, .classes = 4};
  const auto train = MakeSynthetic(Split::kTrain, options).value();
  const auto test = MakeSynthetic(Split::kTest, options).value();
  EXPECT_EQ(train->size(), 20);
  EXPECT_EQ(ToString(train->example_type()), "f32[3,8,9]");
  const Example a = ReadExample(*train, 6);
  EXPECT_EQ(a.values, ReadExample(*train, 6).values);
  EXPECT_NE(a.values, ReadExample(*train, 10).values);  // of the same class
  EXPECT_NE(a.values, ReadExample(*test, 6).values);
  EXPECT_EQ(a.labels, std::vector<int64_t>{2});
  EXPECT_THAT(a.values, Each(testing::AllOf(testing::Ge(0.0f), testing::Le(1.0f))));
}

TEST(Synthetic, LabelsOfPositionsAreOneBoxOfTheClass) {
  const auto data =
      MakeSynthetic(Split::kTrain,
                    {.size = 8, .dims = {1, 10, 6}, .classes = 3, .labels = Labels::kPositions})
          .value();
  EXPECT_EQ(data->label_dims(), (Dims{10, 6}));
  std::map<int64_t, int> counts;
  for (const int64_t label : ReadExample(*data, 5).labels) ++counts[label];
  EXPECT_EQ(counts, (std::map<int64_t, int>{{0, 45}, {2, 15}}));
}

TEST(Synthetic, TokensFollowFromTheOneBefore) {
  const auto data =
      MakeSynthetic(Split::kTrain,
                    {.size = 4, .dims = {400}, .classes = 50, .labels = Labels::kNextToken})
          .value();
  EXPECT_TRUE(data->tokens());
  const Example text = ReadExample(*data, 1);
  int follow = 0;
  for (size_t i = 0; i + 1 < text.values.size(); ++i) {
    EXPECT_EQ(text.labels[i], static_cast<int64_t>(text.values[i + 1]));
    follow += text.labels[i] == (5 * static_cast<int64_t>(text.values[i]) + 3) % 50;
  }
  EXPECT_NEAR(follow, 360, 30);
}

TEST(Synthetic, FitsAModelByItsInputAndLabels) {
  const auto of = [](auto build) {
    Builder b;
    build(b);
    return SyntheticFor(b.Build().value());
  };
  auto options = of([](Builder& b) {
    b.Output("y", b.Linear(b.Flatten(b.Input("x", {"N", 2, 5, 5})), {.features = 7}));
  });
  EXPECT_EQ(options->dims, (Dims{2, 5, 5}));
  EXPECT_EQ(options->classes, 7);
  EXPECT_EQ(options->labels, Labels::kClass);
  options = of([](Builder& b) {
    const Value x = b.Input("x", {"N", 1, 4, 4});
    const Value labels = b.Input("labels", {"N", 4, 4}, {.dtype = DType::kI64});
    const Value y = b.Conv2d(x, {.channels = 6, .kernel = 1});
    b.Output("y", y);
    b.Loss("loss", b.CrossEntropy(y, labels));
  });
  EXPECT_EQ(options->classes, 6);
  EXPECT_EQ(options->labels, Labels::kPositions);
  options = of([](Builder& b) {
    const Value x = b.Input("x", {"N", 9}, {.dtype = DType::kI64});
    b.Output("y", b.Embedding(x, {.count = 12, .features = 12}));
  });
  EXPECT_EQ(options->dims, Dims{9});
  EXPECT_EQ(options->classes, 12);
  EXPECT_EQ(options->labels, Labels::kNextToken);
  EXPECT_THAT(MessageOf(of([](Builder& b) {
                          b.Output("y", b.Relu(b.Input("x", {"N", 3, "H"})));
                        }).status()),
              HasSubstr("synthetic: input x"));
  EXPECT_THAT(MessageOf(of([](Builder& b) {
                          b.Output("y", b.Add(b.Input("x", {"N", 3}), b.Input("z", {"N"})));
                        }).status()),
              HasSubstr("synthetic: expected inputs [N,...], z is f32[N]"));
}

TEST(Synthetic, FitsSeveralInputs) {
  SyntheticOptions options = SyntheticFor(XorModel({})).value();
  options.size = 4;
  const auto dataset = MakeSynthetic(Split::kTrain, options).value();
  ASSERT_EQ(dataset->parts().size(), 2);
  EXPECT_EQ(dataset->parts()[0].name, "image");
  EXPECT_EQ(dataset->part_dims(dataset->parts()[0]), (Dims{1, 8, 8}));
  EXPECT_EQ(dataset->parts()[1].name, "features");
  options.others.clear();  // the images are the same alone
  const auto images = MakeSynthetic(Split::kTrain, options).value();
  const std::vector<float> whole = ReadExample(*dataset, 3).values;
  EXPECT_EQ(std::vector<float>(whole.begin(), whole.begin() + 64), ReadExample(*images, 3).values);
  const auto trainer = Trainer::Create(XorModel({}), {.threads = 1}).value();
  EXPECT_TRUE(Fit(*trainer, dataset, nullptr, {.epochs = 1, .learning_rate = 0.1}).ok());
}

TEST(Synthetic, RefusesOptionsOutOfRange) {
  const auto error = [](const SyntheticOptions& o) {
    return MessageOf(MakeSynthetic(Split::kTrain, o).status());
  };
  EXPECT_EQ(error({.size = 0, .dims = {1, 2, 2}}),
            "synthetic: expected 1 to 1000000 examples, got 0");
  EXPECT_EQ(error({.dims = {}}), "synthetic: expected the dims of an example [C,...], got []");
  EXPECT_EQ(error({.dims = {1, 0}}),
            "synthetic: expected the dims of an example [C,...], got [1,0]");
  EXPECT_EQ(error({.dims = {1, 2}, .classes = 0}),
            "synthetic: expected 1 to 1000000 classes, got 0");
  EXPECT_EQ(error({.dims = {1, 2}, .labels = Labels::kNextToken}),
            "synthetic: expected the dims of a text [T], got [1,2]");
}

// A small network tells the classes apart on images that it has not seen.
TEST(Synthetic, CanBeLearned) {
  Builder b({.seed = 1});
  Value h = b.Input("x", {"N", 1, 16, 16});
  for (const int64_t channels : {8, 16, 32}) {
    h = b.Relu(b.BatchNorm2d(b.Conv2d(h, {.channels = channels, .kernel = 3, .padding = 1})));
    h = b.MaxPool2d(h, {.kernel = 2});
  }
  b.Output("logits", b.Linear(b.Flatten(h), {.features = 5}));
  Model model = b.Build().value();
  SyntheticOptions options = SyntheticFor(model).value();
  options.size = 640;
  const auto train = MakeSynthetic(Split::kTrain, options).value();
  const auto test = MakeSynthetic(Split::kTest, options).value();
  auto trainer = Trainer::Create(std::move(model), {.optimizer = {.momentum = 0.9}}).value();
  const auto result =
      Fit(*trainer, train, test, {.epochs = 5, .batch_size = 32, .learning_rate = 0.05});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GT(result->test->accuracy(), 0.8);
}

TEST(FitDataset, ResizesAndTurnsGrayIntoColors) {
  const auto digits = OpenDataset("digits:10", Split::kTrain).value();
  Preprocessing p = digits->preprocessing();
  EXPECT_EQ(FitDataset(digits, p).value(), digits);
  p = {.channels = 3,
       .height = 56,
       .width = 14,
       .channel_order = "rgb",
       .mean = {0, 0, 0},
       .std = {1, 1, 1}};
  const auto fitted = FitDataset(digits, p).value();
  EXPECT_EQ(ToString(fitted->example_type()), "f32[3,56,14]");
  const Example before = ReadExample(*digits, 4);
  const Example after = ReadExample(*fitted, 4);
  EXPECT_EQ(after.labels, before.labels);
  double sum = 0;
  for (const float v : before.values) sum += v;
  for (size_t channel = 0; channel < 3; ++channel) {
    double mean = 0;
    for (size_t i = 0; i < 56 * 14; ++i) mean += after.values[channel * 56 * 14 + i];
    EXPECT_NEAR(mean / (56 * 14), sum / (28 * 28), 1e-3);
  }
}

TEST(FitDataset, TurnsColorsIntoGrayAndBgr) {
  const SyntheticOptions options{.size = 3, .dims = {3, 4, 4}};
  const auto colors = MakeSynthetic(Split::kTrain, options).value();
  const Example before = ReadExample(*colors, 1);
  Preprocessing p = colors->preprocessing();
  p.channel_order = "bgr";
  const Example bgr = ReadExample(*FitDataset(colors, p).value(), 1);
  EXPECT_EQ(bgr.values[0], before.values[32]);
  EXPECT_EQ(bgr.values[47], before.values[15]);
  p = {.channels = 1, .height = 4, .width = 4, .channel_order = "gray", .mean = {0}, .std = {1}};
  const Example gray = ReadExample(*FitDataset(colors, p).value(), 1);
  EXPECT_NEAR(gray.values[5],
              0.299 * before.values[5] + 0.587 * before.values[21] + 0.114 * before.values[37],
              1e-6);
}

TEST(FitDataset, RefusesWhatIsNoImage) {
  const auto signal = MakeSynthetic(Split::kTrain, {.size = 3, .dims = {12, 40}}).value();
  const auto digits = OpenDataset("digits:10", Split::kTrain).value();
  EXPECT_THAT(MessageOf(FitDataset(signal, digits->preprocessing()).status()),
              HasSubstr("expected images with one label, to make them 1x28x28; its examples are "
                        "[12,40]"));
}

}  // namespace
}  // namespace weft
