#include <algorithm>
#include <unordered_map>

#include "frontend/inspect/graph_svg.h"
#include "frontend/inspect/running_statistics.h"
#include "frontend/report/json_text.h"
#include "frontend/report/sections.h"
#include "graph/op.h"

namespace weft {
namespace {

constexpr size_t kMostAttributeText = 200;  // bytes of one attribute
constexpr size_t kMostWeightBins = 64;

// Without comments, white space between tags and the titles of edges, which nobody sees: half of
// what a browser would have to keep.
std::string CompactSvg(std::string_view svg) {
  std::string text;
  bool in_edge = false;
  for (size_t i = 0; i < svg.size();) {
    const std::string_view rest = svg.substr(i);
    size_t skipped = 0;
    if (rest.starts_with("<!--")) {
      skipped = rest.find("-->") + 3;
    } else if (in_edge && rest.starts_with("<title>")) {
      skipped = rest.find("</title>") + 8;
      in_edge = false;
    } else if (rest.starts_with("class=\"edge\"")) {
      in_edge = true;
    } else if (i > 0 && svg[i - 1] == '>') {
      const size_t next = std::min(rest.find_first_not_of(" \n\r\t"), rest.size());
      if (next < rest.size() && rest[next] == '<') skipped = next;
    }
    if (skipped > 0) {
      i += std::min(skipped, rest.size());
    } else {
      text.push_back(svg[i++]);
    }
  }
  return text;
}

bool IsWeightLeaf(const Node& node) {
  return node.op_name() == kConstant || node.op_name() == kVariable;
}

ReportJson WeightJson(const Node& leaf) {
  const Tensor& value = LeafValue(leaf);
  ReportJson json = {
      {"name", leaf.name()}, {"type", ToString(value.type())}, {"elements", value.size()}};
  if (!kFloatTypes.contains(value.dtype()) || value.size() == 0) return json;
  const absl::StatusOr<Tensor> numbers = value.Converted(DType::kF32);
  if (!numbers.ok()) return json;
  RunningStatistics statistics;
  statistics.Add(numbers->values<float>());
  const Histogram h = Coarsened(statistics.histogram(), kMostWeightBins);
  json["low"] = statistics.low();
  json["high"] = statistics.high();
  json["from"] = h.low;
  json["to"] = h.high();
  json["counts"] = h.counts;
  json["mean"] = statistics.mean();
  json["deviation"] = statistics.deviation();
  json["zeros"] = statistics.zeros();
  json["not_finite"] = statistics.nan() + statistics.infinite();
  return json;
}

ReportJson AttributesJson(const Node& node) {
  ReportJson json = ReportJson::array();
  for (const auto& [name, value] : node.attributes()) {
    std::string text = value.ToString();
    if (text.size() > kMostAttributeText) {
      text.resize(kMostAttributeText);
      text.append("...");
    }
    json.push_back({name, text});
  }
  return json;
}

// The nodes that compute and the inputs, and the weights that they read, each once.
class GraphView {
 public:
  explicit GraphView(const Graph& graph) : graph_(graph) {
    for (const Node& node : graph.nodes()) {
      if (!IsWeightLeaf(node)) nodes_.push_back(NodeJson(node));
    }
  }

  // `original` as GraphSvgOptions has it.
  ReportJson Json(const Graph* original) && {
    ReportJson json;
    const auto svg = GraphSvg(graph_, {.original = original, .standalone = false});
    if (svg.ok()) {
      json["svg"] = CompactSvg(*svg);
    } else {
      json["error"] = std::string(svg.status().message());
    }
    json["nodes"] = std::move(nodes_);
    json["weights"] = std::move(weights_);
    return json;
  }

 private:
  size_t WeightIndex(const Node& leaf) {
    const auto [it, is_new] = weight_index_.try_emplace(&leaf, weights_.size());
    if (is_new) weights_.push_back(WeightJson(leaf));
    return it->second;
  }

  ReportJson NodeJson(const Node& node) {
    ReportJson types = ReportJson::array(), inputs = ReportJson::array(),
               weights = ReportJson::array();
    for (int i = 0; i < node.num_outputs(); ++i) types.push_back(ToString(node.type(i)));
    for (const Value& input : node.inputs()) {
      if (!input) continue;
      if (IsWeightLeaf(*input.node)) {
        weights.push_back(WeightIndex(*input.node));
      } else {
        inputs.push_back(input.node->name());
      }
    }
    ReportJson json = {{"name", node.name()},
                       {"op", node.op_name()},
                       {"types", types},
                       {"inputs", inputs},
                       {"attributes", AttributesJson(node)},
                       {"weights", weights}};
    if (!node.provenance().rule.empty()) {
      json["rule"] = node.provenance().rule;
      json["sources"] = node.provenance().sources;
    }
    return json;
  }

  const Graph& graph_;
  std::unordered_map<const Node*, size_t> weight_index_;
  ReportJson nodes_ = ReportJson::array(), weights_ = ReportJson::array();
};

}  // namespace

std::string GraphJson(const Graph& graph, const Graph* original) {
  return JsonText(GraphView(graph).Json(original));
}

}  // namespace weft
