#ifndef WEFT_TESTS_ZOO_TESTING_ZOO_H_
#define WEFT_TESTS_ZOO_TESTING_ZOO_H_

#include <string>
#include <vector>

#include "frontend/weft.h"

namespace weft {

// Options with which a network is small enough for a test that runs it: thin, few classes, the
// least square image of 32, 64, 96, … that it takes.
ZooOptions SmallOptions(const ZooEntry& entry);

// The model of these options.
Model SmallNetwork(const ZooEntry& entry);

// `count` synthetic examples that fit the model, normalised, with their labels.
Batch SyntheticBatch(const Model& model, int64_t count);

// What a session for the model is fed: a batch of two and, where it takes it, noise.
TensorMap SmallFeeds(const Graph& inference);

// The largest difference over the largest element of b; infinite where the shapes differ or
// anything is NaN.
double RelativeDistance(const Tensor& a, const Tensor& b);

// The names of all networks, as gtest wants them for parameters.
std::vector<std::string> NetworkNames();

}  // namespace weft

#endif  // WEFT_TESTS_ZOO_TESTING_ZOO_H_
