#ifndef WEFT_OPS_RECURRENT_CELLS_H_
#define WEFT_OPS_RECURRENT_CELLS_H_

#include <memory>
#include <vector>

#include "ops/recurrent.h"

namespace weft {

// A step of a cell has one phase or two. In each the loop first computes the state's part of some
// gates, a matrix product; the second phase of GRU multiplies the reset state instead of the state.
struct CellPhase {
  int64_t first_gate = 0, last_gate = 0;  // [first, last)
  bool of_reset_state = false;
};

// One example in one step; vectors of `hidden` elements, or one such a gate.
template <typename Real>
struct CellRow {
  RecurrentMath<Real>* math = nullptr;
  const Real* peepholes = nullptr;  // P of the direction, or null
  Real* in = nullptr;     // the input's part of the gates, W x + Wb; backwards its cotangent
  Real* state = nullptr;  // the state's part, R h + Rb; backwards its cotangent
  const Real *h_before = nullptr, *c_before = nullptr;
  Real *h = nullptr, *c = nullptr;  // after the step
  Real* reset = nullptr;            // GRU's reset state
  Real* saved = nullptr;            // `saved_vectors` for the way back
  // Cotangents of h and c, before the call after the step, after it before the step (of h, without
  // what flows through `state`), and of `reset`.
  Real *dh = nullptr, *dc = nullptr;
  const Real* dreset = nullptr;
};

// Forward and Backward of each phase, for one row. Immutable: threads share it.
template <typename Real>
class Cell {
 public:
  virtual ~Cell() = default;
  virtual std::vector<CellPhase> phases() const = 0;
  virtual int64_t saved_vectors() const = 0;
  virtual void Forward(size_t phase, const CellRow<Real>& row) const = 0;
  // Replaces the gates of the phase in `in` and `state` by their cotangents.
  virtual void Backward(size_t phase, const CellRow<Real>& row) const = 0;
};

// `saves`: whether Backward will follow Forward. `config` must outlive the cell.
template <typename Real>
std::unique_ptr<Cell<Real>> MakeCell(const RecurrentConfig& config, int64_t direction, bool saves);

}  // namespace weft

#endif  // WEFT_OPS_RECURRENT_CELLS_H_
