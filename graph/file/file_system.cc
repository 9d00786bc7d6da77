#include "graph/file/file_system.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>
#include <map>
#include <mutex>
#include <vector>

#include "absl/strings/str_split.h"
#include "graph/file/mapped_pages.h"

namespace weft {
namespace {

absl::Status Failure(int error, std::string_view what) {
  return absl::ErrnoToStatus(error, Absl(what));
}

// Calls `f` again for as long as a signal interrupts it.
template <typename F>
auto Uninterrupted(F f) {
  auto result = f();
  while (result == -1 && errno == EINTR) result = f();
  return result;
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() { (void)Close(); }
  int get() const { return fd_; }
  // errno, or 0. Linux closes the descriptor even when it says EINTR.
  int Close() {
    if (fd_ < 0) return 0;
    const int fd = std::exchange(fd_, -1);
    return ::close(fd) == 0 || errno == EINTR ? 0 : errno;
  }

 private:
  int fd_;
};

class PosixFile : public WritableFile {
 public:
  explicit PosixFile(int fd) : fd_(fd) {}

  absl::Status Append(std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      const ssize_t n =
          Uninterrupted([&] { return ::write(fd_.get(), bytes.data(), bytes.size()); });
      if (n < 0) return Failure(errno, "cannot write");
      if (n == 0) return absl::DataLossError("cannot write: the system took no bytes");
      bytes = bytes.subspan(static_cast<size_t>(n));
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    if (Uninterrupted([&] { return ::fsync(fd_.get()); }) == 0) return absl::OkStatus();
    return Failure(errno, "cannot sync");
  }

  // Closing any descriptor of a file tells what there is to tell; the other one keeps the lock.
  absl::Status Close() override {
    FileDescriptor copy(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
    if (copy.get() < 0) return Failure(errno, "cannot close");
    const int error = copy.Close();
    return error == 0 ? absl::OkStatus() : Failure(error, "cannot close");
  }

 private:
  FileDescriptor fd_;
};

// Holds an open file against RemoveAbandoned; false where another one holds it.
bool Hold(int fd) {
  if (Uninterrupted([&] { return ::flock(fd, LOCK_EX | LOCK_NB); }) == 0) return true;
  return errno != EWOULDBLOCK;  // a file system without locks: nobody can
}

// Whether the open file is the regular one of that name.
bool IsNamed(int fd, const std::string& path) {
  struct stat opened {
  }, named{};
  return ::fstat(fd, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         S_ISREG(opened.st_mode) && opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

class Posix : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    const int fd = Uninterrupted(
        [&] { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
    if (fd < 0) return Failure(errno, absl::StrCat("cannot create ", path));
    auto file = std::make_unique<PosixFile>(fd);
    if (Hold(fd) && IsNamed(fd, path)) return file;
    return absl::AlreadyExistsError(absl::StrCat(path, ": was taken for an abandoned file"));
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
    return Failure(errno, absl::StrCat("cannot rename ", from));
  }

  absl::Status Link(const std::string& from, const std::string& to) override {
    // Of a symbolic link itself, as Rename moves it.
    if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), 0) == 0) return absl::OkStatus();
    return Failure(errno, absl::StrCat("cannot link ", from));
  }

  absl::Status SyncFolder(const std::string& folder) override {
    FileDescriptor fd(
        Uninterrupted([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (fd.get() < 0) return Failure(errno, absl::StrCat("cannot open folder ", folder));
    // Some file systems have nothing to sync in a folder and say EINVAL.
    if (Uninterrupted([&] { return ::fsync(fd.get()); }) == 0 || errno == EINVAL) {
      return absl::OkStatus();
    }
    return Failure(errno, absl::StrCat("cannot sync folder ", folder));
  }

  absl::Status Remove(const std::string& path) override {
    if (::unlink(path.c_str()) == 0) return absl::OkStatus();
    return Failure(errno, absl::StrCat("cannot remove ", path));
  }

  void RemoveAbandoned(const std::string& path) override {
    const FileDescriptor fd(Uninterrupted(
        [&] { return ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); }));
    if (fd.get() < 0 || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return;
    if (IsNamed(fd.get(), path)) ::unlink(path.c_str());
  }
};

// The mapped files of this process: where each begins, and its bytes.
struct Mappings {
  bool Contain(std::span<const std::byte> bytes) const {
    const auto begin = reinterpret_cast<uintptr_t>(bytes.data());
    const auto after = lengths.upper_bound(begin);
    if (after == lengths.begin()) return false;
    const auto& [start, length] = *std::prev(after);
    return begin - start <= length && bytes.size() <= length - (begin - start);
  }

  std::mutex mutex;
  std::map<uintptr_t, size_t> lengths;
};
// Never destroyed: a mapping may outlive everything.
Mappings& AllMappings() {
  static Mappings& mappings = *new Mappings;
  return mappings;
}

class Mapping {
 public:
  Mapping(void* start, size_t length) : start_(start), length_(length) {
    const std::lock_guard lock(AllMappings().mutex);
    AllMappings().lengths.emplace(reinterpret_cast<uintptr_t>(start), length);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    const std::lock_guard lock(AllMappings().mutex);  // until no other can be at its address
    AllMappings().lengths.erase(reinterpret_cast<uintptr_t>(start_));
    ::munmap(start_, length_);
  }

 private:
  void* start_;
  size_t length_;
};

// The whole of an open file; errno says why where it is none.
absl::StatusOr<MappedFile> MapOpened(const FileDescriptor& fd) {
  if (fd.get() < 0) return Failure(errno, "cannot open");
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return Failure(errno, "cannot stat");
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(S_ISDIR(info.st_mode) ? "is a folder"
                                                            : "is not a regular file");
  }
  const auto size = static_cast<size_t>(info.st_size);
  if (size == 0) return MappedFile{};
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (start == MAP_FAILED) return Failure(errno, "cannot map");
  auto mapping = std::make_shared<const Mapping>(start, size);
  return MappedFile{{static_cast<const std::byte*>(start), size}, std::move(mapping)};
}

absl::StatusOr<MappedFile> Named(const std::string& path, absl::StatusOr<MappedFile> file) {
  return file.ok() ? std::move(file) : Annotate(file.status(), path);
}

// The names on a relative path that stays inside.
absl::StatusOr<std::vector<std::string>> PartsInside(const std::string& relative) {
  std::vector<std::string> parts;
  if (relative.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("a path with a zero byte");
  }
  if (relative.starts_with('/')) return absl::InvalidArgumentError("expected a relative path");
  for (std::string& part : std::vector<std::string>(absl::StrSplit(relative, '/'))) {
    if (part == "..") return absl::InvalidArgumentError("leads out of the folder");
    if (!part.empty() && part != ".") parts.push_back(std::move(part));
  }
  if (parts.empty()) return absl::InvalidArgumentError("expected a path, got none");
  return parts;
}

}  // namespace

FileSystem& PosixFileSystem() {
  static Posix posix;
  return posix;
}

absl::StatusOr<MappedFile> MapFile(const std::string& path) {
  // Not blocking: opening a pipe would wait for a writer.
  const FileDescriptor fd(
      Uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); }));
  return Named(path, MapOpened(fd));
}

bool IsMapped(std::span<const std::byte> bytes) {
  const std::lock_guard lock(AllMappings().mutex);
  return AllMappings().Contain(bytes);
}

void ReleasePages(std::span<const std::byte> bytes) {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(bytes.data());
  const uintptr_t first = (begin + page - 1) / page * page;
  const uintptr_t end = (begin + bytes.size()) / page * page;
  if (first >= end) return;
  const std::lock_guard lock(AllMappings().mutex);
  if (!AllMappings().Contain(bytes)) return;
  // Nobody can write to these pages: what is dropped is still in the file.
  ::madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
}

absl::StatusOr<MappedFile> MapFileInside(const std::string& folder, const std::string& relative) {
  absl::StatusOr<std::vector<std::string>> parts = PartsInside(relative);
  if (!parts.ok()) return Annotate(parts.status(), relative);
  FileDescriptor at(Uninterrupted([&] {
    return ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }));
  for (size_t i = 0; i < parts->size() && at.get() >= 0; ++i) {
    const int kind = i + 1 < parts->size() ? O_DIRECTORY : O_NONBLOCK;
    at = FileDescriptor(Uninterrupted([&] {
      return ::openat(at.get(), (*parts)[i].c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | kind);
    }));
  }
  if (at.get() < 0 && (errno == ELOOP || errno == ENOTDIR)) {
    return absl::InvalidArgumentError(absl::StrCat(
        relative, ": expected folders and a file, got a symbolic link or a file as a folder"));
  }
  return Named(relative, MapOpened(at));
}

}  // namespace weft
