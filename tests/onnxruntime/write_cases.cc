// Writes models and what they must compute, for check.mjs to run in ONNX Runtime:
// FOLDER/NAME/model.onnx, and case.json with the feeds and expected outputs. The networks are run
// by the engine, the rows of the op-case table by the reference kernels.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "frontend/build/builder.h"
#include "frontend/onnx/export/export.h"
#include "frontend/session/session.h"
#include "frontend/zoo/zoo.h"
#include "ops/ops.h"
#include "ops/reference.h"
#include "tests/cases/cases.h"
#include "tests/frontend/testing_networks.h"
#include "tests/zoo/testing_zoo.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

// Numbers as text, which JavaScript reads exactly: doubles with 17 digits, i64 and u64 as
// strings.
nlohmann::json ToJson(const Tensor& tensor) {
  nlohmann::json values = nlohmann::json::array();
  for (int64_t i = 0; i < tensor.size(); ++i) {
    const auto at = static_cast<size_t>(i);
    if (tensor.dtype() == DType::kI64) {
      values.push_back(std::to_string(tensor.values<int64_t>()[at]));
    } else if (tensor.dtype() == DType::kU64) {
      values.push_back(std::to_string(tensor.values<uint64_t>()[at]));
    } else {
      values.push_back(tensor.At(i));
    }
  }
  return {{"dtype", ToString(tensor.dtype())}, {"dims", tensor.dims()}, {"values", values}};
}

nlohmann::json ToJson(const TensorMap& tensors) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, tensor] : tensors) json[name] = ToJson(tensor);
  return json;
}

absl::Status WriteExpected(const fs::path& folder, const TensorMap& feeds,
                           const TensorMap& outputs) {
  const nlohmann::json json = {{"inputs", ToJson(feeds)}, {"outputs", ToJson(outputs)}};
  std::ofstream file(folder / "case.json");
  file << json.dump();
  file.close();
  return file.good() ? absl::OkStatus()
                     : absl::DataLossError(absl::StrCat("cannot write ", folder.string()));
}

absl::Status Write(const fs::path& folder, const Model& model, const TensorMap& feeds,
                   const TensorMap& outputs, int opset = 13) {
  fs::create_directories(folder);
  WEFT_RETURN_IF_ERROR(
      ExportOnnx(model, (folder / "model.onnx").string(), {.opset = opset}).status());
  return WriteExpected(folder, feeds, outputs);
}

absl::StatusOr<Model> Residual() {
  Builder b;
  Value x = b.Input("x", {"N", 3, 16, 16});
  const auto conv = [&b](Value v, int64_t channels, int64_t stride) {
    return b.BatchNorm2d(b.Conv2d(
        v, {.channels = channels, .kernel = 3, .stride = stride, .padding = 1, .bias = false}));
  };
  Value h = b.Relu(conv(x, 8, 1));
  h = b.Relu(b.Add(h, conv(b.Relu(conv(h, 8, 1)), 8, 1)));
  const Value shortcut =
      b.BatchNorm2d(b.Conv2d(h, {.channels = 16, .kernel = 1, .stride = 2, .bias = false}));
  h = b.Silu(b.Add(shortcut, conv(b.Gelu(conv(h, 16, 2)), 16, 1)));
  h = b.Dropout(b.Flatten(b.GlobalAvgPool(h)), {.ratio = 0.2});
  b.Output("logits", b.Linear(h, {.features = 10}));
  return b.Build();
}

// Statistics as training leaves them: a fresh network's are 0 and 1.
absl::Status RandomizeStatistics(Graph& graph) {
  uint64_t seed = 100;
  for (Node* node : graph.variables()) {
    if (VariableRole(*node) != kStatistic) continue;
    const Tensor& old = LeafValue(*node);
    WEFT_RETURN_IF_ERROR(
        graph.SetLeafValue(node, RandomTensor(old.dims(), old.dtype(), ++seed, 0.25, 1.5)));
  }
  return absl::OkStatus();
}

absl::Status WriteNetwork(const fs::path& folder, const std::string& name, Model model,
                          const Dims& input) {
  WEFT_RETURN_IF_ERROR(RandomizeStatistics(model.graph));
  const TensorMap feeds = {{model.graph.inputs()[0]->name(), RandomTensor(input, DType::kF32, 7)}};
  WEFT_ASSIGN_OR_RETURN(const auto session, Session::Create(model));
  WEFT_ASSIGN_OR_RETURN(const TensorMap outputs, session->Run(feeds));
  WEFT_RETURN_IF_ERROR(Write(folder / name, model, feeds, outputs));
  WEFT_ASSIGN_OR_RETURN(Graph optimized, OptimizedForInference(model.graph));
  return Write(folder / (name + "_optimized"), Model(std::move(optimized)), feeds, outputs);
}

absl::Status WriteNetworks(const fs::path& folder) {
  for (std::string_view name : {"lenet", "lenet-bn"}) {
    WEFT_ASSIGN_OR_RETURN(const ZooEntry* entry, FindNetwork(name));
    WEFT_ASSIGN_OR_RETURN(Model model, BuildNetwork(*entry));
    WEFT_RETURN_IF_ERROR(WriteNetwork(folder, std::string(name), std::move(model), {5, 1, 28, 28}));
  }
  WEFT_ASSIGN_OR_RETURN(Model residual, Residual());
  return WriteNetwork(folder, "residual", std::move(residual), {3, 3, 16, 16});
}

// Those of the zoo, small, as built, but for vae, which draws numbers.
absl::Status WriteZoo(const fs::path& folder) {
  for (const ZooEntry& entry : Zoo()) {
    if (entry.name == "vae") continue;
    const Model model = SettledNetwork(entry);
    WEFT_ASSIGN_OR_RETURN(const auto session, Session::Create(model, {.threads = kTestThreads}));
    const TensorMap feeds = SmallFeeds(session->graph());
    WEFT_ASSIGN_OR_RETURN(const TensorMap outputs, session->Run(feeds));
    WEFT_RETURN_IF_ERROR(Write(folder / ("zoo_" + entry.name), model, feeds, outputs));
  }
  return absl::OkStatus();
}

// A network as an exporter wrote it, imported once, at each of its sizes: that file, what becomes
// of it here as it is, and optimized.
absl::Status WriteImported(const fs::path& folder, const OnnxMaker& file,
                           const std::vector<Dims>& sizes) {
  WEFT_ASSIGN_OR_RETURN(const Model model, file.Import());
  WEFT_ASSIGN_OR_RETURN(Graph graph, OptimizedForInference(model.graph));
  const Model optimized(std::move(graph));
  WEFT_ASSIGN_OR_RETURN(const auto session, Session::Create(model, {.threads = kTestThreads}));
  for (size_t i = 0; i < sizes.size(); ++i) {
    const TensorMap feeds = {{"x", RandomTensor(sizes[i], DType::kF32, 5)}};
    WEFT_ASSIGN_OR_RETURN(const TensorMap outputs, session->Run(feeds));
    const std::string path = absl::StrCat(folder.string(), "_", i);
    fs::create_directories(path);
    std::ofstream(path + "/model.onnx") << file.proto.SerializeAsString();
    WEFT_RETURN_IF_ERROR(WriteExpected(path, feeds, outputs));
    WEFT_RETURN_IF_ERROR(Write(path + "_exported", model, feeds, outputs));
    WEFT_RETURN_IF_ERROR(Write(path + "_optimized", optimized, feeds, outputs));
  }
  return absl::OkStatus();
}

absl::Status WriteAllImported(const fs::path& folder) {
  for (const ExportedNetwork& network : ExportedNetworks()) {
    for (int opset : kExportedOpsets) {
      const std::string name = absl::StrCat("net_", network.name, "_opset", opset);
      WEFT_RETURN_IF_ERROR(Annotate(
          WriteImported(folder / name, WriteNetwork(network, opset), SizesFor(network, opset)),
          name));
    }
  }
  return absl::OkStatus();
}

// Whether two evaluations may differ: ONNX Runtime draws other random numbers than we do.
bool IsRandom(const OpCase& c) {
  const OpDef* op = StandardOps().Find(c.op);
  if (op == nullptr || !op->draws_random) return false;
  const auto mode = c.attributes.find("mode");
  return mode == c.attributes.end() || mode->second == Attribute("training");
}

// Whether the graph was written: ops that cannot be exported are left out
// (tests/frontend/onnx_export_ops_test.cc says which).
absl::StatusOr<bool> WriteCase(const fs::path& folder, Graph graph, const TensorMap& feeds,
                               const TensorMap& outputs, int opset) {
  const absl::Status status = Write(folder, Model(std::move(graph)), feeds, outputs, opset);
  if (status.ok()) return true;
  if (!absl::IsUnimplemented(status)) return Annotate(status, folder.string());
  fs::remove_all(folder);
  return false;
}

// The number of graphs written: each case that is not random as it is, and with a symbolic batch
// (NAME@N), where it has one, in the newest opset.
absl::StatusOr<int> WriteCases(const fs::path& folder) {
  int written = 0;
  for (const OpCase& c : RunnableCases()) {
    if (IsRandom(c)) continue;
    WEFT_ASSIGN_OR_RETURN(Graph graph, BuildCase(c, DType::kF32));
    WEFT_ASSIGN_OR_RETURN(Graph symbolic, BuildCase(c, DType::kF32, {.symbolic_batch = true}));
    const TensorMap feeds = MakeFeeds(c, DType::kF32);
    ReferenceEvaluator evaluator;
    WEFT_ASSIGN_OR_RETURN(const TensorMap outputs, evaluator.RunGraph(graph, feeds));
    const fs::path path = folder / c.TestName();
    WEFT_ASSIGN_OR_RETURN(const bool wrote, WriteCase(path, std::move(graph), feeds, outputs, 13));
    written += wrote;
    if (c.batch_inputs.empty()) continue;
    WEFT_ASSIGN_OR_RETURN(const bool more,
                          WriteCase(path.string() + "@N", std::move(symbolic), feeds, outputs, 17));
    written += more;
  }
  return written;
}

absl::StatusOr<int> WriteAll(const fs::path& folder) {
  fs::remove_all(folder);
  WEFT_RETURN_IF_ERROR(WriteAllImported(folder));
  WEFT_RETURN_IF_ERROR(WriteNetworks(folder));
  WEFT_RETURN_IF_ERROR(WriteZoo(folder));
  return WriteCases(folder);
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: weft_onnx_export_cases FOLDER (which is replaced)\n");
    return 2;
  }
  const absl::StatusOr<int> written = weft::WriteAll(argv[1]);
  if (!written.ok()) {
    std::fprintf(stderr, "%s\n", written.status().ToString().c_str());
    return 1;
  }
  std::printf("wrote networks and %d graphs of op cases to %s\n", *written, argv[1]);
  return 0;
}
