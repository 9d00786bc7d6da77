#ifndef WEFT_RUNTIME_TUNING_TUNER_H_
#define WEFT_RUNTIME_TUNING_TUNER_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "runtime/tuning/choice_file.h"
#include "runtime/tuning/search.h"

namespace weft {

// What --tuning does, for help.
inline constexpr char kTuningHelp[] =
    "Kernels: off (those that are usually best), cached (those measured before, for this model, "
    "machine and number of threads), or measured (now, where they were not)";

enum class TuningMode {
  kOff,       // the kernels that are usually best
  kCached,    // those that were measured before, for this graph, machine and number of threads
  kMeasured,  // those, measured now where they were not
};
std::string_view ToString(TuningMode mode);  // "off", "cached", "measured"
// Errors: another text, with the three.
absl::StatusOr<TuningMode> ParseTuningMode(std::string_view text);

struct TuningOptions {
  TuningMode mode = TuningMode::kOff;
  // Of what was measured; "": kept in this process only.
  std::string folder = DefaultTuningFolder();
  double max_error = 1e-4;  // see SearchOptions
  std::function<void(const TuningProgress&)> progress{};
  // Told once of a folder that cannot be read or written; tuning goes on without it.
  std::function<void(std::string_view)> warn{};
};

// Chooses kernels by time. Thread-safe: one graph is measured at a time.
class Tuner : public ChoiceSource {
 public:
  // Null for mode off.
  static std::shared_ptr<Tuner> Create(const TuningOptions& options);

  absl::StatusOr<KernelChoices> ChoicesFor(const Graph& graph,
                                           const LowerOptions& options) override;

 private:
  explicit Tuner(const TuningOptions& options) : options_(options) {}
  // What is known already, here or on disk; null for nothing.
  const PlacedChoices* Find(const std::string& key);
  void Warn(const absl::Status& status);

  const TuningOptions options_;
  std::mutex mutex_;
  bool warned_ = false;
  std::map<std::string, PlacedChoices> known_;  // by TuningKey
};

}  // namespace weft

#endif  // WEFT_RUNTIME_TUNING_TUNER_H_
