#ifndef WEFT_FRONTEND_WATCH_PLOT_H_
#define WEFT_FRONTEND_WATCH_PLOT_H_

#include <span>
#include <string>
#include <vector>

namespace weft {

// A curve: as many y as x. Points that are not finite or beyond 1e300, or not above 0 on a
// logarithmic axis, are gaps.
struct Series {
  std::string name;
  std::vector<double> x = {}, y = {};
  // Which of the colors and dashes it is drawn in, begun anew after the last: of several runs with
  // several curves each, one color a run and one dash a kind. A color of -1: the curve's number.
  int color = -1, dash = 0;
};

struct PlotOptions {
  std::string title = {};
  std::string x_label = {}, y_label = {};
  bool log_x = false, log_y = false;
  int width = 720, height = 420;  // of an SVG, in pixels
  int columns = 72, rows = 16;    // of a text, without its axes
  bool color = false;             // of a text: a terminal's colors
};

// Line charts of several curves with axes and a legend: an SVG file's text, self-contained; and
// lines of braille characters for a terminal.
std::string PlotSvg(std::span<const Series> series, const PlotOptions& options);
std::string PlotText(std::span<const Series> series, const PlotOptions& options);

}  // namespace weft

#endif  // WEFT_FRONTEND_WATCH_PLOT_H_
