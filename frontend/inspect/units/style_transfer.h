#ifndef WEFT_FRONTEND_INSPECT_UNITS_STYLE_TRANSFER_H_
#define WEFT_FRONTEND_INSPECT_UNITS_STYLE_TRANSFER_H_

#include <string>
#include <vector>

#include "frontend/inspect/units/picture_ascent.h"
#include "frontend/io/picture.h"
#include "graph/model.h"

namespace weft {

struct StyleOptions {
  // Layers with maps; none: those of DefaultStyleLayers.
  std::vector<std::string> content_layers = {}, style_layers = {};
  double content_weight = 1;
  double style_weight = 10;  // of all layers together
  bool from_noise = false;   // begin with noise instead of the content
  AscentOptions ascent = {.steps = 300,
                          .rate = 0.02,
                          .parameters = PictureParameters::kPixels,
                          .total_variation = 0.002};
};

// How far a layer is from what it should be: |F - P|^2 / |P|^2 of the activations, or of the Gram
// matrices.
struct StyleTerm {
  std::string layer;
  bool is_style = false;
  double before = 0, after = 0;  // of what is begun with when that is the content, of the result
};

struct StyleResult {
  Picture picture = {};
  Tensor x = {};                      // f32[1,C,H,W], normalised, of the content's size
  std::vector<StyleTerm> terms = {};  // those whose weight is not 0
};

// The layers that are taken for style, the last activation of each size of maps, of the first five
// sizes in the network's order, and among them the one for content, the last but one (Gatys et al.:
// relu1 to relu5 and relu4). Errors: no activations with maps.
struct StyleLayers {
  std::vector<std::string> style;
  std::string content;
};
absl::StatusOr<StyleLayers> DefaultStyleLayers(const Model& model);

// The picture `content` in the style of another one, of any sizes: its activations near those of
// the content and its Gram matrices near those of the style (Gatys, Ecker and Bethge, "Image style
// transfer using convolutional neural networks", 2016). Each distance is relative, so that weights
// mean the same for all networks and layers. The model as far as the layers must be fully
// convolutional (ModelOfSize). Errors: those of ModelOfSize, a layer without maps or of zeros,
// weights below 0 or both 0, options out of range.
absl::StatusOr<StyleResult> TransferStyle(const Model& model, const Picture& content,
                                          const Picture& style, const StyleOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_UNITS_STYLE_TRANSFER_H_
