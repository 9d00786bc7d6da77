#ifndef WEFT_FRONTEND_BUILD_LAYERS_FAMILY_H_
#define WEFT_FRONTEND_BUILD_LAYERS_FAMILY_H_

#include <source_location>
#include <string>

#include "graph/graph.h"

// The builder's functions, one family a header. Builder (frontend/build/builder.h) derives from
// every family; a family's functions are written in its .cc file with Layer
// (frontend/build/builder_layer.h).

namespace weft {

class Builder;

// Where in the user's program a function of the builder was called.
using Where = std::source_location;

// The options of a function that has no others. `name` is the layer's name within its scope.
struct NameOption {
  std::string name = {};
};

// The base of a family: the builder that it is part of.
template <typename Family>
class LayerFamily {
 protected:
  Builder& builder();  // defined in frontend/build/builder.h
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_LAYERS_FAMILY_H_
