#include <utility>

#include "tests/cases/errors.h"
#include "tests/cases/table.h"

namespace weft {
namespace {

constexpr double kHuge = 4611686018427387904;  // 2^62

CaseInput List(std::vector<double> values) { return ConstantInts(std::move(values)); }

std::vector<OpError> ViewErrors() {
  const CaseInput x = Uniform({2, 3, 4});
  const CaseInput matrix = Constant(Integers({1, 2}, 0, 2));
  return {
      Row("Flatten", "axis", {{"axis", 4}}, {x}, {"[-3,3]", "got 4"}),
      Row("Reshape", "two_open", {}, {x, List({-1, -1})}, {"at most one -1", "[-1,-1]"}),
      Row("Reshape", "elements", {}, {x, List({5, 5})}, {"25 elements", "got 24"}),
      Row("Reshape", "huge", {}, {x, List({kHuge, kHuge})}, {"elements"}),
      Row("Reshape", "matrix", {}, {x, matrix}, {"i64[rank]", "i64[1,2]"}),
      Row("Reshape", "computed_scalar", {}, {Uniform({0}), Values({0}, {}, DType::kI64)},
          {"1 elements", "got 0"}),
      Row("ReshapeLike", "elements", {}, {x, Uniform({5, 5})}, {"[5,5]", "got [2,3,4]"}),
      Row("Squeeze", "extent", {}, {x, List({1})}, {"an extent of 1 on axis 1", "got 3"}),
      Row("Squeeze", "axis", {}, {x, List({3})}, {"[-3, 3)", "got 3"}),
      Row("Squeeze", "twice", {}, {Uniform({2, 1}), List({1, -1})}, {"axis 1 twice"}),
      Row("Squeeze", "too_many", {}, {Uniform({1}), List({0, 0})}, {"at most 1", "i64[2]"}),
      Row("Squeeze", "computed_scalar", {}, {Uniform({0}), Values({1}, {0}, DType::kI64)},
          {"an extent of 1 on axis 0", "got 0"}),
      Row("Squeeze", "matrix", {}, {x, matrix}, {"one axis", "i64[1,2]"}),
      Row("Unsqueeze", "axis", {}, {x, List({4})}, {"[-4, 4)", "got 4"}),
      Row("Unsqueeze", "twice", {}, {x, List({1, -4})}, {"axis 1 twice"}),
      Row("Unsqueeze", "rank", {}, {x, List({0, 1, 2, 3, 4, 5, 6, 7, 8, 9})},
          {"at most 12 axes", "got 13"}),
      Row("Transpose", "twice", {{"perm", Ints{0, 0, 1}}}, {x}, {"once each", "[0,0,1]"}),
      Row("Transpose", "short", {{"perm", Ints{1, 0}}}, {x}, {"0 to 2", "[1,0]"}),
  };
}

std::vector<OpError> PieceErrors() {
  const CaseInput x = Uniform({2, 6});
  const AttributeMap rows = {{"axis", 0}};
  return {
      Row("Concat", "nothing", rows, {}, {"at least one input", "none"}),
      Row("Concat", "scalars", rows, {Uniform({}), Uniform({})}, {"an axis", "got 0"}),
      Row("Concat", "axis", {{"axis", 2}}, {x, x}, {"[-2, 2)", "got 2"}),
      Row("Concat", "rank", rows, {x, Uniform({6})}, {"axis 0 only", "[2,6]", "input 1, [6]"}),
      Row("Concat", "other_axis", rows, {x, Uniform({2, 5})}, {"[2,6]", "[2,5]"}),
      Row("Split", "axis", {{"axis", -3}}, {x}, {"[-2, 2)", "got -3"}),
      Row("Split", "sum", {{"axis", 1}}, {x, List({1, 2})}, {"sum to 6", "[1,2]"}),
      Row("Split", "negative", {{"axis", 1}}, {x, List({7, -1})}, {"at least 0", "[7,-1]"}),
      Row("Split", "overflow", {{"axis", 1}}, {x, List({kHuge, kHuge})}, {"sum to 6"}),
      Row("Split", "no_piece", {{"axis", 1}}, {Uniform({2, 0}), List({})}, {"1 to", "got 0"}),
      Row("Split", "matrix", {}, {x, Constant(Integers({1, 2}, 0, 2))}, {"one axis", "i64[1,2]"}),
      Row("Split", "both", {{"num_outputs", 2}}, {x, List({1, 1})}, {"split or num_outputs"}),
      Row("Split", "outputs_0", {{"num_outputs", 0}}, {x}, {"1 to 65536", "got 0"}),
      Row("Split", "outputs_huge", {{"num_outputs", int64_t{1} << 62}}, {x}, {"1 to 65536"}),
      Row("Split", "too_many", {{"axis", 1}, {"num_outputs", 5}}, {x}, {"5 outputs", "got 6"}),
      Row("SplitLike", "nothing", rows, {x}, {"at least one like", "none"}),
      Row("SplitLike", "sum", rows, {x, x, x}, {"2 on axis 0", "got 4"}),
      Row("SplitLike", "other_axis", rows, {x, Uniform({2, 5})}, {"[2,6]", "[2,5]"}),
      Row("SplitLike", "axis", {{"axis", 2}}, {x, x}, {"[-2, 2)", "got 2"}),
  };
}

std::vector<OpError> SliceErrors() {
  const CaseInput x = Uniform({2, 6}), one = List({1});
  const auto row = [&](std::string name, std::vector<CaseInput> arguments,
                       std::vector<std::string> says) {
    arguments.insert(arguments.begin(), x);
    return Row("Slice", std::move(name), {}, std::move(arguments), std::move(says));
  };
  return {
      row("axis", {one, one, List({2})}, {"[-2, 2)", "got 2"}),
      row("axis_twice", {List({0, 0}), List({1, 1}), List({1, -1})}, {"axis 1 twice"}),
      row("step_0", {one, one, one, List({0})}, {"steps other than 0", "got 0"}),
      row("ends", {one, List({1, 2})}, {"ends of 1", "got 2"}),
      row("axes", {one, one, List({0, 1})}, {"axes of 1", "got 2"}),
      row("steps", {one, one, one, List({1, 1})}, {"steps of 1", "got 2"}),
      row("more_than_rank", {List({0, 0, 0}), List({1, 1, 1})}, {"at most 2", "i64[3]"}),
      row("scalar", {Constant(Values({}, {1}, DType::kI64)), one}, {"one axis", "i64[]"}),
      Row("Slice", "of_a_scalar", {}, {Uniform({}), one, one}, {"at most 0", "i64[1]"}),
      Row("SliceGrad", "another_shape", {}, {Uniform({2, 3}), x, List({1}), List({3}), List({1})},
          {"dY [2,2]", "got [2,3]"}),
      Row("SliceGrad", "computed_start", {},
          {Uniform({2, 2}), x, Values({1}, {5}, DType::kI64), Values({1}, {6}, DType::kI64),
           Values({1}, {1}, DType::kI64)},
          {"2 elements on axis 1", "got 1"}, true),
      Row("SliceGrad", "computed_step", {},
          {Uniform({2, 2}), x, Values({1}, {5}, DType::kI64), Values({1}, {6}, DType::kI64), one,
           Values({1}, {0}, DType::kI64)},
          {"steps other than 0"}, true),
  };
}

std::vector<OpError> PadErrors() {
  const CaseInput x = Uniform({2, 6});
  const auto row = [&x](std::string name, const char* mode, CaseInput pads,
                        std::vector<std::string> says) {
    return Row("Pad", std::move(name), {{"mode", mode}}, {x, std::move(pads)}, std::move(says));
  };
  return {
      row("mode", "mirror", List({0, 0, 0, 0}), {"constant", "symmetric", "mirror"}),
      row("short", "constant", List({1, 1}), {"4 pads", "2 axes", "got 2"}),
      row("matrix", "constant", Constant(Integers({1, 4}, 0, 2)), {"one axis", "i64[1,4]"}),
      row("reflect_too_far", "reflect", List({0, 6, 0, 0}), {"at most 5", "axis of 6", "got 6"}),
      row("reflect_after_a_crop", "reflect", List({0, -3, 0, 3}), {"at most 2", "got 3"}),
      row("symmetric_too_far", "symmetric", List({0, 0, 3, 0}), {"at most 2", "got 3"}),
      row("crop_too_much", "constant", List({0, -4, 0, -3}), {"at least 0", "2-3"}),
      row("crop_more_than_all", "constant", List({0, -7, 0, 9}), {"at least 0", "6-7"}),
      row("huge", "constant", List({0, kHuge, 0, 0}), {"elements"}),
      row("huge_edge", "edge", List({kHuge, 0, 0, 0}), {"elements"}),
      row("overflow", "constant", List({0, kHuge, 0, kHuge}), {"64 bits", "4611686018427387904"}),
      row("overflow_of_the_crop", "constant", List({0, -kHuge, 0, -kHuge}), {"at least 0"}),
      Row("Pad", "wrap_of_nothing", {{"mode", "wrap"}}, {Uniform({0, 3}), List({1, 0, 0, 0})},
          {"axis of 0", "got 1"}),
      Row("Pad", "axis", {}, {x, List({1, 1}), Absent(), List({2})}, {"[-2, 2)", "got 2"}),
      Row("Pad", "axis_twice", {}, {x, List({1, 1, 1, 1}), Absent(), List({0, -2})},
          {"axis 0 twice"}),
      Row("Pad", "value", {}, {x, List({0, 0, 0, 0}), Uniform({2})}, {"one element", "f32[2]"}),
      Row("PadGrad", "another_shape", {}, {Uniform({2, 6}), x, List({0, 0, 1, 0})},
          {"dY [3,6]", "got [2,6]"}),
      Row("PadGrad", "mode", {{"mode", ""}}, {x, x, List({0, 0, 0, 0})}, {"constant", "\"\""}),
      Row("PadGrad", "computed_pads", {},
          {Uniform({3, 6}), x, Values({4}, {0, 0, 2, 0}, DType::kI64)},
          {"pads to 3", "got pads to 4"}, true),
  };
}

std::vector<OpError> RepeatErrors() {
  const CaseInput x = Uniform({2, 6});
  return {
      Row("Tile", "short", {}, {x, List({2})}, {"each of 2 axes", "got 1"}),
      Row("Tile", "negative", {}, {x, List({1, -1})}, {"at least 0", "[1,-1]"}),
      Row("Tile", "too_many", {}, {x, List({1, 1099511627776})}, {"elements"}),
      Row("Tile", "overflow", {}, {x, List({1, kHuge})}, {"64 bits", "[2,6]"}),
      Row("Expand", "dims", {}, {x, List({2, 3})}, {"equal dims or 1", "6 and 3"}),
      Row("Expand", "negative", {}, {x, List({-1, 6})}, {"at least 0", "[-1,6]"}),
      Row("Expand", "huge", {}, {Uniform({1}), List({549755813888})}, {"elements"}),
      Row("Expand", "rank", {}, {x, List({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1})},
          {"at most 12", "i64[13]"}),
      Row("DepthToSpace", "rank", {{"blocksize", 2}}, {Uniform({4, 4})}, {"[N,C,H,W]", "[4,4]"}),
      Row("DepthToSpace", "block_0", {{"blocksize", 0}}, {Uniform({1, 4, 2, 2})},
          {"blocksize", "got 0"}),
      Row("DepthToSpace", "block_huge", {{"blocksize", int64_t{1} << 62}}, {Uniform({1, 4, 2, 2})},
          {"blocksize", "4611686018427387904"}),
      Row("DepthToSpace", "channels", {{"blocksize", 2}}, {Uniform({1, 6, 2, 2})},
          {"channels that 4 divides", "got 6"}),
      Row("DepthToSpace", "mode", {{"blocksize", 2}, {"mode", "RCD"}}, {Uniform({1, 4, 2, 2})},
          {"DCR", "RCD"}),
      Row("SpaceToDepth", "height", {{"blocksize", 2}}, {Uniform({1, 1, 3, 2})},
          {"a height that 2 divides", "got 3"}),
      Row("SpaceToDepth", "width", {{"blocksize", 2}}, {Uniform({1, 1, 2, 3})},
          {"a width that 2 divides", "got 3"}),
      Row("SpaceToDepth", "overflow", {{"blocksize", 1 << 30}}, {Uniform({0, 16, 0, 0})},
          {"64 bits"}),
      Row("ChannelShuffle", "rank", {{"group", 2}}, {Uniform({4})}, {"[N,C,...]", "f32[4]"}),
      Row("ChannelShuffle", "group", {{"group", 4}}, {x}, {"6 channels and 4 groups"}),
      Row("ChannelShuffle", "group_0", {{"group", 0}}, {x}, {"6 channels and 0 groups"}),
      Row("ReverseSequence", "axes", {{"batch_axis", 1}, {"time_axis", 1}},
          {x, Integers({6}, 0, 2)}, {"0 and 1", "got 1 and 1"}),
      Row("ReverseSequence", "rank", {}, {Uniform({6}), Integers({6}, 0, 2)}, {"2 axes", "[6]"}),
      Row("ReverseSequence", "batch", {}, {x, Integers({2}, 0, 2)}, {"i64[6]", "i64[2]"}),
      Row("ReverseSequence", "too_long", {}, {Uniform({2, 3}), Values({3}, {1, 2, 3}, DType::kI64)},
          {"[0,2]", "got 3"}, true),
      Row("ReverseSequence", "negative", {},
          {Uniform({2, 3}), Values({3}, {1, -1, 2}, DType::kI64)}, {"[0,2]", "position [1]"}, true),
  };
}

std::vector<OpError> GenerateErrors() {
  const auto number = [](double value, DType dtype = DType::kF32) {
    return Constant(Values({}, {value}, dtype));
  };
  const auto fill = [](Dims dims) {
    return AttributeMap{{"value", Tensor::Zeros(DType::kF32, std::move(dims)).value()}};
  };
  return {
      Row("ConstantOfShape", "negative", {}, {List({2, -1})}, {"at least 0", "[2,-1]"}),
      Row("ConstantOfShape", "huge", {}, {List({kHuge, kHuge})}, {"elements"}),
      Row("ConstantOfShape", "rank", {}, {List(std::vector<double>(13, 1))}, {"at most 12"}),
      Row("ConstantOfShape", "value", fill({2}), {List({2})}, {"one element", "f32[2]"}),
      Row("ConstantOfShape", "no_value", fill({0}), {List({2})}, {"one element", "f32[0]"}),
      Row("Range", "vector", {}, {Uniform({2}), number(1), number(1)}, {"scalars", "f32[2]"}),
      Row("Range", "delta_0", {}, {number(0), number(1), number(0)}, {"other than 0", "delta 0"}),
      Row("Range", "tiny_delta", {}, {number(0), number(1e30), number(1e-30)}, {"elements"}),
      Row("Range", "infinite", {}, {number(0), number(1e300), number(1)}, {"elements"}),
      Row("Range", "huge", {},
          {number(-kHuge, DType::kI64), number(kHuge, DType::kI64), number(1, DType::kI64)},
          {"elements"}),
      Row("EyeLike", "rank", {}, {Uniform({2, 3, 4})}, {"a matrix", "[2,3,4]"}),
      Row("Trilu", "rank", {}, {Uniform({2})}, {"matrices", "f32[2]"}),
      Row("Trilu", "k", {}, {Uniform({2, 3}), List({1, 2})}, {"scalar k", "i64[2]"}),
  };
}

}  // namespace

std::vector<OpError> ShapeErrors() {
  std::vector<OpError> all;
  for (auto part :
       {ViewErrors, PieceErrors, SliceErrors, PadErrors, RepeatErrors, GenerateErrors}) {
    for (OpError& row : part()) all.push_back(std::move(row));
  }
  return all;
}

}  // namespace weft
