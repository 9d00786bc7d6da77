#ifndef WEFT_FRONTEND_INSPECT_UNITS_PICTURE_SOURCE_H_
#define WEFT_FRONTEND_INSPECT_UNITS_PICTURE_SOURCE_H_

#include <cstdint>
#include <memory>

#include "frontend/inspect/probe.h"
#include "graph/model.h"

namespace weft {

// What is changed when a picture is optimised.
enum class PictureParameters {
  kPixels,   // the picture's levels, kept in [0,1]
  kFourier,  // coefficients of waves, see PictureSource
};

struct PictureSourceOptions {
  PictureParameters parameters = PictureParameters::kFourier;
  // Of kFourier and three channels: as photographs' colors vary together, so do those of a
  // coefficient (the covariance of ImageNet's colors, as in Lucid).
  bool decorrelate = true;
  // What a picture costs, in normalised numbers: these times MeanSquare and TotalVariation of
  // picture_losses.h.
  double decay = 0;
  double total_variation = 0;
  SessionOptions session = {};
};

// How pictures come from the parameters that are optimised, and how gradients go back to them, by
// autodiff of a graph.
//
// Fourier (Olah, Mordvintsev and Schubert, "Feature visualization", Distill 2017): the parameters
// are the coefficients of an orthonormal basis of cosines and sines along both axes. Each counts
// 1/f times, f its frequency in cycles a pixel (of both axes, the root of the sum of squares) and
// at least that of one cycle over the longer side, so that a step changes all scales alike as they
// are in photographs, whose amplitudes fall as 1/f. A sigmoid keeps the levels in (0,1).
//
// One thread at a time.
class PictureSource {
 public:
  // Of pictures of the form's size. Errors: a malformed form, weights below 0.
  static absl::StatusOr<std::unique_ptr<PictureSource>> Create(const Preprocessing& form,
                                                               const PictureSourceOptions& options);

  // The parameters f32[count,...] of noise around gray; every picture's is the same.
  absl::StatusOr<Tensor> Noise(int64_t count, uint64_t seed) const;
  // Those of pictures x f32[N,C,H,W], normalised; levels beyond [0,1] are cut off. Errors: the
  // parameters are no pixels, another size.
  absl::StatusOr<Tensor> ParametersOf(const Tensor& x) const;

  // f32[N,C,H,W], normalised.
  absl::StatusOr<Tensor> Pictures(const Tensor& parameters);
  // The gradients of sum(pictures * cotangent) less what the pictures cost, f32 like `parameters`.
  absl::StatusOr<Tensor> Backward(const Tensor& parameters, const Tensor& cotangent);
  // Puts parameters that a step or a change has moved out of their range back into it.
  void Confine(Tensor& parameters) const;

  bool is_pixels() const { return options_.parameters == PictureParameters::kPixels; }

 private:
  PictureSource() = default;
  std::unique_ptr<Probe> probe_;  // objectives: the pictures and, where it counts, their cost [N,1]
  Preprocessing form_;
  PictureSourceOptions options_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_UNITS_PICTURE_SOURCE_H_
