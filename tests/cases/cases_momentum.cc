#include "tests/cases/table.h"

namespace weft {
namespace {

// R, T, then the weights, their gradients and their momenta.
OpCase Step(std::string name, const std::string& mode, double step,
            const std::vector<Dims>& weights) {
  OpCase row{
      .op = "Momentum",
      .name = std::move(name),
      .attributes = {{"alpha", 0.9}, {"beta", 0.5}, {"norm_coefficient", 0.01}, {"mode", mode}},
      .inputs = {Values({}, {0.1}), Values({}, {step}, DType::kI64)}};
  for (int role = 0; role < 3; ++role) {
    for (const Dims& dims : weights) {
      row.inputs.push_back(Uniform(dims));
      if (role < 2) row.outputs.push_back(dims);  // the weights, then the momenta
    }
  }
  return row;
}

}  // namespace

std::vector<OpCase> MomentumCases() {
  return {
      Step("standard_first_step", "standard", 0, {{2, 3}}),
      Step("standard_later", "standard", 3, {{2, 3}}),
      Step("nesterov_first_step", "nesterov", 0, {{17}}),
      Step("nesterov_later", "nesterov", 7, {{17}}),
      Step("standard_three_weights", "standard", 1, {{4, 3, 2, 2}, {4}, {}}),
      Step("nesterov_two_weights", "nesterov", 1, {{1}, {3, 1, 2}}),
  };
}

}  // namespace weft
