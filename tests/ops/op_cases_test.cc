// What must hold of every op, checked on the op-case table (tests/cases/).

#include <cmath>
#include <numeric>
#include <set>

#include "gmock/gmock.h"
#include "graph/bind.h"
#include "graph/emitter.h"
#include "graph/file/serialize.h"
#include "graph/model.h"
#include "graph/text.h"
#include "gtest/gtest.h"
#include "ops/fused_elementwise.h"
#include "ops/ops.h"
#include "ops/post_ops.h"
#include "ops/reference.h"
#include "tests/cases/cases.h"

namespace weft {
namespace {

bool IsLeaf(std::string_view op) { return op == kInput || op == kConstant || op == kVariable; }

TEST(OpCaseTable, EveryRegisteredOpHasACase) {
  std::set<std::string_view> covered;
  for (const OpCase& op_case : OpCases()) covered.insert(op_case.op);
  for (const OpDef* op : StandardOps().All()) {
    EXPECT_TRUE(IsLeaf(op->name) || covered.contains(op->name)) << op->name << " has no case";
  }
}

TEST(OpCaseTable, EveryCaseIsOfARegisteredOpAndNamedOnce) {
  std::set<std::string> names;
  for (const OpCase& op_case : OpCases()) {
    EXPECT_NE(StandardOps().Find(op_case.op), nullptr) << op_case.op;
    EXPECT_TRUE(names.insert(op_case.TestName()).second) << op_case.TestName();
  }
}

TEST(OpCaseTable, EveryAttributeOfEveryOpIsSetByACase) {
  std::set<std::pair<std::string_view, std::string_view>> set;
  for (const OpCase& op_case : OpCases()) {
    for (const auto& [name, value] : op_case.attributes) set.insert({op_case.op, name});
  }
  for (const OpDef* op : StandardOps().All()) {
    if (IsLeaf(op->name)) continue;
    for (const AttributeSpec& attribute : op->attributes) {
      EXPECT_TRUE(set.contains({op->name, attribute.name})) << op->name << " " << attribute.name;
    }
  }
}

TEST(OpCaseTable, EveryOpIsDocumented) {
  for (const OpDef* op : StandardOps().All()) {
    EXPECT_GE(op->doc.size(), 10u) << op->name;
    if (IsLeaf(op->name)) continue;
    EXPECT_EQ(op->gradient == nullptr, !op->no_gradient.empty())
        << op->name << " says why it has no gradient exactly if it has none";
  }
}

class OpCaseTest : public testing::TestWithParam<OpCase> {
 protected:
  static TensorType ExpectedType(size_t output, DType float_type) {
    const OpCase& c = GetParam();
    std::optional<DType> dtype;
    if (output < c.dtypes.size()) dtype = c.dtypes[output];
    return {dtype.value_or(float_type), ToShape(c.outputs[output])};
  }

  // The outputs of `graph` by the reference kernels, in order.
  static std::vector<Tensor> Run(const Graph& graph, const TensorMap& feeds) {
    ReferenceEvaluator evaluator({.seed = 5});
    absl::StatusOr<TensorMap> outputs = evaluator.RunGraph(graph, feeds);
    EXPECT_TRUE(outputs.ok()) << outputs.status();
    if (!outputs.ok()) return {};
    std::vector<Tensor> result;
    for (const NamedValue& output : graph.outputs()) result.push_back(outputs->at(output.name));
    return result;
  }
};

TEST_P(OpCaseTest, InfersTheExpectedTypesAndTheKernelKeepsThem) {
  const OpCase& c = GetParam();
  for (DType dtype : {DType::kF32, DType::kF64}) {
    absl::StatusOr<Graph> graph = BuildCase(c, dtype);
    ASSERT_TRUE(graph.ok()) << graph.status();
    EXPECT_TRUE(graph->Verify().ok()) << graph->Verify();
    const std::vector<Tensor> outputs = Run(*graph, MakeFeeds(c, dtype));
    ASSERT_EQ(graph->outputs().size(), c.outputs.size());
    ASSERT_EQ(outputs.size(), c.outputs.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      EXPECT_EQ(ToString(graph->outputs()[i].value.type()), ToString(ExpectedType(i, dtype)));
      EXPECT_EQ(ToString(outputs[i].type()), ToString(ExpectedType(i, dtype)));
    }
  }
}

TEST_P(OpCaseTest, ComputesFiniteValuesThatAgreeInBothPrecisions) {
  const OpCase& c = GetParam();
  absl::StatusOr<Graph> single = BuildCase(c, DType::kF32), exact = BuildCase(c, DType::kF64);
  ASSERT_TRUE(single.ok() && exact.ok()) << single.status() << exact.status();
  const std::vector<Tensor> a = Run(*single, MakeFeeds(c, DType::kF32));
  const std::vector<Tensor> b = Run(*exact, MakeFeeds(c, DType::kF64));
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].size(), b[i].size());
    double largest = 0, difference = 0;
    for (int64_t k = 0; k < b[i].size(); ++k) {
      ASSERT_TRUE(std::isfinite(b[i].At(k))) << "output " << i << " element " << k;
      largest = std::max(largest, std::abs(b[i].At(k)));
      difference = std::max(difference, std::abs(a[i].At(k) - b[i].At(k)));
    }
    EXPECT_LE(difference, 1e-5 * std::max(largest, 1.0)) << "output " << i;
  }
}

TEST_P(OpCaseTest, InfersASymbolicBatch) {
  const OpCase& c = GetParam();
  if (c.batch_inputs.empty()) return;
  absl::StatusOr<Graph> graph = BuildCase(c, DType::kF32, {.symbolic_batch = true});
  ASSERT_TRUE(graph.ok()) << graph.status();
  const int64_t n = c.inputs[static_cast<size_t>(c.batch_inputs[0])].dims[0];
  absl::StatusOr<Graph> bound = Bind(*graph, {{"N", n}});
  ASSERT_TRUE(bound.ok()) << bound.status();
  ASSERT_EQ(bound->outputs().size(), c.outputs.size());
  for (size_t i = 0; i < c.outputs.size(); ++i) {
    const TensorType& symbolic = graph->outputs()[i].value.type();
    EXPECT_EQ(symbolic.rank(), static_cast<int>(c.outputs[i].size()));
    EXPECT_EQ(ToString(bound->outputs()[i].value.type()), ToString(ExpectedType(i, DType::kF32)))
        << "bound from " << ToString(symbolic);
  }
}

TEST_P(OpCaseTest, HasADump) {
  absl::StatusOr<Graph> graph = BuildCase(GetParam(), DType::kF32);
  ASSERT_TRUE(graph.ok()) << graph.status();
  const std::string text = ToText(*graph);
  EXPECT_THAT(text, testing::HasSubstr(GetParam().op + "("));
  EXPECT_THAT(text, testing::HasSubstr(ToString(ExpectedType(0, DType::kF32))));
  EXPECT_THAT(ToDot(*graph), testing::HasSubstr(GetParam().op));
}

TEST_P(OpCaseTest, SurvivesAFile) {
  const OpCase& c = GetParam();
  absl::StatusOr<Graph> graph = BuildCase(c, DType::kF32);
  ASSERT_TRUE(graph.ok()) << graph.status();
  const std::string text = ToText(*graph);
  const std::vector<Tensor> before = Run(*graph, MakeFeeds(c, DType::kF32));

  const Model model(*std::move(graph));
  for (bool binary : {true, false}) {
    absl::StatusOr<Model> read = binary
                                     ? ParseModel(SerializeModel(model), StandardOps())
                                     : ModelFromProtoText(ModelToProtoText(model), StandardOps());
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(ToText(read->graph), text);
    EXPECT_EQ(Run(read->graph, MakeFeeds(c, DType::kF32)), before);
  }
}

TEST_P(OpCaseTest, HasACost) {
  absl::StatusOr<Graph> graph = BuildCase(GetParam(), DType::kF32);
  ASSERT_TRUE(graph.ok()) << graph.status();
  absl::StatusOr<Cost> cost = CostOf(*graph->Find("node"));
  ASSERT_TRUE(cost.ok()) << cost.status();
  EXPECT_GE(cost->macs, 0);
  EXPECT_GE(cost->flops, 2.0 * static_cast<double>(cost->macs));
  double bytes = 0;  // of the outputs alone
  for (size_t i = 0; i < GetParam().outputs.size(); ++i) {
    absl::StatusOr<int64_t> elements = CountElements(GetParam().outputs[i]);
    bytes += static_cast<double>(*elements) *
             static_cast<double>(SizeOf(ExpectedType(i, DType::kF32).dtype));
  }
  EXPECT_GE(cost->bytes, bytes);
}

// A fused product as what it stands for, followed by its post-ops one by one.
Value UnfusedProduct(Emitter& e, const Node& fused) {
  AttributeMap attributes = fused.attributes();
  attributes.erase("post_ops");
  const auto first = static_cast<size_t>(FirstOperandOf(fused.op()));
  std::vector<Value> inputs(fused.inputs().begin(), fused.inputs().end());
  inputs.resize(std::min(inputs.size(), first));
  Value y = e.Op(UnfusedFormOf(fused.op())->name, inputs, attributes);
  for (const PostOp& op : GetPostOps(fused.attributes(), "post_ops")) {
    std::vector<Value> operands = {y};
    if (op.input >= 0) operands.push_back(fused.input(static_cast<int>(op.input)));
    const bool clip = op.op == "Clip";
    for (const char* limit : {"min", "max"}) {
      if (!clip) break;
      const auto it = op.attributes.find(limit);
      operands.push_back(it == op.attributes.end()
                             ? Value()
                             : e.Scalar(std::get<double>(it->second.value), DType::kF64));
    }
    y = e.Op(op.op, operands, clip ? AttributeMap() : op.attributes);
  }
  return y;
}

// A SqueezeExcitation as what is recognized as one.
Value UnfusedSqueeze(Emitter& e, const Node& fused) {
  const Value x = fused.input(0);
  const auto apply = [&](const char* attribute, Value y) {
    const PostOp post = GetPostOps(fused.attributes(), attribute).front();
    return e.Op(post.op, {y}, post.attributes);
  };
  std::vector<int64_t> axes(static_cast<size_t>(x.type().rank() - 2));
  std::iota(axes.begin(), axes.end(), 2);
  const Value mean = e.Op("ReduceMean", {x}, {{"axes", axes}});
  const Value squeezed = apply("activation", e.Op("Conv", {mean, fused.input(1), fused.input(2)}));
  return e.Op("Mul", {x, apply("gate", e.Op("Conv", {squeezed, fused.input(3), fused.input(4)}))});
}

// The steps of a FusedElementwise one by one.
Value UnfusedChain(Emitter& e, const Node& fused) {
  const std::vector<Value> inputs(fused.inputs().begin(), fused.inputs().end());
  Value y = fused.input(0);
  for (const ElementwiseStep& step : GetElementwiseSteps(fused.attributes())) {
    y = e.Op(step.op, StepOperands(step, y, inputs), step.attributes);
  }
  return y;
}

absl::StatusOr<Tensor> RunUnfused(const OpCase& c) {
  WEFT_ASSIGN_OR_RETURN(Graph graph, BuildCase(c, DType::kF64));
  const Node& fused = *graph.Find("node");
  Emitter emitter(graph);
  const Value y = c.op == "SqueezeExcitation"  ? UnfusedSqueeze(emitter, fused)
                  : c.op == "FusedElementwise" ? UnfusedChain(emitter, fused)
                                               : UnfusedProduct(emitter, fused);
  WEFT_RETURN_IF_ERROR(emitter.status());
  ReferenceEvaluator evaluator;
  WEFT_ASSIGN_OR_RETURN(std::vector<Tensor> result,
                        evaluator.RunValues(graph, MakeFeeds(c, DType::kF64), {{y}}));
  return result[0];
}

TEST_P(OpCaseTest, EqualsTheOpsItWasFusedFrom) {
  const OpCase& c = GetParam();
  if (!c.op.starts_with("Fused") && c.op != "SqueezeExcitation") return;
  absl::StatusOr<Tensor> expected = RunUnfused(c);
  ASSERT_TRUE(expected.ok()) << expected.status();
  absl::StatusOr<Graph> graph = BuildCase(c, DType::kF64);
  ASSERT_TRUE(graph.ok()) << graph.status();
  const std::vector<Tensor> fused = Run(*graph, MakeFeeds(c, DType::kF64));
  ASSERT_EQ(fused.size(), 1u);
  ASSERT_EQ(fused[0].dims(), expected->dims());
  for (int64_t i = 0; i < fused[0].size(); ++i) {
    EXPECT_NEAR(fused[0].At(i), expected->At(i), 1e-13) << "element " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Table, OpCaseTest, testing::ValuesIn(OpCases()), CaseName);

}  // namespace
}  // namespace weft
