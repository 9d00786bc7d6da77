#include "tests/cases/table.h"

namespace weft {
namespace {

struct Reduction {
  std::string name;
  AttributeMap attributes;
  Dims from, to;
};

std::vector<Reduction> Reductions() {
  const Attribute dropped(0);
  return {
      {"all", {}, {2, 3, 4}, {1, 1, 1}},
      {"all_dropped", {{"keepdims", dropped}}, {2, 3, 4}, {}},
      {"first", {{"axes", Ints{0}}}, {5, 3}, {1, 3}},
      {"first_dropped", {{"axes", Ints{0}}, {"keepdims", dropped}}, {5, 3}, {3}},
      {"last", {{"axes", Ints{-1}}}, {2, 3, 17}, {2, 3, 1}},
      {"middle_dropped", {{"axes", Ints{1}}, {"keepdims", dropped}}, {2, 3, 4}, {2, 4}},
      {"space", {{"axes", Ints{2, 3}}}, {2, 3, 4, 5}, {2, 3, 1, 1}},
      {"space_dropped", {{"axes", Ints{-1, -2}}, {"keepdims", dropped}}, {2, 3, 4, 5}, {2, 3}},
      {"all_but_channels", {{"axes", Ints{0, 2, 3}}, {"keepdims", dropped}}, {2, 17, 2, 3}, {17}},
      {"unsorted_axes", {{"axes", Ints{2, 0}}}, {2, 3, 4}, {1, 3, 1}},
      {"size_1", {{"axes", Ints{1}}}, {3, 1, 2}, {3, 1, 2}},
      {"scalar", {}, {}, {}},
      {"empty_batch", {{"axes", Ints{1}}, {"keepdims", dropped}}, {0, 3}, {0}},
  };
}

std::vector<OpCase> LikeRows() {
  return {
      {.op = "ReduceToLike",
       .name = "same",
       .inputs = {Uniform({2, 3}), Uniform({2, 3})},
       .outputs = {{2, 3}},
       .batch_inputs = {0, 1}},
      {.op = "ReduceToLike",
       .name = "channel",
       .inputs = {Uniform({2, 17, 3, 3}), Uniform({17, 1, 1})},
       .outputs = {{17, 1, 1}},
       .batch_inputs = {0}},
      {.op = "ReduceToLike",
       .name = "scalar",
       .inputs = {Uniform({2, 3}), Uniform({})},
       .outputs = {Dims{}},
       .batch_inputs = {0}},
      {.op = "ReduceToLike",
       .name = "both_ends",
       .inputs = {Uniform({4, 3, 5}), Uniform({1, 3, 1})},
       .outputs = {{1, 3, 1}},
       .batch_inputs = {0}},
      {.op = "ReduceToLike",
       .name = "empty_batch",
       .inputs = {Uniform({0, 3}), Uniform({3})},
       .outputs = {{3}},
       .batch_inputs = {0}},
      {.op = "ExpandLike",
       .name = "same",
       .inputs = {Uniform({2, 3}), Uniform({2, 3})},
       .outputs = {{2, 3}},
       .batch_inputs = {0, 1}},
      {.op = "ExpandLike",
       .name = "kept_axes",
       .inputs = {Uniform({2, 1, 4}), Uniform({2, 3, 4})},
       .outputs = {{2, 3, 4}},
       .batch_inputs = {0, 1}},
      {.op = "ExpandLike",
       .name = "scalar",
       .inputs = {Uniform({}), Uniform({2, 3})},
       .outputs = {{2, 3}},
       .batch_inputs = {1}},
      {.op = "ExpandLike",
       .name = "inserted_axis",
       .attributes = {{"axes", Ints{1}}},
       .inputs = {Uniform({2, 4}), Uniform({2, 3, 4})},
       .outputs = {{2, 3, 4}},
       .batch_inputs = {0, 1}},
      {.op = "ExpandLike",
       .name = "channel",
       .attributes = {{"axes", Ints{0, 2, 3}}},
       .inputs = {Uniform({17}), Uniform({2, 17, 2, 3})},
       .outputs = {{2, 17, 2, 3}},
       .batch_inputs = {1}},
      {.op = "ExpandLike",
       .name = "negative_axes",
       .attributes = {{"axes", Ints{-1, -3}}},
       .inputs = {Uniform({3}), Uniform({2, 3, 4})},
       .outputs = {{2, 3, 4}},
       .batch_inputs = {1}},
      {.op = "ExpandLike",
       .name = "inserted_and_broadcast",
       .attributes = {{"axes", Ints{2}}},
       .inputs = {Uniform({1, 3}), Uniform({2, 3, 4})},
       .outputs = {{2, 3, 4}},
       .batch_inputs = {1}},
      {.op = "ExpandLike",
       .name = "like_integers",
       .inputs = {Uniform({3, 1}), Integers({3, 2}, 0, 9)},
       .outputs = {{3, 2}},
       .batch_inputs = {0, 1}},
      {.op = "ExpandLike",
       .name = "empty_batch",
       .inputs = {Uniform({3}), Uniform({0, 3})},
       .outputs = {{0, 3}},
       .batch_inputs = {1}},
  };
}

}  // namespace

std::vector<OpCase> ReduceCases() {
  std::vector<OpCase> all = LikeRows();
  for (const char* op : {"ReduceSum", "ReduceMean"}) {
    for (const Reduction& r : Reductions()) {
      all.push_back({.op = op,
                     .name = r.name,
                     .attributes = r.attributes,
                     .inputs = {Uniform(r.from)},
                     .outputs = {r.to}});
      if (!r.from.empty()) all.back().batch_inputs = {0};
    }
    for (DType dtype : {DType::kI32, DType::kI64}) {
      all.push_back({.op = op,
                     .name = std::string(ToString(dtype)),
                     .attributes = {{"axes", Ints{1}}},
                     .inputs = {Integers({2, 3}, -9, 9, dtype)},
                     .outputs = {{2, 1}},
                     .dtypes = {dtype},
                     .batch_inputs = {0}});
    }
  }
  all.push_back({.op = "ReduceSum",
                 .name = "over_empty_batch",
                 .attributes = {{"axes", Ints{0}}},
                 .inputs = {Uniform({0, 3})},
                 .outputs = {{1, 3}},
                 .batch_inputs = {0}});
  return all;
}

}  // namespace weft
