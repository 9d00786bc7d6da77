#include "frontend/onnx/metadata.h"

#include <nlohmann/json.hpp>

namespace weft {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kName = "name";
constexpr const char* kUnnamed = "weft";
constexpr const char* kClasses = "weft.classes";
constexpr const char* kPreprocessing = "weft.preprocessing";

void Add(std::string key, std::string value, onnx::ModelProto& proto) {
  onnx::StringStringEntryProto* entry = proto.add_metadata_props();
  entry->set_key(std::move(key));
  entry->set_value(std::move(value));
}

// Text that is no UTF-8 keeps its shape, with replacement characters.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::Status NotOurs(const std::string& key, std::string_view expected) {
  return absl::InvalidArgumentError(
      absl::StrCat("metadata ", key, ": expected ", Absl(expected), " as JSON"));
}

absl::Status ReadClasses(const Json& json, Model& model) {
  if (!json.is_array()) return NotOurs(kClasses, "a list of names");
  for (const Json& name : json) {
    if (!name.is_string()) return NotOurs(kClasses, "a list of names");
    model.class_names.push_back(name.get<std::string>());
  }
  return absl::OkStatus();
}

bool ReadFloats(const Json& json, const char* key, std::vector<float>& floats) {
  if (!json.contains(key) || !json[key].is_array()) return false;
  for (const Json& value : json[key]) {
    if (!value.is_number()) return false;
    floats.push_back(value.get<float>());
  }
  return true;
}

bool ReadInt(const Json& json, const char* key, int64_t& value) {
  if (!json.contains(key) || !json[key].is_number_integer()) return false;
  value = json[key].get<int64_t>();
  return true;
}

absl::Status ReadPreprocessing(const Json& json, Model& model) {
  Preprocessing p;
  const bool read = json.is_object() && ReadInt(json, "channels", p.channels) &&
                    ReadInt(json, "height", p.height) && ReadInt(json, "width", p.width) &&
                    ReadFloats(json, "mean", p.mean) && ReadFloats(json, "std", p.std) &&
                    json.contains("channel_order") && json["channel_order"].is_string();
  if (!read) {
    return NotOurs(kPreprocessing, "channels, height, width, channel_order, mean and std");
  }
  p.channel_order = json["channel_order"].get<std::string>();
  model.preprocessing = std::move(p);
  return absl::OkStatus();
}

}  // namespace

void WriteOnnxMetadata(const Model& model, onnx::ModelProto& proto) {
  const auto name = model.metadata.find(kName);
  const bool named = name != model.metadata.end() && !name->second.empty();
  proto.mutable_graph()->set_name(named ? name->second : kUnnamed);
  for (const auto& [key, value] : model.metadata) {
    if (key != kName) Add(key, value, proto);
  }
  if (!model.class_names.empty()) Add(kClasses, Dump(model.class_names), proto);
  if (!model.preprocessing) return;
  const Preprocessing& p = *model.preprocessing;
  Add(kPreprocessing,
      Dump({{"channels", p.channels},
            {"height", p.height},
            {"width", p.width},
            {"channel_order", p.channel_order},
            {"mean", p.mean},
            {"std", p.std}}),
      proto);
}

absl::Status ReadOnnxMetadata(const onnx::ModelProto& proto, Model& model) {
  const std::string& name = proto.graph().name();
  if (!name.empty() && name != kUnnamed) model.metadata[kName] = name;
  for (const onnx::StringStringEntryProto& entry : proto.metadata_props()) {
    if (entry.key() != kClasses && entry.key() != kPreprocessing) {
      model.metadata[entry.key()] = entry.value();
      continue;
    }
    const Json json = Json::parse(entry.value(), nullptr, /*allow_exceptions=*/false);
    WEFT_RETURN_IF_ERROR(entry.key() == kClasses ? ReadClasses(json, model)
                                                 : ReadPreprocessing(json, model));
  }
  return absl::OkStatus();
}

}  // namespace weft
