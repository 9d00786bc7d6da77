#ifndef WEFT_FRONTEND_INSPECT_UNITS_MAXIMIZE_H_
#define WEFT_FRONTEND_INSPECT_UNITS_MAXIMIZE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "frontend/inspect/units/picture_ascent.h"
#include "frontend/io/picture.h"
#include "graph/model.h"

namespace weft {

// The activations of a layer that pictures can be made for.
struct UnitLayer {
  std::string at = {};  // the node; "": the scores
  // Of a layer with maps: the place (row, column); none: the mean over places.
  std::optional<std::array<int64_t, 2>> place = {};
};

// A probe whose only objective is one activation [N,C] for each channel (or class) of the layer.
// Errors: those of Probe::Create, a layer that is neither [N,C] nor [N,C,H,W], a place outside.
absl::StatusOr<std::unique_ptr<Probe>> UnitProbe(const Model& model, const UnitLayer& layer,
                                                 const SessionOptions& session = {});

// The picture that a channel wants.
struct UnitPicture {
  int64_t channel = 0;
  double activation = 0;  // of the picture
  Tensor x = {};          // f32[1,C,H,W], normalised
  Picture picture = {};
};

// Activation maximisation (Erhan et al. 2009; Simonyan et al. 2013; the regularisers of Yosinski et
// al. 2015 and of Olah et al. 2017): one picture for each of these channels, which are optimised
// together, `batch_size` at a time. A rectifier that is off hides what would turn it on: where the
// layer is one, the first quarter of the steps, and later ones of a unit that is off everywhere, go
// by what it reads. Errors: those of UnitProbe, a channel that is not there, no picture model,
// those of CheckAscent.
absl::StatusOr<std::vector<UnitPicture>> MaximizeUnits(const Model& model, const UnitLayer& layer,
                                                       std::span<const int64_t> channels,
                                                       const AscentOptions& options = {},
                                                       int64_t batch_size = 16);

// The same for every class: what the network takes for its example (Simonyan, Vedaldi and
// Zisserman, "Deep inside convolutional networks", 2013, section 2).
absl::StatusOr<std::vector<UnitPicture>> ClassPrototypes(const Model& model,
                                                         const AscentOptions& options = {},
                                                         int64_t batch_size = 16);

// The pictures side by side, above their activations and below what they are of: class names where
// the layer is the scores ("").
absl::StatusOr<Picture> UnitSheet(const Model& model, const UnitLayer& layer,
                                  std::span<const UnitPicture> pictures);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_UNITS_MAXIMIZE_H_
