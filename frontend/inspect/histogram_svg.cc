#include "frontend/inspect/histogram_svg.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_format.h"
#include "frontend/watch/plot_axis.h"

namespace weft {
namespace {

constexpr int kPanelWidth = 220, kPanelHeight = 140, kPanelGap = 16, kHistogramTop = 36;
constexpr int kPanelHead = 34, kPanelFoot = 18;  // within a panel, in pixels
constexpr size_t kMostNameLetters = 32, kMostBars = 64;

std::string ShortenedName(const std::string& name) {
  return name.size() <= kMostNameLetters
             ? name
             : "..." + name.substr(name.size() - (kMostNameLetters - 3));
}

// With bins joined by pairs until at most kMostBars are left.
Histogram Coarsened(Histogram h) {
  while (h.counts.size() > kMostBars) {
    const auto first = static_cast<int64_t>(std::llround(h.low / h.width));
    const auto skipped = static_cast<size_t>(first & 1);  // pairs begin at even bins
    std::vector<int64_t> joined((h.counts.size() + skipped + 1) / 2);
    for (size_t i = 0; i < h.counts.size(); ++i) joined[(i + skipped) / 2] += h.counts[i];
    h = {.low = h.low - h.width * static_cast<double>(skipped),
         .width = 2 * h.width,
         .counts = std::move(joined)};
  }
  return h;
}

class HistogramPanel {
 public:
  HistogramPanel(const NamedHistogram& what, bool log, double left, double top)
      : what_(what), histogram_(Coarsened(what.histogram)), log_(log), left_(left), top_(top) {}

  std::string Draw() {
    text_ = absl::StrFormat("<g><title>%s</title>\n", XmlText(what_.name));
    Text(left_, top_ + 12, "start", ShortenedName(what_.name), " font-weight=\"bold\"");
    Text(left_, top_ + 27, "start", what_.note, " fill=\"#595959\"");
    if (histogram_.counts.empty()) {
      Text(left_ + kPanelWidth / 2.0, top_ + kPanelHeight / 2.0, "middle", "no finite numbers");
    } else {
      Bars();
      Axis();
    }
    return text_ + "</g>\n";
  }

 private:
  double bottom() const { return top_ + kPanelHeight - kPanelFoot; }
  double high() const {
    const Histogram& h = histogram_;
    return h.low + h.width * static_cast<double>(h.counts.size());
  }
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
    Line(left_, bottom(), left_ + kPanelWidth, "black");
    Text(left_, bottom() + 14, "start", TickText(low));
    Text(left_ + kPanelWidth, bottom() + 14, "end", TickText(high()));
    if (low >= 0 || high() <= 0) return;
    absl::StrAppendFormat(&text_,
                          "<path d=\"M%.1f %.1fV%.1f\" stroke=\"#d55e00\" stroke-width=\"1\" "
                          "stroke-dasharray=\"3 3\"/>\n",
                          X(0), bottom(), top_ + kPanelHead);
    const double part = (X(0) - left_) / kPanelWidth;
    if (part > 0.25 && part < 0.75) Text(X(0), bottom() + 14, "middle", "0");
  }

  void Line(double x0, double y, double x1, const char* color) {
    absl::StrAppendFormat(&text_, "<path d=\"M%.1f %.1fH%.1f\" stroke=\"%s\"/>\n", x0, y, x1,
                          color);
  }

  void Text(double x, double y, const char* anchor, const std::string& text,
            const char* more = "") {
    if (text.empty()) return;
    absl::StrAppendFormat(&text_, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>%s</text>\n", x,
                          y, anchor, more, XmlText(text));
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
  std::string text = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
      "font-family=\"sans-serif\" font-size=\"11\" role=\"img\">\n<title>%s</title>\n<rect "
      "width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n<text x=\"%d\" y=\"22\" "
      "font-size=\"14\" font-weight=\"bold\">%s</text>\n",
      width, height, width, height, XmlText(options.title), kPanelGap, XmlText(options.title));
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
