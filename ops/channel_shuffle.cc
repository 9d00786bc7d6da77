#include <algorithm>

#include "ops/broadcast.h"
#include "ops/common.h"
#include "ops/families.h"
#include "ops/movement.h"

namespace weft {
namespace {

absl::StatusOr<std::vector<TensorType>> InferChannelShuffle(const InferContext& c) {
  const TensorType& x = c.type(0);
  if (x.rank() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected an input [N,C,...], got ", ToString(x)));
  }
  const int64_t group = GetInt(c.attributes(), "group");
  const Dim& channels = x.dim(1);
  if (!channels.is_static() || group < 1 || channels.coefficient() % group != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a known number of channels that group divides, got ",
                     channels.ToString(), " channels and ", group, " groups"));
  }
  return std::vector<TensorType>{x};
}

// The places of a group's channels become groups, and the groups places.
InputGradients ChannelShuffleGradient(GradientContext& c) {
  const int64_t group = GetInt(c.attributes(), "group");
  const int64_t channels = c.x().type().dim(1).coefficient();
  return {c.Op("ChannelShuffle", {c.dy()}, {{"group", std::max<int64_t>(1, channels / group)}})};
}

}  // namespace

absl::StatusOr<Movement> ChannelShuffleMovement(const EvalContext& c) {
  const Dims dims(c.in(0).dims.begin(), c.in(0).dims.end());
  const int64_t group = GetInt(c.attributes, "group"), places = dims[1] / group;
  const std::vector<int64_t> strides = RowMajorStrides(dims);
  BoxCopy box;
  box.AddAxis(dims[0], strides[0], strides[0]);
  box.AddAxis(places, strides[1], group * strides[1]);
  box.AddAxis(group, places * strides[1], strides[1]);
  for (size_t axis = 2; axis < dims.size(); ++axis) {
    box.AddAxis(dims[axis], strides[axis], strides[axis]);
  }
  return Movement{.boxes = {std::move(box)}};
}

std::vector<OpDef> ChannelShuffleOps() {
  return {{.name = "ChannelShuffle",
           .doc = "X [N,C,...] with the channels in another order: taken from each of `group` "
                  "groups in turn, [N,group,C/group,...] as [N,C/group,group,...] (Zhang et al. "
                  "2018).",
           .inputs = {{"X", kAllTypes}},
           .attributes = {{.name = "group", .required = true}},
           .infer = InferChannelShuffle,
           .gradient = ChannelShuffleGradient,
           .evaluate = EvaluateMoves<ChannelShuffleMovement>,
           .cost = NoArithmetic}};
}

}  // namespace weft
