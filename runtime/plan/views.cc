#include <algorithm>

#include "runtime/plan/lowering.h"

namespace weft {
namespace {

// Decides which results are written over inputs that nobody needs any more. Works on buffers: the
// values of one buffer are views or in-place successors of each other.
class Sharing {
 public:
  explicit Sharing(Lowering& lowering) : l_(lowering), plan_(lowering.plan) {}

  void Run() {
    FindLastReads();
    FindWriters();
    for (size_t s = 0; s < plan_.steps.size(); ++s) {
      if (plan_.MayFail(plan_.steps[s])) first_sure_step_ = static_cast<int>(s) + 1;
    }
    // Later readers of a variable keep it as it was, so updates that cannot be in place are copied
    // when all steps are done.
    std::vector<std::pair<int, int>> copies;
    for (const auto& update : l_.updates) {
      if (!UpdateInPlace(update.first, update.second)) copies.push_back(update);
    }
    for (size_t s = 0; s < plan_.steps.size(); ++s) ShareWithInputs(static_cast<int>(s));
    for (const auto& [value, variable] : copies) {
      const PlanValue target = plan_.values[Index(variable)];
      l_.AddCopy(target.name, value, target.buffer);
    }
  }

 private:
  int BufferIndex(int value) const { return plan_.values[Index(value)].buffer; }

  void FindLastReads() {
    last_read_.assign(plan_.buffers.size(), -1);
    for (size_t s = 0; s < plan_.steps.size(); ++s) {
      for (int v : plan_.steps[s].inputs) {
        if (v >= 0) last_read_[Index(BufferIndex(v))] = static_cast<int>(s);
      }
    }
    for (const auto& [value, variable] : l_.updates) {
      last_read_[Index(BufferIndex(value))] = static_cast<int>(plan_.steps.size());
    }
  }

  void FindWriters() {
    writers_.assign(plan_.values.size(), -1);
    for (size_t s = 0; s < plan_.steps.size(); ++s) {
      for (int v : plan_.steps[s].outputs) {
        if (v >= 0) writers_[Index(v)] = static_cast<int>(s);
      }
    }
  }

  bool SameBytes(int a, int b) const {
    return plan_.values[Index(a)].layout == plan_.values[Index(b)].layout;
  }

  // Whether operand `input` is the only one of the step in its buffer, and read for the last time.
  bool DiesHere(int s, int input) const {
    const PlanStep& step = plan_.steps[Index(s)];
    const int buffer = BufferIndex(step.inputs[Index(input)]);
    const auto readers = std::count_if(step.inputs.begin(), step.inputs.end(),
                                       [&](int v) { return v >= 0 && BufferIndex(v) == buffer; });
    return readers == 1 && last_read_[Index(buffer)] == s;
  }

  void ShareWithInputs(int s) {
    const PlanStep& step = plan_.steps[Index(s)];
    std::vector<int> taken;
    for (const Alias& alias : AliasesOf(step)) {
      const int in = step.inputs[Index(alias.input)];
      const int out = step.outputs[Index(alias.output)];
      if (l_.BufferOf(in).place != Place::kArena || !SameBytes(in, out) ||
          !DiesHere(s, alias.input) || plan_.values[Index(out)].alias_of >= 0 ||
          !plan_.values[Index(out)].layout.strides().empty() ||  // a region of another value
          std::count(taken.begin(), taken.end(), BufferIndex(in)) > 0) {
        continue;
      }
      taken.push_back(BufferIndex(in));
      Share(in, out);
    }
  }

  // Puts `out`, and all that shares its memory, into the buffer of `in`.
  void Share(int in, int out) {
    const int from = BufferIndex(out);
    const int to = BufferIndex(in);
    if (l_.BufferOf(out).place == Place::kOutput) {
      l_.BufferOf(in).place = Place::kOutput;
      l_.BufferOf(in).slot = l_.BufferOf(out).slot;
    }
    for (PlanValue& value : plan_.values) {
      if (value.buffer == from) value.buffer = to;
    }
    plan_.values[Index(out)].alias_of = in;
    last_read_[Index(to)] = last_read_[Index(from)];
  }

  // Only where no step from that one on can fail: no variable has changed when a run does.
  bool UpdateInPlace(int value, int variable) {
    if (l_.BufferOf(value).place != Place::kArena) return false;
    const int s = writers_[Index(value)];
    if (s < first_sure_step_) return false;
    const PlanStep& step = plan_.steps[Index(s)];
    for (const Alias& alias : AliasesOf(step)) {
      if (step.outputs[Index(alias.output)] != value ||
          step.inputs[Index(alias.input)] != variable || !SameBytes(value, variable) ||
          !DiesHere(s, alias.input) || plan_.values[Index(value)].alias_of >= 0) {
        continue;
      }
      Share(variable, value);
      return true;
    }
    return false;
  }

  Lowering& l_;
  Plan& plan_;
  std::vector<int> last_read_;  // by buffer; the number of steps where an update reads it
  std::vector<int> writers_;    // by value: the step that writes it, -1 for none
  int first_sure_step_ = 0;     // no step from here on can fail
};

}  // namespace

absl::Status ViewStage(Lowering& lowering) {
  Sharing(lowering).Run();
  return absl::OkStatus();
}

}  // namespace weft
