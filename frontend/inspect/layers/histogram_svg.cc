#include "frontend/inspect/layers/histogram_svg.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "absl/strings/str_format.h"
#include "frontend/inspect/svg_parts.h"
#include "frontend/watch/plot_axis.h"

namespace weft {
namespace {

constexpr int kPanelWidth = 220, kPanelHeight = 140, kPanelGap = 16, kHistogramTop = 36;
constexpr int kPanelHead = 34, kPanelFoot = 18;  // within a panel, in pixels
constexpr std::string_view kHistogramStyle =
    ".weft-chart{font-size:11px}\n"
    ".weft-chart .title{font-size:14px;font-weight:bold}\n"
    ".weft-chart .name{font-weight:bold}\n"
    ".weft-chart .note{fill-opacity:.7}\n"
    ".weft-chart .axis{stroke:currentColor}\n";
constexpr size_t kMostNameLetters = 32, kMostBars = 64;

std::string ShortenedName(const std::string& name) {
  return name.size() <= kMostNameLetters
             ? name
             : "..." + name.substr(name.size() - (kMostNameLetters - 3));
}

class HistogramPanel {
 public:
  HistogramPanel(const NamedHistogram& what, bool log, double left, double top)
      : what_(what),
        histogram_(Coarsened(what.histogram, kMostBars)),
        log_(log),
        left_(left),
        top_(top) {}

  std::string Draw() {
    text_ = absl::StrCat("<g>", SvgTitle({what_.name}), "\n");
    Text("name", left_, top_ + 8, ShortenedName(what_.name));
    Text("note", left_, top_ + 23, what_.note);
    if (histogram_.counts.empty()) {
      Text("middle", left_ + kPanelWidth / 2.0, top_ + kPanelHeight / 2.0 - 4, "no finite numbers");
    } else {
      Bars();
      Axis();
    }
    return text_ + "</g>\n";
  }

 private:
  double bottom() const { return top_ + kPanelHeight - kPanelFoot; }
  double high() const { return histogram_.high(); }
  double X(double value) const {
    return left_ + kPanelWidth * (value - histogram_.low) / (high() - histogram_.low);
  }
  double Height(int64_t count) const {
    return log_ ? std::log1p(static_cast<double>(count)) : static_cast<double>(count);
  }

  // One outline of all bars.
  void Bars() {
    const Histogram& h = histogram_;
    const double most = Height(*std::ranges::max_element(h.counts));
    const double scale = (kPanelHeight - kPanelHead - kPanelFoot) / most;
    absl::StrAppendFormat(&text_, "<path fill=\"#0072b2\" d=\"M%.1f %.1f", left_, bottom());
    for (size_t i = 0; i < h.counts.size(); ++i) {
      absl::StrAppendFormat(&text_, "V%.1fH%.1f", bottom() - scale * Height(h.counts[i]),
                            X(h.low + h.width * static_cast<double>(i + 1)));
    }
    absl::StrAppendFormat(&text_, "V%.1fZ\"/>\n", bottom());
  }

  void Axis() {
    const double low = histogram_.low;
    text_ += SvgLine("axis", left_, bottom(), left_ + kPanelWidth, bottom()) + "\n";
    Text("start", left_, bottom() + 10, TickText(low));
    Text("end", left_ + kPanelWidth, bottom() + 10, TickText(high()));
    if (low >= 0 || high() <= 0) return;
    absl::StrAppendFormat(&text_,
                          "<path d=\"M%.1f %.1fV%.1f\" stroke=\"#d55e00\" stroke-width=\"1\" "
                          "stroke-dasharray=\"3 3\"/>\n",
                          X(0), bottom(), top_ + kPanelHead);
    const double part = (X(0) - left_) / kPanelWidth;
    if (part > 0.25 && part < 0.75) Text("middle", X(0), bottom() + 10, "0");
  }

  void Text(const char* css_class, double x, double y, const std::string& text) {
    if (!text.empty()) text_ += SvgText(css_class, x, y, text) + "\n";
  }

  const NamedHistogram& what_;
  Histogram histogram_;
  bool log_;
  double left_, top_;
  std::string text_;
};

}  // namespace

std::string HistogramsSvg(std::span<const NamedHistogram> histograms,
                          const HistogramOptions& options) {
  const int columns =
      std::clamp(static_cast<int>(histograms.size()), 1, std::max(options.columns, 1));
  const int rows = (static_cast<int>(histograms.size()) + columns - 1) / columns;
  const int width = kPanelGap + columns * (kPanelWidth + kPanelGap);
  const int height = kHistogramTop + rows * (kPanelHeight + kPanelGap);
  std::string text =
      absl::StrCat(ChartBegin({static_cast<double>(width), static_cast<double>(height)},
                              options.title, std::string(kHistogramStyle)),
                   SvgText("title", kPanelGap, 18, options.title), "\n");
  for (size_t i = 0; i < histograms.size(); ++i) {
    const int column = static_cast<int>(i) % columns, row = static_cast<int>(i) / columns;
    text +=
        HistogramPanel(histograms[i], options.log, kPanelGap + column * (kPanelWidth + kPanelGap),
                       kHistogramTop + row * (kPanelHeight + kPanelGap))
            .Draw();
  }
  return text + "</svg>\n";
}

}  // namespace weft
