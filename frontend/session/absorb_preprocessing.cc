#include "frontend/session/absorb_preprocessing.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/io/image.h"
#include "graph/bind.h"
#include "graph/emitter.h"

namespace weft {
namespace {

bool TakesImages(const TensorType& type, const Preprocessing& p) {
  const int first = type.rank() - 3;
  const auto is = [&](int axis, int64_t extent) {
    return type.dim(first + axis) == Dim(extent) ||
           (axis > 0 && !type.dim(first + axis).is_static());
  };
  return kFloatTypes.contains(type.dtype) && (first == 0 || first == 1) && is(0, p.channels) &&
         is(1, p.height) && is(2, p.width);
}

absl::StatusOr<const Node*> ImageInput(const Graph& graph, const Preprocessing& p) {
  std::vector<const Node*> images;
  std::vector<std::string> inputs;
  for (const Node* input : graph.inputs()) {
    if (TakesImages(input->type(), p)) images.push_back(input);
    inputs.push_back(absl::StrCat(input->name(), ": ", ToString(input->type())));
  }
  if (images.size() == 1) return images[0];
  return absl::InvalidArgumentError(absl::StrCat(
      "expected one input that takes images [", p.channels, ",", p.height, ",", p.width,
      "], there are ", images.size(), " among ", absl::StrJoin(inputs, ", ")));
}

Value NumberAChannel(Emitter& e, const std::vector<float>& numbers, DType dtype) {
  const Dims dims = {static_cast<int64_t>(numbers.size()), 1, 1};
  absl::StatusOr<Tensor> tensor = Tensor::FromValues<float>(dims, numbers);
  if (tensor.ok()) tensor = tensor->Converted(dtype);
  return tensor.ok() ? e.Constant(*std::move(tensor)) : e.Fail(tensor.status());
}

//   x -> …   =>   x -> Sub(mean) -> Div(std) -> …
//
// A new input takes the place of the old one, which nothing reads then. That goes as a constant,
// for inputs stay.
absl::StatusOr<Graph> NormalizedBehind(const Graph& graph, const std::string& name,
                                       const Preprocessing& p) {
  Graph result = Clone(graph);
  Node* old = result.Find(name);
  const TensorType type = old->type();
  const std::string unread = result.UniqueName(name + "/before");
  WEFT_RETURN_IF_ERROR(result.Rename(old, unread));
  result.SetInsertionPoint(old);
  WEFT_ASSIGN_OR_RETURN(const Value x, result.AddInput(name, type));
  Emitter e(result, name);
  const Value centred = e.Op("Sub", {x, NumberAChannel(e, p.mean, type.dtype)});
  const Value normalized = e.Op("Div", {centred, NumberAChannel(e, p.std, type.dtype)});
  WEFT_RETURN_IF_ERROR(e.status());
  WEFT_RETURN_IF_ERROR(result.ReplaceUses(old->output(), normalized));
  result.SetInsertionPoint(nullptr);
  Dims dims;
  for (const Dim& dim : type.shape) dims.push_back(dim.is_static() ? dim.coefficient() : 0);
  WEFT_ASSIGN_OR_RETURN(Tensor zeros, Tensor::Zeros(type.dtype, std::move(dims)));
  WEFT_ASSIGN_OR_RETURN(result, Bind(result, {}, {{unread, std::move(zeros)}}));
  result.RemoveDeadNodes(result.Find(unread));
  return result;
}

bool Normalizes(const Preprocessing& p) {
  return std::ranges::any_of(p.mean, [](float m) { return m != 0; }) ||
         std::ranges::any_of(p.std, [](float s) { return s != 1; });
}

}  // namespace

absl::Status AbsorbPreprocessing(Model& model) {
  if (!model.preprocessing) {
    return absl::FailedPreconditionError("expected a model that says how images become its input");
  }
  Preprocessing& p = *model.preprocessing;
  WEFT_RETURN_IF_ERROR(CheckPreprocessing(p));
  if (!Normalizes(p)) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(const Node* input, ImageInput(model.graph, p));
  WEFT_ASSIGN_OR_RETURN(model.graph, NormalizedBehind(model.graph, input->name(), p));
  std::ranges::fill(p.mean, 0.0f);
  std::ranges::fill(p.std, 1.0f);
  return absl::OkStatus();
}

}  // namespace weft
