// What must hold of every op, checked on the op-case table (tests/cases/): it is exported as
// something that onnx.checker accepts, or is known not to be, and says why. That the exported ops
// compute the same is for tests/onnxruntime to say.

#include <map>
#include <set>

#include "frontend/onnx/to_onnx.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/ops.h"
#include "tests/cases/cases.h"

namespace weft {
namespace {

using testing::HasSubstr;

// The ops that ONNX cannot express, and the single cases of others, each with the reason.
const std::map<std::string, std::string>& NotExported() {
  static const auto& list = *new std::map<std::string, std::string>{
  };
  return list;
}

// The entry for a case: its own or its op's.
std::optional<std::string> ReasonFor(const OpCase& c) {
  if (c.op.ends_with("Grad")) return "a gradient op, ONNX has none";
  for (const std::string& key : {c.TestName(), c.op}) {
    const auto it = NotExported().find(key);
    if (it != NotExported().end()) return it->second;
  }
  return std::nullopt;
}

class OnnxExportOps : public testing::TestWithParam<OpCase> {};

TEST_P(OnnxExportOps, ExportsWhatTheCheckerAcceptsOrSaysWhyNot) {
  const OpCase& c = GetParam();
  absl::StatusOr<Graph> graph = BuildCase(c, DType::kF32);
  ASSERT_TRUE(graph.ok()) << graph.status();
  OnnxExportReport report;
  const auto proto = ToOnnx(Model(*std::move(graph)), {}, &report);
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
}

TEST_P(OnnxExportOps, ExportsASymbolicBatchLikeAStaticOne) {
  const OpCase& c = GetParam();
  if (c.batch_inputs.empty() || ReasonFor(c)) return;
  absl::StatusOr<Graph> graph = BuildCase(c, DType::kF32, {.symbolic_batch = true});
  ASSERT_TRUE(graph.ok()) << graph.status();
  const auto proto = ToOnnx(Model(*std::move(graph)), {}, nullptr);
  ASSERT_TRUE(proto.ok()) << proto.status();
  const auto& input = proto->graph().input(0);
  EXPECT_EQ(input.type().tensor_type().shape().dim(0).dim_param(), "N");
}

INSTANTIATE_TEST_SUITE_P(Table, OnnxExportOps, testing::ValuesIn(OpCases()), CaseName);

TEST(OnnxExportList, EveryEntryIsAnOpOrACaseThatItsOpDoesNotCover) {
  std::set<std::string> cases;
  for (const OpCase& c : OpCases()) cases.insert(c.TestName());
  for (const auto& [key, reason] : NotExported()) {
    const bool op = StandardOps().Find(key) != nullptr;
    EXPECT_TRUE(op || cases.contains(key)) << key << " is no op and no case";
    EXPECT_FALSE(key.ends_with("Grad")) << key;
    EXPECT_FALSE(!op && NotExported().contains(key.substr(0, key.find('_')))) << key;
  }
}

}  // namespace
}  // namespace weft
