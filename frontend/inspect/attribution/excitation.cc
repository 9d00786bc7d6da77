#include "frontend/inspect/attribution/excitation.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <unordered_set>

#include "absl/strings/str_format.h"
#include "frontend/inspect/attribution/attribution_common.h"
#include "frontend/inspect/attribution/color_strip.h"
#include "frontend/inspect/svg_parts.h"

namespace weft {
namespace {

constexpr double kGatesLeft = 260, kGatesWidth = 640, kGatesRight = 220, kGatesTop = 34,
                 kGatesStrip = 14, kGatesGap = 4, kGatesBottom = 40;
constexpr size_t kGatesALine = 512;

size_t LinesOf(const ExcitationGates& block) {
  return (block.gates.size() + kGatesALine - 1) / kGatesALine;
}

// The block's strips, one a line, the last as long as its share.
std::string GateStrips(const ExcitationGates& block, double y) {
  const size_t columns = std::min(kGatesALine, block.gates.size());
  std::string text;
  for (size_t first = 0; first < block.gates.size(); first += columns) {
    const size_t count = std::min(columns, block.gates.size() - first);
    const auto begin = block.gates.begin() + static_cast<std::ptrdiff_t>(first);
    const std::vector<double> line(begin, begin + static_cast<std::ptrdiff_t>(count));
    const double width = kGatesWidth * static_cast<double>(count) / static_cast<double>(columns);
    text += ColorStripSvg(line, ColorMap::kHeat, {kGatesLeft, y, width, kGatesStrip});
    y += kGatesStrip;
  }
  return text;
}

// A gate's value has one place a channel.
bool HasOnePlace(const TensorType& type) {
  return type.rank() >= 3 && std::all_of(type.shape.begin() + 2, type.shape.end(),
                                         [](const Dim& dim) { return dim == Dim(1); });
}

// The Sigmoid that the value is, past what only gives it other dims; or null.
const Node* GateOf(Value value) {
  while (!value.null() &&
         (value.node->op_name() == "Reshape" || value.node->op_name() == "Unsqueeze")) {
    value = value.node->input(0);
  }
  if (value.null()) return nullptr;
  const std::string_view op = value.node->op_name();
  return op == "Sigmoid" || op == "HardSigmoid" ? value.node : nullptr;
}

// Whether `gate` depends on means of `maps`.
bool IsSqueezedFrom(const Node* gate, Value maps) {
  std::vector<const Node*> open = {gate};
  std::unordered_set<const Node*> seen = {gate};
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    if (node->op_name() == "ReduceMean") {
      if (node->input(0) == maps) return true;
      continue;
    }
    for (const Value value : node->inputs()) {
      if (!value.null() && seen.insert(value.node).second) open.push_back(value.node);
    }
  }
  return false;
}

// The node with the gates where `node` is the end of a block; or null.
const Node* GateOfBlock(const Node& node) {
  if (node.op_name() != "Mul") return nullptr;
  for (const int i : {0, 1}) {
    const Value gates = node.input(i), maps = node.input(1 - i);
    if (!HasOnePlace(gates.type()) || gates.type().rank() != maps.type().rank() ||
        gates.type().dim(1) != maps.type().dim(1)) {
      continue;
    }
    const Node* gate = GateOf(gates);
    if (gate != nullptr && IsSqueezedFrom(gate, maps)) return gate;
  }
  return nullptr;
}

absl::StatusOr<std::vector<std::string>> FindGates(const Graph& graph) {
  std::vector<std::string> gates;
  for (const Node& node : graph.nodes()) {
    if (node.op_name() == "SqueezeExcitation") {
      return absl::FailedPreconditionError(
          absl::StrCat("excitation: ", node.Describe(),
                       " is fused and keeps its gates to itself; open the model that was not "
                       "optimized"));
    }
    if (const Node* gate = GateOfBlock(node); gate != nullptr) gates.push_back(gate->name());
  }
  if (!gates.empty()) return gates;
  return absl::FailedPreconditionError(
      "excitation: expected squeeze-and-excitation blocks (maps times a Sigmoid or HardSigmoid of "
      "their means), there are none");
}

ExcitationGates GatesFrom(const std::string& name, const Tensor& values) {
  ExcitationGates block{.name = name};
  for (int64_t i = 0; i < values.size(); ++i) {
    block.gates.push_back(static_cast<float>(values.At(i)));
  }
  const auto [least, most] = std::ranges::minmax(block.gates);
  block.least = least;
  block.most = most;
  block.mean = std::accumulate(block.gates.begin(), block.gates.end(), 0.0) /
               static_cast<double>(block.gates.size());
  return block;
}

}  // namespace

absl::StatusOr<std::vector<ExcitationGates>> GatesOfExcitation(const Attributor& of,
                                                               const Tensor& x,
                                                               const SessionOptions& session) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::string> names, FindGates(of.model().graph));
  WEFT_ASSIGN_OR_RETURN(Probe* const probe,
                        of.ProbeFor({.at = names, .towards = {}, .session = session}));
  WEFT_ASSIGN_OR_RETURN(const Tensor example, OneExampleFor(probe->input(), x));
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> values, probe->Values(example));
  std::vector<ExcitationGates> blocks;
  for (size_t i = 0; i < names.size(); ++i) blocks.push_back(GatesFrom(names[i], values[i]));
  return blocks;
}

absl::StatusOr<Tensor> ExcitationTable(std::span<const ExcitationGates> blocks) {
  size_t most = 0;
  for (const ExcitationGates& block : blocks) most = std::max(most, block.gates.size());
  WEFT_ASSIGN_OR_RETURN(
      Tensor table, Tensor::Zeros(DType::kF32, {std::ssize(blocks), static_cast<int64_t>(most)}));
  const std::span<float> values = table.mutable_values<float>();
  std::ranges::fill(values, std::numeric_limits<float>::quiet_NaN());
  for (size_t i = 0; i < blocks.size(); ++i) {
    std::ranges::copy(blocks[i].gates, values.subspan(i * most).begin());
  }
  return table;
}

std::string ExcitationSvg(std::span<const ExcitationGates> blocks, const std::string& title) {
  double bottom = kGatesTop;
  for (const ExcitationGates& block : blocks) {
    bottom += kGatesStrip * static_cast<double>(LinesOf(block)) + kGatesGap;
  }
  std::string text =
      ChartBegin({kGatesLeft + kGatesWidth + kGatesRight, bottom + kGatesBottom}, title);
  text += SvgText("start", kGatesLeft, 16, title);
  double y = kGatesTop;
  for (const ExcitationGates& block : blocks) {
    text += SvgText("end", kGatesLeft - 8, y + 7, block.name);
    text += GateStrips(block, y);
    text += SvgText("start", kGatesLeft + kGatesWidth + 8, y + 7,
                    absl::StrFormat("%d: mean %.2f, %.2f to %.2f", block.gates.size(), block.mean,
                                    block.least, block.most));
    y += kGatesStrip * static_cast<double>(LinesOf(block)) + kGatesGap;
  }
  std::vector<double> ramp(65);
  for (size_t i = 0; i < ramp.size(); ++i) {
    ramp[i] = static_cast<double>(i) / static_cast<double>(ramp.size() - 1);
  }
  text += ColorStripSvg(ramp, ColorMap::kHeat, {kGatesLeft + 60, y + 12, 200, 12});
  text += SvgText("end", kGatesLeft + 54, y + 18, "shut 0");
  text += SvgText("start", kGatesLeft + 266, y + 18,
                  "1 open; a block's channels left to right, 512 a line");
  return text + "</svg>\n";
}

}  // namespace weft
