#include "frontend/onnx/import/functions.h"

#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "frontend/onnx/import/order.h"
#include "frontend/onnx/import/scope.h"

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

// Which of several functions of one name: since IR version 10, a field that ONNX 1.12 does not know
// either. `number` is the field's.
template <typename Message>
std::string OverloadOf(const Message& message, int number) {
  if constexpr (requires { message.overload(); }) {
    return message.overload();
  } else {
    std::string overload;
    const auto& unknown = message.unknown_fields();
    for (int i = 0; i < unknown.field_count(); ++i) {
      const auto& field = unknown.field(i);
      if (field.number() == number &&
          field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
        overload = field.length_delimited();
      }
    }
    return overload;
  }
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

  void Apply(FunctionProto& body) const {
    for (onnx::NodeProto& node : *body.mutable_node()) Apply(node, absent_);
  }

 private:
  // Nodes within bodies can refer to them too, but to operands only by names that the body lacks.
  void Apply(onnx::GraphProto& body, const std::set<std::string>& absent) const {
    std::set<std::string> left;
    std::ranges::set_difference(absent, OnnxNamesOf(body), std::inserter(left, left.end()));
    for (onnx::NodeProto& node : *body.mutable_node()) Apply(node, left);
  }

  void Apply(onnx::NodeProto& node, const std::set<std::string>& absent) const {
    for (std::string& input : *node.mutable_input()) {
      if (absent.contains(input)) input.clear();
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
        Apply(*attribute.mutable_g(), absent);
      }
    }
  }

  std::map<std::string, AttributeProto> attributes_;
  std::set<std::string> absent_;
  bool refers_ = false;  // whether its nodes can refer to attributes
};

}  // namespace

OnnxFunctions::OnnxFunctions(const onnx::ModelProto& model) {
  for (const FunctionProto& function : model.functions()) {
    constexpr int kOverload = 13;
    Key key(PlainOnnxDomain(function.domain()), function.name(), OverloadOf(function, kOverload));
    if (!by_key_.emplace(std::move(key), &function).second) hidden_.push_back(function.name());
  }
}

const FunctionProto* OnnxFunctions::Find(const onnx::NodeProto& node) const {
  constexpr int kOverload = 8;
  const auto it = by_key_.find(
      Key(PlainOnnxDomain(node.domain()), node.op_type(), OverloadOf(node, kOverload)));
  return it == by_key_.end() ? nullptr : it->second;
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
  instantiation.Apply(*body);
  return body;
}

}  // namespace weft
