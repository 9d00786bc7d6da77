#include "frontend/weights/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "frontend/io/check_bools.h"

namespace weft {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are stored as they are");

using nlohmann::json;

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr std::string_view kMetadata = "__metadata__";

struct ElementType {
  std::string_view code;
  std::string_view name;
  size_t bits;
  std::optional<DType> dtype;  // none: Weft has no such type
};
constexpr ElementType kElementTypes[] = {{"F64", "f64", 64, DType::kF64},
                                         {"F32", "f32", 32, DType::kF32},
                                         {"F16", "f16", 16, DType::kF16},
                                         {"BF16", "bf16", 16, DType::kBF16},
                                         {"I64", "i64", 64, DType::kI64},
                                         {"I32", "i32", 32, DType::kI32},
                                         {"I16", "i16", 16, DType::kI16},
                                         {"I8", "i8", 8, DType::kI8},
                                         {"U64", "u64", 64, DType::kU64},
                                         {"U32", "u32", 32, DType::kU32},
                                         {"U16", "u16", 16, DType::kU16},
                                         {"U8", "u8", 8, DType::kU8},
                                         {"BOOL", "bool", 8, DType::kBool},
                                         {"F8_E5M2", "f8_e5m2", 8, std::nullopt},
                                         {"F8_E4M3", "f8_e4m3", 8, std::nullopt},
                                         {"F8_E8M0", "f8_e8m0", 8, std::nullopt},
                                         {"F8_E5M2FNUZ", "f8_e5m2fnuz", 8, std::nullopt},
                                         {"F8_E4M3FNUZ", "f8_e4m3fnuz", 8, std::nullopt},
                                         {"F4", "f4", 4, std::nullopt},
                                         {"F6_E2M3", "f6_e2m3", 6, std::nullopt},
                                         {"F6_E3M2", "f6_e3m2", 6, std::nullopt},
                                         {"C64", "c64", 64, std::nullopt}};

// One tensor of the header.
struct Entry {
  std::string dtype;
  std::optional<Dims> shape;
  std::optional<std::vector<uint64_t>> offsets;
};

struct Header {
  std::map<std::string, Entry> entries;
  std::map<std::string, std::string, std::less<>> metadata;
};

// Takes the header's JSON as the parser meets it, and stops at the first part that the format does
// not have: deep nesting and duplicate names never pile up. nlohmann::json's SAX interface gives
// the functions their names.
class HeaderReader {
 public:
  explicit HeaderReader(Header& header) : header_(header) {}

  const std::string& error() const { return error_; }

  bool null() { return Fail("a null"); }
  bool boolean(bool) { return Fail("a bool"); }
  bool number_integer(json::number_integer_t) { return Fail("a negative number"); }
  bool number_float(json::number_float_t, const std::string&) { return Fail("a fraction"); }
  bool binary(json::binary_t&) { return Fail("binary data"); }

  bool number_unsigned(json::number_unsigned_t value) {
    if (place_ == Place::kShape) {
      if (entry_->shape->size() > static_cast<size_t>(kMaxRank) ||
          value > static_cast<uint64_t>(kMaxElements)) {
        return Fail("a shape beyond the limits");
      }
      entry_->shape->push_back(static_cast<int64_t>(value));
      return true;
    }
    if (place_ != Place::kOffsets || entry_->offsets->size() == 2) return Fail("a number");
    entry_->offsets->push_back(value);
    return true;
  }

  bool string(std::string& value) {
    if (place_ == Place::kMetadata) {
      return header_.metadata.emplace(key_, value).second || Fail("a key twice");
    }
    if (place_ != Place::kEntry || key_ != "dtype" || !entry_->dtype.empty())
      return Fail("a string");
    entry_->dtype = value;
    return true;
  }

  bool start_object(size_t) {
    if (place_ == Place::kStart) {
      place_ = Place::kHeader;
      return true;
    }
    if (place_ != Place::kHeader) return Fail("an object");
    if (key_ == kMetadata) {
      if (std::exchange(has_metadata_, true)) return Fail("the name twice");
      place_ = Place::kMetadata;
      return true;
    }
    const auto [it, added] = header_.entries.try_emplace(key_);
    if (!added) return Fail("the name twice");
    name_ = key_;
    entry_ = &it->second;
    place_ = Place::kEntry;
    return true;
  }

  bool key(std::string& key) {
    key_ = key;
    if (place_ == Place::kHeader) name_ = key;
    return true;
  }

  bool end_object() {
    place_ = Place::kHeader;
    return true;
  }

  bool start_array(size_t) {
    if (place_ == Place::kEntry && key_ == "shape" && !entry_->shape) {
      entry_->shape.emplace();
      place_ = Place::kShape;
      return true;
    }
    if (place_ == Place::kEntry && key_ == "data_offsets" && !entry_->offsets) {
      entry_->offsets.emplace();
      place_ = Place::kOffsets;
      return true;
    }
    return Fail("an array");
  }

  bool end_array() {
    place_ = Place::kEntry;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const json::exception&) {
    error_ = absl::StrCat("it is not JSON at byte ", position);
    return false;
  }

 private:
  enum class Place { kStart, kHeader, kMetadata, kEntry, kShape, kOffsets };

  bool Fail(std::string_view what) {
    error_ =
        absl::StrCat(Printable(name_), name_.empty() ? "" : ": ", "unexpected here: ", Absl(what));
    if (place_ == Place::kEntry) absl::StrAppend(&error_, " at ", Printable(key_));
    return false;
  }

  Header& header_;
  Place place_ = Place::kStart;
  std::string name_;  // the header's key that is being read
  std::string key_;   // the innermost
  Entry* entry_ = nullptr;
  bool has_metadata_ = false;
  std::string error_;
};

// The header's text.
absl::StatusOr<std::string_view> FindHeader(std::span<const std::byte> bytes) {
  if (bytes.size() < kLengthBytes) {
    return absl::DataLossError("a safetensors file begins with 8 bytes of length, it has fewer");
  }
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kMaxHeaderBytes) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "the safetensors header has %d bytes, the format's limit is %d", length, kMaxHeaderBytes));
  }
  if (length > bytes.size() - kLengthBytes) {
    return absl::DataLossError(
        absl::StrFormat("the safetensors header has %d bytes, the file ends after %d", length,
                        bytes.size() - kLengthBytes));
  }
  return std::string_view(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
}

absl::StatusOr<Header> ParseHeader(std::string_view text) {
  if (!text.starts_with('{')) {
    return absl::InvalidArgumentError("the safetensors header does not begin with {");
  }
  Header header;
  HeaderReader reader(header);
  if (json::sax_parse(text.begin(), text.end(), &reader)) return header;
  return absl::InvalidArgumentError(absl::StrCat("malformed safetensors header: ", reader.error()));
}

// An entry whose parts agree.
struct Placed {
  std::string_view name;
  const ElementType* type = nullptr;
  Dims shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

absl::StatusOr<Placed> PlaceEntry(const std::string& name, const Entry& entry) {
  if (entry.dtype.empty() || !entry.shape || !entry.offsets || entry.offsets->size() != 2) {
    return absl::InvalidArgumentError("expected dtype, shape and the two data_offsets");
  }
  const auto type = std::find_if(std::begin(kElementTypes), std::end(kElementTypes),
                                 [&](const ElementType& t) { return t.code == entry.dtype; });
  if (type == std::end(kElementTypes)) {
    return absl::UnimplementedError(absl::StrCat("unknown dtype ", Printable(entry.dtype)));
  }
  const Placed placed = {name, type, *entry.shape, (*entry.offsets)[0], (*entry.offsets)[1]};
  WEFT_ASSIGN_OR_RETURN(const int64_t elements, CountElements(placed.shape));
  const uint64_t bits = static_cast<uint64_t>(elements) * type->bits;
  const uint64_t expected = bits / 8;
  if (bits % 8 != 0) {
    return absl::DataLossError(absl::StrFormat("expected whole bytes, %s%s has %d bits",
                                               std::string(type->name), ToString(placed.shape),
                                               bits));
  }
  if (placed.end < placed.begin || placed.end - placed.begin != expected) {
    return absl::DataLossError(
        absl::StrFormat("expected %d bytes of %s%s, the offsets are %d to %d", expected,
                        std::string(type->name), ToString(placed.shape), placed.begin, placed.end));
  }
  return placed;
}

// The entries in the order of their elements, which follow each other and fill `size` bytes.
absl::StatusOr<std::vector<Placed>> PlaceAll(const Header& header, size_t size) {
  std::vector<Placed> all;
  for (const auto& [name, entry] : header.entries) {
    absl::StatusOr<Placed> placed = PlaceEntry(name, entry);
    if (!placed.ok()) return Annotate(placed.status(), Printable(name));
    all.push_back(*std::move(placed));
  }
  std::sort(all.begin(), all.end(), [](const Placed& a, const Placed& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  uint64_t at = 0;
  for (const Placed& placed : all) {
    if (placed.begin != at) {
      return absl::DataLossError(absl::StrFormat(
          "%s: expected its elements at %d, after the previous ones, the offsets are %d to %d",
          Printable(placed.name), at, placed.begin, placed.end));
    }
    at = placed.end;
  }
  if (at != size) {
    return absl::DataLossError(
        absl::StrFormat("expected %d bytes of elements by the header, the file has %d", at, size));
  }
  return all;
}

absl::StatusOr<NamedTensors> TensorsOfSafetensors(const SharedBytes& file) {
  WEFT_ASSIGN_OR_RETURN(const std::string_view text, FindHeader(file.bytes));
  WEFT_ASSIGN_OR_RETURN(Header header, ParseHeader(text));
  const std::span<const std::byte> data = file.bytes.subspan(kLengthBytes + text.size());
  WEFT_ASSIGN_OR_RETURN(const std::vector<Placed> all, PlaceAll(header, data.size()));
  NamedTensors result;
  result.metadata = std::move(header.metadata);
  for (const Placed& placed : all) {
    std::string name(placed.name);
    if (!placed.type->dtype) {
      result.unsupported[name] = absl::StrCat(Absl(placed.type->name), ToString(placed.shape));
      continue;
    }
    const SharedBytes view = {data.subspan(placed.begin, placed.end - placed.begin), file.owner};
    WEFT_ASSIGN_OR_RETURN(const SharedBytes owned, Owned(view, placed.type->bits / 8));
    WEFT_ASSIGN_OR_RETURN(
        Tensor tensor, Tensor::Wrap(*placed.type->dtype, placed.shape, owned.bytes, owned.owner));
    WEFT_RETURN_IF_ERROR(Annotate(CheckBools(tensor), Printable(name)));
    result.tensors.emplace(std::move(name), std::move(tensor));
  }
  return result;
}

// `s` in JSON's quotes.
absl::StatusOr<std::string> Quoted(const std::string& s) {
  const std::string text = json(s).dump(-1, ' ', false, json::error_handler_t::replace);
  if (json::parse(text, nullptr, /*allow_exceptions=*/false) == json(s)) return text;
  return absl::InvalidArgumentError(absl::StrCat(Printable(s), " is not UTF-8"));
}

std::string_view CodeOf(DType dtype) {
  const auto it = std::find_if(std::begin(kElementTypes), std::end(kElementTypes),
                               [&](const ElementType& type) { return type.dtype == dtype; });
  return it->code;  // there is one for every dtype
}

using NamedTensor = TensorMap::value_type;

// Length and header, padded with spaces so that the elements are aligned.
absl::StatusOr<std::string> MakeHead(
    const std::vector<const NamedTensor*>& order,
    const std::map<std::string, std::string, std::less<>>& metadata) {
  std::string text = "{";
  for (const auto& [key, value] : metadata) {
    WEFT_ASSIGN_OR_RETURN(const std::string key_text, Quoted(key));
    WEFT_ASSIGN_OR_RETURN(const std::string value_text, Quoted(value));
    absl::StrAppend(&text, text == "{" ? "\"__metadata__\":{" : ",", key_text, ":", value_text);
  }
  if (!metadata.empty()) text += "}";
  size_t at = 0;
  for (const NamedTensor* entry : order) {
    const auto& [name, tensor] = *entry;
    WEFT_ASSIGN_OR_RETURN(const std::string name_text, Quoted(name));
    const size_t end = at + tensor.bytes();
    absl::StrAppend(&text, text == "{" ? "" : ",", name_text, ":{\"dtype\":\"",
                    Absl(CodeOf(tensor.dtype())), "\",\"shape\":", ToString(tensor.dims()),
                    ",\"data_offsets\":[", at, ",", end, "]}");
    at = end;
  }
  text += "}";
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  const uint64_t length = text.size();
  if (length > kMaxHeaderBytes) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "the safetensors header would take %d bytes, the limit is %d", length, kMaxHeaderBytes));
  }
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + text;
}

}  // namespace

bool LooksLikeSafetensors(std::span<const std::byte> bytes) {
  // Pickles have other bytes where the highest of a length of this size are.
  constexpr uint64_t kTooLong = uint64_t{1} << 40;
  uint64_t length = kTooLong;
  if (bytes.size() > kLengthBytes) std::memcpy(&length, bytes.data(), kLengthBytes);
  return length < kTooLong && bytes[kLengthBytes] == std::byte{'{'};
}

absl::StatusOr<NamedTensors> ParseSafetensors(std::span<const std::byte> bytes,
                                              const std::string& name,
                                              std::shared_ptr<const void> owner) {
  absl::StatusOr<NamedTensors> result = TensorsOfSafetensors({bytes, std::move(owner)});
  if (!result.ok()) return Annotate(result.status(), name);
  result->source = name;
  return result;
}

absl::Status WriteSafetensors(const std::string& path, const TensorMap& tensors,
                              const std::map<std::string, std::string, std::less<>>& metadata,
                              FileSystem& fs) {
  std::vector<const NamedTensor*> order;
  for (const NamedTensor& entry : tensors) {
    if (entry.second.is_empty() || entry.first == kMetadata) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": cannot write ", Printable(entry.first),
                       entry.second.is_empty() ? ", it is empty" : ", the name is reserved"));
    }
    order.push_back(&entry);
  }
  // Stable: by name where elements are equally wide.
  std::stable_sort(order.begin(), order.end(), [](const NamedTensor* a, const NamedTensor* b) {
    return SizeOf(a->second.dtype()) > SizeOf(b->second.dtype());
  });
  const absl::StatusOr<std::string> head = MakeHead(order, metadata);
  if (!head.ok()) return Annotate(head.status(), path);
  return WriteAtomically(fs, path, [&](WritableFile& file) -> absl::Status {
    WEFT_RETURN_IF_ERROR(file.Append(std::as_bytes(std::span(*head))));
    for (const NamedTensor* entry : order) {
      WEFT_RETURN_IF_ERROR(file.Append({entry->second.data(), entry->second.bytes()}));
    }
    return absl::OkStatus();
  });
}

}  // namespace weft
