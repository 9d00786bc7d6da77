#include "frontend/cli/train_options.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "frontend/io/read_file.h"

namespace weft {
namespace {

ConfigKeys TrainKeys() {
  TrainCommandOptions options;
  ConfigKeys keys;
  VisitOptions(options, keys);
  return keys;
}

Config AsConfig(const TrainCommandOptions& options) {
  Config config;
  WriteOptions(options, config);
  return config;
}

}  // namespace

absl::StatusOr<Config> ReadConfigFile(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path, int64_t{1} << 20));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return TrainKeys().Parse(text, path);
}

std::string PrintOptions(const TrainCommandOptions& options) {
  return TrainKeys().Print(AsConfig(options));
}

std::string ChosenOptions(const TrainCommandOptions& options) {
  TrainCommandOptions shown = options;
  shown.target = {};
  return TrainKeys().Differences(AsConfig(shown), AsConfig({}));
}

}  // namespace weft
