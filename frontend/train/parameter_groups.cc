#include "frontend/train/parameter_groups.h"

#include <charconv>
#include <cmath>

namespace weft {

bool FitsPattern(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0;
  // Where the last * stands, and the name's characters that it does not stand for yet.
  size_t star = std::string_view::npos, rest = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      rest = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p, ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++rest;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool MatchesVariable(std::string_view pattern, std::string_view variable) {
  return FitsPattern(pattern, variable) || FitsPattern(std::string(pattern) + ".*", variable);
}

absl::StatusOr<NumbersByName> NumbersByName::Parse(std::string_view option,
                                                   std::span<const std::string> entries) {
  NumbersByName numbers;
  numbers.option_ = option;
  for (const std::string& text : entries) {
    const size_t equals = text.rfind('=');
    double number = 0;
    const char* const end = text.data() + text.size();
    bool parsed = false;
    if (equals != std::string::npos && equals > 0) {
      const auto [stop, error] = std::from_chars(text.data() + equals + 1, end, number);
      parsed = error == std::errc() && stop == end && std::isfinite(number) && number >= 0;
    }
    if (!parsed) {
      return absl::InvalidArgumentError(absl::StrCat(
          numbers.option_, ": expected PATTERN=NUMBER such as features.*=0.1, got \"", text, "\""));
    }
    numbers.entries_.push_back({.pattern = text.substr(0, equals), .number = number});
  }
  return numbers;
}

std::optional<double> NumbersByName::Find(std::string_view name) {
  std::optional<double> number;
  for (Entry& entry : entries_) {
    if (!MatchesVariable(entry.pattern, name)) continue;
    entry.fitted = true;
    if (!number) number = entry.number;
  }
  return number;
}

absl::Status NumbersByName::CheckAllFitted() const {
  for (const Entry& entry : entries_) {
    if (entry.fitted) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(option_, ": the pattern ", entry.pattern, " fits no parameter's name"));
  }
  return absl::OkStatus();
}

}  // namespace weft
