#include "frontend/weights/state_dict.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_format.h"
#include "frontend/io/check_bools.h"

namespace weft {
namespace {

struct StorageType {
  std::string_view storage;
  std::string_view name;
  size_t size;
  std::optional<DType> dtype;  // none: Weft has no such type
};
constexpr StorageType kStorageTypes[] = {
    {"torch.FloatStorage", "f32", 4, DType::kF32},
    {"torch.DoubleStorage", "f64", 8, DType::kF64},
    {"torch.HalfStorage", "f16", 2, DType::kF16},
    {"torch.BFloat16Storage", "bf16", 2, DType::kBF16},
    {"torch.LongStorage", "i64", 8, DType::kI64},
    {"torch.IntStorage", "i32", 4, DType::kI32},
    {"torch.ShortStorage", "i16", 2, std::nullopt},
    {"torch.CharStorage", "i8", 1, DType::kI8},
    {"torch.ByteStorage", "u8", 1, DType::kU8},
    {"torch.BoolStorage", "bool", 1, DType::kBool},
};

// (storage, first element, dims, strides, …)
constexpr std::string_view kRebuildTensors[] = {"torch._utils._rebuild_tensor",
                                                "torch._utils._rebuild_tensor_v2"};
// (tensor, …)
constexpr std::string_view kRebuildParameters[] = {"torch._utils._rebuild_parameter",
                                                   "torch._utils._rebuild_parameter_with_state"};

// Where checkpoints of training programs have the state dict, the likeliest first.
constexpr std::string_view kStateDictKeys[] = {"state_dict", "model_state_dict", "model", "net"};

template <typename Names>
bool Contains(const Names& names, std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

const StorageType* FindStorageType(std::string_view storage) {
  const auto it = std::find_if(std::begin(kStorageTypes), std::end(kStorageTypes),
                               [&](const StorageType& type) { return type.storage == storage; });
  return it == std::end(kStorageTypes) ? nullptr : &*it;
}

absl::Status Malformed(std::string_view what) {
  return absl::DataLossError(absl::StrCat("malformed tensor: ", Absl(what)));
}

// The call's function where `object` is one that makes a tensor or a parameter; else empty.
std::string_view TensorFunction(const PickleObject& object) {
  if (object.kind != PickleKind::kCall) return {};
  const std::string_view function = object.items[0]->text;
  return Contains(kRebuildTensors, function) || Contains(kRebuildParameters, function)
             ? function
             : std::string_view();
}

bool IsTensor(const PickleObject& object) { return !TensorFunction(object).empty(); }

bool HasTensors(const PickleObject& object) {
  if (object.kind != PickleKind::kDict) return false;
  for (size_t i = 1; i < object.items.size(); i += 2) {
    if (IsTensor(*object.items[i])) return true;
  }
  return false;
}

absl::StatusOr<int64_t> ReadInt(const PickleObject& object, std::string_view what) {
  if (object.kind == PickleKind::kInt && object.integer >= 0) return object.integer;
  return Malformed(absl::StrCat("expected a natural number for ", Absl(what)));
}

absl::StatusOr<Dims> ReadInts(const PickleObject& object, std::string_view what) {
  if (object.kind != PickleKind::kTuple) {
    return Malformed(
        absl::StrCat("expected a tuple for ", Absl(what), ", got ", Absl(Describe(object.kind))));
  }
  Dims ints;
  for (const PickleObject* item : object.items) {
    WEFT_ASSIGN_OR_RETURN(const int64_t value, ReadInt(*item, what));
    ints.push_back(value);
  }
  return ints;
}

// Elements of a storage.
struct View {
  int64_t offset = 0;
  Dims dims;
  Dims strides;  // in elements; as long as dims
  int64_t elements = 0;
};

bool IsRowMajor(const View& view) {
  int64_t stride = 1;
  for (size_t i = view.dims.size(); i-- > 0;) {
    if (view.dims[i] != 1 && view.strides[i] != stride) return false;
    stride *= view.dims[i];
  }
  return true;
}

// Whether all elements of `view`, one at least, are among a storage's first `elements`.
bool Fits(const View& view, int64_t elements) {
  int64_t last = view.offset;
  for (size_t i = 0; i < view.dims.size(); ++i) {
    int64_t reach;
    if (__builtin_mul_overflow(view.dims[i] - 1, view.strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      return false;
    }
  }
  return last < elements;
}

absl::StatusOr<View> ReadView(const PickleObject& offset, const PickleObject& dims,
                              const PickleObject& strides, int64_t storage_elements) {
  View view;
  WEFT_ASSIGN_OR_RETURN(view.offset, ReadInt(offset, "its offset"));
  WEFT_ASSIGN_OR_RETURN(view.dims, ReadInts(dims, "its dims"));
  WEFT_ASSIGN_OR_RETURN(view.strides, ReadInts(strides, "its strides"));
  WEFT_ASSIGN_OR_RETURN(view.elements, CountElements(view.dims));
  if (view.strides.size() != view.dims.size() ||
      (view.elements > 0 && !Fits(view, storage_elements))) {
    return Malformed(absl::StrFormat(
        "dims %s with strides %s from element %d do not fit its storage of %d elements",
        ToString(view.dims), ToString(view.strides), view.offset, storage_elements));
  }
  if (view.elements == 0) view.offset = 0;
  for (size_t i = 0; i < view.dims.size(); ++i) {  // A stride that takes no step may be anything.
    if (view.dims[i] == 1) view.strides[i] = 0;
  }
  return view;
}

// The view's elements of `size` bytes one after the other, in row-major order.
void CopyElements(std::span<const std::byte> storage, const View& view, size_t size,
                  std::byte* out) {
  const size_t rank = view.dims.size();
  Dims index(rank, 0);
  int64_t at = view.offset;
  for (int64_t n = 0; n < view.elements; ++n) {
    std::memcpy(out, storage.data() + static_cast<size_t>(at) * size, size);
    out += size;
    for (size_t axis = rank; axis-- > 0;) {
      at += view.strides[axis];
      if (++index[axis] < view.dims[axis]) break;
      at -= view.strides[axis] * view.dims[axis];
      index[axis] = 0;
    }
  }
}

// The keys of a dict, for errors; not those of a list.
std::string KeyList(const PickleObject& dict) {
  constexpr size_t kMost = 20;
  std::string list;
  for (size_t i = 0; i < dict.items.size() && i < 2 * kMost; i += 2) {
    const PickleObject& key = *dict.items[i];
    absl::StrAppend(&list, list.empty() ? "" : ", ",
                    key.kind == PickleKind::kText  ? Printable(key.text)
                    : key.kind == PickleKind::kInt ? absl::StrCat(key.integer)
                                                   : Absl(Describe(key.kind)));
  }
  if (dict.items.size() > 2 * kMost) absl::StrAppend(&list, ", ...");
  return list.empty() ? "none" : list;
}

// The dict whose values are the tensors: `root`, or one of its values.
absl::StatusOr<const PickleObject*> FindStateDict(const PickleObject& root) {
  if (root.kind != PickleKind::kDict) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a state dict, the file holds ", Absl(Describe(root.kind))));
  }
  // Looked at once each: a file may name one large dict under every key of another.
  std::unordered_map<const PickleObject*, bool> known;
  const auto has_tensors = [&known](const PickleObject* object) {
    const auto [it, first] = known.try_emplace(object, false);
    if (first) it->second = HasTensors(*object);
    return it->second;
  };
  std::set<const PickleObject*> nested;
  for (const std::string_view wanted : kStateDictKeys) {
    for (size_t i = 0; i < root.items.size(); i += 2) {
      if (root.items[i]->kind == PickleKind::kText && root.items[i]->text == wanted &&
          has_tensors(root.items[i + 1])) {
        return root.items[i + 1];
      }
    }
  }
  if (has_tensors(&root)) return &root;
  for (size_t i = 1; i < root.items.size(); i += 2) {
    if (has_tensors(root.items[i])) nested.insert(root.items[i]);
  }
  if (nested.size() == 1) return *nested.begin();
  return absl::InvalidArgumentError(absl::StrCat(
      nested.empty() ? "no tensors in the file" : "several state dicts in the file, none of them ",
      nested.empty() ? "" : "under state_dict or model", "; its keys: ", KeyList(root)));
}

// The place of what later PyTorch adds to a tensor's call: signs that its elements lack.
constexpr size_t kMetadataArgument = 6;

bool IsNothing(const PickleObject& object) {
  return object.kind == PickleKind::kNone ||
         (object.kind == PickleKind::kDict && object.items.empty());
}

class Reader {
 public:
  Reader(const FindStorage& find, uint64_t copy_limit)
      : find_(find), copies_left_(copy_limit), bools_left_(copy_limit), copy_limit_(copy_limit) {}

  absl::StatusOr<NamedTensors> Read(const PickleObject& dict) {
    for (size_t i = 0; i < dict.items.size(); i += 2) {
      if (!IsTensor(*dict.items[i + 1])) continue;
      if (dict.items[i]->kind != PickleKind::kText) {
        return Malformed(
            absl::StrCat("expected a name, it has ", Absl(Describe(dict.items[i]->kind))));
      }
      const std::string name(dict.items[i]->text);
      const absl::Status status = ReadEntry(name, dict.items[i + 1]);
      if (!status.ok()) return Annotate(status, Printable(name));
    }
    return std::move(result_);
  }

 private:
  absl::Status ReadEntry(const std::string& name, const PickleObject* tensor) {
    if (result_.tensors.contains(name) || result_.unsupported.contains(name)) {
      return Malformed("its name comes twice");
    }
    if (Contains(kRebuildParameters, TensorFunction(*tensor))) {
      const PickleObject& arguments = *tensor->items[1];
      if (arguments.items.empty()) return Malformed("a parameter of no tensor");
      tensor = arguments.items[0];
    }
    if (!Contains(kRebuildTensors, TensorFunction(*tensor)) || tensor->items[1]->items.size() < 4) {
      return Malformed("expected a call with storage, offset, dims and strides");
    }
    const auto& arguments = tensor->items[1]->items;
    if (arguments.size() > kMetadataArgument && !IsNothing(*arguments[kMetadataArgument])) {
      return absl::UnimplementedError(
          "its values are negated or conjugated lazily; save tensor.resolve_neg().resolve_conj()");
    }
    WEFT_ASSIGN_OR_RETURN(const StorageId id, ReadStorageId(*arguments[0]));
    WEFT_ASSIGN_OR_RETURN(View view,
                          ReadView(*arguments[1], *arguments[2], *arguments[3], id.part_elements));
    const StorageType& type = *FindStorageType(id.type);
    if (!type.dtype) {
      result_.unsupported[name] = absl::StrCat(Absl(type.name), ToString(view.dims));
      return absl::OkStatus();
    }
    WEFT_ASSIGN_OR_RETURN(const SharedBytes storage, Storage(id));
    view.offset += id.part_begin;
    WEFT_ASSIGN_OR_RETURN(Tensor t, MakeTensor(*type.dtype, view, storage));
    if (t.dtype() == DType::kBool) {
      WEFT_RETURN_IF_ERROR(SpendOnBools(t.bytes()));
      WEFT_RETURN_IF_ERROR(CheckBools(t));
    }
    result_.tensors.emplace(name, std::move(t));
    return absl::OkStatus();
  }

  // Views cost the file nothing, but their bytes are looked at one by one.
  absl::Status SpendOnBools(size_t bytes) {
    if (bytes > bools_left_) {
      return absl::ResourceExhaustedError(absl::StrFormat(
          "tensors of bools of more than %d bytes, the limit for this file", copy_limit_));
    }
    bools_left_ -= bytes;
    return absl::OkStatus();
  }

  // The whole storage's bytes, owned and aligned; found once a key.
  absl::StatusOr<SharedBytes> Storage(const StorageId& id) {
    auto it = storages_.find(id.key);
    if (it == storages_.end()) {
      WEFT_ASSIGN_OR_RETURN(SharedBytes found, find_(id.key));
      it = storages_.emplace(id.key, std::move(found)).first;
    }
    const size_t size = it->second.bytes.size();
    if (size % id.element_bytes != 0 ||
        size / id.element_bytes != static_cast<uint64_t>(id.elements)) {
      return absl::DataLossError(
          absl::StrFormat("expected %d elements of %d bytes in storage %s, the file has %d bytes",
                          id.elements, id.element_bytes, Printable(id.key), size));
    }
    WEFT_ASSIGN_OR_RETURN(it->second, Owned(it->second, id.element_bytes));
    return it->second;
  }

  absl::StatusOr<Tensor> MakeTensor(DType dtype, const View& view, const SharedBytes& storage) {
    const size_t size = SizeOf(dtype);
    const size_t bytes = static_cast<size_t>(view.elements) * size;
    if (view.elements == 0) return Tensor::Zeros(dtype, view.dims);
    if (IsRowMajor(view)) {
      return Tensor::Wrap(dtype, view.dims,
                          storage.bytes.subspan(static_cast<size_t>(view.offset) * size, bytes),
                          storage.owner);
    }
    if (bytes > copies_left_) {
      return absl::ResourceExhaustedError(absl::StrFormat(
          "copying tensors that are not in row-major order takes more than %d bytes, the limit for "
          "this file",
          copy_limit_));
    }
    copies_left_ -= bytes;
    WEFT_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Zeros(dtype, view.dims));
    CopyElements(storage.bytes, view, size, tensor.mutable_data());
    return tensor;
  }

  const FindStorage& find_;
  uint64_t copies_left_;
  uint64_t bools_left_;
  uint64_t copy_limit_;
  std::map<std::string, SharedBytes, std::less<>> storages_;
  NamedTensors result_;
};

}  // namespace

std::span<const std::string_view> TensorGlobals() {
  static const std::vector<std::string_view> globals = [] {
    std::vector<std::string_view> names;
    for (const StorageType& type : kStorageTypes) names.push_back(type.storage);
    names.insert(names.end(), std::begin(kRebuildTensors), std::end(kRebuildTensors));
    names.insert(names.end(), std::begin(kRebuildParameters), std::end(kRebuildParameters));
    return names;
  }();
  return globals;
}

absl::StatusOr<StorageId> ReadStorageId(const PickleObject& persistent) {
  const PickleObject* tuple = &persistent;
  if (persistent.kind == PickleKind::kPersistent) tuple = persistent.items[0];
  const auto& items = tuple->items;
  const bool six = items.size() == 6;
  if (persistent.kind != PickleKind::kPersistent || tuple->kind != PickleKind::kTuple ||
      (items.size() != 5 && !six) || items[0]->text != "storage" ||
      items[1]->kind != PickleKind::kGlobal || items[2]->kind != PickleKind::kText) {
    return Malformed("expected a storage's class, key, device and size");
  }
  const StorageType* type = FindStorageType(items[1]->text);
  if (type == nullptr) {
    return Malformed(absl::StrCat(Absl(items[1]->text), " is no storage's class"));
  }
  StorageId id = {type->storage, type->size, items[2]->text, 0, 0, 0};
  WEFT_ASSIGN_OR_RETURN(id.elements, ReadInt(*items[4], "its storage's size"));
  id.part_elements = id.elements;
  if (!six || items[5]->kind == PickleKind::kNone) return id;
  const PickleObject& part = *items[5];
  if (part.kind != PickleKind::kTuple || part.items.size() != 3) {
    return Malformed("expected key, offset and size of a storage's part");
  }
  WEFT_ASSIGN_OR_RETURN(id.part_begin, ReadInt(*part.items[1], "its storage's offset"));
  WEFT_ASSIGN_OR_RETURN(id.part_elements, ReadInt(*part.items[2], "its storage's size"));
  if (id.part_begin > id.elements || id.part_elements > id.elements - id.part_begin) {
    return Malformed("a part beyond its storage");
  }
  return id;
}

absl::StatusOr<NamedTensors> ReadStateDict(const PickleObject& root, const FindStorage& find,
                                           uint64_t copy_limit) {
  WEFT_ASSIGN_OR_RETURN(const PickleObject* dict, FindStateDict(root));
  return Reader(find, copy_limit).Read(*dict);
}

}  // namespace weft
