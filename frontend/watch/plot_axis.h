#ifndef WEFT_FRONTEND_WATCH_PLOT_AXIS_H_
#define WEFT_FRONTEND_WATCH_PLOT_AXIS_H_

#include <span>
#include <string>
#include <vector>

#include "frontend/watch/plot.h"

namespace weft {

// An axis of a chart: from numbers to places in [0,1].
class PlotAxis {
 public:
  // Spans all of `series`' finite x or y.
  static PlotAxis Of(std::span<const Series> series, bool is_x, bool logarithmic);

  bool Shows(double value) const;
  // Of a number that it shows and that lies within; the middle where all numbers are one.
  double Place(double value) const;
  double low() const { return low_; }
  double high() const { return high_; }
  // About `count` round numbers within: 1, 2 or 5 times a power of ten; of a logarithmic axis over
  // a decade or more, powers of ten.
  std::vector<double> Ticks(int count) const;

 private:
  double Scaled(double value) const;
  double low_ = 0, high_ = 1;
  bool logarithmic_ = false;
};

// "0.5", "1e-05", "20000": whole numbers below a million as they are, others by four digits.
std::string TickText(double value);
// A series' points that both axes show, cut where others are between them.
struct PlotPoint {
  double x = 0, y = 0;  // places in [0,1]
};
std::vector<std::vector<PlotPoint>> Strokes(const Series& series, const PlotAxis& x,
                                            const PlotAxis& y);

// For text in XML: with entities for marks, and question marks for bytes that are no UTF-8, of
// which names of files and folders may consist.
std::string XmlText(const std::string& text);

}  // namespace weft

#endif  // WEFT_FRONTEND_WATCH_PLOT_AXIS_H_
