#include "graph/file/write_all.h"

#include <unistd.h>

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

namespace weft {
namespace {

// "dir/" of "dir/file", "" of "file".
std::string FolderPrefix(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

std::string FolderOf(const std::string& path) {
  const std::string prefix = FolderPrefix(path);
  if (prefix.empty()) return ".";
  return prefix == "/" ? prefix : prefix.substr(0, prefix.size() - 1);
}

struct TemporaryFile {
  std::string path;
  std::unique_ptr<WritableFile> file;
};

// A new file in the folder of `path`. Process and counter make its name unique; a file that another
// process of the same number (a container's) left behind is stepped over.
absl::StatusOr<TemporaryFile> CreateTemporary(FileSystem& fs, const std::string& path) {
  static std::atomic<uint64_t> counter{0};
  constexpr int kAttempts = 10000;
  absl::Status status;
  for (int i = 0; i < kAttempts; ++i) {
    TemporaryFile temporary;
    temporary.path =
        absl::StrCat(FolderPrefix(path), ".weft-", ::getpid(), "-", counter.fetch_add(1), ".tmp");
    auto file = fs.Create(temporary.path);
    if (file.ok()) {
      temporary.file = *std::move(file);
      return temporary;
    }
    status = file.status();
    if (!absl::IsAlreadyExists(status)) break;
  }
  return status;
}

// A file that is written beside its place, on its way there.
struct Replacement {
  std::string path;
  std::string temporary;
  std::string old{};  // what was at `path`, aside
  bool replaced = false;
};

absl::StatusOr<Replacement> WriteBeside(FileSystem& fs, const FileToWrite& file) {
  if (file.path.empty() || file.path.back() == '/') {
    return absl::InvalidArgumentError(absl::StrCat("'", file.path, "' is not the name of a file"));
  }
  absl::StatusOr<TemporaryFile> temporary = CreateTemporary(fs, file.path);
  if (!temporary.ok()) return Annotate(temporary.status(), file.path);
  absl::Status status = file.write(*temporary->file);
  if (status.ok()) status = temporary->file->Sync();
  if (status.ok()) status = temporary->file->Close();
  temporary->file.reset();
  if (status.ok()) return Replacement{file.path, temporary->path};
  (void)fs.Remove(temporary->path);  // the first failure is the one to report
  return Annotate(status, file.path);
}

// Renaming over a file cannot be undone, so one that may have to come back is put aside.
absl::Status PutAside(FileSystem& fs, Replacement& replacement) {
  const std::string aside = replacement.temporary + ".old";
  const absl::Status status = fs.Rename(replacement.path, aside);
  if (absl::IsNotFound(status)) return absl::OkStatus();
  if (status.ok()) replacement.old = aside;
  return status;
}

absl::Status ReplaceAll(FileSystem& fs, std::vector<Replacement>& all) {
  for (Replacement& r : all) {
    const bool is_last = &r == &all.back();
    absl::Status status = is_last ? absl::OkStatus() : PutAside(fs, r);
    if (status.ok()) status = fs.Rename(r.temporary, r.path);
    r.replaced = status.ok();
    if (status.ok() && !is_last) status = fs.SyncFolder(FolderOf(r.path));
    if (!status.ok()) return Annotate(status, r.path);
  }
  return absl::OkStatus();
}

// The first failure is the one to report; here others are not.
void Undo(FileSystem& fs, const std::vector<Replacement>& all) {
  for (const Replacement& r : all) {
    if (!r.replaced) (void)fs.Remove(r.temporary);
    if (!r.old.empty()) {
      (void)fs.Rename(r.old, r.path);
    } else if (r.replaced) {
      (void)fs.Remove(r.path);
    }
  }
}

}  // namespace

absl::Status WriteAllAtomically(FileSystem& fs, std::span<const FileToWrite> files) {
  if (files.empty()) return absl::OkStatus();
  std::vector<Replacement> all;
  absl::Status status;
  for (const FileToWrite& file : files) {
    absl::StatusOr<Replacement> written = WriteBeside(fs, file);
    status = written.status();
    if (!status.ok()) break;
    all.push_back(*std::move(written));
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
