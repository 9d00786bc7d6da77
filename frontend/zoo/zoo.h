#ifndef WEFT_FRONTEND_ZOO_ZOO_H_
#define WEFT_FRONTEND_ZOO_ZOO_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/build/builder.h"
#include "frontend/train/train_loop.h"

namespace weft {

// What a network is built for.
struct ZooOptions {
  Dims input = {};      // of one example, such as {3, 224, 224}; none: the network's own
  int64_t classes = 0;  // 0: the network's own
  double width = 1;     // factor of the channels within the network
  uint64_t seed = 0;    // of the initial weights
  DType dtype = DType::kF32;
  bool draw = true;  // false: all weights are zero, for those who only count them

  // `channels` times the width: a multiple of `divisor`, at least that and not more than a tenth
  // below the product (Sandler et al. 2018, MobileNet v2's code); `channels` itself at width 1.
  int64_t Wide(int64_t channels, int64_t divisor = 8) const;
};

// Mean and standard deviation of the pixels, in [0, 1], that a network expects: one number a
// channel, or one for all.
struct Normalization {
  std::vector<float> mean, std;
};
Normalization ImageNetPixels();   // torchvision's
Normalization InceptionPixels();  // to [-1, 1]

// Ten epochs in batches of 32, the rate falling to 0 by half a cosine.
FitOptions ZooFit(double learning_rate);

// A network by name, and how it is trained unless somebody asks otherwise.
struct ZooEntry {
  std::string name;
  std::string description;  // what is particular to it, in a few words
  std::string paper;        // "He et al.: Deep residual learning for image recognition"
  int year = 0;             // of the paper
  // Adds the layers, from x [N,input...] to the scores, which become the output "logits". Where the
  // result is null the function has named the outputs itself. Inputs besides x: "labels" and
  // "noise", see train.h. Options are complete: an input and a number of classes.
  std::function<Value(Builder& b, Value x, const ZooOptions& o)> layers = {};
  Dims input = {3, 224, 224};
  int64_t classes = 1000;           // 0: it has none
  DType input_dtype = DType::kF32;  // i64: numbers of tokens
  int64_t input_multiple = 1;       // of the last axis or two, where the network halves and doubles
  Normalization pixels = ImageNetPixels();  // none: unknown
  FitOptions fit = ZooFit(0.02);
  OptimizerOptions optimizer = {.momentum = 0.9, .weight_decay = 1e-4, .decay_vectors = false};
};

// "3x224x224", as the input of a network is written.
std::string SizeText(const Dims& dims);

// All networks, family by family.
std::span<const ZooEntry> Zoo();

// Errors: an unknown name; the message proposes those that begin so, or the nearest.
absl::StatusOr<const ZooEntry*> FindNetwork(std::string_view name);

// The network with its initial weights; its input is called "x". Errors: options out of range;
// images too small or of another number of axes than the network's, with what would fit.
absl::StatusOr<Model> BuildNetwork(const ZooEntry& entry, const ZooOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_ZOO_ZOO_H_
