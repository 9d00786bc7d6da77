#include "frontend/inspect/svg_parts.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "frontend/inspect/op_kind.h"
#include "frontend/watch/plot_axis.h"
#include "graph/status.h"

namespace weft {
namespace {

constexpr double kTextDrop = 4;  // from the middle of a line of text to its base line

constexpr std::string_view kChartStyle =
    ".weft-chart{font:12px system-ui,sans-serif}\n"
    ".weft-chart text{fill:currentColor}\n"
    ".weft-chart .middle{text-anchor:middle}\n"
    ".weft-chart .end{text-anchor:end}\n"
    ".weft-chart .heading{text-anchor:middle;font-weight:bold}\n"
    ".weft-chart .small{font-size:10px}\n"
    ".weft-chart .grid{stroke:currentColor;stroke-opacity:.15}\n"
    ".weft-chart .bound{stroke:currentColor;stroke-width:2}\n"
    ".weft-chart .mark{stroke:currentColor;stroke-width:1.5;stroke-dasharray:5 3}\n"
    ".weft-chart .live{fill:none;stroke:currentColor;stroke-width:1.5}\n";

}  // namespace

std::string SvgBegin(const SvgHead& head) {
  const auto css_class = Absl(head.css_class);
  std::string text =
      absl::StrCat("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"", css_class, "\"");
  absl::StrAppendFormat(&text, " viewBox=\"0 0 %.0f %.0f\"", head.size.width, head.size.height);
  if (head.standalone) {
    absl::StrAppendFormat(&text, " width=\"%.0f\" height=\"%.0f\"", head.size.width,
                          head.size.height);
  }
  absl::StrAppend(&text, ">\n", SvgTitle({head.title}), "\n");
  if (!head.standalone) return text;
  return absl::StrCat(text, "<style>\n.", css_class, "{color:#1b1b1b;background:#fff}\n",
                      "@media(prefers-color-scheme:dark){.", css_class,
                      "{color:#e6e6e6;background:#14171a}}\n", head.style, "</style>\n");
}

std::string SvgAttribute(const char* name, std::string_view value) {
  return absl::StrCat(" ", name, "=\"", XmlText(std::string(value)), "\"");
}

std::string SvgTitle(const std::vector<std::string>& lines) {
  std::vector<std::string> escaped;
  for (const std::string& line : lines) escaped.push_back(XmlText(line));
  return absl::StrCat("<title>", absl::StrJoin(escaped, "\n"), "</title>");
}

std::string SvgText(const char* css_class, double x, double y, const std::string& text) {
  return absl::StrCat(
      absl::StrFormat("<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", css_class, x, y + kTextDrop),
      XmlText(text), "</text>");
}

std::string SvgRect(double x, double y, const DrawingSize& size, double corner) {
  std::string rect = absl::StrFormat("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"",
                                     x, y, size.width, size.height);
  if (corner > 0) absl::StrAppendFormat(&rect, " rx=\"%.0f\"", corner);
  return rect + "/>";
}

std::string SvgLine(const char* css_class, double x1, double y1, double x2, double y2) {
  return absl::StrFormat("<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>",
                         css_class, x1, y1, x2, y2);
}

std::string ChartBegin(const DrawingSize& size, const std::string& title,
                       const std::string& style) {
  return SvgBegin({.css_class = "weft-chart",
                   .size = size,
                   .title = title,
                   .style = absl::StrCat(ChartStyle(), style)});
}

std::string ChartStyle() { return absl::StrCat(Absl(kChartStyle), OpKindStyle(".weft-chart")); }

}  // namespace weft
