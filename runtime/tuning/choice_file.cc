#include "runtime/tuning/choice_file.h"

#include <cpuid.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <unordered_map>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "graph/file/file_system.h"
#include "runtime/exec/cpus.h"
#include "runtime/onednn/version.h"

namespace weft {
namespace {

// Counts up when kernels, or how they are priced, change so that what was chosen says nothing more.
constexpr int kKernelsVersion = 5;
constexpr std::string_view kHeader = "weft kernel choices 1 ";
constexpr std::string_view kEnding = ".choices";
constexpr off_t kMostBytes = off_t{16} << 20;

// FNV-1a of 64 bits (Fowler, Noll, Vo), with a basis of one's own choice.
class Hash {
 public:
  explicit Hash(uint64_t basis) : state_(basis) {}
  void Add(std::string_view text) {
    for (const char c : text) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    state_ = (state_ ^ 0xff) * 0x100000001b3;  // no text has this byte: "a", "b" is not "ab"
  }
  std::string ToString() const { return absl::StrCat(absl::Hex(state_, absl::kZeroPad16)); }

 private:
  uint64_t state_;
};
constexpr uint64_t kBasis = 0xcbf29ce484222325;
constexpr uint64_t kOtherBasis = 0x9ae16a3b2f90404f;

std::string CpuName() {
  std::array<unsigned, 12> brand = {};
  for (unsigned part = 0; part < 3; ++part) {
    unsigned* r = &brand[4 * part];
    if (__get_cpuid(0x80000002 + part, r, r + 1, r + 2, r + 3) == 0) return "";
  }
  std::string name(sizeof brand, '\0');
  std::memcpy(name.data(), brand.data(), sizeof brand);
  return name;
}

// What times depend on besides the graph.
std::string Machine() {
  return absl::StrCat(kKernelsVersion, "|", DnnlVersion(), "|", CpuName(), "|", CacheBytes(1), "|",
                      CacheBytes(2), "|", CacheBytes(3));
}

std::string SumOf(std::string_view body) {
  Hash hash(kBasis);
  hash.Add(body);
  return hash.ToString();
}

absl::StatusOr<std::optional<std::string>> ReadSmallFile(const std::string& path) {
  // A pipe of that name must not make anybody wait.
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0 && errno == ENOENT) return std::nullopt;
  if (file < 0) return absl::UnavailableError(absl::StrCat(path, ": ", std::strerror(errno)));
  struct stat facts = {};
  std::string text;
  bool good = fstat(file, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size <= kMostBytes;
  if (good) text.resize(static_cast<size_t>(facts.st_size));
  for (size_t at = 0; good && at < text.size();) {
    const ssize_t got = read(file, text.data() + at, text.size() - at);
    if (got < 0 && errno == EINTR) continue;
    good = got > 0;
    at += good ? static_cast<size_t>(got) : 0;
  }
  close(file);
  if (!good) return absl::DataLossError(absl::StrCat(path, ": expected a file of choices"));
  return text;
}

}  // namespace

std::string TuningKey(const Graph& graph, int threads, double max_error) {
  Hash low(kBasis), high(kOtherBasis);
  const auto add = [&](std::string_view text) {
    low.Add(text);
    high.Add(text);
  };
  add(Machine());
  add(absl::StrCat(threads));
  add(absl::StrCat(max_error));
  std::unordered_map<const Node*, size_t> numbers;
  for (const Node& node : graph.nodes()) {
    numbers.emplace(&node, numbers.size());
    add(std::string(node.op_name()));
    if (node.op_name() != kConstant) {
      for (const auto& [name, attribute] : node.attributes()) {
        add(absl::StrCat(name, "=", attribute.ToString()));
      }
    }
    for (const Value& input : node.inputs()) {
      add(input ? absl::StrCat(numbers.at(input.node), ":", input.index) : "-");
    }
    for (int i = 0; i < node.num_outputs(); ++i) add(ToString(node.type(i)));
  }
  for (const NamedValue& output : graph.outputs()) {
    add(absl::StrCat("output ", numbers.at(output.value.node), ":", output.value.index));
  }
  for (const Update& update : graph.updates()) {
    add(absl::StrCat("update ", numbers.at(update.variable), " ", numbers.at(update.value.node)));
  }
  return low.ToString() + high.ToString();
}

std::string DefaultTuningFolder() {
  // The XDG Base Directory Specification: a path that is not absolute is to be ignored.
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && cache[0] == '/') return absl::StrCat(cache, "/weft/kernels");
  const char* const home = std::getenv("HOME");
  return home != nullptr && home[0] == '/' ? absl::StrCat(home, "/.cache/weft/kernels") : "";
}

PlacedChoices ByPlace(const Graph& graph, const KernelChoices& choices) {
  PlacedChoices placed;
  size_t place = 0;
  for (const Node& node : graph.nodes()) {
    const auto choice = choices.find(node.name());
    if (choice != choices.end()) placed[place] = choice->second;
    ++place;
  }
  return placed;
}

KernelChoices ByName(const Graph& graph, const PlacedChoices& choices) {
  KernelChoices named;
  size_t place = 0;
  for (const Node& node : graph.nodes()) {
    const auto choice = choices.find(place++);
    if (choice != choices.end()) named[node.name()] = choice->second;
  }
  return named;
}

std::string ChoiceFolder::PathOf(std::string_view key) const {
  return absl::StrCat(folder_, "/", Absl(key), Absl(kEnding));
}

// The file: kHeader and a checksum of the rest in the first line; then, for each node that is
// named, its place in the graph and its choice.
absl::StatusOr<std::optional<PlacedChoices>> ChoiceFolder::Find(std::string_view key) const {
  WEFT_ASSIGN_OR_RETURN(const std::optional<std::string> text, ReadSmallFile(PathOf(key)));
  if (!text) return std::nullopt;
  const absl::Status broken = absl::DataLossError(
      absl::StrCat(PathOf(key), ": expected a whole file of choices; it is not used"));
  const size_t end = text->find('\n');
  if (end == std::string::npos) return broken;
  const std::string_view body = std::string_view(*text).substr(end + 1);
  if (text->substr(0, end) != absl::StrCat(Absl(kHeader), SumOf(body))) return broken;
  PlacedChoices choices;
  for (const absl::string_view line : absl::StrSplit(Absl(body), '\n', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    size_t place = 0;
    if (!absl::SimpleAtoi(parts.first, &place)) return broken;
    choices[place] = std::string(parts.second);
  }
  return choices;
}

absl::Status ChoiceFolder::Keep(std::string_view key, const PlacedChoices& choices) const {
  std::string body;
  for (const auto& [place, choice] : choices) absl::StrAppend(&body, place, " ", choice, "\n");
  const std::string text = absl::StrCat(Absl(kHeader), SumOf(body), "\n", body);
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) return absl::UnavailableError(absl::StrCat(folder_, ": ", error.message()));
  RemoveOldest();
  return WriteAtomically(PosixFileSystem(), PathOf(key), [&](WritableFile& file) {
    return file.Append(std::as_bytes(std::span(text)));
  });
}

void ChoiceFolder::RemoveOldest() const {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != kEnding) continue;  // somebody else's
    const fs::file_time_type time = it->last_write_time(error);
    if (!error) files.emplace_back(time, it->path());
    error.clear();
  }
  if (files.size() < kMostFiles) return;
  std::ranges::sort(files);
  for (size_t i = 0; i + kMostFiles <= files.size(); ++i) fs::remove(files[i].second, error);
}

}  // namespace weft
