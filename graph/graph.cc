#include "graph/graph.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/op.h"

namespace weft {
namespace {

// Room for ~20 insertions at one place before positions are dealt out anew.
constexpr int64_t kPositionGap = int64_t{1} << 20;

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

int RequiredOutputs(const OpDef& op) {
  return static_cast<int>(std::count_if(op.outputs.begin(), op.outputs.end(),
                                        [](const OutputSpec& o) { return !o.optional; }));
}

}  // namespace

const TensorType& Value::type() const { return node->type(index); }

std::string Value::ToString() const {
  if (null()) return "-";
  return index == 0 ? node->name() : absl::StrCat(node->name(), ":", index);
}

std::string_view Node::op_name() const { return op_->name; }

std::vector<Use> Node::uses(int output) const {
  std::vector<Use> result;
  for (const Use& use : uses_) {
    if (use.user->input(use.input).index == output) result.push_back(use);
  }
  return result;
}

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
    WEFT_RETURN_IF_ERROR(CountElements(type.shape).status());
  }
  return types;
}

bool Graph::Has(Value value) const {
  return value && Find(value.node->name_) == value.node && value.index >= 0 &&
         value.index < value.node->num_outputs();
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
  if (*types == reader.types_) return absl::OkStatus();
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
    if (types.ok()) node.types_ = *std::move(types);
  }
  if (!status.ok()) return Annotate(status, node.Describe());
  return Insert(std::move(node));
}

Node* Graph::Insert(Node node) {
  auto at = insertion_point_ == nullptr ? nodes_.end() : insertion_point_->self_;
  auto it = nodes_.insert(at, std::move(node));
  it->self_ = it;
  const int64_t before = it == nodes_.begin() ? 0 : std::prev(it)->position_;
  it->position_ =
      at == nodes_.end() ? before + kPositionGap : before + (at->position_ - before) / 2;
  if (it->position_ == before) Renumber();
  by_name_.emplace(it->name_, &*it);
  for (int i = 0; i < it->num_inputs(); ++i) {
    if (Value v = it->input(i)) v.node->uses_.push_back({&*it, i});
  }
  if (it->forward_ != nullptr) it->forward_->gradients_.push_back(&*it);
  return &*it;
}

void Graph::Renumber() {
  int64_t position = 0;
  for (Node& node : nodes_) node.position_ = position += kPositionGap;
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

Node* Graph::Find(std::string_view name) const {
  auto it = by_name_.find(name);
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
  by_name_.erase(node->name_);
  node->name_ = std::move(name);
  by_name_.emplace(node->name_, node);
  return absl::OkStatus();
}

std::vector<Node*> Graph::inputs() const {
  std::vector<Node*> result;
  for (const Node& node : nodes_) {
    if (node.op_name() == kInput) result.push_back(const_cast<Node*>(&node));
  }
  return result;
}

std::vector<Node*> Graph::variables() const {
  std::vector<Node*> result;
  for (const Node& node : nodes_) {
    if (node.op_name() == kVariable) result.push_back(const_cast<Node*>(&node));
  }
  return result;
}

absl::Status Graph::AddOutput(std::string name, Value value, bool loss) {
  if (!Has(value)) {
    return absl::InvalidArgumentError(
        absl::StrCat("output ", name, ": expected a value of the graph, got ", value.ToString()));
  }
  for (const NamedValue& output : outputs_) {
    if (output.name == name) {
      return absl::AlreadyExistsError(
          absl::StrCat("output ", name, " is there already, as ", output.value.ToString()));
    }
  }
  if (loss && (value.type().rank() != 0 || !kFloatTypes.contains(value.type().dtype))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "loss ", name, ": expected a floating-point scalar, got ", weft::ToString(value.type())));
  }
  outputs_.push_back({std::move(name), value, loss});
  return absl::OkStatus();
}

absl::Status Graph::AddUpdate(Node* variable, Value value) {
  if (variable == nullptr || value.null() || variable->op_name() != kVariable) {
    return absl::InvalidArgumentError(
        absl::StrCat("update: expected a variable and a value, got ",
                     variable == nullptr ? "nothing" : variable->Describe()));
  }
  if (!Has(variable->output(0)) || !Has(value)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "update of ", variable->name(), ": expected a value of the graph, got ", value.ToString()));
  }
  if (variable->type() != value.type()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "update of ", variable->name(), ": expected ", weft::ToString(variable->type()), ", ",
        value.ToString(), " is ", weft::ToString(value.type())));
  }
  for (const Update& update : updates_) {
    if (update.variable == variable) {
      return absl::AlreadyExistsError(absl::StrCat(
          "variable ", variable->name(), " is updated already, by ", update.value.ToString()));
    }
  }
  updates_.push_back({variable, value});
  return absl::OkStatus();
}

bool Graph::IsOutput(Value value) const {
  return std::any_of(outputs_.begin(), outputs_.end(),
                     [&](const NamedValue& o) { return o.value == value; }) ||
         std::any_of(updates_.begin(), updates_.end(),
                     [&](const Update& u) { return u.value == value; });
}

int Graph::CountReaders(Value value) const {
  auto count = static_cast<int64_t>(value.node->uses(value.index).size());
  count += std::count_if(outputs_.begin(), outputs_.end(),
                         [&](const NamedValue& o) { return o.value == value; });
  count += std::count_if(updates_.begin(), updates_.end(),
                         [&](const Update& u) { return u.value == value; });
  return static_cast<int>(count);
}

absl::Status Graph::ReplaceUses(Value from, Value to) {
  if (from == to) return absl::OkStatus();
  if (from.null() || to.null() || from.type() != to.type()) {
    return absl::InvalidArgumentError(
        absl::StrCat("replacing ", from.ToString(), " by ", to.ToString(), ": expected type ",
                     from.null() ? "-" : weft::ToString(from.type()), ", got ",
                     to.null() ? "-" : weft::ToString(to.type())));
  }
  const std::vector<Use> uses = from.node->uses(from.index);
  const bool elements_matter = ConstantValue(from) != nullptr || ConstantValue(to) != nullptr;
  for (const Use& use : uses) {
    if (to.node->position_ >= use.user->position_) {
      return absl::InvalidArgumentError(
          absl::StrCat(to.node->Describe(), " comes after its reader ", use.user->Describe()));
    }
    if (elements_matter) WEFT_RETURN_IF_ERROR(CheckReader(*use.user, from, to));
  }
  // Erase first: both values may be outputs of one node, whose readings would then look alike.
  std::erase_if(from.node->uses_,
                [&](const Use& use) { return use.user->input(use.input) == from; });
  for (const Use& use : uses) {
    use.user->inputs_[static_cast<size_t>(use.input)] = to;
    to.node->uses_.push_back(use);
  }
  for (NamedValue& output : outputs_) {
    if (output.value == from) output.value = to;
  }
  for (Update& update : updates_) {
    if (update.value == from) update.value = to;
  }
  return absl::OkStatus();
}

void Graph::MoveGradientLinks(Node* from, Node* to) {
  if (from == to) return;
  for (Node* gradient : from->gradients_) {
    gradient->forward_ = to;
    to->gradients_.push_back(gradient);
  }
  from->gradients_.clear();
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
  Attribute& stored = leaf->attributes_.find("value")->second;
  const Attribute previous = std::exchange(stored, Attribute(std::move(value)));
  if (leaf->op_name() != kConstant) return absl::OkStatus();
  for (const Use& use : leaf->uses_) {
    absl::Status status = CheckReader(*use.user, leaf->output(), leaf->output());
    if (!status.ok()) {
      stored = previous;
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status Graph::SetAttribute(Node* node, std::string_view name, Attribute value) {
  AttributeMap attributes = node->attributes_;
  attributes.insert_or_assign(std::string(name), std::move(value));
  absl::Status status = CheckAttributes(*node->op_, attributes);
  if (status.ok()) {
    auto types = Infer(*node->op_, node->name_, node->inputs_, attributes, node->num_outputs());
    status = types.status();
    if (types.ok() && *types != node->types_) {
      status = absl::InvalidArgumentError(
          absl::StrCat("attribute ", Absl(name), " would change the output type"));
    }
  }
  if (!status.ok()) return Annotate(status, node->Describe());
  node->attributes_ = std::move(attributes);
  return absl::OkStatus();
}

int Graph::RemoveDeadNodes() {
  std::unordered_set<const Node*> live;
  for (const NamedValue& output : outputs_) live.insert(output.value.node);
  for (const Update& update : updates_) {
    live.insert(update.value.node);
    live.insert(update.variable);
  }
  // Readers come after what they read, so one sweep from the end sees every reader first.
  for (auto it = nodes_.rbegin(); it != nodes_.rend(); ++it) {
    if (it->op_name() == kInput) live.insert(&*it);
    if (!live.contains(&*it)) continue;
    for (const Value& v : it->inputs_) {
      if (v) live.insert(v.node);
    }
  }
  const size_t before = nodes_.size();
  auto dead = [&](const Node* node) { return !live.contains(node); };
  for (Node& node : nodes_) {
    std::erase_if(node.uses_, [&](const Use& use) { return dead(use.user); });
    std::erase_if(node.gradients_, dead);
    if (node.forward_ != nullptr && dead(node.forward_)) node.forward_ = nullptr;
    if (dead(&node)) by_name_.erase(node.name_);
  }
  if (insertion_point_ != nullptr && dead(insertion_point_)) insertion_point_ = nullptr;
  std::erase_if(nodes_, [&](const Node& node) { return dead(&node); });
  return static_cast<int>(before - nodes_.size());
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
