// Every op with every dtype: computed with the right values, or refused when the node is added.
// Never something else.

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/ops.h"
#include "ops/reference.h"
#include "tests/cases/cases.h"

namespace weft {
namespace {

using testing::HasSubstr;

std::vector<DType> DTypes() {
  std::vector<DType> dtypes;
  for (int number = 1; number <= kNumDTypes; ++number) dtypes.push_back(*DTypeOfNumber(number));
  return dtypes;
}

// The case with numbers that every dtype holds: whole ones, or 0 and 1 for bool.
OpCase WithWholeNumbers(OpCase op_case, DType dtype) {
  for (size_t k = 0; k < op_case.inputs.size(); ++k) {
    CaseInput& input = op_case.inputs[k];
    if (input.dtype.has_value() || input.role == CaseInput::Role::kAbsent) continue;
    if (CaseInputName(op_case, static_cast<int>(k)) == "roi") continue;  // decides the shape
    input.fill = CaseInput::Fill::kValues;
    input.values.assign(static_cast<size_t>(CountElements(input.dims).value()), 0);
    for (size_t i = 0; i < input.values.size(); ++i) {
      input.values[i] = static_cast<double>(dtype == DType::kBool ? i % 2 : 1 + i * 5 % 7);
    }
  }
  return op_case;
}

// The outputs by the reference kernel, in order.
std::vector<Tensor> OutputsOf(const OpCase& op_case, DType dtype) {
  const absl::StatusOr<Graph> graph = BuildCase(op_case, dtype);
  EXPECT_TRUE(graph.ok()) << graph.status();
  if (!graph.ok()) return {};
  const auto outputs = ReferenceEvaluator({.seed = 5}).RunGraph(*graph, MakeFeeds(op_case, dtype));
  EXPECT_TRUE(outputs.ok()) << outputs.status();
  if (!outputs.ok()) return {};
  std::vector<Tensor> result;
  for (const NamedValue& output : graph->outputs()) {
    result.push_back(outputs->at(output.name));
    EXPECT_EQ(result.back().dtype(), output.value.type().dtype);
  }
  return result;
}

// Whether each of `got` is what is expected once that is converted to its type.
void ExpectEqual(const std::vector<Tensor>& got, const std::vector<Tensor>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i], expected[i].Converted(got[i].dtype()).value()) << "output " << i;
  }
}

// Whether an input is of the type that the case is built for, and that type may be `dtype`.
bool Takes(const OpCase& op_case, DType dtype) {
  const auto is_free = [](const CaseInput& input) {
    return !input.dtype.has_value() && input.role != CaseInput::Role::kAbsent;
  };
  return std::any_of(op_case.inputs.begin(), op_case.inputs.end(), is_free) &&
         BuildCase(WithWholeNumbers(op_case, dtype), dtype).ok();
}

class OpDTypes : public testing::TestWithParam<OpCase> {};

TEST_P(OpDTypes, AreComputedOrRefusedByName) {
  for (DType dtype : DTypes()) {
    SCOPED_TRACE(ToString(dtype));
    const OpCase c = WithWholeNumbers(GetParam(), dtype);
    const absl::StatusOr<Graph> graph = BuildCase(c, dtype);
    if (graph.ok()) {
      OutputsOf(c, dtype);
      continue;
    }
    EXPECT_FALSE(kFloatTypes.contains(dtype)) << graph.status();
    EXPECT_THAT(std::string(graph.status().message()), HasSubstr(std::string(ToString(dtype))));
  }
}

// An op that takes i8 does nothing with elements but to move, convert or compare them.
TEST_P(OpDTypes, KeepTheirValues) {
  if (!Takes(GetParam(), DType::kI8)) return;
  for (DType dtype : DTypes()) {
    SCOPED_TRACE(ToString(dtype));
    if (!Takes(GetParam(), dtype)) continue;  // an order of bools
    const OpCase c = WithWholeNumbers(GetParam(), dtype);
    ExpectEqual(OutputsOf(c, dtype), OutputsOf(c, DType::kF64));
  }
}

// Where results do not fit, both wrap around.
TEST_P(OpDTypes, OfIntegersAgree) {
  if (!Takes(GetParam(), DType::kI64) || !Takes(GetParam(), DType::kI32)) return;
  const OpCase c = WithWholeNumbers(GetParam(), DType::kI64);
  ExpectEqual(OutputsOf(c, DType::kI32), OutputsOf(c, DType::kI64));
}

INSTANTIATE_TEST_SUITE_P(Cases, OpDTypes, testing::ValuesIn(RunnableCases()), CaseName);

TEST(OpDTypesTable, OpsThatTakeStorageTypes) {
  for (DType dtype : {DType::kI8, DType::kI16, DType::kU16, DType::kU32, DType::kU64, DType::kF16,
                      DType::kBF16}) {
    std::set<std::string> ops;
    for (const OpCase& c : RunnableCases()) {
      if (Takes(c, dtype)) ops.insert(c.op);
    }
    if (dtype == DType::kU64) {  // and arithmetic, which fits no other type
      for (const char* op : {"Add", "Div", "Max", "Min", "Mod", "Mul", "Pow", "Sub"}) {
        EXPECT_EQ(ops.erase(op), 1u) << op;
      }
    }
    EXPECT_EQ(absl::StrJoin(ops, " "),
              "Cast ChannelShuffle Concat "
              "DepthToSpace Equal Expand ExpandLike EyeLike Flatten Gather "
              "GatherElements GatherND Greater GreaterOrEqual Identity Im2Col Less LessOrEqual "
              "NonZero OneHot Pad RandomPlacement Reshape ReshapeLike Resize ReverseSequence "
              "ScatterElements ScatterND Shape Size Slice SliceGrad SpaceToDepth Split SplitLike "
              "Squeeze Tile Transpose Trilu Unique Unsqueeze Where")
        << ToString(dtype);
  }
}

}  // namespace
}  // namespace weft
