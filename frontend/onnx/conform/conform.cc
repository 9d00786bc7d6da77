#include "frontend/onnx/conform/conform.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "frontend/onnx/import/importer.h"
#include "frontend/session/session.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

absl::StatusOr<std::vector<std::string>> DataSets(const std::string& folder) {
  std::vector<std::string> sets;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().filename().string().starts_with("test_data_set_")) {
      sets.push_back(entry.path().string());
    }
  }
  if (error) return absl::NotFoundError(absl::StrCat(folder, ": ", error.message()));
  if (sets.empty()) return absl::NotFoundError(absl::StrCat(folder, ": has no test_data_set_*"));
  std::sort(sets.begin(), sets.end());
  return sets;
}

// ONNX 1.12's files have the bits of bf16 as u16.
absl::StatusOr<Tensor> AsDeclared(Tensor tensor, const onnx::ValueInfoProto& info) {
  const int32_t declared = info.type().tensor_type().elem_type();
  if (declared != onnx::TensorProto::BFLOAT16 || tensor.dtype() != DType::kU16) return tensor;
  return Tensor::FromBytes(DType::kBF16, tensor.dims(), {tensor.data(), tensor.bytes()});
}

// The tensor of a file where the graph has a tensor, or does not say what it has; sequences have
// messages of their own.
absl::StatusOr<Tensor> ReadValue(const std::string& path, const onnx::ValueInfoProto& info) {
  const bool untyped = info.type().value_case() == onnx::TypeProto::VALUE_NOT_SET;
  if (!info.type().has_tensor_type() && !untyped) {
    return absl::UnimplementedError(
        absl::StrCat(info.name(), " is no tensor (sequences and optional values)"));
  }
  WEFT_ASSIGN_OR_RETURN(Tensor tensor, ReadOnnxTensor(path));
  return AsDeclared(std::move(tensor), info);
}

// An error unless `folder` has just `count` files KIND_0.pb and so on.
absl::Status CheckFileCount(const std::string& folder, std::string_view kind, int count) {
  int files = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    files += name.starts_with(kind) && name.ends_with(".pb");
  }
  if (!error && files == count) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(folder, ": the model has ", count, " ", Absl(kind), "s, the folder ", files));
}

absl::StatusOr<ConformData> ReadDataSet(const std::string& set, const onnx::GraphProto& graph) {
  std::set<std::string> initialized;
  for (const onnx::TensorProto& tensor : graph.initializer()) initialized.insert(tensor.name());
  ConformData data;
  int file = 0;
  for (const onnx::ValueInfoProto& input : graph.input()) {
    if (initialized.contains(input.name())) continue;
    const std::string path = absl::StrCat(set, "/input_", file++, ".pb");
    WEFT_ASSIGN_OR_RETURN(data.inputs[input.name()], ReadValue(path, input));
  }
  WEFT_RETURN_IF_ERROR(CheckFileCount(set, "input", file));
  std::set<std::string> named;
  file = 0;
  for (const onnx::ValueInfoProto& output : graph.output()) {
    if (!named.insert(output.name()).second) continue;  // it stands twice
    WEFT_ASSIGN_OR_RETURN(Tensor tensor,
                          ReadValue(absl::StrCat(set, "/output_", file++, ".pb"), output));
    data.outputs.push_back({output.name(), std::move(tensor)});
  }
  WEFT_RETURN_IF_ERROR(CheckFileCount(set, "output", file));
  return data;
}

bool FitsShape(const Dims& dims, const onnx::TensorShapeProto& shape) {
  bool fits = shape.dim_size() == static_cast<int>(dims.size());
  for (int i = 0; fits && i < shape.dim_size(); ++i) {
    fits =
        !shape.dim(i).has_dim_value() || shape.dim(i).dim_value() == dims[static_cast<size_t>(i)];
  }
  return fits;
}

absl::StatusOr<std::shared_ptr<onnx::ModelProto>> ReadModel(const std::string& folder) {
  const std::string path = folder + "/model.onnx";
  WEFT_ASSIGN_OR_RETURN(const MappedFile file, MapFile(path));
  auto message = std::make_shared<onnx::ModelProto>();
  WEFT_RETURN_IF_ERROR(ParseOnnxMessage(file.bytes, path, *message));
  return message;
}

// The outputs that depend on random numbers.
std::set<std::string> RandomOutputs(const Graph& graph) {
  std::set<const Node*> random;
  for (const Node& node : graph.nodes()) {
    // A mode-neutral node draws none in inference.
    const std::string mode = GetString(node.attributes(), "mode");
    const bool draws = node.op().draws_random && mode != "auto" && mode != "inference";
    const bool reads = std::any_of(node.inputs().begin(), node.inputs().end(),
                                   [&](const Value& v) { return random.contains(v.node); });
    if (draws || reads) random.insert(&node);
  }
  std::set<std::string> outputs;
  for (const NamedValue& output : graph.outputs()) {
    if (random.contains(output.value.node)) outputs.insert(output.name);
  }
  return outputs;
}

// One run of an imported model.
absl::StatusOr<Comparison> RunOnce(const Model& model, const ConformData& data, bool optimize,
                                   const ConformOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const auto session,
                        Session::Create(model, {.threads = options.threads, .optimize = optimize}));
  TensorMap feeds;
  for (const Node* input : model.graph.inputs()) {
    feeds.emplace(input->name(), data.inputs.at(input->name()));
  }
  WEFT_ASSIGN_OR_RETURN(const TensorMap outputs, session->Run(feeds));
  return CompareOutputs(data.outputs, outputs, RandomOutputs(model.graph), options);
}

absl::StatusOr<Comparison> RunCase(const std::string& folder, const ConformOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const auto message, ReadModel(folder));
  // What a model's own types rule out is said before its values are read.
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::string> sets, DataSets(folder));
  ExternalData external(folder);
  Comparison result;
  for (const std::string& set : sets) {
    const absl::StatusOr<ConformData> data = ReadDataSet(set, message->graph());
    if (data.ok()) TakeShapes(data->inputs, *message->mutable_graph());
    const absl::StatusOr<Model> model = ImportOnnxModel(
        message, &external,
        {.shape_candidates = data.ok() ? data->inputs : TensorMap(), .keep_half_types = true});
    WEFT_RETURN_IF_ERROR(model.status());
    WEFT_RETURN_IF_ERROR(data.status());
    for (const bool optimize : {false, true}) {
      auto comparison = RunOnce(*model, *data, optimize, options);
      if (!comparison.ok()) {
        return Annotate(comparison.status(), optimize ? "optimized" : "unoptimized");
      }
      if (comparison->outcome == ConformOutcome::kFail) {
        comparison->detail =
            absl::StrCat(fs::path(set).filename().string(),
                         optimize ? ", optimized: " : ", unoptimized: ", comparison->detail);
        return comparison;
      }
      if (comparison->outcome == ConformOutcome::kRandom) result = *std::move(comparison);
    }
  }
  return result;
}

}  // namespace

void TakeShapes(const TensorMap& data, onnx::GraphProto& graph) {
  for (onnx::ValueInfoProto& input : *graph.mutable_input()) {
    const auto it = data.find(input.name());
    if (it == data.end() || !input.type().tensor_type().has_shape()) continue;
    onnx::TensorShapeProto& shape = *input.mutable_type()->mutable_tensor_type()->mutable_shape();
    if (FitsShape(it->second.dims(), shape)) continue;
    shape.clear_dim();
    for (const int64_t extent : it->second.dims()) shape.add_dim()->set_dim_value(extent);
  }
}

std::string_view ToString(ConformOutcome outcome) {
  switch (outcome) {
    case ConformOutcome::kPass:
      return "pass";
    case ConformOutcome::kRandom:
      return "random";
    case ConformOutcome::kUnsupported:
      return "unsupported";
    case ConformOutcome::kFail:
      break;
  }
  return "FAIL";
}

absl::StatusOr<std::vector<std::string>> FindConformCases(const std::string& folder) {
  std::vector<std::string> cases;
  std::error_code error;
  for (fs::recursive_directory_iterator it(fs::path(folder) / "", error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().filename() == "model.onnx") cases.push_back(it->path().parent_path().string());
  }
  if (error) return absl::NotFoundError(absl::StrCat(folder, ": ", error.message()));
  std::sort(cases.begin(), cases.end());
  cases.erase(std::unique(cases.begin(), cases.end()), cases.end());
  if (cases.empty()) {
    return absl::NotFoundError(absl::StrCat(folder, ": no model.onnx in it or below it"));
  }
  return cases;
}

absl::StatusOr<std::vector<ConformData>> ReadConformData(const std::string& folder) {
  WEFT_ASSIGN_OR_RETURN(const auto message, ReadModel(folder));
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::string> sets, DataSets(folder));
  std::vector<ConformData> result;
  for (const std::string& set : sets) {
    WEFT_ASSIGN_OR_RETURN(ConformData data, ReadDataSet(set, message->graph()));
    result.push_back(std::move(data));
  }
  return result;
}

ConformResult RunConformCase(const std::string& folder, const ConformOptions& options) {
  ConformResult result{fs::path(folder).filename().string(), ConformOutcome::kFail, ""};
  absl::StatusOr<Comparison> comparison = RunCase(folder, options);
  if (comparison.ok()) {
    result.outcome = comparison->outcome;
    result.detail = std::move(comparison->detail);
  } else {
    const bool unsupported = comparison.status().code() == absl::StatusCode::kUnimplemented;
    result.outcome = unsupported ? ConformOutcome::kUnsupported : ConformOutcome::kFail;
    result.detail = std::string(comparison.status().message());
  }
  return result;
}

}  // namespace weft
