#include "frontend/weights/name_map.h"

#include <algorithm>
#include <vector>

namespace weft {
namespace {

// The texts before, between and after the *; one more than there are *.
std::vector<std::string_view> SplitAtStars(std::string_view pattern) {
  std::vector<std::string_view> parts;
  for (size_t star = pattern.find('*'); star != std::string_view::npos; star = pattern.find('*')) {
    parts.push_back(pattern.substr(0, star));
    pattern.remove_prefix(star + 1);
  }
  parts.push_back(pattern);
  return parts;
}

// What each * of the pattern stands for.
std::optional<std::vector<std::string_view>> Match(std::string_view pattern,
                                                   std::string_view name) {
  const std::vector<std::string_view> parts = SplitAtStars(pattern);
  if (parts.size() == 1) {
    if (pattern == name) return std::vector<std::string_view>();
    return std::nullopt;
  }
  if (name.size() < parts.front().size() + parts.back().size() ||
      !name.starts_with(parts.front()) || !name.ends_with(parts.back())) {
    return std::nullopt;
  }
  name.remove_prefix(parts.front().size());
  name.remove_suffix(parts.back().size());
  std::vector<std::string_view> captures;
  for (size_t i = 1; i + 1 < parts.size(); ++i) {
    const size_t at = name.find(parts[i]);
    if (at == std::string_view::npos) return std::nullopt;
    captures.push_back(name.substr(0, at));
    name.remove_prefix(at + parts[i].size());
  }
  captures.push_back(name);
  return captures;
}

}  // namespace

absl::StatusOr<NamePattern> ParseNamePattern(std::string_view text) {
  const size_t equals = text.find('=');
  const auto fail = [&](const std::string& expected) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected ", expected, ", got \"", Absl(text), "\""));
  };
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == text.size() ||
      text.find('=', equals + 1) != std::string_view::npos) {
    return fail("OLD=NEW");
  }
  NamePattern pattern = {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
  if (std::count(pattern.to.begin(), pattern.to.end(), '*') >
      std::count(pattern.from.begin(), pattern.from.end(), '*')) {
    return fail("at most as many * in NEW as in OLD");
  }
  return pattern;
}

std::optional<std::string> ApplyPattern(const NamePattern& pattern, std::string_view name) {
  const auto captures = Match(pattern.from, name);
  if (!captures) return std::nullopt;
  const std::vector<std::string_view> parts = SplitAtStars(pattern.to);
  std::string renamed(parts[0]);
  for (size_t i = 1; i < parts.size(); ++i) {
    if (i <= captures->size()) renamed += (*captures)[i - 1];
    renamed += parts[i];
  }
  return renamed;
}

}  // namespace weft
