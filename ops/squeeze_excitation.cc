#include "ops/squeeze_excitation.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_join.h"
#include "ops/common.h"
#include "ops/conv.h"
#include "ops/families.h"
#include "ops/ops.h"
#include "ops/post_ops.h"
#include "ops/window.h"

namespace weft {
namespace {

enum SqueezeInput { kX, kW1, kB1, kW2, kB2 };

absl::Status CheckSqueezeFunction(const InferContext& c, std::string_view attribute,
                                  const std::vector<std::string>& allowed) {
  const std::vector<PostOp> posts = GetPostOps(c.attributes(), attribute);
  const bool one = posts.size() == 1 && posts[0].input == -1;
  if (!one || std::find(allowed.begin(), allowed.end(), posts[0].op) == allowed.end()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "attribute ", Absl(attribute), ": expected one of ", absl::StrJoin(allowed, ", ")));
  }
  AttributeMap attributes = posts[0].attributes;
  return CheckFunction(*StandardOps().Find(posts[0].op), attributes);
}

absl::StatusOr<std::vector<TensorType>> InferSqueezeExcitation(const InferContext& c) {
  const TensorType& x = c.type(kX);
  if (x.rank() < 3 || c.type(kW1).rank() != x.rank()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected an input [N,C,d1,...] and W1 of its "
                     "rank, got ",
                     ToString(x), " and ", ToString(c.type(kW1))));
  }
  WEFT_RETURN_IF_ERROR(CheckSqueezeFunction(c, "activation", SqueezeActivations()));
  WEFT_RETURN_IF_ERROR(CheckSqueezeFunction(c, "gate", SqueezeGates()));
  const Dim channels = x.dim(1), squeezed = c.type(kW1).dim(0);
  const auto weights = [&](const Dim& to, const Dim& from) {
    Shape shape(static_cast<size_t>(x.rank()), Dim(1));
    shape[0] = to;
    shape[1] = from;
    return shape;
  };
  WEFT_RETURN_IF_ERROR(CheckShape("W1", weights(squeezed, channels), c.type(kW1).shape));
  WEFT_RETURN_IF_ERROR(CheckShape("W2", weights(channels, squeezed), c.type(kW2).shape));
  if (c.has(kB1)) WEFT_RETURN_IF_ERROR(CheckShape("B1", {squeezed}, c.type(kB1).shape));
  if (c.has(kB2)) WEFT_RETURN_IF_ERROR(CheckShape("B2", {channels}, c.type(kB2).shape));
  return std::vector<TensorType>{x};
}

// y = f(y), of the one function that the attribute names.
absl::Status ApplyFunction(const EvalContext& c, std::string_view attribute, Tensor& y) {
  const PostOp post = GetPostOps(c.attributes, attribute).front();
  AttributeMap attributes = post.attributes;
  const OpDef& op = *StandardOps().Find(post.op);
  WEFT_RETURN_IF_ERROR(CheckAttributes(op, attributes));
  const std::array<TensorView, 1> view = {
      TensorView{y.dtype(), y.dims(), y.mutable_data(), /*present=*/true}};
  return op.evaluate({.attributes = attributes, .inputs = view, .outputs = view, .key = c.key});
}

template <typename T>
void MeanOfChannels(const EvalContext& c, Tensor& mean) {
  const auto x = c.in(kX).in<T>();
  const auto y = mean.mutable_values<T>();
  const size_t positions = y.empty() ? 0 : x.size() / y.size();
  for (size_t i = 0; i < y.size(); ++i) {
    double sum = 0;
    for (size_t k = 0; k < positions; ++k) sum += static_cast<double>(x[i * positions + k]);
    y[i] = static_cast<T>(sum / static_cast<double>(positions));
  }
}

// y[n] = W x[n] + b, for W [rows, columns] and n examples.
template <typename T>
void SqueezeProduct(const EvalContext& c, SqueezeInput weights, const Tensor& x, Tensor& y) {
  const auto w = c.in(weights).in<T>();
  const size_t rows = static_cast<size_t>(y.dims()[1]), columns = static_cast<size_t>(x.dims()[1]);
  const auto from = x.values<T>();
  const auto to = y.mutable_values<T>();
  for (size_t i = 0; i < to.size(); ++i) {
    const size_t row = i % rows, example = i / rows;
    double sum = c.has(weights + 1) ? c.in(weights + 1).in<T>()[row] : T{0};
    for (size_t k = 0; k < columns; ++k) {
      sum += static_cast<double>(w[row * columns + k]) *
             static_cast<double>(from[example * columns + k]);
    }
    to[i] = static_cast<T>(sum);
  }
}

template <typename T>
void ExciteChannels(const EvalContext& c, const Tensor& gate) {
  const auto x = c.in(kX).in<T>();
  const auto y = c.out().out<T>();
  const auto factors = gate.values<T>();
  for (size_t i = 0; i < y.size(); ++i) y[i] = x[i] * factors[i / (y.size() / factors.size())];
}

absl::Status EvaluateSqueezeExcitation(const EvalContext& c) {
  const DType dtype = c.out().dtype;
  const int64_t batch = c.in(kX).dim(0), channels = c.in(kX).dim(1);
  WEFT_ASSIGN_OR_RETURN(Tensor mean, Tensor::Zeros(dtype, {batch, channels}));
  WEFT_ASSIGN_OR_RETURN(Tensor squeezed, Tensor::Zeros(dtype, {batch, c.in(kW1).dim(0)}));
  WEFT_ASSIGN_OR_RETURN(Tensor gate, Tensor::Zeros(dtype, {batch, channels}));
  const auto visit = [dtype](auto f) { return VisitFloat(dtype, f); };
  WEFT_RETURN_IF_ERROR(visit([&](auto zero) {
    MeanOfChannels<decltype(zero)>(c, mean);
    SqueezeProduct<decltype(zero)>(c, kW1, mean, squeezed);
  }));
  WEFT_RETURN_IF_ERROR(ApplyFunction(c, "activation", squeezed));
  WEFT_RETURN_IF_ERROR(
      visit([&](auto zero) { SqueezeProduct<decltype(zero)>(c, kW2, squeezed, gate); }));
  WEFT_RETURN_IF_ERROR(ApplyFunction(c, "gate", gate));
  return visit([&](auto zero) { ExciteChannels<decltype(zero)>(c, gate); });
}

// The products, and a sum and a product for each element of X.
Cost SqueezeExcitationCost(const CostContext& c) {
  constexpr double kFlopsOfAFunction = 4;
  const Dims& w1 = c.inputs[kW1];
  const int64_t batch = c.inputs[kX][0], squeezed = w1[0], channels = w1[1];
  Cost cost = ConvCost(batch, {1, 2, squeezed, channels});  // both products
  cost.flops +=
      2 * static_cast<double>(c.OutputSize()) +
      kFlopsOfAFunction * static_cast<double>(batch) * static_cast<double>(squeezed + channels);
  return cost;
}

}  // namespace

const std::vector<std::string>& SqueezeActivations() {
  static const auto& names = *[] {
    auto* all = new std::vector<std::string>;
    for (const OpDef* op : StandardOps().All()) {
      if (op->traits.activation && op->inputs.size() == 1) all->emplace_back(op->name);
    }
    return all;
  }();
  return names;
}

const std::vector<std::string>& SqueezeGates() {
  static const auto& gates = *new std::vector<std::string>{"HardSigmoid", "Sigmoid"};
  return gates;
}

std::vector<OpDef> SqueezeExciteOps() {
  using Functions = std::vector<PostOp>;
  return {{.name = "SqueezeExcitation",
           .doc = "X * gate(W2 activation(W1 m + B1) + B2), with m the mean of each channel of X "
                  "[N,C,...]; W1 [S,C,1,...] and W2 [C,S,1,...] are 1x1 convolutions' (Hu et al. "
                  "2018).",
           .inputs = {{"X"},
                      {"W1"},
                      {.name = "B1", .arity = Arity::kOptional},
                      {"W2"},
                      {.name = "B2", .arity = Arity::kOptional}},
           .attributes = {{"activation", Attribute::Kind::kPostOps, Functions{{.op = "Relu"}}},
                          {"gate", Attribute::Kind::kPostOps, Functions{{.op = "Sigmoid"}}}},
           .infer = InferSqueezeExcitation,
           .no_gradient = "fused for inference",
           .evaluate = EvaluateSqueezeExcitation,
           .cost = SqueezeExcitationCost,
           .aliases = InPlace}};
}

}  // namespace weft
