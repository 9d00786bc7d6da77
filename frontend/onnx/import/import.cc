#include "frontend/onnx/import/import.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>

#include "frontend/onnx/import/halves.h"
#include "frontend/onnx/import/importer.h"
#include "frontend/onnx/import/nodes.h"
#include "frontend/onnx/metadata.h"
#include "ops/ops.h"

namespace weft {
namespace {

class Importer {
 public:
  Importer(const std::shared_ptr<const onnx::ModelProto>& message, ExternalData* external,
           const OnnxImportOptions& options)
      : model_(*message),
        options_(options),
        result_(Graph(StandardOps())),
        nodes_(model_, {message, external}, result_.graph) {}

  absl::StatusOr<Model> Import() {
    WEFT_RETURN_IF_ERROR(CheckModel());
    nodes_.AddInitializers(model_.graph(), root_);
    AddInputs();
    nodes_.ImportNodes(model_.graph().node(), root_);
    for (const onnx::ValueInfoProto& output : model_.graph().output()) AddOutput(output);
    WEFT_RETURN_IF_ERROR(StatusOfProblems(nodes_.problems()));
    result_.graph.RemoveDeadNodes();
    WEFT_RETURN_IF_ERROR(ReadOnnxMetadata(model_, result_));
    return std::move(result_);
  }

 private:
  // What must hold before any part is looked at.
  absl::Status CheckModel() {
    if (!model_.has_graph()) return absl::InvalidArgumentError("expected a graph, got none");
    if (model_.opset_import_size() == 0) {
      return absl::InvalidArgumentError("expected the versions of its opsets, got none");
    }
    const int opset = OnnxOpset(root_.opsets(), "");
    if (opset > kNewestOnnxOpset) {
      return absl::UnimplementedError(
          absl::StrCat("opset ", opset, " is not supported, the newest is ", kNewestOnnxOpset,
                       ": export the model with opset ", kNewestOnnxOpset, " or older"));
    }
    for (const auto& [name, tensor] : options_.constants) {
      const auto& inputs = model_.graph().input();
      if (std::none_of(inputs.begin(), inputs.end(),
                       [&, name = name](const auto& input) { return input.name() == name; })) {
        return absl::NotFoundError(absl::StrCat("the model has no input called '", name, "'"));
      }
    }
    WEFT_ASSIGN_OR_RETURN(types_, OnnxInputTypes::Create(model_.graph(), options_.shapes));
    std::ranges::move(CheckOnnxNames(model_.graph()), std::back_inserter(nodes_.problems()));
    return absl::OkStatus();
  }

  const Tensor* ConstantFor(const std::string& input, const std::set<std::string>& deciding) const {
    auto given = options_.constants.find(input);
    if (given != options_.constants.end()) return &given->second;
    auto candidate = options_.shape_candidates.find(input);
    const bool binds = candidate != options_.shape_candidates.end() && deciding.contains(input);
    return binds ? &candidate->second : nullptr;
  }

  absl::Status AddInput(const onnx::ValueInfoProto& info, const Tensor* constant) {
    WEFT_ASSIGN_OR_RETURN(TensorType type, types_.Of(info));
    OnnxValue& value = root_.Make(info.name());
    nodes_.ReserveName(value.name);
    if (constant == nullptr) {
      const DType own = type.dtype, imported = ImportedDType(own);
      if (!options_.keep_half_types) type.dtype = imported;
      WEFT_ASSIGN_OR_RETURN(value.value, result_.graph.AddInput(info.name(), std::move(type)));
      return options_.keep_half_types && own != imported ? Convert(info.name(), imported, value)
                                                         : absl::OkStatus();
    }
    WEFT_RETURN_IF_ERROR(CheckFits(type, *constant, "a constant bound to it"));
    WEFT_ASSIGN_OR_RETURN(Tensor imported, ImportedTensor(*constant));
    KnowOnnxValue(value, std::move(imported));
    return absl::OkStatus();
  }

  // Makes the value one of type `dtype`.
  absl::Status Convert(const std::string& name, DType dtype, OnnxValue& value) {
    Emitter emitter(result_.graph, name);
    value.value = emitter.Op("Cast", {value.value}, {{"to", dtype}});
    return emitter.status();
  }

  // An input with an initializer, which is its value from now on.
  absl::Status CheckDefault(const onnx::ValueInfoProto& info) {
    OnnxValue& value = root_.Make(info.name());
    if (options_.constants.contains(info.name())) {
      value = OnnxValue{.name = value.name};
      return AddInput(info, &options_.constants.at(info.name()));
    }
    WEFT_ASSIGN_OR_RETURN(const TensorType type, types_.Of(info));
    return value.constant ? CheckFits(type, *value.constant, "its initializer") : absl::OkStatus();
  }

  static absl::Status CheckFits(const TensorType& type, const Tensor& tensor,
                                const std::string& what) {
    bool fits =
        ImportedDType(tensor.dtype()) == ImportedDType(type.dtype) && tensor.rank() == type.rank();
    for (int axis = 0; fits && axis < type.rank(); ++axis) {
      const Dim& dim = type.dim(axis);
      fits = !dim.is_static() || dim == Dim(tensor.dims()[static_cast<size_t>(axis)]);
    }
    if (fits) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("expected ", ToString(type), " for ", what,
                                                   ", got ", ToString(tensor.type())));
  }

  void AddInputs() {
    const std::set<std::string> deciding = ShapeDecidingInputs(model_);
    for (const onnx::ValueInfoProto& info : model_.graph().input()) {
      const absl::Status added = root_.Owns(info.name())
                                     ? CheckDefault(info)
                                     : AddInput(info, ConstantFor(info.name(), deciding));
      if (added.ok()) continue;
      root_.Make(info.name()).failed = true;
      nodes_.AddProblem("input " + info.name(), added);
    }
  }

  void AddOutput(const onnx::ValueInfoProto& output) {
    if (!outputs_.insert(output.name()).second) return;  // it stands twice
    const OnnxValuePtr known = root_.Find(output.name());
    if (known != nullptr && known->failed) return;
    const absl::Status added = known == nullptr || output.name().empty()
                                   ? absl::InvalidArgumentError("nothing makes it")
                                   : ConnectOutput(output, *known);
    if (!added.ok()) nodes_.AddProblem("output " + output.name(), added);
  }

  absl::Status ConnectOutput(const onnx::ValueInfoProto& output, OnnxValue& known) {
    if (!known.is_tensor()) {
      return absl::UnimplementedError("is a sequence or an optional, which no output can be");
    }
    if (!known.value) {
      WEFT_ASSIGN_OR_RETURN(
          known.value, known.parameter ? result_.graph.AddVariable(output.name(), *known.constant)
                                       : result_.graph.AddConstant(output.name(), *known.constant));
    }
    // The declared dims are comments; the element type is not.
    const int32_t declared = output.type().tensor_type().elem_type();
    const TensorType& type = known.value.type();
    if (declared != 0 && ImportedDTypeOf(declared) != type.dtype) {
      return absl::InvalidArgumentError(
          absl::StrCat("declared as ", OnnxTypeName(declared), ", but is ", ToString(type)));
    }
    OnnxValue result{.value = known.value};
    const DType own = DTypeOfOnnx(declared).value_or(type.dtype);
    if (options_.keep_half_types && own != type.dtype) {
      WEFT_RETURN_IF_ERROR(Convert(output.name(), own, result));
    }
    return result_.graph.AddOutput(output.name(), result.value);
  }

  const onnx::ModelProto& model_;
  const OnnxImportOptions& options_;
  Model result_;
  OnnxNodeImporter nodes_;
  OnnxScope& root_ = nodes_.root();
  OnnxInputTypes types_;
  std::set<std::string> outputs_;
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

absl::StatusOr<Model> ImportOnnx(const std::string& path, const OnnxImportOptions& options,
                                 OnnxImportReport* report) {
  WEFT_ASSIGN_OR_RETURN(const MappedFile file, MapFile(path));
  auto message = std::make_shared<onnx::ModelProto>();
  WEFT_RETURN_IF_ERROR(ParseOnnxMessage(file.bytes, path, *message));
  ExternalData external(std::filesystem::path(path).parent_path().string());
  absl::StatusOr<Model> model = ImportOnnxModel(message, &external, options);
  const std::string halves = NoteOfHalves(*message, options.keep_half_types);
  if (report != nullptr && !halves.empty()) report->notes.push_back(halves);
  return model.ok() ? std::move(model) : Annotate(model.status(), path);
}

}  // namespace weft
