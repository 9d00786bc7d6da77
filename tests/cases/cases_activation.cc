#include "tests/cases/table.h"

namespace weft {
namespace {

struct Shaped {
  std::string name;
  Dims dims;
};

std::vector<Shaped> Shapes() {
  return {{"image", {2, 3, 4, 5}}, {"17_channels", {1, 17, 3, 1}},
          {"vector", {7}},         {"one", {1}},
          {"scalar", {}},          {"empty", {0, 3}}};
}

}  // namespace

std::vector<OpCase> ActivationCases() {
  std::vector<OpCase> all;
  for (const Shaped& shape : Shapes()) {
    const Dims& dims = shape.dims;
    const std::vector<int> one = dims.empty() ? std::vector<int>{} : std::vector<int>{0};
    const std::vector<int> two = dims.empty() ? std::vector<int>{} : std::vector<int>{0, 1};
    const auto add = [&](const char* op, std::vector<CaseInput> inputs) {
      const bool unary = inputs.size() == 1;
      all.push_back({.op = op,
                     .name = shape.name,
                     .inputs = std::move(inputs),
                     .outputs = {dims},
                     .batch_inputs = unary ? one : two});
    };
    add("Relu", {OffZero(dims)});
    add("Sigmoid", {Uniform(dims, -3, 3)});
    add("Tanh", {Uniform(dims, -2, 2)});
    add("Sqrt", {Positive(dims)});
    add("Neg", {Uniform(dims)});
    // The second input is the forward's result, in its range.
    add("ReluGrad", {Uniform(dims), OffZero(dims)});
    add("SigmoidGrad", {Uniform(dims), Uniform(dims, 0.05, 0.95)});
    add("TanhGrad", {Uniform(dims), Uniform(dims, -0.9, 0.9)});
  }
  // Far from zero the result saturates and must not overflow on the way.
  for (const char* op : {"Sigmoid", "Tanh"}) {
    all.push_back({.op = op,
                   .name = "saturated",
                   .inputs = {Values({4}, {-1000, -30, 30, 1000})},
                   .outputs = {{4}},
                   .batch_inputs = {0}});
  }
  return all;
}

}  // namespace weft
