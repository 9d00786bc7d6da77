#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "ops/recurrent_cells.h"

// The time loop of all recurrent ops. The input's part of all gates of all steps is one product.
// Then examples are independent: chunks of them run through all steps each on its own, directions
// too, and back again for the gradient. The gradients of the weights are again one product each,
// over all steps.

namespace weft {
namespace {

constexpr int64_t kChunk = 16;  // examples

template <typename Real>
using Matrix = typename RecurrentMath<Real>::Matrix;

// The operands of ONNX's shapes, row-major; null where absent or not wanted.
template <typename Real>
struct RecurrentInputs {
  const Real *x = nullptr, *w = nullptr, *r = nullptr, *b = nullptr;
  const int32_t* lens = nullptr;
  const Real *h = nullptr, *c = nullptr, *p = nullptr;
};
// Y, Y_h, Y_c, or their cotangents.
template <typename Value>
struct RecurrentOutputs {
  Value *y = nullptr, *y_h = nullptr, *y_c = nullptr;
};
template <typename Real>
struct RecurrentGradients {
  Real *x = nullptr, *w = nullptr, *r = nullptr, *b = nullptr;
  Real *h = nullptr, *c = nullptr, *p = nullptr;
};

// What one direction keeps. Panels hold a row for each example; a loop that will go back has one
// for every step, another one for all steps.
template <typename Real>
struct Buffers {
  Real* in = nullptr;               // the input's part of the gates, in X's order of rows
  Real* state = nullptr;            // panels of the state's part
  Real* saved = nullptr;            // panels of Cell::saved_vectors
  Real* reset = nullptr;            // panels of reset states
  Real *h = nullptr, *c = nullptr;  // panels of states, before the first step and after every step
  Real *dh = nullptr, *dc = nullptr, *dreset = nullptr;  // one panel
};

template <typename Real>
using AllBuffers = std::array<Buffers<Real>, 2>;  // of the directions

// Lays the buffers out in `memory`, or nowhere where that is null. Returns the elements they take.
template <typename Real>
int64_t Place(const RecurrentLoop<Real>& loop, Real* memory, AllBuffers<Real>& buffers) {
  const RecurrentConfig& f = loop.config();
  const bool saves = loop.is_gradient(), lstm = f.kind == CellKind::kLstm;
  const bool resets = loop.phases().size() > 1;
  const int64_t panels = saves ? f.steps : 1, state_panels = saves ? f.steps + 1 : 2;
  const int64_t vector = f.batch * f.hidden, width = f.gates * f.hidden;
  int64_t used = 0;
  const auto take = [&](int64_t n) {
    Real* at = memory == nullptr ? nullptr : memory + used;
    used += (n + 15) / 16 * 16;
    return at;
  };
  for (int64_t d = 0; d < f.directions; ++d) {
    Buffers<Real>& b = buffers[static_cast<size_t>(d)];
    b.in = take(f.steps * f.batch * width);
    b.state = take(panels * f.batch * width);
    b.saved = take(panels * vector * loop.cell(d).saved_vectors());
    b.h = take(state_panels * vector);
    b.c = take(lstm ? state_panels * vector : 0);
    b.reset = take(resets ? panels * vector : 0);
    b.dh = take(saves ? vector : 0);
    b.dc = take(saves && lstm ? vector : 0);
    b.dreset = take(saves && resets ? vector : 0);
  }
  return used;
}

// A run.
template <typename Real>
class Loop {
 public:
  Loop(const RecurrentLoop<Real>& loop, RecurrentMath<Real>& math,
       const RecurrentInputs<Real>& inputs, Real* memory)
      : loop_(loop),
        f_(loop.config()),
        math_(math),
        in_(inputs),
        saves_(loop.is_gradient()),
        width_(f_.gates * f_.hidden),
        phases_(loop.phases()) {
    Place(loop, memory, buffers_);
  }

  absl::Status Forward(const RecurrentOutputs<Real>& outputs) {
    for (int64_t d = 0; d < f_.directions; ++d) ProjectInput(d);
    ForEachChunk(
        [&](int64_t d, int64_t begin, int64_t end) { ForwardChunk(d, begin, end, outputs); });
    return math_.status();
  }

  absl::Status Backward(const RecurrentOutputs<const Real>& cotangents,
                        const RecurrentGradients<Real>& gradients) {
    for (int64_t d = 0; d < f_.directions; ++d) ProjectInput(d);
    ForEachChunk([&](int64_t d, int64_t begin, int64_t end) {
      ForwardChunk(d, begin, end, {});
      BackwardChunk(d, begin, end, cotangents, gradients);
    });
    for (int64_t d = 0; d < f_.directions; ++d) WeightGradients(d, gradients);
    return math_.status();
  }

 private:
  int64_t Length(int64_t n) const { return in_.lens == nullptr ? f_.steps : in_.lens[n]; }
  // The time of the example's step `s`, which is one of its valid ones.
  int64_t TimeOf(int64_t d, int64_t s, int64_t n) const {
    return f_.RunsBackwards(d) ? Length(n) - 1 - s : s;
  }

  const Real* WeightsOf(int64_t d) const { return in_.w + d * width_ * f_.input; }
  const Real* RecurrentWeightsOf(int64_t d, int64_t gate = 0) const {
    return in_.r + (d * f_.gates + gate) * f_.hidden * f_.hidden;
  }
  // Wb, or Rb; null without B.
  const Real* BiasOf(int64_t d, bool recurrent) const {
    return in_.b == nullptr ? nullptr : in_.b + (2 * d + (recurrent ? 1 : 0)) * width_;
  }

  int64_t Panel(int64_t s) const { return saves_ ? s : 0; }
  int64_t StatePanel(int64_t s) const { return saves_ ? s : s % 2; }
  // Row `n` of panel `s`.
  Real* Row(Real* panels, int64_t s, int64_t n, int64_t width) const {
    return panels + (s * f_.batch + n) * width;
  }

  void ForEachChunk(absl::FunctionRef<void(int64_t, int64_t, int64_t)> body) {
    const int64_t chunks = (f_.batch + kChunk - 1) / kChunk;
    math_.ForEach(f_.directions * chunks, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        const int64_t begin = i % chunks * kChunk;
        body(i / chunks, begin, std::min(begin + kChunk, f_.batch));
      }
    });
  }

  static void FillRows(Real* y, int64_t rows, const Real* row, int64_t n, int64_t step) {
    for (int64_t i = 0; i < rows; ++i) std::copy_n(row, n, y + i * step);
  }

  // in = X W^T + Wb
  void ProjectInput(int64_t d) {
    Real* in = buffers_[static_cast<size_t>(d)].in;
    const int64_t rows = f_.steps * f_.batch;
    const Real* bias = BiasOf(d, /*recurrent=*/false);
    if (bias != nullptr) {
      math_.ForEach(rows, [&](int64_t begin, int64_t end) {
        FillRows(in + begin * width_, end - begin, bias, width_, width_);
      });
    }
    math_.Multiply(rows, width_, f_.input, {in_.x, f_.input}, {WeightsOf(d), f_.input, true},
                   bias != nullptr ? Real{1} : Real{0}, in, width_);
  }

  CellRow<Real> RowOf(int64_t d, int64_t s, int64_t n) {
    const Buffers<Real>& b = buffers_[static_cast<size_t>(d)];
    const int64_t width = f_.hidden;
    const bool lstm = f_.kind == CellKind::kLstm;
    CellRow<Real> row{.math = &math_};
    if (in_.p != nullptr) row.peepholes = in_.p + d * 3 * width;
    row.in = b.in + f_.RowOfX(TimeOf(d, s, n), n) * width_;
    row.state = Row(b.state, Panel(s), n, width_);
    row.saved = Row(b.saved, Panel(s), n, width * loop_.cell(d).saved_vectors());
    row.h_before = Row(b.h, StatePanel(s), n, width);
    row.h = Row(b.h, StatePanel(s + 1), n, width);
    if (lstm) {
      row.c_before = Row(b.c, StatePanel(s), n, width);
      row.c = Row(b.c, StatePanel(s + 1), n, width);
    }
    if (phases_.size() > 1) row.reset = Row(b.reset, Panel(s), n, width);
    if (saves_) {
      row.dh = Row(b.dh, 0, n, width);
      if (lstm) row.dc = Row(b.dc, 0, n, width);
      if (phases_.size() > 1) row.dreset = Row(b.dreset, 0, n, width);
    }
    return row;
  }

  // What the phase multiplies by R: the state before the step, or the reset state.
  Real* Operand(const Buffers<Real>& b, const CellPhase& phase, int64_t s, int64_t n) const {
    return phase.of_reset_state ? Row(b.reset, Panel(s), n, f_.hidden)
                                : Row(b.h, StatePanel(s), n, f_.hidden);
  }

  // state = operand R^T + Rb, for the gates of the phase.
  void ProjectState(int64_t d, const CellPhase& phase, int64_t s, int64_t begin, int64_t end) {
    const Buffers<Real>& b = buffers_[static_cast<size_t>(d)];
    const int64_t first = phase.first_gate * f_.hidden;
    const int64_t columns = phase.last_gate * f_.hidden - first;
    Real* state = Row(b.state, Panel(s), begin, width_) + first;
    const Real* bias = BiasOf(d, /*recurrent=*/true);
    if (bias != nullptr) FillRows(state, end - begin, bias + first, columns, width_);
    math_.Multiply(end - begin, columns, f_.hidden, {Operand(b, phase, s, begin), f_.hidden},
                   {RecurrentWeightsOf(d, phase.first_gate), f_.hidden, true},
                   bias != nullptr ? Real{1} : Real{0}, state, width_);
  }

  static void CopyOrZero(const Real* from, int64_t n, Real* to) {
    if (from != nullptr) {
      std::copy_n(from, n, to);
    } else {
      std::fill_n(to, n, Real{0});
    }
  }
  static const Real* At(const Real* p, int64_t offset) { return p == nullptr ? p : p + offset; }

  void ForwardChunk(int64_t d, int64_t begin, int64_t end, const RecurrentOutputs<Real>& outputs) {
    const Buffers<Real>& b = buffers_[static_cast<size_t>(d)];
    const int64_t width = f_.hidden;
    const bool lstm = f_.kind == CellKind::kLstm;
    for (int64_t n = begin; n < end; ++n) {
      const int64_t at = f_.OffsetOfState(d, n);
      CopyOrZero(At(in_.h, at), width, Row(b.h, 0, n, width));
      if (lstm) CopyOrZero(At(in_.c, at), width, Row(b.c, 0, n, width));
    }
    for (int64_t s = 0; s < f_.steps; ++s) ForwardStep(d, s, begin, end, outputs.y);
    const int64_t last = StatePanel(f_.steps);
    for (int64_t n = begin; n < end; ++n) {
      const int64_t at = f_.OffsetOfState(d, n);
      if (outputs.y_h != nullptr) std::copy_n(Row(b.h, last, n, width), width, outputs.y_h + at);
      if (outputs.y_c != nullptr) std::copy_n(Row(b.c, last, n, width), width, outputs.y_c + at);
      for (int64_t t = Length(n); outputs.y != nullptr && t < f_.steps; ++t) {
        std::fill_n(outputs.y + f_.OffsetInY(d, t, n), width, Real{0});
      }
    }
  }

  void ForwardStep(int64_t d, int64_t s, int64_t begin, int64_t end, Real* y) {
    const Buffers<Real>& b = buffers_[static_cast<size_t>(d)];
    const int64_t width = f_.hidden;
    for (size_t phase = 0; phase < phases_.size(); ++phase) {
      ProjectState(d, phases_[phase], s, begin, end);
      for (int64_t n = begin; n < end; ++n) {
        if (s < Length(n)) {
          loop_.cell(d).Forward(phase, RowOf(d, s, n));
        } else if (phases_.size() > 1) {
          std::fill_n(Row(b.reset, Panel(s), n, width), width, Real{0});
        }
      }
    }
    for (int64_t n = begin; n < end; ++n) {
      Real* h = Row(b.h, StatePanel(s + 1), n, width);
      if (s >= Length(n)) {  // the state stays
        std::copy_n(Row(b.h, StatePanel(s), n, width), width, h);
        if (f_.kind == CellKind::kLstm) {
          std::copy_n(Row(b.c, StatePanel(s), n, width), width,
                      Row(b.c, StatePanel(s + 1), n, width));
        }
      } else if (y != nullptr) {
        std::copy_n(h, width, y + f_.OffsetInY(d, TimeOf(d, s, n), n));
      }
    }
  }

  void BackwardChunk(int64_t d, int64_t begin, int64_t end,
                     const RecurrentOutputs<const Real>& cotangents,
                     const RecurrentGradients<Real>& gradients) {
    const Buffers<Real>& b = buffers_[static_cast<size_t>(d)];
    const int64_t width = f_.hidden;
    const bool lstm = f_.kind == CellKind::kLstm;
    for (int64_t n = begin; n < end; ++n) {
      const int64_t at = f_.OffsetOfState(d, n);
      CopyOrZero(At(cotangents.y_h, at), width, Row(b.dh, 0, n, width));
      if (lstm) CopyOrZero(At(cotangents.y_c, at), width, Row(b.dc, 0, n, width));
      for (int64_t t = Length(n); t < f_.steps; ++t) {
        std::fill_n(b.in + f_.RowOfX(t, n) * width_, width_, Real{0});
      }
    }
    for (int64_t s = f_.steps; s-- > 0;) BackwardStep(d, s, begin, end, cotangents.y);
    for (int64_t n = begin; n < end; ++n) {
      const int64_t at = f_.OffsetOfState(d, n);
      if (gradients.h != nullptr) std::copy_n(Row(b.dh, 0, n, width), width, gradients.h + at);
      if (gradients.c != nullptr) std::copy_n(Row(b.dc, 0, n, width), width, gradients.c + at);
    }
  }

  void BackwardStep(int64_t d, int64_t s, int64_t begin, int64_t end, const Real* dy) {
    const Buffers<Real>& b = buffers_[static_cast<size_t>(d)];
    const int64_t width = f_.hidden;
    for (int64_t n = begin; n < end && dy != nullptr; ++n) {
      if (s >= Length(n)) continue;
      const Real* from = dy + f_.OffsetInY(d, TimeOf(d, s, n), n);
      Real* dh = Row(b.dh, 0, n, width);
      for (int64_t j = 0; j < width; ++j) dh[j] += from[j];
    }
    for (size_t phase = phases_.size(); phase-- > 0;) {
      const auto [first, last, of_reset] = phases_[phase];
      const int64_t columns = (last - first) * width;
      for (int64_t n = begin; n < end; ++n) {
        if (s < Length(n)) {
          loop_.cell(d).Backward(phase, RowOf(d, s, n));
        } else {
          std::fill_n(Row(b.state, s, n, width_) + first * width, columns, Real{0});
        }
      }
      math_.Multiply(end - begin, width, columns,
                     {Row(b.state, s, begin, width_) + first * width, width_},
                     {RecurrentWeightsOf(d, first), width}, of_reset ? Real{0} : Real{1},
                     Row(of_reset ? b.dreset : b.dh, 0, begin, width), width);
    }
  }

  // From the cotangents of all gates that BackwardChunk has left in `in` and `state`.
  void WeightGradients(int64_t d, const RecurrentGradients<Real>& g) {
    const Buffers<Real>& b = buffers_[static_cast<size_t>(d)];
    const int64_t rows = f_.steps * f_.batch, width = f_.hidden;
    if (g.x != nullptr) {
      math_.Multiply(rows, f_.input, width_, {b.in, width_}, {WeightsOf(d), f_.input},
                     d > 0 ? Real{1} : Real{0}, g.x, f_.input);
    }
    if (g.w != nullptr) {
      math_.Multiply(width_, f_.input, rows, {b.in, width_, true}, {in_.x, f_.input}, 0,
                     g.w + d * width_ * f_.input, f_.input);
    }
    for (const CellPhase& phase : phases_) {
      if (g.r == nullptr) break;
      const int64_t first = phase.first_gate * width;
      math_.Multiply(phase.last_gate * width - first, width, rows, {b.state + first, width_, true},
                     {Operand(b, phase, 0, 0), width}, 0, g.r + d * width_ * width + first * width,
                     width);
    }
    if (g.b != nullptr) {
      SumProducts(b.in, nullptr, width_, g.b + 2 * d * width_);
      SumProducts(b.state, nullptr, width_, g.b + (2 * d + 1) * width_);
    }
    if (g.p != nullptr) {
      Real* p = g.p + d * 3 * width;
      const Real* c_after = b.c + f_.batch * width;
      SumProducts(b.state, b.c, width, p);
      SumProducts(b.state + width, c_after, width, p + width);
      SumProducts(b.state + 2 * width, b.c, width, p + 2 * width);
    }
  }

  // to[j] = the sum over all steps and examples of a[j], or a[j] times b[j]: n columns of rows of
  // gates, and rows of states.
  void SumProducts(const Real* a, const Real* b, int64_t n, Real* to) {
    constexpr int64_t kColumns = 64;
    math_.ForEach((n + kColumns - 1) / kColumns, [&](int64_t first, int64_t last) {
      for (int64_t block = first; block < last; ++block) {
        const int64_t begin = block * kColumns, count = std::min(kColumns, n - begin);
        double sums[kColumns] = {};
        for (int64_t row = 0; row < f_.steps * f_.batch; ++row) {
          const Real* x = a + row * width_ + begin;
          if (b == nullptr) {
            for (int64_t j = 0; j < count; ++j) sums[j] += static_cast<double>(x[j]);
          } else {
            const Real* y = b + row * f_.hidden + begin;
            for (int64_t j = 0; j < count; ++j) {
              sums[j] += static_cast<double>(x[j]) * static_cast<double>(y[j]);
            }
          }
        }
        std::transform(sums, sums + count, to + begin,
                       [](double s) { return static_cast<Real>(s); });
      }
    });
  }

  const RecurrentLoop<Real>& loop_;
  const RecurrentConfig& f_;
  RecurrentMath<Real>& math_;
  const RecurrentInputs<Real>& in_;
  bool saves_;
  int64_t width_;  // of all gates
  const std::vector<CellPhase>& phases_;
  AllBuffers<Real> buffers_ = {};
};

absl::Status CheckLengths(const RecurrentConfig& config, const int32_t* lens) {
  for (int64_t n = 0; lens != nullptr && n < config.batch; ++n) {
    if (0 <= lens[n] && lens[n] <= config.steps) continue;
    return absl::InvalidArgumentError(absl::StrCat("expected sequence_lens in [0,", config.steps,
                                                   "], got ", lens[n], " at position [", n, "]"));
  }
  return absl::OkStatus();
}

}  // namespace

template <typename Real>
RecurrentLoop<Real>::RecurrentLoop(RecurrentConfig config, bool is_gradient)
    : config_(std::move(config)), is_gradient_(is_gradient) {
  for (int64_t d = 0; d < config_.directions; ++d) {
    cells_.push_back(MakeCell<Real>(config_, d, /*saves=*/is_gradient));
  }
  phases_ = cells_[0]->phases();
}

template <typename Real>
RecurrentLoop<Real>::~RecurrentLoop() = default;

template <typename Real>
int64_t RecurrentLoop<Real>::memory() const {
  AllBuffers<Real> nowhere;
  return Place<Real>(*this, nullptr, nowhere);
}

template <typename Real>
absl::Status RecurrentLoop<Real>::Run(RecurrentMath<Real>& math, const EvalContext& c,
                                      Real* memory) const {
  const RecurrentOperands at(config_.kind, is_gradient_);
  const auto in = [&](int i) {
    return c.has(i) ? static_cast<const Real*>(c.in(i).data) : nullptr;
  };
  const auto out = [&](size_t i) {
    return i < c.outputs.size() ? static_cast<Real*>(c.outputs[i].data) : nullptr;
  };
  const bool lstm = config_.kind == CellKind::kLstm;
  RecurrentInputs<Real> inputs{.x = in(at.x), .w = in(at.w), .r = in(at.r), .b = in(at.b)};
  if (c.has(at.lens)) inputs.lens = c.in(at.lens).in<int32_t>().data();
  inputs.h = in(at.h);
  if (lstm) inputs.c = in(at.c);
  if (lstm) inputs.p = in(at.p);
  WEFT_RETURN_IF_ERROR(CheckLengths(config_, inputs.lens));
  Loop<Real> loop(*this, math, inputs, memory);
  if (!is_gradient_) return loop.Forward({out(0), out(1), lstm ? out(2) : nullptr});
  return loop.Backward(
      {in(0), in(1), lstm ? in(2) : nullptr},
      {out(0), out(1), out(2), out(3), out(4), lstm ? out(5) : nullptr, lstm ? out(6) : nullptr});
}

template class RecurrentLoop<float>;
template class RecurrentLoop<double>;

}  // namespace weft
