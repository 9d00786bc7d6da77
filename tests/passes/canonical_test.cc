// Ops that become others: sum_to_add and pow_to_product. (clip_to_relu is in
// clips_test.cc, invert_constants in merge_constants_test.cc.)

#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

class CanonicalTest : public testing::Test {
 protected:
  Value Numbers(const std::string& name, Dims dims, double value, DType dtype = DType::kF64) {
    Tensor tensor = Tensor::Zeros(DType::kF64, std::move(dims)).value();
    for (double& v : tensor.mutable_values<double>()) v = value;
    return net_.graph.AddConstant(name, tensor.Converted(dtype).value()).value();
  }
  std::string_view OpOf(std::string_view name) { return net_.graph.Find(name)->op_name(); }

  Net net_;
};

TEST_F(CanonicalTest, SumsOfTwoAreAdds) {
  const Value x = net_.Image(2, 3), y = net_.Image(2, 3, "y");
  net_.Output("two", net_.Add("Sum", "sum1", {x, y}));
  net_.Output("three", net_.Add("Sum", "sum2", {x, y, x}));
  ExpectSameResults(net_.graph, TestOptions({"sum_to_add"}), 0);
  EXPECT_EQ(OpOf("sum1"), "Add");
  EXPECT_EQ(OpOf("sum2"), "Sum");
}

TEST_F(CanonicalTest, SquaresAreProducts) {
  const Value x = net_.Image(2, 3);
  net_.Output("square", net_.Add("Pow", "pow1", {x, Numbers("two", {1, 1}, 2, DType::kI64)}));
  net_.Output("inverse", net_.Add("Pow", "pow2", {x, Numbers("minus", {}, -1)}));
  net_.Output("cube", net_.Add("Pow", "pow3", {x, Numbers("three", {}, 3)}));
  net_.Output("root", net_.Add("Pow", "pow4", {x, Numbers("half", {}, 0.5)}));
  const Value whole = net_.graph.AddInput("whole", {DType::kI32, {3}}).value();
  net_.Output("whole_square",
              net_.Add("Pow", "pow5", {whole, Numbers("two2", {}, 2, DType::kI32)}));
  const PassReport report = MustOptimize(net_.graph, TestOptions({"pow_to_product"}));
  EXPECT_EQ(report.rewrites.size(), 2u);
  EXPECT_EQ(OpOf("pow1"), "Mul");
  EXPECT_EQ(OpOf("pow2"), "Reciprocal");
}

TEST_F(CanonicalTest, SquaresKeepTheirValues) {
  net_.Output("square", net_.Add("Pow", "pow1", {net_.Image(2, 3), Numbers("two", {}, 2)}));
  net_.Output("inverse", net_.Add("Pow", "pow2", {net_.Image(2, 3, "z"), Numbers("m", {}, -1)}));
  ExpectSameResults(net_.graph, TestOptions({"pow_to_product"}));
}

}  // namespace
}  // namespace weft
