#include "frontend/inspect/layers/contours.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_format.h"
#include "frontend/inspect/color_map.h"
#include "frontend/inspect/svg_parts.h"
#include "frontend/watch/plot_axis.h"

namespace weft {
namespace {

constexpr double kContourLeft = 70, kContourTop = 40, kContourBottom = 56, kContourRight = 110;
constexpr int kContourTicks = 5, kLegendSteps = 64;

struct ContourPoint {
  double x = 0, y = 0;
};

// The crossings of a square whose corners, from the upper left with the clock, are c[0..3]: between
// corners i and i+1 mod 4.
std::vector<ContourPoint> Crossings(const std::array<double, 4>& c, double level, double x,
                                    double y) {
  constexpr std::array<ContourPoint, 4> kCorners = {{{0, 0}, {1, 0}, {1, 1}, {0, 1}}};
  std::vector<ContourPoint> points;
  for (size_t i = 0; i < 4; ++i) {
    const size_t next = (i + 1) % 4;
    if ((c[i] >= level) == (c[next] >= level)) continue;
    const double t = (level - c[i]) / (c[next] - c[i]);
    points.push_back({x + std::lerp(kCorners[i].x, kCorners[next].x, t),
                      y + std::lerp(kCorners[i].y, kCorners[next].y, t)});
  }
  return points;
}

void AddPieces(const std::array<double, 4>& c, double level, double x, double y,
               std::vector<ContourPiece>& pieces) {
  if (!std::ranges::all_of(c, [](double v) { return std::isfinite(v); })) return;
  const std::vector<ContourPoint> p = Crossings(c, level, x, y);
  const auto join = [&](size_t a, size_t b) { pieces.push_back({p[a].x, p[a].y, p[b].x, p[b].y}); };
  if (p.size() == 2) return join(0, 1);
  if (p.size() != 4) return;
  // A saddle: corners 0 and 2 are alike. Where the middle is like them, the others are cut off.
  const bool middle = (c[0] + c[1] + c[2] + c[3]) / 4 >= level;
  const bool first = c[0] >= level;
  if (middle == first) {
    join(0, 1);
    join(2, 3);
  } else {
    join(3, 0);
    join(1, 2);
  }
}

class ContourChart {
 public:
  ContourChart(std::span<const double> x, std::span<const double> y, const Tensor& scaled,
               const ContourOptions& options)
      : x_(x), y_(y), values_(scaled), options_(options) {
    for (const double v : values_.values<double>()) {
      if (!std::isfinite(v)) continue;
      low_ = std::min(low_, v);
      high_ = std::max(high_, v);
    }
  }

  bool has_values() const { return low_ <= high_; }

  std::string Draw() {
    const double width = kContourLeft + options_.size + kContourRight,
                 height = kContourTop + options_.size + kContourBottom;
    text_ = ChartBegin({width, height}, options_.title);
    Cells();
    Lines();
    Frame();
    Legend();
    return text_ + "</svg>\n";
  }

 private:
  double columns() const { return static_cast<double>(x_.size()); }
  double rows() const { return static_cast<double>(y_.size()); }
  // Of column 0.5 the middle of the first cell and half of the second: cells are centred on values.
  double X(double column) const {
    return kContourLeft + options_.size * (column + 0.5) / columns();
  }
  double Y(double row) const { return kContourTop + options_.size * (1 - (row + 0.5) / rows()); }
  std::string Color(double v) const {
    return HexText(ColorOf(ColorMap::kHeat, high_ > low_ ? (v - low_) / (high_ - low_) : 0.5));
  }
  double Unscaled(double v) const { return options_.log ? std::exp(v) : v; }

  void Cells() {
    const double w = options_.size / columns(), h = options_.size / rows();
    for (int64_t i = 0; i < values_.size(); ++i) {
      const auto column = static_cast<double>(i % static_cast<int64_t>(x_.size())),
                 row = static_cast<double>(i / static_cast<int64_t>(x_.size()));
      const double v = values_.At(i);
      absl::StrAppendFormat(&text_,
                            "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" "
                            "fill=\"%s\"/>\n",
                            X(column - 0.5), Y(row + 0.5), w + 0.3, h + 0.3,
                            std::isfinite(v) ? Color(v) : "#808080");
    }
  }

  void Lines() {
    for (int i = 1; i <= options_.levels; ++i) {
      const double level = std::lerp(low_, high_, i / (options_.levels + 1.0));
      const std::vector<ContourPiece> pieces = Contour(values_, level);
      if (pieces.empty()) continue;
      text_ +=
          "<path fill=\"none\" stroke=\"white\" stroke-width=\"1\" stroke-opacity=\"0.8\" d=\"";
      for (const ContourPiece& p : pieces) {
        absl::StrAppendFormat(&text_, "M%.2f %.2fL%.2f %.2f", X(p.x0), Y(p.y0), X(p.x1), Y(p.y1));
      }
      absl::StrAppendFormat(&text_, "\"><title>%s</title></path>\n", TickText(Unscaled(level)));
    }
  }

  void Text(const char* css_class, double x, double y, const std::string& text) {
    text_ += SvgText(css_class, x, y, text) + "\n";
  }

  void Frame() {
    const double right = kContourLeft + options_.size, bottom = kContourTop + options_.size;
    for (int i = 0; i < kContourTicks; ++i) {
      const double part = i / (kContourTicks - 1.0);
      const double column = part * (columns() - 1), row = part * (rows() - 1);
      Text("middle", X(column), bottom + 14, TickText(std::lerp(x_.front(), x_.back(), part)));
      Text("end", kContourLeft - 8, Y(row), TickText(std::lerp(y_.front(), y_.back(), part)));
    }
    // The middle is the model.
    absl::StrAppendFormat(&text_,
                          "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"4\" fill=\"none\" stroke=\"white\" "
                          "stroke-width=\"2\"/>\n",
                          X((columns() - 1) / 2), Y((rows() - 1) / 2));
    Text("heading", (kContourLeft + right) / 2, 20, options_.title);
    Text("middle", (kContourLeft + right) / 2, bottom + 38, options_.x_label);
    const double middle = (kContourTop + bottom) / 2;
    absl::StrAppendFormat(&text_, "<g transform=\"rotate(-90 18 %.1f)\">", middle);
    Text("middle", 18, middle - 4, options_.y_label);
    text_ += "</g>\n";
  }

  void Legend() {
    const double left = kContourLeft + options_.size + 16,
                 step = options_.size * 1.0 / kLegendSteps;
    const double bottom = kContourTop + options_.size;
    for (int i = 0; i < kLegendSteps; ++i) {
      const double v = std::lerp(low_, high_, (i + 0.5) / kLegendSteps);
      absl::StrAppendFormat(
          &text_, "<rect x=\"%.1f\" y=\"%.2f\" width=\"14\" height=\"%.2f\" fill=\"%s\"/>\n", left,
          bottom - (i + 1) * step, step + 0.3, Color(v));
    }
    for (int i = 0; i <= 6; ++i) {
      Text("start", left + 20, bottom - options_.size * i / 6.0,
           TickText(Unscaled(std::lerp(low_, high_, i / 6.0))));
    }
  }

  std::span<const double> x_, y_;
  const Tensor& values_;
  const ContourOptions& options_;
  double low_ = std::numeric_limits<double>::infinity(), high_ = -low_;
  std::string text_;
};

}  // namespace

std::vector<ContourPiece> Contour(const Tensor& values, double level) {
  std::vector<ContourPiece> pieces;
  if (values.rank() != 2) return pieces;
  const int64_t rows = values.dims()[0], columns = values.dims()[1];
  for (int64_t y = 0; y + 1 < rows; ++y) {
    for (int64_t x = 0; x + 1 < columns; ++x) {
      const int64_t at = y * columns + x;
      AddPieces(
          {values.At(at), values.At(at + 1), values.At(at + columns + 1), values.At(at + columns)},
          level, static_cast<double>(x), static_cast<double>(y), pieces);
    }
  }
  return pieces;
}

absl::StatusOr<std::string> ContourSvg(std::span<const double> x, std::span<const double> y,
                                       const Tensor& values, const ContourOptions& options) {
  const Dims wanted = {static_cast<int64_t>(y.size()), static_cast<int64_t>(x.size())};
  if (values.is_empty() || values.dtype() != DType::kF64 || values.dims() != wanted ||
      x.size() < 2 || y.size() < 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        "contours: expected f64", ToString(wanted), " of 2 or more rows and columns, got ",
        values.is_empty() ? "nothing" : ToString(values.type())));
  }
  Tensor scaled = values;
  if (options.log) {
    for (double& v : scaled.mutable_values<double>()) {
      v = v > 0 ? std::log(v) : std::numeric_limits<double>::quiet_NaN();
    }
  }
  ContourChart chart(x, y, scaled, options);
  if (!chart.has_values()) {
    return absl::InvalidArgumentError("contours: there is no finite value to draw");
  }
  return chart.Draw();
}

}  // namespace weft
