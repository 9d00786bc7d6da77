#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "frontend/watch/plot.h"
#include "frontend/watch/plot_axis.h"

namespace weft {
namespace {

// Unicode's braille patterns, U+2800 and up, have a bit for each of 2x4 dots.
constexpr int kDotsX = 2, kDotsY = 4;
constexpr std::array<std::array<uint8_t, kDotsX>, kDotsY> kDotBits = {
    {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}};
constexpr std::array<int, 6> kTerminalColors = {34, 31, 32, 35, 33, 36};  // ANSI foregrounds
constexpr int kLabelWidth = 9;

std::string ColoredText(const std::string& text, size_t series, bool color) {
  if (!color) return text;
  return "\x1b[" + std::to_string(kTerminalColors[series % kTerminalColors.size()]) + "m" + text +
         "\x1b[0m";
}

std::string RightAlignedLabel(const std::string& text, int width) {
  const int blanks = std::max(0, width - static_cast<int>(text.size()));
  return std::string(static_cast<size_t>(blanks), ' ') + text;
}

class BrailleCanvas {
 public:
  BrailleCanvas(int columns, int rows)
      : columns_(columns), rows_(rows), cells_(static_cast<size_t>(columns) * rows) {}

  void Draw(const std::vector<PlotPoint>& stroke, size_t series) {
    for (size_t i = 0; i < stroke.size(); ++i)
      DrawLine(stroke[i > 0 ? i - 1 : 0], stroke[i], series);
  }

  std::string Row(int row, bool color) const {
    std::string text;
    for (int column = 0; column < columns_; ++column) {
      const Cell& cell = cells_[static_cast<size_t>(row * columns_ + column)];
      text += cell.dots == 0 ? " " : ColoredText(Glyph(cell.dots), cell.series, color);
    }
    return text.substr(0, text.find_last_not_of(' ') + 1);
  }

 private:
  struct Cell {
    uint8_t dots = 0;
    size_t series = 0;  // the last one drawn
  };

  // The pattern in UTF-8.
  static std::string Glyph(uint8_t dots) {
    return {'\xe2', static_cast<char>(0xa0 | (dots >> 6)), static_cast<char>(0x80 | (dots & 63))};
  }

  void DrawLine(const PlotPoint& a, const PlotPoint& b, size_t series) {
    const double width = columns_ * kDotsX - 1, height = rows_ * kDotsY - 1;
    const double dx = (b.x - a.x) * width, dy = (b.y - a.y) * height;
    const int steps = static_cast<int>(std::ceil(std::max(std::abs(dx), std::abs(dy))));
    for (int i = 0; i <= steps; ++i) {
      const double part = steps == 0 ? 0 : static_cast<double>(i) / steps;
      const int x = static_cast<int>(std::lround(a.x * width + part * dx));
      const int y = static_cast<int>(std::lround((1 - a.y) * height - part * dy));
      Cell& cell = cells_[static_cast<size_t>(y / kDotsY * columns_ + x / kDotsX)];
      cell.dots |= kDotBits[static_cast<size_t>(y % kDotsY)][static_cast<size_t>(x % kDotsX)];
      cell.series = series;
    }
  }

  int columns_, rows_;
  std::vector<Cell> cells_;
};

size_t ColorOfCurve(std::span<const Series> series, size_t i) {
  return series[i].color < 0 ? i : static_cast<size_t>(series[i].color);
}

// "  loss 2.31 -> 0.12"
std::string LegendText(const Series& series) {
  std::string text = series.name;
  if (series.y.empty()) return text;
  return text + " " + TickText(series.y.front()) + " -> " + TickText(series.y.back());
}

}  // namespace

std::string PlotText(std::span<const Series> series, const PlotOptions& options) {
  const PlotAxis x = PlotAxis::Of(series, true, options.log_x);
  const PlotAxis y = PlotAxis::Of(series, false, options.log_y);
  BrailleCanvas canvas(std::max(options.columns, 1), std::max(options.rows, 1));
  for (size_t i = 0; i < series.size(); ++i) {
    for (const auto& stroke : Strokes(series[i], x, y))
      canvas.Draw(stroke, ColorOfCurve(series, i));
  }
  std::string text;
  if (!options.title.empty()) text += options.title + "\n";
  for (int row = 0; row < options.rows; ++row) {
    const bool top = row == 0, bottom = row == options.rows - 1;
    const std::string label = top ? TickText(y.high()) : bottom ? TickText(y.low()) : "";
    text += RightAlignedLabel(label, kLabelWidth) + " │" + canvas.Row(row, options.color) + "\n";
  }
  const std::string low = TickText(x.low()), high = TickText(x.high());
  const int rest = options.columns - static_cast<int>(low.size());
  text += std::string(kLabelWidth + 2, ' ') + low +
          RightAlignedLabel(high, std::max(rest, static_cast<int>(high.size()) + 1)) +
          (options.x_label.empty() ? "" : " " + options.x_label) + "\n";
  for (size_t i = 0; i < series.size(); ++i) {
    const size_t color = ColorOfCurve(series, i);
    text += std::string(kLabelWidth + 2, ' ') + ColoredText("──", color, options.color) + " " +
            LegendText(series[i]) + "\n";
  }
  return text;
}

}  // namespace weft
