#ifndef WEFT_FRONTEND_INSPECT_SVG_PARTS_H_
#define WEFT_FRONTEND_INSPECT_SVG_PARTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "frontend/inspect/graph/graph_layout.h"

namespace weft {

// What drawings of this folder have in common.

struct SvgHead {
  std::string_view css_class;  // of the <svg>, which rules of `style` begin with
  DrawingSize size;
  std::string title;
  std::string style;
  // A file of its own, with its size, the style sheet and a ground that is light or dark as the
  // reader likes it; false: for a page that has all of these.
  bool standalone = true;
};
// "<svg ...><title>...</title><style>...</style>"
std::string SvgBegin(const SvgHead& head);

// ` name="value"`, escaped.
std::string SvgAttribute(const char* name, std::string_view value);
// "<title>", the lines, "</title>"
std::string SvgTitle(const std::vector<std::string>& lines);
// "<text class= x= y=>text</text>", `y` being the middle of the line.
std::string SvgText(const char* css_class, double x, double y, const std::string& text);
std::string SvgRect(double x, double y, const DrawingSize& size, double corner = 0);
std::string SvgLine(const char* css_class, double x1, double y1, double x2, double y2);

// That of a file with a chart, in the style of ChartStyle() and `style`.
std::string ChartBegin(const DrawingSize& size, const std::string& title,
                       const std::string& style = {});

// The style sheet of pages with charts of this folder, which have the class "weft-chart": text and
// lines have the color of the page's text, ops their kinds'.
std::string ChartStyle();

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_SVG_PARTS_H_
