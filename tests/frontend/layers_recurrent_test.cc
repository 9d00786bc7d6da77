#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "frontend/build/builder.h"
#include "ops/reference.h"
#include "passes/passes.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using Vector = std::vector<double>;
using Layers = RecurrentResult (RecurrentLayers::*)(Value, const RecurrentOptions&, Where);

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// PyTorch's equations for one example in one step (torch.nn.RNNCell, LSTMCell, GRUCell), with its
// parameters: `suffix` is l0, l0_reverse, ….
class TorchCell {
 public:
  TorchCell(const Graph& graph, const std::string& layer, const std::string& suffix)
      : graph_(graph), layer_(layer), suffix_(suffix) {}

  void Rnn(const Vector& x, Vector& h, bool relu = false) const {
    const Vector a = Part("ih", x), b = Part("hh", h);
    for (size_t j = 0; j < h.size(); ++j) {
      h[j] = relu ? std::max(a[j] + b[j], 0.0) : std::tanh(a[j] + b[j]);
    }
  }
  void Lstm(const Vector& x, Vector& h, Vector& c) const {
    const Vector a = Part("ih", x), b = Part("hh", h);
    const size_t n = h.size();
    for (size_t j = 0; j < n; ++j) {
      const double i = Sigmoid(a[j] + b[j]), f = Sigmoid(a[n + j] + b[n + j]);
      const double g = std::tanh(a[2 * n + j] + b[2 * n + j]);
      const double o = Sigmoid(a[3 * n + j] + b[3 * n + j]);
      c[j] = f * c[j] + i * g;
      h[j] = o * std::tanh(c[j]);
    }
  }
  void Gru(const Vector& x, Vector& h) const {
    const Vector a = Part("ih", x), b = Part("hh", h);
    const size_t n = h.size();
    for (size_t j = 0; j < n; ++j) {
      const double r = Sigmoid(a[j] + b[j]), z = Sigmoid(a[n + j] + b[n + j]);
      const double candidate = std::tanh(a[2 * n + j] + r * b[2 * n + j]);
      h[j] = (1 - z) * candidate + z * h[j];
    }
  }

 private:
  // weight x + bias
  Vector Part(const std::string& kind, const Vector& x) const {
    const Node* weight = graph_.Find(layer_ + ".weight_" + kind + "_" + suffix_);
    const Node* bias = graph_.Find(layer_ + ".bias_" + kind + "_" + suffix_);
    if (weight == nullptr) {
      ADD_FAILURE() << kind << suffix_;
      return Vector(100);
    }
    Vector y(static_cast<size_t>(LeafValue(*weight).dims()[0]));
    for (size_t i = 0; i < y.size(); ++i) {
      if (bias != nullptr) y[i] = LeafValue(*bias).At(static_cast<int64_t>(i));
      for (size_t j = 0; j < x.size(); ++j) {
        y[i] += LeafValue(*weight).At(static_cast<int64_t>(i * x.size() + j)) * x[j];
      }
    }
    return y;
  }

  const Graph& graph_;
  std::string layer_, suffix_;
};

Tensor Wave(Dims dims, double phase) {
  Tensor tensor = Tensor::Zeros(DType::kF64, std::move(dims)).value();
  double at = phase;
  for (double& v : tensor.mutable_values<double>()) v = std::sin(at += 0.7);
  return tensor;
}

// The outputs of the layer, run with `feeds`.
TensorMap RunModel(const Model& model, const TensorMap& feeds) {
  const auto graph = ForInference(model.graph);
  EXPECT_TRUE(graph.ok()) << graph.status();
  auto outputs = ReferenceEvaluator().RunGraph(*graph, feeds);
  EXPECT_TRUE(outputs.ok()) << outputs.status();
  return outputs.ok() ? *outputs : TensorMap();
}

Vector Part(const Tensor& tensor, int64_t begin, int64_t count) {
  Vector part;
  for (int64_t i = begin; i < begin + count; ++i) part.push_back(tensor.At(i));
  return part;
}

void ExpectNear(const Vector& got, const Vector& expected) {
  EXPECT_THAT(got, ::testing::Pointwise(::testing::DoubleNear(1e-12), expected));
}

constexpr int64_t kSteps = 4, kBatch = 2, kInput = 3, kHidden = 5;

TEST(RecurrentLayers, ALstmHasPyTorchsValuesAndNames) {
  Builder b({.dtype = DType::kF64});
  const Value x = b.Input("x", {kSteps, kBatch, kInput});
  const Value h0 = b.Input("h0", {1, kBatch, kHidden}), c0 = b.Input("c0", {1, kBatch, kHidden});
  const auto [output, h_n, c_n] =
      b.Lstm(x, {.hidden_size = kHidden, .initial_h = h0, .initial_c = c0});
  b.Output("y", output);
  b.Output("h_n", h_n);
  b.Output("c_n", c_n);
  const auto model = b.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  std::vector<std::string> names;
  for (const Node* v : model->graph.variables()) names.push_back(v->name());
  EXPECT_THAT(names, ElementsAre("lstm1.weight_ih_l0", "lstm1.weight_hh_l0", "lstm1.bias_ih_l0",
                                 "lstm1.bias_hh_l0"));
  EXPECT_EQ(ToString(model->graph.Find("lstm1.weight_ih_l0")->type()), "f64[20,3]");

  const TensorMap feeds = {{"x", Wave({kSteps, kBatch, kInput}, 0)},
                           {"h0", Wave({1, kBatch, kHidden}, 1)},
                           {"c0", Wave({1, kBatch, kHidden}, 2)}};
  const TensorMap got = RunModel(*model, feeds);
  const TorchCell cell(model->graph, "lstm1", "l0");
  for (int64_t n = 0; n < kBatch; ++n) {
    Vector h = Part(feeds.at("h0"), n * kHidden, kHidden);
    Vector c = Part(feeds.at("c0"), n * kHidden, kHidden);
    for (int64_t t = 0; t < kSteps; ++t) {
      cell.Lstm(Part(feeds.at("x"), (t * kBatch + n) * kInput, kInput), h, c);
      ExpectNear(Part(got.at("y"), (t * kBatch + n) * kHidden, kHidden), h);
    }
    ExpectNear(Part(got.at("h_n"), n * kHidden, kHidden), h);
    ExpectNear(Part(got.at("c_n"), n * kHidden, kHidden), c);
  }
}

// Two layers in both directions, the batch first; `step` advances one direction of a layer.
void ExpectStack(Layers make, const std::string& layer, RecurrentOptions options,
                 const std::function<void(const TorchCell&, const Vector&, Vector&)>& step) {
  Builder b({.dtype = DType::kF64});
  options.hidden_size = kHidden;
  options.layers = 2;
  options.bidirectional = true;
  options.batch_first = true;
  options.dropout = 0.5;  // nothing in inference
  const Value x = b.Input("x", {"N", "T", kInput});
  const RecurrentResult result = (b.*make)(x, options, Where::current());
  b.Output("y", result.output);
  b.Output("h_n", result.h_n);
  const auto model = b.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(ToString(result.output.type()), "f64[N,T,10]");
  EXPECT_EQ(ToString(result.h_n.type()), "f64[4,N,5]");
  const TensorMap feeds = {{"x", Wave({kBatch, kSteps, kInput}, 0)}};
  const TensorMap got = RunModel(*model, feeds);
  for (int64_t n = 0; n < kBatch; ++n) {
    std::vector<Vector> sequence;
    for (int64_t t = 0; t < kSteps; ++t) {
      sequence.push_back(Part(feeds.at("x"), (n * kSteps + t) * kInput, kInput));
    }
    for (int64_t l = 0; l < 2; ++l) {
      std::vector<Vector> next(kSteps, Vector(2 * kHidden));
      for (int64_t d = 0; d < 2; ++d) {
        const TorchCell cell(model->graph, layer,
                             "l" + std::to_string(l) + (d == 1 ? "_reverse" : ""));
        Vector h(kHidden);
        for (int64_t s = 0; s < kSteps; ++s) {
          const size_t t = static_cast<size_t>(d == 0 ? s : kSteps - 1 - s);
          step(cell, sequence[t], h);
          std::copy(h.begin(), h.end(), next[t].begin() + d * kHidden);
        }
        ExpectNear(Part(got.at("h_n"), ((2 * l + d) * kBatch + n) * kHidden, kHidden), h);
      }
      sequence = next;
    }
    for (int64_t t = 0; t < kSteps; ++t) {
      ExpectNear(Part(got.at("y"), (n * kSteps + t) * 2 * kHidden, 2 * kHidden),
                 sequence[static_cast<size_t>(t)]);
    }
  }
}

TEST(RecurrentLayers, AStackOfBidirectionalGrusHasPyTorchsValues) {
  ExpectStack(&RecurrentLayers::Gru, "gru1", {},
              [](const TorchCell& cell, const Vector& x, Vector& h) { cell.Gru(x, h); });
}

TEST(RecurrentLayers, AStackOfBidirectionalRnnsHasPyTorchsValues) {
  ExpectStack(&RecurrentLayers::Rnn, "rnn1", {},
              [](const TorchCell& cell, const Vector& x, Vector& h) { cell.Rnn(x, h); });
  ExpectStack(&RecurrentLayers::Rnn, "rnn1", {.bias = false, .nonlinearity = "relu"},
              [](const TorchCell& cell, const Vector& x, Vector& h) { cell.Rnn(x, h, true); });
}

TEST(RecurrentLayers, LengthsEndEachExample) {
  Builder b({.dtype = DType::kF64});
  const Value x = b.Input("x", {kSteps, kBatch, kInput});
  const Value lengths = b.Input("lengths", {kBatch}, {.dtype = DType::kI32});
  const RecurrentResult result =
      b.Gru(x, {.hidden_size = kHidden, .bidirectional = true, .lengths = lengths, .name = "g"});
  b.Output("y", result.output);
  b.Output("h_n", result.h_n);
  const auto model = b.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  const Tensor lens = *Tensor::FromValues<int32_t>({2}, std::vector<int32_t>{4, 2});
  const Tensor input = Wave({kSteps, kBatch, kInput}, 0);
  const TensorMap got = RunModel(*model, {{"x", input}, {"lengths", lens}});
  Vector h(kHidden), back(kHidden);
  const TorchCell forward(model->graph, "g", "l0"), backward(model->graph, "g", "l0_reverse");
  for (int64_t t = 0; t < 2; ++t) {
    forward.Gru(Part(input, (t * kBatch + 1) * kInput, kInput), h);
    backward.Gru(Part(input, ((1 - t) * kBatch + 1) * kInput, kInput), back);
  }
  ExpectNear(Part(got.at("h_n"), kHidden, kHidden), h);
  ExpectNear(Part(got.at("h_n"), 3 * kHidden, kHidden), back);
  ExpectNear(Part(got.at("y"), (2 * kBatch + 1) * 2 * kHidden, 2 * kHidden), Vector(2 * kHidden));
}

TEST(RecurrentLayers, ConstantWeightsAreReorderedBeforeTheRun) {
  Builder b;
  b.Output("y", b.Lstm(b.Input("x", {kSteps, "N", kInput}), {.hidden_size = kHidden}).output);
  auto model = b.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  auto graph = ForInference(model->graph);
  ASSERT_TRUE(graph.ok()) << graph.status();
  ReferenceEvaluator evaluator;
  const OpCostModel costs({{"N", 1}});
  PassOptions options;
  options.evaluator = &evaluator;
  options.costs = &costs;
  const auto result = Optimize(*graph, options);
  ASSERT_TRUE(result.ok()) << result.status();
  for (const Node& node : graph->nodes()) {
    EXPECT_NE(node.op().name, "Split");
    EXPECT_NE(node.op().name, "Concat");
  }
}

std::string ErrorOf(const std::function<void(Builder&, Value)>& build) {
  Builder b;
  build(b, b.Input("x", {"T", "N", 4}));
  return std::string(b.status().message());
}

TEST(RecurrentLayers, SayWhatWasExpectedAndWhatCame) {
  const int line = __LINE__ + 1;
  const std::string bad = ErrorOf([](Builder& b, Value x) { b.Lstm(x, {}); });
  EXPECT_THAT(bad, StartsWith("frontend/layers_recurrent_test.cc:" + std::to_string(line)));
  EXPECT_THAT(bad, HasSubstr("lstm1 (LSTM): expected hidden_size of at least 1, got 0"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.Gru(b.Flatten(x), {.hidden_size = 2}); }),
              HasSubstr("gru1 (GRU): expected an input [T,N,C]"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.Rnn(x, {.hidden_size = 2, .layers = 0}); }),
              HasSubstr("expected layers of at least 1, got 0"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.Rnn(x, {.hidden_size = 2, .dropout = 1}); }),
              HasSubstr("expected dropout in [0,1), got 1"));
  EXPECT_THAT(
      ErrorOf([](Builder& b, Value x) { b.Gru(x, {.hidden_size = 2, .nonlinearity = "relu"}); }),
      HasSubstr("expected nonlinearity \"tanh\", got \"relu\""));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) {
                b.Rnn(x, {.hidden_size = 2, .initial_h = b.Input("h", {1, "N", 3})});
              }),
              HasSubstr("initial_h of shape [1,N,2], got [1,N,3]"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) {
                b.Rnn(x, {.hidden_size = 3, .layers = 2, .initial_h = b.Input("h", {3, "N", 3})});
              }),
              HasSubstr("expected an initial state [2,N,hidden], got f32[3,N,3]"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) {
                b.Gru(x, {.hidden_size = 2, .initial_c = b.Input("c", {1, "N", 2})});
              }),
              HasSubstr("expected no initial_c, got f32[1,N,2]"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.Lstm(x, {.hidden_size = int64_t{1} << 62}); }),
              HasSubstr("hidden_size"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value) { b.Lstm(Value(), {.hidden_size = 2}); }),
              HasSubstr("expected an input [T,N,C], got none"));
}

}  // namespace
}  // namespace weft
