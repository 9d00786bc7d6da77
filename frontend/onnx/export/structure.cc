#include <algorithm>
#include <numeric>

#include "frontend/onnx/export/table.h"

// Ops that stand for a structure of several: what passes/structure/ recognizes, written out.

namespace weft {
namespace {

// [N,C,...] as [N,group,C/group,rest], whose axes 1 and 2 change places.
void ExportChannelShuffle(OpExport& e) {
  const TensorType& x = e.type();
  // A 0 in a Reshape's target is no extent; of nothing, every order is the same.
  if (std::find(x.shape.begin(), x.shape.end(), Dim(0)) != x.shape.end()) {
    e.Last("Identity", {e.in(0)});
    return;
  }
  const int64_t group = GetInt(e.attributes(), "group");
  const int64_t places = x.dim(1).coefficient() / group;
  const auto count = CountElements(Shape(x.shape.begin() + 2, x.shape.end()));
  const Dim rest = count.ok() ? *count : Dim::Symbol("rest");
  const OnnxOperand grouped = e.Op(
      "Reshape", {e.in(0), e.Ints({0, group, places, rest.is_static() ? rest.coefficient() : -1})});
  const OnnxOperand shuffled =
      e.Op("Transpose", {grouped}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
  e.Last("Reshape", {shuffled, e.ReshapeTo({x.dim(0), places, group, rest}, 0)});
}

// x * gate(Conv(activation(Conv(ReduceMean(x)))))
void ExportSqueezeExcitation(OpExport& e) {
  const TensorType &x = e.type(), &w1 = e.type(1);
  const auto of_channels = [&](const Dim& channels) {
    TensorType type{x.dtype, Shape(x.shape.size(), Dim(1))};
    type.shape[0] = x.dim(0);
    type.shape[1] = channels;
    return type;
  };
  const auto apply = [&e](std::string_view attribute, OnnxOperand value, const TensorType& type) {
    const PostOp post = GetPostOps(e.attributes(), attribute).front();
    return e.Ours(post.op, {std::move(value)}, {type}, post.attributes, type);
  };
  std::vector<int64_t> axes(static_cast<size_t>(x.rank() - 2));
  std::iota(axes.begin(), axes.end(), 2);
  const OnnxOperand mean =
      e.Op("ReduceMean", {e.in(0)}, {{"axes", std::move(axes)}, {"keepdims", 1}});
  const OnnxOperand squeezed =
      apply("activation", e.Op("Conv", {mean, e.in(1), e.in(2)}), of_channels(w1.dim(0)));
  const OnnxOperand gate =
      apply("gate", e.Op("Conv", {squeezed, e.in(3), e.in(4)}), of_channels(x.dim(1)));
  e.Last("Mul", {e.in(0), gate});
}

}  // namespace

std::vector<ExportEntry> StructureExports() {
  return {{"ChannelShuffle", ExportChannelShuffle}, {"SqueezeExcitation", ExportSqueezeExcitation}};
}

}  // namespace weft
