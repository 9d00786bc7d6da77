#include "frontend/train/config.h"

#include <charconv>

#include "absl/strings/str_split.h"

namespace weft {
namespace {

// The shortest text that reads back as the same number.
template <typename T>
std::string Text(T value) {
  char buffer[64];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return error == std::errc() ? std::string(buffer, end) : std::string();
}

}  // namespace

void ConfigWriter::operator()(std::string_view key, double& value, std::string_view) {
  config_[std::string(key)] = Text(value);
}
void ConfigWriter::operator()(std::string_view key, int64_t& value, std::string_view) {
  config_[std::string(key)] = Text(value);
}
void ConfigWriter::operator()(std::string_view key, bool& value, std::string_view) {
  config_[std::string(key)] = std::string(value ? "1" : "0");
}
void ConfigWriter::operator()(std::string_view key, std::string& value, std::string_view) {
  config_[std::string(key)] = value;
}

void ConfigWriter::operator()(std::string_view key, std::vector<std::string>& value,
                              std::string_view) {
  std::string& text = config_[std::string(key)];
  text.clear();
  for (const std::string& line : value) absl::StrAppend(&text, text.empty() ? "" : "\n", line);
}

const std::string* ConfigReader::Find(std::string_view key) const {
  const auto it = config_.find(std::string(key));
  return it == config_.end() ? nullptr : &it->second;
}

template <typename T>
void ConfigReader::ReadNumber(std::string_view key, std::string_view what, T& value) {
  const std::string* text = Find(key);
  if (text == nullptr || !status_.ok()) return;
  T number{};
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || stop != end) {
    status_ = absl::InvalidArgumentError(absl::StrCat(
        "training configuration: ", Absl(key), ": expected ", Absl(what), ", got \"", *text, "\""));
    return;
  }
  value = number;
}

void ConfigReader::operator()(std::string_view key, double& value, std::string_view) {
  ReadNumber(key, "a number", value);
}
void ConfigReader::operator()(std::string_view key, int64_t& value, std::string_view) {
  ReadNumber(key, "an integer", value);
}
void ConfigReader::operator()(std::string_view key, bool& value, std::string_view) {
  int64_t number = value ? 1 : 0;
  ReadNumber(key, "0 or 1", number);
  value = number != 0;
}
void ConfigReader::operator()(std::string_view key, std::string& value, std::string_view) {
  if (const std::string* text = Find(key)) value = *text;
}
void ConfigReader::operator()(std::string_view key, std::vector<std::string>& value,
                              std::string_view) {
  const std::string* text = Find(key);
  if (text == nullptr) return;
  value = absl::StrSplit(*text, '\n', absl::SkipEmpty());
}

}  // namespace weft
