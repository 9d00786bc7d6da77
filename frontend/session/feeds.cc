#include "frontend/session/feeds.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_join.h"
#include "frontend/session/session.h"

namespace weft {
namespace {

absl::Status CheckPartNames(const std::vector<std::string>& inputs,
                            const std::vector<std::string>& parts) {
  const bool fits = parts.empty() ? inputs.size() == 1 : std::ranges::is_permutation(inputs, parts);
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "expected a part of the examples for each input by its name; the model's inputs are ",
      absl::StrJoin(inputs, ", "), ", the examples have ",
      parts.empty() ? std::string("no parts") : "the parts " + absl::StrJoin(parts, ", ")));
}

// Null: there is nothing.
const Tensor* ExamplesOfInput(const Node& input, const Batch& batch, size_t inputs) {
  if (batch.parts.empty()) return inputs == 1 ? &batch.images : nullptr;
  const auto part = batch.parts.find(input.name());
  return part == batch.parts.end() ? nullptr : &part->second;
}

}  // namespace

absl::StatusOr<Tensor> FitExamples(const Node& input, const Tensor& examples) {
  WEFT_ASSIGN_OR_RETURN(Tensor x, FitToInput(input, examples));
  const DType dtype = input.type().dtype;
  if (!kIndexTypes.contains(dtype) || x.is_empty() || !kFloatTypes.contains(x.dtype())) return x;
  return x.Converted(dtype);
}

absl::StatusOr<TensorMap> FeedExamples(std::span<Node* const> inputs, const Batch& batch) {
  TensorMap feeds;
  for (const Node* input : inputs) {
    const Tensor* examples = ExamplesOfInput(*input, batch, inputs.size());
    if (examples == nullptr) {
      std::vector<std::string> names;
      for (const Node* each : inputs) names.push_back(each->name());
      return CheckParts(names, batch);
    }
    WEFT_ASSIGN_OR_RETURN(Tensor fitted, FitExamples(*input, *examples));
    feeds.emplace(input->name(), std::move(fitted));
  }
  return feeds;
}

absl::Status CheckParts(const std::vector<std::string>& inputs, const Batch& batch) {
  std::vector<std::string> parts;
  for (const auto& [name, tensor] : batch.parts) parts.push_back(name);
  return CheckPartNames(inputs, parts);
}

absl::Status CheckParts(const std::vector<std::string>& inputs, const Dataset& dataset) {
  std::vector<std::string> parts;
  for (const ExamplePart& part : dataset.parts()) parts.push_back(part.name);
  return Annotate(CheckPartNames(inputs, parts), dataset.name());
}

}  // namespace weft
