#include "frontend/inspect/op_kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/op.h"
#include "ops/ops.h"

namespace weft {
namespace {

TEST(OpKind, OfFusedOpsAndGradientsIsThatOfTheirOp) {
  EXPECT_EQ(OpKindOf("FusedConv"), OpKind::kConv);
  EXPECT_EQ(OpKindOf("ConvGradWeight"), OpKind::kConv);
  EXPECT_EQ(OpKindOf("ConstantOfShape"), OpKind::kOther);
  EXPECT_EQ(OpKindOf("FusedGemm"), OpKind::kLinear);
  EXPECT_EQ(OpKindOf("BatchNormalizationGrad"), OpKind::kNormalization);
  EXPECT_EQ(OpKindOf("ReluGrad"), OpKind::kActivation);
  EXPECT_EQ(OpKindOf("MaxPoolGradGrad"), OpKind::kPooling);
  EXPECT_EQ(OpKindOf("ReduceMean"), OpKind::kPooling);
  EXPECT_EQ(OpKindOf("FusedElementwise"), OpKind::kArithmetic);
  EXPECT_EQ(OpKindOf("Add"), OpKind::kArithmetic);
  EXPECT_EQ(OpKindOf("Reorder"), OpKind::kMovement);
  EXPECT_EQ(OpKindOf("SoftmaxCrossEntropyLossGrad"), OpKind::kLoss);
  EXPECT_EQ(OpKindOf("Input"), OpKind::kInterface);
  EXPECT_EQ(OpKindOf("an op of somebody else"), OpKind::kOther);
  EXPECT_EQ(OpKindOf(""), OpKind::kOther);
}

// Ops without a kind are drawn as such; most have one.
TEST(OpKind, IsKnownOfMostOps) {
  std::vector<std::string> others;
  for (const OpDef* op : StandardOps().All()) {
    if (OpKindOf(op->name) == OpKind::kOther) others.emplace_back(op->name);
  }
  EXPECT_LE(others.size(), 50u) << testing::PrintToString(others);
}

TEST(OpKind, EachHasAClassAndARuleOfTheStyle) {
  const std::string style = OpKindStyle(".drawing");
  for (const OpKind kind : kOpKinds) {
    EXPECT_THAT(style, testing::HasSubstr(".drawing ." + std::string(OpClass(kind)) + ">rect{"));
    EXPECT_FALSE(ToString(kind).empty());
  }
}

}  // namespace
}  // namespace weft
