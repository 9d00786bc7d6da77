#ifndef WEFT_FRONTEND_TRAIN_CONFIG_H_
#define WEFT_FRONTEND_TRAIN_CONFIG_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "graph/status.h"

namespace weft {

// TrainingState::config: options by name, as text.
using Config = std::map<std::string, std::string>;

// Options of any kind are visited by a function VisitOptions(options, visitor) beside their struct,
// which calls visitor(key, value, help) for each: key as in files and, with - for _, on the command
// line; help is the text that `weft train --help` shows. Names, files and flags have one origin.

// Writes options into a config; numbers come back exactly as they were.
class ConfigWriter {
 public:
  explicit ConfigWriter(Config& config) : config_(config) {}
  void operator()(std::string_view key, double& value, std::string_view help = {});
  void operator()(std::string_view key, int64_t& value, std::string_view help = {});
  void operator()(std::string_view key, bool& value, std::string_view help = {});
  void operator()(std::string_view key, std::string& value, std::string_view help = {});
  // Patterns and the like, one a line in a file; none: an empty value.
  void operator()(std::string_view key, std::vector<std::string>& value,
                  std::string_view help = {});

 private:
  Config& config_;
};

// Reads options from a config; a missing one keeps its value, the first malformed one is the
// status.
class ConfigReader {
 public:
  explicit ConfigReader(const Config& config) : config_(config) {}
  void operator()(std::string_view key, double& value, std::string_view help = {});
  void operator()(std::string_view key, int64_t& value, std::string_view help = {});
  void operator()(std::string_view key, bool& value, std::string_view help = {});
  void operator()(std::string_view key, std::string& value, std::string_view help = {});
  // Patterns and the like, one a line in a file; none: an empty value.
  void operator()(std::string_view key, std::vector<std::string>& value,
                  std::string_view help = {});
  const absl::Status& status() const { return status_; }

 private:
  const std::string* Find(std::string_view key) const;
  template <typename T>
  void ReadNumber(std::string_view key, std::string_view what, T& value);

  const Config& config_;
  absl::Status status_;
};

// Puts what a config has of these options into them. Errors: a malformed value.
template <typename Options>
absl::Status ReadOptions(const Config& config, Options& options) {
  ConfigReader reader(config);
  VisitOptions(options, reader);
  return reader.status();
}

// Writes all of these options into a config.
template <typename Options>
void WriteOptions(Options options, Config& config) {
  ConfigWriter writer(config);
  VisitOptions(options, writer);
}

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_CONFIG_H_
