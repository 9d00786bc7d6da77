#include "tests/cases/table.h"

namespace weft {

std::vector<OpCase> SqueezeExcitationCases() {
  using Ops = std::vector<PostOp>;
  const auto row = [](std::string name, CaseInput x, int64_t squeezed, AttributeMap attributes = {},
                      bool bias = true) {
    const int64_t channels = x.dims[1];
    Dims w1(x.dims.size(), 1), w2(x.dims.size(), 1);
    w1[0] = w2[1] = squeezed;
    w1[1] = w2[0] = channels;
    return OpCase{.op = "SqueezeExcitation",
                  .name = std::move(name),
                  .attributes = std::move(attributes),
                  .inputs = {x, Uniform(w1), bias ? Uniform({squeezed}) : Absent(), Uniform(w2),
                             bias ? Uniform({channels}) : Absent()},
                  .outputs = {x.dims},
                  .batch_inputs = {0}};
  };
  const PostOp line{.op = "HardSigmoid", .attributes = {{"alpha", 0.25}, {"beta", 0.5}}};
  return {
      row("relu_sigmoid", Uniform({2, 3, 5, 4}), 2),
      row("silu_without_bias", Uniform({1, 17, 3, 3}), 5, {{"activation", Ops{{.op = "Silu"}}}},
          /*bias=*/false),
      row("hard_gate", Uniform({3, 8, 2, 2}), 4, {{"gate", Ops{line}}}),
      row("one_channel_1d", Uniform({2, 1, 7}), 1),
      row("volume", Uniform({1, 4, 2, 3, 2}), 3),
      row("one_position", Uniform({2, 6, 1, 1}), 2),
      row("examples_and_channels", Uniform({6, 40, 6, 5}), 24),
      row("empty_batch", Uniform({0, 4, 3, 3}), 2),
  };
}

}  // namespace weft
