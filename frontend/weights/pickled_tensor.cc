#include "frontend/weights/pickled_tensor.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

#include "absl/strings/str_format.h"
#include "frontend/weights/named_tensors.h"
#include "graph/type.h"

namespace weft {
namespace {

// (storage, first element, dims, strides, requires_grad, hooks, ...). The second adds signs that
// the elements lack, the third their dtype before them.
constexpr std::string_view kRebuildTensor = "torch._utils._rebuild_tensor";
constexpr std::string_view kRebuildTensor2 = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildTensor3 = "torch._utils._rebuild_tensor_v3";
constexpr size_t kViewArguments = 4;
constexpr size_t kSigns2 = 6;
constexpr size_t kDType3 = 6;
constexpr size_t kSigns3 = 7;

// (tensor, ...): the tensor as something more.
constexpr std::string_view kWrappers[] = {"torch._utils._rebuild_parameter",
                                          "torch._utils._rebuild_parameter_with_state",
                                          "torch._utils._rebuild_device_tensor_from_cpu_tensor"};
// (function, class, its arguments, ...): what the function gives, as one of a class.
constexpr std::string_view kSubclasses[] = {"torch._tensor._rebuild_from_type",
                                            "torch._tensor._rebuild_from_type_v2"};
constexpr std::string_view kRebuildAny = "torch._utils._rebuild_";

// Tensors that are no views of one storage; where the arguments have their dims, if they do.
struct OtherTensor {
  std::string_view function;
  std::string_view what;
  size_t dims = SIZE_MAX;
};
constexpr OtherTensor kOtherTensors[] = {
    {"torch._utils._rebuild_qtensor", "quantized", 2},
    {"torch._utils._rebuild_sparse_tensor", "sparse"},
    {"torch._utils._rebuild_sparse_csr_tensor", "sparse"},
    {"torch._utils._rebuild_nested_tensor", "nested"},
    {"torch._utils._rebuild_meta_tensor_no_storage", "meta", 1},
    {"torch._utils._rebuild_wrapper_subclass", "subclass", 2},
    {"torch._utils._rebuild_device_tensor_from_numpy", "a NumPy array"},
    {"torch._utils._rebuild_xla_tensor", "a NumPy array"},
};

template <typename Names>
bool IsAmong(const Names& names, std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// The call of torch._utils at the bottom of parameters and subclasses.
struct TensorCall {
  std::string_view function;
  const std::vector<const PickleObject*>* arguments = nullptr;
};

std::optional<TensorCall> FindTensorCall(const PickleObject& object) {
  constexpr int kMostLevels = 4;
  if (object.kind != PickleKind::kCall) return std::nullopt;
  TensorCall call = {object.text, &object.arguments->items};
  for (int level = 0; level < kMostLevels; ++level) {
    const auto& arguments = *call.arguments;
    if (IsAmong(kWrappers, call.function) && !arguments.empty() &&
        arguments[0]->kind == PickleKind::kCall) {
      call = {arguments[0]->text, &arguments[0]->arguments->items};
    } else if (IsAmong(kSubclasses, call.function) && arguments.size() > 2 &&
               arguments[0]->kind == PickleKind::kGlobal &&
               arguments[2]->kind == PickleKind::kTuple) {
      call = {arguments[0]->text, &arguments[2]->items};
    }
  }
  if (call.function.starts_with(kRebuildAny)) return call;
  return std::nullopt;
}

// A tuple, or a torch.Size of one.
absl::StatusOr<Dims> ReadNaturals(const PickleObject& object, std::string_view what) {
  const bool is_size = object.kind == PickleKind::kCall && object.text == "torch.Size" &&
                       object.arguments->items.size() == 1;
  const PickleObject& tuple = is_size ? *object.arguments->items[0] : object;
  if (tuple.kind != PickleKind::kTuple || tuple.items.size() > static_cast<size_t>(kMaxRank)) {
    return MalformedTensor(absl::StrCat("expected a tuple of at most ", kMaxRank, " for ",
                                        Absl(what), ", got ", Describe(tuple), " of ",
                                        tuple.items.size()));
  }
  Dims naturals;
  for (const PickleObject* item : tuple.items) {
    WEFT_ASSIGN_OR_RETURN(const int64_t value, ReadNatural(*item, what));
    naturals.push_back(value);
  }
  return naturals;
}

// Whether all elements of `view`, one at least, are among a storage's first `elements`.
bool FitsStorage(const StorageView& view, int64_t elements) {
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

absl::StatusOr<StorageView> ReadView(const std::vector<const PickleObject*>& arguments,
                                     int64_t storage_elements) {
  StorageView view;
  WEFT_ASSIGN_OR_RETURN(view.offset, ReadNatural(*arguments[1], "its offset"));
  WEFT_ASSIGN_OR_RETURN(view.dims, ReadNaturals(*arguments[2], "its dims"));
  WEFT_ASSIGN_OR_RETURN(view.strides, ReadNaturals(*arguments[3], "its strides"));
  WEFT_ASSIGN_OR_RETURN(view.elements, CountElements(view.dims));
  if (view.strides.size() != view.dims.size() ||
      (view.elements > 0 && !FitsStorage(view, storage_elements))) {
    return MalformedTensor(absl::StrFormat(
        "dims %s with strides %s from element %d do not fit its storage of %d elements",
        ToString(view.dims), ToString(view.strides), view.offset, storage_elements));
  }
  if (view.elements == 0) view.offset = 0;
  for (size_t i = 0; i < view.dims.size(); ++i) {  // A stride that takes no step may be anything.
    if (view.dims[i] == 1) view.strides[i] = 0;
  }
  return view;
}

// Whether the argument says that the elements are yet to be negated or conjugated.
bool HasLazySigns(const std::vector<const PickleObject*>& arguments, size_t at) {
  if (arguments.size() <= at || arguments[at]->kind == PickleKind::kNone) return false;
  return arguments[at]->kind != PickleKind::kDict || !arguments[at]->items.empty();
}

// A storage of plain bytes as one of elements of `type`.
absl::Status ReadAs(const TorchType& type, StorageId& id) {
  const auto size = static_cast<int64_t>(type.size);
  if (id.type->size == type.size) return absl::OkStatus();
  if (id.type->size != 1 || id.part_begin % size != 0 || id.part_elements % size != 0 ||
      id.elements % size != 0) {
    return MalformedTensor(absl::StrCat("expected a storage of ", Absl(type.name)));
  }
  id.elements /= size;
  id.part_begin /= size;
  id.part_elements /= size;
  return absl::OkStatus();
}

absl::StatusOr<PickledTensor> ReadDense(const TensorCall& call) {
  const auto& arguments = *call.arguments;
  const bool third = call.function == kRebuildTensor3;
  if (arguments.size() < kViewArguments || (third && arguments.size() <= kDType3)) {
    return MalformedTensor("expected a call with storage, offset, dims and strides");
  }
  PickledTensor tensor;
  WEFT_ASSIGN_OR_RETURN(tensor.storage, ReadStorageId(*arguments[0]));
  tensor.type = third ? FindTorchType(arguments[kDType3]->text) : tensor.storage.type;
  if (tensor.type == nullptr) {
    return MalformedTensor(absl::StrCat(Printable(arguments[kDType3]->text), " is no dtype"));
  }
  WEFT_RETURN_IF_ERROR(ReadAs(*tensor.type, tensor.storage));
  WEFT_ASSIGN_OR_RETURN(tensor.view, ReadView(arguments, tensor.storage.part_elements));
  tensor.view.offset += tensor.storage.part_begin;
  const std::string text = absl::StrCat(Absl(tensor.type->name), ToString(tensor.view.dims));
  if (!tensor.type->ours) tensor.unsupported = text;
  if (HasLazySigns(arguments, third ? kSigns3 : kSigns2)) {
    tensor.unsupported = text + " to be negated or conjugated: save resolve_neg().resolve_conj()";
  }
  return tensor;
}

}  // namespace

bool IsRowMajor(const StorageView& view) {
  int64_t stride = 1;
  for (size_t i = view.dims.size(); i-- > 0;) {
    if (view.dims[i] != 1 && view.strides[i] != stride) return false;
    stride *= view.dims[i];
  }
  return true;
}

bool IsTensor(const PickleObject& object) { return FindTensorCall(object).has_value(); }

absl::StatusOr<PickledTensor> ReadPickledTensor(const PickleObject& object) {
  const auto call = FindTensorCall(object);
  if (!call || IsAmong(kWrappers, call->function)) return MalformedTensor("a parameter of none");
  if (IsAmong(std::array{kRebuildTensor, kRebuildTensor2, kRebuildTensor3}, call->function)) {
    return ReadDense(*call);
  }
  PickledTensor tensor;
  const auto other =
      std::find_if(std::begin(kOtherTensors), std::end(kOtherTensors),
                   [&](const OtherTensor& kind) { return kind.function == call->function; });
  if (other == std::end(kOtherTensors)) {
    tensor.unsupported = absl::StrCat("made by ", Printable(call->function));
    return tensor;
  }
  tensor.unsupported = std::string(other->what);
  if (other->dims >= call->arguments->size()) return tensor;
  const auto dims = ReadNaturals(*(*call->arguments)[other->dims], "its dims");
  if (dims.ok()) tensor.unsupported += ToString(*dims);
  return tensor;
}

int64_t CountTensorElements(const PickleObject& object) {
  const auto call = FindTensorCall(object);
  if (!call || call->arguments->size() < kViewArguments) return 0;
  const auto dims = ReadNaturals(*(*call->arguments)[2], "its dims");
  return dims.ok() ? CountElements(*dims).value_or(0) : 0;
}

}  // namespace weft
