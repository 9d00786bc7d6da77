#ifndef WEFT_TESTS_ZOO_TESTING_ZOO_H_
#define WEFT_TESTS_ZOO_TESTING_ZOO_H_

#include <string>
#include <vector>

#include "frontend/weft.h"

namespace weft {

// ctest runs as many test programs at a time as there are CPUs. With threads of their own, which
// wait for each other after every small step, they would be ten times as slow.
inline constexpr int kTestThreads = 1;

// Options with which a network is small enough for a test that runs it: thin, few classes, about a
// quarter of its own input's extents, or the least more that it takes.
ZooOptions SmallOptions(const ZooEntry& entry);

// The model of these options.
Model SmallNetwork(const ZooEntry& entry);

// `count` examples that fit the model, normalised, with their labels: digits for a network of the
// entry's that is made for them, synthetic ones for others.
Batch SmallBatch(const ZooEntry& entry, const Model& model, int64_t count);

// What a session for the model is fed: two examples and, where it takes it, noise.
TensorMap SmallFeeds(const Graph& inference);

// Makes scales, biases and statistics of batch normalizations random: those that a network begins
// with, zeros and ones, hide what a pass forgets.
void DrawNorms(Graph& graph);

// SmallNetwork with random norms, fit for comparing inferences. The statistics are not those of the
// activations: where the outputs of a deep network grow beyond bounds, they are made so.
Model SettledNetwork(const ZooEntry& entry);

// The outputs of an inference in which each convolution that there is Winograd's method for is
// computed by it; `tiled`, unless null, says how many.
TensorMap RunByWinograd(const Graph& inference, const TensorMap& feeds, int* tiled = nullptr);

// The largest difference over the largest element of b; infinite where the shapes differ or
// anything is NaN.
double RelativeDistance(const Tensor& a, const Tensor& b);

// The names of all networks, as gtest wants them for parameters.
std::vector<std::string> NetworkNames();

}  // namespace weft

#endif  // WEFT_TESTS_ZOO_TESTING_ZOO_H_
