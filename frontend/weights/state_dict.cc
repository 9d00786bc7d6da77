#include "frontend/weights/state_dict.h"

#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "frontend/io/check_bools.h"
#include "frontend/weights/checkpoint.h"
#include "frontend/weights/pickled_tensor.h"

namespace weft {
namespace {

// The view's elements of `size` bytes one after the other, in row-major order.
void CopyElements(std::span<const std::byte> storage, const StorageView& view, size_t size,
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

class StateDictReader {
 public:
  StateDictReader(const FindStorage& find, uint64_t copy_limit)
      : find_(find), copies_left_(copy_limit), bools_left_(copy_limit), copy_limit_(copy_limit) {}

  absl::StatusOr<NamedTensors> Read(const std::vector<NamedPickle>& tensors) {
    for (const auto& [name, tensor] : tensors) {
      const absl::Status status = ReadEntry(name, *tensor);
      if (!status.ok()) return Annotate(status, Printable(name));
    }
    return std::move(result_);
  }

 private:
  absl::Status ReadEntry(const std::string& name, const PickleObject& object) {
    if (result_.tensors.contains(name) || result_.unsupported.contains(name)) {
      return MalformedTensor("its name comes twice");
    }
    WEFT_ASSIGN_OR_RETURN(PickledTensor pickled, ReadPickledTensor(object));
    if (!pickled.unsupported.empty()) {
      result_.unsupported[name] = std::move(pickled.unsupported);
      return absl::OkStatus();
    }
    WEFT_ASSIGN_OR_RETURN(const SharedBytes storage, Storage(pickled));
    WEFT_ASSIGN_OR_RETURN(Tensor t, MakeTensor(*pickled.type->ours, pickled.view, storage));
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
  absl::StatusOr<SharedBytes> Storage(const PickledTensor& tensor) {
    const StorageId& id = tensor.storage;
    const size_t element = tensor.type->size;
    auto it = storages_.find(id.key);
    if (it == storages_.end()) {
      WEFT_ASSIGN_OR_RETURN(SharedBytes found, find_(id.key));
      it = storages_.emplace(id.key, std::move(found)).first;
    }
    const size_t size = it->second.bytes.size();
    if (size % element != 0 || size / element != static_cast<uint64_t>(id.elements)) {
      return absl::DataLossError(
          absl::StrFormat("expected %d elements of %d bytes in storage %s, the file has %d bytes",
                          id.elements, element, Printable(id.key), size));
    }
    WEFT_ASSIGN_OR_RETURN(it->second, Owned(it->second, element));
    return it->second;
  }

  absl::StatusOr<Tensor> MakeTensor(DType dtype, const StorageView& view,
                                    const SharedBytes& storage) {
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

absl::StatusOr<NamedTensors> ReadStateDict(const PickleObject& root, const FindStorage& find,
                                           uint64_t copy_limit, std::string_view key) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<NamedPickle> tensors, FindTensors(root, key));
  return StateDictReader(find, copy_limit).Read(tensors);
}

}  // namespace weft
