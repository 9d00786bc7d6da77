#ifndef WEFT_FRONTEND_WEIGHTS_NAME_MAP_H_
#define WEFT_FRONTEND_WEIGHTS_NAME_MAP_H_

#include <optional>
#include <string>
#include <string_view>

#include "graph/status.h"

namespace weft {

// Names that match `from` become `to`. Each * of `from` stands for any text, the shortest that lets
// the rest match; the nth * of `to` is replaced by what the nth * of `from` stands for.
struct NamePattern {
  std::string from;
  std::string to;
};

// Reads "OLD=NEW". Errors: no = or several, an empty side, more * in NEW than in OLD.
absl::StatusOr<NamePattern> ParseNamePattern(std::string_view text);

// What `name` becomes; null where the pattern does not match.
std::optional<std::string> ApplyPattern(const NamePattern& pattern, std::string_view name);

}  // namespace weft

#endif  // WEFT_FRONTEND_WEIGHTS_NAME_MAP_H_
