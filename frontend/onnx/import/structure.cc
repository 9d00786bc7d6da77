#include "frontend/onnx/import/structure.h"

#include <algorithm>
#include <map>

#include "graph/op.h"

namespace weft {
namespace {

// Of the nodes that we make ourselves.
const OnnxOpsets& StructureOpsets() {
  static const OnnxOpsets& opsets = *new OnnxOpsets{{"", 13}};
  return opsets;
}

const onnx::AttributeProto* FindAttribute(const onnx::NodeProto& node, std::string_view name) {
  const auto& given = node.attribute();
  const auto it =
      std::find_if(given.begin(), given.end(), [&](const auto& a) { return a.name() == name; });
  return it == given.end() ? nullptr : &*it;
}

}  // namespace

absl::Status NotKnownBeforeTheRun(std::string_view what, std::string_view name) {
  return absl::UnimplementedError(
      absl::StrCat("its ", Absl(what), ", ", Absl(name),
                   ", must be known before the run: bind the inputs that decide it"));
}

OnnxValuePtr KnownOnnxValue(Tensor tensor, std::string name) {
  auto value = std::make_shared<OnnxValue>(OnnxValue{.name = std::move(name)});
  KnowOnnxValue(*value, std::move(tensor));
  return value;
}

onnx::AttributeProto OnnxIntAttribute(const std::string& name, int64_t value) {
  onnx::AttributeProto attribute;
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(value);
  return attribute;
}

int64_t StructureContext::Int(std::string_view attribute, int64_t fallback) const {
  const onnx::AttributeProto* found = FindAttribute(node_, attribute);
  return found == nullptr ? fallback : found->i();
}

const onnx::GraphProto& StructureContext::Graph(std::string_view attribute) const {
  static const onnx::GraphProto& none = *new onnx::GraphProto();
  const onnx::AttributeProto* found = FindAttribute(node_, attribute);
  return found == nullptr ? none : found->g();
}

absl::StatusOr<int64_t> KnownOnnxInt(const OnnxValue& value, std::string_view what,
                                     std::string_view name) {
  if (!value.constant) return NotKnownBeforeTheRun(what, name);
  const std::optional<std::vector<int64_t>> ints = ExactInts(*value.constant);
  if (ints && ints->size() == 1) return (*ints)[0];
  return absl::InvalidArgumentError(absl::StrCat("expected one integer or bool as ", Absl(what),
                                                 ", got ", ToString(value.constant->type())));
}

absl::StatusOr<int64_t> StructureContext::KnownInt(int i, std::string_view what) const {
  return KnownOnnxInt(*in(i), what, node_.input(i));
}

absl::StatusOr<std::vector<OnnxValuePtr>> StructureContext::Sequence(int i) const {
  const OnnxValuePtr value = in(i);
  if (value != nullptr && value->sequence) return *value->sequence;
  return absl::InvalidArgumentError(
      absl::StrCat("expected a sequence, ", has(i) ? node_.input(i) : "its operand", " is none"));
}

absl::Status StructureContext::SetSequence(int i, std::vector<OnnxValuePtr> elements) {
  if (std::ssize(elements) > kMostPieces) {
    return absl::UnimplementedError(
        absl::StrCat("a sequence of more than ", kMostPieces, " elements is not supported"));
  }
  if (!std::ranges::all_of(elements, [](const OnnxValuePtr& e) { return e->is_tensor(); })) {
    return absl::UnimplementedError("a sequence of other things than tensors is not supported");
  }
  auto value = std::make_shared<OnnxValue>();
  value->sequence = std::move(elements);
  Set(i, std::move(value));
  return absl::OkStatus();
}

void StructureContext::Set(int i, OnnxValuePtr value) {
  if (i >= node_.output_size() || node_.output(i).empty()) return;
  scope_.Bind(node_.output(i), std::move(value));
}

std::vector<OnnxValuePtr> StructureContext::Make(const std::string& op,
                                                 const std::vector<OnnxValuePtr>& inputs,
                                                 std::vector<onnx::AttributeProto> attributes,
                                                 int num_outputs) {
  OnnxScope scope(StructureOpsets(), name_ + "/");
  OnnxNodes nodes;
  onnx::NodeProto* node = nodes.Add();
  node->set_op_type(op);
  node->set_name(op);
  for (size_t i = 0; i < inputs.size(); ++i) {
    node->add_input(absl::StrCat("in", i));
    scope.Bind(node->input(static_cast<int>(i)), inputs[i]);
  }
  for (int i = 0; i < num_outputs; ++i) node->add_output(absl::StrCat(op, ".", i));
  for (onnx::AttributeProto& attribute : attributes) {
    *node->add_attribute() = std::move(attribute);
  }
  importer_.ImportNodes(nodes, scope);
  std::vector<OnnxValuePtr> outputs;
  for (const std::string& output : nodes[0].output()) outputs.push_back(scope.Find(output));
  return outputs;
}

absl::StatusOr<std::vector<OnnxValuePtr>> StructureContext::Pieces(
    const OnnxValuePtr& x, int64_t axis, std::optional<std::vector<int64_t>> sizes, bool keepdims) {
  if (!sizes) {
    const std::optional<TensorType> type = TypeOfOnnxValue(*x);
    if (!type) return absl::InvalidArgumentError("expected a tensor to take apart");
    WEFT_ASSIGN_OR_RETURN(const int place, NormalizeAxis(axis, type->rank()));
    const Dim& extent = type->dim(place);
    if (!extent.is_static() || extent.coefficient() > kMostPieces) {
      return absl::UnimplementedError(absl::StrCat("to take apart an axis of ", extent.ToString(),
                                                   " is not supported, only of up to ",
                                                   kMostPieces));
    }
    sizes.emplace(static_cast<size_t>(extent.coefficient()), 1);
  }
  if (sizes->empty()) return std::vector<OnnxValuePtr>();
  if (std::ssize(*sizes) > kMostPieces) {
    return absl::UnimplementedError(absl::StrCat("more than ", kMostPieces, " pieces"));
  }
  const OnnxValuePtr split = KnownOnnxValue(Tensor::FromInts(*sizes), name_ + "/sizes");
  std::vector<OnnxValuePtr> pieces =
      Make("Split", {x, split}, {OnnxIntAttribute("axis", axis)}, static_cast<int>(sizes->size()));
  if (keepdims) return pieces;
  const OnnxValuePtr axes =
      KnownOnnxValue(Tensor::FromInts(std::vector<int64_t>{axis}), name_ + "/axes");
  for (OnnxValuePtr& piece : pieces) piece = Make("Squeeze", {piece, axes})[0];
  return pieces;
}

OnnxValuePtr StructureContext::Concatenated(const std::vector<OnnxValuePtr>& parts, int64_t axis,
                                            bool new_axis) {
  std::vector<OnnxValuePtr> pieces = parts;
  if (new_axis) {
    const OnnxValuePtr axes =
        KnownOnnxValue(Tensor::FromInts(std::vector<int64_t>{axis}), name_ + "/axes");
    for (OnnxValuePtr& piece : pieces) piece = Make("Unsqueeze", {piece, axes})[0];
  }
  if (pieces.size() == 1) return pieces[0];
  return Make("Concat", pieces, {OnnxIntAttribute("axis", axis)})[0];
}

std::vector<StructureOp> AllStructureOps() {
  std::vector<StructureOp> ops = ControlFlowOps();
  std::ranges::move(SequenceOps(), std::back_inserter(ops));
  return ops;
}

const StructureOp* FindStructureOp(std::string_view op, std::string_view domain) {
  static const auto& table = *[] {
    auto* ops = new std::map<std::string_view, StructureOp>();
    for (StructureOp& op : AllStructureOps()) ops->emplace(op.name, std::move(op));
    return ops;
  }();
  if (!domain.empty() && domain != "ai.onnx") return nullptr;
  auto it = table.find(op);
  return it == table.end() ? nullptr : &it->second;
}

}  // namespace weft
