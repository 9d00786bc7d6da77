#include "frontend/data/class_folders.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "absl/strings/str_join.h"
#include "frontend/data/split.h"
#include "runtime/exec/parallel.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

// The files of one folder of class folders.
struct ClassListing {
  std::vector<std::string> class_names;
  std::vector<LabelledFile> files;
  int64_t ignored = 0;
};

bool IsHiddenPath(const fs::path& path) { return path.filename().string().starts_with('.'); }

absl::Status ListClass(const std::string& folder, int64_t label, const std::string& what,
                       bool (*wanted)(std::string_view), ClassListing& listing) {
  std::error_code error;
  const size_t before = listing.files.size();
  fs::recursive_directory_iterator it(folder, error), end;
  for (; !error && it != end; it.increment(error)) {
    if (IsHiddenPath(it->path())) {
      it.disable_recursion_pending();
      continue;
    }
    if (!IsListedFile(*it)) continue;
    if (wanted(it->path().string())) {
      listing.files.push_back({it->path().string(), label});
    } else {
      ++listing.ignored;
    }
  }
  if (error) return absl::FailedPreconditionError(absl::StrCat(folder, ": ", error.message()));
  if (listing.files.size() == before) {
    return absl::InvalidArgumentError(
        absl::StrCat(folder, ": expected ", what, " of a class, the folder has none"));
  }
  std::sort(listing.files.begin() + static_cast<std::ptrdiff_t>(before), listing.files.end(),
            [](const LabelledFile& a, const LabelledFile& b) { return a.path < b.path; });
  return absl::OkStatus();
}

absl::StatusOr<ClassListing> ListFolder(const std::string& folder, const std::string& what,
                                        bool (*wanted)(std::string_view)) {
  ClassListing listing;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (std::error_code ignored; IsHiddenPath(it->path()) || !it->is_directory(ignored)) continue;
    listing.class_names.push_back(it->path().filename().string());
  }
  if (error) return absl::FailedPreconditionError(absl::StrCat(folder, ": ", error.message()));
  if (listing.class_names.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(folder, ": expected a folder of ", what, " for each class, there is none"));
  }
  std::ranges::sort(listing.class_names);
  for (size_t i = 0; i < listing.class_names.size(); ++i) {
    WEFT_RETURN_IF_ERROR(ListClass((fs::path(folder) / listing.class_names[i]).string(),
                                   static_cast<int64_t>(i), what, wanted, listing));
  }
  return listing;
}

// Labels as training has them.
absl::Status RelabelAsTraining(const std::string& folder, const std::vector<std::string>& train,
                               ClassListing& listing) {
  std::vector<int64_t> labels;
  for (const std::string& name : listing.class_names) {
    const auto it = std::ranges::find(train, name);
    if (it == train.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          folder, "/", name, ": training has no such class; it has ", absl::StrJoin(train, ", ")));
    }
    labels.push_back(it - train.begin());
  }
  for (LabelledFile& file : listing.files) file.label = labels[static_cast<size_t>(file.label)];
  return absl::OkStatus();
}

absl::StatusOr<std::vector<LabelledFile>> ChosenFilesOf(const std::vector<LabelledFile>& files,
                                                        Split split, const DataOptions& options) {
  std::vector<int64_t> labels;
  for (const LabelledFile& file : files) labels.push_back(file.label);
  WEFT_ASSIGN_OR_RETURN(const auto indices, SplitIndices(labels, split, options));
  std::vector<LabelledFile> chosen;
  for (const int64_t i : indices) chosen.push_back(files[static_cast<size_t>(i)]);
  return chosen;
}

}  // namespace

bool IsListedFile(const fs::directory_entry& entry) {
  if (IsHiddenPath(entry.path())) return false;
  std::error_code ignored;
  const fs::file_type type = entry.status(ignored).type();  // of what a link leads to
  return type == fs::file_type::regular ||
         (type == fs::file_type::not_found && entry.is_symlink(ignored));
}

absl::StatusOr<ClassFiles> ListClassFiles(const std::string& folder, Split split,
                                          const DataOptions& options, const std::string& what,
                                          bool (*wanted)(std::string_view)) {
  WEFT_ASSIGN_OR_RETURN(const SplitFolders folders, FindSplitFolders(folder));
  WEFT_RETURN_IF_ERROR(CheckSplit(folder, !folders.held_out.empty(), split, options));
  WEFT_ASSIGN_OR_RETURN(ClassListing train, ListFolder(folders.train, what, wanted));
  ClassFiles result = {.class_names = train.class_names, .ignored = train.ignored};
  if (options.val_split > 0) {
    WEFT_ASSIGN_OR_RETURN(result.files, ChosenFilesOf(train.files, split, options));
    WEFT_ASSIGN_OR_RETURN(result.train, ChosenFilesOf(train.files, Split::kTrain, options));
    if (!result.files.empty()) return result;
    return absl::InvalidArgumentError(absl::StrCat(
        folder, ": expected two ", what, " of a class, to hold one out; no class has them"));
  }
  result.train = train.files;
  if (split == Split::kTrain) {
    result.files = std::move(train.files);
    return result;
  }
  WEFT_ASSIGN_OR_RETURN(ClassListing test, ListFolder(folders.held_out, what, wanted));
  WEFT_RETURN_IF_ERROR(RelabelAsTraining(folders.held_out, train.class_names, test));
  result.files = std::move(test.files);
  result.ignored = test.ignored;
  return result;
}

absl::StatusOr<std::vector<int64_t>> ReadableIndices(
    int64_t count, const std::function<absl::Status(int64_t)>& read) {
  std::vector<absl::Status> statuses(static_cast<size_t>(count));
  const RunScope scope(AvailableCpus());
  ParallelFor(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) statuses[static_cast<size_t>(i)] = read(i);
  });
  std::vector<int64_t> readable;
  for (int64_t i = 0; i < count; ++i) {
    if (statuses[static_cast<size_t>(i)].ok()) readable.push_back(i);
  }
  if (readable.empty() && count > 0) return statuses[0];
  return readable;
}

std::string LeftOutNote(int64_t ignored, int64_t unreadable) {
  std::vector<std::string> notes;
  if (ignored > 0)
    notes.push_back(absl::StrCat(ignored, ignored == 1 ? " other file" : " other files"));
  if (unreadable > 0) notes.push_back(absl::StrCat(unreadable, " unreadable left out"));
  return absl::StrJoin(notes, ", ");
}

}  // namespace weft
