#ifndef WEFT_FRONTEND_BUILD_LAYERS_RANDOM_H_
#define WEFT_FRONTEND_BUILD_LAYERS_RANDOM_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "frontend/build/layers/family.h"
#include "graph/dtype.h"
#include "graph/type.h"

namespace weft {

struct DropoutOptions {
  double ratio = 0.5;  // of elements that become zero while training
  std::string name = {};
};

struct RandomUniformOptions {
  double low = 0;
  double high = 1;
  std::optional<DType> dtype = {};  // the builder's, or the input's, unless given
  std::string name = {};
};

struct RandomNormalOptions {
  double mean = 0;
  double scale = 1;  // the standard deviation
  std::optional<DType> dtype = {};
  std::string name = {};
};

struct BernoulliOptions {
  std::optional<DType> dtype = {};  // the input's unless given
  std::string name = {};
};

struct RandomPlacementOptions {
  std::vector<int64_t> pads = {};  // rows and columns added, in all, to each spatial axis; required
  std::string name = {};
};

// Random numbers and regularisation by noise. Each layer has a random stream of its own, which
// follows from its name and is kept in the file; an example's numbers do not depend on its batch.
class RandomLayers : public LayerFamily<RandomLayers> {
 public:
  // Inverted dropout, in training only.
  Value Dropout(Value x, const DropoutOptions& o = {}, Where where = Where::current());
  // Drops whole channels of x [N,C,..]: PyTorch's Dropout1d, Dropout2d and Dropout3d.
  Value SpatialDropout(Value x, const DropoutOptions& o = {}, Where where = Where::current());
  // Drops whole examples of x [N,C,..]: stochastic depth, where x is the branch of a residual block
  // (Huang et al. 2016; torchvision's StochasticDepth in mode "row").
  Value StochasticDepth(Value x, const DropoutOptions& o = {}, Where where = Where::current());

  // Drawn anew in every run; the same for all examples of a batch.
  Value RandomUniform(const Dims& dims, const RandomUniformOptions& o = {},
                      Where where = Where::current());
  Value RandomNormal(const Dims& dims, const RandomNormalOptions& o = {},
                     Where where = Where::current());
  // In x's shape, whose axis 0 counts examples.
  Value RandomUniformLike(Value x, const RandomUniformOptions& o = {},
                          Where where = Where::current());
  Value RandomNormalLike(Value x, const RandomNormalOptions& o = {},
                         Where where = Where::current());
  // 1 with probability x, else 0.
  Value Bernoulli(Value x, const BernoulliOptions& o = {}, Where where = Where::current());

  // x [N,C,..] in a larger frame of zeros: each example at a random place in training, in the
  // middle in inference.
  Value RandomPlacement(Value x, const RandomPlacementOptions& o, Where where = Where::current());
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_LAYERS_RANDOM_H_
