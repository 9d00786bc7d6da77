#include "ops/einsum.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>
#include <variant>

#include "ops/broadcast.h"
#include "runtime/host/host_kernel.h"
#include "runtime/onednn/batched_gemm.h"
#include "runtime/onednn/common.h"
#include "runtime/onednn/families.h"
#include "runtime/onednn/gather_view.h"

// Einsum of f32 as a program of two kinds of steps, made once: copies of a strided view, which may
// sum over some of its axes, and batched matrix products of two views.

namespace weft {
namespace {

// Multiplications below which one large product on a copy is better than many small ones.
constexpr int64_t kWorthwhileProduct = 4096;

// Where a step's operand lies: an input, the output, or scratch memory.
struct LabelPlace {
  enum class Kind { kInput, kOutput, kScratch } kind = Kind::kScratch;
  int index = 0;  // of the input
  ScratchArray<float> scratch = {};
};

struct Operand {
  EinsumView view;
  LabelPlace place;
};

struct Step {
  std::variant<Gather, BatchedGemm> what;  // a copy of `a`, or the product of `a` and `b`
  LabelPlace a = {}, b = {}, y = {};
};

using Program = std::vector<Step>;

int64_t Product(const Dims& dims) {
  return std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>());
}

// Some labels of an operand as one axis.
struct Group {
  int64_t extent = 1;
  int64_t stride = 1;
};

// Nothing where the labels do not follow each other in memory.
std::optional<Group> Merge(const EinsumView& view, const Labels& labels) {
  const EinsumView dims = DenseView(labels, {&view, 1});
  Group group;
  for (size_t i = labels.size(); i-- > 0;) {
    if (dims.dims[i] == 1) continue;
    const int64_t stride = view.StrideOf(labels[i]);
    if (group.extent == 1) group.stride = stride;
    if (stride != group.stride * group.extent) return std::nullopt;
    group.extent *= dims.dims[i];
  }
  return group;
}

// The matrix of two groups; nothing where neither runs along memory.
std::optional<MatrixLayout> MatrixOf(const std::optional<Group>& rows,
                                     const std::optional<Group>& columns) {
  if (!rows || !columns) return std::nullopt;
  if (columns->extent == 1 || columns->stride == 1) {
    const int64_t step = rows->extent == 1 ? columns->extent : rows->stride;
    if (step >= columns->extent) return MatrixLayout{.transposed = false, .step = step};
  }
  if (rows->extent == 1 || rows->stride == 1) {
    const int64_t step = columns->extent == 1 ? rows->extent : columns->stride;
    if (step >= rows->extent) return MatrixLayout{.transposed = true, .step = step};
  }
  return std::nullopt;
}

Labels Joined(Labels a, const Labels& b, const Labels& c) {
  a.insert(a.end(), b.begin(), b.end());
  a.insert(a.end(), c.begin(), c.end());
  return a;
}

// How the labels of a product of two take part, each list in the order of the result.
struct Roles {
  Labels batch, rows, columns, inner;
};

class Planner {
 public:
  explicit Planner(ScratchPlan& scratch) : scratch_(scratch) {}

  // Errors: an intermediate result of too many elements.
  absl::StatusOr<Program> Plan(const EinsumViews& views) {
    std::optional<Operand> product;
    for (size_t i = 0; i < views.operands.size(); ++i) {
      Operand operand{views.operands[i], {LabelPlace::Kind::kInput, static_cast<int>(i)}};
      const bool last = i + 1 == views.operands.size();
      Labels kept = operand.view.labels;
      for (Label lone : LoneLabels(views, i)) std::erase(kept, lone);
      if (kept != operand.view.labels && !(last && !product)) operand = Gathered(operand, kept);
      if (!product) {
        product = std::move(operand);
      } else {
        product = Multiply(*product, operand, views, i + 1);
      }
    }
    if (product->place.kind != LabelPlace::Kind::kOutput) {
      Copy(*product, {views.result, {LabelPlace::Kind::kOutput, 0}});
    }
    WEFT_RETURN_IF_ERROR(status_);
    return std::move(program_);
  }

 private:
  Operand NewScratch(EinsumView view) {
    const auto size = CountElements(view);
    status_.Update(size.status());
    const auto elements = scratch_.Shared<float>(size.value_or(0));
    return {std::move(view), {.kind = LabelPlace::Kind::kScratch, .scratch = elements}};
  }

  // A dense copy of `from` with the labels, summed over its others.
  Operand Gathered(const Operand& from, const Labels& labels) {
    Operand to = NewScratch(DenseView(labels, {&from.view, 1}));
    Copy(from, to);
    return to;
  }

  void Copy(const Operand& from, const Operand& to) {
    GatherView gather;
    for (size_t i = 0; i < to.view.labels.size(); ++i) {
      gather.dims.push_back(to.view.dims[i]);
      gather.strides.push_back(from.view.StrideOf(to.view.labels[i]));
    }
    for (size_t i = 0; i < from.view.labels.size(); ++i) {
      if (HasLabel(to.view.labels, from.view.labels[i])) continue;
      gather.summed.push_back(from.view.dims[i]);
      gather.summed_strides.push_back(from.view.strides[i]);
    }
    program_.push_back({Gather(std::move(gather), scratch_), from.place, {}, to.place});
  }

  // a times b, with the labels that the result or an operand from `next` on reads.
  Operand Multiply(Operand a, Operand b, const EinsumViews& views, size_t next) {
    const bool last = next == views.operands.size();
    const auto is_read = [&](Label label) {
      bool read = HasLabel(views.result.labels, label);
      for (size_t i = next; i < views.operands.size(); ++i) {
        read |= HasLabel(views.operands[i].labels, label);
      }
      return read;
    };
    Labels order = last ? views.result.labels : Joined(a.view.labels, b.view.labels, {});
    Roles roles;
    for (Label label : order) {
      const bool in_a = HasLabel(a.view.labels, label), in_b = HasLabel(b.view.labels, label);
      if (!is_read(label)) continue;
      Labels& role = in_a && in_b ? roles.batch : in_a ? roles.rows : roles.columns;
      if (!HasLabel(role, label)) role.push_back(label);
    }
    for (Label label : a.view.labels) {
      if (!is_read(label)) roles.inner.push_back(label);
    }
    if (!last) return Compute(a, b, roles, nullptr);
    const Operand result{views.result, {LabelPlace::Kind::kOutput, 0}};
    // The result's last label belongs to the columns, whichever operand it comes from.
    const bool swap = !roles.rows.empty() &&
                      (roles.columns.empty() || views.result.labels.back() == roles.rows.back());
    if (swap) {
      std::swap(a, b);
      std::swap(roles.rows, roles.columns);
    }
    return Compute(a, b, roles, &result);
  }

  struct Matrices {
    std::optional<MatrixLayout> a, b, y;
  };
  static Matrices Find(const Operand& a, const Operand& b, const EinsumView& y,
                       const Roles& roles) {
    const auto inner_a = Merge(a.view, roles.inner), inner_b = Merge(b.view, roles.inner);
    return {MatrixOf(Merge(a.view, roles.rows), inner_a),
            MatrixOf(inner_b, Merge(b.view, roles.columns)),
            MatrixOf(Merge(y, roles.rows), Merge(y, roles.columns))};
  }

  // Moves the outer labels of a group that does not merge to the batch.
  static Labels SplitOff(Labels& group, const EinsumView& x, const EinsumView& y) {
    Labels outer;
    while (!group.empty() && !(Merge(x, group) && Merge(y, group))) {
      outer.push_back(group.front());
      group.erase(group.begin());
    }
    return outer;
  }

  // `result`: where it must go, or null for scratch memory in whatever order is best.
  Operand Compute(Operand a, Operand b, Roles roles, const Operand* result) {
    const EinsumView views[] = {a.view, b.view};
    const auto dense = [&](const Roles& r) {
      return DenseView(Joined(r.batch, r.rows, r.columns), views);
    };
    const Roles whole = roles;
    EinsumView y = result != nullptr ? result->view : dense(roles);
    const Labels outer_rows = SplitOff(roles.rows, a.view, y);
    const Labels outer_columns = SplitOff(roles.columns, b.view, y);
    roles.batch = Joined(roles.batch, outer_rows, outer_columns);
    const auto extent = [&](const Labels& labels) {
      return Product(DenseView(labels, views).dims);
    };
    if (extent(roles.rows) * extent(roles.columns) * extent(roles.inner) < kWorthwhileProduct) {
      roles = whole;
    }
    SortInner(roles.inner, a.view, b.view);
    Matrices m = Find(a, b, y, roles);
    if (!m.a) a = Gathered(a, Joined(Own(roles.batch, a), roles.rows, roles.inner));
    if (!m.b) b = Gathered(b, Joined(Own(roles.batch, b), roles.inner, roles.columns));
    const bool direct = result != nullptr && m.y && !m.y->transposed;
    Operand to = direct ? *result : NewScratch(dense(roles));
    m = Find(a, b, to.view, roles);
    BatchedGemm g;
    g.m = extent(roles.rows);
    g.n = extent(roles.columns);
    g.k = extent(roles.inner);
    g.a = *m.a;
    g.b = *m.b;
    g.y = *m.y;
    g.batch = DenseView(roles.batch, views).dims;
    for (Label label : roles.batch) {
      g.a_strides.push_back(a.view.StrideOf(label));
      g.b_strides.push_back(b.view.StrideOf(label));
      g.y_strides.push_back(to.view.StrideOf(label));
    }
    program_.push_back({Simplify(std::move(g)), a.place, b.place, to.place});
    return to;
  }

  // Those of the labels that the operand has.
  static Labels Own(Labels labels, const Operand& operand) {
    std::erase_if(labels, [&](Label label) { return !HasLabel(operand.view.labels, label); });
    return labels;
  }

  // In the order of a's memory, or b's where a must be copied for it anyway.
  static void SortInner(Labels& inner, const EinsumView& a, const EinsumView& b) {
    const auto sort_by = [&](const EinsumView& view) {
      std::stable_sort(inner.begin(), inner.end(),
                       [&](Label x, Label y) { return view.StrideOf(x) > view.StrideOf(y); });
    };
    sort_by(a);
    if (!Merge(a, inner)) sort_by(b);
  }

  ScratchPlan& scratch_;
  Program program_;
  absl::Status status_;  // the first error
};

absl::Status RunProgram(const Program& program, const HostContext& c) {
  const auto address = [&c](const LabelPlace& place) -> float* {
    switch (place.kind) {
      case LabelPlace::Kind::kInput:
        return static_cast<float*>(c.in(place.index).data);
      case LabelPlace::Kind::kOutput:
        return static_cast<float*>(c.out().data);
      case LabelPlace::Kind::kScratch:
        return place.scratch.In(c.scratch);
    }
    return nullptr;
  };
  for (const Step& step : program) {
    const float* a = address(step.a);
    if (const auto* product = std::get_if<BatchedGemm>(&step.what)) {
      WEFT_RETURN_IF_ERROR(RunBatchedGemm(*product, a, address(step.b), address(step.y)));
    } else {
      std::get<Gather>(step.what).Run(a, address(step.y), c.scratch);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Kernels> DnnlEinsum(const KernelRequest& request) {
  const auto collect = [&](Kernels& kernels) -> absl::Status {
    std::vector<int> ranks;
    std::vector<Dims> dims;
    for (const Layout& layout : request.inputs) {
      dims.push_back(layout.dims());
      ranks.push_back(static_cast<int>(layout.dims().size()));
    }
    WEFT_ASSIGN_OR_RETURN(const EinsumEquation equation,
                          ParseEinsum(GetString(request.node.attributes(), "equation"), ranks));
    ScratchPlan scratch(request.threads);
    WEFT_ASSIGN_OR_RETURN(Program program,
                          Planner(scratch).Plan(ViewEinsum(equation, dims, request.outputs[0])));
    const bool products = dims.size() > 1;
    kernels.push_back(MakeHostKernel(
        request, products ? "onednn" : "weft", products ? "sgemm" : "sum loops",
        [program = std::move(program)](const HostContext& c) { return RunProgram(program, c); },
        /*in_place=*/false, scratch));
    return absl::OkStatus();
  };
  return CollectKernels(request, collect, EmptyInput::kZeros);
}

}  // namespace weft
