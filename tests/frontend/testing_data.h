#ifndef WEFT_TESTS_FRONTEND_TESTING_DATA_H_
#define WEFT_TESTS_FRONTEND_TESTING_DATA_H_

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "frontend/data/dataset.h"
#include "frontend/data/open.h"
#include "frontend/io/png.h"
#include "tests/frontend/testing_files.h"

namespace weft {

// A picture of one color, 3 channels, or of one level.
inline Picture Plain(int64_t height, int64_t width, std::vector<uint8_t> color) {
  Picture picture = {
      .height = height, .width = width, .channels = static_cast<int64_t>(color.size())};
  for (int64_t i = 0; i < height * width; ++i) {
    picture.pixels.insert(picture.pixels.end(), color.begin(), color.end());
  }
  return picture;
}

// Writes a picture, and the folders above it.
inline void AddPicture(const std::string& path, const Picture& picture) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  const absl::Status status = WritePng(path, picture);
  EXPECT_TRUE(status.ok()) << status;
}

inline void AddText(const std::string& path, std::string_view text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  WriteText(path, text);
}

// Opens a data set that there must be.
inline std::shared_ptr<const Dataset> Opened(const std::string& spec, Split split,
                                             const DataOptions& options = {}) {
  auto dataset = OpenDataset(spec, split, options);
  EXPECT_TRUE(dataset.ok()) << dataset.status();
  return dataset.ok() ? *dataset : nullptr;
}

inline std::string OpenError(const std::string& spec, Split split,
                             const DataOptions& options = {}) {
  const auto dataset = OpenDataset(spec, split, options);
  EXPECT_FALSE(dataset.ok()) << spec;
  return MessageOf(dataset.status());
}

// Example `index`'s values and labels.
struct ReadBack {
  absl::Status status;
  std::vector<float> values;
  std::vector<int64_t> classes;
  std::vector<float> targets;
};
inline ReadBack ReadAt(const Dataset& dataset, int64_t index) {
  ReadBack result;
  result.values.resize(static_cast<size_t>(dataset.example_size()));
  const auto labels = static_cast<size_t>(dataset.label_size());
  if (dataset.targets()) {
    result.targets.resize(labels);
  } else {
    result.classes.resize(labels);
  }
  result.status =
      dataset.Read(index, result.values, {.classes = result.classes, .targets = result.targets});
  return result;
}
inline std::vector<int64_t> LabelsOf(const Dataset& dataset) {
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < dataset.size(); ++i) labels.push_back(ReadAt(dataset, i).classes[0]);
  return labels;
}

}  // namespace weft

#endif  // WEFT_TESTS_FRONTEND_TESTING_DATA_H_
