#include "graph/file/write_all.h"

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

namespace weft {
namespace {

// What the names of files of ours begin with, and that of one on its way to its place ends with.
constexpr std::string_view kPrefix = ".weft-", kNewEnding = ".tmp";

// "dir/" of "dir/file", "" of "file".
std::string FolderPrefix(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

std::string FolderOf(const std::string& path) {
  const std::string prefix = FolderPrefix(path);
  if (prefix.empty()) return ".";
  return prefix == "/" ? prefix : prefix.substr(0, prefix.size() - 1);
}

// Removes what killed writers have left in the folder of `path`.
void RemoveLeftovers(FileSystem& fs, const std::string& path) {
  std::error_code error;
  for (std::filesystem::directory_iterator it(FolderOf(path), error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(kPrefix) && name.ends_with(kNewEnding)) {
      fs.RemoveAbandoned(it->path().string());
    }
  }
}

// Offers names of ours in the folder of `path` to `make` until there is no file of that name.
// Process and counter make it unique; what another process of the same number (a container's) left
// behind is stepped over.
absl::StatusOr<std::string> MakeNew(const std::string& path, std::string_view ending,
                                    const std::function<absl::Status(const std::string&)>& make) {
  static std::atomic<uint64_t> counter{0};
  constexpr int kAttempts = 10000;
  absl::Status status;
  for (int i = 0; i < kAttempts; ++i) {
    std::string name = absl::StrCat(FolderPrefix(path), Absl(kPrefix), ::getpid(), "-",
                                    counter.fetch_add(1), Absl(ending));
    status = make(name);
    if (status.ok()) return name;
    if (!absl::IsAlreadyExists(status)) break;
  }
  return status;
}

// A new file of ours, held until it has its place.
struct NewFile {
  std::string name;
  std::unique_ptr<WritableFile> file = nullptr;
};

// A new file that `write` fills; after an error there is none.
absl::StatusOr<NewFile> WriteNew(FileSystem& fs, const std::string& path, std::string_view ending,
                                 const std::function<absl::Status(WritableFile&)>& write) {
  std::unique_ptr<WritableFile> file;
  const auto create = [&](const std::string& name) -> absl::Status {
    WEFT_ASSIGN_OR_RETURN(file, fs.Create(name));
    return absl::OkStatus();
  };
  WEFT_ASSIGN_OR_RETURN(std::string name, MakeNew(path, ending, create));
  absl::Status status = write(*file);
  if (status.ok()) status = file->Sync();
  if (status.ok()) status = file->Close();
  if (status.ok()) return NewFile{std::move(name), std::move(file)};
  (void)fs.Remove(name);  // the first failure is the one to report
  return status;
}

absl::Status CheckFileName(const std::string& path) {
  if (path.empty() || path.back() == '/') {
    return absl::InvalidArgumentError(absl::StrCat("'", path, "' is not the name of a file"));
  }
  std::error_code ignored;  // whatever keeps us from looking keeps us from writing
  if (!std::filesystem::is_directory(std::filesystem::symlink_status(path, ignored))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(path, ": is a folder"));
}

// A file that is written beside its place, on its way there.
struct Replacement {
  std::string path;
  NewFile temporary;
  std::string old{};  // another name or a copy of what was at `path`
  bool replaced = false;
};

// Renaming over a file cannot be undone, so one that may have to come back gets a second name, and
// a copy where the file system has none. Empty where there is no old file.
absl::StatusOr<std::string> KeepOld(FileSystem& fs, const std::string& path) {
  absl::StatusOr<std::string> kept =
      MakeNew(path, ".old", [&](const std::string& name) { return fs.Link(path, name); });
  if (absl::IsPermissionDenied(kept.status()) || absl::IsUnimplemented(kept.status())) {
    const absl::StatusOr<MappedFile> old = MapFile(path);
    if (!old.ok()) {
      kept = old.status();
    } else {
      const auto copy = [&](WritableFile& file) { return file.Append(old->bytes); };
      WEFT_ASSIGN_OR_RETURN(NewFile file, WriteNew(fs, path, ".old", copy));
      kept = std::move(file.name);
    }
  }
  if (absl::IsNotFound(kept.status())) return "";
  return kept;
}

absl::Status ReplaceAll(FileSystem& fs, std::vector<Replacement>& all) {
  for (Replacement& r : all) {
    const bool is_last = &r == &all.back();
    absl::StatusOr<std::string> old = is_last ? "" : KeepOld(fs, r.path);
    absl::Status status = old.status();
    if (status.ok()) {
      r.old = *std::move(old);
      status = fs.Rename(r.temporary.name, r.path);
    }
    r.replaced = status.ok();
    if (status.ok() && !is_last) status = fs.SyncFolder(FolderOf(r.path));
    if (!status.ok()) return Annotate(status, r.path);
  }
  return absl::OkStatus();
}

// The first failure is the one to report; here others are not.
void Undo(FileSystem& fs, const std::vector<Replacement>& all) {
  for (const Replacement& r : all) {
    const bool had_old = !r.old.empty();
    if (r.replaced) {
      (void)(had_old ? fs.Rename(r.old, r.path) : fs.Remove(r.path));
    } else {
      (void)fs.Remove(r.temporary.name);
      if (had_old) (void)fs.Remove(r.old);
    }
  }
}

}  // namespace

absl::Status WriteAllAtomically(FileSystem& fs, std::span<const FileToWrite> files) {
  if (files.empty()) return absl::OkStatus();
  for (const FileToWrite& file : files) WEFT_RETURN_IF_ERROR(CheckFileName(file.path));
  std::vector<Replacement> all;
  absl::Status status;
  for (const FileToWrite& file : files) RemoveLeftovers(fs, file.path);
  for (const FileToWrite& file : files) {
    absl::StatusOr<NewFile> temporary = WriteNew(fs, file.path, kNewEnding, file.write);
    status = Annotate(temporary.status(), file.path);
    if (!status.ok()) break;
    all.push_back({file.path, *std::move(temporary)});
  }
  if (status.ok()) status = ReplaceAll(fs, all);
  if (!status.ok()) {
    Undo(fs, all);
    return status;
  }
  status = Annotate(fs.SyncFolder(FolderOf(all.back().path)), all.back().path);
  for (const Replacement& r : all) {
    if (!r.old.empty()) (void)fs.Remove(r.old);
  }
  return status;
}

absl::Status WriteAtomically(FileSystem& fs, const std::string& path,
                             const std::function<absl::Status(WritableFile&)>& write) {
  const FileToWrite file = {path, write};
  return WriteAllAtomically(fs, std::span(&file, 1));
}

}  // namespace weft
