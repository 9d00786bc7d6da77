#include "graph/dtype.h"

#include <array>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

struct Info {
  DType dtype;
  std::string_view name;
  size_t size;
};

constexpr std::array<Info, kNumDTypes> kInfos = {{
    {DType::kF32, "f32", 4},
    {DType::kF64, "f64", 8},
    {DType::kI32, "i32", 4},
    {DType::kI64, "i64", 8},
    {DType::kU8, "u8", 1},
    {DType::kBool, "bool", 1},
    {DType::kBF16, "bf16", 2},
    {DType::kF16, "f16", 2},
    {DType::kI8, "i8", 1},
    {DType::kU16, "u16", 2},
    {DType::kU32, "u32", 4},
    {DType::kU64, "u64", 8},
    {DType::kI16, "i16", 2},
}};

constexpr bool IsTableByNumber() {
  for (size_t i = 0; i < kInfos.size(); ++i) {
    if (static_cast<size_t>(kInfos[i].dtype) != i + 1) return false;
  }
  return true;
}
static_assert(IsTableByNumber());

const Info& InfoOf(DType dtype) { return kInfos[static_cast<size_t>(dtype) - 1]; }

}  // namespace

std::optional<DType> DTypeOfNumber(int number) {
  if (number < 1 || number > kNumDTypes) return std::nullopt;
  return static_cast<DType>(number);
}

size_t SizeOf(DType dtype) { return InfoOf(dtype).size; }

std::string_view ToString(DType dtype) { return InfoOf(dtype).name; }

std::optional<DType> ParseDType(std::string_view name) {
  for (const Info& info : kInfos) {
    if (info.name == name) return info.dtype;
  }
  return std::nullopt;
}

std::string DTypeSet::ToString() const {
  std::string text;
  for (const Info& info : kInfos) {
    if (!contains(info.dtype)) continue;
    if (!text.empty()) text += '|';
    text += info.name;
  }
  return text;
}

absl::Status RefusedDType(DType dtype, DTypeSet expected) {
  return absl::InvalidArgumentError(
      absl::StrCat("expected elements of ", expected.ToString(), ", got ", Absl(ToString(dtype))));
}

}  // namespace weft
