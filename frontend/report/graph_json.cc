#include <unordered_map>

#include "frontend/inspect/graph/graph_svg.h"
#include "frontend/inspect/running_statistics.h"
#include "frontend/report/json_text.h"
#include "frontend/report/sections.h"
#include "graph/op.h"

namespace weft {
namespace {

constexpr size_t kMostAttributeText = 200;  // bytes of one attribute
constexpr size_t kMostWeightBins = 64;

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
    int64_t index = 0;
    for (const Node& node : graph.nodes()) {
      if (!IsWeightLeaf(node)) nodes_.push_back(NodeJson(node, index));
      ++index;
    }
  }

  // `original` as GraphSvgOptions has it.
  ReportJson Json(const Graph* original) && {
    ReportJson json;
    const auto svg = GraphSvg(graph_, {.original = original, .standalone = false, .compact = true});
    if (svg.ok()) {
      json["svg"] = *svg;
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

  // `index`: the node's place in the graph, by which the page finds it in the drawing: names are
  // not written alike there.
  ReportJson NodeJson(const Node& node, int64_t index) {
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
    ReportJson json = {{"name", node.name()},  {"index", index},
                       {"op", node.op_name()}, {"types", types},
                       {"inputs", inputs},     {"attributes", AttributesJson(node)},
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
