#ifndef WEFT_FRONTEND_WEIGHTS_PTH_H_
#define WEFT_FRONTEND_WEIGHTS_PTH_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "frontend/weights/named_tensors.h"

namespace weft {

// Reads a state dict that PyTorch's torch.save wrote (.pth, .pt), alone, in a checkpoint or as a
// module, or a module of torch.jit.save: a zip archive with a pickle and one entry a storage, or
// the older format of pickles with the storages behind them. Nothing in it is executed: what is no
// tensor is passed over, whatever its class (see ParsePickle). `key` picks one of several state
// dicts (see FindTensors). Tensors are views of `bytes` where `owner`, which keeps them alive, is
// given, they are aligned, row-major and not deflated; else copies. Errors begin with `name`, which
// stands for the file: those of ZipArchive, ParsePickle and ReadStateDict; another layout; numbers
// in big-endian order; bytes after the last storage.
absl::StatusOr<NamedTensors> ParsePth(std::span<const std::byte> bytes, const std::string& name,
                                      std::shared_ptr<const void> owner = nullptr,
                                      std::string_view key = {});

// Whether `bytes` begin as one of the two formats does.
bool LooksLikePth(std::span<const std::byte> bytes);

}  // namespace weft

#endif  // WEFT_FRONTEND_WEIGHTS_PTH_H_
