#include "frontend/io/npy.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/io/check_bools.h"
#include "frontend/io/read_file.h"
#include "graph/file/file_system.h"

namespace weft {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are stored as they are");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kHeaderAlignment = 64;

struct Descr {
  std::string_view text;
  DType dtype;
};
// NumPy has no bf16.
constexpr Descr kDescrs[] = {{"<f2", DType::kF16}, {"<f4", DType::kF32}, {"<f8", DType::kF64},
                             {"|i1", DType::kI8},  {"<i2", DType::kI16}, {"<i4", DType::kI32},
                             {"<i8", DType::kI64}, {"|u1", DType::kU8},  {"<u2", DType::kU16},
                             {"<u4", DType::kU32}, {"<u8", DType::kU64}, {"|b1", DType::kBool}};

const Descr* FindDescr(DType dtype) { return std::ranges::find(kDescrs, dtype, &Descr::dtype); }

struct Header {
  std::string_view descr;  // of the file's bytes
  bool fortran_order = false;
  Dims shape;
};

absl::Status Malformed(std::string_view expected, std::string_view rest) {
  const std::string_view there = rest.substr(0, 20);
  return absl::InvalidArgumentError(absl::StrCat("malformed .npy header: expected ", Absl(expected),
                                                 ", got \"", Absl(there), "\""));
}

// Reads the header: a Python dict literal such as
// {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : rest_(text) {}

  absl::StatusOr<Header> Parse() {
    if (!Take("{")) return Malformed("{", rest_);
    while (!Take("}")) {
      WEFT_RETURN_IF_ERROR(Entry());
      if (!Take(",") && !Peek("}")) return Malformed(", or }", rest_);
    }
    SkipSpace();
    if (!rest_.empty()) return Malformed("the header's end", rest_);
    if (!has_descr_ || !has_order_ || !has_shape_) {
      return absl::InvalidArgumentError(
          "malformed .npy header: expected the keys descr, fortran_order and shape");
    }
    return header_;
  }

 private:
  absl::Status Entry() {
    WEFT_ASSIGN_OR_RETURN(const std::string_view key, String("a key"));
    if (!Take(":")) return Malformed(":", rest_);
    if (key == "descr" && !has_descr_) {
      has_descr_ = true;
      WEFT_ASSIGN_OR_RETURN(header_.descr, String("one element type in quotes"));
    } else if (key == "fortran_order" && !has_order_) {
      has_order_ = true;
      header_.fortran_order = Take("True");
      if (!header_.fortran_order && !Take("False")) return Malformed("True or False", rest_);
    } else if (key == "shape" && !has_shape_) {
      has_shape_ = true;
      WEFT_ASSIGN_OR_RETURN(header_.shape, Tuple());
    } else {
      return Malformed("each of descr, fortran_order and shape once", key);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string_view> String(std::string_view what) {
    SkipSpace();
    if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"')) return Malformed(what, rest_);
    const size_t end = rest_.find(rest_[0], 1);
    if (end == std::string_view::npos) return Malformed("a closing quote", rest_);
    const std::string_view text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return text;
  }

  // (), (3,), (3, 4)
  absl::StatusOr<Dims> Tuple() {
    if (!Take("(")) return Malformed("a shape in parentheses", rest_);
    Dims dims;
    while (!Take(")")) {
      SkipSpace();
      int64_t dim = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), dim);
      if (error == std::errc::result_out_of_range) return Malformed("a dim of 64 bits", rest_);
      if (error != std::errc()) return Malformed("a dim or )", rest_);
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      dims.push_back(dim);
      if (!Take(",") && !(dims.size() > 1 && Peek(")"))) return Malformed(",", rest_);
    }
    return dims;
  }

  void SkipSpace() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n')) rest_.remove_prefix(1);
  }
  bool Peek(std::string_view token) {
    SkipSpace();
    return rest_.starts_with(token);
  }
  bool Take(std::string_view token) {
    if (!Peek(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  std::string_view rest_;
  Header header_;
  bool has_descr_ = false;
  bool has_order_ = false;
  bool has_shape_ = false;
};

// The header's text, and how many bytes come before the elements.
struct Prefix {
  std::string_view header;
  size_t bytes = 0;
};

absl::StatusOr<Prefix> SplitPrefix(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kMagic)) {
    return absl::InvalidArgumentError("expected a .npy file, the file has another signature");
  }
  if (text.size() < kMagic.size() + 2) return absl::DataLossError("the .npy header ends early");
  const auto major = static_cast<uint8_t>(text[kMagic.size()]);
  const auto minor = static_cast<uint8_t>(text[kMagic.size() + 1]);
  if (major < 1 || major > 3 || minor != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected .npy version 1.0, 2.0 or 3.0, the file has ", major, ".", minor));
  }
  const size_t length_bytes = major == 1 ? 2 : 4;
  const size_t start = kMagic.size() + 2 + length_bytes;
  size_t length = 0;
  if (text.size() >= start) std::memcpy(&length, text.data() + kMagic.size() + 2, length_bytes);
  if (text.size() < start || text.size() - start < length) {
    return absl::DataLossError(absl::StrCat("the .npy header ends early: the file has ",
                                            text.size(), " bytes, the header ends at ",
                                            start + length));
  }
  return Prefix{text.substr(start, length), start + length};
}

absl::StatusOr<DType> ParseDescr(std::string_view descr) {
  for (const Descr& known : kDescrs) {
    if (known.text == descr) return known.dtype;
    // One byte has no order.
    if (SizeOf(known.dtype) == 1 && descr.size() == 3 && descr.substr(1) == known.text.substr(1)) {
      return known.dtype;
    }
  }
  std::string known;
  for (const Descr& d : kDescrs) absl::StrAppend(&known, known.empty() ? "" : ", ", d.text.data());
  return absl::InvalidArgumentError(
      absl::StrCat("expected elements of ", known, ", the file has \"", Absl(descr), "\""));
}

// The array of a file's bytes: a copy, or, where they have an owner and are aligned, the bytes
// themselves.
absl::StatusOr<Tensor> Parse(std::span<const std::byte> bytes,
                             std::shared_ptr<const void> owner = nullptr) {
  WEFT_ASSIGN_OR_RETURN(const Prefix prefix, SplitPrefix(bytes));
  WEFT_ASSIGN_OR_RETURN(const Header header, HeaderParser(prefix.header).Parse());
  WEFT_ASSIGN_OR_RETURN(const DType dtype, ParseDescr(header.descr));
  if (header.fortran_order) {
    return absl::InvalidArgumentError(
        "expected C order, the array is in Fortran order (save numpy.ascontiguousarray of it)");
  }
  WEFT_ASSIGN_OR_RETURN(const int64_t elements, CountElements(header.shape));
  const size_t expected = static_cast<size_t>(elements) * SizeOf(dtype);
  const std::span<const std::byte> data = bytes.subspan(prefix.bytes);
  if (data.size() != expected) {
    return absl::DataLossError(absl::StrCat("expected ", expected, " bytes of ",
                                            Absl(ToString(dtype)), ToString(header.shape),
                                            ", the file has ", data.size()));
  }
  // Old versions of NumPy, and hand-made files, do not align the elements.
  if (reinterpret_cast<uintptr_t>(data.data()) % SizeOf(dtype) != 0) owner = nullptr;
  absl::StatusOr<Tensor> tensor = owner == nullptr
                                      ? Tensor::FromBytes(dtype, header.shape, data)
                                      : Tensor::Wrap(dtype, header.shape, data, std::move(owner));
  WEFT_RETURN_IF_ERROR(tensor.status());
  WEFT_RETURN_IF_ERROR(CheckBools(*tensor));
  return tensor;
}

// Magic, version 1.0, length and dict, padded with spaces so that the elements are aligned.
std::string MakePrefix(std::string_view descr, const Dims& dims) {
  std::string shape;
  for (int64_t dim : dims) absl::StrAppend(&shape, shape.empty() ? "" : " ", dim, ",");
  if (dims.size() > 1) shape.pop_back();
  std::string header = absl::StrCat("{'descr': '", Absl(descr),
                                    "', 'fortran_order': False, 'shape': (", shape, "), }");
  const size_t start = kMagic.size() + 4;
  const size_t unpadded = start + header.size() + 1;
  header.append((kHeaderAlignment - unpadded % kHeaderAlignment) % kHeaderAlignment, ' ');
  header.push_back('\n');
  std::string prefix(kMagic);
  prefix.append(
      {'\1', '\0', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)});
  return prefix + header;
}

}  // namespace

absl::StatusOr<Tensor> ParseNpy(std::span<const std::byte> bytes, const std::string& name) {
  absl::StatusOr<Tensor> tensor = Parse(bytes);
  if (!tensor.ok()) return Annotate(tensor.status(), name);
  return tensor;
}

absl::StatusOr<Tensor> ReadNpy(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path));
  return ParseNpy(bytes, path);
}

absl::StatusOr<Tensor> MapNpy(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(MappedFile file, MapFile(path));
  absl::StatusOr<Tensor> tensor = Parse(file.bytes, file.owner);  // mapped while it is copied, too
  if (!tensor.ok()) return Annotate(tensor.status(), path);
  return tensor;
}

absl::Status CheckNpyType(const std::string& path, DType dtype) {
  if (FindDescr(dtype) != std::end(kDescrs)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": .npy has no element type ", Absl(ToString(dtype))));
}

absl::Status WriteNpy(const std::string& path, const Tensor& tensor) {
  if (tensor.is_empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": expected a tensor, it is empty"));
  }
  WEFT_RETURN_IF_ERROR(CheckNpyType(path, tensor.dtype()));
  const std::string prefix = MakePrefix(FindDescr(tensor.dtype())->text, tensor.dims());
  return WriteAtomically(PosixFileSystem(), path, [&](WritableFile& file) -> absl::Status {
    WEFT_RETURN_IF_ERROR(file.Append(std::as_bytes(std::span(prefix))));
    return file.Append({tensor.data(), tensor.bytes()});
  });
}

}  // namespace weft
