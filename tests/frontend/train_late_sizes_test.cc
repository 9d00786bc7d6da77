// Training models whose other outputs have sizes that only the data tell.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/build/builder.h"
#include "frontend/train/train.h"
#include "tests/frontend/testing_files.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Tensor PairLabels(std::vector<int64_t> labels) { return Tensor::FromInts(labels); }
// The rows of `data` where x is positive: how many, its values tell.
Value PositiveRows(Builder& b, Value x, Value data) {
  const auto ints = [&](int64_t i) { return b.Constant(Tensor::FromInts(std::vector{i})); };
  const Value found = b.Op("NonZero", {b.Greater(x, b.Constant(Tensor::Scalar(0, DType::kF32)))});
  const Value places = b.Op("Slice", {found, ints(0), Value{found.node, 1}, ints(1)});
  return b.Op(
      "Gather",
      {data, b.Op("Reshape", {b.Op("Slice", {places, ints(0), ints(1), ints(0)}), ints(-1)})});
}

Tensor FourPairs() {
  return *Tensor::FromValues<float>({4, 2}, std::vector<float>{1, -1, 2, 3, -1, -1, 0, 5});
}

TEST(Trainer, LeavesOutWhatOnlyInferenceNeeds) {
  Builder b;
  const Value x = b.Input("x", {"N", 2}), labels = b.Input("labels", {"N"}, {.dtype = DType::kI64});
  const Value scores = b.Linear(x, {.features = 2});
  b.Output("rows", PositiveRows(b, x, scores));
  b.Output("scores", scores);
  b.Loss("loss", b.Op("SoftmaxCrossEntropyLoss", {scores, labels}));
  const auto trainer = Trainer::Create(*b.Build(), {.threads = 1});
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  const auto first = (*trainer)->Step(FourPairs(), PairLabels({1, 0, 1, 1}), 0.5);
  const auto second = (*trainer)->Step(FourPairs(), PairLabels({1, 0, 1, 1}), 0.5);
  ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
  EXPECT_LT(second->loss, first->loss);
  EXPECT_EQ(second->count, 4);
  const auto evaluation = (*trainer)->Evaluate(FourPairs(), PairLabels({1, 0, 1, 1}));
  ASSERT_TRUE(evaluation.ok()) << evaluation.status();
  EXPECT_EQ(evaluation->count, 4);
}

TEST(Trainer, RefusesSizesThatOnlyTheDataTell) {
  Builder b;
  const Value x = b.Input("x", {"N", 2});
  const Value y = b.Linear(x, {.features = 2});
  b.Output("y", y);
  b.Loss("loss", b.Op("ReduceMean", {PositiveRows(b, x, y)}, {{"keepdims", 0}}));
  const auto trainer = Trainer::Create(*b.Build(), {.threads = 1});
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  const Tensor before = *(*trainer)->Get("fc1.weight");
  EXPECT_THAT(MessageOf((*trainer)->Step(FourPairs(), Tensor(), 0.5).status()),
              AllOf(HasSubstr("Slice"), HasSubstr("only its operands' values tell"),
                    HasSubstr("choose by a mask")));
  EXPECT_EQ(*(*trainer)->Get("fc1.weight"), before);
}

}  // namespace
}  // namespace weft
