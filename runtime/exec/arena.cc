#include "runtime/exec/arena.h"

#include "absl/strings/str_cat.h"
#include "graph/tensor.h"

namespace weft {

absl::Status Arena::Reserve(size_t bytes) {
  if (bytes <= bytes_) return absl::OkStatus();
  memory_.reset();  // first, so that both need not fit
  bytes_ = 0;
  memory_ = AllocateAligned(bytes);
  if (memory_ == nullptr) {
    return absl::ResourceExhaustedError(
        absl::StrCat("not enough memory for an arena of ", bytes, " bytes"));
  }
  AskForHugePages(memory_.get(), bytes);
  bytes_ = bytes;
  return absl::OkStatus();
}

}  // namespace weft
