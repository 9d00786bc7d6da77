#ifndef WEFT_FRONTEND_INSPECT_UNITS_PICTURE_ASCENT_H_
#define WEFT_FRONTEND_INSPECT_UNITS_PICTURE_ASCENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "frontend/inspect/probe.h"
#include "frontend/inspect/units/picture_source.h"
#include "graph/model.h"

namespace weft {

// How the parameters of a picture follow their gradient g.
enum class AscentRule {
  kAdam,        // Kingma and Ba 2015
  kNormalised,  // rate * g / mean|g|, of each picture its own, as in DeepDream
};

struct AscentOptions {
  int64_t steps = 256;
  double rate = 0.05;  // a step of a parameter, about: a level of a pixel or a coefficient
  AscentRule rule = AscentRule::kAdam;
  PictureParameters parameters = PictureParameters::kFourier;
  bool decorrelate = true;  // see PictureSourceOptions, as the two after it
  double decay = 0;         // L2 decay
  double total_variation = 0;
  int64_t blur_every = 0;  // pixels only: a Gaussian blur every so many steps; 0: none
  double blur = 0.5;       // its deviation, in pixels
  int64_t jitter = 0;      // each step sees the picture moved by up to so many pixels
  uint64_t seed = 0;
  SessionOptions session = {};
  // After each step, with the mean of the objectives.
  std::function<void(int64_t step, double objective)> progress = {};
};
// Errors: options out of range.
absl::Status CheckAscent(const AscentOptions& options);

// What is to become large, one number a picture, and its gradient with respect to the pictures x
// f32[N,C,H,W]. Steps count from 0, for objectives that begin in another way than they go on.
struct ObjectiveAt {
  std::vector<double> values;
  Tensor gradient;
};
using PictureObjective = std::function<absl::StatusOr<ObjectiveAt>(const Tensor& x, int64_t step)>;

// Of picture n: the sum of weights [N,K] times the probe's only objective [N,K].
PictureObjective WeightedObjective(std::shared_ptr<Probe> probe, Tensor weights);

struct Ascent {
  Tensor x = {};                    // f32[N,C,H,W], normalised
  std::vector<double> course = {};  // the mean of the objectives, before each step
};

// Changes pictures so that their objectives, less what the regularisers cost, grow: all that makes
// pictures here is this loop. `form` says the pictures' size. The same seed, options and threads
// give the same picture, bit for bit. Errors: options out of range, whatever the objective says.

// From noise, which is the same for each of `count` pictures.
absl::StatusOr<Ascent> AscendFromNoise(const PictureObjective& objective, const Preprocessing& form,
                                       int64_t count, const AscentOptions& options);
// From pictures f32[N,C,H,W]; parameters are pixels.
absl::StatusOr<Ascent> AscendFrom(const Tensor& x, const PictureObjective& objective,
                                  const Preprocessing& form, const AscentOptions& options);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_UNITS_PICTURE_ASCENT_H_
