#include "tests/cases/errors.h"
#include "tests/cases/table.h"

namespace weft {
namespace {

constexpr int64_t kLarge = int64_t{1} << 20;

// Two operands, or three, whose shapes disagree; a result that is too large; too many axes.
void AddShapes(std::vector<OpError>& all, const char* op, DTypeSet dtypes,
               AttributeMap attributes = {}) {
  const DType dtype = dtypes.contains(DType::kF32)  ? DType::kF32
                      : dtypes.contains(DType::kU8) ? DType::kU8
                                                    : DType::kBool;
  const auto row = [&](const char* name, Dims a, Dims b, std::vector<std::string> says) {
    all.push_back(
        {.op = op,
         .name = name,
         .attributes = attributes,
         .inputs = {Integers(std::move(a), 0, 2, dtype), Integers(std::move(b), 0, 2, dtype)},
         .says = std::move(says)});
  };
  row("shapes", {2, 3}, {4}, {"[2,3] and [4]", "got 3 and 4"});
  row("shapes_of_a_batch", {2, 1, 3}, {5, 1, 3}, {"got 2 and 5"});
  row("too_large", {kLarge, 1}, {kLarge}, {"274877906944 elements", "[1048576,1048576]"});
}

void AddWhere(std::vector<OpError>& all) {
  const CaseInput truths = Integers({2, 3}, 0, 2, DType::kBool);
  all.push_back({.op = "Where",
                 .name = "condition",
                 .inputs = {truths, Uniform({4}), Uniform({4})},
                 .says = {"[2,3] and [4]", "got 3 and 4"}});
  all.push_back({.op = "Where",
                 .name = "values",
                 .inputs = {truths, Uniform({3}), Uniform({3, 3})},
                 .says = {"[2,3] and [3,3]", "got 2 and 3"}});
  all.push_back({.op = "Where",
                 .name = "different_types",
                 .inputs = {truths, Uniform({3}), Integers({3}, 0, 5)},
                 .says = {"input 2 (Y)", "f32", "got i64"}});
  all.push_back({.op = "Where",
                 .name = "too_large",
                 .inputs = {truths, Uniform({kLarge, 1, 1}), Uniform({kLarge, 1, 1, 1})},
                 .says = {"274877906944 elements"}});
}

void AddDivisors(std::vector<OpError>& all) {
  for (const char* op : {"Div", "Mod"}) {
    all.push_back({.op = op,
                   .name = "integer_by_zero",
                   .inputs = {Integers({3}, 1, 5), Values({3}, {1, 0, 2}, DType::kI64)},
                   .says = {"division by zero", "element 1 of B"},
                   .when_run = true});
  }
  all.push_back({.op = "Pow",
                 .name = "negative_power_of_zero",
                 .inputs = {Values({2}, {1, 0}, DType::kI32), Values({}, {-1}, DType::kI32)},
                 .says = {"negative power of an integer 0"},
                 .when_run = true});
  all.push_back({.op = "Mod",
                 .name = "floating_point_without_fmod",
                 .inputs = {Uniform({2}), Uniform({2})},
                 .says = {"fmod", "1 for floating point", "got 0", "f32"}});
}

std::vector<OpError> ChainErrors() {
  const auto row = [](const char* name, std::vector<PostOp> steps, std::vector<int64_t> first,
                      std::vector<std::string> says) {
    return OpError{.op = "FusedElementwise",
                   .name = name,
                   .attributes = {{"steps", std::move(steps)}, {"operand_first", std::move(first)}},
                   .inputs = {Uniform({2, 3}), Uniform({3})},
                   .says = std::move(says)};
  };
  return {
      row("no_steps", {}, {}, {"steps", "at least one"}),
      row("no_step", {{.op = "Relu"}, {.op = "Conv"}}, {}, {"steps[1] (Conv)", "Add, Div, Max"}),
      row("unknown", {{.op = "Relu6x"}}, {}, {"steps[0] (Relu6x)", "one input"}),
      row("of_three", {{.op = "Clip"}}, {}, {"steps[0] (Clip)"}),
      row("to_bool", {{.op = "IsNaN"}}, {}, {"steps[0] (IsNaN)"}),
      row("no_operand", {{.op = "Mul", .input = 2}}, {}, {"index of an input", "got 2 of 2"}),
      row("operand", {{.op = "Mul"}}, {}, {"index of an input", "got -1 of 2"}),
      row("unary", {{.op = "Relu", .input = 1}}, {}, {"unary", "got index 1"}),
      row("unary_order", {{.op = "Relu"}}, {0}, {"unary"}),
      row("order", {{.op = "Sub", .input = 1}}, {1}, {"operand_first", "below 1", "got 1"}),
      {.op = "FusedElementwise",
       .name = "broadcast",
       .attributes = {{"steps", std::vector<PostOp>{{.op = "Add", .input = 1}}}},
       .inputs = {Uniform({3}), Uniform({2, 3})},
       .says = {"input 1 is f32[2,3]", "broadcast to X's f32[3]"}}};
}

}  // namespace

std::vector<OpError> ElementwiseErrors() {
  std::vector<OpError> all;
  for (const char* op : {"Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Sum", "Mean", "Equal",
                         "Greater", "GreaterOrEqual", "Less", "LessOrEqual"}) {
    AddShapes(all, op, kFloatTypes);
  }
  AddShapes(all, "Mod", kFloatTypes, {{"fmod", 1}});
  AddShapes(all, "BitShift", {DType::kU8}, {{"direction", "LEFT"}});
  for (const char* op : {"And", "Or", "Xor"}) AddShapes(all, op, {DType::kBool});
  for (const char* op : {"BitwiseAnd", "BitwiseOr", "BitwiseXor"}) {
    AddShapes(all, op, {DType::kU8});
    all.push_back({.op = op,
                   .name = "fractions",
                   .inputs = {Uniform({2}), Uniform({2})},
                   .says = {"i8|", "got f32"}});
  }
  for (const char* op : {"Max", "Mean", "Min", "Sum"}) {
    all.push_back({.op = op, .name = "of_nothing", .says = {"at least one input", "got none"}});
    all.push_back({.op = op,
                   .name = "different_types",
                   .inputs = {Uniform({2}), {.dims = {2}, .dtype = DType::kF64}},
                   .says = {"f32", "got f64"}});
  }
  AddWhere(all);
  AddDivisors(all);
  for (OpError& error : ChainErrors()) all.push_back(std::move(error));
  all.push_back({.op = "BitShift",
                 .name = "direction",
                 .attributes = {{"direction", "UP"}},
                 .inputs = {Integers({2}, 0, 9, DType::kU8), Integers({2}, 0, 9, DType::kU8)},
                 .says = {"direction", "\"LEFT\", \"RIGHT\"", "got \"UP\""}});
  return all;
}

}  // namespace weft
