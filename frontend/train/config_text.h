#ifndef WEFT_FRONTEND_TRAIN_CONFIG_TEXT_H_
#define WEFT_FRONTEND_TRAIN_CONFIG_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/train/config.h"

namespace weft {

// Options as a file in protobuf's text format:
//
//   # Passes over the data, in all
//   epochs: 30
//   schedule: "cosine"
//   freeze: "features.*"      # of a list, one a line
//
// What such a file may say is collected by visiting the options: ConfigKeys keys; VisitOptions(o,
// keys).
class ConfigKeys {
 public:
  void operator()(std::string_view key, double& value, std::string_view help = {});
  void operator()(std::string_view key, int64_t& value, std::string_view help = {});
  void operator()(std::string_view key, bool& value, std::string_view help = {});
  void operator()(std::string_view key, std::string& value, std::string_view help = {});
  void operator()(std::string_view key, std::vector<std::string>& value,
                  std::string_view help = {});
  // The options that follow belong together.
  void Section(std::string_view title) { section_ = std::string(title); }

  // The options that the text gives. Errors, with `name`, line and column: no such form, an unknown
  // key (the nearest one is proposed), a value of another type, a key twice that is no list.
  absl::StatusOr<Config> Parse(std::string_view text, std::string_view name) const;
  // All keys with their values in `config`, which has them all, and what they mean. Parse reads it.
  std::string Print(const Config& config) const;
  // The values that differ, on one line: "epochs 30, schedule cosine".
  std::string Differences(const Config& config, const Config& defaults) const;

 private:
  enum class Type { kDouble, kInt, kBool, kString, kStrings };
  struct Key {
    std::string name, help, section;
    Type type;
  };
  void Add(std::string_view key, Type type, std::string_view help);
  std::string KeyText(const Key& key, const std::string& value) const;
  std::string Nearest(std::string_view name) const;

  std::vector<Key> keys_;
  std::string section_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_CONFIG_TEXT_H_
