#include <array>
#include <cstdarg>
#include <cstdio>

#include "frontend/watch/plot.h"
#include "frontend/watch/plot_axis.h"

namespace weft {
namespace {

// Okabe and Ito's colors, which the color-blind can tell apart too.
constexpr std::array<const char*, 7> kCurveColors = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                     "#e69f00", "#56b4e9", "#000000"};
// Where colors begin anew, dashes tell curves apart.
constexpr std::array<const char*, 4> kCurveDashes = {
    "", " stroke-dasharray=\"6 3\"", " stroke-dasharray=\"2 3\"", " stroke-dasharray=\"8 3 2 3\""};
constexpr int kMarginLeft = 64, kMarginRight = 16, kMarginTop = 32,
              kMarginBottom = 48;  // margins in pixels
constexpr int kXTicks = 8, kYTicks = 6;
constexpr int kLegendLine = 18;

[[gnu::format(printf, 1, 2)]] std::string SvgFormat(const char* format, ...) {
  char buffer[256];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof(buffer), format, arguments);
  va_end(arguments);
  return buffer;
}

class SvgChart {
 public:
  SvgChart(std::span<const Series> series, const PlotOptions& options)
      : series_(series),
        options_(options),
        x_(PlotAxis::Of(series, true, options.log_x)),
        y_(PlotAxis::Of(series, false, options.log_y)) {}

  std::string Draw() {
    text_ = SvgFormat(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d "
        "%d\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" "
        "height=\"100%%\" fill=\"white\"/>\n",
        options_.width, options_.height, options_.width, options_.height);
    Axes();
    for (size_t i = 0; i < series_.size(); ++i) Curve(i);
    for (size_t i = 0; i < series_.size(); ++i) Legend(i);
    return text_ + "</svg>\n";
  }

 private:
  double X(double place) const {
    return kMarginLeft + place * (options_.width - kMarginLeft - kMarginRight);
  }
  double Y(double place) const {
    return options_.height - kMarginBottom - place * (options_.height - kMarginTop - kMarginBottom);
  }
  size_t ColorNumber(size_t i) const {
    return series_[i].color < 0 ? i : static_cast<size_t>(series_[i].color);
  }
  const char* Color(size_t i) const { return kCurveColors[ColorNumber(i) % kCurveColors.size()]; }
  const char* Dash(size_t i) const {
    const size_t dash = static_cast<size_t>(series_[i].dash) + ColorNumber(i) / kCurveColors.size();
    return kCurveDashes[dash % kCurveDashes.size()];
  }

  void Text(double x, double y, const char* anchor, const std::string& text,
            const char* more = "") {
    if (text.empty()) return;
    text_ += SvgFormat("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>", x, y, anchor, more) +
             XmlText(text) + "</text>\n";
  }

  void Line(double x1, double y1, double x2, double y2, const char* color, double width,
            const char* dash = "") {
    text_ += SvgFormat(
        "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
        "stroke-width=\"%.1f\"%s/>\n",
        x1, y1, x2, y2, color, width, dash);
  }

  void Axes() {
    for (const double tick : x_.Ticks(kXTicks)) {
      const double x = X(x_.Place(tick));
      Line(x, Y(0), x, Y(1), "#dddddd", 1);
      Text(x, Y(0) + 16, "middle", TickText(tick));
    }
    for (const double tick : y_.Ticks(kYTicks)) {
      const double y = Y(y_.Place(tick));
      Line(X(0), y, X(1), y, "#dddddd", 1);
      Text(X(0) - 6, y + 4, "end", TickText(tick));
    }
    Line(X(0), Y(0), X(1), Y(0), "black", 1);
    Line(X(0), Y(0), X(0), Y(1), "black", 1);
    Text(X(0.5), 20, "middle", options_.title, " font-weight=\"bold\"");
    Text(X(0.5), options_.height - 10, "middle", options_.x_label);
    const std::string turned = SvgFormat(" transform=\"rotate(-90 14 %.1f)\"", Y(0.5));
    Text(14, Y(0.5), "middle", options_.y_label, turned.c_str());
  }

  void Curve(size_t i) {
    for (const std::vector<PlotPoint>& stroke : Strokes(series_[i], x_, y_)) {
      if (stroke.size() == 1) {
        text_ += SvgFormat("<circle cx=\"%.2f\" cy=\"%.2f\" r=\"2.5\" fill=\"%s\"/>\n",
                           X(stroke[0].x), Y(stroke[0].y), Color(i));
        continue;
      }
      text_ += SvgFormat("<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"%s points=\"",
                         Color(i), Dash(i));
      for (const PlotPoint& p : stroke) text_ += SvgFormat("%.2f,%.2f ", X(p.x), Y(p.y));
      text_.back() = '"';
      text_ += "/>\n";
    }
  }

  void Legend(size_t i) {
    const double y = Y(1) + kLegendLine * (static_cast<double>(i) + 0.5), x = X(1) - 8;
    Line(x - 24, y, x, y, Color(i), 2, Dash(i));
    Text(x - 30, y + 4, "end", series_[i].name);
  }

  std::span<const Series> series_;
  const PlotOptions& options_;
  PlotAxis x_, y_;
  std::string text_;
};

}  // namespace

std::string PlotSvg(std::span<const Series> series, const PlotOptions& options) {
  return SvgChart(series, options).Draw();
}

}  // namespace weft
