#include "tests/cases/table.h"

// Pad, PadGrad.

namespace weft {
namespace {

struct PadRow {
  const char* name;
  const char* mode;
  Dims data;
  std::vector<double> pads, axes;  // axes: absent if empty
  Dims padded;
  bool batch = true;  // axis 0 may be a symbol, and none
};

// Each is a case of Pad and one of PadGrad.
std::vector<PadRow> Rows() {
  return {
      {"zeros", "constant", {2, 3, 3, 2}, {0, 0, 1, 2, 0, 0, 0, 1}, {}, {2, 3, 4, 5}},
      {"batch", "constant", {2, 3}, {1, 0, 2, 1}, {}, {5, 4}},
      {"crop", "constant", {2, 3, 5}, {-1, 2}, {2}, {2, 3, 6}},
      {"crop_only", "constant", {3, 6}, {-1, -2}, {-1}, {3, 3}},
      {"nothing", "constant", {2, 3}, {0, 0, 0, 0}, {}, {2, 3}},
      {"from_nothing", "constant", {0, 3}, {1, 1}, {0}, {2, 3}},
      {"edge", "edge", {2, 3, 3, 2}, {1, 2, 2, 1}, {2, 3}, {2, 3, 6, 5}},
      {"edge_width_1", "edge", {2, 1, 1}, {3, 4}, {2}, {2, 1, 8}},
      {"edge_crop", "edge", {2, 6}, {-2, 2}, {1}, {2, 6}},
      {"reflect", "reflect", {2, 1, 4, 3}, {3, 1, 2, 2}, {2, 3}, {2, 1, 9, 6}},
      {"reflect_1d", "reflect", {17}, {16, 5}, {}, {38}, false},
      {"symmetric", "symmetric", {2, 1, 3, 2}, {3, 2, 0, 1}, {2, 3}, {2, 1, 6, 5}},
      {"wrap", "wrap", {2, 1, 4, 3}, {2, 1, 1, 0}, {2, 3}, {2, 1, 7, 4}},
      {"wrap_many_times", "wrap", {2, 3}, {7, 8}, {1}, {2, 18}},
      {"wrap_once", "wrap", {2, 3}, {1, 1}, {1}, {2, 5}},
      {"wrap_crop", "wrap", {2, 5}, {-1, 6}, {1}, {2, 10}},
  };
}

CaseInput Axes(const PadRow& row) { return row.axes.empty() ? Absent() : ConstantInts(row.axes); }

}  // namespace

std::vector<OpCase> PadCases() {
  std::vector<OpCase> all;
  for (const PadRow& row : Rows()) {
    OpCase pad{.op = "Pad",
               .name = row.name,
               .attributes = {{"mode", row.mode}},
               .inputs = {Uniform(row.data), ConstantInts(row.pads), Absent(), Axes(row)},
               .outputs = {row.padded}};
    OpCase grad{
        .op = "PadGrad",
        .name = row.name,
        .attributes = {{"mode", row.mode}},
        .inputs = {Uniform(row.padded), Uniform(row.data), ConstantInts(row.pads), Axes(row)},
        .outputs = {row.data}};
    if (row.batch) pad.batch_inputs = {0};
    if (row.batch && row.data[0] == row.padded[0]) grad.batch_inputs = {0, 1};
    all.push_back(std::move(pad));
    all.push_back(std::move(grad));
  }
  all.push_back({.op = "Pad",
                 .name = "value",
                 .inputs = {Uniform({2, 3}), ConstantInts({0, 2, 0, 1}), Variable(Uniform({}))},
                 .outputs = {{2, 6}},
                 .batch_inputs = {0}});
  all.push_back(
      {.op = "Pad",
       .name = "value_of_one_axis",
       .inputs = {Uniform({2, 3}), ConstantInts({1, -1}), Uniform({1}), ConstantInts({1})},
       .outputs = {{2, 3}}});
  all.push_back({.op = "Pad",
                 .name = "value_unread",
                 .attributes = {{"mode", "edge"}},
                 .inputs = {Uniform({2, 3}), ConstantInts({1, 1}), Uniform({}), ConstantInts({1})},
                 .outputs = {{2, 5}},
                 .batch_inputs = {0}});
  all.push_back({.op = "Pad",
                 .name = "i64",
                 .inputs = {Integers({3, 3}, -9, 9), ConstantInts({1, 1, 1, 1}),
                            Constant(Values({}, {-7}, DType::kI64))},
                 .outputs = {{5, 5}},
                 .dtypes = {DType::kI64}});
  all.push_back(
      {.op = "Pad",
       .name = "u8",
       .attributes = {{"mode", "reflect"}},
       .inputs = {Integers({2, 5, 6}, 0, 255, DType::kU8), ConstantInts({0, 2, 1, 0, 1, 2})},
       .outputs = {{2, 8, 9}},
       .dtypes = {DType::kU8}});
  return all;
}

}  // namespace weft
