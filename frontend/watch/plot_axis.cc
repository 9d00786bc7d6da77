#include "frontend/watch/plot_axis.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace weft {
namespace {

// Larger numbers are not shown, so that the span of two of them is a number too.
constexpr double kLargestShown = 1e300;

// 1, 2 or 5 times a power of ten, at least `step`.
double TickStep(double step) {
  const double power = std::pow(10.0, std::floor(std::log10(step)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= step * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

}  // namespace

PlotAxis PlotAxis::Of(std::span<const Series> series, bool is_x, bool logarithmic) {
  PlotAxis axis;
  axis.logarithmic_ = logarithmic;
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const Series& s : series) {
    for (const double value : is_x ? s.x : s.y) {
      if (!axis.Shows(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (low > high) {
    low = logarithmic ? 1 : 0;
    high = logarithmic ? 10 : 1;
  } else if (low == high) {  // a single number is in the middle
    const double margin = low == 0 ? 1 : std::abs(low) / 2;
    low -= margin;
    high += margin;
  }
  axis.low_ = low;
  axis.high_ = high;
  return axis;
}

bool PlotAxis::Shows(double value) const {
  return std::abs(value) <= kLargestShown && (!logarithmic_ || value > 0);
}

double PlotAxis::Scaled(double value) const { return logarithmic_ ? std::log10(value) : value; }

double PlotAxis::Place(double value) const {
  const double span = Scaled(high_) - Scaled(low_);
  // The logarithms of neighbouring numbers can be equal.
  return span > 0 ? std::clamp((Scaled(value) - Scaled(low_)) / span, 0.0, 1.0) : 0.5;
}

std::vector<double> PlotAxis::Ticks(int count) const {
  const double begin = Scaled(low_), end = Scaled(high_);
  const bool decades = logarithmic_ && end - begin >= 1;
  const double from = decades ? begin : low_, to = decades ? end : high_;
  double step = TickStep((to - from) / count);
  if (decades) step = std::max(1.0, std::round(step));
  const double first = std::ceil(from / step - 1e-9);
  std::vector<double> ticks;
  // Between neighbouring numbers there are no steps to count: `first` has no successor.
  for (double i = first; i * step <= to + 1e-9 * step && i < first + count + 2; ++i) {
    ticks.push_back(decades ? std::pow(10.0, i * step) : i * step);
    if (i + 1 == i) break;
  }
  return ticks;
}

std::string TickText(double value) {
  char text[32];
  const bool counts = std::abs(value) < 1e6 && value == std::round(value);  // steps, say
  std::snprintf(text, sizeof(text), counts ? "%.0f" : "%.4g", value == 0 ? 0.0 : value);
  return text;
}

std::vector<std::vector<PlotPoint>> Strokes(const Series& series, const PlotAxis& x,
                                            const PlotAxis& y) {
  std::vector<std::vector<PlotPoint>> strokes;
  bool open = false;
  for (size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i) {
    const bool shown = x.Shows(series.x[i]) && y.Shows(series.y[i]);
    if (shown && !open) strokes.emplace_back();
    if (shown) strokes.back().push_back({x.Place(series.x[i]), y.Place(series.y[i])});
    open = shown;
  }
  return strokes;
}

std::string XmlText(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return result;
}

}  // namespace weft
