#ifndef WEFT_FRONTEND_TRAIN_FINETUNE_FEATURES_H_
#define WEFT_FRONTEND_TRAIN_FINETUNE_FEATURES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/data/dataset.h"
#include "frontend/train/finetune_prefix.h"
#include "graph/model.h"

namespace weft {

// What a model makes of a data set at one node.
struct Features {
  Tensor values = {};  // f32[N,...]
  Tensor labels = {};  // the data set's, i64[N,...] or f32
};

struct FeatureOptions {
  std::string at = {};  // the node; "": what the head reads (FindHead)
  int64_t batch_size = 256;
  int threads = 0;
  int workers = 1;  // threads that read the examples
};

// The model in inference mode as far as the first output of node `at`, or where that is empty what
// its head reads. Errors: no such node, one that does not depend on the input.
absl::StatusOr<Model> ModelUpTo(const Model& model, std::string_view at);

// The features of all examples, in order. Errors: those of ModelUpTo; features that are not
// [N,...] of known dims; whatever the data or the run say.
absl::StatusOr<Features> ComputeFeatures(const Model& model,
                                         const std::shared_ptr<const Dataset>& dataset,
                                         const FeatureOptions& options = {});

// The features of a model's frozen beginning, by the passes and the kernels of a training: what its
// steps would compute again and again. The node is the border, whatever `options` say. Errors:
// features that are not f32[N,...] of known dims; whatever the data or the run say.
absl::StatusOr<Features> ComputeFrozenFeatures(const FrozenSplit& split,
                                               const std::shared_ptr<const Dataset>& dataset,
                                               const FeatureOptions& options = {});

// Features as a data set, so that what comes after them can be trained without computing them
// again. Its labels are those of `source`, its class names too.
std::shared_ptr<const Dataset> FeatureDataset(Features features, const Dataset& source);

// How many of `test` have the class that most of their k nearest neighbours in `train` have, by the
// cosine of the flattened features; of classes with equally many the one of the nearest. Errors:
// labels that are not one class an example, features of different sizes, a k outside [1, N].
absl::StatusOr<int64_t> CountNearest(const Features& train, const Features& test, int64_t k);

struct ProbeOptions {
  int64_t epochs = 30;
  int64_t batch_size = 64;
  double learning_rate = 0.05;  // with momentum 0.9
  double weight_decay = 1e-4;
  uint64_t seed = 0;
  int threads = 0;
};

// Trains one linear layer on the flattened features, each of them brought to mean 0 and deviation 1
// by `train`, and returns how many of `test` it gets right: what the features say of the classes
// (Alain and Bengio 2017). Errors as above.
absl::StatusOr<int64_t> CountProbed(const Features& train, const Features& test,
                                    const ProbeOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_FINETUNE_FEATURES_H_
