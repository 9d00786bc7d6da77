#include "frontend/onnx/import/functions.h"

#include <google/protobuf/unknown_field_set.h>

#include <map>
#include <set>

namespace weft {
namespace {

using onnx::AttributeProto;
using onnx::FunctionProto;

// Defaults of attributes, a field that ONNX 1.12 does not know yet.
template <typename Function>
std::vector<AttributeProto> DefaultsOf(const Function& function) {
  std::vector<AttributeProto> defaults;
  if constexpr (requires { function.attribute_proto(); }) {
    defaults.assign(function.attribute_proto().begin(), function.attribute_proto().end());
  } else {
    constexpr int kAttributeProto = 11;
    const auto& unknown = function.unknown_fields();
    for (int i = 0; i < unknown.field_count(); ++i) {
      const auto& field = unknown.field(i);
      if (field.number() != kAttributeProto ||
          field.type() != google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
        continue;
      }
      AttributeProto attribute;
      if (attribute.ParseFromString(field.length_delimited())) defaults.push_back(attribute);
    }
  }
  return defaults;
}

class Instantiation {
 public:
  Instantiation(const FunctionProto& function, const onnx::NodeProto& call) {
    const std::vector<AttributeProto> defaults = DefaultsOf(function);
    refers_ = function.attribute_size() > 0 || !defaults.empty();
    for (const AttributeProto& attribute : defaults) {
      attributes_[attribute.name()] = attribute;
    }
    for (const AttributeProto& attribute : call.attribute()) {
      attributes_[attribute.name()] = attribute;
    }
    for (int i = 0; i < function.input_size(); ++i) {
      if (i >= call.input_size() || call.input(i).empty()) absent_.insert(function.input(i));
    }
  }

  bool changes_nothing() const { return !refers_ && absent_.empty(); }

  // Nodes within bodies can refer to them too.
  void Apply(onnx::NodeProto& node) const {
    for (std::string& input : *node.mutable_input()) {
      if (absent_.contains(input)) input.clear();
    }
    for (int i = node.attribute_size() - 1; i >= 0; --i) {
      AttributeProto& attribute = *node.mutable_attribute(i);
      if (!attribute.ref_attr_name().empty()) {
        auto given = attributes_.find(attribute.ref_attr_name());
        if (given == attributes_.end()) {
          node.mutable_attribute()->DeleteSubrange(i, 1);
          continue;
        }
        const std::string name = attribute.name();
        attribute = given->second;
        attribute.set_name(name);
      } else if (attribute.has_g()) {
        for (onnx::NodeProto& inner : *attribute.mutable_g()->mutable_node()) Apply(inner);
      }
    }
  }

 private:
  std::map<std::string, AttributeProto> attributes_;
  std::set<std::string> absent_;
  bool refers_ = false;  // whether its nodes can refer to attributes
};

std::string PlainDomain(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

}  // namespace

OnnxFunctions::OnnxFunctions(const onnx::ModelProto& model) {
  for (const FunctionProto& function : model.functions()) {
    by_name_.emplace(std::pair(PlainDomain(function.domain()), function.name()), &function);
  }
}

const FunctionProto* OnnxFunctions::Find(const onnx::NodeProto& node) const {
  auto it = by_name_.find(std::pair(PlainDomain(node.domain()), node.op_type()));
  return it == by_name_.end() ? nullptr : it->second;
}

absl::StatusOr<std::shared_ptr<const FunctionProto>> InstantiateOnnxFunction(
    const FunctionProto& function, const onnx::NodeProto& call) {
  if (call.input_size() > function.input_size() || call.output_size() > function.output_size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected at most ", function.input_size(), " inputs and ", function.output_size(),
        " outputs, as the function has, got ", call.input_size(), " and ", call.output_size()));
  }
  const Instantiation instantiation(function, call);
  if (instantiation.changes_nothing()) return std::shared_ptr<const FunctionProto>();
  auto body = std::make_shared<FunctionProto>(function);
  for (onnx::NodeProto& node : *body->mutable_node()) instantiation.Apply(node);
  return body;
}

}  // namespace weft
