#include "tests/cases/table.h"

// Slice, SliceGrad.

namespace weft {
namespace {

constexpr double kEnd = 2147483647;  // "to the end" as 32-bit exporters write it

struct SliceRow {
  const char* name;
  Dims data;
  std::vector<double> starts, ends, axes, steps;  // axes, steps: absent if empty
  Dims slice;
  bool batch = true;  // axis 0 may be a symbol
};

// Each is a case of Slice and one of SliceGrad.
std::vector<SliceRow> Rows() {
  return {
      {"channels", {2, 5, 3}, {1}, {4}, {1}, {}, {2, 3, 3}},
      {"without_axes", {3, 4, 2}, {0, 1}, {kEnd, -1}, {}, {}, {3, 2, 2}},
      {"batch_without_ends", {4, 3}, {1}, {-1}, {0}, {}, {2, 3}},
      {"last_of_batch", {4, 3}, {-3}, {kEnd}, {0}, {}, {3, 3}},
      {"steps", {2, 7, 5}, {1, 0}, {7, 5}, {1, -1}, {2, 3}, {2, 3, 2}},
      {"stride_above_kernel", {17, 3}, {2}, {17}, {0}, {7}, {3, 3}},
      {"backwards", {3, 5}, {-1}, {-kEnd}, {0}, {-1}, {3, 5}},
      {"backwards_by_two", {2, 6}, {kEnd}, {0}, {1}, {-2}, {2, 3}},
      {"clamped", {2, 3, 4}, {-100, 2}, {2, 100}, {1, 2}, {}, {2, 2, 2}},
      {"nothing", {2, 4}, {3}, {1}, {1}, {}, {2, 0}},
      {"empty_batch", {0, 4}, {1}, {3}, {1}, {}, {0, 2}},
      {"one_element", {3, 4}, {-1}, {kEnd}, {-1}, {1000}, {3, 1}},
      {"width_1", {2, 3, 1}, {0, 1}, {1, 3}, {2, 1}, {}, {2, 2, 1}},
  };
}

CaseInput Optional(const std::vector<double>& values) {
  return values.empty() ? Absent() : ConstantInts(values);
}

}  // namespace

std::vector<OpCase> SliceCases() {
  std::vector<OpCase> all;
  for (const SliceRow& row : Rows()) {
    OpCase slice{.op = "Slice",
                 .name = row.name,
                 .inputs = {Uniform(row.data), ConstantInts(row.starts), ConstantInts(row.ends),
                            Optional(row.axes), Optional(row.steps)},
                 .outputs = {row.slice}};
    OpCase grad = slice;
    grad.op = "SliceGrad";
    grad.inputs[0] = Uniform(row.slice);
    grad.inputs.insert(grad.inputs.begin() + 1, Uniform(row.data));
    grad.outputs = {row.data};
    if (row.batch) {
      slice.batch_inputs = {0};
      if (row.data[0] == row.slice[0]) grad.batch_inputs = {0, 1};
    }
    all.push_back(std::move(slice));
    all.push_back(std::move(grad));
  }
  all.push_back(
      {.op = "Slice",
       .name = "i32_arguments",
       .inputs = {Integers({5, 6}, 0, 2, DType::kBool), Constant(Values({1}, {1}, DType::kI32)),
                  Constant(Values({1}, {-1}, DType::kI32))},
       .outputs = {{3, 6}},
       .dtypes = {DType::kBool}});
  all.push_back(
      {.op = "SliceGrad",
       .name = "computed_arguments",
       .inputs = {Integers({2, 2}, -9, 9), Integers({2, 4}, -9, 9), Values({1}, {1}, DType::kI64),
                  Values({1}, {3}, DType::kI64), Values({1}, {1}, DType::kI64)},
       .outputs = {{2, 4}},
       .dtypes = {DType::kI64}});
  return all;
}

}  // namespace weft
