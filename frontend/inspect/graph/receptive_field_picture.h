#ifndef WEFT_FRONTEND_INSPECT_GRAPH_RECEPTIVE_FIELD_PICTURE_H_
#define WEFT_FRONTEND_INSPECT_GRAPH_RECEPTIVE_FIELD_PICTURE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "frontend/analysis/receptive_field.h"
#include "frontend/io/picture.h"
#include "frontend/session/session.h"
#include "graph/model.h"

namespace weft {

// What one unit of a layer sees of the input.
struct UnitField {
  std::string node = {};
  std::optional<int64_t> channel = {};  // none: the sum over the unit's channels
  Dims unit = {};                       // its place on the layer's maps; empty of a layer without
  Dims extent = {};                     // of the input's spatial axes
  // What it can depend on (frontend/analysis/receptive_field.h), one entry an axis of the input.
  std::vector<FieldInterval> box = {};
  // The effective receptive field (Luo et al., "Understanding the effective receptive field in deep
  // convolutional neural networks", 2016): |d unit / d x|, summed over the input's channels, the
  // mean over examples; f32[H,W] (signals: [1,L]). Zero outside of the box.
  Tensor effective = {};
  // Pixels with more than 1 - 95.45 % of its maximum; the paper's size is the root of their number.
  int64_t effective_pixels = 0;
};

struct UnitFieldOptions {
  std::string at = {};                  // the layer, by name; "": the scores
  std::optional<Dims> unit = {};        // none: the middle of its maps
  std::optional<int64_t> channel = {};  // none: the sum over all
  int64_t batch_size = 32;              // examples a run
  SessionOptions session = {};
};

// `examples` is [N,C,H,W] or [N,C,L]. Errors: no example, a model with several inputs or one of
// another rank, a layer that is not there or does not depend on the input, a unit or a channel that
// is not there, an op whose receptive field is not known; those of Probe.
absl::StatusOr<UnitField> FieldOfUnit(const Model& model, const Tensor& examples,
                                      const UnitFieldOptions& options);

// On the picture that the model sees, of the input's extent: the box, drawn to where it ends in the
// padding around (gray), and beside it the effective field within. `scale`: pixels an element; 0:
// as many as make the picture large enough. Errors: a picture of another size; a box so large that
// the drawing has over 2^24 pixels.
absl::StatusOr<Picture> FieldPicture(const UnitField& field, const Picture& picture,
                                     int64_t scale = 0);

// "conv2 (3, 3): sees 14x14 of 28x28, rows 0 to 13, ...": a line each.
std::string ToString(const UnitField& field);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_GRAPH_RECEPTIVE_FIELD_PICTURE_H_
