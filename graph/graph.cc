#include "graph/graph.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/op.h"

namespace weft {
namespace {

int RequiredOutputs(const OpDef& op) {
  return static_cast<int>(std::count_if(op.outputs.begin(), op.outputs.end(),
                                        [](const OutputSpec& o) { return !o.optional; }));
}

bool HasTypes(const Node& node, const std::vector<TensorType>& types) {
  for (int i = 0; i < node.num_outputs(); ++i) {
    if (types[static_cast<size_t>(i)] != node.type(i)) return false;
  }
  return true;
}

}  // namespace

const TensorType& Value::type() const { return node->type(index); }

std::string Value::ToString() const {
  if (null()) return "-";
  return index == 0 ? node->name() : absl::StrCat(node->name(), ":", index);
}

std::string_view Node::op_name() const { return op_->name; }

std::string Node::Describe() const { return absl::StrCat(name_, " (", Absl(op_->name), ")"); }

absl::StatusOr<std::vector<TensorType>> Graph::Infer(const OpDef& op, std::string_view name,
                                                     std::span<const Value> inputs,
                                                     const AttributeMap& attributes,
                                                     int num_outputs) const {
  const int asked = num_outputs < 0 ? RequiredOutputs(op) : num_outputs;
  InferContext context(name, inputs, attributes, asked);
  WEFT_ASSIGN_OR_RETURN(std::vector<TensorType> types, op.infer(context));
  const size_t least =
      op.variadic_outputs ? types.size() : static_cast<size_t>(RequiredOutputs(op));
  const size_t count =
      op.variadic_outputs && num_outputs < 0 ? types.size() : static_cast<size_t>(asked);
  if (count < least || count > types.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected ", least, " to ", types.size(), " outputs, got ", count));
  }
  types.resize(count);
  for (const TensorType& type : types) {
    WEFT_RETURN_IF_ERROR(CheckSize(type.shape));
  }
  return types;
}

bool Graph::Has(Value value) const {
  return value && Find(value.node->name_) == value.node && value.index >= 0 &&
         value.index < value.node->num_outputs();
}

NodeSpec Node::Spec() const {
  return {.op = std::string(op_name()),
          .name = name_,
          .inputs = inputs_,
          .attributes = attributes_,
          .num_outputs = num_outputs(),
          .provenance = provenance_,
          .forward = forward_};
}

absl::Status Graph::CheckWiring(const Node& node) const {
  auto is_early = [&](const Node* n) {
    return insertion_point_ == nullptr || n->position_ < insertion_point_->position_;
  };
  for (int i = 0; i < node.num_inputs(); ++i) {
    const Value v = node.input(i);
    if (v && (!Has(v) || !is_early(v.node))) {
      return absl::InvalidArgumentError(
          absl::StrCat("input ", i, ": expected an output of a node before it, got ",
                       v.node->Describe(), " output ", v.index));
    }
  }
  if (node.forward_ != nullptr && (!Has(node.forward_->output(0)) || !is_early(node.forward_))) {
    return absl::InvalidArgumentError(
        absl::StrCat("forward node: expected one before it, got ", node.forward_->Describe()));
  }
  return absl::OkStatus();
}

absl::Status Graph::CheckReader(const Node& reader, Value from, Value to) const {
  std::vector<Value> inputs = reader.inputs_;
  std::replace(inputs.begin(), inputs.end(), from, to);
  auto types = Infer(*reader.op_, reader.name_, inputs, reader.attributes_, reader.num_outputs());
  if (!types.ok()) return Annotate(types.status(), reader.Describe());
  if (HasTypes(reader, *types)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(reader.Describe(), ": the elements of ", to.ToString(), " change its type"));
}

absl::StatusOr<Node*> Graph::AddNode(NodeSpec spec) {
  const OpDef* op = registry_->Find(spec.op);
  const std::string hint = spec.name.empty() ? spec.op : spec.name;
  if (op == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(hint, ": unknown op '", spec.op, "'"));
  }
  Node node;
  node.op_ = op;
  node.name_ = UniqueName(hint);
  node.inputs_ = std::move(spec.inputs);
  node.attributes_ = std::move(spec.attributes);
  node.provenance_ = std::move(spec.provenance);
  node.forward_ = spec.forward;
  absl::Status status = CheckAttributes(*op, node.attributes_);
  if (status.ok()) status = CheckWiring(node);
  if (status.ok()) status = CheckInputs(*op, node.inputs_);
  if (status.ok()) {
    auto types = Infer(*op, node.name_, node.inputs_, node.attributes_, spec.num_outputs);
    status = types.status();
    if (types.ok()) {
      for (TensorType& type : *types) node.outputs_.push_back({.type = std::move(type)});
    }
  }
  if (!status.ok()) return Annotate(status, node.Describe());
  return Insert(std::move(node));
}

absl::StatusOr<Value> Graph::AddInput(std::string name, TensorType type) {
  WEFT_ASSIGN_OR_RETURN(Node * node, AddNode({.op = std::string(kInput),
                                              .name = std::move(name),
                                              .attributes = {{"type", std::move(type)}}}));
  return node->output(0);
}

absl::StatusOr<Value> Graph::AddConstant(std::string name, Tensor value) {
  WEFT_ASSIGN_OR_RETURN(Node * node, AddNode({.op = std::string(kConstant),
                                              .name = std::move(name),
                                              .attributes = {{"value", std::move(value)}}}));
  return node->output(0);
}

absl::StatusOr<Value> Graph::AddVariable(std::string name, Tensor value, bool trainable,
                                         std::string_view role) {
  WEFT_ASSIGN_OR_RETURN(Node * node, AddNode({.op = std::string(kVariable),
                                              .name = std::move(name),
                                              .attributes = {{"value", std::move(value)},
                                                             {"trainable", int64_t{trainable}},
                                                             {"role", std::string(role)}}}));
  return node->output(0);
}

Node* Graph::After(const Node* node) const {
  const auto next = std::next(node->self_);
  return next == nodes_.end() ? nullptr : &*next;
}

Node* Graph::Find(std::string_view name) const {
  auto it = by_name_.find(Absl(name));
  return it == by_name_.end() ? nullptr : it->second;
}

std::string Graph::UniqueName(std::string_view hint) const {
  const auto numbered = [hint](int64_t i) {
    return i == 0 ? std::string(hint) : absl::StrCat(Absl(hint), "_", i);
  };
  const auto is_taken = [&](int64_t i) { return by_name_.contains(numbered(i)); };
  // Numbers are taken from 1 on, so that doubling and halving find the first that is free. Trying
  // one after another would take the square of the time where all nodes want one name.
  if (!is_taken(0)) return numbered(0);
  int64_t taken = 0, free = 1;
  while (is_taken(free)) taken = std::exchange(free, 2 * free);
  while (free - taken > 1) {
    const int64_t middle = taken + (free - taken) / 2;
    (is_taken(middle) ? taken : free) = middle;
  }
  return numbered(free);
}

absl::Status Graph::Rename(Node* node, std::string name) {
  if (name == node->name_) return absl::OkStatus();
  if (name.empty() || by_name_.contains(name)) {
    return absl::AlreadyExistsError(
        absl::StrCat(node->Describe(), ": the name '", name, "' is empty or taken"));
  }
  const auto call = [this, node](std::string called) {
    by_name_.erase(node->name_);
    node->name_ = std::move(called);
    by_name_.emplace(node->name_, node);
  };
  OnRevert([call, before = node->name_] { call(before); });
  call(std::move(name));
  NoteRenamed(node);
  return absl::OkStatus();
}

std::vector<Node*> Graph::inputs() const {
  std::vector<Node*> result;
  for (const Node& node : nodes_) {
    if (node.op_name() == kInput) result.push_back(node.output().node);
  }
  return result;
}

std::vector<Node*> Graph::variables() const {
  std::vector<Node*> result;
  for (const Node& node : nodes_) {
    if (node.op_name() == kVariable) result.push_back(node.output().node);
  }
  return result;
}

absl::Status Graph::ReplaceUses(Value from, Value to) {
  if (from == to) return absl::OkStatus();
  if (from.null() || to.null() || from.type() != to.type()) {
    return absl::InvalidArgumentError(
        absl::StrCat("replacing ", from.ToString(), " by ", to.ToString(), ": expected type ",
                     from.null() ? "-" : weft::ToString(from.type()), ", got ",
                     to.null() ? "-" : weft::ToString(to.type())));
  }
  const std::vector<Use> uses(from.node->uses(from.index).begin(),
                              from.node->uses(from.index).end());
  const bool elements_matter = ConstantValue(from) != nullptr || ConstantValue(to) != nullptr;
  for (const Use& use : uses) {
    if (!to.node->IsBefore(*use.user)) {
      return absl::InvalidArgumentError(
          absl::StrCat(to.node->Describe(), " comes after its reader ", use.user->Describe()));
    }
    if (elements_matter) WEFT_RETURN_IF_ERROR(CheckReader(*use.user, from, to));
  }
  for (const Use& use : uses) SetInput(use, to);
  MoveKeepers(from, to);
  return absl::OkStatus();
}

void Graph::MoveGradientLinks(Node* from, Node* to) {
  if (from == to) return;
  const std::vector<Node*> gradients = from->gradients_;
  for (Node* gradient : gradients) SetForward(gradient, to);
}

absl::Status Graph::SetLeafValue(Node* leaf, Tensor value) {
  if (leaf->op_name() != kVariable && leaf->op_name() != kConstant) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a variable or a constant, got ", leaf->Describe()));
  }
  if (value.is_empty() || value.type() != leaf->type()) {
    return absl::InvalidArgumentError(
        absl::StrCat(leaf->Describe(), ": expected ", weft::ToString(leaf->type()), ", got ",
                     value.is_empty() ? "nothing" : weft::ToString(value.type())));
  }
  return SetAttribute(leaf, "value", std::move(value));
}

absl::Status Graph::SetAttribute(Node* node, std::string_view name, Attribute value) {
  AttributeMap attributes = node->attributes_;
  attributes.insert_or_assign(std::string(name), std::move(value));
  absl::Status status = CheckAttributes(*node->op_, attributes);
  if (status.ok()) {
    auto types = Infer(*node->op_, node->name_, node->inputs_, attributes, node->num_outputs());
    status = types.status();
    if (types.ok() && !HasTypes(*node, *types)) {
      status = absl::InvalidArgumentError(
          absl::StrCat("attribute ", Absl(name), " would change the output type"));
    }
  }
  if (!status.ok()) return Annotate(status, node->Describe());
  AttributeMap before = std::exchange(node->attributes_, std::move(attributes));
  if (node->op_name() == kConstant) {  // readers may infer from its elements
    for (const Use& use : node->uses()) {
      status = CheckReader(*use.user, node->output(), node->output());
      if (status.ok()) continue;
      node->attributes_ = std::move(before);
      return status;
    }
  }
  NoteChanged(node);
  OnRevert([node, before = std::move(before)] { node->attributes_ = before; });
  return absl::OkStatus();
}

const Tensor& LeafValue(const Node& node) {
  static const Tensor empty;
  // ConstantOfShape, which is no leaf, has an attribute of that name too.
  if (node.op_name() != kConstant && node.op_name() != kVariable) return empty;
  auto it = node.attributes().find("value");
  const Tensor* tensor =
      it == node.attributes().end() ? nullptr : std::get_if<Tensor>(&it->second.value);
  return tensor == nullptr ? empty : *tensor;
}

const Tensor* ConstantValue(Value value) {
  if (value.null() || value.node->op_name() != kConstant) return nullptr;
  return &LeafValue(*value.node);
}

bool IsTrainable(const Node& node) {
  return node.op_name() == kVariable && GetInt(node.attributes(), "trainable") != 0;
}

std::string VariableRole(const Node& node) { return GetString(node.attributes(), "role"); }

}  // namespace weft
