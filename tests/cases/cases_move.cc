#include "tests/cases/table.h"

// Tile, Expand, Transpose, DepthToSpace, SpaceToDepth, ChannelShuffle, ReverseSequence.

namespace weft {
namespace {

std::vector<OpCase> TileRows() {
  return {
      {.name = "both_axes", .inputs = {Uniform({2, 3}), ConstantInts({2, 3})}, .outputs = {{4, 9}}},
      {.name = "channels",
       .inputs = {Uniform({2, 3, 4}), ConstantInts({1, 2, 1})},
       .outputs = {{2, 6, 4}}},
      {.name = "once", .inputs = {Uniform({2, 3}), ConstantInts({1, 1})}, .outputs = {{2, 3}}},
      {.name = "width_1", .inputs = {Uniform({2, 1}), ConstantInts({1, 17})}, .outputs = {{2, 17}}},
      {.name = "nothing", .inputs = {Uniform({2, 3}), ConstantInts({1, 0})}, .outputs = {{2, 0}}},
      {.name = "many_axes",
       .inputs = {Uniform({1, 2, 1, 3, 1, 1, 2}), ConstantInts({2, 1, 2, 2, 3, 2, 2})},
       .outputs = {{2, 2, 2, 6, 3, 2, 4}}},
      {.name = "of_nothing",
       .inputs = {Uniform({2, 0}), ConstantInts({3, 2})},
       .outputs = {{6, 0}}},
      {.name = "i64",
       .inputs = {Integers({3, 5}, -9, 9), ConstantInts({2, 2})},
       .outputs = {{6, 10}},
       .dtypes = {DType::kI64}},
      {.name = "bool",
       .inputs = {Integers({2, 3}, 0, 2, DType::kBool), ConstantInts({1, 5})},
       .outputs = {{2, 15}},
       .dtypes = {DType::kBool}},
  };
}

std::vector<OpCase> ExpandRows() {
  return {
      {.name = "columns", .inputs = {Uniform({3, 1}), ConstantInts({1, 4})}, .outputs = {{3, 4}}},
      {.name = "new_axes",
       .inputs = {Uniform({2, 1, 3}), ConstantInts({5, 1, 4, 1})},
       .outputs = {{5, 2, 4, 3}}},
      {.name = "smaller_shape",
       .inputs = {Uniform({2, 3, 1}), ConstantInts({17})},
       .outputs = {{2, 3, 17}}},
      {.name = "same", .inputs = {Uniform({2, 3}), ConstantInts({1, 3})}, .outputs = {{2, 3}}},
      {.name = "to_nothing",
       .inputs = {Uniform({2, 1}), ConstantInts({1, 0})},
       .outputs = {{2, 0}}},
      {.name = "u8",
       .inputs = {Integers({3, 1, 5}, 0, 255, DType::kU8), ConstantInts({1, 7, 1})},
       .outputs = {{3, 7, 5}},
       .dtypes = {DType::kU8}},
  };
}

std::vector<OpCase> TransposeRows() {
  return {
      {.name = "default", .inputs = {Uniform({2, 3, 4})}, .outputs = {{4, 3, 2}}},
      {.name = "matrix",
       .attributes = {{"perm", Ints{1, 0}}},
       .inputs = {Uniform({17, 3})},
       .outputs = {{3, 17}}},
      {.name = "nchw_to_nhwc",
       .attributes = {{"perm", Ints{0, 2, 3, 1}}},
       .inputs = {Uniform({2, 3, 4, 5})},
       .outputs = {{2, 4, 5, 3}}},
      {.name = "nhwc_to_nchw",
       .attributes = {{"perm", Ints{0, 3, 1, 2}}},
       .inputs = {Uniform({2, 3, 3, 17})},
       .outputs = {{2, 17, 3, 3}}},
      {.name = "cycle",
       .attributes = {{"perm", Ints{2, 0, 1}}},
       .inputs = {Uniform({2, 3, 4})},
       .outputs = {{4, 2, 3}}},
      {.name = "rank_6",
       .attributes = {{"perm", Ints{5, 0, 2, 1, 4, 3}}},
       .inputs = {Uniform({2, 3, 1, 2, 3, 4})},
       .outputs = {{4, 2, 1, 3, 3, 2}}},
      {.name = "identity",
       .attributes = {{"perm", Ints{0, 1}}},
       .inputs = {Uniform({2, 3})},
       .outputs = {{2, 3}}},
      {.name = "empty",
       .attributes = {{"perm", Ints{1, 0}}},
       .inputs = {Uniform({0, 3})},
       .outputs = {{3, 0}}},
      {.name = "u8",
       .inputs = {Integers({35, 67}, 0, 255, DType::kU8)},
       .outputs = {{67, 35}},
       .dtypes = {DType::kU8}},
      {.name = "i32",
       .attributes = {{"perm", Ints{0, 2, 1}}},
       .inputs = {Integers({3, 37, 50}, -99, 99, DType::kI32)},
       .outputs = {{3, 50, 37}},
       .dtypes = {DType::kI32}},
      {.name = "i64",
       .attributes = {{"perm", Ints{2, 1, 0}}},
       .inputs = {Integers({19, 3, 33}, -9, 9)},
       .outputs = {{33, 3, 19}},
       .dtypes = {DType::kI64}},
  };
}

std::vector<OpCase> DepthSpaceRows() {
  std::vector<OpCase> rows;
  for (const char* mode : {"DCR", "CRD"}) {
    const AttributeMap attributes = {{"blocksize", 2}, {"mode", mode}};
    rows.push_back({.op = "DepthToSpace",
                    .name = mode,
                    .attributes = attributes,
                    .inputs = {Uniform({2, 12, 3, 1})},
                    .outputs = {{2, 3, 6, 2}}});
    rows.push_back({.op = "SpaceToDepth",
                    .name = mode,
                    .attributes = attributes,
                    .inputs = {Uniform({2, 3, 6, 2})},
                    .outputs = {{2, 12, 3, 1}}});
  }
  rows.push_back({.op = "DepthToSpace",
                  .name = "block_3",
                  .attributes = {{"blocksize", 3}},
                  .inputs = {Uniform({1, 9, 2, 3})},
                  .outputs = {{1, 1, 6, 9}}});
  rows.push_back({.op = "SpaceToDepth",
                  .name = "block_1",
                  .attributes = {{"blocksize", 1}},
                  .inputs = {Uniform({2, 1, 3, 3})},
                  .outputs = {{2, 1, 3, 3}}});
  rows.push_back({.op = "DepthToSpace",
                  .name = "i64",
                  .attributes = {{"blocksize", 2}},
                  .inputs = {Integers({2, 4, 3, 5}, -9, 9)},
                  .outputs = {{2, 1, 6, 10}},
                  .dtypes = {DType::kI64}});
  return rows;
}

std::vector<OpCase> ChannelShuffleRows() {
  return {
      {.name = "two_groups",
       .attributes = {{"group", 2}},
       .inputs = {Uniform({2, 6, 3, 5})},
       .outputs = {{2, 6, 3, 5}}},
      {.name = "three_groups_1d",
       .attributes = {{"group", 3}},
       .inputs = {Uniform({3, 12, 7})},
       .outputs = {{3, 12, 7}}},
      {.name = "channels_only",
       .attributes = {{"group", 4}},
       .inputs = {Uniform({3, 20})},
       .outputs = {{3, 20}}},
      {.name = "one_group",
       .attributes = {{"group", 1}},
       .inputs = {Uniform({2, 17, 1, 3})},
       .outputs = {{2, 17, 1, 3}}},
      {.name = "a_group_a_channel",
       .attributes = {{"group", 3}},
       .inputs = {Uniform({1, 3, 2, 2})},
       .outputs = {{1, 3, 2, 2}}},
      {.name = "many_channels",
       .attributes = {{"group", 2}},
       .inputs = {Uniform({2, 36, 4, 3})},
       .outputs = {{2, 36, 4, 3}}},
      {.name = "empty_batch",
       .attributes = {{"group", 2}},
       .inputs = {Uniform({0, 4, 3, 3})},
       .outputs = {{0, 4, 3, 3}}},
      {.name = "i64",
       .attributes = {{"group", 2}},
       .inputs = {Integers({2, 4, 3}, -9, 9)},
       .outputs = {{2, 4, 3}},
       .dtypes = {DType::kI64}},
  };
}

std::vector<OpCase> ReverseSequenceRows() {
  const auto lengths = [](std::vector<double> values) {
    const int64_t n = static_cast<int64_t>(values.size());
    return Values({n}, std::move(values), DType::kI64);
  };
  return {
      {.name = "time_first",
       .inputs = {Uniform({4, 3, 2}), lengths({4, 1, 3})},
       .outputs = {{4, 3, 2}}},
      {.name = "batch_first",
       .attributes = {{"batch_axis", 0}, {"time_axis", 1}},
       .inputs = {Uniform({3, 5}), lengths({2, 0, 5})},
       .outputs = {{3, 5}},
       .batch_inputs = {0, 1}},
      {.name = "bool",
       .inputs = {Integers({4, 2}, 0, 2, DType::kBool), lengths({3, 4})},
       .outputs = {{4, 2}},
       .dtypes = {DType::kBool}},
  };
}

}  // namespace

std::vector<OpCase> MoveCases() {
  std::vector<OpCase> all;
  AddRows(all, "Tile", TileRows());
  AddRows(all, "Expand", ExpandRows());
  AddRows(all, "Transpose", TransposeRows());
  AddRows(all, "", DepthSpaceRows());
  AddRows(all, "ChannelShuffle", ChannelShuffleRows());
  // Axis 0 may be a symbol, except where the rows say which.
  for (OpCase& row : all) row.batch_inputs = {0};
  AddRows(all, "ReverseSequence", ReverseSequenceRows());
  return all;
}

}  // namespace weft
