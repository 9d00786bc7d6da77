#include "graph/text.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/op.h"

namespace weft {
namespace {

// A name on its line: what would break the line or steer a terminal is shown as \xNN.
std::string Plain(std::string_view name) {
  std::string text;
  for (const char c : name) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 0x20 && u != 0x7F) {
      text.push_back(c);
    } else {
      absl::StrAppend(&text, "\\x", absl::Hex(u, absl::kZeroPad2));
    }
  }
  return text;
}

std::string Types(const Node& node) {
  std::vector<std::string> types;
  for (int i = 0; i < node.num_outputs(); ++i) types.push_back(Plain(ToString(node.type(i))));
  return absl::StrJoin(types, ", ");
}

bool IsDefault(const OpDef& op, std::string_view name, const Attribute& value) {
  const auto spec = std::find_if(op.attributes.begin(), op.attributes.end(),
                                 [&](const AttributeSpec& s) { return s.name == name; });
  return spec != op.attributes.end() && spec->fallback && *spec->fallback == value;
}

// " {a=1, b=[2,3]}" of what is not the default, or "".
std::string Attributes(const Node& node) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : node.attributes()) {
    if (IsDefault(node.op(), name, value)) continue;
    parts.push_back(absl::StrCat(name, "=", Plain(value.ToString())));
  }
  return parts.empty() ? "" : absl::StrCat(" {", absl::StrJoin(parts, ", "), "}");
}

// What is unusual about a variable: parameters are trainable, the others are not.
std::string VariableNotes(const Node& node) {
  const std::string role = VariableRole(node);
  std::vector<std::string> parts;
  if (role != kParameter) parts.push_back(absl::StrCat("role=", Plain(role)));
  if (IsTrainable(node) != (role == kParameter)) {
    parts.push_back(absl::StrCat("trainable=", IsTrainable(node) ? 1 : 0));
  }
  return parts.empty() ? "" : absl::StrCat(" {", absl::StrJoin(parts, ", "), "}");
}

// f32[3]{1,2,3}: type and, of small tensors, elements, as attributes show them.
std::string ConstantText(const Node& node) { return Attribute(LeafValue(node)).ToString(); }

std::string Computation(const Node& node) {
  std::vector<std::string> inputs;
  for (const Value& input : node.inputs()) inputs.push_back(Plain(input.ToString()));
  std::string text =
      absl::StrCat(Plain(node.name()), ": ", Types(node), " = ", Absl(node.op_name()), "(",
                   absl::StrJoin(inputs, ", "), ")", Attributes(node));
  if (node.forward() != nullptr) absl::StrAppend(&text, " of ", Plain(node.forward()->name()));
  return text;
}

std::string Line(const Node& node) {
  const std::string name = Plain(node.name());
  if (node.op_name() == kInput) return absl::StrCat("input  ", name, ": ", Types(node));
  if (node.op_name() == kConstant) return absl::StrCat("const  ", name, ": ", ConstantText(node));
  if (node.op_name() == kVariable) {
    return absl::StrCat("var    ", name, ": ", Types(node), VariableNotes(node));
  }
  return Computation(node);
}

std::string ProvenanceNote(const Provenance& provenance) {
  if (provenance == Provenance()) return "";
  return absl::StrCat("  # ", Plain(provenance.rule), "(",
                      Plain(absl::StrJoin(provenance.sources, ", ")), ")");
}

}  // namespace

std::string ToText(const Graph& graph, const TextOptions& options) {
  std::string text;
  for (const Node& node : graph.nodes()) {
    absl::StrAppend(&text, Line(node), options.provenance ? ProvenanceNote(node.provenance()) : "",
                    "\n");
  }
  for (const NamedValue& output : graph.outputs()) {
    absl::StrAppend(&text, "output ", Plain(output.name), " = ", Plain(output.value.ToString()),
                    "\n");
  }
  for (const NamedValue& loss : graph.losses()) {
    absl::StrAppend(&text, "loss ", Plain(loss.name), " = ", Plain(loss.value.ToString()), "\n");
  }
  for (const Update& update : graph.updates()) {
    absl::StrAppend(&text, "update ", Plain(update.variable->name()), " <- ",
                    Plain(update.value.ToString()), "\n");
  }
  return text;
}

}  // namespace weft
