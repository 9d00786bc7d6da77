#include "frontend/onnx/import/nodes.h"

#include <algorithm>
#include <set>
#include <utility>

#include "frontend/onnx/import/constant.h"
#include "frontend/onnx/import/halves.h"

namespace weft {
namespace {

constexpr int kMostInlined = 100000;  // nodes of functions and bodies, each time that one runs

}  // namespace

void OnnxNodeImporter::AddProblem(std::string where, const absl::Status& status) {
  problems_.push_back({std::move(where), std::string(status.message()),
                       status.code() == absl::StatusCode::kUnimplemented});
}

void OnnxNodeImporter::AddInitializers(const onnx::GraphProto& graph, OnnxScope& scope) {
  const auto add = [&](const std::string& name, absl::StatusOr<Tensor> tensor) {
    OnnxValue& value = scope.Make(name);
    ReserveName(value.name);
    value.failed = !tensor.ok();
    if (!tensor.ok()) return AddProblem("initializer " + name, tensor.status());
    value.parameter = kFloatTypes.contains(tensor->dtype());
    KnowOnnxValue(value, *std::move(tensor));
  };
  for (const onnx::TensorProto& tensor : graph.initializer()) {
    add(tensor.name(), Held(&tensor, ImportedTensor(tensor, source_)));
  }
  for (const onnx::SparseTensorProto& sparse : graph.sparse_initializer()) {
    add(sparse.values().name(), TensorFromSparse(sparse, source_, budget_));
  }
  MarkReads(graph, scope);
}

void OnnxNodeImporter::MarkReads(const onnx::GraphProto& graph, OnnxScope& scope) {
  for (const onnx::NodeProto& node : graph.node()) {
    for (int i = 0; i < node.input_size(); ++i) {
      const bool statistic = node.op_type() == "BatchNormalization" && i >= 3;
      if (!statistic && scope.Owns(node.input(i))) scope.Make(node.input(i)).read_as_value = true;
    }
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      if (attribute.has_g()) MarkReads(attribute.g(), scope);
    }
  }
}

absl::StatusOr<Tensor> OnnxNodeImporter::Held(const void* message, absl::StatusOr<Tensor> tensor) {
  if (!tensor.ok() || held_.insert(message).second ||
      budget_.Spend(0, static_cast<double>(tensor->bytes()))) {
    return tensor;
  }
  return absl::UnimplementedError("the constants of bodies that run often are too large");
}

void OnnxNodeImporter::ImportNodes(const OnnxNodes& nodes, OnnxScope& scope) {
  OnnxScope* const outer = std::exchange(scope_, &scope);
  const OnnxOrder order = SortOnnxNodes(nodes);
  for (const onnx::NodeProto* node : order.cycles) {
    Fail(*node, absl::InvalidArgumentError("it is made from its own result: a cycle"));
  }
  for (const onnx::NodeProto* node : order.nodes) {
    const absl::Status status = Convert(*node);
    if (!status.ok()) Fail(*node, status);
  }
  scope_ = outer;
}

absl::Status OnnxNodeImporter::ImportBody(const onnx::GraphProto& body, OnnxScope& scope) {
  WEFT_RETURN_IF_ERROR(Enter(CountOnnxNodes(body)));
  ImportNodes(body.node(), scope);
  --depth_;
  return absl::OkStatus();
}

void OnnxNodeImporter::CheckBody(const onnx::GraphProto& body, const OnnxScope& scope) {
  for (const onnx::NodeProto& node : body.node()) {
    const absl::Status status = Recognize(node, scope.opsets()).status();
    if (!status.ok()) AddProblem(WhereOf(node), status);
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      if (attribute.has_g()) CheckBody(attribute.g(), scope);
    }
  }
}

std::string OnnxNodeImporter::NameOf(const onnx::NodeProto& node) const {
  std::string name = scope_->prefix() + OnnxNodeName(node);
  if (!leaves_.contains(name)) return name;
  for (const std::string& output : node.output()) {
    if (!output.empty()) return scope_->prefix() + output;
  }
  return name;
}

std::string OnnxNodeImporter::WhereOf(const onnx::NodeProto& node) const {
  return absl::StrCat(scope_->prefix(), OnnxNodeName(node), " (", node.op_type(), ", ",
                      node.domain().empty() ? "" : node.domain() + " ", "opset ",
                      OnnxOpset(scope_->opsets(), node.domain()), ")");
}

void OnnxNodeImporter::Fail(const onnx::NodeProto& node, const absl::Status& status) {
  // Operands that failed were reported themselves.
  if (status.code() != absl::StatusCode::kCancelled) {
    // The graph says the node's name too.
    const std::string message(status.message());
    const std::string own = absl::StrCat(NameOf(node), " (");
    const size_t end = message.starts_with(own) ? message.find("): ") : std::string::npos;
    AddProblem(
        WhereOf(node),
        absl::Status(status.code(), end == std::string::npos ? message : message.substr(end + 3)));
  }
  for (const std::string& output : node.output()) {
    if (output.empty()) continue;
    scope_->Bind(output, std::make_shared<OnnxValue>(OnnxValue{.failed = true}));
  }
}

absl::StatusOr<OnnxNodeImporter::Recognized> OnnxNodeImporter::Recognize(
    const onnx::NodeProto& node, const OnnxOpsets& opsets) const {
  Recognized known{.function = functions_.Find(node)};
  if (known.function != nullptr) return known;
  const int opset = OnnxOpset(opsets, node.domain());
  if (opset == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("the model imports no opset of the domain '", node.domain(), "'"));
  }
  const bool is_standard = node.domain().empty() || node.domain() == "ai.onnx";
  known.is_constant = node.op_type() == "Constant" && is_standard;
  known.op = FindOnnxOp(node.op_type(), node.domain());
  known.structure = FindStructureOp(node.op_type(), node.domain());
  known.schema = FindOnnxSchema(node.op_type(), opset, node.domain());
  const bool is_known = known.op != nullptr || known.structure != nullptr || known.is_constant;
  if ((!is_known || known.schema == nullptr) && node.domain().starts_with(kMicrosoftDomain)) {
    return absl::UnimplementedError(
        "the op is not supported: save the model without ONNX Runtime's optimizations "
        "(ORT_DISABLE_ALL)");
  }
  if (!is_known || known.schema == nullptr) {
    return absl::UnimplementedError("the op is not supported");
  }
  if (is_standard && opset < kOldestOnnxForms &&
      known.schema->since_version() !=
          FindOnnxSchema(node.op_type(), kOldestOnnxForms)->since_version()) {
    return absl::UnimplementedError(
        absl::StrCat("its form before opset ", kOldestOnnxForms, " is not supported"));
  }
  if (!is_standard && opset != known.schema->since_version()) {
    return absl::UnimplementedError(
        absl::StrCat("version ", opset, " of ", node.domain(), " is not supported"));
  }
  return known;
}

// Whether what a node reads is there, and what it makes is not yet.
absl::Status OnnxNodeImporter::CheckNames(const onnx::NodeProto& node) const {
  std::set<std::string> made;
  for (const std::string& output : node.output()) {
    if (!output.empty() && (scope_->Owns(output) || !made.insert(output).second)) {
      return absl::InvalidArgumentError(
          absl::StrCat("makes ", output, ", which another one makes already"));
    }
  }
  bool failed = false;
  for (const std::string& input : node.input()) {
    if (input.empty()) continue;
    const OnnxValuePtr value = scope_->Find(input);
    if (value == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("reads ", input, ", which nothing makes"));
    }
    failed = failed || value->failed;
  }
  return failed ? absl::CancelledError() : absl::OkStatus();
}

absl::Status OnnxNodeImporter::CheckTensors(const onnx::NodeProto& node) const {
  for (const std::string& input : node.input()) {
    if (input.empty() || scope_->Find(input)->is_tensor()) continue;
    return absl::UnimplementedError(
        absl::StrCat(input, " is a sequence or an optional, which it cannot take"));
  }
  return absl::OkStatus();
}

absl::Status OnnxNodeImporter::Convert(const onnx::NodeProto& node) {
  const absl::StatusOr<Recognized> known = Recognize(node, scope_->opsets());
  WEFT_RETURN_IF_ERROR(known.status());
  WEFT_RETURN_IF_ERROR(CheckNames(node));
  if (known->function != nullptr) return ImportCall(node, *known->function);
  WEFT_RETURN_IF_ERROR(CheckOnnxNode(node, *known->schema));
  if (known->structure != nullptr) {
    StructureContext context(node, *scope_, NameOf(node), *this);
    return known->structure->import(context);
  }
  if (known->is_constant) {
    WEFT_ASSIGN_OR_RETURN(Tensor tensor, Held(&node, TensorOfConstant(node, source_, budget_)));
    KnowOnnxValue(scope_->Make(node.output(0)), std::move(tensor));
    return absl::OkStatus();
  }
  if (node.op_type() == "Identity" && !scope_->Find(node.input(0))->is_tensor()) {
    scope_->Bind(node.output(0), scope_->Find(node.input(0)));
    return absl::OkStatus();
  }
  WEFT_RETURN_IF_ERROR(CheckTensors(node));
  if (CastsToItself(node)) {
    scope_->Bind(node.output(0), scope_->Find(node.input(0)));
    return absl::OkStatus();
  }
  return ConvertOp(node, *known->op, *known->schema);
}

// Whether a cast is between types that are one in our graph: f32 and what is read as f32.
bool OnnxNodeImporter::CastsToItself(const onnx::NodeProto& node) const {
  const auto is_f32 = [&](int i) {
    const std::optional<TensorType> type = TypeOfOnnxValue(*scope_->Find(node.input(i)));
    return type && type->dtype == DType::kF32;
  };
  if (node.op_type() == "CastLike") return is_f32(0) && is_f32(1);
  const auto is_to_f32 = [](const onnx::AttributeProto& a) {
    return a.name() == "to" && ImportedDTypeOf(static_cast<int32_t>(a.i())) == DType::kF32;
  };
  return node.op_type() == "Cast" && is_f32(0) &&
         std::any_of(node.attribute().begin(), node.attribute().end(), is_to_f32);
}

absl::Status OnnxNodeImporter::Enter(int64_t nodes) {
  inlined_ += nodes + 1;
  if (depth_ == kMostOnnxDepth || inlined_ > kMostInlined) {
    return absl::UnimplementedError(
        absl::StrCat("functions and bodies within each other are more than ", kMostOnnxDepth,
                     " deep or more than ", kMostInlined, " nodes: do they call themselves?"));
  }
  ++depth_;
  return absl::OkStatus();
}

absl::Status OnnxNodeImporter::ImportCall(const onnx::NodeProto& call,
                                          const onnx::FunctionProto& function) {
  WEFT_RETURN_IF_ERROR(Enter(function.node_size()));
  const absl::Status status = ImportFunction(call, function);
  --depth_;
  return status;
}

const OnnxOpsets& OnnxNodeImporter::OpsetsOf(const onnx::FunctionProto& function) {
  if (function.opset_import().empty()) return model_opsets_;
  const auto it = function_opsets_.find(&function);
  if (it != function_opsets_.end()) return it->second;
  return function_opsets_.emplace(&function, OnnxOpsetsOf(function.opset_import())).first->second;
}

absl::Status OnnxNodeImporter::ImportFunction(const onnx::NodeProto& call,
                                              const onnx::FunctionProto& function) {
  WEFT_ASSIGN_OR_RETURN(const auto instance, InstantiateOnnxFunction(function, call));
  if (instance != nullptr && !budget_.Spend(0, static_cast<double>(instance->ByteSizeLong()))) {
    inlined_ = kMostInlined;  // the next calls fail at once
    return absl::UnimplementedError("functions with attributes are too large to be inlined");
  }
  const onnx::FunctionProto& body = instance == nullptr ? function : *instance;
  OnnxScope scope(OpsetsOf(function), NameOf(call) + "/");
  for (int i = 0; i < call.input_size(); ++i) {
    if (!call.input(i).empty()) scope.Bind(body.input(i), scope_->Find(call.input(i)));
  }
  // Large tensors are views of what holds the body: the copy, or the model even within a copy.
  const std::shared_ptr<const void> holder = instance == nullptr ? model_owner_ : instance;
  const auto outer = std::exchange(source_.owner, holder);
  ImportNodes(body.node(), scope);
  source_.owner = outer;
  for (int i = 0; i < call.output_size(); ++i) {
    if (call.output(i).empty()) continue;
    OnnxValuePtr result = scope.Find(body.output(i));
    if (result == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("output ", body.output(i), " of its function: nothing makes it"));
    }
    scope_->Bind(call.output(i), std::move(result));
  }
  return absl::OkStatus();
}

absl::Status OnnxNodeImporter::ConvertOp(const onnx::NodeProto& node, const OnnxOp& op,
                                         const onnx::OpSchema& schema) {
  const int opset = OnnxOpset(scope_->opsets(), node.domain());
  // Elements that decide a shape are no weights.
  for (int i : op.known_inputs) {
    if (i >= node.input_size() || node.input(i).empty()) continue;
    OnnxValue& value = *scope_->Find(node.input(i));
    if (std::exchange(value.parameter, false)) value.value = Value();
  }
  if (AddKnown(node, op, schema, opset)) return absl::OkStatus();
  ImportContext context(Emitter(graph_, NameOf(node)), node, schema, opset, *scope_, budget_);
  return SetOutputs(node, context, op.import(context));
}

// What constants give before the run. True where nothing is left for the run.
bool OnnxNodeImporter::AddKnown(const onnx::NodeProto& node, const OnnxOp& op,
                                const onnx::OpSchema& schema, int opset) {
  if (node.op_type() == "Identity") return AddOwnParameter(node);
  auto tensors = FoldOnnxNode(node, op, schema, opset, *scope_, budget_);
  if (!tensors) return false;
  for (int i = 0; i < node.output_size(); ++i) {
    if (node.output(i).empty()) continue;
    KnowOnnxValue(scope_->Make(node.output(i)), (*tensors)[static_cast<size_t>(i)]);
  }
  return true;
}

// PyTorch writes equal initializers once, and an Identity where another weight is to have the same
// value. That weight is a variable of its own, under the Identity's output. Within bodies, which
// may run often, and of their weights it is only another name. Of other constants the node stays:
// a graph's output that is a constant needs one, which exporting writes.
bool OnnxNodeImporter::AddOwnParameter(const onnx::NodeProto& identity) {
  const OnnxValuePtr written = scope_->Find(identity.input(0));
  if (!written->parameter) return false;
  const bool is_models_own = scope_ == &root_ && written->name == identity.input(0);
  if (!is_models_own) {
    scope_->Bind(identity.output(0), written);
    return true;
  }
  OnnxValue& own = scope_->Make(identity.output(0));
  own.constant = written->constant;
  own.shape = written->shape;
  own.parameter = true;
  ReserveName(own.name);
  return true;
}

// What is known of the elements of an output. Where that is all of them, they are a constant, which
// takes the name of what computes them.
absl::Status OnnxNodeImporter::KnowElements(OnnxValue& value) {
  if (const ShapeValue* shape = shapes_.Of(value.value)) value.shape = *shape;
  const TensorType& type = value.value.type();
  if (!value.shape || type.dtype != DType::kI64) return absl::OkStatus();
  const std::optional<Dims> numbers = value.shape->Numbers();
  if (!numbers || numbers->empty()) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(value.constant,
                        Tensor::FromValues<int64_t>(
                            type.rank() == 0 ? Dims() : Dims{std::ssize(*numbers)}, *numbers));
  Node* node = value.value.node;
  // An Identity is how a constant gets a second name.
  if (node->op_name() == kInput || node->op_name() == "Identity") return absl::OkStatus();
  value.value = Value();
  return graph_.Rename(node, graph_.UniqueName(node->name() + "/computed"));
}

absl::Status OnnxNodeImporter::SetOutputs(const onnx::NodeProto& node, const ImportContext& context,
                                          const std::vector<Value>& outputs) {
  WEFT_RETURN_IF_ERROR(context.status());
  for (int i = 0; i < node.output_size(); ++i) {
    if (!context.wants(i)) continue;
    if (static_cast<size_t>(i) >= outputs.size() || outputs[static_cast<size_t>(i)].null()) {
      return absl::UnimplementedError(
          absl::StrCat("its output ", i, ", ", node.output(i), ", is not supported"));
    }
    scope_->Make(node.output(i)).value = outputs[static_cast<size_t>(i)];
  }
  if (node.op_type() == "Shape" && node.attribute_size() == 0) {
    scope_->Make(node.output(0)).shape_of = scope_->Find(node.input(0))->value;
  }
  for (int i = 0; i < node.output_size(); ++i) {
    if (context.wants(i)) WEFT_RETURN_IF_ERROR(KnowElements(scope_->Make(node.output(i))));
  }
  if (node.op_type() == "Identity" && context.constant(0) != nullptr) {
    scope_->Make(node.output(0)).constant = *context.constant(0);
  }
  return absl::OkStatus();
}

}  // namespace weft
