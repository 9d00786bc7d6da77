#ifndef WEFT_FRONTEND_INSPECT_DATA_CALIBRATION_H_
#define WEFT_FRONTEND_INSPECT_DATA_CALIBRATION_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "frontend/inspect/data/predictions.h"
#include "frontend/io/picture.h"
#include "graph/status.h"

namespace weft {

// The examples whose highest probability lies in (low, high].
struct CalibrationBin {
  double low = 0, high = 1;
  int64_t count = 0;
  double confidence = 0;  // mean of that probability
  double accuracy = 0;    // share of those that are right
};

// Whether probabilities are what they say (Guo et al., "On calibration of modern neural networks",
// 2017).
struct Calibration {
  std::vector<CalibrationBin> bins;
  double temperature = 1;  // by which scores were divided
  double accuracy = 0, confidence = 0;
  double expected_error = 0;  // ECE: mean of |accuracy - confidence|, each bin by its count
  double largest_error = 0;   // MCE: of the worst bin
  double loss = 0;            // mean negative log-likelihood in nats
};

// Errors: no example, no bin, a temperature outside [1e-3, 1e3].
absl::StatusOr<Calibration> Calibrate(const Predictions& predictions, double temperature = 1,
                                      int64_t bins = 15);

// The temperature by which the mean negative log-likelihood is least, to 1e-9 of its value:
// Newton's method on the inverse, in which the loss is convex. To be found on other examples than
// those that are judged. Errors: no example; scores that no temperature in [1e-3, 1e3] fits best,
// as where every example is right.
absl::StatusOr<double> FitTemperature(const Predictions& predictions);

// The predictions at `indices`. Errors: an index that is not there.
absl::StatusOr<Predictions> PredictionsAt(const Predictions& predictions,
                                          std::span<const int64_t> indices);

// Accuracy against confidence, each with a point a bin that is not empty, beside the diagonal.
std::string CalibrationSvg(std::span<const Calibration> calibrations);
// The same for a terminal.
std::string CalibrationText(std::span<const Calibration> calibrations, int columns, bool color);
// A bar a bin, as high as its accuracy: blue up to the lower one of accuracy and confidence, orange
// between both.
Picture CalibrationPicture(const Calibration& calibration);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_DATA_CALIBRATION_H_
