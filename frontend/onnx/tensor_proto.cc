#include "frontend/onnx/tensor_proto.h"

#include <charconv>
#include <limits>

#include "frontend/io/check_bools.h"
#include "frontend/io/read_file.h"
#include "frontend/onnx/export/export.h"
#include "frontend/onnx/import/import.h"
#include "graph/file/file_system.h"

namespace weft {
namespace {

using onnx::TensorProto;

constexpr struct {
  DType dtype;
  int32_t onnx;
} kTypes[] = {{DType::kF32, TensorProto::FLOAT},   {DType::kF64, TensorProto::DOUBLE},
              {DType::kI32, TensorProto::INT32},   {DType::kI64, TensorProto::INT64},
              {DType::kU8, TensorProto::UINT8},    {DType::kBool, TensorProto::BOOL},
              {DType::kF16, TensorProto::FLOAT16}, {DType::kBF16, TensorProto::BFLOAT16},
              {DType::kI8, TensorProto::INT8},     {DType::kU16, TensorProto::UINT16},
              {DType::kU32, TensorProto::UINT32},  {DType::kU64, TensorProto::UINT64},
              {DType::kI16, TensorProto::INT16}};

// Bytes as they lie in memory; a view where they can be one.
absl::StatusOr<Tensor> FromBytes(DType dtype, Dims dims, std::span<const std::byte> bytes,
                                 const std::shared_ptr<const void>& owner) {
  const bool aligned = reinterpret_cast<uintptr_t>(bytes.data()) % SizeOf(dtype) == 0;
  if (owner != nullptr && aligned) return Tensor::Wrap(dtype, std::move(dims), bytes, owner);
  return Tensor::FromBytes(dtype, std::move(dims), bytes);
}

// Elements of a typed field, each narrowed to T, which must hold it.
template <typename T, typename Field>
absl::StatusOr<Tensor> FromField(DType dtype, Dims dims, const Field& field) {
  WEFT_ASSIGN_OR_RETURN(const int64_t size, CountElements(dims));
  if (field.size() != size) {
    return absl::InvalidArgumentError(absl::StrCat("expected ", size, " elements for dims ",
                                                   ToString(dims), ", got ", field.size()));
  }
  std::vector<T> values(static_cast<size_t>(size));
  for (int i = 0; i < field.size(); ++i) {
    const auto value = field.Get(i);
    if constexpr (std::is_integral_v<T>) {
      using Limits = std::numeric_limits<T>;
      if (value < static_cast<decltype(value)>(Limits::min()) ||
          value > static_cast<decltype(value)>(Limits::max())) {
        return absl::InvalidArgumentError(
            absl::StrCat("element ", i, " is ", value, ", which is no ", ToString(dtype).data()));
      }
    }
    values[static_cast<size_t>(i)] = static_cast<T>(value);
  }
  return Tensor::FromBytes(dtype, std::move(dims), std::as_bytes(std::span(values)));
}

absl::StatusOr<Tensor> FromTypedData(DType dtype, Dims dims, const TensorProto& proto) {
  switch (dtype) {
    case DType::kF32:
      return FromField<float>(dtype, std::move(dims), proto.float_data());
    case DType::kF64:
      return FromField<double>(dtype, std::move(dims), proto.double_data());
    case DType::kI64:
      return FromField<int64_t>(dtype, std::move(dims), proto.int64_data());
    case DType::kI32:
      return FromField<int32_t>(dtype, std::move(dims), proto.int32_data());
    case DType::kU8:
    case DType::kBool:
      return FromField<uint8_t>(dtype, std::move(dims), proto.int32_data());
    case DType::kI8:
      return FromField<int8_t>(dtype, std::move(dims), proto.int32_data());
    case DType::kI16:
      return FromField<int16_t>(dtype, std::move(dims), proto.int32_data());
    case DType::kU32:
      return FromField<uint32_t>(dtype, std::move(dims), proto.uint64_data());
    case DType::kU64:
      return FromField<uint64_t>(dtype, std::move(dims), proto.uint64_data());
    case DType::kU16:
    case DType::kF16:  // their bits
    case DType::kBF16:
      return FromField<uint16_t>(dtype, std::move(dims), proto.int32_data());
  }
  return absl::InternalError("a dtype without a field");
}

absl::StatusOr<uint64_t> ParseNumber(const std::string& key, const std::string& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("external data: expected a number of bytes as ", key, ", got '", text, "'"));
  }
  return value;
}

absl::StatusOr<Tensor> FromExternal(DType dtype, Dims dims, const TensorProto& proto,
                                    const TensorSource& source) {
  if (source.external == nullptr) {
    return absl::InvalidArgumentError("has external data, which is read beside model files only");
  }
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
  for (const onnx::StringStringEntryProto& entry : proto.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") {
      WEFT_ASSIGN_OR_RETURN(offset, ParseNumber("offset", entry.value()));
    }
    if (entry.key() == "length") {
      WEFT_ASSIGN_OR_RETURN(length, ParseNumber("length", entry.value()));
    }
  }
  WEFT_ASSIGN_OR_RETURN(const int64_t size, CountElements(dims));
  // Without a length the file says more than the tensor needs where others follow it.
  const uint64_t needed = static_cast<uint64_t>(size) * SizeOf(dtype);
  WEFT_ASSIGN_OR_RETURN(const MappedFile file,
                        source.external->Read(location, offset, length.value_or(needed)));
  return FromBytes(dtype, std::move(dims), file.bytes, file.owner);
}

absl::StatusOr<Tensor> FromProto(const TensorProto& proto, const TensorSource& source) {
  const std::optional<DType> dtype = DTypeOfOnnx(proto.data_type());
  if (!dtype) {
    return absl::UnimplementedError(
        absl::StrCat("tensors of ", OnnxTypeName(proto.data_type()), " are not supported"));
  }
  if (proto.has_segment()) return absl::UnimplementedError("segments are not supported");
  Dims dims(proto.dims().begin(), proto.dims().end());
  WEFT_RETURN_IF_ERROR(CountElements(dims).status());
  if (proto.data_location() == TensorProto::EXTERNAL) {
    return FromExternal(*dtype, std::move(dims), proto, source);
  }
  if (proto.has_raw_data()) {
    const auto bytes = std::as_bytes(std::span(proto.raw_data()));
    return FromBytes(*dtype, std::move(dims), bytes, source.owner);
  }
  return FromTypedData(*dtype, std::move(dims), proto);
}

}  // namespace

std::optional<DType> DTypeOfOnnx(int32_t data_type) {
  for (const auto& type : kTypes) {
    if (type.onnx == data_type) return type.dtype;
  }
  return std::nullopt;
}

int32_t OnnxTypeOf(DType dtype) {
  for (const auto& type : kTypes) {
    if (type.dtype == dtype) return type.onnx;
  }
  return TensorProto::UNDEFINED;
}

std::string OnnxTypeName(int32_t data_type) {
  if (!TensorProto::DataType_IsValid(data_type)) return absl::StrCat("data type ", data_type);
  return TensorProto::DataType_Name(static_cast<TensorProto::DataType>(data_type));
}

absl::StatusOr<Tensor> TensorFromProto(const TensorProto& proto, const TensorSource& source) {
  absl::StatusOr<Tensor> tensor = FromProto(proto, source);
  if (tensor.ok()) {
    const absl::Status bools = CheckBools(*tensor);
    if (!bools.ok()) tensor = bools;
  }
  if (tensor.ok() || proto.name().empty()) return tensor;
  return Annotate(tensor.status(), absl::StrCat("tensor ", proto.name()));
}

TensorProto TensorToProto(const Tensor& tensor, std::string_view name) {
  TensorProto proto;
  proto.set_name(std::string(name));
  proto.set_data_type(OnnxTypeOf(tensor.dtype()));
  for (int64_t dim : tensor.dims()) proto.add_dims(dim);
  proto.set_raw_data(tensor.data(), tensor.bytes());
  return proto;
}

absl::StatusOr<Tensor> ParseOnnxTensor(std::span<const std::byte> bytes, const std::string& name) {
  TensorProto proto;
  WEFT_RETURN_IF_ERROR(ParseOnnxMessage(bytes, name, proto));
  absl::StatusOr<Tensor> tensor = TensorFromProto(proto);
  return tensor.ok() ? std::move(tensor) : Annotate(tensor.status(), name);
}

absl::Status WriteOnnxTensor(const std::string& path, const Tensor& tensor, std::string_view name) {
  if (tensor.is_empty()) return absl::InvalidArgumentError(path + ": expected a tensor, got none");
  std::string bytes;
  // A message has at most 2 GiB, of which the head takes some.
  constexpr size_t kMostBytes = (size_t{1} << 31) - (size_t{1} << 16);
  if (tensor.bytes() > kMostBytes || !TensorToProto(tensor, name).SerializeToString(&bytes)) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": a TensorProto has at most 2 GiB, the tensor ", tensor.bytes(), " bytes"));
  }
  return WriteAtomically(PosixFileSystem(), path, [&](WritableFile& file) {
    return file.Append(std::as_bytes(std::span(bytes)));
  });
}

absl::StatusOr<Tensor> ReadOnnxTensor(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path));
  return ParseOnnxTensor(bytes, path);
}

}  // namespace weft
