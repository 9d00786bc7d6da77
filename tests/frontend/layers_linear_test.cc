#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <numeric>

#include "frontend/build/builder.h"
#include "ops/reference.h"
#include "passes/passes.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pointwise;

// An f64 tensor of 0, 1, 2, …
Tensor Counting(Dims dims) {
  Tensor tensor = Tensor::Zeros(DType::kF64, std::move(dims)).value();
  const auto values = tensor.mutable_values<double>();
  std::iota(values.begin(), values.end(), 0.0);
  return tensor;
}

struct Ran {
  Tensor y;
  std::map<std::string, Tensor> variables;
};

// What the layer makes of inputs a and b.
Ran Evaluate(const Tensor& a, const Tensor& b,
             const std::function<Value(Builder&, Value, Value)>& build) {
  Builder builder({.dtype = DType::kF64});
  const auto input = [&](const char* name, const Tensor& tensor) {
    return builder.Input(name, std::vector<Axis>(tensor.dims().begin(), tensor.dims().end()));
  };
  const Value x = input("a", a);
  builder.Output("y", build(builder, x, input("b", b)));
  const auto model = builder.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  if (!model.ok()) return {};
  const auto graph = ForInference(model->graph);
  EXPECT_TRUE(graph.ok()) << graph.status();
  const auto y = ReferenceEvaluator().RunGraph(*graph, {{"a", a}, {"b", b}});
  EXPECT_TRUE(y.ok()) << y.status();
  if (!y.ok()) return {};
  Ran ran{y->at("y"), {}};
  for (const Node* v : model->graph.variables()) ran.variables[v->name()] = LeafValue(*v);
  return ran;
}

std::vector<double> Numbers(const Tensor& tensor) {
  std::vector<double> numbers;
  for (int64_t i = 0; i < tensor.size(); ++i) numbers.push_back(tensor.At(i));
  return numbers;
}

TEST(LinearLayers, LinearActsOnTheLastAxis) {
  for (const bool bias : {true, false}) {
    const Tensor x = Counting({2, 2, 3});
    const Ran ran = Evaluate(x, x, [&](Builder& b, Value a, Value) {
      return b.Linear(a, {.features = 2, .bias = bias, .name = "fc"});
    });
    EXPECT_EQ(ran.y.dims(), (Dims{2, 2, 2}));
    const Tensor& weight = ran.variables.at("fc.weight");
    EXPECT_EQ(weight.dims(), (Dims{2, 3}));
    EXPECT_EQ(ran.variables.contains("fc.bias"), bias);
    for (int64_t row = 0; row < 4; ++row) {
      for (int64_t k = 0; k < 2; ++k) {
        double expected = bias ? ran.variables.at("fc.bias").At(k) : 0;
        for (int64_t c = 0; c < 3; ++c) expected += x.At(row * 3 + c) * weight.At(k * 3 + c);
        EXPECT_NEAR(ran.y.At(row * 2 + k), expected, 1e-12);
      }
    }
  }
}

TEST(LinearLayers, LinearKeepsSymbols) {
  Builder b;
  const Value y = b.Linear(b.Input("x", {"N", "T", 8}), {.features = 4});
  EXPECT_EQ(ToString(y.type()), "f32[N,T,4]");
  EXPECT_EQ(y.node->name(), "fc1");
}

TEST(LinearLayers, BilinearIsPyTorchs) {
  const Tensor x1 = Counting({2, 2}), x2 = Counting({2, 3});
  const Ran ran = Evaluate(x1, x2, [](Builder& b, Value a, Value c) {
    return b.Bilinear(a, c, {.features = 4, .name = "both"});
  });
  const Tensor& weight = ran.variables.at("both.weight");
  EXPECT_EQ(weight.dims(), (Dims{4, 2, 3}));
  for (int64_t n = 0; n < 2; ++n) {
    for (int64_t k = 0; k < 4; ++k) {
      double expected = ran.variables.at("both.bias").At(k);
      for (int64_t i = 0; i < 2; ++i) {
        for (int64_t j = 0; j < 3; ++j) {
          expected += x1.At(n * 2 + i) * weight.At((k * 2 + i) * 3 + j) * x2.At(n * 3 + j);
        }
      }
      EXPECT_NEAR(ran.y.At(n * 4 + k), expected, 1e-12);
    }
  }
}

TEST(LinearLayers, MatMulAndEinsumAreTheOps) {
  const Tensor a = Counting({2, 2}), b = Counting({2, 2});  // 0 1 / 2 3
  const auto product = [](Builder& builder, Value x, Value y) { return builder.MatMul(x, y); };
  EXPECT_THAT(Numbers(Evaluate(a, b, product).y), ElementsAre(2, 3, 6, 11));
  const auto sum = [](Builder& builder, Value x, Value y) {
    return builder.Einsum("ij,kj->ik", {x, y});
  };
  EXPECT_THAT(Numbers(Evaluate(a, b, sum).y), ElementsAre(1, 3, 3, 13));
}

std::string ErrorOf(const std::function<void(Builder&, Value)>& build) {
  Builder b;
  build(b, b.Input("x", {"N", 6}));
  return std::string(b.status().message());
}

TEST(LinearLayers, SayWhatWasExpectedAndWhatCame) {
  const int line = __LINE__ + 1;
  const std::string bad = ErrorOf([](Builder& b, Value x) { b.Einsum("i?", {x}); });
  EXPECT_THAT(bad, ::testing::StartsWith("frontend/layers_linear_test.cc:" + std::to_string(line)));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) {
                b.MatMul(x, b.Input("y", {5, 2}));
              }),
              HasSubstr("matmul1 (MatMul): expected the last axis of A"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value) { b.Linear(b.Input("y", {3}), {.features = 1}); }),
              HasSubstr("fc1 (Gemm): expected an input [N,...,features], got f32[3]"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.Bilinear(x, Value(), {.features = 1}); }),
              HasSubstr("bilinear1 (Bilinear): expected an input [N,...,features], got none"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.Bilinear(x, x, {}); }),
              HasSubstr("expected features of at least 1, got 0"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.Einsum("ij,jk", {x}); }),
              HasSubstr("einsum1 (Einsum): equation \"ij,jk\": expected 2 operands, got 1"));
}

}  // namespace
}  // namespace weft
