#include "frontend/cli/train_options.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "frontend/io/read_file.h"

namespace weft {
namespace {

// The flag's names, those first that are as short as people expect.
std::string FlagNames(std::string_view key) {
  std::string flag = "--" + std::string(key);
  std::ranges::replace(flag, '_', '-');
  if (key == "output") return "-o," + flag;
  if (key == "batch") return flag + ",--batch-size";
  if (key == "learning_rate") return "--lr," + flag;
  return flag;
}

// Visits options and adds their flags.
class FlagAdder {
 public:
  FlagAdder(CLI::App& app, std::shared_ptr<Config> given) : app_(app), given_(std::move(given)) {}

  template <typename T>
  void operator()(std::string_view key, T& value, std::string_view help = {}) {
    CLI::Option* option = Add(std::string(key), value, std::string(help));
    option->group(section_);
  }
  void Section(std::string_view title) { section_ = std::string(title); }

 private:
  template <typename T>
  CLI::Option* Add(const std::string& key, T& /*value*/, const std::string& help) {
    const auto store = [given = given_, key](const T& value) {
      T copy = value;
      ConfigWriter writer(*given);
      writer(key, copy);
    };
    CLI::Option* option = app_.add_option_function<T>(FlagNames(key), store, help);
    // A list is given one by one: --freeze a --freeze b.
    return option->allow_extra_args(false);
  }
  CLI::Option* Add(const std::string& key, bool& /*value*/, const std::string& help) {
    const auto store = [given = given_, key](int64_t count) {
      bool value = count > 0;
      ConfigWriter writer(*given);
      writer(key, value);
    };
    const std::string flag = FlagNames(key);
    return app_.add_flag_function(flag + ",!--no-" + flag.substr(2), store, help);
  }

  CLI::App& app_;
  std::shared_ptr<Config> given_;
  std::string section_;
};

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

void AddOptionFlags(CLI::App& app, std::shared_ptr<Config> given) {
  TrainCommandOptions options;
  FlagAdder adder(app, std::move(given));
  VisitOptions(options, adder);
}

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
