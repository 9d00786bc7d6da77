#include "tests/cases/table.h"

namespace weft {
namespace {

CaseInput Scales(std::vector<double> values) {
  const auto count = static_cast<int64_t>(values.size());
  return Constant(Values({count}, std::move(values), DType::kF32));
}

CaseInput Sizes(std::vector<double> values) {
  const auto count = static_cast<int64_t>(values.size());
  return Constant(Values({count}, std::move(values), DType::kI64));
}

AttributeMap Mode(const char* mode, const char* coordinates, AttributeMap more = {}) {
  more["mode"] = mode;
  more["coordinate_transformation_mode"] = coordinates;
  return more;
}

struct ResizeRow {
  std::string name;
  AttributeMap attributes;
  Dims x;
  std::vector<CaseInput> region;  // roi, scales, sizes
  Dims y;
};

// An image [N,C,H,W] to other sizes of its last two axes.
ResizeRow Image(std::string name, AttributeMap attributes, Dims x, int64_t height, int64_t width) {
  attributes["axes"] = Ints{2, 3};
  Dims y = {x[0], x[1], height, width};
  return {std::move(name),
          std::move(attributes),
          std::move(x),
          {Absent(), Absent(), Sizes({static_cast<double>(height), static_cast<double>(width)})},
          std::move(y)};
}

std::vector<ResizeRow> Rows() {
  const Ints last_two = {-2, -1};
  std::vector<ResizeRow> rows = {
      {"nearest_twice", {}, {2, 1, 2, 3}, {Absent(), Scales({1, 1, 2, 2})}, {2, 1, 4, 6}},
      {"nearest_down",
       Mode("nearest", "asymmetric", {{"nearest_mode", "floor"}}),
       {1, 3, 5, 5},
       {Absent(), Scales({1, 1, 0.6, 0.4})},
       {1, 3, 3, 2}},
      {"nearest_ceil",
       Mode("nearest", "half_pixel", {{"nearest_mode", "ceil"}, {"axes", Ints{2}}}),
       {2, 3, 7},
       {Absent(), Absent(), Sizes({4})},
       {2, 3, 4}},
      {"nearest_prefer_ceil",
       Mode("nearest", "align_corners", {{"nearest_mode", "round_prefer_ceil"}}),
       {2, 3},
       {Absent(), Absent(), Sizes({2, 7})},
       {2, 7}},
      {"linear_scales",
       Mode("linear", "half_pixel", {{"axes", last_two}}),
       {2, 2, 3, 4},
       {Absent(), Scales({2, 1.5})},
       {2, 2, 6, 6}},
      {"linear_3d",
       Mode("linear", "half_pixel", {{"axes", Ints{2, 3, 4}}}),
       {1, 2, 2, 3, 2},
       {Absent(), Absent(), Sizes({3, 2, 4})},
       {1, 2, 3, 2, 4}},
      {"linear_1d",
       Mode("linear", "align_corners", {{"axes", Ints{2}}}),
       {2, 3, 4},
       {Absent(), Absent(), Sizes({7})},
       {2, 3, 7}},
      {"linear_corners_and_scales",
       Mode("linear", "align_corners", {{"axes", Ints{2, 3, 4}}}),
       {1, 2, 2, 3, 4},
       {Absent(), Scales({1.75, 0.7, 1.4})},
       {1, 2, 3, 2, 5}},
      {"cubic_corners_and_scales",
       Mode("cubic", "align_corners", {{"axes", last_two}}),
       {1, 2, 5, 4},
       {Absent(), Scales({1.5, 0.8})},
       {1, 2, 7, 3}},
      {"linear_channels_last",
       Mode("linear", "half_pixel", {{"axes", Ints{1, 2}}}),
       {2, 2, 3, 3},
       {Absent(), Absent(), Sizes({4, 4})},
       {2, 4, 4, 3}},
      {"crop",
       Mode("linear", "tf_crop_and_resize", {{"extrapolation_value", 0.5}, {"axes", last_two}}),
       {1, 2, 4, 4},
       {Constant(Values({4}, {0.3, -0.25, 0.9, 1.25})), Absent(), Sizes({3, 5})},
       {1, 2, 3, 5}},
      {"crop_nearest_scales",
       Mode("nearest", "tf_crop_and_resize", {{"axes", Ints{-1}}}),
       {2, 3, 6},
       {Constant(Values({2}, {0.25, 1.5})), Scales({1})},
       {2, 3, 7}},
      {"cubic_exclude_outside",
       Mode("cubic", "half_pixel",
            {{"exclude_outside", 1}, {"cubic_coeff_a", -0.5}, {"axes", last_two}}),
       {1, 1, 4, 4},
       {Absent(), Scales({0.8, 1.75})},
       {1, 1, 3, 7}},
  };
  rows.push_back(Image("linear_up", Mode("linear", "half_pixel"), {2, 3, 3, 3}, 5, 6));
  rows.push_back(Image("linear_up_and_down", Mode("linear", "half_pixel"), {1, 2, 3, 6}, 5, 2));
  rows.push_back(Image("linear_down", Mode("linear", "half_pixel"), {1, 3, 7, 6}, 3, 2));
  rows.push_back(
      Image("linear_align_corners", Mode("linear", "align_corners"), {2, 1, 3, 4}, 5, 1));
  rows.push_back(Image("linear_width_1", Mode("linear", "asymmetric"), {2, 2, 5, 1}, 3, 3));
  rows.push_back(Image("linear_to_1", Mode("linear", "pytorch_half_pixel"), {1, 17, 3, 3}, 1, 1));
  rows.push_back(Image("linear_same", Mode("linear", "half_pixel"), {1, 2, 3, 3}, 3, 3));
  rows.push_back(Image("cubic_up", Mode("cubic", "half_pixel"), {1, 1, 3, 4}, 5, 7));
  rows.push_back(Image("cubic_align_corners", Mode("cubic", "align_corners"), {1, 2, 5, 4}, 3, 6));
  return rows;
}

}  // namespace

std::vector<OpCase> ResizeCases() {
  std::vector<OpCase> cases;
  for (const ResizeRow& row : Rows()) {
    // Where a size is given for axis 0, the batch cannot be another.
    const bool batch = row.attributes.contains("axes") || row.name == "nearest_twice" ||
                       row.name == "nearest_down";
    OpCase forward{.op = "Resize",
                   .name = row.name,
                   .attributes = row.attributes,
                   .inputs = {Uniform(row.x)},
                   .outputs = {row.y}};
    forward.inputs.insert(forward.inputs.end(), row.region.begin(), row.region.end());
    if (batch) forward.batch_inputs = {0};
    cases.push_back(std::move(forward));
    OpCase backward{.op = "ResizeGrad",
                    .name = row.name,
                    .attributes = row.attributes,
                    .inputs = {Uniform(row.y), Uniform(row.x)},
                    .outputs = {row.x}};
    backward.attributes.erase("extrapolation_value");
    backward.inputs.insert(backward.inputs.end(), row.region.begin(), row.region.end());
    if (batch) backward.batch_inputs = {0, 1};
    cases.push_back(std::move(backward));
  }
  cases.push_back({.op = "Resize",
                   .name = "nearest_u8",
                   .inputs = {Integers({1, 3, 2, 2}, 0, 255, DType::kU8), Absent(), Absent(),
                              Sizes({1, 3, 3, 4})},
                   .outputs = {{1, 3, 3, 4}},
                   .dtypes = {DType::kU8}});
  return cases;
}

}  // namespace weft
