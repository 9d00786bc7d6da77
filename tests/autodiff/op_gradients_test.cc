// Every op's gradient rule against numerical differentiation in f64, on the op-case table.

#include <map>
#include <set>
#include <string_view>

#include "autodiff/gradient_check.h"
#include "autodiff/gradients.h"
#include "graph/bind.h"
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
      {"And", "its output is boolean"},
      {"ArgMax", "its output is an integer"},
      {"ArgMin", "its output is an integer"},
      {"Bernoulli", "its output jumps from 0 to 1"},
      {"BitShift", "its output is an integer"},
      {"BitwiseAnd", "its output is an integer"},
      {"BitwiseNot", "its output is an integer"},
      {"BitwiseOr", "its output is an integer"},
      {"BitwiseXor", "its output is an integer"},
      {"Ceil", "rounding has steps and is flat between them"},
      {"ConstantOfShape", "it does not depend on data"},
      {"Det", "determinants are for inference only"},
      {"Equal", "its output is boolean"},
      {"EyeLike", "it does not depend on data"},
      {"Floor", "rounding has steps and is flat between them"},
      {"FusedConv", "made by passes for inference only"},
      {"FusedConvTranspose", "made by passes for inference only"},
      {"FusedElementwise", "made by passes for inference only"},
      {"FusedGemm", "made by passes for inference only"},
      {"FusedMatMul", "made by passes for inference only"},
      {"GRUGrad", "recurrent ops are differentiated once"},
      {"GlobalNorm", "it scales gradients, which are not differentiated again"},
      {"Greater", "its output is boolean"},
      {"GridSampleGradGrid", "grids are differentiated once"},
      {"GreaterOrEqual", "its output is boolean"},
      {"Hardmax", "it is constant between jumps"},
      {"IsInf", "its output is boolean"},
      {"IsNaN", "its output is boolean"},
      {"LRNGrad", "second derivatives of local response normalization have no rule"},
      {"LSTMGrad", "recurrent ops are differentiated once"},
      {"Less", "its output is boolean"},
      {"LessOrEqual", "its output is boolean"},
      {"LpPoolGrad", "the curvature of norms is not differentiated"},
      {"Momentum", "an update of weights is not differentiated"},
      {"NonMaxSuppression", "its output is an integer"},
      {"NonZero", "its output is an integer"},
      {"Not", "its output is boolean"},
      {"OptimizerStep", "an update of weights is not differentiated"},
      {"Or", "its output is boolean"},
      {"RNNGrad", "recurrent ops are differentiated once"},
      {"Range", "its inputs decide a shape"},
      {"ReduceProdGrad", "the second derivative of a product is a sum over pairs"},
      {"Round", "rounding has steps and is flat between them"},
      {"Shape", "its output is an integer"},
      {"Size", "its output is an integer"},
      {"SqueezeExcitation", "made by passes for inference only"},
      {"StochasticPoolGrad", "the weights of its mean depend on Key"},
      {"Unique", "what it finds jumps"},
      {"Xor", "its output is boolean"},
  };
  return ops;
}

// Ops whose gradient rule is a node that has none itself, and why. They fail the second time with
// an error that names that node.
const std::map<std::string_view, std::string_view>& OpsWithoutSecondGradient() {
  static const auto& ops = *new std::map<std::string_view, std::string_view>{
      {"LRN", "the gradient of LRNGrad is not written"},
      {"GRU", "GRUGrad has none"},
      {"GridSample", "GridSampleGradGrid has none"},
      {"GridSampleGradInput", "GridSampleGradGrid has none"},
      {"LSTM", "LSTMGrad has none"},
      {"LpPool", "LpPoolGrad has none"},
      {"RNN", "RNNGrad has none"},
      {"ReduceProd", "ReduceProdGrad has none"},
      {"StochasticPool", "StochasticPoolGrad has none"},
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
  for (const auto& [name, why] : OpsWithoutSecondGradient()) {
    const OpDef* op = StandardOps().Find(name);
    EXPECT_TRUE(op != nullptr && op->gradient != nullptr) << name;
  }
}

struct Problem {
  Graph graph;
  std::vector<Value> ys, xs;
  TensorMap feeds;
};

bool IsF64(Value value) { return value.type().dtype == DType::kF64; }

// The case's node with everything differentiable about it.
absl::StatusOr<Problem> MakeProblem(const OpCase& op_case, const CaseOptions& options = {}) {
  WEFT_ASSIGN_OR_RETURN(Graph graph, BuildCase(op_case, DType::kF64, options));
  Problem problem{std::move(graph), {}, {}, MakeFeeds(op_case, DType::kF64)};
  Node* node = problem.graph.Find("node");
  for (int i = 0; i < node->num_inputs(); ++i) {
    if (IsDifferentiable(*node, i)) problem.xs.push_back(node->input(i));
  }
  for (int i = 0; i < node->num_outputs(); ++i) {
    if (IsF64(node->output(i))) problem.ys.push_back(node->output(i));
  }
  return problem;
}

// Adds an input for the cotangent of each y, with a feed of random numbers.
absl::StatusOr<std::vector<Value>> AddCotangents(Problem& problem) {
  ReferenceEvaluator evaluator({.seed = 5});
  WEFT_ASSIGN_OR_RETURN(std::vector<Tensor> outputs,
                        evaluator.RunValues(problem.graph, problem.feeds, problem.ys));
  std::vector<Value> cotangents;
  for (size_t i = 0; i < problem.ys.size(); ++i) {
    const std::string name = absl::StrCat("cotangent", i);
    WEFT_ASSIGN_OR_RETURN(cotangents.emplace_back(),
                          problem.graph.AddInput(name, problem.ys[i].type()));
    problem.feeds[name] = RandomTensor(outputs[i].dims(), DType::kF64, 7 + i);
  }
  return cotangents;
}

// The gradients of `problem` as its ys, in its xs and in the cotangents.
absl::StatusOr<Problem> DifferentiateProblem(Problem problem) {
  WEFT_ASSIGN_OR_RETURN(std::vector<Value> cotangents, AddCotangents(problem));
  WEFT_ASSIGN_OR_RETURN(std::vector<Value> gradients,
                        Gradients(problem.graph, problem.ys, problem.xs, cotangents));
  problem.ys = std::move(gradients);
  problem.xs.insert(problem.xs.end(), cotangents.begin(), cotangents.end());
  return problem;
}

// The values of the gradients in `xs`, in a copy of the problem's graph.
absl::StatusOr<std::vector<Tensor>> TryGradients(const Problem& problem,
                                                 const std::vector<Value>& xs) {
  NodeMap map;
  Problem copy{Clone(problem.graph, &map), {}, {}, problem.feeds};
  for (Value y : problem.ys) copy.ys.push_back({map.at(y.node), y.index});
  for (Value x : xs) copy.xs.push_back({map.at(x.node), x.index});
  WEFT_ASSIGN_OR_RETURN(copy, DifferentiateProblem(std::move(copy)));
  ReferenceEvaluator evaluator({.seed = 5});
  return evaluator.RunValues(copy.graph, copy.feeds, copy.ys);
}

std::vector<Tensor> RunGradients(const Problem& problem, const std::vector<Value>& xs) {
  absl::StatusOr<std::vector<Tensor>> gradients = TryGradients(problem, xs);
  EXPECT_TRUE(gradients.ok()) << gradients.status();
  return gradients.ok() ? *gradients : std::vector<Tensor>();
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

TEST_P(OpGradientTest, AgreesWhereOnlyOneOutputIsUsed) {
  absl::StatusOr<Problem> problem = MakeProblem(GetParam());
  ASSERT_TRUE(problem.ok()) << problem.status();
  const std::vector<Value> ys = problem->ys;
  if (ys.size() < 2) return;
  for (Value y : ys) {
    SCOPED_TRACE(y.ToString());
    problem->ys = {y};
    ExpectGradientsAgree(*problem);
  }
}

TEST_P(OpGradientTest, IsTheSameWhereOnlyOneInputNeedsIt) {
  absl::StatusOr<Problem> problem = MakeProblem(GetParam());
  ASSERT_TRUE(problem.ok()) << problem.status();
  if (problem->ys.empty()) return;
  const std::vector<Tensor> together = RunGradients(*problem, problem->xs);
  ASSERT_EQ(together.size(), problem->xs.size());
  for (size_t i = 0; i < together.size(); ++i) {
    EXPECT_EQ(RunGradients(*problem, {problem->xs[i]}), std::vector<Tensor>{together[i]});
  }
}

TEST_P(OpGradientTest, IsTheSameWithASymbolicBatch) {
  absl::StatusOr<Problem> fixed = MakeProblem(GetParam());
  absl::StatusOr<Problem> symbolic = MakeProblem(GetParam(), {.symbolic_batch = true});
  ASSERT_TRUE(fixed.ok() && symbolic.ok()) << fixed.status() << symbolic.status();
  if (fixed->ys.empty()) return;
  EXPECT_EQ(RunGradients(*symbolic, symbolic->xs), RunGradients(*fixed, fixed->xs));
}

TEST_P(OpGradientTest, HasASecondOrderThatAgreesToo) {
  absl::StatusOr<Problem> problem = MakeProblem(GetParam());
  ASSERT_TRUE(problem.ok()) << problem.status();
  if (problem->xs.empty() || problem->ys.empty()) return;
  absl::StatusOr<Problem> second = DifferentiateProblem(*std::move(problem));
  ASSERT_TRUE(second.ok()) << second.status();
  if (OpsWithoutSecondGradient().contains(GetParam().op)) {
    const absl::Status third = DifferentiateProblem(*std::move(second)).status();
    EXPECT_FALSE(third.ok());
    EXPECT_NE(third.message().find("no gradient"), std::string::npos) << third;
    return;
  }
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
