#include "runtime/plan/packed_memory.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/file/mapped_pages.h"
#include "runtime/kernel.h"
#include "runtime/scratch.h"

namespace weft {
namespace {

// Packed constants of at least this many bytes together share pieces of memory.
constexpr size_t kPackedPiece = size_t{16} << 20;

absl::StatusOr<std::shared_ptr<std::byte>> OwnPiece(size_t bytes) {
  std::shared_ptr<std::byte> memory = AllocateAligned(bytes);
  if (memory != nullptr) return memory;
  return absl::ResourceExhaustedError(absl::StrCat("not enough memory for ", bytes, " bytes"));
}

}  // namespace

PackedMemory::PackedMemory(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    if (node.op_name() == kConstant) unpacked_ += LeafValue(node).bytes();
  }
}

absl::StatusOr<std::shared_ptr<std::byte>> PackedMemory::Allocate(size_t bytes) {
  const size_t space = AlignedBytes(bytes);
  const bool shares = unpacked_ >= kPackedPiece && space <= kPackedPiece / 2;
  if (!shares) return OwnPiece(bytes);
  if (space > left_) {
    WEFT_ASSIGN_OR_RETURN(piece_, OwnPiece(kPackedPiece));
    left_ = kPackedPiece;
  }
  std::byte* const at = piece_.get() + (kPackedPiece - left_);
  left_ -= space;
  return std::shared_ptr<std::byte>(piece_, at);
}

absl::StatusOr<Tensor> PackedMemory::Pack(const Tensor& constant, const Layout& wanted) {
  const Layout plain = Layout::Plain(constant.dtype(), constant.dims());
  WEFT_ASSIGN_OR_RETURN(auto kernel, MakeReorder(plain, wanted));
  WEFT_ASSIGN_OR_RETURN(std::shared_ptr<std::byte> packed, Allocate(wanted.bytes()));
  WEFT_ASSIGN_OR_RETURN(const std::shared_ptr<std::byte> scratch,
                        OwnPiece(kernel->scratch_bytes()));
  WEFT_ASSIGN_OR_RETURN(auto bound,
                        kernel->Bind({.inputs = {const_cast<std::byte*>(constant.data())},
                                      .outputs = {packed.get()},
                                      .scratch = scratch.get()}));
  WEFT_RETURN_IF_ERROR(bound->Run({}));
  ReleasePages({constant.data(), constant.bytes()});
  const std::span<const std::byte> bytes(packed.get(), wanted.bytes());
  return Tensor::Wrap(DType::kU8, {static_cast<int64_t>(bytes.size())}, bytes, std::move(packed));
}

}  // namespace weft
