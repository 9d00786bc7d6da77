#include "frontend/inspect/graph/node_label.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "frontend/inspect/op_kind.h"
#include "graph/number_text.h"
#include "graph/op.h"

namespace weft {
namespace {

bool AllEqual(const std::vector<int64_t>& values, int64_t value) {
  return std::ranges::count(values, value) == static_cast<int64_t>(values.size());
}

// "2" where all are 2, else "2,1".
std::string MergedInts(const std::vector<int64_t>& values) {
  return !values.empty() && AllEqual(values, values[0]) ? absl::StrCat(values[0])
                                                        : absl::StrJoin(values, ",");
}

// What the node says of its kernel, or what its weights [O,I,...] do.
std::vector<int64_t> KernelOf(const Node& node) {
  const std::vector<int64_t> stated = GetInts(node.attributes(), "kernel_shape");
  if (!stated.empty() || OpKindOf(node.op_name()) != OpKind::kConv || !node.input(1)) return stated;
  const Shape& weights = node.input(1).type().shape;
  if (weights.size() < 3) return {};
  return StaticDims(Shape(weights.begin() + 2, weights.end())).value_or(Dims());
}

std::string WindowText(const Node& node) {
  const AttributeMap& a = node.attributes();
  std::string text;
  const std::vector<int64_t> kernel = KernelOf(node);
  if (!kernel.empty()) text = absl::StrCat(" ", absl::StrJoin(kernel, "×"));
  const std::vector<int64_t> strides = GetInts(a, "strides");
  if (!AllEqual(strides, 1)) absl::StrAppend(&text, " /", MergedInts(strides));
  const std::vector<int64_t> dilations = GetInts(a, "dilations");
  if (!AllEqual(dilations, 1)) absl::StrAppend(&text, " dilation ", MergedInts(dilations));
  const std::vector<int64_t> pads = GetInts(a, "pads");
  if (!AllEqual(pads, 0)) absl::StrAppend(&text, " pad ", MergedInts(pads));
  const int64_t groups = GetInt(a, "group", 1);
  if (groups != 1) absl::StrAppend(&text, " groups ", groups);
  return text;
}

// Whether the attribute has the value that the op gives it unasked.
bool IsDefault(const Node& node, const std::string& name, const Attribute& value) {
  for (const AttributeSpec& spec : node.op().attributes) {
    if (spec.name == name) return spec.fallback && *spec.fallback == value;
  }
  return false;
}

}  // namespace

std::string OpLabel(const Node& node) {
  std::string label(node.op_name());
  const AttributeMap& a = node.attributes();
  const bool has_window = a.contains("strides") || a.contains("kernel_shape");
  if (has_window) absl::StrAppend(&label, WindowText(node));
  const auto axis = a.find("axis");
  if (axis != a.end() && axis->second.kind() == Attribute::Kind::kInt) {
    absl::StrAppend(&label, " axis ", GetInt(a, "axis"));
  }
  for (const PostOp& op : GetPostOps(a, "post_ops")) absl::StrAppend(&label, " + ", op.op);
  return label;
}

std::vector<std::string> NodeDescription(const Node& node) {
  std::vector<std::string> lines = {node.Describe()};
  for (int i = 0; i < node.num_outputs(); ++i) lines.push_back(ToString(node.type(i)));
  const int64_t parameters = ParametersOf(node);
  if (parameters > 0) lines.push_back(absl::StrCat(WithCommas(parameters), " parameters"));
  for (const auto& [name, value] : node.attributes()) {
    const bool is_leaf = node.num_inputs() == 0 && name == "type";
    if (is_leaf || value.kind() == Attribute::Kind::kTensor || IsDefault(node, name, value)) {
      continue;
    }
    lines.push_back(absl::StrCat(name, " = ", value.ToString()));
  }
  const Provenance& from = node.provenance();
  if (!from.rule.empty()) {
    lines.push_back(absl::StrCat("by ", from.rule, " of ", absl::StrJoin(from.sources, ", ")));
  }
  return lines;
}

int64_t ParametersOf(const Node& node) {
  int64_t parameters = 0;
  for (const Value input : node.inputs()) {
    if (!input || !kFloatTypes.contains(input.type().dtype)) continue;
    if (input.node->op_name() != kConstant && input.node->op_name() != kVariable) continue;
    parameters += LeafValue(*input.node).size();
  }
  return parameters;
}

std::string CountText(int64_t count) {
  constexpr const char* kUnits[] = {"", " K", " M", " G", " T"};
  auto value = static_cast<double>(count);
  size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  return unit == 0 || value >= 99.95 ? absl::StrFormat("%.0f%s", value, kUnits[unit])
                                     : absl::StrFormat("%.1f%s", value, kUnits[unit]);
}

}  // namespace weft
