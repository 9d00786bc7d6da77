#include "frontend/weights/shards.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace weft {
namespace {

using nlohmann::json;

constexpr size_t kMaxIndexBytes = size_t{16} << 20;

// The names of each file's tensors.
using Shards = std::map<std::string, std::vector<std::string>>;

absl::StatusOr<Shards> ParseIndex(std::string_view text) {
  constexpr int kDepth = 2;  // of what is read: names in weight_map
  if (text.size() > kMaxIndexBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("an index of ", text.size(), " bytes, the limit is ", kMaxIndexBytes));
  }
  const json index = json::parse(
      text.begin(), text.end(),
      [](int depth, json::parse_event_t, json&) { return depth <= kDepth; },
      /*allow_exceptions=*/false);
  const auto map = index.find("weight_map");
  if (!index.is_object() || map == index.end() || !map->is_object()) {
    return absl::InvalidArgumentError(
        "expected the index of a sharded model: JSON with a \"weight_map\"");
  }
  Shards shards;
  for (const auto& [name, file] : map->items()) {
    if (!file.is_string()) {
      return absl::InvalidArgumentError(
          absl::StrCat(Printable(name), ": expected the name of a file in weight_map"));
    }
    shards[file.get<std::string>()].push_back(name);
  }
  return shards;
}

absl::Status CheckBeside(const std::string& file) {
  const bool is_plain = !file.empty() && file != "." && file != ".." &&
                        file.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
  if (is_plain) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("expected the name of a file beside the index, got \"", Printable(file), "\""));
}

// Moves a tensor that a shard has into the result.
absl::Status Take(const std::string& name, NamedTensors& shard, NamedTensors& result) {
  if (auto tensor = shard.tensors.extract(name)) {
    result.tensors.insert(std::move(tensor));
  } else if (auto unsupported = shard.unsupported.extract(name)) {
    result.unsupported.insert(std::move(unsupported));
  } else {
    return absl::DataLossError(
        absl::StrCat(shard.source, " has no tensor ", Printable(name), ", the index says it has"));
  }
  return absl::OkStatus();
}

absl::StatusOr<NamedTensors> ReadShards(const Shards& shards, const std::string& folder,
                                        const OpenShard& open) {
  NamedTensors result;
  for (const auto& [file, names] : shards) {
    WEFT_RETURN_IF_ERROR(CheckBeside(file));
    WEFT_ASSIGN_OR_RETURN(NamedTensors shard, open(folder + file));
    for (const std::string& name : names) WEFT_RETURN_IF_ERROR(Take(name, shard, result));
  }
  return result;
}

}  // namespace

bool LooksLikeShardIndex(std::span<const std::byte> bytes) {
  return !bytes.empty() && bytes[0] == std::byte{'{'};
}

absl::StatusOr<NamedTensors> OpenShards(std::span<const std::byte> index, const std::string& path,
                                        const OpenShard& open) {
  const auto shards = ParseIndex({reinterpret_cast<const char*>(index.data()), index.size()});
  if (!shards.ok()) return Annotate(shards.status(), path);
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  absl::StatusOr<NamedTensors> result = ReadShards(*shards, folder, open);
  if (!result.ok()) return Annotate(result.status(), path);
  result->source = path;
  return result;
}

}  // namespace weft
