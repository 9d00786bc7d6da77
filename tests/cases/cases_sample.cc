#include "tests/cases/table.h"

namespace weft {
namespace {

struct SampleRow {
  std::string name;
  AttributeMap attributes;
  Dims x, grid, y;
};

std::vector<SampleRow> SampleRows() {
  const auto modes = [](const char* mode, const char* padding, int corners) {
    return AttributeMap{{"mode", mode}, {"padding_mode", padding}, {"align_corners", corners}};
  };
  return {
      {"linear", {}, {2, 3, 4, 5}, {2, 3, 2, 2}, {2, 3, 3, 2}},
      {"corners", modes("linear", "zeros", 1), {2, 1, 3, 4}, {2, 2, 5, 2}, {2, 1, 2, 5}},
      {"border", modes("linear", "border", 0), {1, 2, 4, 4}, {1, 3, 3, 2}, {1, 2, 3, 3}},
      {"reflection", modes("linear", "reflection", 0), {1, 2, 3, 5}, {1, 4, 3, 2}, {1, 2, 4, 3}},
      {"mirror", modes("linear", "reflection", 1), {1, 1, 4, 3}, {1, 4, 4, 2}, {1, 1, 4, 4}},
      {"cubic", modes("cubic", "zeros", 0), {2, 2, 5, 4}, {2, 3, 3, 2}, {2, 2, 3, 3}},
      {"cubic_border", modes("cubic", "border", 1), {1, 1, 4, 4}, {1, 2, 3, 2}, {1, 1, 2, 3}},
      {"cubic_mirror", modes("cubic", "reflection", 0), {1, 1, 4, 4}, {1, 2, 3, 2}, {1, 1, 2, 3}},
      {"volume", {}, {1, 2, 3, 4, 2}, {1, 2, 2, 3, 3}, {1, 2, 2, 2, 3}},
      {"line", {}, {2, 3, 6}, {2, 4, 1}, {2, 3, 4}},
      {"one_element", {}, {1, 2, 1, 1}, {1, 2, 2, 2}, {1, 2, 2, 2}},
      {"channels_17", {}, {2, 17, 6, 6}, {2, 5, 5, 2}, {2, 17, 5, 5}}};
}

OpCase Nearest(std::string op, std::vector<CaseInput> inputs, Dims result) {
  return {.op = std::move(op),
          .name = "nearest",
          .attributes = {{"mode", "nearest"}},
          .inputs = std::move(inputs),
          .outputs = {std::move(result)}};
}

// Places in and around the image, a fifth of an element and more from where slopes change.
CaseInput GridOf(const SampleRow& row) {
  const bool corners = GetInt(row.attributes, "align_corners") != 0;
  const size_t axes = row.x.size() - 2;
  size_t points = 1;
  for (size_t i = 0; i + 1 < row.grid.size(); ++i) points *= static_cast<size_t>(row.grid[i]);
  std::vector<double> components;
  for (size_t i = 0; i < points * axes; ++i) {
    const auto extent = row.x[row.x.size() - 1 - i % axes];
    const auto element = static_cast<double>(7 * i % static_cast<size_t>(extent + 1)) - 1;
    const double at = element + 0.2 + 0.03 * static_cast<double>(i % 7);
    const auto size = static_cast<double>(extent);
    components.push_back(corners ? 2 * at / (size - 1) - 1 : (2 * at + 1) / size - 1);
  }
  return Values(row.grid, std::move(components));
}

void AddSampleCases(std::vector<OpCase>& cases) {
  for (const SampleRow& row : SampleRows()) {
    const CaseInput x = Uniform(row.x), dy = Uniform(row.y), grid = GridOf(row);
    const auto add = [&](std::string op, std::vector<CaseInput> inputs, Dims result) {
      std::vector<int> batches(inputs.size());
      for (size_t i = 0; i < batches.size(); ++i) batches[i] = static_cast<int>(i);
      cases.push_back({.op = std::move(op),
                       .name = row.name,
                       .attributes = row.attributes,
                       .inputs = std::move(inputs),
                       .outputs = {std::move(result)},
                       .batch_inputs = std::move(batches)});
    };
    add("GridSample", {x, grid}, row.y);
    add("GridSampleGradInput", {dy, grid, x}, row.x);
    add("GridSampleGradGrid", {dy, x, grid}, row.grid);
  }
  // Places that no rounding of f32 moves to another element.
  const CaseInput x = Uniform({1, 2, 4, 4}), dy = Uniform({1, 2, 2, 2});
  const CaseInput grid = Values({1, 2, 2, 2}, {-0.75, 0.25, 0.3, 0.7, -1.2, 0, 0.9, -0.3});
  cases.push_back(Nearest("GridSample", {x, grid}, dy.dims));
  cases.push_back(Nearest("GridSampleGradInput", {dy, grid, x}, x.dims));
  cases.push_back(Nearest("GridSampleGradGrid", {dy, x, grid}, grid.dims));
}

struct RegionRow {
  std::string name;
  AttributeMap attributes;
  Dims x;
  std::vector<double> rois;
  std::vector<double> images;
};

std::vector<RegionRow> RegionRows() {
  return {
      {"adaptive",
       {{"output_height", 2}, {"output_width", 3}},
       {2, 3, 6, 7},
       {0.5, 1, 5.5, 4.2, 1, 0, 3, 6},
       {1, 0}},
      {"sampled",
       {{"output_height", 3}, {"output_width", 2}, {"sampling_ratio", 2}, {"spatial_scale", 0.5}},
       {1, 2, 8, 8},
       {2, 2, 13, 9, 0, 0, 16, 16, 5, 5, 6, 6},
       {0, 0, 0}},
      {"output_half_pixel",
       {{"output_height", 2},
        {"output_width", 2},
        {"coordinate_transformation_mode", "output_half_pixel"}},
       {2, 1, 5, 5},
       {1, 1, 1.2, 4, -3, -2, 8, 9},
       {0, 1}},
      {"channels_17",
       {{"output_height", 7}, {"output_width", 7}},
       {1, 17, 14, 14},
       {1, 1, 12, 13},
       {0}},
      {"one_bin", {}, {1, 2, 4, 4}, {0, 0, 4, 4}, {0}},
      {"of_no_extent", {{"sampling_ratio", 1}}, {1, 2, 4, 4}, {2, 2, 2, 2}, {0}}};
}

void AddRegionCases(std::vector<OpCase>& cases) {
  for (const RegionRow& row : RegionRows()) {
    const auto regions = static_cast<int64_t>(row.images.size());
    const CaseInput x = Uniform(row.x), rois = Values({regions, 4}, row.rois);
    const CaseInput images = Values({regions}, row.images, DType::kI64);
    const CaseInput dy = Uniform({regions, row.x[1], GetInt(row.attributes, "output_height", 1),
                                  GetInt(row.attributes, "output_width", 1)});
    cases.push_back({.op = "RoiAlign",
                     .name = row.name,
                     .attributes = row.attributes,
                     .inputs = {x, rois, images},
                     .outputs = {dy.dims},
                     .batch_inputs = {0}});
    cases.push_back({.op = "RoiAlignGrad",
                     .name = row.name,
                     .attributes = row.attributes,
                     .inputs = {dy, rois, images, x},
                     .outputs = {row.x},
                     .batch_inputs = {0, 1, 2}});
  }
}

// Four boxes of two images: the second overlaps the first by 9/11, the last is the first's double.
void AddSuppressionCases(std::vector<OpCase>& cases) {
  const CaseInput boxes = Values({2, 4, 4}, {0, 0, 1,   1, 0, 0.1, 1, 1.1, 0, 3, 1, 4, 1, 1, 0, 0,
                                             0, 0, 0.2, 1, 2, 2,   3, 3,   0, 0, 1, 1, 5, 5, 6, 7},
                                 DType::kF32);
  const CaseInput scores = Values({2, 2, 4},
                                  {0.9, 0.75, 0.6, 0.95, 0.1, 0.2, 0.3, 0.4,  //
                                   0.5, 0.5, 0.5, 0.5, 0.7, 0.0, 0.8, 0.9},
                                  DType::kF32);
  const auto limit = [](double value) { return Constant(Values({1}, {value}, DType::kF32)); };
  const CaseInput three = Constant(Values({}, {3}, DType::kI64));
  const auto add = [&](std::string name, std::vector<CaseInput> limits, int64_t rows,
                       AttributeMap attributes = {}) {
    std::vector<CaseInput> inputs = {boxes, scores};
    inputs.insert(inputs.end(), limits.begin(), limits.end());
    cases.push_back({.op = "NonMaxSuppression",
                     .name = std::move(name),
                     .attributes = std::move(attributes),
                     .inputs = std::move(inputs),
                     .outputs = {{rows, 3}, {1}},
                     .dtypes = {DType::kI64, DType::kI64}});
  };
  add("of_overlap", {three, limit(0.5)}, 12);
  add("of_score", {three, limit(0.5), limit(0.4)}, 12);
  add("centers", {three, limit(0.1)}, 12, {{"center_point_box", 1}});
  add("all", {ConstantInts({1e9}), limit(1)}, 16);
  add("none", {}, 0);
}

void AddNonZeroCases(std::vector<OpCase>& cases) {
  const std::vector<std::optional<DType>> integers = {DType::kI64, DType::kI64};
  cases.push_back({.op = "NonZero",
                   .name = "matrix",
                   .inputs = {Values({2, 3}, {0, 1, 0, -2, 0, 5})},
                   .outputs = {{2, 6}, {1}},
                   .dtypes = integers});
  cases.push_back({.op = "NonZero",
                   .name = "bools",
                   .inputs = {Integers({2, 2, 3}, 0, 2, DType::kBool)},
                   .outputs = {{3, 12}, {1}},
                   .dtypes = integers,
                   .batch_inputs = {0}});
}

void AddUniqueCases(std::vector<OpCase>& cases) {
  const auto add = [&](std::string name, CaseInput x, Dims y, int64_t most,
                       AttributeMap attributes) {
    const std::vector<std::optional<DType>> dtypes = {x.dtype, DType::kI64, DType::kI64,
                                                      DType::kI64, DType::kI64};
    cases.push_back({.op = "Unique",
                     .name = std::move(name),
                     .attributes = std::move(attributes),
                     .inputs = {std::move(x)},
                     .outputs = {std::move(y), {most}, {most}, {most}, {1}},
                     .dtypes = dtypes});
  };
  add("elements", Values({2, 3}, {2, 1, 1, 3, 4, 3}), {6}, 6, {});
  add("as_they_come", Values({6}, {2, 1, 1, 3, 4, 3}), {6}, 6, {{"sorted", 0}});
  add("rows", Values({3, 2}, {1, 0, 1, 0, 0, 3}), {3, 2}, 3, {{"axis", 0}});
  add("inner_axis", Integers({2, 5, 2}, 0, 2), {2, 5, 2}, 5, {{"axis", -2}});
  add("empty", Values({0, 2}, {}), {0, 2}, 0, {{"axis", 0}});
}

}  // namespace

std::vector<OpCase> SampleCases() {
  std::vector<OpCase> cases;
  AddSampleCases(cases);
  AddRegionCases(cases);
  AddSuppressionCases(cases);
  AddNonZeroCases(cases);
  AddUniqueCases(cases);
  cases.push_back({.op = "Det", .name = "one", .inputs = {Uniform({3, 3})}, .outputs = {{}}});
  cases.push_back({.op = "Det",
                   .name = "batch",
                   .inputs = {Uniform({2, 3, 4, 4})},
                   .outputs = {{2, 3}},
                   .batch_inputs = {0}});
  return cases;
}

}  // namespace weft
