#include "tests/cases/table.h"

namespace weft {

// Dropout, whose mask is the same in every evaluation with the same random key.
std::vector<OpCase> RandomCases() {
  const auto training = [](double ratio, int stream) -> AttributeMap {
    return {{"mode", "training"}, {"ratio", ratio}, {"stream", stream}};
  };
  const auto drawn = [](double ratio, int stream) -> AttributeMap {
    return {{"ratio", ratio}, {"stream", stream}};
  };
  std::vector<OpCase> rows = {
      {.op = "Dropout",
       .name = "training",
       .attributes = training(0.5, 3),
       .inputs = {Uniform({4, 10})},
       .outputs = {{4, 10}}},
      {.op = "Dropout",
       .name = "training_image",
       .attributes = training(0.25, 0),
       .inputs = {Uniform({2, 3, 3, 5})},
       .outputs = {{2, 3, 3, 5}}},
      {.op = "Dropout",
       .name = "training_mask",
       .attributes = training(0.5, 7),
       .inputs = {Uniform({3, 17})},
       .outputs = {{3, 17}, {3, 17}},
       .dtypes = {{}, DType::kBool}},
      {.op = "Dropout",
       .name = "training_ratio_0",
       .attributes = training(0.0, 1),
       .inputs = {Uniform({3, 4})},
       .outputs = {{3, 4}}},
      {.op = "Dropout",
       .name = "training_empty_batch",
       .attributes = training(0.5, 1),
       .inputs = {Uniform({0, 4})},
       .outputs = {{0, 4}}},
      {.op = "Dropout",
       .name = "inference",
       .attributes = {{"mode", "inference"}},
       .inputs = {Uniform({3, 4})},
       .outputs = {{3, 4}}},
      {.op = "Dropout",
       .name = "inference_mask",
       .attributes = {{"mode", "inference"}},
       .inputs = {Uniform({3, 4})},
       .outputs = {{3, 4}, {3, 4}},
       .dtypes = {{}, DType::kBool}},
      {.op = "Dropout",
       .name = "auto",
       .inputs = {Uniform({3, 4})},
       .outputs = {{3, 4}},
       .gradient = false},
      {.op = "DropoutGrad",
       .name = "half",
       .attributes = drawn(0.5, 3),
       .inputs = {Uniform({4, 10})},
       .outputs = {{4, 10}}},
      {.op = "DropoutGrad",
       .name = "image",
       .attributes = drawn(0.25, 0),
       .inputs = {Uniform({2, 3, 3, 5})},
       .outputs = {{2, 3, 3, 5}}},
      {.op = "DropoutGrad",
       .name = "empty_batch",
       .attributes = drawn(0.5, 0),
       .inputs = {Uniform({0, 4})},
       .outputs = {{0, 4}}},
  };
  for (OpCase& row : rows) row.batch_inputs = {0};
  return rows;
}

}  // namespace weft
