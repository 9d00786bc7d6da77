#ifndef WEFT_FRONTEND_ZOO_ZOO_H_
#define WEFT_FRONTEND_ZOO_ZOO_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "frontend/builder.h"
#include "frontend/train_loop.h"

namespace weft {

// What a network is built for. The input is called "x", the output "logits".
struct ZooOptions {
  int64_t channels = 1;
  int64_t height = 28;
  int64_t width = 28;
  int64_t classes = 10;
  uint64_t seed = 0;  // of the initial weights
  DType dtype = DType::kF32;
};

// A network by name, and how it is trained unless somebody asks otherwise.
struct ZooEntry {
  std::string_view name;
  std::string_view description;
  // Adds the layers from images [N,C,H,W] to scores [N,classes].
  Value (*layers)(Builder& b, Value x, int64_t classes);
  FitOptions fit = {};
  OptimizerOptions optimizer = {};
};

std::span<const ZooEntry> Zoo();

// Errors: an unknown name; the message proposes the nearest one and lists all.
absl::StatusOr<const ZooEntry*> FindNetwork(std::string_view name);

// Errors: images too small for the network.
absl::StatusOr<Model> BuildNetwork(const ZooEntry& entry, const ZooOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_ZOO_ZOO_H_
