#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "frontend/data/class_folders.h"
#include "frontend/data/folder.h"
#include "frontend/data/picture_files.h"
#include "frontend/data/split.h"
#include "frontend/io/decode.h"
#include "frontend/io/read_file.h"
#include "runtime/exec/parallel.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

// The images of a folder by their names without ending.
absl::StatusOr<std::map<std::string, std::string>> ImagesByStem(const std::string& folder) {
  std::map<std::string, std::string> images;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const fs::path& path = it->path();
    if (!IsListedFile(*it) || !IsImageName(path.string())) continue;
    const auto [other, added] = images.emplace(path.stem().string(), path.string());
    if (added) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(folder, ": expected images of different names, got ",
                     std::min(other->second, path.string()), " and ",
                     fs::path(std::max(other->second, path.string())).filename().string()));
  }
  if (error) return absl::NotFoundError(absl::StrCat(folder, ": ", error.message()));
  if (!images.empty()) return images;
  return absl::InvalidArgumentError(absl::StrCat(folder, ": expected images, there are none"));
}

absl::StatusOr<PictureFiles> ListPairs(const std::string& folder) {
  const std::string masks_folder = (fs::path(folder) / "masks").string();
  WEFT_ASSIGN_OR_RETURN(const auto images, ImagesByStem((fs::path(folder) / "images").string()));
  WEFT_ASSIGN_OR_RETURN(const auto masks, ImagesByStem(masks_folder));
  PictureFiles files;
  for (const auto& [stem, path] : images) {
    const auto mask = masks.find(stem);
    if (mask == masks.end()) {
      return absl::NotFoundError(
          absl::StrCat(path, ": expected its mask, ", masks_folder, "/", stem, ".png"));
    }
    files.pictures.push_back(path);
    files.masks.push_back(mask->second);
  }
  return files;
}

// As many as the highest value in the masks says.
absl::StatusOr<std::vector<std::string>> NumberedClasses(const std::vector<std::string>& masks) {
  std::vector<absl::StatusOr<int>> highest(masks.size(), 0);
  const RunScope scope(AvailableCpus());
  ParallelFor(static_cast<int64_t>(masks.size()), 1, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      const auto mask = LoadMask(masks[i]);
      if (mask.ok()) {
        highest[i] = *std::ranges::max_element(mask->pixels);
      } else {
        highest[i] = mask.status();
      }
    }
  });
  int most = 0;
  for (const absl::StatusOr<int>& value : highest) {
    WEFT_RETURN_IF_ERROR(value.status());
    most = std::max(most, *value);
  }
  std::vector<std::string> names;
  for (int i = 0; i <= most; ++i) names.push_back(absl::StrCat(i));
  return names;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ReadClassNames(const std::string& folder) {
  const std::string path = (fs::path(folder) / "classes.txt").string();
  std::vector<std::string> names;
  if (std::error_code ignored; !fs::exists(path, ignored)) return names;
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (const auto line : absl::StrSplit(Absl(text), '\n')) {
    const auto name = absl::StripAsciiWhitespace(line);
    if (!name.empty()) names.emplace_back(name);
  }
  return names;
}

absl::StatusOr<std::shared_ptr<const Dataset>> OpenMasks(const std::string& folder, Split split,
                                                         const DataOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const SplitFolders folders, FindSplitFolders(folder));
  WEFT_RETURN_IF_ERROR(CheckSplit(folder, !folders.held_out.empty(), split, options));
  WEFT_ASSIGN_OR_RETURN(PictureFiles train, ListPairs(folders.train));
  size_t all = train.pictures.size();
  WEFT_ASSIGN_OR_RETURN(train, ReadableFiles(std::move(train), options));
  size_t readable = train.pictures.size();
  DatasetInfo info;
  WEFT_ASSIGN_OR_RETURN(info.class_names, ReadClassNames(folder));
  if (info.class_names.empty()) {
    WEFT_ASSIGN_OR_RETURN(info.class_names, NumberedClasses(train.masks));
  }
  PictureFiles files = train;
  if (options.val_split > 0) {
    const std::vector<int64_t> one_class(train.pictures.size(), 0);
    WEFT_ASSIGN_OR_RETURN(const auto asked, SplitIndices(one_class, split, options));
    WEFT_ASSIGN_OR_RETURN(const auto kept, SplitIndices(one_class, Split::kTrain, options));
    files = ChosenFiles(train, asked);
    train = ChosenFiles(train, kept);
  } else if (split == Split::kTest) {
    WEFT_ASSIGN_OR_RETURN(files, ListPairs(folders.held_out));
    all = files.pictures.size();
    WEFT_ASSIGN_OR_RETURN(files, ReadableFiles(std::move(files), options));
    readable = files.pictures.size();
  }
  info.name =
      SplitName("masks:" + folder, split, LeftOutNote(0, static_cast<int64_t>(all - readable)));
  WEFT_ASSIGN_OR_RETURN(info.preprocessing, PreprocessingOfPictures(train.pictures, options));
  return MakePictureFiles(std::move(info), std::move(files));
}

}  // namespace weft
