#include "runtime/exec/executable.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/bind.h"
#include "runtime/exec/parallel.h"
#include "runtime/exec/share_out.h"

namespace weft {
namespace {

absl::Status CheckCount(const char* what, size_t expected, size_t actual) {
  if (expected == actual) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", expected, " ", what, ", got ", actual));
}

bool Fits(const Tensor& tensor, const Layout& layout) {
  return !tensor.is_empty() && tensor.dtype() == layout.dtype() && tensor.dims() == layout.dims();
}

absl::Status CheckInput(const std::string& name, const Tensor& tensor, const Layout& layout) {
  if (Fits(tensor, layout)) return absl::OkStatus();
  const TensorType expected{layout.dtype(), ToShape(layout.dims())};
  return absl::InvalidArgumentError(
      absl::StrCat("input ", name, ": expected ", ToString(expected), ", got ",
                   tensor.is_empty() ? "an empty tensor" : ToString(tensor.type())));
}

// Adds the seconds between one step's end and the next one's to `totals`; nothing where that is
// null. It reads the clock once a step: of the shortest steps two reads would be a good part.
class StepTimer {
 public:
  explicit StepTimer(std::vector<double>* totals) : totals_(totals) {
    if (totals_ != nullptr) last_ = Clock::now();
  }
  void End(size_t step) {
    if (totals_ == nullptr) return;
    const Clock::time_point now = Clock::now();
    (*totals_)[step] += std::chrono::duration<double>(now - std::exchange(last_, now)).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::vector<double>* totals_;
  Clock::time_point last_;
};

// Steps of a plan whose kernels are worth threads to bind them.
constexpr size_t kWorthSharingOut = 16;

// The kernels of all steps with their operands. The library generates its code here, which takes
// most of a small network's first run.
absl::StatusOr<std::vector<std::unique_ptr<BoundKernel>>> BindAll(
    const Plan& plan, const std::vector<Bindings>& bindings) {
  std::vector<std::unique_ptr<BoundKernel>> steps(plan.steps.size());
  std::vector<absl::Status> statuses(plan.steps.size());
  const int threads = plan.steps.size() < kWorthSharingOut ? 1 : plan.threads;
  ShareOut(static_cast<int64_t>(plan.steps.size()), threads, [&](int64_t i) {
    const auto s = static_cast<size_t>(i);
    absl::StatusOr<std::unique_ptr<BoundKernel>> bound = plan.steps[s].kernel->Bind(bindings[s]);
    if (bound.ok()) {
      steps[s] = *std::move(bound);
    } else {
      statuses[s] = Annotate(bound.status(), plan.steps[s].name);
    }
  });
  for (const absl::Status& status : statuses) WEFT_RETURN_IF_ERROR(status);
  return steps;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Executable>> Executable::Create(const Graph& graph,
                                                               const SymbolBindings& symbols,
                                                               const LowerOptions& options) {
  WEFT_ASSIGN_OR_RETURN(Graph bound, weft::Bind(graph, symbols));
  std::unique_ptr<Executable> executable(new Executable(std::move(bound)));
  WEFT_ASSIGN_OR_RETURN(executable->plan_, Lower(executable->graph_, options));
  return executable;
}

absl::StatusOr<std::unique_ptr<Executable>> Executable::FromPlan(Graph graph, Plan plan) {
  WEFT_RETURN_IF_ERROR(plan.Verify());
  std::unique_ptr<Executable> executable(new Executable(std::move(graph)));
  executable->plan_ = std::move(plan);
  return executable;
}

absl::Status Executable::Run(Context& context, std::span<const Tensor> inputs,
                             std::span<Tensor> outputs, const RunOptions& options) const {
  if (context.executable_ != this) {
    return absl::InvalidArgumentError("the context was made for another executable");
  }
  if (context.IsStale()) {
    return absl::FailedPreconditionError(
        "the state has moved its variables since the context was made");
  }
  WEFT_RETURN_IF_ERROR(CheckCount("inputs", plan_.inputs.size(), inputs.size()));
  WEFT_RETURN_IF_ERROR(CheckCount("outputs", plan_.outputs.size(), outputs.size()));
  WEFT_RETURN_IF_ERROR(context.Attach());
  for (size_t i = 0; i < inputs.size(); ++i) {
    WEFT_RETURN_IF_ERROR(CheckInput(plan_.inputs[i], inputs[i], plan_.input_layouts[i]));
    // Inputs are read only; the kernels' interface just does not say so.
    context.SetExternal(context.inputs_[i], const_cast<std::byte*>(inputs[i].data()));
  }
  // A tensor that is an input and an output at once is not overwritten while it is read: the output
  // gets memory of its own, and the input is held here.
  std::vector<Tensor> held;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Layout& layout = plan_.output_layouts[i];
    const bool is_input = std::any_of(inputs.begin(), inputs.end(), [&](const Tensor& input) {
      return input.data() < outputs[i].data() + outputs[i].bytes() &&
             outputs[i].data() < input.data() + input.bytes();
    });
    if (is_input) held.push_back(std::move(outputs[i]));
    if (!Fits(outputs[i], layout) || outputs[i].is_shared()) {
      WEFT_ASSIGN_OR_RETURN(outputs[i], Tensor::Zeros(layout.dtype(), layout.dims()));
    }
    context.SetExternal(context.outputs_[i], outputs[i].mutable_data());
  }
  CountRun();
  const CpuLease lease(plan_.threads);
  RunScope scope(plan_.threads);
  if (options.step_seconds != nullptr) options.step_seconds->resize(context.steps_.size());
  for (const int s : plan_.checks) {
    const absl::Status status = context.steps_[static_cast<size_t>(s)]->Check();
    if (!status.ok()) return AtStep(s, status);
  }
  StepTimer timer(options.step_seconds);
  for (size_t s = 0; s < context.steps_.size(); ++s) {
    scope.Use(plan_.steps[s].threads);
    const absl::Status status = context.steps_[s]->Run(options.key);
    if (!status.ok()) return AtStep(static_cast<int>(s), status);
    if (options.after_step) options.after_step(context.OperandsOf(plan_.steps[s]));
    timer.End(s);
  }
  return absl::OkStatus();
}

// Huge pages take longer to get than small ones, on a virtual machine much longer: a second run
// pays for them, which has reason to expect more, and a first result does not wait.
void Executable::CountRun() const {
  if (runs_.fetch_add(1, std::memory_order_relaxed) != 1) return;
  for (const std::span<std::byte> piece : plan_.packed_memory) {
    MakeHugePages(piece.data(), piece.size());
  }
}

absl::Status Executable::AtStep(int step, const absl::Status& status) const {
  const PlanStep& s = plan_.steps[static_cast<size_t>(step)];
  return Annotate(status, s.name + " (" + s.op + ")");
}

absl::StatusOr<std::unique_ptr<Context>> Context::Create(const Executable& executable, State* state,
                                                         std::shared_ptr<Arena> arena) {
  if (arena == nullptr) arena = std::make_shared<Arena>();
  std::unique_ptr<Context> context(new Context(executable, std::move(arena)));
  WEFT_RETURN_IF_ERROR(context->FindVariables(state));
  WEFT_RETURN_IF_ERROR(context->Attach());
  return context;
}

absl::Status Context::Attach() {
  WEFT_RETURN_IF_ERROR(arena_->Reserve(executable_->plan().arena_bytes));
  if (bound_ && bound_to_ == arena_->data()) return absl::OkStatus();
  steps_.clear();
  inputs_.clear();
  outputs_.clear();
  const absl::Status status = BindSteps();
  bound_ = status.ok();
  bound_to_ = arena_->data();
  return status;
}

bool Context::IsStale() const { return state_ != nullptr && state_->moves() != state_moves_; }

absl::Status Context::FindVariables(State* state) {
  const Plan& plan = executable_->plan();
  if (plan.variables.empty()) return absl::OkStatus();
  for (const PlanVariable& variable : plan.variables) {
    if (state == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("variable ", variable.name, ": expected a state, got none"));
    }
    WEFT_ASSIGN_OR_RETURN(const TensorType type, state->Type(variable.name));
    if (type != variable.type) {
      return absl::InvalidArgumentError(absl::StrCat("variable ", variable.name, ": expected ",
                                                     ToString(variable.type), ", the state has ",
                                                     ToString(type)));
    }
  }
  if (plan.chose_variable_layouts) WEFT_RETURN_IF_ERROR(state->Move(plan.variable_layouts()));
  for (const PlanVariable& variable : plan.variables) {
    WEFT_ASSIGN_OR_RETURN(const Layout layout, state->LayoutOf(variable.name));
    if (layout != variable.layout) {
      return absl::FailedPreconditionError(
          absl::StrCat("variable ", variable.name, ": expected layout ", variable.layout.name(),
                       ", the state has ", layout.name()));
    }
    variables_.push_back(state->Address(variable.name));
  }
  state_ = state;
  state_moves_ = state->moves();
  return absl::OkStatus();
}

std::byte* Context::ValueAddress(int value) const {
  if (value < 0) return nullptr;
  const PlanValue& v = executable_->plan().values[static_cast<size_t>(value)];
  std::byte* const buffer = BufferAddress(v.buffer);
  return buffer == nullptr ? nullptr : buffer + v.offset;
}

const std::byte* Context::AddressInRun(int value) const {
  const std::byte* const address = ValueAddress(value);
  if (value < 0 || address != nullptr) return address;
  const PlanValue& v = executable_->plan().values[static_cast<size_t>(value)];
  const PlanBuffer& b = executable_->plan().buffers[static_cast<size_t>(v.buffer)];
  // An arena for values without elements alone has no memory.
  if (b.place != Place::kInput && b.place != Place::kOutput) return nullptr;
  return (b.place == Place::kInput ? inputs_ : outputs_)[static_cast<size_t>(b.slot)].address +
         v.offset;
}

PlanStepOperands Context::OperandsOf(const PlanStep& step) const {
  PlanStepOperands operands{.step = step};
  for (const int v : step.inputs) operands.inputs.push_back(AddressInRun(v));
  for (const int v : step.outputs) operands.outputs.push_back(AddressInRun(v));
  return operands;
}

std::byte* Context::BufferAddress(int buffer) const {
  if (buffer < 0) return nullptr;
  const Plan& plan = executable_->plan();
  const PlanBuffer& b = plan.buffers[static_cast<size_t>(buffer)];
  switch (b.place) {
    case Place::kArena:
      return arena_->data() + b.offset;
    case Place::kConstant:
      return const_cast<std::byte*>(plan.constants[static_cast<size_t>(b.slot)].data());
    case Place::kVariable:
      return variables_[static_cast<size_t>(b.slot)];
    case Place::kInput:
    case Place::kOutput:
      return nullptr;  // given by each run
  }
  return nullptr;
}

absl::Status Context::BindSteps() {
  const Plan& plan = executable_->plan();
  inputs_.resize(plan.inputs.size());
  outputs_.resize(plan.outputs.size());
  std::vector<Bindings> bindings;
  for (const PlanStep& step : plan.steps) {
    const int index = static_cast<int>(bindings.size());
    Bindings& b = bindings.emplace_back();
    b.scratch = BufferAddress(step.scratch);
    b.workspace = BufferAddress(step.workspace);
    auto add = [&](const std::vector<int>& values, std::vector<std::byte*>& addresses,
                   bool is_output) {
      for (size_t i = 0; i < values.size(); ++i) {
        addresses.push_back(ValueAddress(values[i]));
        if (values[i] < 0) continue;
        const PlanValue& value = plan.values[static_cast<size_t>(values[i])];
        const PlanBuffer& buffer = plan.buffers[static_cast<size_t>(value.buffer)];
        const Operand operand{index, static_cast<int>(i), is_output, value.offset};
        if (buffer.place == Place::kInput)
          inputs_[static_cast<size_t>(buffer.slot)].operands.push_back(operand);
        if (buffer.place == Place::kOutput)
          outputs_[static_cast<size_t>(buffer.slot)].operands.push_back(operand);
      }
    };
    add(step.inputs, b.inputs, false);
    add(step.outputs, b.outputs, true);
  }
  absl::StatusOr<std::vector<std::unique_ptr<BoundKernel>>> bound = BindAll(plan, bindings);
  if (bound.ok()) steps_ = *std::move(bound);
  return bound.status();
}

void Context::SetExternal(External& external, std::byte* address) {
  if (external.address == address) return;
  external.address = address;
  for (const Operand& operand : external.operands) {
    BoundKernel& step = *steps_[static_cast<size_t>(operand.step)];
    if (operand.is_output) {
      step.SetOutput(operand.index, address + operand.offset);
    } else {
      step.SetInput(operand.index, address + operand.offset);
    }
  }
}

}  // namespace weft
