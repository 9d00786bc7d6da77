#ifndef WEFT_FRONTEND_INSPECT_UNITS_INVERSION_H_
#define WEFT_FRONTEND_INSPECT_UNITS_INVERSION_H_

#include <string>

#include "frontend/inspect/units/picture_ascent.h"
#include "frontend/io/picture.h"
#include "graph/model.h"

namespace weft {

struct InversionOptions {
  std::string at = {};  // the layer; "": the scores
  AscentOptions ascent = {.steps = 400,
                          .rate = 0.02,
                          .parameters = PictureParameters::kPixels,
                          .total_variation = 0.05};
};

struct InversionResult {
  Picture picture = {};
  Tensor x = {};  // f32[1,C,H,W], normalised
  // |features(x) - features|^2 / |features|^2
  double feature_error = 0;
  // The root of the mean squared difference of the pictures' levels, which are in [0,1].
  double picture_error = 0;
};

// A picture, begun with noise, whose activations of a layer are those of the example x f32[1,C,H,W]
// (or without the first axis): what the layer still knows of it (Mahendran and Vedaldi,
// "Understanding deep image representations by inverting them", 2015), with decay and total
// variation as what is known of pictures. Errors: no picture model, another example, a layer that
// is not there or of zeros, options out of range.
absl::StatusOr<InversionResult> InvertFeatures(const Model& model, const Tensor& x,
                                               const InversionOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_UNITS_INVERSION_H_
