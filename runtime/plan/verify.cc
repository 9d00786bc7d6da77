#include <algorithm>
#include <map>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "runtime/plan/lowering.h"

namespace weft {
namespace {

// Which value each byte of a buffer holds.
class Contents {
 public:
  void Write(size_t begin, size_t end, int value) {
    if (begin == end) return;
    Cut(begin);
    Cut(end);
    held_.erase(held_.lower_bound(begin), held_.lower_bound(end));
    held_[begin] = {end, value};
  }
  bool Holds(size_t begin, size_t end, int value) const {
    while (begin < end) {
      auto it = held_.upper_bound(begin);
      if (it == held_.begin()) return false;
      --it;
      if (it->second.end <= begin || it->second.value != value) return false;
      begin = it->second.end;
    }
    return true;
  }

 private:
  struct Piece {
    size_t end;
    int value;
  };
  // Makes `at` a border between pieces.
  void Cut(size_t at) {
    auto it = held_.lower_bound(at);
    if (it == held_.begin()) return;
    --it;
    if (it->second.end <= at) return;
    held_[at] = it->second;
    it->second.end = at;
  }
  std::map<size_t, Piece> held_;  // by begin
};

// The pieces of a strided layout as rows of an array: so many of a width, their beginnings a period
// apart.
struct RowsOfPieces {
  size_t count = 0, period = 0, width = 0;
};

// Nothing where they are one piece, or lie in another way.
std::optional<RowsOfPieces> FindRows(const Layout& layout) {
  if (layout.strides().empty()) return std::nullopt;
  std::vector<std::pair<int64_t, int64_t>> axes;  // stride, extent
  for (size_t axis = 0; axis < layout.dims().size(); ++axis) {
    if (layout.dims()[axis] > 1) axes.emplace_back(layout.strides()[axis], layout.dims()[axis]);
  }
  std::sort(axes.begin(), axes.end());
  int64_t width = 1, count = 1, period = 0;
  for (const auto& [stride, extent] : axes) {
    if (period == 0 && stride == width) {
      width *= extent;
    } else if (period == 0 || stride == period * count) {
      if (period == 0) period = stride;
      count *= extent;
    } else {
      return std::nullopt;
    }
  }
  if (period < width) return std::nullopt;
  const auto bytes = [&](int64_t n) { return static_cast<size_t>(n) * SizeOf(layout.dtype()); };
  return RowsOfPieces{static_cast<size_t>(count), bytes(period), bytes(width)};
}

// Where all values of a buffer are columns of one array, or all of it, the pieces of its first row
// stand for those of the others: an image has thousands. By buffer: rows and bytes of a row, or
// zeros.
std::vector<RowsOfPieces> FindArrays(const Plan& plan) {
  std::vector<RowsOfPieces> arrays(plan.buffers.size());
  for (const PlanValue& value : plan.values) {
    RowsOfPieces& array = arrays[Index(value.buffer)];
    if (const auto rows = FindRows(value.layout); rows && array.count == 0) array = *rows;
  }
  for (const PlanValue& value : plan.values) {
    RowsOfPieces& array = arrays[Index(value.buffer)];
    if (array.count == 0) continue;
    const auto rows = FindRows(value.layout);
    const bool fits = rows ? rows->count == array.count && rows->period == array.period &&
                                 value.offset + rows->width <= array.period
                           : value.layout.strides().empty() && value.offset == 0 &&
                                 value.layout.bytes() == array.count * array.period;
    if (!fits) array = {};
  }
  return arrays;
}

// Follows the bytes of all buffers through the steps.
class Reader {
 public:
  explicit Reader(const Plan& plan)
      : plan_(plan),
        made_(plan.values.size()),
        buffers_(plan.buffers.size()),
        arrays_(FindArrays(plan)) {
    for (const PlanStep& step : plan.steps) {
      for (int v : step.outputs) made_[Index(v)] = true;
    }
  }

  absl::Status Run() {
    WEFT_RETURN_IF_ERROR(CheckRegions());
    WriteLeaves();
    for (const PlanStep& step : plan_.steps) {
      WEFT_RETURN_IF_ERROR(CheckLayouts(step));
      for (int v : step.inputs) {
        if (v < 0 || Holds(v)) continue;
        return absl::InternalError(absl::StrCat("plan: step ", step.name, " reads ", Value(v).name,
                                                ", whose memory holds something else by then"));
      }
      for (int v : step.outputs) Write(v);
    }
    return absl::OkStatus();
  }

 private:
  const PlanValue& Value(int v) const { return plan_.values[Index(v)]; }

  // Operands lie as the step's kernel takes them.
  absl::Status CheckLayouts(const PlanStep& step) const {
    const Kernel& kernel = *step.kernel;
    const auto is_read = [&](size_t i) { return kernel.Reads(static_cast<int>(i)); };
    WEFT_RETURN_IF_ERROR(CheckLayouts(step, "input", step.inputs, kernel.inputs(), is_read));
    return CheckLayouts(step, "output", step.outputs, kernel.outputs(),
                        [](size_t) { return true; });
  }
  absl::Status CheckLayouts(const PlanStep& step, std::string_view what,
                            const std::vector<int>& values, const std::vector<Layout>& wanted,
                            absl::FunctionRef<bool(size_t)> matters) const {
    if (values.size() != wanted.size()) {
      return absl::InternalError(absl::StrCat("plan: step ", step.name, ": expected ",
                                              wanted.size(), " ", Absl(what), "s, got ",
                                              values.size()));
    }
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] < 0 || !matters(i) || Value(values[i]).layout == wanted[i]) continue;
      return absl::InternalError(
          absl::StrCat("plan: step ", step.name, ", ", Absl(what), " ", i, ": expected the layout ",
                       wanted[i].name(), " of ", ToString(wanted[i].dims()), ", ",
                       Value(values[i]).name, " has ", Value(values[i]).layout.name(), " of ",
                       ToString(Value(values[i]).layout.dims())));
    }
    return absl::OkStatus();
  }

  absl::Status CheckRegions() const {
    for (const PlanValue& value : plan_.values) {
      const size_t bytes = plan_.buffers[Index(value.buffer)].bytes;
      if (value.offset <= bytes && value.layout.bytes() <= bytes - value.offset) continue;
      return absl::InternalError(absl::StrCat("plan: value ", value.name, " of ",
                                              value.layout.bytes(), " bytes at ", value.offset,
                                              " does not fit its buffer of ", bytes));
    }
    return absl::OkStatus();
  }

  void WriteLeaves() {
    for (size_t v = 0; v < plan_.values.size(); ++v) {
      const PlanValue& leaf = plan_.values[v];
      const Place place = plan_.buffers[Index(leaf.buffer)].place;
      const bool is_leaf =
          place == Place::kInput || place == Place::kConstant || place == Place::kVariable;
      if (is_leaf && !made_[v] && leaf.alias_of < 0) Write(static_cast<int>(v));
    }
  }

  void Write(int v) {
    const PlanValue& value = Value(v);
    for (const auto& [at, bytes] : PiecesOf(value)) {
      buffers_[Index(value.buffer)].Write(at, at + bytes, v);
    }
  }

  // Of its buffer, (offset, size): those that stand for the others where there are such.
  std::vector<std::pair<size_t, size_t>> PiecesOf(const PlanValue& value) const {
    const RowsOfPieces& array = arrays_[Index(value.buffer)];
    if (array.count > 0) {
      const auto rows = FindRows(value.layout);
      return {{value.offset, rows ? rows->width : array.period}};
    }
    auto pieces = value.layout.Pieces();
    for (auto& piece : pieces) piece.first += value.offset;
    return pieces;
  }

  // A view holds what it is a view of; a value made of parts holds those, and nothing else.
  bool Holds(int v) const {
    const PlanValue& value = Value(v);
    if (value.parts.empty())
      return AllBytes(value, [this, v](const Contents& contents, size_t begin, size_t end) {
        return contents.Holds(begin, end, SourceOf(v));
      });
    Contents covered;
    for (const int part : value.parts) {
      if (!Holds(part) || Value(part).buffer != value.buffer) return false;
      for (const auto& [at, bytes] : PiecesOf(Value(part))) covered.Write(at, at + bytes, v);
    }
    return AllBytes(value, [&](const Contents&, size_t begin, size_t end) {
      return covered.Holds(begin, end, v);
    });
  }

  template <typename F>
  bool AllBytes(const PlanValue& value, const F& f) const {
    const auto pieces = PiecesOf(value);
    return std::all_of(pieces.begin(), pieces.end(), [&](const auto& piece) {
      return f(buffers_[Index(value.buffer)], piece.first, piece.first + piece.second);
    });
  }

  // An in-place result is new; a view is not.
  int SourceOf(int v) const {
    while (!made_[Index(v)] && Value(v).alias_of >= 0) v = Value(v).alias_of;
    return v;
  }

  const Plan& plan_;
  std::vector<bool> made_;  // by a step
  std::vector<Contents> buffers_;
  std::vector<RowsOfPieces> arrays_;  // by buffer
};

absl::Status VerifyWorkspaces(const Plan& plan) {
  std::vector<bool> written(plan.buffers.size());
  for (const PlanStep& step : plan.steps) {
    if (step.workspace < 0) continue;
    const size_t buffer = Index(step.workspace);
    if (step.kernel->workspace_owner() == nullptr) written[buffer] = true;
    if (!written[buffer]) {
      return absl::InternalError(
          absl::StrCat("plan: step ", step.name, " reads a workspace before it is written"));
    }
  }
  return absl::OkStatus();
}

absl::Status VerifyUpdates(const Plan& plan) {
  const PlanStep* changes = nullptr;
  for (const PlanStep& step : plan.steps) {
    for (int v : step.outputs) {
      const int buffer = plan.values[Index(v)].buffer;
      if (plan.buffers[Index(buffer)].place == Place::kVariable) changes = &step;
    }
    if (changes == nullptr || !plan.MayFail(step)) continue;
    return absl::InternalError(absl::StrCat("plan: step ", step.name, " may fail after step ",
                                            changes->name, " has changed a variable"));
  }
  return absl::OkStatus();
}

absl::Status VerifyArena(const Plan& plan) {
  std::vector<const PlanBuffer*> live;
  for (const PlanBuffer& b : plan.buffers) {
    if (b.place == Place::kArena && b.first >= 0 && b.bytes > 0) live.push_back(&b);
  }
  for (size_t i = 0; i < live.size(); ++i) {
    const PlanBuffer& a = *live[i];
    if (a.offset % kTensorAlignment != 0 || a.offset + a.bytes > plan.arena_bytes) {
      return absl::InternalError(absl::StrCat("plan: buffer at ", a.offset, " of ", a.bytes,
                                              " bytes does not fit the arena"));
    }
    for (size_t j = i + 1; j < live.size(); ++j) {
      const PlanBuffer& b = *live[j];
      if (a.first <= b.last && b.first <= a.last && a.offset < b.offset + b.bytes &&
          b.offset < a.offset + a.bytes) {
        return absl::InternalError(absl::StrCat("plan: buffers at ", a.offset, " and ", b.offset,
                                                " overlap while both are live"));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckLayout(const Layout& layout, const TensorType& type) {
  WEFT_ASSIGN_OR_RETURN(const Layout plain, PlainLayout(type));
  if (layout.dtype() == plain.dtype() && layout.dims() == plain.dims()) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("plan: its kernel takes ", ToString(layout.dims()),
                                          " where the node has ", ToString(type)));
}

absl::Status VerifyChoice(const Lowering& lowering, const Choice& choice) {
  if (choice.view) return absl::OkStatus();
  const Kernel& kernel = *choice.candidates.front();
  for (int i = 0; i < choice.node->num_inputs(); ++i) {
    const std::optional<Layout> wanted = WantedLayout(choice, i);
    if (wanted) WEFT_RETURN_IF_ERROR(CheckLayout(*wanted, choice.node->input(i).type()));
  }
  for (int i = 0; i < choice.node->num_outputs(); ++i) {
    WEFT_RETURN_IF_ERROR(CheckLayout(kernel.outputs()[Index(i)], choice.node->type(i)));
  }
  if (kernel.workspace_owner() == nullptr) return absl::OkStatus();
  const auto forward = lowering.choice_of.find(choice.node->forward());
  if (forward != lowering.choice_of.end() &&
      lowering.choices[forward->second].candidates.front().get() == kernel.workspace_owner()) {
    return absl::OkStatus();
  }
  return absl::InternalError("plan: reads the workspace of a kernel that was not chosen");
}

}  // namespace

bool Plan::MayFail(const PlanStep& step) const {
  const std::optional<std::vector<int>> checked = step.kernel->CheckedInputs();
  if (!checked) return true;
  // What is there before the first step is checked then.
  return std::any_of(checked->begin(), checked->end(), [&](int i) {
    const int v = step.inputs[Index(i)];
    if (v < 0) return false;
    const Place place = buffers[Index(values[Index(v)].buffer)].place;
    return place == Place::kArena || place == Place::kOutput;
  });
}

absl::Status Plan::VerifySteps() const {
  WEFT_RETURN_IF_ERROR(Reader(*this).Run());
  WEFT_RETURN_IF_ERROR(VerifyWorkspaces(*this));
  return VerifyUpdates(*this);
}

absl::Status Plan::Verify() const {
  WEFT_RETURN_IF_ERROR(VerifySteps());
  return VerifyArena(*this);
}

absl::Status VerifyChoices(const Lowering& lowering) {
  for (const Choice& choice : lowering.choices) {
    WEFT_RETURN_IF_ERROR(Annotate(VerifyChoice(lowering, choice), choice.node->Describe()));
  }
  return absl::OkStatus();
}

}  // namespace weft
