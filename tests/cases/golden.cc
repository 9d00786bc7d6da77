#include "tests/cases/golden.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "graph/status.h"

namespace weft {

void ExpectGolden(std::string_view name, const std::string& text) {
  const std::string path = absl::StrCat(WEFT_SOURCE_DIR "/tests/golden/", Absl(name), ".txt");
  if (std::getenv("WEFT_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path) << text;
    return;
  }
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path << " is missing; WEFT_UPDATE_GOLDEN=1 writes it";
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(text, golden.str()) << "differs from " << path;
}

}  // namespace weft
