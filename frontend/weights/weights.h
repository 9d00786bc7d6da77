#ifndef WEFT_FRONTEND_WEIGHTS_WEIGHTS_H_
#define WEFT_FRONTEND_WEIGHTS_WEIGHTS_H_

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/weights/name_map.h"
#include "frontend/weights/named_tensors.h"
#include "graph/file/file_system.h"
#include "graph/model.h"

namespace weft {

// Maps a file of weights: .safetensors, a state dict or module that PyTorch saved (.pth, .pt), or
// the index of such files (model.safetensors.index.json). What the file holds says which, not its
// name. Nothing in it is executed. `key` picks one of several state dicts in a PyTorch file (see
// FindTensors). The file must stay as it is while the tensors live: truncating it in place raises
// SIGBUS when they are read. Errors name the file: those of MapFile, ParseSafetensors, ParsePth and
// OpenShards; another format.
absl::StatusOr<NamedTensors> OpenWeights(const std::string& path, std::string_view key = {});
// The same from the bytes of one file in memory; tensors are copies. `name` stands for the file in
// errors.
absl::StatusOr<NamedTensors> ParseWeights(std::span<const std::byte> bytes,
                                          const std::string& name);

struct LoadWeightsOptions {
  // Rename the file's tensors to the model's variables, one pattern after the other, each over all
  // names as the previous ones left them.
  std::vector<NamePattern> map{};
  // Variables that the file lacks, or has as a type that Weft lacks, keep their values, and surplus
  // tensors are passed over.
  bool partial = false;
};

struct WeightsReport {
  std::vector<std::string> loaded;       // the variables that got new values
  std::map<std::string, int> converted;  // of these, how many by "f16 to f32"
  std::vector<std::string> missing;      // with partial: variables not in the file
  // With partial: variables that the file has as types that Weft lacks, and these ("c64[3,4]").
  std::map<std::string, std::string> unsupported;
  std::vector<std::string> unexpected;  // with partial: names in the file, mapped, of no variable
};

// Gives the model's parameters and statistics the values of the tensors with their names; an
// optimizer's slots are not looked at. f16, bf16, f32 and f64 are converted to the variable's
// floating-point type (values beyond f32's range become infinite); other types must be equal.
// PyTorch's counters "….num_batches_tracked" are passed over unless a variable has the name. A
// variable may share the tensor's memory, a mapped file. The model's training state, which belongs
// to the old weights, is dropped.
// Errors, with nothing changed, in one error all of: patterns that match no name, two tensors
// mapped to one name, variables missing in the file and tensors unexpected in it (unless partial),
// other dims, other types. With partial, an error where nothing is loaded. Where a prefix that all
// names of one side have is in the way ("module."), the error says the --map that mends it.
absl::StatusOr<WeightsReport> LoadWeights(Model& model, const NamedTensors& weights,
                                          const LoadWeightsOptions& options = {});

// Whether a variable is a parameter or a statistic; the other ones are an optimizer's.
bool IsWeight(const Node& variable);
// The model's parameters and statistics by name.
TensorMap WeightsOf(const Model& model);

// Writes WeightsOf(model) as a .safetensors file that PyTorch's users expect, with the metadata
// {"format": "pt"}. Errors: a model without variables; those of WriteSafetensors.
absl::Status SaveWeights(const Model& model, const std::string& path,
                         FileSystem& fs = PosixFileSystem());

}  // namespace weft

#endif  // WEFT_FRONTEND_WEIGHTS_WEIGHTS_H_
