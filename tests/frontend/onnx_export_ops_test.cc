// What must hold of every op, checked on the op-case table (tests/cases/): it is exported as
// something that onnx.checker accepts, or is known not to be, and says why. That the exported ops
// compute the same is for tests/onnxruntime to say.

#include <algorithm>
#include <functional>
#include <optional>

#include "frontend/onnx/export/to_onnx.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cases/cases.h"

namespace weft {
namespace {

using testing::HasSubstr;

// Nodes that ONNX cannot express, by op and condition, and what the error says of them.
struct NotExported {
  std::string_view op;  // "": of every op
  std::function<bool(const OpCase&)> applies;
  std::string_view reason;
};

std::function<bool(const OpCase&)> Has(std::string name, Attribute value) {
  return [name = std::move(name), value = std::move(value)](const OpCase& c) {
    const auto it = c.attributes.find(name);
    return it != c.attributes.end() && it->second == value;
  };
}
bool HasKey(const OpCase& c) { return c.inputs.size() == 2; }

const std::vector<NotExported>& NotExportedList() {
  constexpr std::string_view kRandom = "draws at random, as no op of ONNX does";
  constexpr std::string_view kKey = "its input Key is none of ONNX's";
  const auto training = Has("mode", "training");
  const auto always = [](const OpCase&) { return true; };
  static const auto& list = *new std::vector<NotExported>{
      {"", [](const OpCase& c) { return c.op.find("Grad") != std::string::npos; },
       "a gradient op, ONNX has none"},
      {"OptimizerStep", always, "ONNX has no such op up to opset 17"},
      {"GlobalNorm", always, "ONNX has no such op up to opset 17"},
      {"FractionalMaxPool", training, kRandom},
      {"RandomPlacement", training, kRandom},
      {"StochasticPool", training, kRandom},
      {"TournamentPool", training, kRandom},
      {"AdaptiveMaxPool", HasKey, kKey},
      {"MedianPool", HasKey, kKey},
      {"BatchNormalization", [](const OpCase& c) { return c.outputs.size() > 3; },
       "its outputs batch_mean and batch_var are none of ONNX's"},
      {"GridSample", [](const OpCase& c) { return c.outputs[0].size() != 4; },
       "ONNX's GridSample is of images [N,C,H,W] only up to opset 17"},
      {"", [](const OpCase& c) { return c.op.starts_with("Bitwise"); },
       "ONNX has no such op up to opset 17"},
      {"Pow", [](const OpCase& c) { return c.inputs[0].dtype == DType::kU8; },
       "ONNX's Pow has no u8 X"},
      {"Pow", [](const OpCase& c) { return c.inputs[0].dtype == DType::kU64; },
       "ONNX's Pow has no u64 X"},
      {"ScatterElements", Has("reduction", "max"), "reduction max is not in ONNX up to opset 17"},
      {"ScatterElements", Has("reduction", "min"), "reduction min is not in ONNX up to opset 17"},
      {"ScatterND", Has("reduction", "max"), "reduction max is not in ONNX up to opset 17"},
      {"ScatterND", Has("reduction", "min"), "reduction min is not in ONNX up to opset 17"},
      {"SoftmaxCrossEntropyLoss",
       [](const OpCase& c) { return GetFloat(c.attributes, "label_smoothing") != 0; },
       "ONNX's SoftmaxCrossEntropyLoss has no attribute label_smoothing up to opset 17"},
  };
  return list;
}

bool Applies(const NotExported& entry, const OpCase& c) {
  return (entry.op.empty() || entry.op == c.op) && entry.applies(c);
}

std::optional<std::string> ReasonFor(const OpCase& c) {
  for (const NotExported& entry : NotExportedList()) {
    if (Applies(entry, c)) return std::string(entry.reason);
  }
  return std::nullopt;
}

class OnnxExportOps : public testing::TestWithParam<OpCase> {};

TEST_P(OnnxExportOps, ExportsWhatTheCheckerAcceptsOrSaysWhyNot) {
  const OpCase& c = GetParam();
  absl::StatusOr<Graph> graph = BuildCase(c, DType::kF32);
  ASSERT_TRUE(graph.ok()) << graph.status();
  OnnxExportReport report;
  const Model model(*std::move(graph));
  const auto proto = ToOnnx(model, {}, &report);
  const std::optional<std::string> reason = ReasonFor(c);
  if (reason) {
    ASSERT_FALSE(proto.ok()) << "listed, but exported: " << proto->graph().ShortDebugString();
    EXPECT_THAT(std::string(proto.status().message()),
                HasSubstr("node (" + c.op + "): " + *reason));
    return;
  }
  ASSERT_TRUE(proto.ok()) << proto.status();
  EXPECT_GE(report.opset, 13);
  EXPECT_LE(report.opset, 17);
  EXPECT_EQ(proto->opset_import(0).version(), report.opset);
  EXPECT_TRUE(CheckOnnx(*proto).ok()) << CheckOnnx(*proto);
  const auto newest = ToOnnx(model, {.opset = 17}, &report);
  EXPECT_TRUE(newest.ok()) << newest.status();
  EXPECT_TRUE(report.notes.empty()) << report.notes[0];
}

TEST_P(OnnxExportOps, ExportsASymbolicBatch) {
  const OpCase& c = GetParam();
  if (c.batch_inputs.empty() || ReasonFor(c)) return;
  absl::StatusOr<Graph> graph = BuildCase(c, DType::kF32, {.symbolic_batch = true});
  ASSERT_TRUE(graph.ok()) << graph.status();
  const std::string batch_input = CaseInputName(c, c.batch_inputs[0]);
  const auto proto = ToOnnx(Model(*std::move(graph)), {}, nullptr);
  // The sizes of its pieces follow from N in a way that Split's constants cannot.
  if (c.op == "Split" && (c.name == "num_outputs" || c.name == "smaller_last_of_batch")) {
    EXPECT_THAT(std::string(proto.status().message()),
                HasSubstr("node (Split): unequal pieces of symbolic extents"));
    return;
  }
  ASSERT_TRUE(proto.ok()) << proto.status();
  for (const onnx::ValueInfoProto& input : proto->graph().input()) {
    if (input.name() != batch_input) continue;
    EXPECT_EQ(input.type().tensor_type().shape().dim(0).dim_param(), "N");
  }
}

TEST_P(OnnxExportOps, ExportsF64UnlessOnnxLacksIt) {
  const OpCase& c = GetParam();
  if (ReasonFor(c)) return;
  absl::StatusOr<Graph> graph = BuildCase(c, DType::kF64);
  ASSERT_TRUE(graph.ok()) << graph.status();
  const auto proto = ToOnnx(Model(*std::move(graph)), {}, nullptr);
  if (c.op == "LayerNormalization" && c.outputs.size() > 1) {  // statistics are f32 in ONNX
    EXPECT_THAT(std::string(proto.status().message()),
                HasSubstr("node (LayerNormalization): ONNX's LayerNormalization has no f64 Mean"));
    return;
  }
  EXPECT_TRUE(proto.ok()) << proto.status();
}

INSTANTIATE_TEST_SUITE_P(Table, OnnxExportOps, testing::ValuesIn(OpCases()), CaseName);

TEST(OnnxExportList, EveryEntryAppliesToACase) {
  for (const NotExported& entry : NotExportedList()) {
    const auto applies = [&](const OpCase& c) { return Applies(entry, c); };
    EXPECT_TRUE(std::any_of(OpCases().begin(), OpCases().end(), applies))
        << entry.op << ": " << entry.reason;
  }
}

}  // namespace
}  // namespace weft
