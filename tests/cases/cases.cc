#include "tests/cases/cases.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <utility>

#include "graph/op.h"
#include "ops/ops.h"
#include "tests/cases/table.h"

namespace weft {
namespace {

// The standard fixes the engine's numbers but not its distributions'.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  double Uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(engine_() >> 11) * 0x1p-53;
  }
  int64_t Below(int64_t n) { return static_cast<int64_t>(engine_() % static_cast<uint64_t>(n)); }

 private:
  std::mt19937_64 engine_;
};

std::vector<double> DrawDistinct(size_t n, Random& random) {
  std::vector<double> values(n);
  std::iota(values.begin(), values.end(), -static_cast<double>(n / 2));
  for (size_t i = n; i-- > 1;) {
    std::swap(values[i], values[static_cast<size_t>(random.Below(static_cast<int64_t>(i) + 1))]);
  }
  for (double& v : values) v = v / 16 + 1.0 / 32;
  return values;
}

std::vector<double> Draw(const CaseInput& input, size_t n, uint64_t seed) {
  Random random(seed);
  std::vector<double> values(n);
  switch (input.fill) {
    case CaseInput::Fill::kUniform:
      for (double& v : values) v = random.Uniform(input.low, input.high);
      return values;
    case CaseInput::Fill::kOffZero:
      for (double& v : values) {
        const double sign = random.Below(2) == 0 ? 1 : -1;
        v = sign * random.Uniform(input.low, input.high);
      }
      return values;
    case CaseInput::Fill::kDistinct:
      return DrawDistinct(n, random);
    case CaseInput::Fill::kIntegers:
      for (double& v : values) {
        v = input.low +
            static_cast<double>(random.Below(static_cast<int64_t>(input.high - input.low)));
      }
      return values;
    case CaseInput::Fill::kValues:
      return input.values;
  }
  return values;
}

Tensor FromDoubles(const Dims& dims, const std::vector<double>& values, DType dtype) {
  absl::StatusOr<Tensor> tensor = Tensor::FromValues<double>(dims, values);
  EXPECT_TRUE(tensor.ok()) << tensor.status();
  if (!tensor.ok()) return Tensor();
  return *tensor->Converted(dtype);
}

// FNV-1a: std::hash may differ between libraries.
uint64_t SeedOf(const OpCase& op_case, int input) {
  uint64_t hash = 14695981039346656037u;
  for (char c : op_case.TestName()) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  return (hash ^ static_cast<uint64_t>(input)) * 1099511628211u;
}

TensorType TypeOfInput(const OpCase& op_case, int i, DType float_type, const CaseOptions& options) {
  const CaseInput& input = op_case.inputs[static_cast<size_t>(i)];
  TensorType type{input.dtype.value_or(float_type), ToShape(input.dims)};
  const std::vector<int>& batch = op_case.batch_inputs;
  if (options.symbolic_batch && std::find(batch.begin(), batch.end(), i) != batch.end()) {
    type.shape[0] = Dim::Symbol("N");
  }
  return type;
}

absl::StatusOr<Value> AddCaseInput(Graph& graph, const OpCase& op_case, int i, DType float_type,
                                   const CaseOptions& options) {
  const CaseInput& input = op_case.inputs[static_cast<size_t>(i)];
  const std::string name = CaseInputName(op_case, i);
  switch (input.role) {
    case CaseInput::Role::kAbsent:
      return Value();
    case CaseInput::Role::kInput:
      return graph.AddInput(name, TypeOfInput(op_case, i, float_type, options));
    case CaseInput::Role::kConstant:
      return graph.AddConstant(name, MakeTensor(input, float_type, SeedOf(op_case, i)));
    case CaseInput::Role::kVariable:
      return graph.AddVariable(name, MakeTensor(input, float_type, SeedOf(op_case, i)));
  }
  return absl::InternalError("unknown role");
}

}  // namespace

const std::vector<OpCase>& OpCases() {
  static const std::vector<OpCase>& cases = *[] {
    auto* all = new std::vector<OpCase>();
    for (auto part : {ConvCases,          ConvGradCases, FusedCases,       SqueezeExcitationCases,
                      ConvTransposeCases, Im2ColCases,   PoolCases,        ChoicePoolCases,
                      LpPoolCases,        UnpoolCases,   BatchNormCases,   NormCases,
                      GemmCases,          MatMulCases,   EinsumCases,      RecurrentCases,
                      ActivationCases,    UnaryCases,    ElementwiseCases, ShapeCases,
                      ConcatCases,        GenerateCases, MoveCases,        PadCases,
                      SliceCases,         ReduceCases,   SoftmaxCases,     CompareCases,
                      OrderCases,         LossCases,     RandomCases,      MomentumCases,
                      IndexCases,         ResizeCases,   SignalCases,      FusedElementwiseCases,
                      SampleCases,        OptimizerCases}) {
      for (OpCase& op_case : part()) all->push_back(std::move(op_case));
    }
    return all;
  }();
  return cases;
}

std::vector<OpCase> RunnableCases() {
  std::vector<OpCase> cases = OpCases();
  std::erase_if(cases, [](const OpCase& c) {
    AttributeMap attributes = c.attributes;
    const OpDef* op = StandardOps().Find(c.op);
    return op != nullptr && CheckAttributes(*op, attributes).ok() &&
           GetString(attributes, "mode") == "auto";
  });
  return cases;
}

std::string CaseInputName(const OpCase& op_case, int i) {
  const OpDef* op = StandardOps().Find(op_case.op);
  if (op == nullptr || op->inputs.empty()) return absl::StrCat("input", i);
  const size_t last = op->inputs.size() - 1;
  const std::string name(op->inputs[std::min(static_cast<size_t>(i), last)].name);
  if (op->inputs[last].arity != Arity::kVariadic || static_cast<size_t>(i) < last) return name;
  return absl::StrCat(name, static_cast<size_t>(i) - last);
}

absl::StatusOr<Graph> BuildCase(const OpCase& op_case, DType float_type,
                                const CaseOptions& options) {
  Graph graph(StandardOps());
  NodeSpec spec{.op = op_case.op, .name = "node", .attributes = op_case.attributes};
  for (size_t i = 0; i < op_case.inputs.size(); ++i) {
    WEFT_ASSIGN_OR_RETURN(spec.inputs.emplace_back(),
                          AddCaseInput(graph, op_case, static_cast<int>(i), float_type, options));
  }
  const OpDef* op = StandardOps().Find(op_case.op);
  const bool variadic = op != nullptr && op->variadic_outputs;
  spec.num_outputs = variadic ? -1 : static_cast<int>(op_case.outputs.size());
  WEFT_ASSIGN_OR_RETURN(Node * node, graph.AddNode(std::move(spec)));
  for (int i = 0; i < node->num_outputs(); ++i) {
    WEFT_RETURN_IF_ERROR(graph.AddOutput(absl::StrCat("output", i), node->output(i)));
  }
  return graph;
}

TensorMap MakeFeeds(const OpCase& op_case, DType float_type) {
  TensorMap feeds;
  for (size_t i = 0; i < op_case.inputs.size(); ++i) {
    if (op_case.inputs[i].role != CaseInput::Role::kInput) continue;
    const int index = static_cast<int>(i);
    feeds[CaseInputName(op_case, index)] =
        MakeTensor(op_case.inputs[i], float_type, SeedOf(op_case, index));
  }
  return feeds;
}

Tensor MakeTensor(const CaseInput& input, DType float_type, uint64_t seed) {
  int64_t n = 1;
  for (int64_t d : input.dims) n *= d;
  return FromDoubles(input.dims, Draw(input, static_cast<size_t>(n), seed),
                     input.dtype.value_or(float_type));
}

Tensor RandomTensor(const Dims& dims, DType dtype, uint64_t seed, double low, double high) {
  return MakeTensor(Uniform(dims, low, high), dtype, seed);
}

}  // namespace weft
