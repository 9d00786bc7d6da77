// A file as protobuf text, with the tensors' elements inline.

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "absl/strings/str_format.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "graph/file/serialize.h"
#include "graph/file/serialize_internal.h"

namespace weft {
namespace {

// Whose elements are `ints`.
constexpr DTypeSet kListedInts = {DType::kI32,  DType::kI64, DType::kU8,
                                  DType::kBool, DType::kU16, DType::kU32};

// Text has one NaN only; others would lose their sign or payload.
template <typename T>
bool TextIsExact(std::span<const T> values) {
  const T plain = std::numeric_limits<T>::quiet_NaN();
  for (const T& x : values) {
    if (std::isnan(x) && std::memcmp(&x, &plain, sizeof x) != 0) return false;
  }
  return true;
}

void SetRaw(const Tensor& tensor, proto::Tensor& out) {
  out.set_raw(reinterpret_cast<const char*>(tensor.data()), tensor.bytes());
}

template <typename T, typename Repeated>
void SetFloats(const Tensor& tensor, Repeated& list, proto::Tensor& out) {
  const std::span<const T> values = tensor.values<T>();
  if (!TextIsExact(values)) return SetRaw(tensor, out);
  list.Add(values.begin(), values.end());
}

void SetElements(const Tensor& tensor, proto::Tensor& out) {
  VisitDType(tensor.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_same_v<T, float>) {
      SetFloats<T>(tensor, *out.mutable_floats(), out);
    } else if constexpr (std::is_same_v<T, double>) {
      SetFloats<T>(tensor, *out.mutable_doubles(), out);
    } else if constexpr (kListedInts.contains(DTypeOf<T>)) {
      const auto values = tensor.values<T>();
      out.mutable_ints()->Add(values.begin(), values.end());
    } else {
      SetRaw(tensor, out);
    }
  });
}

template <typename T, typename Repeated>
absl::StatusOr<Tensor> FromList(const TensorLayout& layout, const Repeated& list) {
  const uint64_t elements = layout.bytes / sizeof(T);
  if (static_cast<uint64_t>(list.size()) != elements) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "expected %d elements for %s%s, got %d", elements, std::string(ToString(layout.dtype)),
        ToString(std::span(layout.dims)), list.size()));
  }
  WEFT_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Zeros(layout.dtype, layout.dims));
  const std::span<T> values = tensor.mutable_values<T>();
  for (int i = 0; i < list.size(); ++i) {
    values[static_cast<size_t>(i)] = static_cast<T>(list.Get(i));
    if constexpr (std::is_integral_v<T>) {
      if (static_cast<int64_t>(values[static_cast<size_t>(i)]) != list.Get(i)) {
        return absl::InvalidArgumentError(absl::StrFormat("element %d: %d is out of range for %s",
                                                          i, list.Get(i),
                                                          std::string(ToString(layout.dtype))));
      }
    }
  }
  return tensor;
}

absl::StatusOr<Tensor> ReadElements(const proto::Tensor& message) {
  WEFT_ASSIGN_OR_RETURN(TensorLayout layout, DecodeLayout(message));
  if (message.offset() != 0 || message.length() != 0 || message.crc32() != 0) {
    return absl::InvalidArgumentError("has offset, length or crc32, which text may not have");
  }
  const bool raw = !message.raw().empty();
  const bool f32 = layout.dtype == DType::kF32 && !raw;
  const bool f64 = layout.dtype == DType::kF64 && !raw;
  const bool ints = kListedInts.contains(layout.dtype) && !raw;
  if ((message.floats_size() > 0 && !f32) || (message.doubles_size() > 0 && !f64) ||
      (message.ints_size() > 0 && !ints)) {
    return absl::InvalidArgumentError(absl::StrFormat("elements in a list that is not for %s",
                                                      std::string(ToString(layout.dtype))));
  }
  if (f32) return FromList<float>(layout, message.floats());
  if (f64) return FromList<double>(layout, message.doubles());
  if (ints) {
    Tensor tensor;
    WEFT_RETURN_IF_ERROR(VisitDType<kListedInts>(layout.dtype, [&](auto zero) -> absl::Status {
      WEFT_ASSIGN_OR_RETURN(tensor, FromList<decltype(zero)>(layout, message.ints()));
      return absl::OkStatus();
    }));
    return tensor;
  }
  WEFT_RETURN_IF_ERROR(CheckElements(layout.dtype, BytesOf(message.raw())));
  return Tensor::FromBytes(layout.dtype, layout.dims, BytesOf(message.raw()));
}

// Keeps the first error, where protobuf would print all of them.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (!text.empty()) return;
    text = absl::StrFormat("line %d, column %d: %s", line + 1, column + 1, message);
  }
  std::string text;
};

absl::Status ParseText(const std::string& text, bool allow_unknown, proto::File& file) {
  google::protobuf::TextFormat::Parser parser;
  FirstError error;
  parser.RecordErrorsTo(&error);
  parser.AllowUnknownField(allow_unknown);
  parser.SetRecursionLimit(kMaxNesting);
  if (parser.ParseFromString(text, &file)) return absl::OkStatus();
  return absl::InvalidArgumentError(error.text.empty() ? "not a model in text form" : error.text);
}

absl::StatusOr<proto::Model> ReadText(const std::string& text) {
  proto::File file;
  const absl::Status parsed = ParseText(text, false, file);
  // A newer version's fields are unknown; its number says more than their names.
  proto::File lenient;
  const proto::File& judged = parsed.ok() || !ParseText(text, true, lenient).ok() ? file : lenient;
  if (judged.format_version() > static_cast<uint32_t>(kFormatVersion)) {
    return absl::FailedPreconditionError(
        absl::StrFormat("file has format version %d, this weft reads up to %d",
                        judged.format_version(), kFormatVersion));
  }
  WEFT_RETURN_IF_ERROR(parsed);
  if (file.format_version() == 0 || !file.has_model()) {
    return absl::InvalidArgumentError("expected format_version and model");
  }
  if (file.magic() != 0 || file.file_size() != 0 || file.checksum() != 0 ||
      file.padding_size() > 0 || file.data_size() > 0) {
    return absl::InvalidArgumentError("has fields of the binary form only");
  }
  return std::move(*file.mutable_model());
}

absl::StatusOr<Model> ModelFromText(const std::string& text, const OpRegistry& registry) {
  WEFT_ASSIGN_OR_RETURN(const proto::Model message, ReadText(text));
  std::vector<Tensor> tensors;
  for (int i = 0; i < message.tensors_size(); ++i) {
    absl::StatusOr<Tensor> tensor = ReadElements(message.tensors(i));
    if (!tensor.ok()) return Annotate(tensor.status(), absl::StrFormat("tensor %d", i));
    tensors.push_back(*std::move(tensor));
  }
  return DecodeModel(message, tensors, registry);
}

}  // namespace

std::string ModelToProtoText(const Model& model) {
  absl::StatusOr<EncodedModel> encoded = EncodeModel(model);
  std::string text;
  if (!encoded.ok()) return text;
  for (size_t i = 0; i < encoded->tensors.size(); ++i) {
    SetElements(encoded->tensors[i], *encoded->message.mutable_tensors(static_cast<int>(i)));
  }
  proto::File file;
  file.set_format_version(kFormatVersion);
  *file.mutable_model() = std::move(encoded->message);
  google::protobuf::TextFormat::Printer printer;
  printer.SetUseShortRepeatedPrimitives(true);
  printer.PrintToString(file, &text);
  return text;
}

absl::StatusOr<Model> ModelFromProtoText(std::string_view text, const OpRegistry& registry) {
  absl::StatusOr<Model> model = ModelFromText(std::string(text), registry);
  if (!model.ok()) return Annotate(model.status(), "model text");
  return model;
}

}  // namespace weft
