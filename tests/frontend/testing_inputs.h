#ifndef WEFT_TESTS_FRONTEND_TESTING_INPUTS_H_
#define WEFT_TESTS_FRONTEND_TESTING_INPUTS_H_

#include <gtest/gtest.h>

#include <array>

#include "frontend/build/builder.h"
#include "frontend/data/random.h"
#include "graph/model.h"

namespace weft {

// What a model of two inputs is to learn: whether one of two is so, a picture bright or a feature
// positive, but not both. Either alone says nothing.
struct XorExample {
  uint8_t level = 0;                   // of the picture's 8x8 pixels
  std::array<float, 2> features = {};  // the second one says nothing
  int64_t label = 0;
};
inline XorExample XorAt(int64_t i) {
  RandomStream random(7, RandomPurpose::kPatterns, static_cast<uint64_t>(i));
  const bool bright = i % 2 == 1, positive = i / 2 % 2 == 1;
  return {.level = static_cast<uint8_t>((bright ? 150 : 30) + random.Below(60)),
          .features = {random.Uniform(0.5f, 1.5f) * (positive ? 1.0f : -1.0f),
                       random.Uniform(-1.0f, 1.0f)},
          .label = bright != positive ? 1 : 0};
}

// Scores of two classes by a picture "image", by "features", or by both.
struct XorInputs {
  bool image = true;
  bool features = true;
};
inline Model XorModel(const XorInputs& inputs) {
  Builder b;
  std::vector<Value> branches;
  if (inputs.image) {
    const Value x = b.Input("image", {"N", 1, 8, 8});
    branches.push_back(
        b.Flatten(b.GlobalAvgPool(b.Relu(b.Conv2d(x, {.channels = 4, .kernel = 3})))));
  }
  if (inputs.features) {
    branches.push_back(b.Linear(b.Input("features", {"N", 2}), {.features = 4}));
  }
  Value h = branches.size() == 1 ? branches[0] : b.Concat(branches, 1);
  h = b.Relu(b.Linear(h, {.features = 16}));
  b.Output("logits", b.Linear(h, {.features = 2}));
  auto model = b.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  return *std::move(model);
}

}  // namespace weft

#endif  // WEFT_TESTS_FRONTEND_TESTING_INPUTS_H_
