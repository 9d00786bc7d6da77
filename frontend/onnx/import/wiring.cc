#include "frontend/onnx/import/wiring.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "frontend/onnx/import/context.h"
#include "frontend/onnx/import/ops.h"

namespace weft {
namespace {

constexpr size_t kMostProblems = 100;  // that a message lists

class Wiring {
 public:
  explicit Wiring(const onnx::GraphProto& graph) : graph_(graph) {}

  std::vector<OnnxProblem> Check() {
    for (const onnx::NodeProto& node : graph_.node()) {
      made_later_.insert(node.output().begin(), node.output().end());
    }
    // An input may have an initializer as its default, as all had before IR version 4.
    for (const onnx::ValueInfoProto& input : graph_.input()) Make("input", input.name());
    std::unordered_set<std::string_view> inputs = made_;
    for (const onnx::TensorProto& tensor : graph_.initializer()) {
      if (!inputs.erase(tensor.name())) Make("initializer", tensor.name());
    }
    for (const onnx::SparseTensorProto& tensor : graph_.sparse_initializer()) {
      if (!inputs.erase(tensor.values().name())) Make("initializer", tensor.values().name());
    }
    for (const onnx::NodeProto& node : graph_.node()) CheckNode(node);
    std::unordered_set<std::string_view> outputs;
    for (const onnx::ValueInfoProto& output : graph_.output()) {
      if (!made_.contains(output.name()) || output.name().empty()) {
        Add("output " + output.name(), "nothing makes it");
      }
      if (!outputs.insert(output.name()).second) Add("output " + output.name(), "it stands twice");
    }
    if (outputs.empty()) Add("the graph", "it has no output");
    return std::move(problems_);
  }

 private:
  void Add(std::string where, std::string what) {
    problems_.push_back({std::move(where), std::move(what)});
  }

  void Make(std::string_view kind, const std::string& name) {
    if (name.empty()) Add(std::string(kind), "it has no name");
    if (!made_.insert(name).second) {
      Add(absl::StrCat(Absl(kind), " ", name), "another value has that name");
    }
  }

  void CheckNode(const onnx::NodeProto& node) {
    const auto where = [&] { return absl::StrCat(OnnxNodeName(node), " (", node.op_type(), ")"); };
    for (const std::string& input : node.input()) {
      if (input.empty() || made_.contains(input)) continue;
      Add(where(), made_later_.contains(input)
                       ? absl::StrCat("reads ", input,
                                      ", which is made only later: a cycle, or nodes "
                                      "out of order")
                       : absl::StrCat("reads ", input, ", which nothing makes"));
    }
    for (const std::string& output : node.output()) {
      if (!output.empty() && !made_.insert(output).second) {
        Add(where(), absl::StrCat("makes ", output, ", which another one makes already"));
      }
    }
  }

  const onnx::GraphProto& graph_;
  std::unordered_set<std::string_view> made_, made_later_;
  std::vector<OnnxProblem> problems_;
};

// Appends to `problems`.
void ListUnsupported(const onnx::NodeProto& parent, int depth, std::vector<OnnxProblem>& problems) {
  constexpr int kDeepest = 32;  // more than anybody writes
  for (const onnx::AttributeProto& attribute : parent.attribute()) {
    if (!attribute.has_g() || depth == kDeepest) continue;
    for (const onnx::NodeProto& node : attribute.g().node()) {
      const bool known =
          node.op_type() == "Constant" || FindOnnxOp(node.op_type(), node.domain()) != nullptr;
      if (!known) {
        problems.push_back(
            {absl::StrCat(OnnxNodeName(parent), "/", OnnxNodeName(node), " (", node.op_type(), ")"),
             "the op is not supported", /*unsupported=*/true});
      }
      ListUnsupported(node, depth + 1, problems);
    }
  }
}

absl::Status CheckAttribute(const onnx::AttributeProto& given, const onnx::OpSchema& schema) {
  auto it = schema.attributes().find(given.name());
  if (it == schema.attributes().end()) {
    return absl::InvalidArgumentError(absl::StrCat("has an attribute ", given.name(),
                                                   ", which ONNX's ", schema.Name(), " of opset ",
                                                   schema.since_version(), " has not"));
  }
  if (!given.ref_attr_name().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("its attribute ", given.name(), " refers to a function's, but it is in none"));
  }
  if (given.type() != it->second.type) {
    return absl::InvalidArgumentError(
        absl::StrCat("its attribute ", given.name(), ": expected ",
                     onnx::AttributeProto::AttributeType_Name(it->second.type), ", got ",
                     onnx::AttributeProto::AttributeType_Name(given.type())));
  }
  return absl::OkStatus();
}

absl::Status CheckCount(std::string_view what, int count, int least, int most) {
  if (count >= least && count <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("expected ", least,
                                                 least == most ? "" : absl::StrCat(" to ", most),
                                                 " ", Absl(what), ", got ", count));
}

}  // namespace

std::vector<OnnxProblem> CheckOnnxWiring(const onnx::GraphProto& graph) {
  return Wiring(graph).Check();
}

std::vector<OnnxProblem> UnsupportedWithin(const onnx::NodeProto& node) {
  std::vector<OnnxProblem> problems;
  ListUnsupported(node, 0, problems);
  return problems;
}

absl::Status CheckOnnxNode(const onnx::NodeProto& node, const onnx::OpSchema& schema) {
  WEFT_RETURN_IF_ERROR(
      CheckCount("inputs", node.input_size(), schema.min_input(), schema.max_input()));
  WEFT_RETURN_IF_ERROR(
      CheckCount("outputs", node.output_size(), schema.min_output(), schema.max_output()));
  const size_t formals = schema.inputs().size();
  for (int i = 0; i < node.input_size() && formals > 0; ++i) {
    const auto& formal = schema.inputs()[std::min(static_cast<size_t>(i), formals - 1)];
    if (node.input(i).empty() && formal.GetOption() != onnx::OpSchema::Optional) {
      return absl::InvalidArgumentError(
          absl::StrCat("its input ", formal.GetName(), " is required, but absent"));
    }
  }
  std::unordered_set<std::string_view> names;
  for (const onnx::AttributeProto& given : node.attribute()) {
    WEFT_RETURN_IF_ERROR(CheckAttribute(given, schema));
    if (!names.insert(given.name()).second) {
      return absl::InvalidArgumentError(absl::StrCat("has the attribute ", given.name(), " twice"));
    }
  }
  for (const auto& [name, attribute] : schema.attributes()) {
    if (attribute.required && !names.contains(name)) {
      return absl::InvalidArgumentError(absl::StrCat("lacks its attribute ", name));
    }
  }
  return absl::OkStatus();
}

int OnnxOpset(const onnx::ModelProto& model, const std::string& domain) {
  for (const onnx::OperatorSetIdProto& opset : model.opset_import()) {
    const bool standard = opset.domain().empty() || opset.domain() == "ai.onnx";
    if (opset.domain() == domain || (standard && (domain.empty() || domain == "ai.onnx"))) {
      return static_cast<int>(std::clamp<int64_t>(opset.version(), 0, 1 << 20));
    }
  }
  return 0;
}

absl::Status StatusOfProblems(const std::vector<OnnxProblem>& problems) {
  if (problems.empty()) return absl::OkStatus();
  std::string message;
  if (problems.size() > 1) message = absl::StrCat(problems.size(), " problems: ");
  for (size_t i = 0; i < std::min(problems.size(), kMostProblems); ++i) {
    absl::StrAppend(&message, i == 0 ? "" : "; ", problems[i].where, ": ", problems[i].what);
  }
  if (problems.size() > kMostProblems) {
    absl::StrAppend(&message, "; and ", problems.size() - kMostProblems, " more");
  }
  const bool unsupported = std::all_of(problems.begin(), problems.end(),
                                       [](const OnnxProblem& p) { return p.unsupported; });
  return unsupported ? absl::UnimplementedError(message) : absl::InvalidArgumentError(message);
}

}  // namespace weft
