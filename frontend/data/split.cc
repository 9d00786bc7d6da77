#include "frontend/data/split.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "frontend/data/random.h"

namespace weft {
namespace {

class Subset final : public Dataset {
 public:
  Subset(DatasetInfo info, std::shared_ptr<const Dataset> source, std::vector<int64_t> indices)
      : Dataset(std::move(info)), source_(std::move(source)), indices_(std::move(indices)) {}

 private:
  int64_t At(int64_t index) const { return indices_[static_cast<size_t>(index)]; }
  absl::Status ReadExample(int64_t index, std::span<float> image,
                           std::span<int64_t> labels) const override {
    return source_->Read(At(index), image, labels);
  }
  absl::Status ReadDrawn(int64_t index, const ExampleDraw& draw, std::span<float> image,
                         LabelBuffer labels) const override {
    return source_->Read(At(index), image, labels, draw);
  }
  absl::Status ReadOnlyLabels(int64_t index, LabelBuffer labels) const override {
    return source_->ReadLabels(At(index), labels);
  }
  absl::StatusOr<PictureExample> ReadPicture(int64_t index) const override {
    return source_->ReadSource(At(index));
  }

  const std::shared_ptr<const Dataset> source_;
  const std::vector<int64_t> indices_;
};

// How many of a class's examples are held out.
size_t HeldOutCount(size_t examples, double share) {
  const auto wanted = static_cast<size_t>(std::llround(share * static_cast<double>(examples)));
  return examples < 2 ? 0 : std::clamp<size_t>(wanted, 1, examples - 1);
}

}  // namespace

absl::StatusOr<std::vector<int64_t>> SplitIndices(std::span<const int64_t> labels, Split split,
                                                  const DataOptions& options) {
  const double share = options.val_split;
  if (!(share > 0 && share < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("val_split: expected a share above 0 and below 1, got ", share));
  }
  std::map<int64_t, std::vector<int64_t>> classes;
  for (size_t i = 0; i < labels.size(); ++i) {
    classes[labels[i]].push_back(static_cast<int64_t>(i));
  }
  std::vector<int64_t> result;
  for (auto& [label, examples] : classes) {
    RandomStream random(static_cast<uint64_t>(options.split_seed), RandomPurpose::kHeldOut,
                        static_cast<uint64_t>(label));
    for (size_t i = examples.size(); i > 1; --i) {
      std::swap(examples[i - 1], examples[static_cast<size_t>(random.Below(i))]);
    }
    const auto held_out =
        examples.begin() + static_cast<std::ptrdiff_t>(HeldOutCount(examples.size(), share));
    if (split == Split::kTest) {
      result.insert(result.end(), examples.begin(), held_out);
    } else {
      result.insert(result.end(), held_out, examples.end());
    }
  }
  std::ranges::sort(result);
  return result;
}

absl::StatusOr<std::shared_ptr<const Dataset>> SubsetDataset(std::shared_ptr<const Dataset> source,
                                                             std::vector<int64_t> indices,
                                                             std::string name) {
  if (indices.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": expected examples, there are none"));
  }
  for (const int64_t index : indices) {
    if (index >= 0 && index < source->size()) continue;
    return absl::OutOfRangeError(
        absl::StrCat(name, ": expected an index in [0,", source->size(), "), got ", index));
  }
  DatasetInfo info = source->info();
  info.name = std::move(name);
  info.size = static_cast<int64_t>(indices.size());
  return std::make_shared<Subset>(std::move(info), std::move(source), std::move(indices));
}

absl::StatusOr<SplitFolders> FindSplitFolders(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    return absl::NotFoundError(absl::StrCat(folder, ": expected a folder"));
  }
  SplitFolders folders = {.train = (fs::path(folder) / "train").string()};
  if (!fs::is_directory(folders.train, ignored)) return SplitFolders{.train = folder};
  for (const char* name : {"val", "valid", "validation", "test"}) {
    const std::string path = (fs::path(folder) / name).string();
    if (!fs::is_directory(path, ignored)) continue;
    folders.held_out = path;
    break;
  }
  return folders;
}

absl::Status CheckSplit(const std::string& name, bool has_held_out, Split split,
                        const DataOptions& options) {
  if (!(options.val_split >= 0 && options.val_split < 1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "val_split: expected a share of at least 0 and below 1, got ", options.val_split));
  }
  if (has_held_out && options.val_split > 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": has a part for validation already, --val-split ", options.val_split,
                     " would hold out another; --val-split 0 takes what is there"));
  }
  if (split == Split::kTest && !has_held_out && options.val_split == 0) {
    return absl::NotFoundError(absl::StrCat(
        name, ": has no part for validation (val or test); hold one out with --val-split 0.2"));
  }
  return absl::OkStatus();
}

std::string SplitName(const std::string& spec, Split split, const std::string& note) {
  return absl::StrCat(spec, split == Split::kTrain ? " (train" : " (test", note.empty() ? "" : "; ",
                      note, ")");
}

}  // namespace weft
