#ifndef WEFT_FRONTEND_INSPECT_EXAMPLE_H_
#define WEFT_FRONTEND_INSPECT_EXAMPLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "frontend/data/dataset.h"
#include "frontend/io/picture.h"
#include "graph/model.h"
#include "graph/tensor.h"

namespace weft {

// One thing to look at: as the model takes it and as a person sees it.
struct Example {
  std::string name;                     // "digits (test), example 7", "cat.png"
  Tensor x = {};                        // f32[1,...], normalised; numbers of tokens as they are
  std::optional<Picture> picture = {};  // none: a signal, or a model that takes no pictures
  std::optional<int64_t> label = {};    // where it is known and single
};

// Example `index` of data that fit the model (FitForScores). Errors: those of Dataset::Read; parts
// for several inputs, numbers of tokens.
absl::StatusOr<Example> ExampleOf(const Dataset& dataset, int64_t index);
// A picture's file, prepared as the model's file says (ReadImageFor), or an .npy array as it is.
// Errors: those of reading; a model that does not say how pictures become its input.
absl::StatusOr<Example> ReadExample(const Model& model, const std::string& path, bool resize);
// The same for bytes in memory, which begin as .npy files do or are a picture's; `name` stands for
// the file.
absl::StatusOr<Example> DecodeExample(const Model& model, std::span<const std::byte> bytes,
                                      const std::string& name, bool resize);

// The class's name, "class 7" where it has none.
std::string ClassName(const Model& model, int64_t label);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_EXAMPLE_H_
