#include "frontend/weights/storage.h"

#include <algorithm>
#include <iterator>

#include "frontend/weights/named_tensors.h"

namespace weft {
namespace {

constexpr TorchType kTorchTypes[] = {
    {"torch.FloatStorage", "torch.float32", "f32", 4, DType::kF32},
    {"torch.DoubleStorage", "torch.float64", "f64", 8, DType::kF64},
    {"torch.HalfStorage", "torch.float16", "f16", 2, DType::kF16},
    {"torch.BFloat16Storage", "torch.bfloat16", "bf16", 2, DType::kBF16},
    {"torch.LongStorage", "torch.int64", "i64", 8, DType::kI64},
    {"torch.IntStorage", "torch.int32", "i32", 4, DType::kI32},
    {"torch.ShortStorage", "torch.int16", "i16", 2, DType::kI16},
    {"torch.CharStorage", "torch.int8", "i8", 1, DType::kI8},
    {"torch.ByteStorage", "torch.uint8", "u8", 1, DType::kU8},
    {"torch.BoolStorage", "torch.bool", "bool", 1, DType::kBool},
    {"torch.ComplexFloatStorage", "torch.complex64", "c64", 8, std::nullopt},
    {"torch.ComplexDoubleStorage", "torch.complex128", "c128", 16, std::nullopt},
    {"torch.QInt8Storage", "torch.qint8", "qi8", 1, std::nullopt},
    {"torch.QUInt8Storage", "torch.quint8", "qu8", 1, std::nullopt},
    {"torch.QInt32Storage", "torch.qint32", "qi32", 4, std::nullopt},
    {"torch.QUInt4x2Storage", "torch.quint4x2", "qu4x2", 1, std::nullopt},
    {"torch.QUInt2x4Storage", "torch.quint2x4", "qu2x4", 1, std::nullopt},
    // Newer types have storages of plain bytes, and the tensor says what they are.
    {"torch.storage.UntypedStorage", "", "bytes", 1, std::nullopt},
    {"", "torch.uint16", "u16", 2, DType::kU16},
    {"", "torch.uint32", "u32", 4, DType::kU32},
    {"", "torch.uint64", "u64", 8, DType::kU64},
    {"", "torch.complex32", "c32", 4, std::nullopt},
    {"", "torch.float8_e5m2", "f8_e5m2", 1, std::nullopt},
    {"", "torch.float8_e4m3fn", "f8_e4m3", 1, std::nullopt},
    {"", "torch.float8_e5m2fnuz", "f8_e5m2fnuz", 1, std::nullopt},
    {"", "torch.float8_e4m3fnuz", "f8_e4m3fnuz", 1, std::nullopt},
    {"", "torch.float8_e8m0fnu", "f8_e8m0", 1, std::nullopt},
    {"", "torch.float4_e2m1fn_x2", "f4x2", 1, std::nullopt},
};

const TorchType* FindTypeBy(std::string_view TorchType::*field, std::string_view name) {
  const auto it = std::find_if(std::begin(kTorchTypes), std::end(kTorchTypes),
                               [&](const TorchType& type) { return type.*field == name; });
  return name.empty() || it == std::end(kTorchTypes) ? nullptr : &*it;
}

// Keys are compared with each other, and a pickle can repeat a long one at two bytes each.
constexpr size_t kMaxStorageKey = 256;

}  // namespace

const TorchType* FindTorchType(std::string_view dtype) {
  return FindTypeBy(&TorchType::dtype, dtype);
}

absl::Status MalformedTensor(std::string_view what) {
  return absl::DataLossError(absl::StrCat("malformed tensor: ", Absl(what)));
}

absl::StatusOr<int64_t> ReadNatural(const PickleObject& object, std::string_view what) {
  if (object.kind == PickleKind::kInt && object.integer >= 0) return object.integer;
  return MalformedTensor(absl::StrCat("expected a natural number for ", Absl(what)));
}

bool IsStorage(const PickleObject& persistent) {
  if (persistent.kind != PickleKind::kPersistent) return false;
  const PickleObject& tuple = *persistent.items[0];
  return tuple.kind == PickleKind::kTuple && !tuple.items.empty() &&
         tuple.items[0]->text == "storage";
}

absl::StatusOr<StorageId> ReadStorageId(const PickleObject& persistent) {
  const auto malformed = [] {
    return MalformedTensor("expected a storage's class, key, device and size");
  };
  if (!IsStorage(persistent)) return malformed();
  const auto& items = persistent.items[0]->items;
  const bool six = items.size() == 6;
  if ((items.size() != 5 && !six) || items[1]->kind != PickleKind::kGlobal ||
      items[2]->kind != PickleKind::kText || items[2]->text.size() > kMaxStorageKey) {
    return malformed();
  }
  const TorchType* type = FindTypeBy(&TorchType::storage, items[1]->text);
  if (type == nullptr) {
    return MalformedTensor(absl::StrCat(Printable(items[1]->text), " is no storage's class"));
  }
  StorageId id = {type, items[2]->text, 0, 0, 0};
  WEFT_ASSIGN_OR_RETURN(id.elements, ReadNatural(*items[4], "its storage's size"));
  id.part_elements = id.elements;
  if (!six || items[5]->kind == PickleKind::kNone) return id;
  const PickleObject& part = *items[5];
  if (part.kind != PickleKind::kTuple || part.items.size() != 3) {
    return MalformedTensor("expected key, offset and size of a storage's part");
  }
  WEFT_ASSIGN_OR_RETURN(id.part_begin, ReadNatural(*part.items[1], "its storage's offset"));
  WEFT_ASSIGN_OR_RETURN(id.part_elements, ReadNatural(*part.items[2], "its storage's size"));
  if (id.part_begin > id.elements || id.part_elements > id.elements - id.part_begin) {
    return MalformedTensor("a part beyond its storage");
  }
  return id;
}

}  // namespace weft
