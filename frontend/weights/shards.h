#ifndef WEFT_FRONTEND_WEIGHTS_SHARDS_H_
#define WEFT_FRONTEND_WEIGHTS_SHARDS_H_

#include <functional>
#include <span>
#include <string>

#include "frontend/weights/named_tensors.h"

namespace weft {

// Whether `bytes` begin as the JSON of an index does.
bool LooksLikeShardIndex(std::span<const std::byte> bytes);

using OpenShard = std::function<absl::StatusOr<NamedTensors>(const std::string& path)>;

// The tensors of model.safetensors.index.json or pytorch_model.bin.index.json, whose "weight_map"
// says for each name which file beside the index has it; `open` reads one. Tensors that the index
// does not name are passed over. Errors begin with `path`, the index's: no JSON of that form, over
// 16 MiB of it, a file that is not right beside the index, one that cannot be read, a tensor that
// is not in the file it should be in.
absl::StatusOr<NamedTensors> OpenShards(std::span<const std::byte> index, const std::string& path,
                                        const OpenShard& open);

}  // namespace weft

#endif  // WEFT_FRONTEND_WEIGHTS_SHARDS_H_
