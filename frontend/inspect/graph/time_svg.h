#ifndef WEFT_FRONTEND_INSPECT_GRAPH_TIME_SVG_H_
#define WEFT_FRONTEND_INSPECT_GRAPH_TIME_SVG_H_

#include <cstddef>
#include <string>

#include "frontend/bench/profile.h"

namespace weft {

struct TimeSvgOptions {
  size_t most = 40;        // bars: the slowest steps, the rest as one more; 0: all
  bool standalone = true;  // see SvgHead; the style sheet of pages is ChartStyle()
};

// Where a profiled run's time goes, as SVG: a bar a step, the slowest first, in the color of its op
// (OpClass), with its time, share, implementation and rule; a stroke across it marks the least time
// that the step's work takes on this machine (ProfileRow::bound). A bar's <title> has its figures
// and where the node came from, its group data-node.
std::string TimeSvg(const Profile& profile, const TimeSvgOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_GRAPH_TIME_SVG_H_
