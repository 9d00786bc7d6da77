#ifndef WEFT_FRONTEND_TRAIN_PARAMETER_GROUPS_H_
#define WEFT_FRONTEND_TRAIN_PARAMETER_GROUPS_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/status.h"

namespace weft {

// Whether a name fits a pattern, in which * stands for any characters, ? for one and all others for
// themselves: "features.*" fits features.0.weight.
bool FitsPattern(std::string_view pattern, std::string_view name);

// Whether a pattern is meant for a variable: its name or the beginning of several up to a dot, with
// * and ? as above. features is features.0.weight and all others of features; *.bias is every bias.
bool MatchesVariable(std::string_view pattern, std::string_view variable);

// Numbers for parameters by the patterns of their names: "features=0.1", the first that fits.
class NumbersByName {
 public:
  // `option` is what errors call the list. Errors: an entry that is no PATTERN=NUMBER, a number
  // that is not finite or below 0.
  static absl::StatusOr<NumbersByName> Parse(std::string_view option,
                                             std::span<const std::string> entries);
  // The number for a parameter; nothing where no pattern fits.
  std::optional<double> Find(std::string_view name);
  // OK where each pattern has fitted a name that was asked for: others are misspelt.
  absl::Status CheckAllFitted() const;

 private:
  struct Entry {
    std::string pattern;
    double number = 0;
    bool fitted = false;
  };
  std::string option_;
  std::vector<Entry> entries_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_PARAMETER_GROUPS_H_
