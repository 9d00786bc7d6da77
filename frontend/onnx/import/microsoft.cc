// com.microsoft: what ONNX Runtime's optimizer leaves in the models that it saves.

#include <numeric>

#include "frontend/onnx/import/ops.h"

namespace weft {
namespace {

// The activation that a fused op ends with; `numbers` are its attributes, in ONNX's order.
Value Activated(ImportContext& c, Value y, const std::vector<double>& numbers) {
  const std::string name = c.String("activation");
  if (name.empty() || !c.ok()) return y;
  const DType dtype = c.TypeOf(y).dtype;
  if (name == "Relu" || name == "Sigmoid" || name == "Tanh" || name == "Softplus" ||
      name == "Softsign") {
    return c.Op(name, {y});
  }
  if (name == "Clip" && numbers.size() == 2) {
    return c.Op(name, {y, c.Scalar(numbers[0], dtype), c.Scalar(numbers[1], dtype)});
  }
  if (name == "HardSigmoid" && numbers.size() == 2) {
    return c.Op(name, {y}, {{"alpha", numbers[0]}, {"beta", numbers[1]}});
  }
  if ((name == "LeakyRelu" || name == "Elu" || name == "ThresholdedRelu") && numbers.size() == 1) {
    return c.Op(name, {y}, {{"alpha", numbers[0]}});
  }
  return c.Unsupported(absl::StrCat("the activation ", name, " with ", numbers.size(),
                                    " parameters is not supported"));
}

// activation(conv(X, W) + B + Z)
std::vector<Value> FusedConv(ImportContext& c) {
  std::vector<double> numbers;
  if (const onnx::AttributeProto* given = c.Find("activation_params")) {
    numbers.assign(given->floats().begin(), given->floats().end());
  }
  const std::vector<Value> conv = ImportOp(c, {.op = "Conv",
                                               .inputs = {c.in(0), c.in(1), c.in(2)},
                                               .ignored = {"activation", "activation_params"}});
  if (!c.ok()) return {};
  const Value sum = c.has(3) ? c.Op("Add", {conv[0], c.in(3)}) : conv[0];
  return {Activated(c, sum, numbers)};
}

std::vector<Value> FusedGemm(ImportContext& c) {
  std::vector<double> numbers;
  for (const char* name : {"activation_alpha", "activation_beta", "activation_gamma"}) {
    if (c.Has(name)) numbers.push_back(c.Float(name));
  }
  const std::vector<Value> y = ImportOp(
      c, {.op = "Gemm",
          .inputs = c.ins(),
          .ignored = {"activation", "activation_alpha", "activation_beta", "activation_gamma"}});
  if (!c.ok()) return {};
  return {Activated(c, y[0], numbers)};
}

// The operand, its last two axes swapped where the attribute says so.
Value Swapped(ImportContext& c, Value x, std::string_view attribute) {
  if (!c.ok() || c.Int(attribute) == 0 || c.TypeOf(x).rank() < 2) return x;
  std::vector<int64_t> perm(static_cast<size_t>(c.TypeOf(x).rank()));
  std::iota(perm.begin(), perm.end(), 0);
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return c.Op("Transpose", {x}, {{"perm", perm}});
}

// alpha * A' B'
std::vector<Value> FusedMatMul(ImportContext& c) {
  if (c.Int("transBatchA") != 0 || c.Int("transBatchB") != 0) {
    c.Unsupported("transposed batches are not supported");
  }
  const Value a = Swapped(c, c.in(0), "transA"), b = Swapped(c, c.in(1), "transB");
  const Value y = c.Op("MatMul", {a, b});
  const double alpha = c.Float("alpha", 1);
  if (!c.ok() || alpha == 1) return {y};
  return {c.Result("Mul", {y, c.Scalar(alpha, c.TypeOf(y).dtype)})};
}

Value PlusOptional(ImportContext& c, Value x, int i) {
  return c.has(i) ? c.Op("Add", {x, c.in(i)}) : x;
}

// Gelu(A + B), in its own form or tanh's.
std::vector<Value> BiasGelu(ImportContext& c) {
  return {c.Result("Gelu", {PlusOptional(c, c.in(0), 1)})};
}
std::vector<Value> FastGelu(ImportContext& c) {
  return {c.Result("Gelu", {PlusOptional(c, c.in(0), 1)}, {{"approximate", "tanh"}})};
}

// The layer normalization of input + skip + bias; the sum is the last output.
std::vector<Value> SkipLayerNormalization(ImportContext& c) {
  const Value sum = PlusOptional(c, c.Op("Add", {c.in(0), c.in(1)}), 4);
  std::vector<Value> y =
      ImportOp(c, {.op = "LayerNormalization", .inputs = {sum, c.in(2), c.in(3)}, .ignored = {}});
  y.resize(3);
  y.push_back(sum);
  return y;
}

}  // namespace

std::vector<OnnxOp> MicrosoftImports() {
  return {{"BiasGelu", BiasGelu, {}, kMicrosoftDomain},
          {"FastGelu", FastGelu, {}, kMicrosoftDomain},
          {"FusedConv", FusedConv, {}, kMicrosoftDomain},
          {"FusedGemm", FusedGemm, {}, kMicrosoftDomain},
          {"FusedMatMul", FusedMatMul, {}, kMicrosoftDomain},
          {"Gelu", BiasGelu, {}, kMicrosoftDomain},
          {"SkipLayerNormalization", SkipLayerNormalization, {}, kMicrosoftDomain}};
}

}  // namespace weft
