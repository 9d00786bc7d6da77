#include "runtime/host/eltwise.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ops/ops.h"
#include "ops/reference.h"
#include "runtime/exec/evaluator.h"
#include "runtime/exec/parallel.h"
#include "tests/cases/cases.h"
#include "tests/runtime/close.h"

// The vector functions beyond the op cases: large tensors, padded layouts, NaN.

namespace weft {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> Line(int64_t n, float low, float high) {
  std::vector<float> x(static_cast<size_t>(n));
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = low + (high - low) * static_cast<float>(i) / static_cast<float>(n);
  }
  return x;
}

std::vector<float> Apply(std::string_view op, const std::vector<float>& x) {
  std::vector<float> y(x.size());
  const EltwiseFunctions* functions = FindEltwise(op);
  if (functions == nullptr) functions = FindTrigonometry(op);
  functions->forward({0.5f, 0.5f}, static_cast<int64_t>(x.size()), x.data(), y.data());
  return y;
}

struct Function {
  const char* op;
  double (*f)(double);
  float low, high;
};

// Relative to the element, not to the largest one.
TEST(EltwiseFunctions, AreExactToTheLastPlaces) {
  for (const Function& f : std::vector<Function>{
           {"Exp", std::exp, -87, 88.7f},
           {"Log", std::log, 1e-30f, 10},
           {"Erf", std::erf, -5, 5},
           {"Tanh", std::tanh, -9, 9},
           {"Sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }, -80, 80},
           {"Softplus", [](double x) { return std::log1p(std::exp(x)); }, -80, 20},
           {"Sin", std::sin, 0.1f, 3},
           {"Tan", std::tan, -1.5f, 1.5f},
           {"Asinh", std::asinh, -100, 100},
           {"Acosh", std::acosh, 1.001f, 100},
           {"Atanh", std::atanh, -0.999f, 0.999f},
           {"Sinh", std::sinh, -80, 80}}) {
    const std::vector<float> x = Line(100003, f.low, f.high), y = Apply(f.op, x);
    for (size_t i = 0; i < x.size(); ++i) {
      const double expected = f.f(static_cast<double>(x[i]));
      ASSERT_NEAR(y[i], expected, 4e-6 * std::abs(expected) + 1e-37) << f.op << " of " << x[i];
    }
  }
}

TEST(EltwiseFunctions, GeluIsExactFarFromZero) {
  const std::vector<float> x = Line(100003, -6, 6), y = Apply("Gelu", x);
  for (size_t i = 0; i < x.size(); ++i) {
    const double exact = 0.5 * static_cast<double>(x[i]) * std::erfc(-x[i] * std::sqrt(0.5));
    ASSERT_NEAR(y[i], exact, 2e-6) << x[i];
  }
  EXPECT_EQ(Apply("Gelu", {-1e30f, -1000, 1000, 1e30f}), std::vector<float>({0, 0, 1000, 1e30f}));
}

TEST(EltwiseFunctions, TakeInfinityAndKeepNan) {
  const std::vector<float> x = {-kInfinity, -1e30f, 1e30f, kInfinity, kNan};
  const auto expect = [&](std::string_view op, std::vector<float> expected) {
    const std::vector<float> y = Apply(op, x);
    for (size_t i = 0; i + 1 < x.size(); ++i) {
      EXPECT_TRUE(y[i] == expected[i] || (std::isnan(y[i]) && std::isnan(expected[i])))
          << op << " of " << x[i] << ": " << y[i];
    }
    EXPECT_TRUE(std::isnan(y.back())) << op;
  };
  expect("Exp", {0, 0, kInfinity, kInfinity});
  expect("Sigmoid", {0, 0, 1, 1});
  expect("Tanh", {-1, -1, 1, 1});
  expect("Erf", {-1, -1, 1, 1});
  expect("Relu", {0, 0, 1e30f, kInfinity});
  expect("Elu", {-0.5f, -0.5f, 1e30f, kInfinity});
  expect("Softplus", {0, 0, 1e30f, kInfinity});
  expect("HardSwish", {0, 0, 1e30f, kInfinity});
  expect("Acos", {kNan, kNan, kNan, kNan});
  expect("Atan", {-1.57079633f, -1.57079633f, 1.57079633f, 1.57079633f});
}

// Stores past the caches, from an address that no vector begins at.
TEST(EltwiseFunctions, GiveTheSameBitsForLargeTensorsAtAnyThreadCount) {
  const std::vector<float> x = Line((int64_t{1} << 22) + 1003, -4, 4);
  const EltwiseFunctions& gelu = *FindEltwise("Gelu");
  const int64_t n = static_cast<int64_t>(x.size()) - 1;
  std::vector<float> whole(x.size()), pieces(x.size(), 0.0f);
  {
    RunScope scope(3);
    gelu.forward({}, n, x.data() + 1, whole.data() + 1);
  }
  for (int64_t at = 0; at < n; at += 777) {
    gelu.forward({}, std::min<int64_t>(777, n - at), x.data() + 1 + at, pieces.data() + 1 + at);
  }
  EXPECT_EQ(whole[0], 0);
  EXPECT_TRUE(whole == pieces);
}

// 17 channels lie in blocks of 16 with padding, which has to stay zero: what comes after reads it.
TEST(EltwiseKernels, KeepPaddingZero) {
  for (const char* op : {"Relu", "Sigmoid", "Exp", "Softplus", "Tanh", "HardSigmoid"}) {
    Graph graph(StandardOps());
    Emitter emitter(graph);
    const Value x = *graph.AddInput("x", TensorType{DType::kF32, ToShape(Dims{1, 16, 9, 9})});
    const Value w = emitter.Constant(RandomTensor({17, 16, 3, 3}, DType::kF32, 1));
    const Value v = emitter.Constant(RandomTensor({17, 17, 3, 3}, DType::kF32, 2));
    const Value y = emitter.Op("Conv", {emitter.Op(op, {emitter.Op("Conv", {x, w})}), v});
    ASSERT_TRUE(emitter.ok()) << emitter.status();
    ASSERT_TRUE(graph.AddOutput("y", y).ok());
    const TensorMap feeds = {{"x", RandomTensor({1, 16, 9, 9}, DType::kF32, 3, -0.2, 0.2)}};
    const auto expected = ReferenceEvaluator().RunGraph(graph, feeds);
    const auto result = RuntimeEvaluator({.threads = 2}).RunGraph(graph, feeds);
    ASSERT_TRUE(expected.ok() && result.ok()) << expected.status() << result.status();
    ExpectClose(result->at("y"), expected->at("y"), op);
  }
}

}  // namespace
}  // namespace weft
