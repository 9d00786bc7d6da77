#ifndef WEFT_GRAPH_STATUS_H_
#define WEFT_GRAPH_STATUS_H_

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace weft {

// For StrCat and its kin: Abseil's string_view is a type of its own on Debian 12.
inline absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

// Puts `context` ("conv1 (Conv)", a file's name) in front of a failure's message and keeps its
// code; an OK status stays OK.
inline absl::Status Annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(Absl(context), ": ", status.message()));
}

}  // namespace weft

#define WEFT_CONCAT_INNER(a, b) a##b
#define WEFT_CONCAT(a, b) WEFT_CONCAT_INNER(a, b)

// Returns from the enclosing function when `expr`, an absl::Status, is a failure.
#define WEFT_RETURN_IF_ERROR(expr)             \
  do {                                         \
    absl::Status weft_status = (expr);         \
    if (!weft_status.ok()) return weft_status; \
  } while (false)

// Evaluates `expr`, an absl::StatusOr<T>; assigns its value to `lhs` or returns its status.
#define WEFT_ASSIGN_OR_RETURN(lhs, expr) \
  WEFT_ASSIGN_OR_RETURN_INNER(WEFT_CONCAT(weft_or_, __LINE__), lhs, expr)
#define WEFT_ASSIGN_OR_RETURN_INNER(tmp, lhs, expr) \
  auto tmp = (expr);                                \
  if (!tmp.ok()) return std::move(tmp).status();    \
  lhs = *std::move(tmp)

#endif  // WEFT_GRAPH_STATUS_H_
