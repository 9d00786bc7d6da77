#include "ops/recurrent.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <utility>

#include "ops/common.h"
#include "ops/families.h"

namespace weft {
namespace {

int CotangentsOf(CellKind kind) { return InfoOf(kind).has_cell_state ? 3 : 2; }

absl::Status ExpectShape(const InferContext& c, int i, std::string_view name, const Shape& want) {
  if (!c.has(i)) return absl::OkStatus();
  const Shape& got = c.type(i).shape;
  bool fits = got.size() == want.size();
  for (size_t axis = 0; fits && axis < want.size(); ++axis) {
    fits = got[axis] == want[axis] || !got[axis].is_static() || !want[axis].is_static();
  }
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", Absl(name), " of shape ", ToString(want), ", got ", ToString(got)));
}

struct Shapes {
  Dim steps, batch, input, hidden;
  Shape y, state, w, r, b, p;
};

// The state's size: R's last axis, which `hidden_size` repeats.
absl::StatusOr<int64_t> HiddenSize(const InferContext& c, const Shape& r) {
  const int64_t attribute = GetInt(c.attributes(), "hidden_size", -1);
  const bool given = c.attributes().contains("hidden_size");
  const bool fits = r.size() == 3 && r[2].is_static() && r[2].coefficient() >= 1 &&
                    r[2].coefficient() <= kMaxElements &&
                    (!given || attribute == r[2].coefficient());
  if (fits) return r[2].coefficient();
  return absl::InvalidArgumentError(absl::StrCat(
      "expected R [directions,gates*hidden,hidden] with a hidden size of at least 1",
      given ? absl::StrCat(", the attribute hidden_size ", attribute) : "", ", got ", ToString(r)));
}

// The shapes of all operands, from X's and R's, checked.
absl::StatusOr<Shapes> CheckShapes(const InferContext& c, CellKind kind,
                                   const RecurrentOperands& at) {
  WEFT_ASSIGN_OR_RETURN(const RecurrentConfig config,
                        ReadRecurrentAttributes(kind, c.attributes()));
  const Shape& x = c.type(at.x).shape;
  if (x.size() != 3) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected X ", config.batch_first ? "[batch,steps,input]" : "[steps,batch,input]", ", got ",
        ToString(x)));
  }
  WEFT_ASSIGN_OR_RETURN(const int64_t hidden, HiddenSize(c, c.type(at.r).shape));
  const int64_t directions = config.directions, gates = config.gates;
  Shapes s{x[config.batch_first ? 1 : 0],
           x[config.batch_first ? 0 : 1],
           x[2],
           hidden,
           {},
           {},
           {},
           {},
           {},
           {}};
  s.w = {directions, gates * hidden, s.input};
  s.r = {directions, gates * hidden, hidden};
  s.b = {directions, 2 * gates * hidden};
  s.p = {directions, 3 * hidden};
  s.y = config.batch_first ? Shape{s.batch, s.steps, directions, hidden}
                           : Shape{s.steps, directions, s.batch, hidden};
  s.state =
      config.batch_first ? Shape{s.batch, directions, hidden} : Shape{directions, s.batch, hidden};
  WEFT_RETURN_IF_ERROR(CountElements(s.y).status());
  WEFT_RETURN_IF_ERROR(ExpectShape(c, at.w, "W", s.w));
  WEFT_RETURN_IF_ERROR(ExpectShape(c, at.r, "R", s.r));
  WEFT_RETURN_IF_ERROR(ExpectShape(c, at.b, "B", s.b));
  WEFT_RETURN_IF_ERROR(ExpectShape(c, at.lens, "sequence_lens", {s.batch}));
  WEFT_RETURN_IF_ERROR(ExpectShape(c, at.h, "initial_h", s.state));
  if (InfoOf(kind).has_cell_state) {
    WEFT_RETURN_IF_ERROR(ExpectShape(c, at.c, "initial_c", s.state));
    WEFT_RETURN_IF_ERROR(ExpectShape(c, at.p, "P", s.p));
  }
  return s;
}

template <CellKind kind>
absl::StatusOr<std::vector<TensorType>> Infer(const InferContext& c) {
  const RecurrentOperands at(kind, /*is_gradient=*/false);
  WEFT_ASSIGN_OR_RETURN(const Shapes s, CheckShapes(c, kind, at));
  const DType dtype = c.type(at.x).dtype;
  std::vector<TensorType> types = {{dtype, s.y}, {dtype, s.state}};
  if (InfoOf(kind).has_cell_state) types.push_back({dtype, s.state});
  return types;
}

template <CellKind kind>
absl::StatusOr<std::vector<TensorType>> InferGrad(const InferContext& c) {
  const RecurrentOperands at(kind, /*is_gradient=*/true);
  WEFT_ASSIGN_OR_RETURN(const Shapes s, CheckShapes(c, kind, at));
  WEFT_RETURN_IF_ERROR(ExpectShape(c, 0, "dY", s.y));
  WEFT_RETURN_IF_ERROR(ExpectShape(c, 1, "dY_h", s.state));
  const DType dtype = c.type(at.x).dtype;
  std::vector<TensorType> types = {
      c.type(at.x), {dtype, s.w}, {dtype, s.r}, {dtype, s.b}, {dtype, s.state}};
  if (InfoOf(kind).has_cell_state) {
    WEFT_RETURN_IF_ERROR(ExpectShape(c, 2, "dY_c", s.state));
    types.push_back({dtype, s.state});
    types.push_back({dtype, s.p});
  }
  return types;
}

template <CellKind kind>
InputGradients Gradient(GradientContext& c) {
  const RecurrentOperands at(kind, /*is_gradient=*/false);
  const CellInfo& cell = InfoOf(kind);
  std::vector<Value> inputs;
  for (int i = 0; i < CotangentsOf(kind); ++i) {
    inputs.push_back(i < c.node()->num_outputs() ? c.dy(i) : Value());
  }
  for (int i = 0; i < c.node()->num_inputs(); ++i) inputs.push_back(c.x(i));
  Node* grad = c.OpNode(absl::StrCat(Absl(cell.name), "Grad"), std::move(inputs), c.attributes(),
                        cell.has_cell_state ? 7 : 5, c.node());
  InputGradients gradients(static_cast<size_t>(c.node()->num_inputs()));
  if (grad == nullptr) return gradients;
  int output = 0;
  for (int i : {at.x, at.w, at.r, at.b, at.h, at.c, at.p}) {
    if (c.needs(i)) gradients[static_cast<size_t>(i)] = grad->output(output);
    ++output;
  }
  return gradients;
}

// f64 on plain loops.
class ReferenceMath : public RecurrentMath<double> {
 public:
  void Multiply(int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, double beta,
                double* y, int64_t y_step) override {
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        double& to = y[i * y_step + j];
        double sum = beta == 0 ? 0 : beta * to;
        for (int64_t p = 0; p < k; ++p) sum += At(a, i, p) * At(b, p, j);
        to = sum;
      }
    }
  }
  void Activate(const CellActivation& f, int64_t n, const double* x, double* y,
                double* d) override {
    ActivateEach(f, n, x, y, d);
  }
  void ForEach(int64_t count, absl::FunctionRef<void(int64_t, int64_t)> body) override {
    if (count > 0) body(0, count);
  }

 private:
  static double At(const Matrix& matrix, int64_t row, int64_t column) {
    return matrix.transposed ? matrix.data[column * matrix.step + row]
                             : matrix.data[row * matrix.step + column];
  }
};

// A context whose operands are all f64: those of f32 as copies.
class WideContext {
 public:
  explicit WideContext(const EvalContext& c) : narrow_(c) {
    for (const TensorView& view : c.inputs) {
      inputs_.push_back(Widen(view));
      if (!view.present || view.dtype != DType::kF32) continue;
      const auto values = view.in<float>();
      std::copy(values.begin(), values.end(), inputs_.back().out<double>().begin());
    }
    for (const TensorView& view : c.outputs) outputs_.push_back(Widen(view));
  }

  EvalContext context() const { return {narrow_.attributes, inputs_, outputs_, narrow_.key}; }

  // Rounds the results to f32 where that is wanted.
  void Finish() const {
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const TensorView& to = narrow_.outputs[i];
      if (to.dtype != DType::kF32 || to.data == nullptr) continue;
      const auto values = outputs_[i].in<double>();
      std::transform(values.begin(), values.end(), to.out<float>().begin(),
                     [](double x) { return static_cast<float>(x); });
    }
  }

 private:
  TensorView Widen(TensorView view) {
    if (!view.present || view.dtype != DType::kF32 || view.data == nullptr) return view;
    view.data = memory_.emplace_back(static_cast<size_t>(view.size())).data();
    view.dtype = DType::kF64;
    return view;
  }

  const EvalContext& narrow_;
  std::deque<std::vector<double>> memory_;
  std::vector<TensorView> inputs_, outputs_;
};

template <CellKind kind, bool is_gradient>
absl::Status Evaluate(const EvalContext& c) {
  const RecurrentOperands at(kind, is_gradient);
  WEFT_ASSIGN_OR_RETURN(RecurrentConfig config,
                        ReadRecurrent(kind, c.attributes, c.in(at.x).dims, c.in(at.r).dims));
  const RecurrentLoop<double> loop(std::move(config), is_gradient);
  const auto memory = AllocateAligned(static_cast<size_t>(loop.memory()) * sizeof(double));
  if (memory == nullptr) return absl::ResourceExhaustedError("not enough memory for its steps");
  const WideContext wide(c);
  ReferenceMath math;
  WEFT_RETURN_IF_ERROR(loop.Run(math, wide.context(), reinterpret_cast<double*>(memory.get())));
  wide.Finish();
  return absl::OkStatus();
}

// A forward pass multiplies every input and every state by its weights; a gradient does so three
// times: forward once more, and for the gradients of both factors.
template <CellKind kind, bool is_gradient>
Cost CostOfLoop(const CostContext& c) {
  const RecurrentOperands at(kind, is_gradient);
  const Dims& x = c.inputs[static_cast<size_t>(at.x)];
  const Dims& r = c.inputs[static_cast<size_t>(at.r)];
  int64_t macs = x[0];
  for (int64_t factor : {x[1], r[0] * r[1], x[2] + r[2], int64_t{is_gradient ? 3 : 1}}) {
    if (__builtin_mul_overflow(macs, factor, &macs)) macs = std::numeric_limits<int64_t>::max();
  }
  return {.macs = macs, .flops = 2.0 * static_cast<double>(macs)};
}

std::vector<InputSpec> Operands(const CellInfo& cell) {
  std::vector<InputSpec> inputs = {
      {.name = "X"},
      {.name = "W"},
      {.name = "R"},
      {.name = "B", .arity = Arity::kOptional},
      {.name = "sequence_lens",
       .dtypes = {DType::kI32},
       .arity = Arity::kOptional,
       .type_variable = ' '},
      {.name = "initial_h", .arity = Arity::kOptional},
  };
  if (!cell.has_cell_state) return inputs;
  inputs.push_back({.name = "initial_c", .arity = Arity::kOptional});
  inputs.push_back({.name = "P", .arity = Arity::kOptional});
  return inputs;
}

std::vector<AttributeSpec> AttributesOf(CellKind kind) {
  using AttributeKind = Attribute::Kind;
  std::vector<AttributeSpec> attributes = {
      {.name = "hidden_size"},
      {"direction", AttributeKind::kString, "forward"},
      {.name = "activations", .kind = AttributeKind::kStrings},
      {.name = "activation_alpha", .kind = AttributeKind::kFloats},
      {.name = "activation_beta", .kind = AttributeKind::kFloats},
      {.name = "clip", .kind = AttributeKind::kFloat},
      {.name = "layout", .fallback = 0},
  };
  if (kind == CellKind::kLstm) attributes.push_back({.name = "input_forget", .fallback = 0});
  if (kind == CellKind::kGru) attributes.push_back({.name = "linear_before_reset", .fallback = 0});
  return attributes;
}

template <CellKind kind>
OpDef ForwardOp(std::string_view doc) {
  const CellInfo& cell = InfoOf(kind);
  OpDef def{.name = cell.name,
            .doc = doc,
            .inputs = Operands(cell),
            .outputs = {{"Y"}, {"Y_h", /*optional=*/true}},
            .attributes = AttributesOf(kind),
            .infer = Infer<kind>,
            .gradient = Gradient<kind>,
            .evaluate = Evaluate<kind, false>,
            .cost = CostOfLoop<kind, false>};
  if (cell.has_cell_state) def.outputs.push_back({"Y_c", /*optional=*/true});
  return def;
}

template <CellKind kind>
OpDef GradOp(std::string_view name) {
  const CellInfo& cell = InfoOf(kind);
  OpDef def{.name = name,
            .doc =
                "The gradients of the recurrent op of that name, from the cotangents of its "
                "outputs (absent where nothing flows) and its operands; computes the forward "
                "pass once more.",
            .outputs = {{"dX"}, {"dW"}, {"dR"}, {"dB"}, {"dinitial_h"}},
            .attributes = AttributesOf(kind),
            .infer = InferGrad<kind>,
            .no_gradient = "second derivatives of recurrent ops are not implemented",
            .evaluate = Evaluate<kind, true>,
            .cost = CostOfLoop<kind, true>};
  def.inputs = {{.name = "dY", .arity = Arity::kOptional},
                {.name = "dY_h", .arity = Arity::kOptional}};
  if (cell.has_cell_state) {
    def.inputs.push_back({.name = "dY_c", .arity = Arity::kOptional});
    def.outputs.insert(def.outputs.end(), {{"dinitial_c"}, {"dP"}});
  }
  for (const InputSpec& operand : Operands(cell)) def.inputs.push_back(operand);
  return def;
}

constexpr std::string_view kRnnDoc =
    "h_t = f(W x_t + Wb + R h_(t-1) + Rb), f = Tanh, as ONNX's RNN (opset 14). X is "
    "[steps,batch,input], W [directions,hidden,input], R [directions,hidden,hidden], B "
    "[directions,2*hidden] (Wb, Rb), Y [steps,directions,batch,hidden], initial_h and Y_h "
    "[directions,batch,hidden]; layout 1 puts the batch first. Steps from sequence_lens on are "
    "zero in Y and keep the state; reverse starts at the last valid one. clip bounds the inputs "
    "of all activations.";
constexpr std::string_view kLstmDoc =
    "ONNX's LSTM (opset 14; Hochreiter and Schmidhuber 1997, peepholes of Gers 2000): gates i, o, "
    "f = f(W x_t + R h_(t-1) + P c + B), candidate g(W x_t + R h_(t-1) + B), c_t = f c_(t-1) + i "
    "candidate, h_t = o h(c_t); P of o sees c_t, the others c_(t-1). Gates lie in the order i, o, "
    "f, candidate in W, R, B; P is [directions,3*hidden] for i, o, f. input_forget makes f = 1 - "
    "i. Shapes, lengths and clip as RNN.";
constexpr std::string_view kGruDoc =
    "ONNX's GRU (opset 14; Cho et al. 2014): gates z, r = f(W x_t + R h_(t-1) + B), candidate "
    "g(W x_t + Wb + R (r h_(t-1)) + Rb), or with linear_before_reset g(W x_t + Wb + r (R h_(t-1) + "
    "Rb)), h_t = (1 - z) candidate + z h_(t-1). Gates lie in the order z, r, candidate. Shapes, "
    "lengths and clip as RNN.";

}  // namespace

RecurrentOperands::RecurrentOperands(CellKind kind, bool is_gradient)
    : x(is_gradient ? CotangentsOf(kind) : 0),
      w(x + 1),
      r(x + 2),
      b(x + 3),
      lens(x + 4),
      h(x + 5),
      c(x + 6),
      p(x + 7) {}

std::vector<OpDef> RecurrentOps() {
  return {ForwardOp<CellKind::kRnn>(kRnnDoc),   GradOp<CellKind::kRnn>("RNNGrad"),
          ForwardOp<CellKind::kLstm>(kLstmDoc), GradOp<CellKind::kLstm>("LSTMGrad"),
          ForwardOp<CellKind::kGru>(kGruDoc),   GradOp<CellKind::kGru>("GRUGrad")};
}

}  // namespace weft
