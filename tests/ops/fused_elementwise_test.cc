#include "ops/fused_elementwise.h"

#include <cmath>

#include "tests/ops/testing_run.h"

namespace weft {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsSupersetOf;
using testing::Not;

Tensor RunChain(const std::vector<ElementwiseStep>& steps, std::vector<Tensor> inputs) {
  return RunOp("FusedElementwise", std::move(inputs), ElementwiseAttributes(steps));
}

TEST(FusedElementwiseTest, ScalesShiftsAndCutsEachChannel) {
  const Tensor y =
      RunChain({{{.op = "Mul", .input = 1}}, {{.op = "Add", .input = 2}}, {{.op = "Relu"}}},
               {F64({1, 2, 2}, {1, 2, 3, 4}), F64({2, 1}, {10, -1}), F64({}, {-3})});
  EXPECT_THAT(Numbers(y), ElementsAre(7, 17, 0, 0));
}

TEST(FusedElementwiseTest, TheOperandMayComeFirst) {
  const std::vector<Tensor> inputs = {F64({2}, {1, 4}), F64({}, {8})};
  const PostOp sub{.op = "Sub", .input = 1}, div{.op = "Div", .input = 1};
  EXPECT_THAT(Numbers(RunChain({{sub}, {div}}, inputs)), ElementsAre(-7.0 / 8, -0.5));
  EXPECT_THAT(Numbers(RunChain({{sub, true}, {div}}, inputs)), ElementsAre(7.0 / 8, 0.5));
  EXPECT_THAT(Numbers(RunChain({{sub}, {div, true}}, inputs)), ElementsAre(-8.0 / 7, -2));
}

TEST(FusedElementwiseTest, XMayBeAnOperandOfLaterSteps) {
  const PostOp square{.op = "Mul", .input = 0}, minus{.op = "Sub", .input = 0};
  EXPECT_THAT(Numbers(RunChain({{square}, {minus}}, {F64({3}, {1, 2, 3})})), ElementsAre(0, 2, 6));
}

TEST(FusedElementwiseTest, KeepsNaNAndInfinity) {
  const Tensor y =
      RunChain({{{.op = "Max", .input = 1}}, {{.op = "Relu"}}, {{.op = "Mul", .input = 1}}},
               {F64({3}, {NAN, INFINITY, -INFINITY}), F64({}, {2})});
  EXPECT_TRUE(std::isnan(Numbers(y)[0]));
  EXPECT_EQ(Numbers(y)[1], INFINITY);
  EXPECT_EQ(Numbers(y)[2], 4);
}

TEST(FusedElementwiseTest, StepsAreOpsThatKeepAnElementsType) {
  EXPECT_THAT(ElementwiseStepOps(),
              IsSupersetOf({"Add", "Erf", "HardSwish", "Max", "Neg", "Relu"}));
  for (const char* op : {"Cast", "Clip", "Conv", "Dropout", "FusedElementwise", "Identity", "IsNaN",
                         "Not", "ReluGrad", "Softmax", "Where"}) {
    EXPECT_THAT(ElementwiseStepOps(), Not(Contains(op)));
  }
}

TEST(FusedElementwiseTest, AttributesAndStepsSayTheSame) {
  const std::vector<ElementwiseStep> steps = {{{.op = "Elu", .attributes = {{"alpha", 0.5}}}},
                                              {{.op = "Sub", .input = 2}, true}};
  const AttributeMap attributes = ElementwiseAttributes(steps);
  EXPECT_EQ(attributes.at("steps").ToString(), "[Elu(alpha=0.5),Sub(input=2)]");
  EXPECT_EQ(attributes.at("operand_first"), Attribute(Ints{1}));
  EXPECT_EQ(ElementwiseAttributes(GetElementwiseSteps(attributes)), attributes);
}

}  // namespace
}  // namespace weft
