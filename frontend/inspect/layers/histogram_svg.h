#ifndef WEFT_FRONTEND_INSPECT_LAYERS_HISTOGRAM_SVG_H_
#define WEFT_FRONTEND_INSPECT_LAYERS_HISTOGRAM_SVG_H_

#include <span>
#include <string>
#include <vector>

#include "frontend/inspect/running_statistics.h"

namespace weft {

struct NamedHistogram {
  std::string name;       // above it
  std::string note = {};  // below the name, in gray
  Histogram histogram = {};
};

struct HistogramOptions {
  std::string title = {};
  // Heights are logarithms of counts plus 1: where zeros, as after a Relu, are many more than all
  // else.
  bool log = false;
  int columns = 4;
};

// Histograms side by side, each with axes of its own, as an SVG file's text, self-contained. One
// without bins says that it has no numbers.
std::string HistogramsSvg(std::span<const NamedHistogram> histograms,
                          const HistogramOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_LAYERS_HISTOGRAM_SVG_H_
