#include "frontend/inspect/graph/receptive_field_picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "frontend/build/builder.h"
#include "frontend/data/loader.h"
#include "frontend/inspect/example.h"
#include "frontend/inspect/map_picture.h"
#include "frontend/inspect/probe.h"
#include "testing_golden.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A network in f64 without kinks: all that a unit can see changes it.
Model SmoothNet() {
  Builder b({.seed = 3, .dtype = DType::kF64});
  Value h = b.Input("image", {"N", 2, 12, 10});
  h = b.Tanh(b.Conv2d(h, {.channels = 3, .kernel = 3, .padding = 1, .name = "conv1"}));
  h = b.AvgPool2d(h, {.kernel = 2, .name = "pool1"});
  h = b.Conv2d(h, {.channels = 4, .kernel = 3, .stride = 2, .padding = 1, .name = "conv2"});
  h = b.Flatten(b.Tanh(h), {.name = "flat"});
  b.Output("scores", b.Linear(h, {.features = 5, .name = "fc"}));
  return b.Build().value();
}

Tensor WaveInput(Dims dims, DType dtype = DType::kF64, double phase = 0) {
  Tensor x = Tensor::Zeros(DType::kF64, std::move(dims)).value();
  const std::span<double> values = x.mutable_values<double>();
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = 0.5 * std::sin(1.3 * static_cast<double>(i) + phase);
  }
  return x.Converted(dtype).value();
}

TEST(UnitField, BoxIsTheHandCountedOne) {
  // conv2's unit u reads pool1's 2u-1..2u+1, these conv1's 4u-2..4u+3, these pixels 4u-3..4u+4.
  const auto field =
      FieldOfUnit(SmoothNet(), WaveInput({1, 2, 12, 10}), {.at = "conv2", .unit = Dims{1, 0}});
  ASSERT_TRUE(field.ok()) << field.status();
  EXPECT_THAT(field->box, ElementsAre(FieldInterval{1, 9}, FieldInterval{-3, 5}));
  EXPECT_THAT(ToString(*field), HasSubstr("conv2, unit 1,0: sees 1..8 x -3..4 of 12x10, 37.5 % of "
                                          "it padding\n"));
  const auto middle = FieldOfUnit(SmoothNet(), WaveInput({1, 2, 12, 10}), {.at = "conv2"});
  EXPECT_THAT(middle->unit, ElementsAre(1, 1));  // of [3,3]
  const auto whole =
      FieldOfUnit(SmoothNet(), WaveInput({1, 2, 12, 10}), {.at = "fc", .channel = 2});
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_THAT(whole->box, ElementsAre(FieldInterval{0, 12}, FieldInterval{0, 10}));
}

// How much a unit, summed over channels, changes with each pixel, found by changing it.
std::vector<double> ChangesByPixel(const Model& model, const std::string& at, const Tensor& x,
                                   const Dims& unit, double step) {
  const auto probe = Probe::Create(model, {.at = {at}, .towards = {}}).value();
  const auto value_of = [&](const Tensor& input) {
    const Tensor maps = (*probe->Values(input))[0];
    const Dims& d = maps.dims();
    double sum = 0;
    for (int64_t c = 0; c < d[1]; ++c) sum += maps.At((c * d[2] + unit[0]) * d[3] + unit[1]);
    return sum;
  };
  const int64_t channels = x.dims()[1], area = x.dims()[2] * x.dims()[3];
  std::vector<double> changes(static_cast<size_t>(area));
  for (int64_t i = 0; i < area; ++i) {
    for (int64_t c = 0; c < channels; ++c) {
      const auto move = [&](double by) {
        Tensor moved = x.Converted(DType::kF64).value();
        moved.mutable_values<double>()[static_cast<size_t>(c * area + i)] += by;
        return value_of(moved.Converted(x.dtype()).value());
      };
      changes[static_cast<size_t>(i)] += std::abs(move(step) - move(-step)) / (2 * step);
    }
  }
  return changes;
}

TEST(UnitField, PixelsOutsideOfTheBoxChangeNothingAndThoseInsideDo) {
  const Model model = SmoothNet();
  const Tensor x = WaveInput({1, 2, 12, 10});
  for (const Dims& unit : {Dims{1, 1}, Dims{0, 2}, Dims{2, 0}}) {
    const auto field = FieldOfUnit(model, x, {.at = "conv2", .unit = unit});
    ASSERT_TRUE(field.ok()) << field.status();
    const std::vector<double> changes = ChangesByPixel(model, "conv2", x, unit, 1e-5);
    for (int64_t row = 0; row < 12; ++row) {
      for (int64_t column = 0; column < 10; ++column) {
        const bool inside = row >= field->box[0].begin && row < field->box[0].end &&
                            column >= field->box[1].begin && column < field->box[1].end;
        const double change = changes[static_cast<size_t>(row * 10 + column)];
        EXPECT_EQ(change != 0, inside) << row << "," << column;
        // The effective field is the magnitude of that change.
        EXPECT_NEAR(field->effective.At(row * 10 + column), change, 1e-7);
      }
    }
  }
}

TEST(UnitField, TrainedNetworksUnitsSeeNothingOutsideOfTheirBox) {
  const Model model = GoldenModel("digits");
  const Tensor x = ExampleOf(*GoldenData("digits"), 3)->x;
  const Dims unit = {3, 9};
  const auto field = FieldOfUnit(model, x, {.at = "block2.conv", .unit = unit});
  ASSERT_TRUE(field.ok()) << field.status();
  EXPECT_THAT(field->box, ElementsAre(FieldInterval{3, 11}, FieldInterval{15, 23}));
  const std::vector<double> changes = ChangesByPixel(model, "block2.conv", x, unit, 0.5);
  int seen = 0;
  for (int64_t i = 0; i < 784; ++i) {
    const int64_t row = i / 28, column = i % 28;
    const bool inside = row >= 3 && row < 11 && column >= 15 && column < 23;
    if (!inside) {
      EXPECT_EQ(changes[static_cast<size_t>(i)], 0) << row << "," << column;
      EXPECT_EQ(field->effective.At(i), 0) << row << "," << column;
    }
    seen += inside && changes[static_cast<size_t>(i)] != 0;
  }
  EXPECT_GT(seen, 32);
}

TEST(UnitField, IsTheMeanOverExamples) {
  const Model model = SmoothNet();
  Tensor both = WaveInput({2, 2, 12, 10});
  Dims one = {1, 2, 12, 10};
  std::array<Tensor, 2> each;
  for (size_t i = 0; i < 2; ++i) {
    each[i] = Tensor::Zeros(DType::kF64, one).value();
    std::copy_n(both.values<double>().begin() + static_cast<ptrdiff_t>(240 * i), 240,
                each[i].mutable_values<double>().begin());
  }
  const UnitFieldOptions options{.at = "conv2", .unit = Dims{1, 1}, .channel = 3};
  const UnitField a = *FieldOfUnit(model, each[0], options),
                  b = *FieldOfUnit(model, each[1], options);
  for (const int64_t batch_size : {1, 2}) {
    UnitFieldOptions sized = options;
    sized.batch_size = batch_size;
    const UnitField mean = *FieldOfUnit(model, both, sized);
    for (int64_t i = 0; i < 120; ++i) {
      EXPECT_NEAR(mean.effective.At(i), (a.effective.At(i) + b.effective.At(i)) / 2, 1e-7);
    }
  }
}

// Labels are no second input, and "" stands for the scores.
TEST(UnitField, LossesAreLeftOut) {
  Builder b({.seed = 3});
  Value h =
      b.Conv2d(b.Input("image", {"N", 1, 8, 8}), {.channels = 2, .kernel = 3, .name = "conv"});
  h = b.Linear(b.Flatten(h), {.features = 3, .name = "fc"});
  b.Output("scores", h);
  b.Loss("loss", b.CrossEntropy(h, b.Input("labels", {"N"}, {.dtype = DType::kI64})));
  const Model model = b.Build().value();
  const Tensor x = WaveInput({1, 1, 8, 8}, DType::kF32);
  const auto field = FieldOfUnit(model, x, {.at = "conv", .unit = Dims{1, 2}});
  ASSERT_TRUE(field.ok()) << field.status();
  EXPECT_THAT(field->box, ElementsAre(FieldInterval{1, 4}, FieldInterval{2, 5}));
  const auto scores = FieldOfUnit(model, x, {.channel = 1});
  ASSERT_TRUE(scores.ok()) << scores.status();
  EXPECT_THAT(scores->node, HasSubstr("fc"));
  EXPECT_THAT(FieldOfUnit(model, x, {.channel = 3}).status().message(),
              HasSubstr(scores->node + ": expected a channel of [1,3], got 3"));
}

TEST(UnitField, OfASignalIsARow) {
  Builder b;
  const Value h =
      b.Conv1d(b.Input("x", {"N", 1, 20}), {.channels = 2, .kernel = 5, .name = "conv"});
  b.Output("y", h);
  const auto field = FieldOfUnit(b.Build().value(), WaveInput({1, 1, 20}, DType::kF32),
                                 {.at = "conv", .unit = Dims{4}});
  ASSERT_TRUE(field.ok()) << field.status();
  EXPECT_THAT(field->box, ElementsAre(FieldInterval{4, 9}));
  EXPECT_EQ(field->effective.dims(), (Dims{1, 20}));
  for (int64_t i = 0; i < 20; ++i) EXPECT_EQ(field->effective.At(i) > 0, i >= 4 && i < 9) << i;
}

TEST(UnitField, SaysWhatIsNotThere) {
  const Model model = SmoothNet();
  const Tensor x = WaveInput({1, 2, 12, 10});
  const auto error = [&](const UnitFieldOptions& options) {
    return std::string(FieldOfUnit(model, x, options).status().message());
  };
  EXPECT_THAT(error({.at = "conv3"}), HasSubstr("no node is called conv3, did you mean conv"));
  EXPECT_THAT(error({.at = "conv2", .unit = Dims{3, 0}}),
              HasSubstr("conv2: expected a unit within [3,3], got 3,0"));
  EXPECT_THAT(error({.at = "conv2", .unit = Dims{1}}), HasSubstr("within [3,3], got 1"));
  EXPECT_THAT(error({.at = "conv2", .channel = 4}),
              HasSubstr("expected a channel of [1,4,3,3], got 4"));
  EXPECT_THAT(error({.at = "flat"}), HasSubstr("expected units that follow one another"));
  EXPECT_THAT(error({.at = "conv2", .batch_size = 0}), HasSubstr("batch size above 0"));
  EXPECT_THAT(FieldOfUnit(model, Tensor(), {.at = "conv2"}).status().message(),
              HasSubstr("expected examples [N,C,H,W] or [N,C,L], got nothing"));
}

TEST(FieldPicture, FramesTheBoxAndItsPadding) {
  UnitField field{.node = "a", .unit = {0, 0}, .extent = {2, 3}};
  field.box = {{-1, 2}, {1, 2}};
  field.effective =
      Tensor::FromValues<float>({2, 3}, std::array{0.f, 1.f, 0.f, 0.f, 2.f, 0.f}).value();
  const Picture picture = {
      .height = 2, .width = 3, .channels = 1, .pixels = {0, 50, 100, 150, 200, 250}};
  const auto drawn = FieldPicture(field, picture, 4);
  ASSERT_TRUE(drawn.ok()) << drawn.status();
  // Rows -2..2 and columns -1..3 of elements, twice, with 4 pixels between.
  EXPECT_EQ(drawn->height, 5 * 4);
  EXPECT_EQ(drawn->width, 2 * 5 * 4 + 4);
  const auto pixel = [&](int64_t y, int64_t x) {
    const uint8_t* p = &drawn->pixels[static_cast<size_t>((y * drawn->width + x) * 3)];
    return std::array<int, 3>{p[0], p[1], p[2]};
  };
  const std::array<int, 3> frame = {213, 94, 0}, padding = {200, 200, 200};
  EXPECT_EQ(pixel(3, 8), frame);  // above row -1, which begins at pixel 4
  EXPECT_EQ(pixel(2, 8), frame);
  EXPECT_EQ(pixel(1, 8), padding);
  EXPECT_EQ(pixel(5, 9), padding);                           // within the box, beyond the picture
  EXPECT_EQ(pixel(9, 9), (std::array<int, 3>{50, 50, 50}));  // (0, 1)
  EXPECT_EQ(pixel(13, 13), frame);                           // right of column 1
  EXPECT_EQ(pixel(13, 15), (std::array<int, 3>{250, 250, 250}));      // (1, 2)
  EXPECT_EQ(pixel(9, 24 + 15), (std::array<int, 3>{100, 100, 100}));  // nothing is seen there
  EXPECT_NE(pixel(13, 24 + 9), (std::array<int, 3>{200, 200, 200}));  // most is seen
  EXPECT_THAT(
      FieldPicture(field,
                   {.height = 3, .width = 3, .channels = 1, .pixels = std::vector<uint8_t>(9)})
          .status()
          .message(),
      HasSubstr("expected a picture of 2x3, which the model sees, got 3x3"));
  EXPECT_THAT(FieldPicture(field, picture, int64_t{1} << 40).status().message(),
              HasSubstr("over the limit of"));
}

Tensor FirstExamples(const std::shared_ptr<const Dataset>& data, int64_t count) {
  const auto loader =
      Loader::Create(data, {.batch_size = count, .shuffle = false, .prefetch = 0}).value();
  Batch batch;
  EXPECT_TRUE(*loader->Next(&batch));
  return batch.images;
}

TEST(FieldPicture, GoldenDigits) {
  const auto data = GoldenData("digits");
  const UnitField field = *FieldOfUnit(GoldenModel("digits"), FirstExamples(data, 64),
                                       {.at = "block2.pool", .unit = Dims{0, 3}});
  ExpectGoldenPicture(*FieldPicture(field, *ExampleOf(*data, 3)->picture),
                      "receptive_field_digits");
}

TEST(FieldPicture, GoldenCifar) {
  if (!HasSharedCifar()) GTEST_SKIP() << "no ../shared/data/cifar10-jpeg";
  const auto data = GoldenData("cifar");
  const Model model = GoldenModel("cifar");
  const Node* last = nullptr;  // the last convolution but for projections
  for (const Node& node : model.graph.nodes()) {
    const bool is_wide = node.op_name() == "Conv" && node.input(1).type().dim(2).coefficient() == 3;
    if (is_wide) last = &node;
  }
  ASSERT_NE(last, nullptr);
  const UnitField field = *FieldOfUnit(model, FirstExamples(data, 64), {.at = last->name()});
  ExpectGoldenPicture(*FieldPicture(field, *ExampleOf(*data, 3)->picture), "receptive_field_cifar");
}

}  // namespace
}  // namespace weft
