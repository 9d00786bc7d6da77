#ifndef WEFT_FRONTEND_BUILD_LAYERS_SHAPE_H_
#define WEFT_FRONTEND_BUILD_LAYERS_SHAPE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "frontend/build/layers/family.h"

namespace weft {

struct FlattenOptions {
  int64_t axis = 1;  // axes before it become the rows, the others the columns
  std::string name = {};
};

// Elements start, start + step, … before `end` of an axis; negative positions
// count from the end. Without start or end the slice goes from one end of the
// axis to the other.
struct AxisSlice {
  int64_t axis = 0;
  std::optional<int64_t> start = {};
  std::optional<int64_t> end = {};
  int64_t step = 1;
};

struct BlockOptions {
  int64_t block = 0;         // required
  std::string mode = "DCR";  // the order of the channels: DCR [b,b,C] or CRD [C,b,b], PyTorch's
  std::string name = {};
};

// Elements added to an axis; negative numbers take away.
struct AxisPadding {
  int64_t axis = 0;
  int64_t begin = 0;
  int64_t end = 0;
};

struct PadOptions {
  std::vector<AxisPadding> padding = {};
  std::string mode = "constant";  // or edge, reflect, symmetric, wrap
  double value = 0;               // in mode constant
  std::string name = {};
};

// Rows and columns around an image: 1 is {1, 1, 1, 1}.
struct Border {
  Border() = default;
  Border(int64_t all) : top(all), bottom(all), left(all), right(all) {}  // NOLINT
  Border(int64_t t, int64_t b, int64_t l, int64_t r) : top(t), bottom(b), left(l), right(r) {}

  int64_t top = 0;
  int64_t bottom = 0;
  int64_t left = 0;
  int64_t right = 0;
};

struct TriluOptions {
  bool upper = true;
  int64_t k = 0;  // the first diagonal that is kept: 0 the main one, positive above it
  std::string name = {};
};

struct EyeLikeOptions {
  int64_t k = 0;
  std::optional<DType> dtype = {};  // the input's unless given
  std::string name = {};
};

struct ShapeOptions {
  int64_t start = 0;
  std::optional<int64_t> end = {};  // the rank unless given
  std::string name = {};
};

struct ReverseSequenceOptions {
  bool batch_first = false;  // x is [batch,time,...], else [time,batch,...]
  std::string name = {};
};

// Views, copies and rearrangements of elements; padding; casts.
class ShapeLayers : public LayerFamily<ShapeLayers> {
 public:
  Value Flatten(Value x, const FlattenOptions& o = {}, Where where = Where::current());
  // An extent of -1 is inferred, one of 0 is that of x.
  Value Reshape(Value x, const std::vector<int64_t>& shape, const NameOption& o = {},
                Where where = Where::current());
  // The elements of x with like's dims, which may be symbols.
  Value ReshapeLike(Value x, Value like, const NameOption& o = {}, Where where = Where::current());
  // Axes of one element taken away, and put in.
  Value Squeeze(Value x, const std::vector<int64_t>& axes, const NameOption& o = {},
                Where where = Where::current());
  Value Unsqueeze(Value x, const std::vector<int64_t>& axes, const NameOption& o = {},
                  Where where = Where::current());
  Value Transpose(Value x, std::vector<int64_t> permutation, const NameOption& o = {},
                  Where where = Where::current());
  Value Cast(Value x, DType to, const NameOption& o = {}, Where where = Where::current());

  Value Concat(std::vector<Value> xs, int64_t axis, const NameOption& o = {},
               Where where = Where::current());
  // Pieces of the given sizes along an axis; none after a mistake.
  std::vector<Value> Split(Value x, const std::vector<int64_t>& sizes, int64_t axis,
                           const NameOption& o = {}, Where where = Where::current());
  // `count` pieces of equal size, of which the last may be smaller.
  std::vector<Value> Chunk(Value x, int64_t count, int64_t axis, const NameOption& o = {},
                           Where where = Where::current());
  Value Slice(Value x, const std::vector<AxisSlice>& slices, const NameOption& o = {},
              Where where = Where::current());
  // NumPy's broadcasting with `shape`, in which 1 keeps x's extent.
  Value Expand(Value x, const std::vector<int64_t>& shape, const NameOption& o = {},
               Where where = Where::current());
  Value Tile(Value x, const std::vector<int64_t>& repeats, const NameOption& o = {},
             Where where = Where::current());
  Value DepthToSpace(Value x, const BlockOptions& o, Where where = Where::current());
  Value SpaceToDepth(Value x, const BlockOptions& o, Where where = Where::current());
  // Channels [groups,C/groups] as [C/groups,groups]: Zhang et al. 2018,
  // "ShuffleNet". x is [N,C,...].
  Value ChannelShuffle(Value x, int64_t groups, const NameOption& o = {},
                       Where where = Where::current());
  // The first lengths[b] elements in time of every example b backwards, the
  // others as they are.
  Value ReverseSequence(Value x, Value lengths, const ReverseSequenceOptions& o = {},
                        Where where = Where::current());

  Value Pad(Value x, const PadOptions& o, Where where = Where::current());
  // Around images [N,C,H,W].
  Value ZeroPad2d(Value x, const Border& border, const NameOption& o = {},
                  Where where = Where::current());
  Value ConstantPad2d(Value x, const Border& border, double value, const NameOption& o = {},
                      Where where = Where::current());
  Value ReplicationPad2d(Value x, const Border& border, const NameOption& o = {},
                         Where where = Where::current());
  // Mirrored without the border pixels, and with them.
  Value ReflectionPad2d(Value x, const Border& border, const NameOption& o = {},
                        Where where = Where::current());
  Value SymmetricPad2d(Value x, const Border& border, const NameOption& o = {},
                       Where where = Where::current());
  Value CircularPad2d(Value x, const Border& border, const NameOption& o = {},
                      Where where = Where::current());

  // The upper (lower) triangles of matrices [...,rows,columns], zero elsewhere.
  Value Trilu(Value x, const TriluOptions& o = {}, Where where = Where::current());
  Value EyeLike(Value x, const EyeLikeOptions& o = {}, Where where = Where::current());
  // start, start + delta, … before limit.
  Value Range(double start, double limit, double delta, DType dtype = DType::kF32,
              const NameOption& o = {}, Where where = Where::current());
  // A tensor of one number. Unlike a Constant it takes no place in a file.
  Value Full(const Dims& dims, double value, DType dtype = DType::kF32, const NameOption& o = {},
             Where where = Where::current());
  Value Zeros(const Dims& dims, DType dtype = DType::kF32, const NameOption& o = {},
              Where where = Where::current());
  // The dims of x, and their product, as i64.
  Value Shape(Value x, const ShapeOptions& o = {}, Where where = Where::current());
  Value Size(Value x, const NameOption& o = {}, Where where = Where::current());
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_LAYERS_SHAPE_H_
