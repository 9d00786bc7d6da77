// Every mistake is an error that says what was expected and what came: the table's rows, and for
// every op those that follow from its schema.

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/ops.h"
#include "ops/reference.h"
#include "tests/cases/cases.h"
#include "tests/cases/errors.h"

namespace weft {
namespace {

using testing::HasSubstr;

absl::Status BuildAndRun(const OpCase& op_case, bool run) {
  WEFT_ASSIGN_OR_RETURN(const Graph graph, BuildCase(op_case, DType::kF32));
  if (!run) return absl::OkStatus();
  return ReferenceEvaluator().RunGraph(graph, MakeFeeds(op_case, DType::kF32)).status();
}

void ExpectError(const absl::Status& status, const std::string& op,
                 const std::vector<std::string>& says) {
  ASSERT_FALSE(status.ok());
  const std::string message(status.message());
  EXPECT_THAT(message, HasSubstr("node (" + op + ")"));
  EXPECT_THAT(message, HasSubstr("expected"));
  for (const std::string& part : says) EXPECT_THAT(message, HasSubstr(part));
}

class OpErrorTest : public testing::TestWithParam<OpError> {};

TEST_P(OpErrorTest, IsRefusedWithWhatWasExpectedAndWhatCame) {
  const OpError& e = GetParam();
  ASSERT_FALSE(e.says.empty());
  const OpCase op_case{
      .op = e.op, .name = e.name, .attributes = e.attributes, .inputs = e.inputs, .outputs = {{}}};
  if (e.when_run) {
    ASSERT_TRUE(BuildAndRun(op_case, /*run=*/false).ok()) << BuildAndRun(op_case, false);
  }
  ExpectError(BuildAndRun(op_case, e.when_run), e.op, e.says);
}

INSTANTIATE_TEST_SUITE_P(Table, OpErrorTest, testing::ValuesIn(OpErrors()),
                         [](const auto& info) { return info.param.TestName(); });

TEST(OpErrorTable, NamesEachRowOnceAndOnlyOpsThatExist) {
  std::set<std::string> names;
  for (const OpError& e : OpErrors()) {
    EXPECT_NE(StandardOps().Find(e.op), nullptr) << e.op;
    EXPECT_TRUE(names.insert(e.TestName()).second) << e.TestName();
  }
}

// Types that no op's input takes besides those of its schema.
std::vector<DType> TypesOutside(const DTypeSet& set) {
  std::vector<DType> result;
  for (int number = 1; number <= kNumDTypes; ++number) {
    const DType dtype = *DTypeOfNumber(number);
    if (!set.contains(dtype)) result.push_back(dtype);
  }
  return result;
}

class SchemaErrorTest : public testing::TestWithParam<OpCase> {
 protected:
  const OpDef& op() const { return *StandardOps().Find(GetParam().op); }
  const InputSpec& spec(size_t i) const { return op().inputs[std::min(i, op().inputs.size() - 1)]; }
};

TEST_P(SchemaErrorTest, AWrongDTypeIsRefused) {
  for (size_t i = 0; i < GetParam().inputs.size(); ++i) {
    if (GetParam().inputs[i].role == CaseInput::Role::kAbsent) continue;
    for (DType dtype : TypesOutside(spec(i).dtypes)) {
      OpCase wrong = GetParam();
      wrong.inputs[i] = {.dims = wrong.inputs[i].dims, .dtype = dtype, .low = 0};
      SCOPED_TRACE(absl::StrCat("input ", i, " of ", std::string(ToString(dtype))));
      ExpectError(BuildAndRun(wrong, false), wrong.op, {std::string(ToString(dtype))});
    }
  }
}

TEST_P(SchemaErrorTest, AMissingInputIsRefused) {
  for (size_t i = 0; i < GetParam().inputs.size(); ++i) {
    if (spec(i).arity != Arity::kRequired) continue;
    OpCase wrong = GetParam();
    wrong.inputs[i] = {.role = CaseInput::Role::kAbsent};
    ExpectError(BuildAndRun(wrong, false), wrong.op, {std::string(spec(i).name)});
  }
}

TEST_P(SchemaErrorTest, AnUnknownAttributeOrOneOfAnotherKindIsRefused) {
  OpCase wrong = GetParam();
  wrong.attributes["no_such_attribute"] = 1;
  ExpectError(BuildAndRun(wrong, false), wrong.op, {"no_such_attribute"});
  for (const AttributeSpec& attribute : op().attributes) {
    wrong = GetParam();
    wrong.attributes[std::string(attribute.name)] =
        attribute.kind == Attribute::Kind::kString ? Attribute(1) : Attribute("text");
    ExpectError(BuildAndRun(wrong, false), wrong.op, {std::string(attribute.name)});
  }
}

// The first case of every op.
std::vector<OpCase> OneCaseAnOp() {
  std::set<std::string> ops;
  std::vector<OpCase> cases;
  for (const OpCase& op_case : OpCases()) {
    if (ops.insert(op_case.op).second) cases.push_back(op_case);
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Table, SchemaErrorTest, testing::ValuesIn(OneCaseAnOp()), CaseName);

}  // namespace
}  // namespace weft
