#include "frontend/onnx/import/wiring.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "frontend/onnx/import/context.h"
#include "frontend/onnx/import/ops.h"

namespace weft {
namespace {

constexpr size_t kMostProblems = 100;  // that a message lists

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

std::vector<OnnxProblem> CheckOnnxNames(const onnx::GraphProto& graph) {
  std::vector<OnnxProblem> problems;
  std::unordered_set<std::string_view> made;
  const auto make = [&](const std::string& kind, const std::string& name) {
    if (name.empty()) problems.push_back({kind, "it has no name"});
    if (!made.insert(name).second) {
      problems.push_back({absl::StrCat(kind, " ", name), "another value has that name"});
    }
  };
  for (const onnx::ValueInfoProto& input : graph.input()) make("input", input.name());
  // An input may have an initializer as its default, as all had before IR version 4.
  std::unordered_set<std::string_view> inputs = made;
  const auto initialize = [&](const std::string& name) {
    if (!inputs.erase(name)) make("initializer", name);
  };
  for (const onnx::TensorProto& tensor : graph.initializer()) initialize(tensor.name());
  for (const onnx::SparseTensorProto& sparse : graph.sparse_initializer()) {
    initialize(sparse.values().name());
  }
  if (graph.output_size() == 0) problems.push_back({"the graph", "it has no output"});
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
