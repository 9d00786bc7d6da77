#ifndef WEFT_OPS_MOVEMENT_H_
#define WEFT_OPS_MOVEMENT_H_

#include <string_view>
#include <vector>

#include "graph/op.h"

// Ops that only move data. Each is described by boxes of elements that go from
// its inputs to its outputs; the reference kernel and the fast one
// (runtime/host/movement.cc) follow the same description, and the gradient's is
// the same boxes the other way round.

namespace weft {

// For every index of the box `dims`, the element at `from` + sum(index *
// from_strides) of an input goes to `to` + sum(index * to_strides) of an
// output. A stride may be negative (backwards) or, of the source, 0 (repeated).
// All in elements.
struct BoxCopy {
  static constexpr int kZeros = -1;

  int input = 0;  // or kZeros: no input, the box is filled with 0
  int output = 0;
  int64_t from = 0;
  int64_t to = 0;
  Dims dims = {};
  Dims from_strides = {};
  Dims to_strides = {};

  void AddAxis(int64_t extent, int64_t from_stride, int64_t to_stride);
  bool is_empty() const;
};

struct Movement {
  std::vector<BoxCopy> boxes = {};  // done in this order
  // The output is the sum of what the boxes bring, 0 where none does. Otherwise
  // later boxes overwrite earlier ones, and together they cover every output.
  bool adds = false;
  // The boxes lie upon or between one another in the output, which suits a layer at a time.
  bool interleaved = false;
};

// A box that fills output 0, of dims `dims`, with zeros.
BoxCopy ZeroBox(std::span<const int64_t> dims);
// The boxes with sources and targets exchanged: of a gradient that reads dY
// (input 0).
Movement Reversed(Movement movement);

// What an op does for operands of these dims: reads attributes, dims and the
// inputs that are integer arguments (starts, pads), never the data.
using MovementFn = absl::StatusOr<Movement> (*)(const EvalContext&);

absl::StatusOr<Movement> ChannelShuffleMovement(const EvalContext& c);
absl::StatusOr<Movement> ConcatMovement(const EvalContext& c);
absl::StatusOr<Movement> DepthToSpaceMovement(const EvalContext& c);
absl::StatusOr<Movement> ExpandMovement(const EvalContext& c);
absl::StatusOr<Movement> PadGradMovement(const EvalContext& c);
absl::StatusOr<Movement> PadMovement(const EvalContext& c);
absl::StatusOr<Movement> SliceGradMovement(const EvalContext& c);
absl::StatusOr<Movement> SliceMovement(const EvalContext& c);
absl::StatusOr<Movement> SpaceToDepthMovement(const EvalContext& c);
absl::StatusOr<Movement> SplitMovement(const EvalContext& c);
absl::StatusOr<Movement> TileMovement(const EvalContext& c);
absl::StatusOr<Movement> TransposeMovement(const EvalContext& c);

// The reference kernel: element by element.
absl::Status EvaluateMovement(const EvalContext& c, const Movement& movement);

template <MovementFn kDescribe>
absl::Status EvaluateMoves(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Movement movement, kDescribe(c));
  return EvaluateMovement(c, movement);
}

}  // namespace weft

#endif  // WEFT_OPS_MOVEMENT_H_
