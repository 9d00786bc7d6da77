// Rows of the op-case table as nodes of a larger graph.

#include <algorithm>
#include <set>

#include "tests/cases/table.h"
#include "tests/passes/testing_random.h"

namespace weft {
namespace {

// The rows by op: ops with many rows are not more frequent.
const std::vector<std::vector<OpCase>>& RowsByOp() {
  static const auto& rows = *[] {
    std::map<std::string, std::vector<OpCase>> by_op;
    for (OpCase& row : RunnableCases()) by_op[row.op].push_back(std::move(row));
    auto* all = new std::vector<std::vector<OpCase>>();
    for (auto& [op, of_op] : by_op) all->push_back(std::move(of_op));
    return all;
  }();
  return rows;
}

// A little more or less in makes a step in what comes out: operands are exact numbers.
bool Jumps(const OpCase& row) {
  static const auto& names = *new std::set<std::string>{"Ceil",
                                                        "Floor",
                                                        "Hardmax",
                                                        "Mod",
                                                        "Round",
                                                        "Sign",
                                                        "ThresholdedRelu",
                                                        "Shrink",
                                                        "TopK",
                                                        "Tan",
                                                        "ThresholdedReluGrad",
                                                        "ShrinkGrad"};
  return names.contains(row.op) ||
         std::any_of(row.dtypes.begin(), row.dtypes.end(),
                     [](const auto& d) { return d && !kFloatTypes.contains(*d); });
}

bool IsShapeOnly(const OpDef& op, size_t input) {
  return op.inputs[std::min(input, op.inputs.size() - 1)].shape_only;
}

class RowMaker {
 public:
  RowMaker(Draft& d, const OpCase& row)
      : d_(d), row_(row), op_(*StandardOps().Find(row.op)), is_symbolic_(d.Chance(60)) {
    for (int i : row.batch_inputs) {
      const CaseInput& input = row.inputs[static_cast<size_t>(i)];
      is_symbolic_ =
          is_symbolic_ && input.role == CaseInput::Role::kInput && input.dims[0] == d.batch();
    }
  }

  Value Operand(size_t i) {
    const CaseInput& input = row_.inputs[i];
    const DType dtype = input.dtype.value_or(d_.dtype());
    if (input.role == CaseInput::Role::kAbsent) return {};
    if (input.role != CaseInput::Role::kInput) {
      return d_.Constant(MakeTensor(input, dtype, d_.Seed()));
    }
    TensorType want{dtype, ToShape(input.dims)};
    const auto& batch = row_.batch_inputs;
    if (is_symbolic_ && std::find(batch.begin(), batch.end(), static_cast<int>(i)) != batch.end()) {
      want.shape[0] = Dim::Symbol("N");
    }
    const bool is_exact = input.fill == CaseInput::Fill::kValues ||
                          (Jumps(row_) && !IsShapeOnly(op_, i) && kFloatTypes.contains(dtype));
    if (is_exact) return d_.Leaf(MakeTensor(input, dtype, d_.Seed()), want.shape);
    return d_.Fit(want, input);
  }

 private:
  Draft& d_;
  const OpCase& row_;
  const OpDef& op_;
  bool is_symbolic_;
};

}  // namespace

void AddRow(Draft& d) {
  const OpCase& row = d.OneOf(d.OneOf(RowsByOp()));
  RowMaker maker(d, row);
  NodeSpec spec{.op = row.op, .attributes = row.attributes};
  for (size_t i = 0; i < row.inputs.size(); ++i) spec.inputs.push_back(maker.Operand(i));
  const bool variadic = StandardOps().Find(row.op)->variadic_outputs;
  spec.num_outputs = variadic ? -1 : static_cast<int>(row.outputs.size());
  const Node* node = d.AddNode(std::move(spec));
  for (int i = 0; node != nullptr && i < node->num_outputs(); ++i) d.Offer(node->output(i));
}

}  // namespace weft
