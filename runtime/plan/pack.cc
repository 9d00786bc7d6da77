#include <span>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/file/mapped_pages.h"
#include "runtime/plan/lowering.h"
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

// Memory for packed constants. Those of a network lie side by side in a few large pieces, which
// can become huge pages.
class PackedMemory {
 public:
  // For so many bytes of constants.
  explicit PackedMemory(size_t all) : shares_(all >= kPackedPiece) {}

  // Zeros.
  absl::StatusOr<std::shared_ptr<std::byte>> Allocate(size_t bytes) {
    const size_t space = AlignedBytes(bytes);
    if (!shares_ || space == 0 || space > kPackedPiece / 2) return NewPiece(bytes);
    if (space > left_) {
      WEFT_ASSIGN_OR_RETURN(piece_, NewPiece(kPackedPiece));
      left_ = kPackedPiece;
    }
    std::byte* const at = piece_.get() + (kPackedPiece - left_);
    left_ -= space;
    return std::shared_ptr<std::byte>(piece_, at);
  }

  std::vector<std::span<std::byte>> pieces() && { return std::move(pieces_); }

 private:
  absl::StatusOr<std::shared_ptr<std::byte>> NewPiece(size_t bytes) {
    WEFT_ASSIGN_OR_RETURN(std::shared_ptr<std::byte> piece, OwnPiece(bytes));
    pieces_.emplace_back(piece.get(), bytes);
    return piece;
  }

  bool shares_;
  std::vector<std::span<std::byte>> pieces_;  // each is owned by the constants in it
  std::shared_ptr<std::byte> piece_;          // the last `left_` bytes of it are free
  size_t left_ = 0;
};

// The bytes of a constant, which is row-major, in another layout. Pages of a mapped file that it
// was read from are given back.
absl::StatusOr<Tensor> Pack(const Tensor& constant, const Layout& wanted, PackedMemory& memory) {
  const Layout plain = Layout::Plain(constant.dtype(), constant.dims());
  WEFT_ASSIGN_OR_RETURN(auto kernel, MakeReorder(plain, wanted));
  WEFT_ASSIGN_OR_RETURN(std::shared_ptr<std::byte> packed, memory.Allocate(wanted.bytes()));
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

}  // namespace

absl::Status PackStage(Lowering& lowering) {
  Plan& plan = lowering.plan;
  PackedMemory memory(plan.constant_bytes);
  for (const PlanValue& value : plan.values) {
    const PlanBuffer& buffer = plan.buffers[Index(value.buffer)];
    const Layout& layout = value.layout;
    if (buffer.place != Place::kConstant ||
        layout == Layout::Plain(layout.dtype(), layout.dims())) {
      continue;
    }
    Tensor& constant = plan.constants[Index(buffer.slot)];
    WEFT_ASSIGN_OR_RETURN(constant, Pack(constant, layout, memory));
  }
  plan.packed_memory = std::move(memory).pieces();
  return absl::OkStatus();
}

}  // namespace weft
