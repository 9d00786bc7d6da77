#include "frontend/watch/plot_axis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string_view>

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

const char* XmlEntity(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    default:
      return nullptr;
  }
}

// How many bytes the first character has; 0 where it is none that XML may contain: overlong, cut
// off, half of a pair of UTF-16, U+FFFE or U+FFFF.
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(text[i])); };
  const uint32_t first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (length == 0 || text.size() < length) return 0;
  uint32_t code = first & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr std::array<uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};  // by length
  const bool half = code >= 0xd800 && code < 0xe000;
  const bool forbidden = half || code == 0xfffe || code == 0xffff || code > 0x10ffff;
  return code < kLeast[length] || forbidden ? 0 : length;
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
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8Length(std::string_view(text).substr(i));
    const char c = text[i];
    if (length == 0) {
      result += '?';
    } else if (length > 1) {
      result += text.substr(i, length);
    } else if (const char* entity = XmlEntity(c)) {
      result += entity;
    } else {
      result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    i += std::max<size_t>(length, 1);
  }
  return result;
}

}  // namespace weft
