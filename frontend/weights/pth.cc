#include "frontend/weights/pth.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "frontend/weights/pickle.h"
#include "frontend/weights/state_dict.h"
#include "frontend/weights/storage.h"
#include "frontend/weights/zip.h"

namespace weft {
namespace {

constexpr std::string_view kZipMagic = "PK\x03\x04";
constexpr char kPickleMagic = '\x80';  // the opcode of the protocol's number
// The older format's first pickle, 0x1950a86a20f9469cfc6c, as its bytes.
constexpr std::string_view kLegacyMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
constexpr int64_t kLegacyProtocol = 1001;
constexpr std::string_view kPickleFile = "/data.pkl";

// Tensors that are not row-major are copied, at most so many times the file's bytes in all: each
// tensor of a file once, and those that share storages.
constexpr uint64_t kMaxCopies = 4;
constexpr uint64_t kCopySlack = uint64_t{1} << 20;

std::string_view AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// PyTorch's own globals and Python's containers are what we read.
bool IsOpaque(std::string_view global) {
  return !global.starts_with("torch.") && !global.starts_with("collections.");
}

absl::StatusOr<NamedTensors> TensorsOf(const Pickle& pickle, const FindStorage& find,
                                       uint64_t copy_limit, std::string_view key) {
  WEFT_ASSIGN_OR_RETURN(NamedTensors result, ReadStateDict(*pickle.root, find, copy_limit, key));
  std::copy_if(pickle.names.begin(), pickle.names.end(),
               std::inserter(result.opaque, result.opaque.end()), IsOpaque);
  return result;
}

absl::Status CheckByteOrder(const ZipArchive& zip, const std::string& folder) {
  const ZipEntry* entry = zip.Find(folder + "/byteorder");
  if (entry == nullptr) return absl::OkStatus();  // before PyTorch 2.1: always little
  WEFT_ASSIGN_OR_RETURN(const SharedBytes order, zip.Read(*entry));
  if (AsText(order.bytes) == "little") return absl::OkStatus();
  return absl::UnimplementedError(
      absl::StrCat("expected numbers in little-endian order, the file "
                   "says \"",
                   Printable(AsText(order.bytes)), "\""));
}

// The folder in the archive that everything is in: that of the only data.pkl.
absl::StatusOr<std::string> FindFolder(const ZipArchive& zip) {
  std::string folder;
  for (const ZipEntry& entry : zip.entries()) {
    const size_t slash = entry.name.find('/');
    if (slash == 0 || slash == std::string::npos || entry.name.substr(slash) != kPickleFile) {
      continue;
    }
    if (!folder.empty()) return absl::InvalidArgumentError("the zip archive has several data.pkl");
    folder = entry.name.substr(0, slash);
  }
  if (!folder.empty()) return folder;
  return absl::InvalidArgumentError(
      "a zip archive, but not one of PyTorch's: expected a file NAME/data.pkl in it");
}

absl::StatusOr<NamedTensors> ParseZip(const SharedBytes& file, std::string_view key) {
  WEFT_ASSIGN_OR_RETURN(const ZipArchive zip, ZipArchive::Open(file));
  WEFT_ASSIGN_OR_RETURN(const std::string folder, FindFolder(zip));
  WEFT_RETURN_IF_ERROR(CheckByteOrder(zip, folder));
  const ZipEntry* entry = zip.Find(absl::StrCat(folder, Absl(kPickleFile)));
  WEFT_ASSIGN_OR_RETURN(const SharedBytes data, zip.Read(*entry));
  ByteReader reader(data.bytes);
  WEFT_ASSIGN_OR_RETURN(const Pickle pickle, ParsePickle(reader));
  if (reader.remaining() > 0) return absl::DataLossError("bytes after the pickle in data.pkl");
  uint64_t bytes = 0;
  for (const ZipEntry& e : zip.entries()) bytes += e.size;
  const FindStorage find = [&](std::string_view name) -> absl::StatusOr<SharedBytes> {
    const ZipEntry* storage = zip.Find(absl::StrCat(folder, "/data/", Absl(name)));
    if (storage != nullptr) return zip.Read(*storage);
    return absl::DataLossError(absl::StrCat("the archive has no storage ", Printable(name)));
  };
  return TensorsOf(pickle, find, kMaxCopies * bytes + kCopySlack, key);
}

// The older format ----------------------------------------------------------------------------

// Whether the dict says that numbers are little-endian.
bool IsLittleEndian(const PickleObject& system) {
  for (size_t i = 0; system.kind == PickleKind::kDict && i < system.items.size(); i += 2) {
    if (system.items[i]->text == "little_endian") return system.items[i + 1]->integer == 1;
  }
  return false;
}

// The three pickles before the state dict's.
absl::Status CheckLegacyHead(ByteReader& reader) {
  WEFT_ASSIGN_OR_RETURN(const Pickle magic, ParsePickle(reader));
  if (magic.root->kind != PickleKind::kBigInt || magic.root->text != kLegacyMagic) {
    return absl::InvalidArgumentError(
        "a pickle, but not one of PyTorch's: it does not begin with torch.save's number");
  }
  WEFT_ASSIGN_OR_RETURN(const Pickle protocol, ParsePickle(reader));
  if (protocol.root->kind != PickleKind::kInt || protocol.root->integer != kLegacyProtocol) {
    return absl::UnimplementedError(
        absl::StrCat("expected version ", kLegacyProtocol, " of PyTorch's older format"));
  }
  WEFT_ASSIGN_OR_RETURN(const Pickle system, ParsePickle(reader));
  if (IsLittleEndian(*system.root)) return absl::OkStatus();
  return absl::UnimplementedError(
      "expected numbers in little-endian order, the file is big-endian");
}

using Storages = std::map<std::string_view, SharedBytes>;

// The storages behind the pickles: the list of their keys says their order, and each begins with
// its number of elements.
absl::StatusOr<Storages> ReadLegacyStorages(ByteReader& reader, const Pickle& pickle,
                                            const std::shared_ptr<const void>& owner) {
  std::map<std::string_view, size_t> element_bytes;
  for (const PickleObject* persistent : pickle.persistent) {
    if (!IsStorage(*persistent)) continue;  // a module's class and its source
    WEFT_ASSIGN_OR_RETURN(const StorageId id, ReadStorageId(*persistent));
    element_bytes.emplace(id.key, id.type->size);
  }
  WEFT_ASSIGN_OR_RETURN(const Pickle keys, ParsePickle(reader));
  if (keys.root->kind != PickleKind::kList) {
    return absl::DataLossError("expected the list of storages after the state dict");
  }
  Storages storages;
  for (const PickleObject* key : keys.root->items) {
    const auto size = element_bytes.find(key->text);
    if (key->kind != PickleKind::kText || size == element_bytes.end()) {
      return absl::DataLossError("the list of storages names one that no tensor has");
    }
    const auto elements = reader.Read<uint64_t>();
    if (!elements || *elements > reader.remaining() / size->second) {
      return absl::DataLossError(
          absl::StrFormat("storage %s reaches beyond the end of the file", Printable(key->text)));
    }
    const SharedBytes bytes = {*reader.Take(*elements * size->second), owner};
    if (!storages.emplace(key->text, bytes).second) {
      return absl::DataLossError(absl::StrCat("storage ", Printable(key->text), " comes twice"));
    }
  }
  if (reader.remaining() > 0) {
    return absl::DataLossError(
        absl::StrCat(reader.remaining(), " bytes after the last storage of the file"));
  }
  return storages;
}

absl::StatusOr<NamedTensors> ParseLegacy(const SharedBytes& file, std::string_view key) {
  ByteReader reader(file.bytes);
  WEFT_RETURN_IF_ERROR(CheckLegacyHead(reader));
  WEFT_ASSIGN_OR_RETURN(const Pickle pickle, ParsePickle(reader));
  WEFT_ASSIGN_OR_RETURN(const Storages storages, ReadLegacyStorages(reader, pickle, file.owner));
  const FindStorage find = [&](std::string_view name) -> absl::StatusOr<SharedBytes> {
    const auto it = storages.find(name);
    if (it != storages.end()) return it->second;
    return absl::DataLossError(absl::StrCat("the file has no storage ", Printable(name)));
  };
  return TensorsOf(pickle, find, kMaxCopies * file.bytes.size() + kCopySlack, key);
}

absl::StatusOr<NamedTensors> TensorsOfPth(const SharedBytes& file, std::string_view key) {
  const std::string_view text = AsText(file.bytes);
  if (text.starts_with(kZipMagic)) return ParseZip(file, key);
  if (text.starts_with(kPickleMagic)) return ParseLegacy(file, key);
  return absl::InvalidArgumentError("expected a zip archive or a pickle of PyTorch's");
}

}  // namespace

bool LooksLikePth(std::span<const std::byte> bytes) {
  return AsText(bytes).starts_with(kZipMagic) || AsText(bytes).starts_with(kPickleMagic);
}

absl::StatusOr<NamedTensors> ParsePth(std::span<const std::byte> bytes, const std::string& name,
                                      std::shared_ptr<const void> owner, std::string_view key) {
  absl::StatusOr<NamedTensors> result = TensorsOfPth({bytes, std::move(owner)}, key);
  if (!result.ok()) return Annotate(result.status(), name);
  result->source = name;
  return result;
}

}  // namespace weft
