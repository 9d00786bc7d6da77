#include "frontend/build/layers/linear.h"

#include <utility>

#include "frontend/build/builder.h"
#include "frontend/build/builder_layer.h"

namespace weft {
namespace {

bool ExpectFeatures(Layer& layer, Value x, int64_t features) {
  if (!layer.ok()) return false;
  if (x.null() || x.type().rank() < 2) {
    return layer.ExpectRank(x, 2, "[N,...,features]") && false;
  }
  return layer.ExpectAtLeast("features", features, 1);
}

int64_t LastExtent(Layer& layer, Value x) {
  return layer.KnownExtent(x, x.type().rank() - 1, "features");
}

}  // namespace

Value LinearLayers::Linear(Value x, const LinearOptions& o, Where where) {
  Layer layer(builder(), "Gemm", o.name, where);
  if (!ExpectFeatures(layer, x, o.features)) return {};
  const auto [weight, bias] =
      layer.WeightAndBias({o.features, LastExtent(layer, x)}, o.init, o.bias);
  if (x.type().rank() == 2) {
    std::vector<Value> inputs = {x, weight};
    if (o.bias) inputs.push_back(bias);
    return layer.Node(std::move(inputs), {{"transB", 1}});
  }
  const Value transposed = layer.Part("Transpose", {weight});
  if (!o.bias) return layer.Result("MatMul", {x, transposed});
  return layer.Result("Add", {layer.Part("MatMul", {x, transposed}), bias});
}

Value LinearLayers::Bilinear(Value x1, Value x2, const LinearOptions& o, Where where) {
  Layer layer(builder(), "Bilinear", o.name, where);
  if (!ExpectFeatures(layer, x1, o.features) || !ExpectFeatures(layer, x2, o.features)) return {};
  const int64_t c1 = LastExtent(layer, x1), c2 = LastExtent(layer, x2);
  const auto [weight, bias] = layer.WeightAndBias({o.features, c1, c2}, o.init, o.bias,
                                                  {o.features}, {.in = c1, .out = o.features});
  const AttributeMap equation = {{"equation", "...i,kij,...j->...k"}};
  if (!o.bias) return layer.Result("Einsum", {x1, weight, x2}, equation);
  return layer.Result("Add", {layer.Part("Einsum", {x1, weight, x2}, equation), bias});
}

Value LinearLayers::Gemm(Value a, Value b, Value c, const GemmOptions& o, Where where) {
  std::vector<Value> inputs = {a, b};
  if (!c.null()) inputs.push_back(c);
  return builder().Op("Gemm", std::move(inputs),
                      {{"alpha", o.alpha},
                       {"beta", o.beta},
                       {"transA", o.transpose_a ? 1 : 0},
                       {"transB", o.transpose_b ? 1 : 0}},
                      {o.name}, where);
}

Value LinearLayers::MatMul(Value a, Value b, const NameOption& o, Where where) {
  return builder().Op("MatMul", {a, b}, {}, o, where);
}

Value LinearLayers::Einsum(std::string equation, std::vector<Value> operands, const NameOption& o,
                           Where where) {
  return builder().Op("Einsum", std::move(operands), {{"equation", std::move(equation)}}, o, where);
}

}  // namespace weft
