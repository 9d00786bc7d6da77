#ifndef WEFT_TESTS_RUNTIME_FRESH_FOLDER_H_
#define WEFT_TESTS_RUNTIME_FRESH_FOLDER_H_

#include <gtest/gtest.h>

#include <filesystem>

namespace weft {

// Where nothing is, for one test.
inline std::filesystem::path FreshFolder(const char* name) {
  const auto folder = std::filesystem::path(testing::TempDir()) / name;
  std::filesystem::remove_all(folder);
  return folder;
}

}  // namespace weft

#endif  // WEFT_TESTS_RUNTIME_FRESH_FOLDER_H_
