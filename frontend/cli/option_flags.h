#ifndef WEFT_FRONTEND_CLI_OPTION_FLAGS_H_
#define WEFT_FRONTEND_CLI_OPTION_FLAGS_H_

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "frontend/train/config.h"

namespace weft {

// Visits options (frontend/train/config.h) and adds a flag for each to a command; what is given on
// the command line goes into `given` by key.
class OptionFlags {
 public:
  OptionFlags(CLI::App& app, std::shared_ptr<Config> given) : app_(app), given_(std::move(given)) {}

  template <typename T>
  void operator()(std::string_view key, T& value, std::string_view help = {}) {
    CLI::Option* option = Add(std::string(key), value, std::string(help));
    if (!section_.empty()) option->group(section_);
  }
  // The heading that the flags after it are shown under.
  void Section(std::string_view title) { section_ = std::string(title); }

 private:
  // The flag's names, those first that are as short as people expect.
  static std::string Names(std::string_view key) {
    std::string flag = "--" + std::string(key);
    std::ranges::replace(flag, '_', '-');
    if (key == "output") return "-o," + flag;
    if (key == "batch") return flag + ",--batch-size";
    if (key == "learning_rate") return "--lr," + flag;
    return flag;
  }

  template <typename T>
  CLI::Option* Add(const std::string& key, T& /*value*/, const std::string& help) {
    const auto store = [given = given_, key](const T& value) {
      T copy = value;
      ConfigWriter writer(*given);
      writer(key, copy);
    };
    CLI::Option* option = app_.add_option_function<T>(Names(key), store, help);
    // A list is given one by one: --freeze a --freeze b.
    return option->allow_extra_args(false);
  }
  CLI::Option* Add(const std::string& key, bool& /*value*/, const std::string& help) {
    const auto store = [given = given_, key](int64_t count) {
      bool value = count > 0;
      ConfigWriter writer(*given);
      writer(key, value);
    };
    const std::string flag = Names(key);
    return app_.add_flag_function(flag + ",!--no-" + flag.substr(2), store, help);
  }

  CLI::App& app_;
  std::shared_ptr<Config> given_;
  std::string section_;
};

// Passes options on to another visitor, but for those that `leaves_out(key)`.
template <typename F, typename LeavesOut>
class OptionFilter {
 public:
  OptionFilter(F& f, LeavesOut leaves_out) : f_(f), leaves_out_(std::move(leaves_out)) {}

  template <typename T>
  void operator()(std::string_view key, T& value, std::string_view help = {}) {
    if (!leaves_out_(key)) f_(key, value, help);
  }

 private:
  F& f_;
  LeavesOut leaves_out_;
};

// Flags for all of these options.
template <typename Options>
void AddFlagsOf(CLI::App& app, std::shared_ptr<Config> given) {
  Options options;
  OptionFlags flags(app, std::move(given));
  VisitOptions(options, flags);
}

}  // namespace weft

#endif  // WEFT_FRONTEND_CLI_OPTION_FLAGS_H_
