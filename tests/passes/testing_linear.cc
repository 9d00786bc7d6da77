#include "tests/passes/testing_linear.h"

namespace weft {
namespace {

using Ints = std::vector<int64_t>;

}  // namespace

std::vector<LinearCase> LinearCases() {
  const Dim n = Dim::Symbol("N");
  return {
      {"conv1d", "Conv", {n, 4, 7}, {6, 4, 3}, 4, 6, {{"dilations", Ints{2}}}},
      {"conv2d", "Conv", {n, 3, 6, 7}, {4, 3, 3, 2}, 3, 4, {{"strides", Ints{2, 1}}}},
      {"conv3d", "Conv", {n, 2, 4, 3, 4}, {3, 2, 2, 2, 2}, 2, 3},
      {"grouped", "Conv", {n, 4, 5, 5}, {6, 2, 3, 3}, 4, 6, {{"group", 2}}},
      {"depthwise", "Conv", {n, 4, 5, 5}, {4, 1, 3, 3}, 4, 4, {{"group", 4}}},
      {"multiplied", "Conv", {n, 3, 5, 5}, {6, 1, 3, 3}, 3, 6, {{"group", 3}}},
      {"transposed",
       "ConvTranspose",
       {n, 4, 4, 3},
       {4, 3, 3, 3},
       4,
       3,
       {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}},
      {"transposed_groups", "ConvTranspose", {n, 4, 4}, {4, 3, 2}, 4, 6, {{"group", 2}}},
      {"gemm", "Gemm", {n, 5}, {5, 4}, 5, 4},
      {"gemm_trans_b",
       "Gemm",
       {n, 5},
       {4, 5},
       5,
       4,
       {{"transB", 1}, {"alpha", 0.5}, {"beta", 3.0}}},
      {"gemm_trans_a", "Gemm", {5, n}, {5, 4}, 5, 4, {{"transA", 1}, {"alpha", -2.0}}},
      {"gemm_beta_0", "Gemm", {n, 5}, {5, 4}, 5, 4, {{"beta", 0.0}}},
      {"matmul", "MatMul", {n, 5}, {5, 4}, 5, 4, {}, false},
  };
}

const LinearCase& FindLinearCase(const std::string& name) {
  static const auto* cases = new std::vector<LinearCase>(LinearCases());
  for (const LinearCase& c : *cases) {
    if (c.name == name) return c;
  }
  ADD_FAILURE() << "no case " << name;
  return cases->front();
}

Value InputOf(Net& net, const LinearCase& c) {
  return net.graph.AddInput("x", {net.dtype(), c.x}).value();
}

Value AddLinear(Net& net, const LinearCase& c, Value x, bool bias) {
  std::vector<Value> inputs = {x, net.Random("w", c.w)};
  if (bias) inputs.push_back(net.Random("b", {c.channels_out}));
  return net.Add(c.op, "linear", std::move(inputs), c.attributes);
}

Dims PerChannel(int64_t channels, int rank) {
  Dims dims(static_cast<size_t>(rank) - 1, 1);
  dims[0] = channels;
  return dims;
}

void ForEachLinearCase(
    const std::function<void(const LinearCase&, const Precision&, bool bias)>& test) {
  for (const LinearCase& c : LinearCases()) {
    for (const Precision& precision : kPrecisions) {
      for (const bool bias : {false, true}) {
        if (bias && !c.has_bias) continue;
        SCOPED_TRACE(c.name + (bias ? " with a bias, " : " without a bias, ") +
                     std::string(ToString(precision.dtype)));
        test(c, precision, bias);
      }
    }
  }
}

}  // namespace weft
