// Graphs that go out to ONNX and come back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "frontend/io/read_file.h"
#include "frontend/onnx/conform/conform.h"
#include "frontend/onnx/export/to_onnx.h"
#include "frontend/onnx/import/importer.h"
#include "frontend/session/session.h"
#include "frontend/zoo/zoo.h"
#include "ops/ops.h"
#include "ops/reference.h"
#include "passes/passes.h"
#include "testing_onnx.h"
#include "tests/cases/cases.h"

namespace weft {
namespace {

absl::StatusOr<onnx::ModelProto> Export(const Model& model) { return ToOnnx(model, {}, nullptr); }

absl::StatusOr<Model> Import(const onnx::ModelProto& message) {
  return ImportOnnxModel(std::make_shared<onnx::ModelProto>(message), nullptr,
                         {.keep_half_types = true});
}

absl::StatusOr<TensorMap> Infer(const Model& model, const TensorMap& data, bool optimize) {
  WEFT_ASSIGN_OR_RETURN(const auto session,
                        Session::Create(model, {.threads = 1, .optimize = optimize}));
  TensorMap feeds;
  for (const Node* input : model.graph.inputs()) {
    feeds.emplace(input->name(), data.at(input->name()));
  }
  return session->Run(feeds);
}

// Ours give as many rows as there can be, which ONNX's are padded to, each time anew.
bool IsPadded(const Graph& graph) {
  return std::any_of(graph.nodes().begin(), graph.nodes().end(), [](const Node& node) {
    return node.op_name() == "NonMaxSuppression" || node.op_name() == "NonZero" ||
           node.op_name() == "Unique";
  });
}

// Exports, imports and exports again; the second text is the first's. The model that came back.
absl::StatusOr<Model> RoundTrip(const Model& model) {
  WEFT_ASSIGN_OR_RETURN(const onnx::ModelProto first, Export(model));
  WEFT_ASSIGN_OR_RETURN(Model back, Import(first));
  WEFT_ASSIGN_OR_RETURN(const onnx::ModelProto second, Export(back));
  if (IsPadded(model.graph) || first.DebugString() == second.DebugString()) return back;
  return absl::InternalError(absl::StrCat("the second text differs:\n", first.DebugString(),
                                          "\nand\n", second.DebugString()));
}

// A case of ONNX's suite that passes, unoptimized and optimized. What it should say after a round
// trip, or an error.
absl::Status CheckCase(const std::string& folder, int& checked) {
  auto message = std::make_shared<onnx::ModelProto>();
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(folder + "/model.onnx"));
  WEFT_RETURN_IF_ERROR(ParseOnnxMessage(bytes, folder, *message));
  WEFT_ASSIGN_OR_RETURN(const std::vector<ConformData> sets, ReadConformData(folder));
  for (const ConformData& data : sets) {
    TakeShapes(data.inputs, *message->mutable_graph());
    WEFT_ASSIGN_OR_RETURN(const Model model, ImportOnnxModel(message, nullptr,
                                                             {.shape_candidates = data.inputs,
                                                              .keep_half_types = true}));
    WEFT_ASSIGN_OR_RETURN(const Model back, RoundTrip(model));
    for (const bool optimize : {false, true}) {
      WEFT_ASSIGN_OR_RETURN(const TensorMap outputs, Infer(back, data.inputs, optimize));
      std::set<std::string> random;
      for (const Node& node : back.graph.nodes()) {
        if (!node.op().draws_random) continue;
        for (const NamedTensor& output : data.outputs) random.insert(output.name);
      }
      const Comparison c = CompareOutputs(data.outputs, outputs, random);
      if (c.outcome == ConformOutcome::kFail) return absl::InternalError(c.detail);
    }
    ++checked;
  }
  return absl::OkStatus();
}

// Cases whose graphs have no ONNX form at an opset that we write, with the reason that the error
// gives.
const std::map<std::string, std::string> kNotExported = {};

class OnnxRoundTrip : public ::testing::TestWithParam<const char*> {};

TEST_P(OnnxRoundTrip, CasesThatPassSayTheSameAfterIt) {
  const auto folders = FindConformCases(absl::StrCat(WEFT_ONNX_TEST_DATA, "/", GetParam())).value();
  int checked = 0;
  for (const std::string& folder : folders) {
    const ConformResult result = RunConformCase(folder, {.threads = 1});
    if (result.outcome != ConformOutcome::kPass && result.outcome != ConformOutcome::kRandom) {
      continue;
    }
    const absl::Status status = CheckCase(folder, checked);
    const auto known = kNotExported.find(result.name);
    if (known == kNotExported.end()) {
      EXPECT_TRUE(status.ok()) << result.name << ": " << status.message();
    } else {
      EXPECT_THAT(std::string(status.message()), testing::HasSubstr(known->second)) << result.name;
    }
  }
  EXPECT_GT(checked, 8);
}

INSTANTIATE_TEST_SUITE_P(Parts, OnnxRoundTrip,
                         testing::Values("node", "pytorch-converted", "pytorch-operator", "simple"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// tests/zoo does it for every network, as built.
TEST(OnnxRoundTripOfNetworks, SmallNetworksAsBuiltAndOptimized) {
  for (const char* network : {"lenet", "lenet-bn"}) {
    const ZooEntry& entry = **FindNetwork(network);
    Model model = BuildNetwork(entry).value();
    Tensor x = Tensor::Zeros(DType::kF32, {3, 1, 28, 28}).value();
    for (size_t i = 0; i < x.mutable_values<float>().size(); ++i) {
      x.mutable_values<float>()[i] = static_cast<float>(i * 7 % 31) / 31.0f;
    }
    const std::string input = model.graph.inputs()[0]->name();
    const TensorMap expected = Infer(model, {{input, x}}, /*optimize=*/true).value();
    for (const bool optimized : {false, true}) {
      if (optimized) model.graph = OptimizedForInference(model.graph).value();
      const auto back = RoundTrip(model);
      ASSERT_TRUE(back.ok()) << entry.name << ": " << back.status().message();
      const TensorMap outputs = Infer(*back, {{input, x}}, /*optimize=*/true).value();
      for (const auto& [name, tensor] : expected) {
        const Comparison c =
            CompareOutputs({{name, tensor}}, {{name, outputs.at(name)}}, {}, {.atol = 1e-5});
        EXPECT_EQ(c.outcome, ConformOutcome::kPass) << entry.name << ": " << c.detail;
      }
    }
  }
}

// Rows of the op-case table whose ops draw other numbers, or none, after it.
bool IsRandom(const OpCase& c) { return StandardOps().Find(c.op)->draws_random; }

TEST(OnnxRoundTripOfOps, EveryCaseOfTheTableThatExports) {
  int checked = 0;
  for (const OpCase& c : RunnableCases()) {
    const Model model(BuildCase(c, DType::kF32).value());
    if (!Export(model).ok()) continue;  // onnx_export_ops_test.cc lists these
    const auto back = RoundTrip(model);
    EXPECT_TRUE(back.ok()) << c.TestName() << ": " << back.status().message();
    if (!back.ok() || IsRandom(c)) continue;
    const TensorMap feeds = MakeFeeds(c, DType::kF32);
    const TensorMap expected = ReferenceEvaluator().RunGraph(model.graph, feeds).value();
    TensorMap fitting;
    for (const Node* input : back->graph.inputs()) {
      fitting.emplace(input->name(), feeds.at(input->name()));
    }
    const auto got = ReferenceEvaluator().RunGraph(ForInference(back->graph).value(), fitting);
    EXPECT_TRUE(got.ok()) << c.TestName() << ": " << got.status();
    if (!got.ok()) continue;
    std::vector<NamedTensor> tensors;
    for (const auto& [name, tensor] : expected) tensors.push_back({name, tensor});
    const Comparison comparison = CompareOutputs(tensors, *got, {}, {.rtol = 1e-4, .atol = 1e-5});
    EXPECT_EQ(comparison.outcome, ConformOutcome::kPass)
        << c.TestName() << ": " << comparison.detail;
    ++checked;
  }
  EXPECT_GT(checked, 500);
}

}  // namespace
}  // namespace weft
