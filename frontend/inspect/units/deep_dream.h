#ifndef WEFT_FRONTEND_INSPECT_UNITS_DEEP_DREAM_H_
#define WEFT_FRONTEND_INSPECT_UNITS_DEEP_DREAM_H_

#include <cstdint>
#include <optional>
#include <string>

#include "frontend/inspect/units/picture_ascent.h"
#include "frontend/io/picture.h"
#include "graph/model.h"

namespace weft {

struct DeepDreamOptions {
  std::string at = {};                  // a layer with maps
  std::optional<int64_t> channel = {};  // none: all of them
  int64_t octaves = 4;
  double octave_scale = 1.4;            // from the sides of an octave to those of the next
  AscentOptions ascent = {.steps = 10,  // an octave
                          .rate = 0.006,
                          .rule = AscentRule::kNormalised,
                          .parameters = PictureParameters::kPixels,
                          .jitter = 8};
};

struct DeepDreamResult {
  Picture picture = {};
  Tensor x = {};  // f32[1,C,H,W], normalised
  // The objective of the picture given and of the one that it has become.
  double before = 0, after = 0;
};

// Makes more of what a layer sees in a picture of any size (Mordvintsev, Olah and Tyka,
// "Inceptionism", 2015): ascent to half the mean square of the layer's activations, or the mean of
// one channel, from small octaves of the picture to its own size. What an octave adds is carried to
// the next. The model as far as the layer must be fully convolutional (ModelOfSize). Errors: those
// of ModelOfSize for any octave, a layer without maps, a channel that is not there, options out of
// range.
absl::StatusOr<DeepDreamResult> DeepDream(const Model& model, const Picture& picture,
                                          const DeepDreamOptions& options);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_UNITS_DEEP_DREAM_H_
