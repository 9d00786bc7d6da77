#ifndef WEFT_OPS_RECURRENT_H_
#define WEFT_OPS_RECURRENT_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "graph/op.h"

// RNN, LSTM and GRU with their gradients: one time loop (recurrent_loop.cc) over a cell
// (recurrent_cells.cc), for f64 by the reference kernels and for f32 by the fast ones, which bring
// their own matrix products and activations.

namespace weft {

enum class CellKind { kRnn, kLstm, kGru };

// What differs between the ops' schemas.
struct CellInfo {
  CellKind kind;
  std::string_view name;  // of the op
  int64_t gates;
  std::vector<std::string_view> activations;  // the defaults: f, g, h
  bool has_cell_state;                        // LSTM: initial_c, P, Y_c
};
const CellInfo& InfoOf(CellKind kind);

// One of ONNX's activations of recurrent ops, applied to its input clipped to [-clip, clip].
struct CellActivation {
  enum class Kind {
    kAffine,
    kElu,
    kHardSigmoid,
    kLeakyRelu,
    kRelu,
    kScaledTanh,
    kSigmoid,
    kSoftplus,
    kSoftsign,
    kTanh,
    kThresholdedRelu,
  };
  Kind kind = Kind::kTanh;
  double alpha = 0, beta = 0;
  double clip = std::numeric_limits<double>::infinity();
};

// A node's attributes and extents.
struct RecurrentConfig {
  CellKind kind = CellKind::kRnn;
  int64_t gates = 1;
  int64_t directions = 1;
  bool reverse = false;        // the first direction runs backwards; of two, the second always does
  bool batch_first = false;    // layout = 1
  bool couples_gates = false;  // LSTM's input_forget
  bool linear_before_reset = false;              // GRU's
  std::vector<CellActivation> activations = {};  // f, g, h of each direction
  int64_t steps = 0, batch = 0, input = 0, hidden = 0;

  // Where things are in ONNX's operands: rows of X, elements of Y and of states.
  int64_t RowOfX(int64_t t, int64_t n) const { return batch_first ? n * steps + t : t * batch + n; }
  int64_t OffsetInY(int64_t d, int64_t t, int64_t n) const {
    return hidden *
           (batch_first ? RowOfX(t, n) * directions + d : (t * directions + d) * batch + n);
  }
  int64_t OffsetOfState(int64_t d, int64_t n) const {
    return hidden * (batch_first ? n * directions + d : d * batch + n);
  }
  bool RunsBackwards(int64_t direction) const { return reverse || direction == 1; }
  // f, g, h: `which` is 0, 1, 2.
  const CellActivation& activation(int64_t direction, size_t which) const {
    return activations[static_cast<size_t>(direction) *
                           (activations.size() / static_cast<size_t>(directions)) +
                       which];
  }
};

// The attributes alone; extents stay 0. Errors: a direction or activation that does not exist, too
// many or too few activations or their arguments, a clip that is not positive.
absl::StatusOr<RecurrentConfig> ReadRecurrentAttributes(CellKind kind, const AttributeMap& a);
// Of X's and R's dims too, which inference has checked.
absl::StatusOr<RecurrentConfig> ReadRecurrent(CellKind kind, const AttributeMap& a,
                                              std::span<const int64_t> x,
                                              std::span<const int64_t> r);

// Where a node has its operands: after the cotangents of Y, Y_h (and Y_c) in a gradient. LSTM's
// initial_c and P follow initial_h.
struct RecurrentOperands {
  RecurrentOperands(CellKind kind, bool is_gradient);
  int x, w, r, b, lens, h, c, p;
};

// The arithmetic that a kernel brings.
template <typename Real>
class RecurrentMath {
 public:
  struct Matrix {
    const Real* data = nullptr;
    int64_t step = 0;  // elements from row to row in memory
    bool transposed = false;
  };

  virtual ~RecurrentMath() = default;
  // y [m,n] = a b + beta y. Called by several threads at once within ForEach.
  virtual void Multiply(int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b,
                        Real beta, Real* y, int64_t y_step) = 0;
  // y[i] = f(x[i]) and, unless null, d[i] = f'(x[i]). y may be x.
  virtual void Activate(const CellActivation& f, int64_t n, const Real* x, Real* y, Real* d) = 0;
  // body(begin, end) on parts of [0, count), perhaps at once.
  virtual void ForEach(int64_t count, absl::FunctionRef<void(int64_t, int64_t)> body) = 0;
  virtual absl::Status status() const { return absl::OkStatus(); }
};

// f and f' as the formulas say, element by element.
template <typename Real>
void ActivateEach(const CellActivation& f, int64_t n, const Real* x, Real* y, Real* d);

template <typename Real>
class Cell;
struct CellPhase;

// A recurrent op or its gradient for a node's attributes and extents: what a kernel makes once and
// runs again and again. Immutable.
template <typename Real>
class RecurrentLoop {
 public:
  RecurrentLoop(RecurrentConfig config, bool is_gradient);
  ~RecurrentLoop();
  RecurrentLoop(const RecurrentLoop&) = delete;
  RecurrentLoop& operator=(const RecurrentLoop&) = delete;

  // Elements of memory, of any contents, that a run computes in.
  int64_t memory() const;
  // Runs a node whose floating-point operands are all Real; the gradient computes the forward pass
  // once more. Errors: sequence lengths outside of [0, steps].
  absl::Status Run(RecurrentMath<Real>& math, const EvalContext& c, Real* memory) const;

  const RecurrentConfig& config() const { return config_; }
  bool is_gradient() const { return is_gradient_; }
  const std::vector<CellPhase>& phases() const { return phases_; }
  const Cell<Real>& cell(int64_t direction) const {
    return *cells_[static_cast<size_t>(direction)];
  }

 private:
  RecurrentConfig config_;
  bool is_gradient_;
  std::vector<std::unique_ptr<Cell<Real>>> cells_;  // of the directions
  std::vector<CellPhase> phases_;
};

}  // namespace weft

#endif  // WEFT_OPS_RECURRENT_H_
