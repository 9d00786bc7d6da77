#include "frontend/inspect/data/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "absl/strings/str_format.h"
#include "frontend/inspect/data/feature_rows.h"
#include "frontend/watch/plot.h"

namespace weft {
namespace {

constexpr double kLeastTemperature = 1e-3, kMostTemperature = 1e3;
constexpr int kNewtonSteps = 200;
constexpr double kTemperatureError = 1e-9;

// Of softmax(scores * inverse): the loss of `label` and its first two derivatives by `inverse`,
// E[s] - s_label and Var[s]; and the highest probability.
struct ScaledLoss {
  double loss = 0, slope = 0, curvature = 0, top = 0;
};
ScaledLoss ScaledLossOf(std::span<const float> scores, int64_t label, double inverse) {
  const double highest = *std::ranges::max_element(scores);
  const double own = scores[static_cast<size_t>(label)];
  double sum = 0, mean = 0, square = 0;
  for (const float s : scores) {
    const double from_highest = s - highest, weight = std::exp(from_highest * inverse);
    sum += weight;
    mean += weight * from_highest;
    square += weight * from_highest * from_highest;
  }
  mean /= sum;
  return {.loss = std::log(sum) - (own - highest) * inverse,
          .slope = mean - (own - highest),
          .curvature = std::max(0.0, square / sum - mean * mean),
          .top = 1 / sum};
}

// The sum over all examples.
ScaledLoss TotalLoss(const Predictions& p, double inverse) {
  ScaledLoss total;
  for (int64_t i = 0; i < p.size(); ++i) {
    const ScaledLoss one =
        ScaledLossOf(RowOf(p.scores, i), p.labels[static_cast<size_t>(i)], inverse);
    total.slope += one.slope;
    total.curvature += one.curvature;
  }
  return total;
}

absl::Status CheckCalibrated(const Predictions& p) {
  if (p.size() > 0) return absl::OkStatus();
  return absl::InvalidArgumentError("calibration: expected at least one example");
}

// The bins' curves, and the diagonal.
std::vector<Series> CalibrationCurves(std::span<const Calibration> calibrations) {
  std::vector<Series> curves;
  for (const Calibration& c : calibrations) {
    Series curve{
        .name = absl::StrFormat("T = %.3g, ECE %.2f %%", c.temperature, 100 * c.expected_error)};
    for (const CalibrationBin& bin : c.bins) {
      if (bin.count == 0) continue;
      curve.x.push_back(bin.confidence);
      curve.y.push_back(bin.accuracy);
    }
    curves.push_back(std::move(curve));
  }
  curves.push_back({.name = "calibrated", .x = {0, 1}, .y = {0, 1}});
  return curves;
}

void FillCalibrationBar(Picture& picture, int64_t left, int64_t width, double low, double high,
                        std::array<uint8_t, 3> color) {
  const auto row = [&](double share) {
    return picture.height -
           static_cast<int64_t>(std::lround(share * static_cast<double>(picture.height)));
  };
  for (int64_t y = row(high); y < row(low); ++y) {
    for (int64_t x = left; x < left + width; ++x) {
      std::ranges::copy(color, picture.pixels.begin() + (y * picture.width + x) * 3);
    }
  }
}

}  // namespace

absl::StatusOr<Calibration> Calibrate(const Predictions& p, double temperature, int64_t bins) {
  WEFT_RETURN_IF_ERROR(CheckCalibrated(p));
  const bool fits = temperature >= kLeastTemperature && temperature <= kMostTemperature;
  if (!fits || bins < 1 || bins > 1000) {
    return absl::InvalidArgumentError(
        absl::StrCat("calibration: expected a temperature from ", kLeastTemperature, " to ",
                     kMostTemperature, " and 1 to 1000 bins, got ", temperature, " and ", bins));
  }
  Calibration c{.bins = std::vector<CalibrationBin>(static_cast<size_t>(bins)),
                .temperature = temperature};
  const auto count = static_cast<double>(bins), n = static_cast<double>(p.size());
  for (int64_t i = 0; i < p.size(); ++i) {
    const auto at = static_cast<size_t>(i);
    const ScaledLoss one = ScaledLossOf(RowOf(p.scores, i), p.labels[at], 1 / temperature);
    const auto last = static_cast<size_t>(bins - 1);
    CalibrationBin& bin =
        c.bins[std::min(static_cast<size_t>(std::ceil(one.top * count)) - 1, last)];
    ++bin.count;
    bin.confidence += one.top;
    bin.accuracy += p.predicted[at] == p.labels[at];
    c.loss += one.loss / n;
  }
  for (size_t b = 0; b < c.bins.size(); ++b) {
    CalibrationBin& bin = c.bins[b];
    bin.low = static_cast<double>(b) / count;
    bin.high = static_cast<double>(b + 1) / count;
    c.confidence += bin.confidence / n;
    c.accuracy += bin.accuracy / n;
    if (bin.count == 0) continue;
    bin.confidence /= static_cast<double>(bin.count);
    bin.accuracy /= static_cast<double>(bin.count);
    const double error = std::abs(bin.accuracy - bin.confidence);
    c.expected_error += error * static_cast<double>(bin.count) / n;
    c.largest_error = std::max(c.largest_error, error);
  }
  return c;
}

absl::StatusOr<double> FitTemperature(const Predictions& p) {
  WEFT_RETURN_IF_ERROR(CheckCalibrated(p));
  double low = 1 / kMostTemperature, high = 1 / kLeastTemperature;
  if (TotalLoss(p, low).slope >= 0 || TotalLoss(p, high).slope <= 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "calibration: no temperature fits best, of ", p.size(), " examples ", 100 * p.accuracy(),
        " % are right; it takes more examples, right and wrong ones"));
  }
  double inverse = 1;
  for (int step = 0; step < kNewtonSteps && high - low > kTemperatureError * low; ++step) {
    const ScaledLoss at = TotalLoss(p, inverse);
    (at.slope < 0 ? low : high) = inverse;
    const double newton = inverse - at.slope / at.curvature;
    const double next = newton > low && newton < high ? newton : (low + high) / 2;
    if (std::abs(next - inverse) <= kTemperatureError * inverse) return 1 / next;
    inverse = next;
  }
  return 1 / inverse;
}

absl::StatusOr<Predictions> PredictionsAt(const Predictions& p, std::span<const int64_t> indices) {
  Predictions part;
  WEFT_ASSIGN_OR_RETURN(part.scores, RowsAt(p.scores, indices));  // checks them
  for (const int64_t i : indices) {
    const auto at = static_cast<size_t>(i);
    part.labels.push_back(p.labels[at]);
    part.predicted.push_back(p.predicted[at]);
    part.probability.push_back(p.probability[at]);
  }
  return part;
}

std::string CalibrationSvg(std::span<const Calibration> calibrations) {
  return PlotSvg(CalibrationCurves(calibrations), {.title = "Calibration",
                                                   .x_label = "confidence",
                                                   .y_label = "accuracy",
                                                   .width = 520,
                                                   .height = 460});
}

std::string CalibrationText(std::span<const Calibration> calibrations, int columns, bool color) {
  return PlotText(
      CalibrationCurves(calibrations),
      {.x_label = "confidence", .y_label = "accuracy", .columns = columns, .color = color});
}

Picture CalibrationPicture(const Calibration& calibration) {
  constexpr int64_t kBar = 16, kBarGap = 2, kHeight = 240;
  constexpr std::array<uint8_t, 3> kBlue = {0x00, 0x72, 0xb2}, kOrange = {0xe6, 0x9f, 0x00};
  const auto bins = static_cast<int64_t>(calibration.bins.size());
  Picture picture = {.height = kHeight, .width = bins * (kBar + kBarGap) + kBarGap};
  picture.pixels.assign(static_cast<size_t>(picture.height * picture.width * 3), 255);
  for (int64_t b = 0; b < bins; ++b) {
    const CalibrationBin& bin = calibration.bins[static_cast<size_t>(b)];
    const int64_t left = kBarGap + b * (kBar + kBarGap);
    const auto [low, high] = std::minmax(bin.accuracy, bin.confidence);
    FillCalibrationBar(picture, left, kBar, 0, low, kBlue);
    FillCalibrationBar(picture, left, kBar, low, high, kOrange);
  }
  return picture;
}

}  // namespace weft
