#include "tests/cases/table.h"

namespace weft {
namespace {

struct SignalRow {
  std::string name;
  AttributeMap attributes;
  Dims x;
  int length;  // 0: none is given
  Dims y;
};

std::vector<SignalRow> Rows() {
  const AttributeMap onesided = {{"onesided", 1}}, inverse = {{"inverse", 1}};
  return {
      {"complex", {}, {2, 6, 2}, 0, {2, 6, 2}},
      {"real", {}, {2, 5, 1}, 0, {2, 5, 2}},
      {"onesided_even", onesided, {2, 8, 1}, 0, {2, 5, 2}},
      {"onesided_odd", onesided, {2, 7, 1}, 0, {2, 4, 2}},
      {"inverse", inverse, {2, 12, 2}, 0, {2, 12, 2}},
      {"inverse_real_input", inverse, {1, 4, 1}, 0, {1, 4, 2}},
      {"padded", {}, {2, 5, 2}, 9, {2, 9, 2}},
      {"cut", {}, {2, 7, 2}, 4, {2, 4, 2}},
      {"onesided_padded", onesided, {3, 5, 1}, 8, {3, 5, 2}},
      {"onesided_cut", onesided, {1, 9, 1}, 6, {1, 4, 2}},
      {"inverse_cut", inverse, {1, 7, 2}, 5, {1, 5, 2}},
      {"image_rows", {{"axis", 2}}, {1, 2, 3, 4, 2}, 0, {1, 2, 3, 4, 2}},
      {"image_columns", {{"axis", -2}, {"onesided", 1}}, {2, 1, 3, 4, 1}, 0, {2, 1, 3, 3, 2}},
      {"length_1", {}, {3, 1, 2}, 0, {3, 1, 2}},
      {"prime_23", {}, {1, 23, 2}, 0, {1, 23, 2}},
      {"channels_17", {}, {2, 4, 17, 1}, 0, {2, 4, 17, 2}},
  };
}

OpCase CaseOf(const SignalRow& row, bool gradient) {
  OpCase c{.op = gradient ? "DFTGrad" : "DFT", .name = row.name, .attributes = row.attributes};
  if (gradient) {
    c.inputs = {Uniform(row.y), Uniform(row.x)};
    c.outputs = {row.x};
    c.batch_inputs = {0, 1};
  } else {
    c.inputs = {Uniform(row.x)};
    c.outputs = {row.y};
    c.batch_inputs = {0};
  }
  if (row.length > 0) {
    c.inputs.push_back(Constant(Values({}, {static_cast<double>(row.length)}, DType::kI64)));
  }
  return c;
}

}  // namespace

std::vector<OpCase> SignalCases() {
  std::vector<OpCase> cases;
  for (const SignalRow& row : Rows()) {
    cases.push_back(CaseOf(row, false));
    cases.push_back(CaseOf(row, true));
  }
  return cases;
}

}  // namespace weft
