#include "frontend/inspect/graph/graph_svg.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "frontend/inspect/graph/graph_drawing.h"
#include "frontend/inspect/svg_parts.h"

namespace weft {
namespace {

constexpr double kShapeOffset = 5, kShapeDrop = 10;
constexpr double kShapeOverhang = 20;  // of a shape over its box, less than the gap between boxes
// Pixels between layers; from left to right, a shape lies between them.
constexpr double kLayerGap = 36, kWideLayerGap = 120;

constexpr std::string_view kDrawingStyle =
    ".weft-graph{font:11px ui-monospace,Menlo,Consolas,\"DejaVu Sans Mono\",monospace}\n"
    ".weft-graph text{fill:currentColor;text-anchor:middle}\n"
    ".weft-graph .name{font-size:12px;font-weight:bold}\n"
    ".weft-graph .shape{font-size:10px;text-anchor:start;fill-opacity:.8}\n"
    ".weft-graph path{fill:none;stroke:currentColor;stroke-opacity:.6}\n"
    ".weft-graph marker path{fill:currentColor;fill-opacity:.6;stroke:none}\n"
    ".weft-graph .fused>rect{stroke-width:2;fill-opacity:.1}\n"
    ".weft-graph .output>rect{fill:none;stroke:currentColor}\n";

class GraphSvgWriter {
 public:
  GraphSvgWriter(const GraphDrawing& drawing, const GraphLayout& layout,
                 const GraphSvgOptions& options)
      : drawing_(drawing),
        layout_(layout),
        options_(options),
        line_end_(options.compact ? "" : "\n") {}

  std::string Write() {
    Begin();
    for (size_t e = 0; e < drawing_.edges.size(); ++e) Edge(e);
    for (size_t i = 0; i < drawing_.nodes.size(); ++i) Box(i);
    return std::move(text_) + "</svg>\n";
  }

 private:
  void Begin() {
    const auto count = std::ranges::count_if(
        drawing_.nodes, [](const DrawnNode& node) { return node.node != nullptr; });
    text_ = SvgBegin({.css_class = "weft-graph",
                      .size = layout_.size,
                      .title = absl::StrCat("Graph of ", count, " nodes"),
                      .style = GraphSvgStyle(),
                      .standalone = options_.standalone});
    text_ +=
        "<defs><marker id=\"weft-arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" "
        "markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">"
        "<path d=\"M0 1L8 4L0 7z\"/></marker></defs>";
    text_ += line_end_;
  }

  void Edge(size_t e) {
    const DrawnEdge& edge = drawing_.edges[e];
    const std::string& from = drawing_.nodes[static_cast<size_t>(edge.ends.from)].name;
    const std::string& to = drawing_.nodes[static_cast<size_t>(edge.ends.to)].name;
    absl::StrAppend(&text_, "<g class=\"edge\"", SvgAttribute("data-from", from),
                    SvgAttribute("data-to", to), ">");
    if (!options_.compact) {
      text_ +=
          SvgTitle({absl::StrCat(edge.value.ToString(), " to ", to), ToString(edge.value.type())});
    }
    text_ += "<path marker-end=\"url(#weft-arrow)\" d=\"";
    const std::vector<DrawingPoint>& curve = layout_.curves[e];
    for (size_t p = 0; p < curve.size(); ++p) {
      absl::StrAppendFormat(&text_, "%s%.1f %.1f",
                            p == 0   ? "M"
                            : p == 1 ? "C"
                                     : " ",
                            curve[p].x, curve[p].y);
    }
    text_ += "\"/>";
    if (edge.has_label) Shape(edge, curve[0]);
    absl::StrAppend(&text_, "</g>", line_end_);
  }

  // Beside the beginning of an edge, where no other box is: below the box that it leaves, or on its
  // right.
  void Shape(const DrawnEdge& edge, const DrawingPoint& begin) {
    const auto from = static_cast<size_t>(edge.ends.from);
    const DrawingPoint& center = layout_.centers[from];
    const DrawingSize& size = drawing_.nodes[from].size;
    const std::string label = ShapeLabel(edge.value.type());
    if (options_.horizontal) {
      text_ +=
          SvgText("shape", center.x + size.width / 2 + kShapeOffset, begin.y - kShapeDrop, label);
      return;
    }
    const double width = static_cast<double>(CountCharacters(label)) * kShapeSize * kCharacterWidth;
    const double left = center.x - size.width / 2;
    const double right = center.x + size.width / 2 + kShapeOverhang - width;
    text_ += SvgText("shape", std::max(left, std::min(begin.x + kShapeOffset, right)),
                     center.y + size.height / 2 + kShapeDrop, label);
  }

  void Box(size_t i) {
    const DrawnNode& node = drawing_.nodes[i];
    const DrawingPoint& center = layout_.centers[i];
    Group(node);
    const double top = center.y - node.size.height / 2;
    text_ += SvgRect(center.x - node.size.width / 2, top, node.size, node.node == nullptr ? 14 : 4);
    double y = top + kBoxPadding / 2 + kLineHeight / 2;
    text_ += SvgText("name", center.x, y, node.shown_name);
    for (const std::string& line : node.lines)
      text_ += SvgText("line", center.x, y += kLineHeight, line);
    if (!node.sources.empty()) Sources(node, center.x, y + kLineHeight / 2 + kSourcesGap);
    absl::StrAppend(&text_, "</g>", line_end_);
  }

  void Group(const DrawnNode& node) {
    if (node.node == nullptr) {
      absl::StrAppend(&text_, "<g class=\"output\"", SvgAttribute("data-output", node.name), ">");
    } else {
      absl::StrAppend(&text_, "<g class=\"node ", Absl(OpClass(node.kind)),
                      node.sources.empty() ? "" : " fused", "\"",
                      SvgAttribute("data-node", node.name), " data-index=\"", node.index, "\"",
                      SvgAttribute("data-op", node.node->op_name()));
      if (node.node->num_outputs() > 0) {
        text_ += SvgAttribute("data-shape", ToString(node.node->type()));
      }
      if (node.parameters > 0) {
        absl::StrAppend(&text_, " data-parameters=\"", node.parameters, "\"");
      }
      if (!node.sources.empty()) {
        text_ += SvgAttribute("data-rule", node.node->provenance().rule);
      }
      text_ += ">";
    }
    text_ += SvgTitle(node.title);
  }

  // One below another, `top` being the upper edge of the room for them.
  void Sources(const DrawnNode& node, double x, double top) {
    double lanes = 0;
    for (const DrawnSourceEdge& e : node.source_edges) lanes = std::max<double>(lanes, e.lane);
    const double width = node.size.width - 2 * kBoxPadding - 2 * lanes * kSourceLane;
    const auto top_of = [&](int i) { return top + i * (kSourceHeight + kSourceGap); };
    for (const DrawnSourceEdge& edge : node.source_edges) {
      SourceEdge(edge, x, width, top_of(edge.from), top_of(edge.to));
    }
    for (size_t i = 0; i < node.sources.size(); ++i) {
      const DrawnSource& source = node.sources[i];
      const double y = top_of(static_cast<int>(i));
      absl::StrAppend(&text_, line_end_, "<g class=\"source ", Absl(OpClass(source.kind)), "\"",
                      SvgAttribute("data-source", source.name));
      if (!source.op.empty()) text_ += SvgAttribute("data-op", source.op);
      text_ += ">";
      text_ += SvgRect(x - width / 2, y, {width, kSourceHeight}, 3);
      text_ += SvgText("line", x, y + kSourceHeight / 2, source.label);
      text_ += "</g>";
    }
  }

  void SourceEdge(const DrawnSourceEdge& edge, double x, double width, double from, double to) {
    text_ += "<path marker-end=\"url(#weft-arrow)\" d=\"";
    if (edge.lane == 0) {
      absl::StrAppendFormat(&text_, "M%.1f %.1fV%.1f\"/>", x, from + kSourceHeight, to);
      text_ += SvgText("shape", x + kShapeOffset, (from + kSourceHeight + to) / 2, edge.shape);
      return;
    }
    const double side = x + width / 2, out = side + edge.lane * kSourceLane;
    absl::StrAppendFormat(&text_, "M%.1f %.1fH%.1fV%.1fH%.1f\"/>", side, from + kSourceHeight * 0.7,
                          out, to + kSourceHeight * 0.3, side);
  }

  const GraphDrawing& drawing_;
  const GraphLayout& layout_;
  const GraphSvgOptions& options_;
  const char* const line_end_;
  std::string text_;
};

void SwapAxes(GraphLayout& layout) {
  std::swap(layout.size.width, layout.size.height);
  const auto swap = [](DrawingPoint& p) { std::swap(p.x, p.y); };
  std::ranges::for_each(layout.centers, swap);
  for (std::vector<DrawingPoint>& curve : layout.curves) std::ranges::for_each(curve, swap);
}

}  // namespace

absl::StatusOr<std::string> GraphSvg(const Graph& graph, const GraphSvgOptions& options) {
  const GraphDrawing drawing = DrawingOf(graph, options);
  std::vector<DrawingSize> boxes;
  for (const DrawnNode& node : drawing.nodes) {
    boxes.push_back(options.horizontal ? DrawingSize{node.size.height, node.size.width}
                                       : node.size);
  }
  std::vector<DrawingEdge> edges;
  for (const DrawnEdge& edge : drawing.edges) edges.push_back(edge.ends);
  const double gap = options.horizontal && options.shapes ? kWideLayerGap : kLayerGap;
  WEFT_ASSIGN_OR_RETURN(GraphLayout layout, LayOutGraph(boxes, edges, gap, options.seconds));
  if (options.horizontal) SwapAxes(layout);
  return GraphSvgWriter(drawing, layout, options).Write();
}

std::string GraphSvgStyle() {
  // What comes later wins: fused nodes are paler, so that their sources stand out.
  return absl::StrCat(OpKindStyle(".weft-graph"), Absl(kDrawingStyle));
}

}  // namespace weft
