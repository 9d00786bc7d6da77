#include "frontend/onnx/import/import.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <unordered_set>

#include "frontend/onnx/import/importer.h"
#include "frontend/onnx/metadata.h"
#include "ops/ops.h"

namespace weft {
namespace {

class Importer {
 public:
  Importer(const std::shared_ptr<const onnx::ModelProto>& message, ExternalData* external,
           const OnnxImportOptions& options)
      : model_(*message),
        source_{message, external},
        options_(options),
        result_(Graph(StandardOps())) {}

  absl::StatusOr<Model> Import() {
    WEFT_RETURN_IF_ERROR(CheckModel());
    for (const onnx::TensorProto& tensor : model_.graph().initializer()) AddInitializer(tensor);
    for (const onnx::SparseTensorProto& tensor : model_.graph().sparse_initializer()) {
      values_[tensor.values().name()].failed = true;
      problems_.push_back({"initializer " + tensor.values().name(),
                           "sparse initializers are not supported", /*unsupported=*/true});
    }
    AddInputs();
    MarkReadAsValues();
    for (const auto& [name, value] : values_) leaves_.insert(name);
    for (const onnx::NodeProto& node : model_.graph().node()) AddNode(node);
    for (const onnx::ValueInfoProto& output : model_.graph().output()) AddOutput(output);
    WEFT_RETURN_IF_ERROR(StatusOfProblems(problems_));
    result_.graph.RemoveDeadNodes();
    WEFT_RETURN_IF_ERROR(ReadOnnxMetadata(model_, result_));
    return std::move(result_);
  }

 private:
  void Add(std::string where, const absl::Status& status) {
    problems_.push_back({std::move(where), std::string(status.message()),
                         status.code() == absl::StatusCode::kUnimplemented});
  }

  // What must hold before any part is looked at.
  absl::Status CheckModel() {
    if (!model_.has_graph()) return absl::InvalidArgumentError("expected a graph, got none");
    const int opset = OnnxOpset(model_, "");
    if (opset > kLastOnnxOpset) {
      return absl::UnimplementedError(
          absl::StrCat("opset ", opset, " is not supported, the newest is ", kLastOnnxOpset));
    }
    if (model_.opset_import_size() == 0) {
      return absl::InvalidArgumentError("expected the versions of its opsets, got none");
    }
    for (const auto& [name, tensor] : options_.constants) {
      const auto& inputs = model_.graph().input();
      if (std::none_of(inputs.begin(), inputs.end(),
                       [&, name = name](const auto& input) { return input.name() == name; })) {
        return absl::NotFoundError(absl::StrCat("the model has no input called '", name, "'"));
      }
    }
    return StatusOfProblems(CheckOnnxWiring(model_.graph()));
  }

  void AddInitializer(const onnx::TensorProto& proto) {
    OnnxValue& value = values_[proto.name()];
    absl::StatusOr<Tensor> tensor = TensorFromProto(proto, source_);
    if (tensor.ok()) {
      value.parameter = kFloatTypes.contains(tensor->dtype());
      Know(value, *std::move(tensor));
    } else {
      value.failed = true;
      Add("initializer " + proto.name(),
          absl::Status(tensor.status().code(), tensor.status().message()));
    }
  }

  void MarkReadAsValues() {
    for (const onnx::NodeProto& node : model_.graph().node()) {
      for (int i = 0; i < node.input_size(); ++i) {
        const bool statistic = node.op_type() == "BatchNormalization" && i >= 3;
        auto it = values_.find(node.input(i));
        if (!statistic && it != values_.end()) it->second.read_as_value = true;
      }
    }
  }

  static void Know(OnnxValue& value, Tensor tensor) {
    value.shape = SymbolicValue(tensor);
    value.constant = std::move(tensor);
  }

  const Tensor* ConstantFor(const std::string& input, const std::set<std::string>& deciding) const {
    auto given = options_.constants.find(input);
    if (given != options_.constants.end()) return &given->second;
    auto candidate = options_.shape_candidates.find(input);
    const bool binds = candidate != options_.shape_candidates.end() && deciding.contains(input);
    return binds ? &candidate->second : nullptr;
  }

  absl::Status AddInput(const onnx::ValueInfoProto& info, const Tensor* constant) {
    WEFT_ASSIGN_OR_RETURN(TensorType type, TypeOfOnnxInput(info));
    OnnxValue& value = values_[info.name()];
    if (constant == nullptr) {
      WEFT_ASSIGN_OR_RETURN(value.value, result_.graph.AddInput(info.name(), std::move(type)));
      return absl::OkStatus();
    }
    WEFT_RETURN_IF_ERROR(CheckFits(type, *constant, "a constant bound to it"));
    Know(value, *constant);
    return absl::OkStatus();
  }

  // An input with an initializer, which is its value from now on.
  absl::Status CheckDefault(const onnx::ValueInfoProto& info) {
    OnnxValue& value = values_.at(info.name());
    if (options_.constants.contains(info.name())) {
      value = OnnxValue();
      return AddInput(info, &options_.constants.at(info.name()));
    }
    WEFT_ASSIGN_OR_RETURN(const TensorType type, TypeOfOnnxInput(info));
    return value.constant ? CheckFits(type, *value.constant, "its initializer") : absl::OkStatus();
  }

  static absl::Status CheckFits(const TensorType& type, const Tensor& tensor,
                                const std::string& what) {
    bool fits = tensor.dtype() == type.dtype && tensor.rank() == type.rank();
    for (int axis = 0; fits && axis < type.rank(); ++axis) {
      const Dim& dim = type.dim(axis);
      fits = !dim.is_static() || dim == Dim(tensor.dims()[static_cast<size_t>(axis)]);
    }
    if (fits) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("expected ", ToString(type), " for ", what,
                                                   ", got ", ToString(tensor.type())));
  }

  void AddInputs() {
    const std::set<std::string> deciding = ShapeDecidingInputs(model_.graph());
    for (const onnx::ValueInfoProto& info : model_.graph().input()) {
      const absl::Status added = values_.contains(info.name())
                                     ? CheckDefault(info)
                                     : AddInput(info, ConstantFor(info.name(), deciding));
      if (added.ok()) continue;
      values_[info.name()].failed = true;
      Add("input " + info.name(), added);
    }
  }

  // What the node is called in our graph, where weights and inputs share its namespace and keep
  // their names.
  std::string NameOf(const onnx::NodeProto& node) const {
    std::string name = OnnxNodeName(node);
    if (!leaves_.contains(name)) return name;
    for (const std::string& output : node.output()) {
      if (!output.empty()) return output;
    }
    return name;
  }

  void AddNode(const onnx::NodeProto& node) {
    const int opset = OpsetOf(node.domain());
    const std::string where =
        absl::StrCat(OnnxNodeName(node), " (", node.op_type(), ", ",
                     node.domain().empty() ? "" : node.domain() + " ", "opset ", opset, ")");
    absl::Status status = Convert(node, opset);
    if (status.ok()) return;
    // Operands that failed were reported themselves.
    if (status.code() != absl::StatusCode::kCancelled) {
      // The graph says the node's name too.
      const std::string message(status.message());
      const std::string own = absl::StrCat(NameOf(node), " (");
      const size_t end = message.starts_with(own) ? message.find("): ") : std::string::npos;
      Add(where, absl::Status(status.code(),
                              end == std::string::npos ? message : message.substr(end + 3)));
    }
    std::ranges::move(UnsupportedWithin(node), std::back_inserter(problems_));
    for (const std::string& output : node.output()) values_[output].failed = true;
  }

  // Why a node that is nobody's op is not supported.
  absl::Status UnknownOp(const onnx::NodeProto& node) const {
    const auto& functions = model_.functions();
    const bool own = std::any_of(functions.begin(), functions.end(), [&](const auto& function) {
      return function.name() == node.op_type() && function.domain() == node.domain();
    });
    return absl::UnimplementedError(own ? "functions of the model's own are not supported"
                                        : "the op is not supported");
  }

  absl::Status Convert(const onnx::NodeProto& node, int opset) {
    if (opset == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("the model imports no opset of the domain '", node.domain(), "'"));
    }
    const bool is_standard = node.domain().empty() || node.domain() == "ai.onnx";
    const bool is_constant = node.op_type() == "Constant" && is_standard;
    const OnnxOp* op = FindOnnxOp(node.op_type(), node.domain());
    const onnx::OpSchema* schema = FindOnnxSchema(node.op_type(), opset, node.domain());
    if (schema == nullptr || (op == nullptr && !is_constant)) return UnknownOp(node);
    if (is_standard && opset < kOldestForms &&
        schema->since_version() != FindOnnxSchema(node.op_type(), kOldestForms)->since_version()) {
      return absl::UnimplementedError(
          absl::StrCat("its form before opset ", kOldestForms, " is not supported"));
    }
    if (!is_standard && opset != schema->since_version()) {
      return absl::UnimplementedError(
          absl::StrCat("version ", opset, " of ", node.domain(), " is not supported"));
    }
    for (const std::string& input : node.input()) {
      if (!input.empty() && values_.at(input).failed) return absl::CancelledError();
    }
    WEFT_RETURN_IF_ERROR(CheckOnnxNode(node, *schema));
    if (is_constant) return AddConstant(node);
    // Elements that decide a shape are no weights.
    for (int i : op->known_inputs) {
      if (i >= node.input_size() || node.input(i).empty()) continue;
      OnnxValue& value = values_.at(node.input(i));
      if (std::exchange(value.parameter, false)) value.value = Value();
    }
    if (AddKnown(node, *op, *schema, opset)) return absl::OkStatus();
    ImportContext context(Emitter(result_.graph, NameOf(node)), node, *schema, opset, values_,
                          budget_);
    return SetOutputs(node, context, op->import(context));
  }

  // What constants give before the run. True where nothing is left for the run.
  bool AddKnown(const onnx::NodeProto& node, const OnnxOp& op, const onnx::OpSchema& schema,
                int opset) {
    if (node.op_type() == "Identity") return AddOwnParameter(node);
    if (auto tensors = FoldOnnxNode(node, op, schema, opset, values_, budget_)) {
      for (int i = 0; i < node.output_size(); ++i) {
        if (node.output(i).empty()) continue;
        Know(values_[node.output(i)], (*tensors)[static_cast<size_t>(i)]);
      }
      return true;
    }
    return false;
  }

  // PyTorch writes equal initializers once, and an Identity where another weight is to have the
  // same value. That weight is a variable of its own, under the Identity's output. Of other
  // constants the node stays: a graph's output that is a constant needs one, which exporting
  // writes.
  bool AddOwnParameter(const onnx::NodeProto& identity) {
    const OnnxValue& written = values_.at(identity.input(0));
    if (!written.parameter) return false;
    values_[identity.output(0)] = {
        .constant = written.constant, .shape = written.shape, .parameter = true};
    leaves_.insert(identity.output(0));
    return true;
  }

  // What is known of the elements of an output. Where that is all of them, they are a constant,
  // which takes the name of what computes them.
  absl::Status KnowElements(OnnxValue& value) {
    if (const ShapeValue* shape = shapes_.Of(value.value)) value.shape = *shape;
    const TensorType& type = value.value.type();
    if (!value.shape || type.dtype != DType::kI64) return absl::OkStatus();
    const std::optional<Dims> numbers = value.shape->Numbers();
    if (!numbers) return absl::OkStatus();
    WEFT_ASSIGN_OR_RETURN(value.constant,
                          Tensor::FromValues<int64_t>(
                              type.rank() == 0 ? Dims() : Dims{std::ssize(*numbers)}, *numbers));
    Node* node = value.value.node;
    // An Identity is how a constant gets a second name.
    if (node->op_name() == kInput || node->op_name() == "Identity") return absl::OkStatus();
    value.value = Value();
    return result_.graph.Rename(node, result_.graph.UniqueName(node->name() + "/computed"));
  }

  absl::Status SetOutputs(const onnx::NodeProto& node, const ImportContext& context,
                          const std::vector<Value>& outputs) {
    WEFT_RETURN_IF_ERROR(context.status());
    for (int i = 0; i < node.output_size(); ++i) {
      if (!context.wants(i)) continue;
      if (static_cast<size_t>(i) >= outputs.size() || outputs[static_cast<size_t>(i)].null()) {
        return absl::UnimplementedError(
            absl::StrCat("its output ", i, ", ", node.output(i), ", is not supported"));
      }
      values_[node.output(i)].value = outputs[static_cast<size_t>(i)];
    }
    if (node.op_type() == "Shape" && node.attribute_size() == 0) {
      values_[node.output(0)].shape_of = node.input(0);
    }
    for (int i = 0; i < node.output_size(); ++i) {
      if (context.wants(i)) WEFT_RETURN_IF_ERROR(KnowElements(values_[node.output(i)]));
    }
    if (node.op_type() == "Identity" && context.constant(0) != nullptr) {
      values_[node.output(0)].constant = *context.constant(0);
    }
    return absl::OkStatus();
  }

  absl::Status AddConstant(const onnx::NodeProto& node) {
    if (node.attribute_size() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected one attribute, the value, got ", node.attribute_size()));
    }
    WEFT_ASSIGN_OR_RETURN(Tensor tensor, ConstantOf(node.attribute(0)));
    Know(values_[node.output(0)], std::move(tensor));
    return absl::OkStatus();
  }

  absl::StatusOr<Tensor> ConstantOf(const onnx::AttributeProto& a) const {
    const auto list = [](const auto& field) { return Dims{static_cast<int64_t>(field.size())}; };
    if (a.name() == "value") return TensorFromProto(a.t(), source_);
    if (a.name() == "value_int") return Tensor::FromValues<int64_t>({}, std::array{a.i()});
    if (a.name() == "value_float") return Tensor::Scalar(static_cast<double>(a.f()), DType::kF32);
    if (a.name() == "value_ints") {
      return Tensor::FromValues<int64_t>(list(a.ints()),
                                         std::span(a.ints().data(), size_t(a.ints_size())));
    }
    if (a.name() == "value_floats") {
      return Tensor::FromValues<float>(list(a.floats()),
                                       std::span(a.floats().data(), size_t(a.floats_size())));
    }
    return absl::UnimplementedError(absl::StrCat("a ", a.name(), " is not supported"));
  }

  void AddOutput(const onnx::ValueInfoProto& output) {
    OnnxValue& known = values_.at(output.name());
    if (known.failed) return;
    const absl::Status added = ConnectOutput(output, known);
    if (!added.ok()) Add("output " + output.name(), added);
  }

  absl::Status ConnectOutput(const onnx::ValueInfoProto& output, OnnxValue& known) {
    if (!known.value) {
      WEFT_ASSIGN_OR_RETURN(
          known.value, known.parameter ? result_.graph.AddVariable(output.name(), *known.constant)
                                       : result_.graph.AddConstant(output.name(), *known.constant));
    }
    // The declared dims are comments; the element type is not.
    const int32_t declared = output.type().tensor_type().elem_type();
    const TensorType& type = known.value.type();
    if (declared != 0 && declared != OnnxTypeOf(type.dtype)) {
      return absl::InvalidArgumentError(
          absl::StrCat("declared as ", OnnxTypeName(declared), ", but is ", ToString(type)));
    }
    return result_.graph.AddOutput(output.name(), known.value);
  }

  int OpsetOf(const std::string& domain) {
    auto it = opsets_.find(domain);
    if (it == opsets_.end()) it = opsets_.emplace(domain, OnnxOpset(model_, domain)).first;
    return it->second;
  }

  // ONNX's own suite has models of opset 1, whose ops have the forms of opset 6.
  static constexpr int kOldestForms = 6;

  const onnx::ModelProto& model_;
  TensorSource source_;
  const OnnxImportOptions& options_;
  Model result_;
  OnnxValues values_;
  std::unordered_set<std::string> leaves_;  // the names of inputs and initializers
  std::map<std::string, int> opsets_;       // by domain
  KnownBudget budget_;
  ShapeValues shapes_;
  std::vector<OnnxProblem> problems_;
};

}  // namespace

absl::StatusOr<Model> ImportOnnxModel(const std::shared_ptr<const onnx::ModelProto>& message,
                                      ExternalData* external, const OnnxImportOptions& options) {
  return Importer(message, external, options).Import();
}

absl::StatusOr<Model> ImportOnnxBytes(std::span<const std::byte> bytes, const std::string& name,
                                      const OnnxImportOptions& options) {
  auto message = std::make_shared<onnx::ModelProto>();
  WEFT_RETURN_IF_ERROR(ParseOnnxMessage(bytes, name, *message));
  absl::StatusOr<Model> model = ImportOnnxModel(message, nullptr, options);
  return model.ok() ? std::move(model) : Annotate(model.status(), name);
}

absl::StatusOr<Model> ImportOnnx(const std::string& path, const OnnxImportOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const MappedFile file, MapFile(path));
  auto message = std::make_shared<onnx::ModelProto>();
  WEFT_RETURN_IF_ERROR(ParseOnnxMessage(file.bytes, path, *message));
  ExternalData external(std::filesystem::path(path).parent_path().string());
  absl::StatusOr<Model> model = ImportOnnxModel(message, &external, options);
  return model.ok() ? std::move(model) : Annotate(model.status(), path);
}

}  // namespace weft
