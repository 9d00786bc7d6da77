#include <unordered_map>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "graph/op.h"
#include "graph/text.h"

namespace weft {
namespace {

// A string in DOT's quotes; "\n" in it begins a new line of the label.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '\n') {
      quoted += "\\n";
    } else if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else {
      quoted.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
    }
  }
  return quoted + "\"";
}

// Names come from users; only ours may hold line breaks.
std::string OneLine(std::string name) {
  for (char& c : name) c = c == '\n' ? ' ' : c;
  return name;
}

bool IsWeight(const Node& node) {
  return node.op_name() == kConstant || node.op_name() == kVariable;
}

class DotWriter {
 public:
  explicit DotWriter(const Graph& graph) : graph_(graph) {
    for (const auto* outputs : {&graph.outputs(), &graph.losses()}) {
      for (const NamedValue& output : *outputs) kept_.insert(output.value.node);
    }
    for (const Update& update : graph.updates()) kept_.insert(update.value.node);
    int id = 0;
    for (const Node& node : graph.nodes()) ids_[&node] = id++;
  }

  std::string Write() {
    text_ = "digraph weft {\n  rankdir=TB;\n  node [shape=box];\n";
    for (const Node& node : graph_.nodes()) {
      if (Drawn(node)) DrawNode(node);
    }
    int id = 0;
    for (const NamedValue& output : graph_.outputs()) DrawOutput(output, id++);
    for (const NamedValue& loss : graph_.losses()) DrawOutput(loss, id++);
    for (size_t i = 0; i < graph_.updates().size(); ++i) {
      const Update& update = graph_.updates()[i];
      const std::string id = absl::StrCat("update", i);
      absl::StrAppend(&text_, "  ", id,
                      " [label=", Quoted(OneLine(absl::StrCat("update ", update.variable->name()))),
                      ", shape=note];\n");
      DrawEdge(update.value, id);
    }
    return text_ + "}\n";
  }

 private:
  // Weights would hide the structure; one that is itself an output stays.
  bool Drawn(const Node& node) const { return !IsWeight(node) || kept_.contains(&node); }

  void DrawOutput(const NamedValue& output, int number) {
    const std::string id = absl::StrCat("out", number);
    absl::StrAppend(&text_, "  ", id, " [label=", Quoted(OneLine(output.name)),
                    ", shape=ellipse];\n");
    DrawEdge(output.value, id);
  }

  void DrawNode(const Node& node) {
    std::string label = OneLine(node.name());
    if (node.op_name() != kInput) absl::StrAppend(&label, "\n", Absl(node.op_name()));
    for (int i = 0; i < node.num_outputs(); ++i) {
      absl::StrAppend(&label, "\n", OneLine(ToString(node.type(i))));
    }
    absl::StrAppend(&text_, "  n", ids_.at(&node), " [label=", Quoted(label),
                    node.op_name() == kInput ? ", shape=ellipse" : "", "];\n");
    for (const Value& input : node.inputs()) {
      if (input && Drawn(*input.node)) DrawEdge(input, absl::StrCat("n", ids_.at(&node)));
    }
  }

  // Edges of a second or later output carry its index.
  void DrawEdge(const Value& from, const std::string& to) {
    absl::StrAppend(&text_, "  n", ids_.at(from.node), " -> ", to);
    if (from.index > 0) absl::StrAppend(&text_, " [label=\"", from.index, "\"]");
    text_ += ";\n";
  }

  const Graph& graph_;
  std::unordered_set<const Node*> kept_;
  std::unordered_map<const Node*, int> ids_;
  std::string text_;
};

}  // namespace

std::string ToDot(const Graph& graph) { return DotWriter(graph).Write(); }

}  // namespace weft
