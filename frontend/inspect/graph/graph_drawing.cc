#include "frontend/inspect/graph/graph_drawing.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/inspect/graph/node_label.h"

namespace weft {
namespace {

constexpr size_t kMostNameCharacters = 36, kMostLineCharacters = 44, kMostShapeCharacters = 32;
constexpr double kLeastBoxWidth = 120;
constexpr double kBoxWidthStep = 24;  // boxes of few widths: more blocks are drawn alike
// Room for the shape beside an edge between two sources.
constexpr double kSourceIndent = 10;

bool IsWeightLeaf(const Node& node) {
  return node.op_name() == kConstant || node.op_name() == kVariable;
}

double LabelWidth(const std::string& text, double size) {
  return static_cast<double>(CountCharacters(text)) * size * kCharacterWidth;
}

// The nodes that a fused one came from, in the order of the graph that they are of.
std::vector<const Node*> OriginalNodes(const Provenance& from, const Graph& original) {
  std::vector<const Node*> nodes;
  for (const std::string& name : from.sources) {
    if (const Node* node = original.Find(name)) nodes.push_back(node);
  }
  std::ranges::sort(nodes, {}, &Node::position);
  return nodes;
}

// Edges that end lowest lie inside: none crosses another that it could leave out.
void AssignLanes(std::vector<DrawnSourceEdge>& edges) {
  std::vector<DrawnSourceEdge*> passing;
  for (DrawnSourceEdge& edge : edges) {
    if (edge.to > edge.from + 1) passing.push_back(&edge);
  }
  std::ranges::stable_sort(passing, {}, [](const DrawnSourceEdge* e) { return e->to - e->from; });
  for (size_t i = 0; i < passing.size(); ++i) {
    int lane = 1;
    for (size_t j = 0; j < i; ++j) {
      const bool overlap = passing[j]->from < passing[i]->to && passing[i]->from < passing[j]->to;
      if (overlap) lane = std::max(lane, passing[j]->lane + 1);
    }
    passing[i]->lane = lane;
  }
}

void AddSources(const Node& node, const Graph* original, DrawnNode& drawn) {
  const Provenance& from = node.provenance();
  std::unordered_map<const Node*, int> places;
  std::unordered_set<std::string_view> found;
  if (original != nullptr) {
    for (const Node* source : OriginalNodes(from, *original)) {
      if (!found.insert(source->name()).second) continue;
      places.emplace(source, static_cast<int>(drawn.sources.size()));
      drawn.sources.push_back({.name = source->name(),
                               .op = std::string(source->op_name()),
                               .label = absl::StrCat(source->name(), "  ", OpLabel(*source)),
                               .kind = OpKindOf(source->op_name())});
    }
  }
  for (const auto& [source, place] : places) {
    std::unordered_set<const Node*> read;
    for (const Value input : source->inputs()) {
      if (!input || !read.insert(input.node).second) continue;
      const auto at = places.find(input.node);
      if (at == places.end()) continue;
      drawn.source_edges.push_back(
          {.from = at->second, .to = place, .shape = ShapeLabel(input.type())});
    }
  }
  std::ranges::sort(drawn.source_edges, {},
                    [](const DrawnSourceEdge& e) { return std::pair(e.from, e.to); });
  for (const std::string& name : from.sources) {
    if (found.insert(name).second) drawn.sources.push_back({.name = name, .label = name});
  }
  AssignLanes(drawn.source_edges);
}

// Whether the node is more than the one of its name that it came from.
bool IsMadeOfSources(const Node& node, const Graph* original) {
  const std::vector<std::string>& sources = node.provenance().sources;
  if (sources.size() != 1) return !sources.empty();
  if (sources[0] != node.name()) return true;
  const Node* source = original == nullptr ? nullptr : original->Find(sources[0]);
  return source != nullptr && source->op_name() != node.op_name();
}

double SourcesHeight(const DrawnNode& node) {
  const auto count = static_cast<double>(node.sources.size());
  return count == 0 ? 0
                    : count * kSourceHeight + (count - 1) * kSourceGap + kSourcesGap + kBoxPadding;
}

DrawingSize BoxSizeOf(const DrawnNode& node) {
  double width = LabelWidth(node.shown_name, kNameSize);
  for (const std::string& line : node.lines) width = std::max(width, LabelWidth(line, kLineSize));
  double lanes = 0;
  for (const DrawnSourceEdge& e : node.source_edges) lanes = std::max<double>(lanes, e.lane);
  for (const DrawnSource& source : node.sources) {
    width = std::max(
        width, LabelWidth(source.label, kLineSize) + 2 * kSourceIndent + 2 * lanes * kSourceLane);
  }
  for (const DrawnSourceEdge& e : node.source_edges) {
    width = std::max(width, 2 * (LabelWidth(e.shape, kShapeSize) + kSourceIndent));
  }
  width = std::max(kLeastBoxWidth, width + 2 * kBoxPadding);
  return {
      std::ceil(width / kBoxWidthStep) * kBoxWidthStep,
      kLineHeight * static_cast<double>(1 + node.lines.size()) + kBoxPadding + SourcesHeight(node)};
}

class GraphDrawer {
 public:
  GraphDrawer(const Graph& graph, const GraphSvgOptions& options)
      : graph_(graph), options_(options) {
    int index = 0;
    for (const Node& node : graph.nodes()) indices_[&node] = index++;
    for (const auto* list : {&graph.outputs(), &graph.losses()}) {
      for (const NamedValue& output : *list) Keep(output.value, output.name);
    }
    KeepUpdates();
  }

  GraphDrawing Draw() {
    // What reads nothing comes when it is first read, or last of all: no long edges pass by others.
    for (const Node& node : graph_.nodes()) {
      if (node.num_inputs() > 0) Add(node);
    }
    for (const Node& node : graph_.nodes()) Add(node);
    return std::move(drawing_);
  }

 private:
  // Weights would hide the structure; one that is itself an output stays.
  bool IsDrawn(const Node& node) const {
    return options_.weights || !IsWeightLeaf(node) || kept_.contains(&node);
  }
  void Keep(Value value, std::string name) {
    kept_[value.node].emplace_back(value, std::move(name));
  }
  // Those by one node together: an optimizer's step has one for each parameter.
  void KeepUpdates() {
    std::unordered_map<const Node*, int> counts;
    for (const Update& update : graph_.updates()) ++counts[update.value.node];
    for (const Update& update : graph_.updates()) {
      const int count = std::exchange(counts[update.value.node], 0);
      if (count == 0) continue;
      Keep(update.value, count == 1 ? absl::StrCat("update ", update.variable->name())
                                    : absl::StrCat(count, " updates"));
    }
  }

  void Add(const Node& node) {
    if (!IsDrawn(node) || places_.contains(&node)) return;
    for (const Value input : node.inputs()) {
      if (input) Add(*input.node);
    }
    const int place = static_cast<int>(drawing_.nodes.size());
    places_[&node] = place;
    drawing_.nodes.push_back(NodeFor(node));
    for (const Value input : node.inputs()) {
      if (input && IsDrawn(*input.node)) AddEdge(input, place);
    }
    const auto kept = kept_.find(&node);
    if (kept == kept_.end()) return;
    for (const auto& [value, name] : kept->second) {
      drawing_.nodes.push_back({.name = name,
                                .shown_name = Shortened(name, kMostNameCharacters),
                                .title = {name, ToString(value.type())}});
      drawing_.nodes.back().size = BoxSizeOf(drawing_.nodes.back());
      AddEdge(value, static_cast<int>(drawing_.nodes.size()) - 1);
    }
  }

  DrawnNode NodeFor(const Node& node) const {
    DrawnNode drawn{.node = &node,
                    .index = indices_.at(&node),
                    .name = node.name(),
                    .shown_name = Shortened(node.name(), kMostNameCharacters),
                    .kind = OpKindOf(node.op_name()),
                    .title = NodeDescription(node),
                    .parameters = ParametersOf(node)};
    drawn.lines.push_back(Shortened(OpLabel(node), kMostLineCharacters));
    if (drawn.parameters > 0) drawn.lines.push_back(CountText(drawn.parameters) + " parameters");
    if (IsMadeOfSources(node, options_.original)) AddSources(node, options_.original, drawn);
    for (DrawnSource& source : drawn.sources) {
      source.label = Shortened(source.label, kMostLineCharacters);
    }
    drawn.size = BoxSizeOf(drawn);
    return drawn;
  }

  void AddEdge(Value value, int to) {
    const bool is_first = value.index == 0 && labelled_.insert(value.node).second;
    drawing_.edges.push_back({.ends = {places_.at(value.node), to},
                              .value = value,
                              .has_label = options_.shapes && is_first});
  }

  const Graph& graph_;
  const GraphSvgOptions& options_;
  std::unordered_map<const Node*, int> indices_, places_;
  std::unordered_map<const Node*, std::vector<std::pair<Value, std::string>>> kept_;
  std::unordered_set<const Node*> labelled_;
  GraphDrawing drawing_;
};

}  // namespace

GraphDrawing DrawingOf(const Graph& graph, const GraphSvgOptions& options) {
  return GraphDrawer(graph, options).Draw();
}

std::string ShapeLabel(const TensorType& type) {
  std::vector<std::string> dims;
  for (const Dim& dim : type.shape) dims.push_back(dim.ToString());
  std::string label = dims.empty() ? "scalar" : absl::StrJoin(dims, "×");
  if (type.dtype != DType::kF32) {
    label = absl::StrCat(Absl(ToString(type.dtype)), " ", label);
  }
  return Shortened(label, kMostShapeCharacters);
}

size_t CountCharacters(const std::string& text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string Shortened(const std::string& text, size_t most) {
  const size_t characters = CountCharacters(text);
  if (characters <= most || most < 3) return text;
  const size_t before = (most - 1) / 2, after = most - 1 - before;
  std::string result;
  size_t at = 0;
  for (const char c : text) {
    at += (c & 0xc0) != 0x80;
    if (at == before + 1 && (c & 0xc0) != 0x80) result += "…";
    if (at <= before || at > characters - after) result += c;
  }
  return result;
}

}  // namespace weft
