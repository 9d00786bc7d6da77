#include "tests/cases/table.h"

// Arithmetic of two operands, and the ops of any number of them.

namespace weft {
namespace {

struct Broadcast {
  std::string name;
  Dims a, b, result;
  std::vector<int> batch_inputs = {};
};

std::vector<Broadcast> Broadcasts() {
  return {
      {"same", {2, 3, 4, 5}, {2, 3, 4, 5}, {2, 3, 4, 5}, {0, 1}},
      {"scalar", {2, 3}, {}, {2, 3}, {0}},
      {"scalar_first", {}, {2, 3}, {2, 3}, {1}},
      {"two_scalars", {}, {}, {}},
      {"channel", {2, 17, 3, 3}, {1, 17, 1, 1}, {2, 17, 3, 3}, {0}},
      {"channel_lower_rank", {2, 3, 4, 1}, {3, 1, 1}, {2, 3, 4, 1}, {0}},
      {"last_axis", {4, 5}, {5}, {4, 5}, {0}},
      {"first_axis", {4, 1}, {4, 5}, {4, 5}, {0, 1}},
      {"both", {4, 1, 3}, {5, 1}, {4, 5, 3}, {0}},
      {"both_same_rank", {1, 3, 1, 5}, {2, 1, 4, 1}, {2, 3, 4, 5}, {1}},
      {"one_element", {1, 1, 1}, {3}, {1, 1, 3}, {0}},
      {"empty", {0, 3}, {3}, {0, 3}, {0}},
      {"empty_by_broadcast", {1, 3}, {0, 1}, {0, 3}, {1}},
  };
}

// Those that matter where an op does not do anything of its own with shapes.
std::vector<Broadcast> FewBroadcasts() {
  return {
      {"same", {2, 3, 3}, {2, 3, 3}, {2, 3, 3}, {0, 1}},
      {"scalar", {2, 3}, {}, {2, 3}, {0}},
      {"scalar_first", {}, {2, 3}, {2, 3}, {1}},
      {"channel", {2, 17, 2, 1}, {17, 1, 1}, {2, 17, 2, 1}, {0}},
      {"both", {4, 1, 3}, {5, 1}, {4, 5, 3}, {0}},
      {"empty", {0, 3}, {3}, {0, 3}, {0}},
  };
}

OpCase ElementwiseRow(const char* op, const Broadcast& b, CaseInput a, CaseInput second) {
  return {.op = op,
          .name = b.name,
          .inputs = {std::move(a), std::move(second)},
          .outputs = {b.result},
          .batch_inputs = b.batch_inputs};
}

OpCase IntegerRow(const char* op, DType dtype) {
  OpCase row = ElementwiseRow(op, {std::string(ToString(dtype)), {2, 3}, {3}, {2, 3}, {0}},
                              Integers({2, 3}, 5, 9, dtype), Integers({3}, 1, 5, dtype));
  row.dtypes = {dtype};
  return row;
}

void AddArithmetic(std::vector<OpCase>& all) {
  for (const char* op : {"Add", "Sub", "Mul", "Div"}) {
    for (const Broadcast& b : Broadcasts())
      all.push_back(ElementwiseRow(op, b, Uniform(b.a), OffZero(b.b)));
    for (DType dtype : {DType::kI32, DType::kI64, DType::kU8, DType::kU64}) {
      all.push_back(IntegerRow(op, dtype));
    }
  }
}

// Quotients stay off the whole numbers, where the remainder jumps.
void AddMod(std::vector<OpCase>& all) {
  for (const Broadcast& b : FewBroadcasts()) {
    all.push_back(ElementwiseRow("Mod", b, Uniform(b.a, 2.2, 2.4), Uniform(b.b, 0.9, 1)));
    all.back().attributes = {{"fmod", 1}};
  }
  all.push_back(ElementwiseRow("Mod", {"signs", {4}, {4}, {4}, {0, 1}},
                               Values({4}, {2.5, -2.5, 2.5, -2.5}),
                               Values({4}, {1.5, 1.5, -1.5, -1.5})));
  all.back().attributes = {{"fmod", 1}};
  for (DType dtype : {DType::kI32, DType::kI64, DType::kU8, DType::kU64}) {
    all.push_back(IntegerRow("Mod", dtype));
    all.push_back(IntegerRow("Mod", dtype));
    all.back().name += "_fmod";
    all.back().attributes = {{"fmod", 1}};
  }
}

void AddPow(std::vector<OpCase>& all) {
  for (const Broadcast& b : FewBroadcasts()) {
    all.push_back(ElementwiseRow("Pow", b, Positive(b.a), Uniform(b.b)));
  }
  const auto whole = [](std::vector<double> values) { return Values({5}, values, DType::kI64); };
  all.push_back(ElementwiseRow("Pow", {"whole_powers", {5}, {5}, {5}, {0, 1}}, OffZero({5}),
                               whole({3, 2, 1, 0, -1})));
  all.push_back(ElementwiseRow("Pow", {"of_zero", {5}, {5}, {5}, {0, 1}},
                               Values({5}, {0, 0, 0, 0, -0.5}), whole({0, 1, 2, 3, 0})));
  all.push_back(ElementwiseRow("Pow", {"square", {2, 3}, {}, {2, 3}, {0}}, OffZero({2, 3}),
                               Constant(Values({}, {2}, DType::kI32))));
  all.push_back(ElementwiseRow("Pow", {"constant", {2, 3}, {}, {2, 3}, {0}}, Positive({2, 3}),
                               Constant(Values({}, {1.5}))));
  for (DType dtype : {DType::kI32, DType::kI64, DType::kU8, DType::kU64}) {
    all.push_back(IntegerRow("Pow", dtype));
  }
  all.push_back(ElementwiseRow("Pow", {"integer_base", {2, 3}, {3}, {2, 3}, {0}},
                               Integers({2, 3}, 1, 5), Values({3}, {2, 3, 1})));
  all.back().dtypes = {DType::kI64};
}

// Elements of one grid a quarter apart, shifted for each input: no two inputs tie anywhere.
CaseInput Untied(Dims dims, int input) {
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  std::vector<double> values;
  for (int64_t i = 0; i < n; ++i) {
    values.push_back(static_cast<double>((7 * i + 3 * input) % 11) / 4 + 0.06 * input - 1);
  }
  return Values(std::move(dims), std::move(values));
}

void AddVariadic(std::vector<OpCase>& all) {
  struct Shapes {
    std::string name;
    std::vector<Dims> inputs;
    Dims result;
    std::vector<int> batch_inputs = {};
  };
  const std::vector<Shapes> rows = {
      {"one", {{2, 3}}, {2, 3}, {0}},
      {"two", {{2, 17, 2}, {2, 17, 2}}, {2, 17, 2}, {0, 1}},
      {"scalar", {{2, 3}, {}}, {2, 3}, {0}},
      {"scalar_first", {{}, {2, 3}}, {2, 3}, {1}},
      {"broadcast", {{4, 1, 3}, {5, 1}, {1}}, {4, 5, 3}, {0}},
      {"constant_along_the_last_axis", {{2, 1}, {1}, {2, 3}}, {2, 3}, {0, 2}},
      {"four", {{2, 3}, {2, 3}, {3}, {2, 3}}, {2, 3}, {0, 1, 3}},
      {"empty", {{0, 3}, {3}}, {0, 3}, {0}},
  };
  for (const char* op : {"Max", "Mean", "Min", "Sum"}) {
    for (const Shapes& row : rows) {
      OpCase c{
          .op = op, .name = row.name, .outputs = {row.result}, .batch_inputs = row.batch_inputs};
      for (const Dims& dims : row.inputs) {
        c.inputs.push_back(Untied(dims, static_cast<int>(c.inputs.size())));
      }
      all.push_back(std::move(c));
    }
  }
  for (const char* op : {"Max", "Min"}) {
    for (DType dtype : {DType::kI32, DType::kI64, DType::kU8, DType::kU64}) {
      all.push_back(IntegerRow(op, dtype));
    }
  }
}

void AddBitwise(std::vector<OpCase>& all) {
  for (const char* direction : {"LEFT", "RIGHT"}) {
    for (DType dtype : {DType::kU8, DType::kU16, DType::kU32, DType::kU64}) {
      all.push_back(IntegerRow("BitShift", dtype));
      all.back().name = absl::StrCat(direction, "_", all.back().name);
      all.back().attributes = {{"direction", direction}};
    }
  }
  for (DType dtype : {DType::kI8, DType::kI16, DType::kI32, DType::kI64, DType::kU8, DType::kU16,
                      DType::kU32, DType::kU64}) {
    for (const char* op : {"BitwiseAnd", "BitwiseOr", "BitwiseXor"}) {
      all.push_back(IntegerRow(op, dtype));
    }
    all.push_back({.op = "BitwiseNot",
                   .name = std::string(ToString(dtype)),
                   .inputs = {Integers({2, 3}, 0, 100, dtype)},
                   .outputs = {{2, 3}},
                   .dtypes = {dtype},
                   .batch_inputs = {0}});
  }
}

}  // namespace

std::vector<OpCase> ElementwiseCases() {
  std::vector<OpCase> all;
  AddArithmetic(all);
  AddMod(all);
  AddPow(all);
  AddVariadic(all);
  AddBitwise(all);
  return all;
}

}  // namespace weft
