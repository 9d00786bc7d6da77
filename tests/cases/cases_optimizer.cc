#include "tests/cases/table.h"

namespace weft {
namespace {

// R, T, N if any, then the variables, their gradients and their slots, which are positive.
OpCase Step(std::string name, AttributeMap attributes, double step, const std::vector<Dims>& dims,
            int slots, CaseInput norm = Absent()) {
  OpCase row{.op = "OptimizerStep",
             .name = std::move(name),
             .attributes = std::move(attributes),
             .inputs = {Values({}, {0.1}), Values({}, {step}, DType::kI64), std::move(norm)}};
  for (int kind = 0; kind < 2 + slots; ++kind) {
    for (const Dims& variable : dims) {
      row.inputs.push_back(kind < 2 ? OffZero(variable) : Positive(variable));
      if (kind != 1) row.outputs.push_back(variable);
    }
  }
  return row;
}

}  // namespace

std::vector<OpCase> OptimizerCases() {
  const Dims one = {2, 3}, odd = {17};
  const std::vector<Dims> several = {{4, 3, 2, 2}, {5}, {}};
  return {
      Step("sgd", {{"method", "sgd"}, {"l1", 0.01}, {"l2", 0.1}}, 0, several, 0),
      Step("momentum_dampened",
           {{"method", "momentum"}, {"momentum", 0.9}, {"dampening", 0.5}, {"rate_factor", 0.1}}, 3,
           several, 1),
      Step("nesterov_decoupled", {{"method", "nesterov"}, {"momentum", 0.9}, {"decay", 0.1}}, 2,
           {one, odd}, 1),
      Step("adagrad", {{"method", "adagrad"}, {"lr_decay", 0.1}, {"epsilon", 1e-10}}, 4, {odd}, 1),
      Step("adadelta", {{"method", "adadelta"}, {"alpha", 0.9}, {"epsilon", 1e-6}}, 4, several, 2),
      Step("rmsprop", {{"method", "rmsprop"}}, 1, {odd}, 1),
      Step("rmsprop_momentum", {{"method", "rmsprop"}, {"momentum", 0.9}}, 1, {one, odd}, 2),
      Step("rmsprop_centered",
           {{"method", "rmsprop"}, {"momentum", 0.5}, {"centered", 1}, {"epsilon", 1.0}}, 1, {odd},
           3),
      Step("adam", {{"method", "adam"}, {"beta1", 0.5}}, 0, several, 2),
      Step("adam_clipped", {{"method", "adam"}, {"clip_value", 0.5}, {"decay", 0.01}}, 12, {odd},
           2),
      Step("adam_norm", {{"method", "adam"}, {"clip_norm", 1.0}}, 5, {one}, 2, Values({}, {4})),
      Step("sgd_norm_below", {{"method", "sgd"}, {"clip_norm", 8.0}}, 5, {one}, 0, Values({}, {4})),
      Step("amsgrad", {{"method", "amsgrad"}}, 7, {one, odd}, 3),
      Step("nadam", {{"method", "nadam"}, {"momentum_decay", 0.01}}, 9, {odd}, 2),
      Step("radam_early", {{"method", "radam"}}, 2, {odd}, 2),
      Step("radam_late", {{"method", "radam"}}, 20, {odd}, 2),
      Step("lion", {{"method", "lion"}, {"beta2", 0.99}, {"decay", 0.1}}, 3, {odd}, 1),
      Step("lamb", {{"method", "lamb"}, {"epsilon", 1e-6}, {"decay", 0.1}}, 3, several, 2),
      Step("lamb_large", {{"method", "lamb"}}, 3, {{3, 7001}, {40}, {0}, {2, 9000}}, 2),
      Step("lars", {{"method", "lars"}, {"trust", 0.01}, {"momentum", 0.9}, {"l2", 0.1}}, 3,
           several, 1),
      Step("accumulate_first", {{"method", "accumulate"}, {"every", 3}}, 6, {one, odd}, 0),
      Step("accumulate_later", {{"method", "accumulate"}, {"every", 3}}, 7, {one, odd}, 0),
      Step("average", {{"method", "average"}, {"alpha", 0.9}}, 100, {one, odd}, 0),
      Step("adam_begun_later", {{"method", "adam"}, {"first", 10}}, 12, {odd}, 2),
      Step("adam_not_due", {{"method", "adam"}, {"every", 3}}, 4, {one, odd}, 2),
      Step("adam_due", {{"method", "adam"}, {"every", 3}}, 5, {one, odd}, 2),
      {.op = "GlobalNorm", .name = "one", .inputs = {Uniform({2, 3})}, .outputs = {{}}},
      {.op = "GlobalNorm",
       .name = "several",
       .inputs = {Uniform({4, 3, 2, 2}), Uniform({}), Uniform({0}), Uniform({3, 7001})},
       .outputs = {{}}},
  };
}

}  // namespace weft
