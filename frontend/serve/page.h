#ifndef WEFT_FRONTEND_SERVE_PAGE_H_
#define WEFT_FRONTEND_SERVE_PAGE_H_

#include <string>

#include "graph/model.h"

namespace weft {

// The page at /: HTML of one file, which posts pictures to api/example.
absl::StatusOr<std::string> ServedPage(const Model& model);

}  // namespace weft

#endif  // WEFT_FRONTEND_SERVE_PAGE_H_
