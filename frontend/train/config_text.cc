#include "frontend/train/config_text.h"

#include <algorithm>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "frontend/io/names.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"

namespace weft {
namespace {

namespace pb = google::protobuf;

// Keeps the first error.
class FirstConfigError : public pb::io::ErrorCollector {
 public:
  void AddError(int line, pb::io::ColumnNumber column, const std::string& message) override {
    if (!message_.empty()) return;
    line_ = line + 1;
    column_ = column + 1;
    message_ = message;
  }
  int line() const { return line_; }
  int column() const { return column_; }
  const std::string& message() const { return message_; }

 private:
  int line_ = 0;
  int column_ = 0;
  std::string message_;
};

// The last part of a message that stands between quotes: the name that protobuf does not know.
std::string_view LastQuoted(std::string_view message) {
  const size_t end = message.rfind('"');
  const size_t begin =
      end == 0 || end == std::string_view::npos ? end : message.rfind('"', end - 1);
  if (begin == std::string_view::npos || begin == end) return {};
  return message.substr(begin + 1, end - begin - 1);
}

// The fields of a message that are set, as a configuration.
Config SetFields(const pb::Message& message) {
  Config config;
  ConfigWriter write(config);
  const pb::Reflection& reflection = *message.GetReflection();
  std::vector<const pb::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    if (field->is_repeated()) {
      std::vector<std::string> values;
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        values.push_back(reflection.GetRepeatedString(message, field, i));
      }
      write(field->name(), values);
    } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_DOUBLE) {
      double value = reflection.GetDouble(message, field);
      write(field->name(), value);
    } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_INT64) {
      int64_t value = reflection.GetInt64(message, field);
      write(field->name(), value);
    } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_BOOL) {
      bool value = reflection.GetBool(message, field);
      write(field->name(), value);
    } else {
      std::string value = reflection.GetString(message, field);
      write(field->name(), value);
    }
  }
  return config;
}

std::string QuotedText(std::string_view text) {
  return absl::StrCat("\"", absl::Utf8SafeCEscape(Absl(text)), "\"");
}

}  // namespace

void ConfigKeys::operator()(std::string_view key, double&, std::string_view help) {
  Add(key, Type::kDouble, help);
}
void ConfigKeys::operator()(std::string_view key, int64_t&, std::string_view help) {
  Add(key, Type::kInt, help);
}
void ConfigKeys::operator()(std::string_view key, bool&, std::string_view help) {
  Add(key, Type::kBool, help);
}
void ConfigKeys::operator()(std::string_view key, std::string&, std::string_view help) {
  Add(key, Type::kString, help);
}
void ConfigKeys::operator()(std::string_view key, std::vector<std::string>&,
                            std::string_view help) {
  Add(key, Type::kStrings, help);
}

void ConfigKeys::Add(std::string_view key, Type type, std::string_view help) {
  keys_.push_back(
      {.name = std::string(key), .help = std::string(help), .section = section_, .type = type});
}

std::string ConfigKeys::Nearest(std::string_view name) const {
  std::vector<std::string_view> names;
  for (const Key& key : keys_) names.push_back(key.name);
  return std::string(NearestName(name, names));
}

absl::StatusOr<Config> ConfigKeys::Parse(std::string_view text, std::string_view name) const {
  using Field = pb::FieldDescriptorProto;
  constexpr Field::Type kTypes[] = {Field::TYPE_DOUBLE, Field::TYPE_INT64, Field::TYPE_BOOL,
                                    Field::TYPE_STRING, Field::TYPE_STRING};
  pb::FileDescriptorProto file;
  file.set_name("train");
  pb::DescriptorProto& options = *file.add_message_type();
  options.set_name("Options");
  for (const Key& key : keys_) {
    Field& field = *options.add_field();
    field.set_name(key.name);
    field.set_number(options.field_size());
    field.set_type(kTypes[static_cast<size_t>(key.type)]);
    field.set_label(key.type == Type::kStrings ? Field::LABEL_REPEATED : Field::LABEL_OPTIONAL);
  }
  pb::DescriptorPool pool;
  const pb::FileDescriptor* built = pool.BuildFile(file);
  if (built == nullptr) return absl::InternalError("two options have one key");
  pb::DynamicMessageFactory factory;
  const std::unique_ptr<pb::Message> message(factory.GetPrototype(built->message_type(0))->New());
  pb::TextFormat::Parser parser;
  FirstConfigError error;
  parser.RecordErrorsTo(&error);
  if (parser.ParseFromString(std::string(text), message.get())) return SetFields(*message);
  const bool unknown = error.message().find("has no field named") != std::string::npos;
  const std::string wrong(LastQuoted(error.message()));
  const std::string nearest = unknown ? Nearest(wrong) : "";
  return absl::InvalidArgumentError(
      absl::StrCat(Absl(name), ":", error.line(), ":", error.column(), ": ",
                   unknown ? absl::StrCat("there is no option ", wrong) : error.message(),
                   nearest.empty() ? "" : absl::StrCat(", did you mean ", nearest, "?")));
}

std::string ConfigKeys::KeyText(const Key& key, const std::string& value) const {
  switch (key.type) {
    case Type::kDouble:
    case Type::kInt:
      return absl::StrCat(key.name, ": ", value, "\n");
    case Type::kBool:
      return absl::StrCat(key.name, ": ", value == "0" ? "false" : "true", "\n");
    case Type::kString:
      return absl::StrCat(key.name, ": ", QuotedText(value), "\n");
    case Type::kStrings:
      break;
  }
  if (value.empty()) return absl::StrCat("# ", key.name, ": none\n");
  std::string lines;
  for (const auto line : absl::StrSplit(value, '\n')) {
    absl::StrAppend(&lines, key.name, ": ", QuotedText({line.data(), line.size()}), "\n");
  }
  return lines;
}

std::string ConfigKeys::Print(const Config& config) const {
  std::string text, section;
  for (const Key& key : keys_) {
    const auto value = config.find(key.name);
    if (value == config.end()) continue;
    if (key.section != section) {
      absl::StrAppend(&text, text.empty() ? "" : "\n", "# --- ", key.section, " ---\n");
      section = key.section;
    }
    if (!key.help.empty()) absl::StrAppend(&text, "# ", key.help, "\n");
    text += KeyText(key, value->second);
  }
  return text;
}

std::string ConfigKeys::Differences(const Config& config, const Config& defaults) const {
  std::string text;
  for (const Key& key : keys_) {
    const auto value = config.find(key.name), usual = defaults.find(key.name);
    if (value == config.end() || (usual != defaults.end() && usual->second == value->second)) {
      continue;
    }
    std::string shown = value->second;
    std::ranges::replace(shown, '\n', ' ');
    if (key.type == Type::kBool) shown = shown == "0" ? "no" : "yes";
    absl::StrAppend(&text, text.empty() ? "" : ", ", key.name, " ", shown);
  }
  return text;
}

}  // namespace weft
