#include "frontend/data/idx.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "frontend/io/read_file.h"

namespace weft {
namespace {

// The most bytes that one compressed byte can become (zlib's technical notes).
constexpr int64_t kMostInflation = 1032;
constexpr size_t kMaxStep = size_t{1} << 30;  // zlib counts in 32 bits

// The decompressed bytes of a file, front to back.
class Source {
 public:
  virtual ~Source() = default;
  // Fills `out` from its front and returns how many bytes there were: fewer only at a proper end.
  virtual absl::StatusOr<size_t> Read(std::span<std::byte> out) = 0;
  // No more bytes than this can come.
  virtual int64_t upper_bound() const = 0;
};

class RawSource final : public Source {
 public:
  explicit RawSource(std::span<const std::byte> bytes) : rest_(bytes), size_(bytes.size()) {}

  absl::StatusOr<size_t> Read(std::span<std::byte> out) override {
    const size_t n = std::min(out.size(), rest_.size());
    std::copy_n(rest_.begin(), n, out.begin());
    rest_ = rest_.subspan(n);
    return n;
  }
  int64_t upper_bound() const override { return static_cast<int64_t>(size_); }

 private:
  std::span<const std::byte> rest_;
  size_t size_;
};

// One or more gzip members, one after the other.
class GzipSource final : public Source {
 public:
  explicit GzipSource(std::span<const std::byte> bytes) : rest_(bytes), size_(bytes.size()) {
    ready_ = inflateInit2(&stream_, MAX_WBITS + 16) == Z_OK;  // +16: expect gzip's wrapper
  }
  ~GzipSource() override {
    if (ready_) inflateEnd(&stream_);
  }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

  absl::StatusOr<size_t> Read(std::span<std::byte> out) override {
    if (!ready_) return absl::ResourceExhaustedError("zlib could not start");
    size_t done = 0;
    while (done < out.size()) {
      if (member_ended_) {
        if (rest_.empty()) break;
        inflateReset(&stream_);
        member_ended_ = false;
      }
      WEFT_ASSIGN_OR_RETURN(const size_t n, Inflate(out.subspan(done)));
      done += n;
    }
    return done;
  }
  int64_t upper_bound() const override { return static_cast<int64_t>(size_) * kMostInflation; }

 private:
  absl::StatusOr<size_t> Inflate(std::span<std::byte> out) {
    const size_t in_step = std::min(rest_.size(), kMaxStep);
    const size_t out_step = std::min(out.size(), kMaxStep);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(rest_.data()));
    stream_.avail_in = static_cast<uInt>(in_step);
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out_step);
    const int code = inflate(&stream_, Z_NO_FLUSH);
    rest_ = rest_.subspan(in_step - stream_.avail_in);
    const size_t produced = out_step - stream_.avail_out;
    if (code == Z_STREAM_END) {
      member_ended_ = true;
    } else if (code == Z_BUF_ERROR) {  // no input left, and nothing more to write
      return absl::DataLossError(
          absl::StrCat("the gzip data end early, after ", size_, " bytes of file"));
    } else if (code != Z_OK) {
      return absl::DataLossError(
          absl::StrCat("the gzip data are damaged before byte ", size_ - rest_.size(),
                       " of the file: ", stream_.msg != nullptr ? stream_.msg : "no detail"));
    }
    return produced;
  }

  std::span<const std::byte> rest_;
  size_t size_;
  z_stream stream_ = {};
  bool ready_ = false;
  bool member_ended_ = false;
};

absl::StatusOr<std::unique_ptr<Source>> OpenSource(std::span<const std::byte> bytes) {
  if (bytes.empty()) return absl::DataLossError("expected an IDX file, the file is empty");
  const auto starts_with = [&](uint8_t a, uint8_t b) {
    return bytes[0] == std::byte{a} && (bytes.size() < 2 || bytes[1] == std::byte{b});
  };
  if (starts_with(0x1f, 0x8b)) return std::make_unique<GzipSource>(bytes);
  if (starts_with(0, 0)) return std::make_unique<RawSource>(bytes);
  return absl::InvalidArgumentError(absl::StrFormat(
      "expected an IDX file (00 00) or gzip (1f 8b), the file starts with %02x %02x",
      static_cast<int>(bytes[0]), bytes.size() < 2 ? 0 : static_cast<int>(bytes[1])));
}

std::string_view ElementName(uint8_t code) {
  switch (code) {
    case 0x08:
      return "unsigned byte";
    case 0x09:
      return "signed byte";
    case 0x0B:
      return "short";
    case 0x0C:
      return "int";
    case 0x0D:
      return "float";
    case 0x0E:
      return "double";
    default:
      return "unknown";
  }
}

absl::Status ReadHeaderBytes(Source& source, std::span<std::byte> out) {
  WEFT_ASSIGN_OR_RETURN(const size_t got, source.Read(out));
  if (got == out.size()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("the IDX header ends early: expected ", out.size(),
                                          " more bytes, there are ", got));
}

absl::StatusOr<Dims> ReadHeader(Source& source) {
  std::byte magic[4];
  WEFT_RETURN_IF_ERROR(ReadHeaderBytes(source, magic));
  const auto type = static_cast<uint8_t>(magic[2]);
  const auto rank = static_cast<int>(magic[3]);
  if (magic[0] != std::byte{0} || magic[1] != std::byte{0}) {
    return absl::InvalidArgumentError(
        absl::StrFormat("expected an IDX header (00 00), the data start with %02x %02x",
                        static_cast<int>(magic[0]), static_cast<int>(magic[1])));
  }
  if (type != 0x08) {
    const std::string_view name = ElementName(type);
    return absl::InvalidArgumentError(
        absl::StrFormat("expected IDX elements of unsigned byte (08), the file has %s (%02x)",
                        std::string(name), static_cast<int>(type)));
  }
  if (rank < 1 || rank > kMaxRank) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected 1 to ", kMaxRank, " IDX dims, the file has ", rank));
  }
  std::vector<std::byte> bytes(static_cast<size_t>(rank) * 4);
  WEFT_RETURN_IF_ERROR(ReadHeaderBytes(source, bytes));
  Dims dims(static_cast<size_t>(rank), 0);
  for (size_t i = 0; i < bytes.size(); ++i) {  // big-endian
    dims[i / 4] = dims[i / 4] * 256 + static_cast<int64_t>(bytes[i]);
  }
  return dims;
}

absl::StatusOr<Tensor> ParseSource(Source& source, int64_t max_bytes) {
  WEFT_ASSIGN_OR_RETURN(Dims dims, ReadHeader(source));
  WEFT_ASSIGN_OR_RETURN(const int64_t expected, CountElements(dims));
  if (expected > max_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat("dims ", ToString(dims), " need ", expected,
                                                     " bytes, the limit is ", max_bytes));
  }
  if (expected > source.upper_bound()) {
    return absl::DataLossError(absl::StrCat("dims ", ToString(dims), " need ", expected,
                                            " bytes, the file has room for at most ",
                                            source.upper_bound()));
  }
  const std::string shape = ToString(dims);
  WEFT_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Zeros(DType::kU8, std::move(dims)));
  const auto size = static_cast<size_t>(expected);
  WEFT_ASSIGN_OR_RETURN(const size_t got, source.Read({tensor.mutable_data(), size}));
  if (got < size) {
    return absl::DataLossError(
        absl::StrCat("dims ", shape, " need ", expected, " bytes of data, the file has ", got));
  }
  // One more byte must not come; asking for it also checks gzip's checksum.
  std::byte extra[1];
  WEFT_ASSIGN_OR_RETURN(const size_t more, source.Read(extra));
  if (more != 0) {
    return absl::DataLossError(
        absl::StrCat("dims ", shape, " need ", expected, " bytes of data, the file has more"));
  }
  return tensor;
}

}  // namespace

absl::StatusOr<Tensor> ParseIdx(std::span<const std::byte> bytes, const std::string& name,
                                int64_t max_bytes) {
  absl::StatusOr<std::unique_ptr<Source>> source = OpenSource(bytes);
  if (!source.ok()) return Annotate(source.status(), name);
  absl::StatusOr<Tensor> tensor = ParseSource(**source, max_bytes);
  if (!tensor.ok()) return Annotate(tensor.status(), name);
  return tensor;
}

absl::StatusOr<Tensor> ReadIdx(const std::string& path, int64_t max_bytes) {
  // Raw data need a little more than their limit for the header; compressed ones need less.
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path, max_bytes + 1024));
  return ParseIdx(bytes, path, max_bytes);
}

}  // namespace weft
