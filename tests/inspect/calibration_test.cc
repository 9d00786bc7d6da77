#include "frontend/inspect/data/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace weft {
namespace {

using ::testing::HasSubstr;

// Two classes; class 0 has the probability `p` of each, and is right where `right` says so.
struct Said {
  double p;
  bool right;
};
Predictions PredictionsOf(const std::vector<Said>& said, double temperature = 1) {
  Predictions result;
  result.scores = Tensor::Zeros(DType::kF32, {static_cast<int64_t>(said.size()), 2}).value();
  const std::span<float> scores = result.scores.mutable_values<float>();
  for (size_t i = 0; i < said.size(); ++i) {
    scores[2 * i] = static_cast<float>(temperature * std::log(said[i].p / (1 - said[i].p)));
    result.labels.push_back(said[i].right ? 0 : 1);
    result.predicted.push_back(0);
    result.probability.push_back(said[i].p);
  }
  return result;
}

std::vector<Said> Repeated(double p, int right, int wrong) {
  std::vector<Said> said(static_cast<size_t>(right), {p, true});
  said.insert(said.end(), static_cast<size_t>(wrong), {p, false});
  return said;
}

// By hand: 4 of confidence 0.6, 3 right; 6 of 0.9, 3 right.
TEST(Calibration, OfTenExamplesByHand) {
  std::vector<Said> said = Repeated(0.6, 3, 1);
  for (const Said& s : Repeated(0.9, 3, 3)) said.push_back(s);
  const Calibration c = Calibrate(PredictionsOf(said), 1, 4).value();
  ASSERT_EQ(c.bins.size(), 4u);
  EXPECT_EQ(c.bins[0].count + c.bins[1].count, 0);
  EXPECT_EQ(c.bins[2].count, 4);
  EXPECT_NEAR(c.bins[2].confidence, 0.6, 1e-7);
  EXPECT_DOUBLE_EQ(c.bins[2].accuracy, 0.75);
  EXPECT_EQ(c.bins[3].count, 6);
  EXPECT_DOUBLE_EQ(c.bins[3].accuracy, 0.5);
  EXPECT_NEAR(c.expected_error, 0.4 * 0.15 + 0.6 * 0.4, 1e-7);
  EXPECT_NEAR(c.largest_error, 0.4, 1e-7);
  EXPECT_NEAR(c.accuracy, 0.6, 1e-12);
  EXPECT_NEAR(c.confidence, 0.78, 1e-7);
  const double loss = -(3 * std::log(0.6) + std::log(0.4) + 3 * std::log(0.9) + 3 * std::log(0.1));
  EXPECT_NEAR(c.loss, loss / 10, 1e-7);
}

// Scores twice as large as those of calibrated probabilities: the likelihood is largest at 2.
TEST(Calibration, FindsTheTemperatureOfTheLeastLoss) {
  EXPECT_NEAR(FitTemperature(PredictionsOf(Repeated(0.75, 3, 1), 2)).value(), 2, 1e-6);
  EXPECT_NEAR(FitTemperature(PredictionsOf(Repeated(0.75, 3, 1), 0.3)).value(), 0.3, 1e-6);
  EXPECT_NEAR(FitTemperature(PredictionsOf(Repeated(0.75, 3, 1), 40)).value(), 40, 1e-4);
  // Of several confidences at once: no other temperature has a lower loss.
  std::vector<Said> said = Repeated(0.9, 7, 3);
  for (const Said& s : Repeated(0.7, 6, 4)) said.push_back(s);
  const Predictions p = PredictionsOf(said);
  const double best = FitTemperature(p).value();
  const double loss = Calibrate(p, best)->loss;
  for (const double factor : {0.9, 0.999, 1.001, 1.1}) {
    EXPECT_LT(loss, Calibrate(p, best * factor)->loss) << factor;
  }
  EXPECT_DOUBLE_EQ(Calibrate(p, best)->accuracy, p.accuracy());  // which it does not change
}

TEST(Calibration, DrawsItsBins) {
  const Calibration c = Calibrate(PredictionsOf(Repeated(0.75, 1, 1)), 1, 2).value();
  const Picture picture = CalibrationPicture(c);
  ASSERT_EQ(picture.width, 2 * 18 + 2);
  const auto red = [&](int64_t x, int64_t y) {
    return picture.pixels[static_cast<size_t>((y * picture.width + x) * 3)];
  };
  EXPECT_EQ(red(10, 239), 255);   // an empty bin
  EXPECT_EQ(red(25, 239), 0x00);  // up to 0.5
  EXPECT_EQ(red(25, 121), 0x00);
  EXPECT_EQ(red(25, 118), 0xe6);  // up to 0.75
  EXPECT_EQ(red(25, 58), 255);
  EXPECT_THAT(CalibrationSvg(std::vector{c}), HasSubstr("T = 1, ECE 25.00 %"));
  EXPECT_THAT(CalibrationText(std::vector{c}, 40, false), HasSubstr("calibrated"));
}

TEST(Calibration, SaysWhatIsWrong) {
  EXPECT_THAT(FitTemperature(PredictionsOf(Repeated(0.75, 4, 0))).status().message(),
              HasSubstr("of 4 examples 100 % are right"));
  EXPECT_THAT(Calibrate({}).status().message(), HasSubstr("at least one example"));
  EXPECT_FALSE(Calibrate(PredictionsOf(Repeated(0.75, 3, 1)), 0).ok());
  EXPECT_FALSE(Calibrate(PredictionsOf(Repeated(0.75, 3, 1)), 1, 0).ok());
  EXPECT_THAT(Calibrate(PredictionsOf(Repeated(0.75, 3, 1)), 1e-310).status().message(),
              HasSubstr("a temperature from 0.001 to 1000"));
  EXPECT_FALSE(PredictionsAt(PredictionsOf(Repeated(0.75, 3, 1)), std::vector<int64_t>{4}).ok());
}

}  // namespace
}  // namespace weft
