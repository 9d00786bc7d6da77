#ifndef WEFT_TESTS_CASES_GOLDEN_H_
#define WEFT_TESTS_CASES_GOLDEN_H_

#include <string>
#include <string_view>

namespace weft {

// Expects `text` to be what tests/golden/<name>.txt holds. With WEFT_UPDATE_GOLDEN=1 in the
// environment the file is written instead, to be reviewed as a diff.
void ExpectGolden(std::string_view name, const std::string& text);

}  // namespace weft

#endif  // WEFT_TESTS_CASES_GOLDEN_H_
