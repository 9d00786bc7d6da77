// Every op's gradient rule against numerical differentiation in f64, on the op-case table.

#include <map>
#include <set>
#include <string_view>

#include "autodiff/gradient_check.h"
#include "autodiff/gradients.h"
#include "graph/op.h"
#include "gtest/gtest.h"
#include "ops/ops.h"
#include "ops/reference.h"
#include "tests/cases/cases.h"

namespace weft {
namespace {

constexpr double kTolerance = 1e-6;

// The ops without a gradient, and why. Kept equal to the registry's by a test.
const std::map<std::string_view, std::string_view>& OpsWithoutGradient() {
  static const auto& ops = *new std::map<std::string_view, std::string_view>{
      {"ArgMax", "its output is an integer"},
      {"FusedConv", "made by passes for inference only"},
      {"Momentum", "an update of weights is not differentiated"},
      {"Size", "its output is an integer"},
  };
  return ops;
}

TEST(OpGradients, TheListOfOpsWithoutGradientIsTheRegistrys) {
  for (const OpDef* op : StandardOps().All()) {
    const bool leaf = op->name == kInput || op->name == kConstant || op->name == kVariable;
    if (leaf) continue;
    EXPECT_EQ(op->gradient == nullptr, OpsWithoutGradient().contains(op->name)) << op->name;
  }
  for (const auto& [name, why] : OpsWithoutGradient()) {
    EXPECT_NE(StandardOps().Find(name), nullptr) << name;
  }
}

struct Problem {
  Graph graph;
  std::vector<Value> ys, xs;
  TensorMap feeds;
};

bool IsF64(Value value) { return value.type().dtype == DType::kF64; }

// The case's node with everything differentiable about it.
absl::StatusOr<Problem> MakeProblem(const OpCase& op_case) {
  WEFT_ASSIGN_OR_RETURN(Graph graph, BuildCase(op_case, DType::kF64));
  Problem problem{std::move(graph), {}, {}, MakeFeeds(op_case, DType::kF64)};
  Node* node = problem.graph.Find("node");
  for (int i = 0; i < node->num_inputs(); ++i) {
    if (IsDifferentiable(*node, i)) problem.xs.push_back(node->input(i));
  }
  std::vector<int> outputs = op_case.differentiated;
  for (int i = 0; op_case.differentiated.empty() && i < node->num_outputs(); ++i) {
    outputs.push_back(i);
  }
  for (int i : outputs) {
    if (IsF64(node->output(i))) problem.ys.push_back(node->output(i));
  }
  return problem;
}

// The gradients of `problem` as its ys, in its xs and in the cotangents.
absl::StatusOr<Problem> DifferentiateProblem(Problem problem) {
  std::vector<Value> cotangents;
  for (size_t i = 0; i < problem.ys.size(); ++i) {
    const std::string name = absl::StrCat("cotangent", i);
    const TensorType& type = problem.ys[i].type();
    WEFT_ASSIGN_OR_RETURN(cotangents.emplace_back(), problem.graph.AddInput(name, type));
    WEFT_ASSIGN_OR_RETURN(Dims dims, StaticDims(type.shape));
    problem.feeds[name] = RandomTensor(dims, DType::kF64, 7 + i);
  }
  WEFT_ASSIGN_OR_RETURN(std::vector<Value> gradients,
                        Gradients(problem.graph, problem.ys, problem.xs, cotangents));
  problem.ys = std::move(gradients);
  problem.xs.insert(problem.xs.end(), cotangents.begin(), cotangents.end());
  return problem;
}

int64_t CountOf(const Problem& problem) {
  int64_t elements = 0;
  for (Value x : problem.xs) {
    absl::StatusOr<Dims> dims = StaticDims(x.type().shape);
    elements += *CountElements(*dims);
  }
  return elements;
}

bool HasGradient(const OpCase& op_case) {
  const OpDef* op = StandardOps().Find(op_case.op);
  return op_case.gradient && op != nullptr && op->gradient != nullptr;
}

std::vector<OpCase> CasesWithGradient() {
  std::vector<OpCase> cases;
  for (const OpCase& op_case : OpCases()) {
    if (HasGradient(op_case)) cases.push_back(op_case);
  }
  return cases;
}

std::vector<OpCase> CasesWithoutGradient() {
  std::vector<OpCase> cases;
  for (const OpCase& op_case : OpCases()) {
    if (!HasGradient(op_case)) cases.push_back(op_case);
  }
  return cases;
}

void ExpectGradientsAgree(const Problem& problem) {
  ReferenceEvaluator evaluator({.seed = 5});
  absl::StatusOr<GradientCheckResult> result =
      CheckGradients(problem.graph, problem.ys, problem.xs, problem.feeds, evaluator);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_LT(result->error, kTolerance) << result->where;
  EXPECT_EQ(result->comparisons > 0, CountOf(problem) > 0);
}

class OpGradientTest : public testing::TestWithParam<OpCase> {};

TEST_P(OpGradientTest, AgreesWithNumericalDifferentiation) {
  absl::StatusOr<Problem> problem = MakeProblem(GetParam());
  ASSERT_TRUE(problem.ok()) << problem.status();
  ExpectGradientsAgree(*problem);
}

TEST_P(OpGradientTest, HasASecondOrderThatAgreesToo) {
  absl::StatusOr<Problem> problem = MakeProblem(GetParam());
  ASSERT_TRUE(problem.ok()) << problem.status();
  if (problem->xs.empty() || problem->ys.empty()) return;
  absl::StatusOr<Problem> second = DifferentiateProblem(*std::move(problem));
  ASSERT_TRUE(second.ok()) << second.status();
  ExpectGradientsAgree(*second);
}

INSTANTIATE_TEST_SUITE_P(Table, OpGradientTest, testing::ValuesIn(CasesWithGradient()), CaseName);

class NoGradientTest : public testing::TestWithParam<OpCase> {};

TEST_P(NoGradientTest, IsAnErrorThatNamesTheNode) {
  absl::StatusOr<Problem> problem = MakeProblem(GetParam());
  ASSERT_TRUE(problem.ok()) << problem.status();
  if (problem->ys.empty()) return;  // integers: nothing flows back
  const absl::Status status = DifferentiateProblem(*std::move(problem)).status();
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find(absl::StrCat("node (", GetParam().op, ")")), std::string::npos)
      << status;
}

INSTANTIATE_TEST_SUITE_P(Table, NoGradientTest, testing::ValuesIn(CasesWithoutGradient()),
                         CaseName);

}  // namespace
}  // namespace weft
