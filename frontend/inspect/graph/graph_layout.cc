#include "frontend/inspect/graph/graph_layout.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "frontend/inspect/graph/graph_piece.h"
#include "frontend/inspect/graph/run_program.h"

namespace weft {
namespace {

constexpr double kDrawingMargin = 12;
constexpr double kPointsPerInch = 72;
// Beyond so many edges straight pieces are drawn instead of splines, whose fitting takes longer
// than all the rest, and the search for short edges is cut short.
constexpr size_t kMostSplines = 400;
// Beyond this `dot` takes minutes, and its drawing has more of edges than of boxes: the graphs of
// training steps, whose activations reach from the beginning to the end, have 10,000 and more;
// HRNet, the most woven of the zoo, has 760.
constexpr int64_t kMostSpan = 3000;

std::vector<GraphPiece> CutGraph(int boxes, std::span<const DrawingEdge> edges) {
  std::vector<std::vector<int>> leaving(static_cast<size_t>(boxes));
  for (size_t e = 0; e < edges.size(); ++e) {
    leaving[static_cast<size_t>(edges[e].from)].push_back(static_cast<int>(e));
  }
  std::vector<GraphPiece> pieces;
  GraphPiece piece;
  int reach = 0;
  for (int i = 0; i < boxes; ++i) {
    if (i > 0 && reach <= i) {
      piece.last = i;
      pieces.push_back(std::exchange(piece, {.first = i}));
    }
    for (const int e : leaving[static_cast<size_t>(i)]) {
      reach = std::max(reach, edges[static_cast<size_t>(e)].to);
      piece.edges.push_back(e);
    }
  }
  return pieces;
}

// A piece in DOT, its boxes numbered from 0, its edges by their place in it. The first and the last
// box have layers of their own.
std::string PieceDot(const GraphPiece& piece, std::span<const DrawingSize> boxes,
                     std::span<const DrawingEdge> edges, double gap) {
  std::string dot = absl::StrFormat("digraph{nodesep=%.4f;ranksep=%.4f;", kBoxGap / kPointsPerInch,
                                    gap / kPointsPerInch);
  if (piece.edges.size() > kMostSplines) dot += "splines=polyline;nslimit=4;nslimit1=4;mclimit=.5;";
  dot += "node[shape=box,fixedsize=true,label=\"\"];edge[arrowhead=none];";
  for (int i = piece.first; i <= piece.last; ++i) {
    const DrawingSize& box = boxes[static_cast<size_t>(i)];
    absl::StrAppendFormat(&dot, "%d[width=%.4f,height=%.4f];", i - piece.first,
                          box.width / kPointsPerInch, box.height / kPointsPerInch);
  }
  for (size_t e = 0; e < piece.edges.size(); ++e) {
    const DrawingEdge& edge = edges[static_cast<size_t>(piece.edges[e])];
    absl::StrAppendFormat(&dot, "%d->%d[id=%d];", edge.from - piece.first, edge.to - piece.first,
                          e);
  }
  absl::StrAppendFormat(&dot, "{rank=source;0}{rank=sink;%d}}\n", piece.last - piece.first);
  return dot;
}

// In how many layers edges pass boxes by, were each box as high up as it can be: what `dot` has to
// order and to straighten.
int64_t SpanOf(const GraphPiece& piece, std::span<const DrawingEdge> edges) {
  std::vector<int> layers(static_cast<size_t>(piece.last - piece.first) + 1);
  const auto layer = [&](int box) -> int& {
    return layers[static_cast<size_t>(box - piece.first)];
  };
  for (const int e : piece.edges) {  // in the order of the boxes that they leave
    const DrawingEdge& edge = edges[static_cast<size_t>(e)];
    layer(edge.to) = std::max(layer(edge.to), layer(edge.from) + 1);
  }
  int64_t span = 0;
  for (const int e : piece.edges) {
    const DrawingEdge& edge = edges[static_cast<size_t>(e)];
    span += layer(edge.to) - layer(edge.from) - 1;
  }
  return span;
}

// Whether there is nothing to lay out, or too much.
bool IsColumn(const GraphPiece& piece, std::span<const DrawingEdge> edges) {
  return piece.last == piece.first + 1 || SpanOf(piece, edges) > kMostSpan;
}

using DotJson = nlohmann::json;

// What `dot` wrote is not what it is known to write.
absl::Status DotNotUnderstood(std::string_view what) {
  return absl::InternalError(absl::StrCat("dot: its output is not understood: ", Absl(what)));
}

std::string DotText(const DotJson& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<DrawingPoint> DotPoint(const DotJson& json) {
  if (!json.is_array() || json.size() < 2 || !json[0].is_number() || !json[1].is_number()) {
    return std::nullopt;
  }
  // dot's y goes upwards.
  return DrawingPoint{json[0].get<double>(), -json[1].get<double>()};
}

// The points of the first drawing of one of these kinds ("b": curves).
absl::StatusOr<std::vector<DrawingPoint>> DotPoints(const DotJson& object, std::string_view kinds) {
  const auto drawn = object.find("_draw_");
  if (drawn == object.end() || !drawn->is_array()) return DotNotUnderstood("no _draw_");
  for (const DotJson& step : *drawn) {
    const std::string op = DotText(step, "op");
    if (op.size() != 1 || kinds.find(op[0]) == std::string_view::npos) continue;
    const auto found = step.find("points");
    if (found == step.end() || !found->is_array()) return DotNotUnderstood("no points");
    std::vector<DrawingPoint> points;
    for (const DotJson& json : *found) {
      const std::optional<DrawingPoint> point = DotPoint(json);
      if (!point) return DotNotUnderstood("a point");
      points.push_back(*point);
    }
    return points;
  }
  return DotNotUnderstood("nothing drawn");
}

absl::StatusOr<size_t> DotNumber(const DotJson& object, const char* key, size_t below) {
  size_t number = 0;
  if (!absl::SimpleAtoi(DotText(object, key), &number) || number >= below)
    return DotNotUnderstood(key);
  return number;
}

absl::StatusOr<GraphLayout> ReadPiece(std::string_view text, const GraphPiece& piece) {
  const DotJson json = DotJson::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("objects")) return DotNotUnderstood("no objects");
  GraphLayout layout;
  layout.centers.resize(static_cast<size_t>(piece.last - piece.first) + 1);
  layout.curves.resize(piece.edges.size());
  size_t boxes = 0, edges = 0;
  for (const DotJson& object : json["objects"]) {
    if (!object.contains("_draw_")) continue;  // a rank
    WEFT_ASSIGN_OR_RETURN(const size_t i, DotNumber(object, "name", layout.centers.size()));
    WEFT_ASSIGN_OR_RETURN(const std::vector<DrawingPoint> corners, DotPoints(object, "pP"));
    if (corners.size() != 4) return DotNotUnderstood("a box");
    layout.centers[i] = Between(corners[0], corners[2], 0.5);
    ++boxes;
  }
  for (const DotJson& object : json.value("edges", DotJson::array())) {
    WEFT_ASSIGN_OR_RETURN(const size_t e, DotNumber(object, "id", layout.curves.size()));
    WEFT_ASSIGN_OR_RETURN(layout.curves[e], DotPoints(object, "bB"));
    if (layout.curves[e].size() < 4 || layout.curves[e].size() % 3 != 1)
      return DotNotUnderstood("a curve");
    ++edges;
  }
  if (boxes != layout.centers.size() || edges != layout.curves.size()) {
    return DotNotUnderstood("some of the graph is missing");
  }
  return layout;
}

// The layouts of pieces in DOT, all by one run of `dot`.
absl::StatusOr<std::vector<GraphLayout>> RunDot(const std::vector<const GraphPiece*>& pieces,
                                                const std::string& dots, double seconds) {
  std::vector<GraphLayout> layouts;
  if (pieces.empty()) return layouts;
  absl::StatusOr<std::string> output = RunProgram({"dot", "-Tjson"}, dots, {.seconds = seconds});
  if (absl::IsNotFound(output.status())) {
    return absl::NotFoundError("dot is not installed: install graphviz");
  }
  WEFT_RETURN_IF_ERROR(output.status());
  std::string_view rest = *output;
  for (const GraphPiece* piece : pieces) {
    constexpr std::string_view kEnd = "\n}\n";
    const size_t end = rest.find(kEnd);
    if (end == std::string_view::npos) return DotNotUnderstood("a graph is missing");
    WEFT_ASSIGN_OR_RETURN(layouts.emplace_back(), ReadPiece(rest.substr(0, end + 2), *piece));
    rest.remove_prefix(end + kEnd.size());
  }
  return layouts;
}

// Puts pieces below one another, the last box of each on the first one of the next.
class PieceStack {
 public:
  PieceStack(std::span<const DrawingSize> boxes, size_t edges) : boxes_(boxes) {
    layout_.centers.resize(boxes.size());
    layout_.curves.resize(edges);
    if (!boxes.empty()) Cover(layout_.centers[0], boxes[0]);
  }

  void Add(const GraphPiece& piece, const GraphLayout& part) {
    const DrawingPoint& joint = layout_.centers[static_cast<size_t>(piece.first)];
    const DrawingPoint by{joint.x - part.centers[0].x, joint.y - part.centers[0].y};
    for (size_t i = 0; i < part.centers.size(); ++i) {
      const size_t box = static_cast<size_t>(piece.first) + i;
      layout_.centers[box] = {part.centers[i].x + by.x, part.centers[i].y + by.y};
      Cover(layout_.centers[box], boxes_[box]);
    }
    for (size_t e = 0; e < part.curves.size(); ++e) {
      std::vector<DrawingPoint>& curve = layout_.curves[static_cast<size_t>(piece.edges[e])];
      for (const DrawingPoint& p : part.curves[e]) {
        curve.push_back({p.x + by.x, p.y + by.y});
        Cover(curve.back(), {});
      }
    }
  }

  // With the top left corner of all at (0, 0), but for a margin.
  GraphLayout Take() {
    const auto move = [&](DrawingPoint& p) {
      p.x += kDrawingMargin - low_.x;
      p.y += kDrawingMargin - low_.y;
    };
    for (DrawingPoint& center : layout_.centers) move(center);
    for (std::vector<DrawingPoint>& curve : layout_.curves) std::ranges::for_each(curve, move);
    layout_.size = {2 * kDrawingMargin + std::max(0.0, high_.x - low_.x),
                    2 * kDrawingMargin + std::max(0.0, high_.y - low_.y)};
    return std::move(layout_);
  }

 private:
  void Cover(const DrawingPoint& center, const DrawingSize& size) {
    low_ = {std::min(low_.x, center.x - size.width / 2),
            std::min(low_.y, center.y - size.height / 2)};
    high_ = {std::max(high_.x, center.x + size.width / 2),
             std::max(high_.y, center.y + size.height / 2)};
  }

  static constexpr double kFar = std::numeric_limits<double>::max();
  std::span<const DrawingSize> boxes_;
  GraphLayout layout_;
  DrawingPoint low_{kFar, kFar}, high_{-kFar, -kFar};
};

}  // namespace

absl::StatusOr<GraphLayout> LayOutGraph(std::span<const DrawingSize> boxes,
                                        std::span<const DrawingEdge> edges, double gap,
                                        double seconds) {
  const std::vector<GraphPiece> pieces = CutGraph(static_cast<int>(boxes.size()), edges);
  std::map<std::string, size_t> numbers;  // of the distinct pieces, by their DOT
  std::vector<const GraphPiece*> distinct;
  std::vector<std::optional<size_t>> number_of(pieces.size());
  std::string dots;
  for (size_t p = 0; p < pieces.size(); ++p) {
    if (IsColumn(pieces[p], edges)) continue;
    const std::string dot = PieceDot(pieces[p], boxes, edges, gap);
    const auto [entry, is_new] = numbers.emplace(dot, distinct.size());
    number_of[p] = entry->second;
    if (!is_new) continue;
    distinct.push_back(&pieces[p]);
    dots += dot;
  }
  WEFT_ASSIGN_OR_RETURN(const std::vector<GraphLayout> layouts, RunDot(distinct, dots, seconds));
  PieceStack stack(boxes, edges.size());
  for (size_t p = 0; p < pieces.size(); ++p) {
    if (number_of[p]) {
      stack.Add(pieces[p], layouts[*number_of[p]]);
    } else {
      stack.Add(pieces[p], ColumnOf(pieces[p], boxes, edges, gap));
    }
  }
  return stack.Take();
}

}  // namespace weft
