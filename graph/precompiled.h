#ifndef WEFT_GRAPH_PRECOMPILED_H_
#define WEFT_GRAPH_PRECOMPILED_H_

// What nearly every file includes, parsed once a folder instead of once a file. For the compiler
// alone: a file names what it uses all the same, so that it also compiles without this.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "graph/graph.h"
#include "graph/op.h"

#endif  // WEFT_GRAPH_PRECOMPILED_H_
