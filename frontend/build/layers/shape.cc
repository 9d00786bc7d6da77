#include "frontend/build/layers/shape.h"

#include <limits>
#include <utility>

#include "frontend/build/builder.h"
#include "frontend/build/builder_layer.h"

// Views and copies; padding is in shape_pad.cc, what is made from nothing in shape_generate.cc.

namespace weft {
namespace {

// A node whose second input is the constant NAME.suffix of integers.
Value WithInts(Layer& layer, Value x, std::string_view suffix, const std::vector<int64_t>& values) {
  return layer.Node({x, layer.Constant(suffix, Tensor::FromInts(values))});
}

std::vector<Value> OutputsOf(Node* node) {
  std::vector<Value> outputs;
  for (int i = 0; node != nullptr && i < node->num_outputs(); ++i) {
    outputs.push_back(node->output(i));
  }
  return outputs;
}

}  // namespace

Value ShapeLayers::Flatten(Value x, const FlattenOptions& o, Where where) {
  return builder().Op("Flatten", {x}, {{"axis", o.axis}}, {o.name}, where);
}

Value ShapeLayers::Reshape(Value x, const std::vector<int64_t>& shape, const NameOption& o,
                           Where where) {
  Layer layer(builder(), "Reshape", o.name, where);
  return WithInts(layer, x, "shape", shape);
}

Value ShapeLayers::ReshapeLike(Value x, Value like, const NameOption& o, Where where) {
  return builder().Op("ReshapeLike", {x, like}, {}, o, where);
}

Value ShapeLayers::Squeeze(Value x, const std::vector<int64_t>& axes, const NameOption& o,
                           Where where) {
  Layer layer(builder(), "Squeeze", o.name, where);
  return WithInts(layer, x, "axes", axes);
}

Value ShapeLayers::Unsqueeze(Value x, const std::vector<int64_t>& axes, const NameOption& o,
                             Where where) {
  Layer layer(builder(), "Unsqueeze", o.name, where);
  return WithInts(layer, x, "axes", axes);
}

Value ShapeLayers::Transpose(Value x, std::vector<int64_t> permutation, const NameOption& o,
                             Where where) {
  return builder().Op("Transpose", {x}, {{"perm", std::move(permutation)}}, o, where);
}

Value ShapeLayers::Cast(Value x, DType to, const NameOption& o, Where where) {
  return builder().Op("Cast", {x}, {{"to", to}}, o, where);
}

Value ShapeLayers::Concat(std::vector<Value> xs, int64_t axis, const NameOption& o, Where where) {
  return builder().Op("Concat", std::move(xs), {{"axis", axis}}, o, where);
}

std::vector<Value> ShapeLayers::Split(Value x, const std::vector<int64_t>& sizes, int64_t axis,
                                      const NameOption& o, Where where) {
  Layer layer(builder(), "Split", o.name, where);
  const Value split = layer.Constant("split", Tensor::FromInts(sizes));
  return OutputsOf(layer.WholeNode({x, split}, {{"axis", axis}}));
}

std::vector<Value> ShapeLayers::Chunk(Value x, int64_t count, int64_t axis, const NameOption& o,
                                      Where where) {
  Layer layer(builder(), "Split", o.name, where);
  return OutputsOf(layer.WholeNode({x}, {{"axis", axis}, {"num_outputs", count}}));
}

Value ShapeLayers::Slice(Value x, const std::vector<AxisSlice>& slices, const NameOption& o,
                         Where where) {
  constexpr int64_t kFirst = std::numeric_limits<int64_t>::min();
  constexpr int64_t kLast = std::numeric_limits<int64_t>::max();
  Layer layer(builder(), "Slice", o.name, where);
  std::vector<int64_t> starts, ends, axes, steps;
  for (const AxisSlice& slice : slices) {
    const bool forwards = slice.step > 0;
    starts.push_back(slice.start.value_or(forwards ? 0 : kLast));
    ends.push_back(slice.end.value_or(forwards ? kLast : kFirst));
    axes.push_back(slice.axis);
    steps.push_back(slice.step);
  }
  const auto constant = [&layer](std::string_view suffix, const std::vector<int64_t>& values) {
    return layer.Constant(suffix, Tensor::FromInts(values));
  };
  return layer.Node({x, constant("starts", starts), constant("ends", ends), constant("axes", axes),
                     constant("steps", steps)});
}

Value ShapeLayers::Expand(Value x, const std::vector<int64_t>& shape, const NameOption& o,
                          Where where) {
  Layer layer(builder(), "Expand", o.name, where);
  return WithInts(layer, x, "shape", shape);
}

Value ShapeLayers::Tile(Value x, const std::vector<int64_t>& repeats, const NameOption& o,
                        Where where) {
  Layer layer(builder(), "Tile", o.name, where);
  return WithInts(layer, x, "repeats", repeats);
}

Value ShapeLayers::DepthToSpace(Value x, const BlockOptions& o, Where where) {
  return builder().Op("DepthToSpace", {x}, {{"blocksize", o.block}, {"mode", o.mode}}, {o.name},
                      where);
}

Value ShapeLayers::SpaceToDepth(Value x, const BlockOptions& o, Where where) {
  return builder().Op("SpaceToDepth", {x}, {{"blocksize", o.block}, {"mode", o.mode}}, {o.name},
                      where);
}

Value ShapeLayers::ChannelShuffle(Value x, int64_t groups, const NameOption& o, Where where) {
  return builder().Op("ChannelShuffle", {x}, {{"group", groups}}, {o.name}, where);
}

Value ShapeLayers::ReverseSequence(Value x, Value lengths, const ReverseSequenceOptions& o,
                                   Where where) {
  const int64_t batch = o.batch_first ? 0 : 1;
  return builder().Op("ReverseSequence", {x, lengths},
                      {{"batch_axis", batch}, {"time_axis", 1 - batch}}, {o.name}, where);
}

}  // namespace weft
