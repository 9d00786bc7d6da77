#ifndef WEFT_FRONTEND_BUILD_BUILDER_OPTIONS_H_
#define WEFT_FRONTEND_BUILD_BUILDER_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "frontend/build/init.h"
#include "graph/dim.h"
#include "graph/dtype.h"

// What the builder's own functions take; those of layers are beside them, in frontend/layers/. For
// designated initializers:
//   b.Conv2d(x, {.channels = 6, .kernel = 5, .padding = 2})
// `name` is the layer's name within its scope; without one it gets its kind and a number (conv1).

namespace weft {

// One axis of an input: a number or the name of a symbol, as in {"N", 1, 28, 28}.
struct Axis {
  Axis(int64_t n) : dim(n) {}                                        // NOLINT
  Axis(int n) : dim(int64_t{n}) {}                                   // NOLINT
  Axis(const char* symbol) : dim(Dim::Symbol(symbol)) {}             // NOLINT
  Axis(std::string symbol) : dim(Dim::Symbol(std::move(symbol))) {}  // NOLINT
  Dim dim;
};

struct BuilderOptions {
  uint64_t seed = 0;          // of the initializers
  DType dtype = DType::kF32;  // of inputs and parameters: f32 or f64
  Initializer init = {};      // of weights that say nothing else
  bool draw = true;           // false: all parameters are zero, for those who only count them
};

struct InputOptions {
  std::optional<DType> dtype = {};  // the builder's unless given
};

struct ParameterOptions {
  std::optional<Initializer> init = {};
  bool trainable = true;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_BUILDER_OPTIONS_H_
