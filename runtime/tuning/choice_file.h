#ifndef WEFT_RUNTIME_TUNING_CHOICE_FILE_H_
#define WEFT_RUNTIME_TUNING_CHOICE_FILE_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/plan/choices.h"

namespace weft {

// What the choices for a graph depend on, 128 bits as text: its ops, attributes, types and edges,
// but no names and no weights; the number of threads; SearchOptions::max_error; the CPU and its
// caches; the libraries.
std::string TuningKey(const Graph& graph, int threads, double max_error);

// $XDG_CACHE_HOME/weft/kernels or ~/.cache/weft/kernels; "" where neither variable is set.
std::string DefaultTuningFolder();

// Choices by the node's place in the graph's order: the same for graphs of one key.
using PlacedChoices = std::map<size_t, std::string>;
PlacedChoices ByPlace(const Graph& graph, const KernelChoices& choices);
// Places beyond the graph's end are dropped.
KernelChoices ByName(const Graph& graph, const PlacedChoices& choices);

// Choices on disk: a file of text for each key, written as a whole and checksummed, so that torn
// ones and those of other versions are refused. Whatever a file says, it names kernels among those
// that the graph's nodes are offered. Safe with other processes; of more than kMostFiles the oldest
// are removed, and nothing else in the folder.
class ChoiceFolder {
 public:
  static constexpr size_t kMostFiles = 1000;

  explicit ChoiceFolder(std::string folder) : folder_(std::move(folder)) {}

  // Nothing for a miss. Errors: a file that cannot be read, or is not what was written.
  absl::StatusOr<std::optional<PlacedChoices>> Find(std::string_view key) const;
  // Errors: a folder that cannot be made or written to, a full disk.
  absl::Status Keep(std::string_view key, const PlacedChoices& choices) const;

 private:
  std::string PathOf(std::string_view key) const;
  void RemoveOldest() const;

  std::string folder_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_TUNING_CHOICE_FILE_H_
