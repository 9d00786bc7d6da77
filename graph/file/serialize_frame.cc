// Header, padding, tags and lengths of a .weft file; proto/graph.proto describes them.

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "absl/strings/str_format.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/stubs/logging.h"
#include "graph/file/serialize.h"
#include "graph/file/serialize_internal.h"

namespace weft {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are stored as they lie");

// Tags: field number << 3 | wire type (5: 32 bits, 1: 64 bits, 2: length-delimited).
constexpr char kMagicTag = 1 << 3 | 5;
constexpr char kVersionTag = 2 << 3 | 5;
constexpr char kSizeTag = 3 << 3 | 1;
constexpr char kChecksumTag = 4 << 3 | 5;
constexpr char kModelTag = 5 << 3 | 2;
constexpr char kPaddingTag = 6 << 3 | 2;
constexpr char kDataTag = 7 << 3 | 2;

// Where the fixed-size fields' tags are.
constexpr size_t kVersionAt = 5;
constexpr size_t kSizeAt = 10;
constexpr size_t kChecksumAt = 19;
constexpr size_t kModelAt = 24;

template <typename T>
void AppendFixed(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename T>
T ReadFixed(std::span<const std::byte> bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

void AppendVarint(std::string& out, uint64_t value) {
  for (; value >= 128; value >>= 7) out.push_back(static_cast<char>(value | 128));
  out.push_back(static_cast<char>(value));
}

size_t VarintSize(uint64_t value) {
  size_t n = 1;
  for (; value >= 128; value >>= 7) ++n;
  return n;
}

// What goes between file position `at` and `length` bytes of a tensor that are to be aligned.
std::string TensorPrefix(uint64_t at, uint64_t length) {
  const uint64_t fields = 1 + 1 + 1 + VarintSize(length);  // two tags, two lengths
  const uint64_t unaligned = (at % kTensorAlignment + fields) % kTensorAlignment;
  const uint64_t padding = (kTensorAlignment - unaligned) % kTensorAlignment;
  std::string prefix;
  prefix.push_back(kPaddingTag);
  AppendVarint(prefix, padding);
  prefix.append(padding, '\0');
  prefix.push_back(kDataTag);
  AppendVarint(prefix, length);
  return prefix;
}

uint32_t HeadChecksum(std::span<const std::byte> head) {
  return Crc32(head.subspan(kModelAt), Crc32(head.first(kChecksumAt)));
}

// Checks magic and version, of as much as there is.
absl::Status CheckIdentity(std::span<const std::byte> bytes) {
  std::string magic(1, kMagicTag);
  AppendFixed(magic, kFileMagic);
  const size_t n = std::min(bytes.size(), magic.size());
  if (n == 0) return absl::DataLossError("the file is empty");
  if (std::memcmp(bytes.data(), magic.data(), n) != 0) {
    return absl::InvalidArgumentError("not a weft file (it does not begin with \"\\rWEFT\")");
  }
  if (bytes.size() >= kSizeAt && static_cast<char>(bytes[kVersionAt]) == kVersionTag) {
    const auto version = ReadFixed<uint32_t>(bytes, kVersionAt + 1);
    if (version > static_cast<uint32_t>(kFormatVersion)) {
      return absl::FailedPreconditionError(absl::StrFormat(
          "file has format version %d, this weft reads up to %d", version, kFormatVersion));
    }
    if (version == 0) return absl::DataLossError("damaged: format version 0");
  }
  return absl::OkStatus();
}

absl::Status CheckHeader(std::span<const std::byte> bytes) {
  WEFT_RETURN_IF_ERROR(CheckIdentity(bytes));
  if (bytes.size() <= kModelAt) {
    return absl::DataLossError(
        absl::StrFormat("truncated: %d bytes, shorter than a header", bytes.size()));
  }
  const auto tag_at = [&](size_t at, char tag) { return static_cast<char>(bytes[at]) == tag; };
  if (!tag_at(kVersionAt, kVersionTag) || !tag_at(kSizeAt, kSizeTag) ||
      !tag_at(kChecksumAt, kChecksumTag) || !tag_at(kModelAt, kModelTag)) {
    return absl::DataLossError("damaged: a header field is missing");
  }
  const auto size = ReadFixed<uint64_t>(bytes, kSizeAt + 1);
  if (size != bytes.size()) {
    return absl::DataLossError(absl::StrFormat("expected %d bytes by its header, the file has %d%s",
                                               size, bytes.size(),
                                               bytes.size() < size ? " (truncated)" : ""));
  }
  return absl::OkStatus();
}

// The length field at `at`, which must be of the fewest bytes; nullopt if it is not.
std::optional<uint64_t> ReadVarint(std::span<const std::byte> bytes, size_t& at) {
  uint64_t value = 0;
  for (int shift = 0; shift < 63; shift += 7) {
    if (at == bytes.size()) return std::nullopt;
    const auto b = static_cast<uint64_t>(bytes[at++]);
    value |= (b & 127) << shift;
    if (b < 128) return b == 0 && shift > 0 ? std::nullopt : std::optional(value);
  }
  return std::nullopt;
}

absl::Status ParseModelMessage(std::span<const std::byte> bytes, proto::Model& message) {
  google::protobuf::io::ArrayInputStream array(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::io::CodedInputStream stream(&array);
  stream.SetTotalBytesLimit(static_cast<int>(kMaxModelBytes));
  stream.SetRecursionLimit(kMaxNesting);
  const google::protobuf::LogSilencer quiet;  // the status says it
  if (!message.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage()) {
    return absl::DataLossError("the model is not a valid protobuf message");
  }
  return CheckNoUnknownFields(message);
}

// Checks everything from position `at`, where the model ends, to the end of the file.
absl::Status CheckTensors(std::span<const std::byte> bytes, size_t at, const proto::Model& model) {
  for (int i = 0; i < model.tensors_size(); ++i) {
    const proto::Tensor& tensor = model.tensors(i);
    const auto fail = [&](std::string_view what) {
      return absl::DataLossError(absl::StrFormat("damaged: tensor %d: %s", i, std::string(what)));
    };
    if (tensor.length() == 0) {
      if (tensor.offset() != 0 || tensor.crc32() != 0) return fail("bytes for no elements");
      continue;
    }
    const std::string prefix = TensorPrefix(at, tensor.length());
    const size_t rest = bytes.size() - at;
    if (rest < prefix.size() || rest - prefix.size() < tensor.length()) {
      return fail(absl::StrFormat("%d bytes at %d reach beyond the end of the file",
                                  tensor.length(), tensor.offset()));
    }
    if (std::memcmp(bytes.data() + at, prefix.data(), prefix.size()) != 0) {
      return fail(absl::StrFormat("unexpected bytes between %d and %d", at, at + prefix.size()));
    }
    at += prefix.size();
    if (tensor.offset() != at) {
      return fail(absl::StrFormat("expected it at %d, the model says %d", at, tensor.offset()));
    }
    const uint32_t crc = Crc32(bytes.subspan(at, tensor.length()));
    if (crc != tensor.crc32()) {
      return fail(
          absl::StrFormat("checksum of its bytes is %08x, expected %08x", crc, tensor.crc32()));
    }
    at += tensor.length();
  }
  if (at != bytes.size()) {
    return absl::DataLossError(
        absl::StrFormat("damaged: %d bytes after the last tensor", bytes.size() - at));
  }
  return absl::OkStatus();
}

}  // namespace

uint32_t Crc32(std::span<const std::byte> bytes, uint32_t seed) {
  if (bytes.empty()) return seed;  // zlib takes a null pointer for a reset
  return static_cast<uint32_t>(
      crc32_z(seed, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

absl::StatusOr<Frame> FrameModel(proto::Model message, std::span<const uint64_t> lengths,
                                 std::span<const uint32_t> crcs) {
  // Offsets are fixed-size fields, so any that are not 0 give the message its final size.
  for (int i = 0; i < message.tensors_size(); ++i) {
    const auto index = static_cast<size_t>(i);
    proto::Tensor& tensor = *message.mutable_tensors(i);
    tensor.set_offset(lengths[index] == 0 ? 0 : 1);
    tensor.set_length(lengths[index]);
    tensor.set_crc32(lengths[index] == 0 ? 0 : crcs[index]);
  }
  const uint64_t model_size = message.ByteSizeLong();
  if (model_size > kMaxModelBytes) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("the model without its tensors takes %d bytes, the format's limit is %d",
                        model_size, kMaxModelBytes));
  }
  Frame frame;
  uint64_t at = kModelAt + 1 + VarintSize(model_size) + model_size;
  for (int i = 0; i < message.tensors_size(); ++i) {
    const uint64_t length = lengths[static_cast<size_t>(i)];
    frame.prefixes.push_back(length == 0 ? "" : TensorPrefix(at, length));
    if (length == 0) continue;
    at += frame.prefixes.back().size();
    message.mutable_tensors(i)->set_offset(at);
    at += length;
  }
  frame.file_size = at;

  frame.head.push_back(kMagicTag);
  AppendFixed(frame.head, kFileMagic);
  frame.head.push_back(kVersionTag);
  AppendFixed(frame.head, static_cast<uint32_t>(kFormatVersion));
  frame.head.push_back(kSizeTag);
  AppendFixed(frame.head, frame.file_size);
  frame.head.push_back(kChecksumTag);
  AppendFixed(frame.head, uint32_t{0});
  frame.head.push_back(kModelTag);
  AppendVarint(frame.head, model_size);
  if (!message.AppendToString(&frame.head)) {
    return absl::InternalError("the model cannot be written as a protobuf message");
  }
  const uint32_t checksum = HeadChecksum(BytesOf(frame.head));
  std::memcpy(frame.head.data() + kChecksumAt + 1, &checksum, sizeof checksum);
  return frame;
}

absl::StatusOr<std::string> FrameFile(const proto::Model& message,
                                      std::span<const std::string> data) {
  std::vector<uint64_t> lengths;
  std::vector<uint32_t> crcs;
  for (const std::string& bytes : data) {
    lengths.push_back(bytes.size());
    crcs.push_back(Crc32(BytesOf(bytes)));
  }
  if (static_cast<size_t>(message.tensors_size()) != data.size()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%d tensors, bytes for %d", message.tensors_size(), data.size()));
  }
  WEFT_ASSIGN_OR_RETURN(Frame frame, FrameModel(message, lengths, crcs));
  std::string file = std::move(frame.head);
  for (size_t i = 0; i < data.size(); ++i) file += frame.prefixes[i] + data[i];
  return file;
}

absl::Status UnframeFile(std::span<const std::byte> bytes, proto::Model& message) {
  WEFT_RETURN_IF_ERROR(CheckHeader(bytes));
  size_t at = kModelAt + 1;
  const std::optional<uint64_t> size = ReadVarint(bytes, at);
  if (!size || *size > bytes.size() - at) {
    return absl::DataLossError("damaged: the model's length is wrong");
  }
  if (*size > kMaxModelBytes) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "the model without its tensors takes %d bytes, the limit is %d", *size, kMaxModelBytes));
  }
  const std::span<const std::byte> head = bytes.first(at + *size);
  const uint32_t checksum = HeadChecksum(head);
  const auto expected = ReadFixed<uint32_t>(bytes, kChecksumAt + 1);
  if (checksum != expected) {
    return absl::DataLossError(absl::StrFormat(
        "damaged: checksum of header and model is %08x, expected %08x", checksum, expected));
  }
  WEFT_RETURN_IF_ERROR(ParseModelMessage(head.subspan(at), message));
  return CheckTensors(bytes, head.size(), message);
}

}  // namespace weft
