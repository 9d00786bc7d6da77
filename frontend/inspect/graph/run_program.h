#ifndef WEFT_FRONTEND_INSPECT_GRAPH_RUN_PROGRAM_H_
#define WEFT_FRONTEND_INSPECT_GRAPH_RUN_PROGRAM_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "graph/status.h"

namespace weft {

struct ProgramLimits {
  double seconds = 30;
  size_t output_bytes = size_t{1} << 28;
};

// What a program, found by PATH and run without a shell, writes to stdout when it is given `input`
// as its stdin. It has ended when this returns. Errors: NotFound where there is no such program; a
// program that fails, with the first line that it wrote to stderr; limits that it goes beyond, for
// which it is killed.
absl::StatusOr<std::string> RunProgram(const std::vector<std::string>& arguments,
                                       std::string_view input, const ProgramLimits& limits = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_GRAPH_RUN_PROGRAM_H_
