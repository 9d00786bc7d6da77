#include "frontend/zoo/zoo.h"

#include <string>
#include <vector>

#include "frontend/names.h"
#include "frontend/zoo/networks.h"

namespace weft {
namespace {

constexpr ZooEntry kZoo[] = {
    {.name = "lenet",
     .description = "LeNet-5: 5x5 convolutions, sigmoid, average pooling, 120-84-10",
     .layers = LeNet,
     .fit = {.epochs = 10, .batch_size = 32, .learning_rate = 0.1, .schedule = Schedule::kCosine},
     .optimizer = {.momentum = 0.9, .nesterov = false, .weight_decay = 0, .decay_vectors = true}},
    {.name = "lenet-bn",
     .description = "3x3 convolutions, batch normalization, ReLU, max pooling, 128-10",
     .layers = LeNetBn,
     .fit = {.epochs = 3, .batch_size = 128, .learning_rate = 0.05, .schedule = Schedule::kCosine},
     .optimizer = {.momentum = 0.9, .nesterov = false, .weight_decay = 0, .decay_vectors = true}},
};

}  // namespace

std::span<const ZooEntry> Zoo() { return kZoo; }

absl::StatusOr<const ZooEntry*> FindNetwork(std::string_view name) {
  std::vector<std::string_view> names;
  std::string list;
  for (const ZooEntry& entry : kZoo) {
    if (entry.name == name) return &entry;
    names.push_back(entry.name);
    absl::StrAppend(&list, list.empty() ? "" : ", ", std::string(entry.name));
  }
  const std::string nearest(NearestName(name, names));
  return absl::NotFoundError(
      absl::StrCat("unknown model ", std::string(name),
                   nearest.empty() ? std::string() : absl::StrCat(", did you mean ", nearest, "?"),
                   " (known: ", list, ")"));
}

absl::StatusOr<Model> BuildNetwork(const ZooEntry& entry, const ZooOptions& options) {
  Builder b({.seed = options.seed, .dtype = options.dtype});
  const Value x = b.Input("x", {"N", options.channels, options.height, options.width});
  b.Output("logits", entry.layers(b, x, options.classes));
  auto model = b.Build();
  if (!model.ok()) return Annotate(model.status(), entry.name);
  model->metadata["name"] = std::string(entry.name);
  return model;
}

}  // namespace weft
