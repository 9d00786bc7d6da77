#include "ops/recurrent_cells.h"

#include <algorithm>

namespace weft {
namespace {

template <typename Real>
class CellBase : public Cell<Real> {
 public:
  CellBase(const RecurrentConfig& config, int64_t direction, bool saves)
      : config_(config), direction_(direction), n_(config.hidden), saves_(saves) {}

 protected:
  // f, g or h of `count` gates; their derivatives are kept if there is a way back.
  void Activate(const CellRow<Real>& row, size_t which, int64_t count, const Real* x, Real* y,
                Real* derivative) const {
    row.math->Activate(config_.activation(direction_, which), count * n_, x, y,
                       saves_ ? derivative : nullptr);
  }
  void AddTo(Real* __restrict y, const Real* __restrict x, int64_t gates) const {
    for (int64_t j = 0; j < gates * n_; ++j) y[j] += x[j];
  }
  void AddProductTo(Real* __restrict y, const Real* __restrict a, const Real* __restrict b) const {
    for (int64_t j = 0; j < n_; ++j) y[j] += a[j] * b[j];
  }

  const RecurrentConfig& config_;
  int64_t direction_;
  int64_t n_;
  bool saves_;
};

// h = f(in + state)
template <typename Real>
class RnnCell : public CellBase<Real> {
 public:
  using CellBase<Real>::CellBase;
  using CellBase<Real>::n_;

  std::vector<CellPhase> phases() const override { return {{0, 1}}; }
  int64_t saved_vectors() const override { return 1; }

  void Forward(size_t, const CellRow<Real>& row) const override {
    this->AddTo(row.state, row.in, 1);
    this->Activate(row, 0, 1, row.state, row.h, row.saved);
  }

  void Backward(size_t, const CellRow<Real>& row) const override {
    for (int64_t j = 0; j < n_; ++j) {
      row.in[j] = row.state[j] = row.dh[j] * row.saved[j];
      row.dh[j] = 0;
    }
  }
};

// Gates i, o, f, c (the candidate g here): c' = f c + i g, h = o h(c'), with the peepholes P of i,
// o, f times c, c', c added to their gates. Coupled: f = 1 - i.
template <typename Real>
class LstmCell : public CellBase<Real> {
 public:
  using CellBase<Real>::CellBase;
  using CellBase<Real>::n_;

  std::vector<CellPhase> phases() const override { return {{0, 4}}; }
  int64_t saved_vectors() const override { return 10; }

  void Forward(size_t, const CellRow<Real>& row) const override {
    const Saved s(row.saved, n_);
    const Real* p = row.peepholes;
    this->AddTo(row.state, row.in, 4);
    if (p == nullptr) {
      this->Activate(row, 0, 3, row.state, s.i, s.i_slope);  // i, o and f lie side by side
    } else {
      this->AddProductTo(row.state, p, row.c_before);
      this->AddProductTo(row.state + 2 * n_, p + 2 * n_, row.c_before);
      this->Activate(row, 0, 1, row.state, s.i, s.i_slope);
      this->Activate(row, 0, 1, row.state + 2 * n_, s.f, s.f_slope);
    }
    this->Activate(row, 1, 1, row.state + 3 * n_, s.g, s.g_slope);
    if (this->config_.couples_gates) {
      for (int64_t j = 0; j < n_; ++j) s.f[j] = 1 - s.i[j];
    }
    for (int64_t j = 0; j < n_; ++j) row.c[j] = s.f[j] * row.c_before[j] + s.i[j] * s.g[j];
    if (p != nullptr) {
      this->AddProductTo(row.state + n_, p + n_, row.c);
      this->Activate(row, 0, 1, row.state + n_, s.o, s.o_slope);
    }
    this->Activate(row, 2, 1, row.c, s.a, s.a_slope);
    for (int64_t j = 0; j < n_; ++j) row.h[j] = s.o[j] * s.a[j];
  }

  void Backward(size_t, const CellRow<Real>& row) const override {
    const Saved s(row.saved, n_);
    const Real* p = row.peepholes;
    const bool coupled = this->config_.couples_gates;
    for (int64_t j = 0; j < n_; ++j) {
      const Real o = row.dh[j] * s.a[j] * s.o_slope[j];
      Real c = row.dc[j] + row.dh[j] * s.o[j] * s.a_slope[j];
      if (p != nullptr) c += p[n_ + j] * o;
      Real di = c * s.g[j], df = c * row.c_before[j];
      if (coupled) {
        di -= df;
        df = 0;
      }
      const Real i = di * s.i_slope[j], f = df * s.f_slope[j];
      row.state[j] = i;
      row.state[n_ + j] = o;
      row.state[2 * n_ + j] = f;
      row.state[3 * n_ + j] = c * s.i[j] * s.g_slope[j];
      row.dc[j] = c * s.f[j];
      if (p != nullptr) row.dc[j] += p[j] * i + p[2 * n_ + j] * f;
      row.dh[j] = 0;
    }
    std::copy_n(row.state, 4 * n_, row.in);
  }

 private:
  struct Saved {
    Saved(Real* at, int64_t n)
        : i(at),
          o(at + n),
          f(at + 2 * n),
          g(at + 3 * n),
          i_slope(at + 4 * n),
          o_slope(at + 5 * n),
          f_slope(at + 6 * n),
          g_slope(at + 7 * n),
          a(at + 8 * n),
          a_slope(at + 9 * n) {}
    Real *i, *o, *f, *g, *i_slope, *o_slope, *f_slope, *g_slope;
    Real *a, *a_slope;  // of h(c')
  };
};

// Gates z, r, h (the candidate): h' = (1 - z) candidate + z h. The reset gate acts on the state's
// part of the candidate (linear_before_reset), or on the state that this is computed from, which
// takes a second phase.
template <typename Real>
class GruCell : public CellBase<Real> {
 public:
  using CellBase<Real>::CellBase;
  using CellBase<Real>::n_;

  std::vector<CellPhase> phases() const override {
    if (this->config_.linear_before_reset) return {{0, 3}};
    return {{0, 2}, {2, 3, /*of_reset_state=*/true}};
  }
  int64_t saved_vectors() const override { return 7; }

  void Forward(size_t phase, const CellRow<Real>& row) const override {
    const Saved s(row.saved, n_);
    const bool linear = this->config_.linear_before_reset;
    Real* candidate = row.state + 2 * n_;
    if (phase == 0) {
      this->AddTo(row.state, row.in, 2);
      this->Activate(row, 0, 2, row.state, s.z, s.z_slope);
      if (!linear) {
        for (int64_t j = 0; j < n_; ++j) row.reset[j] = s.r[j] * row.h_before[j];
        return;
      }
      for (int64_t j = 0; j < n_; ++j) {
        s.linear[j] = candidate[j];
        candidate[j] *= s.r[j];
      }
    }
    this->AddTo(candidate, row.in + 2 * n_, 1);
    this->Activate(row, 1, 1, candidate, s.h, s.h_slope);
    for (int64_t j = 0; j < n_; ++j) {
      row.h[j] = (1 - s.z[j]) * s.h[j] + s.z[j] * row.h_before[j];
    }
  }

  void Backward(size_t phase, const CellRow<Real>& row) const override {
    const Saved s(row.saved, n_);
    const bool linear = this->config_.linear_before_reset;
    Real *in_z = row.in, *in_r = row.in + n_, *in_h = row.in + 2 * n_;
    Real *z = row.state, *r = row.state + n_, *h = row.state + 2 * n_;
    if (linear || phase == 1) {
      for (int64_t j = 0; j < n_; ++j) {
        in_z[j] = z[j] = row.dh[j] * (row.h_before[j] - s.h[j]) * s.z_slope[j];
        in_h[j] = h[j] = row.dh[j] * (1 - s.z[j]) * s.h_slope[j];
        row.dh[j] *= s.z[j];
      }
    }
    if (linear) {
      for (int64_t j = 0; j < n_; ++j) {
        in_r[j] = r[j] = h[j] * s.linear[j] * s.r_slope[j];
        h[j] *= s.r[j];
      }
    } else if (phase == 0) {
      for (int64_t j = 0; j < n_; ++j) {
        in_r[j] = r[j] = row.dreset[j] * row.h_before[j] * s.r_slope[j];
        row.dh[j] += row.dreset[j] * s.r[j];
      }
    }
  }

 private:
  struct Saved {
    Saved(Real* at, int64_t n)
        : z(at),
          r(at + n),
          h(at + 2 * n),
          z_slope(at + 3 * n),
          r_slope(at + 4 * n),
          h_slope(at + 5 * n),
          linear(at + 6 * n) {}
    Real *z, *r, *h, *z_slope, *r_slope, *h_slope;
    Real* linear;  // the state's part of the candidate
  };
};

}  // namespace

template <typename Real>
std::unique_ptr<Cell<Real>> MakeCell(const RecurrentConfig& config, int64_t direction, bool saves) {
  switch (config.kind) {
    case CellKind::kRnn:
      return std::make_unique<RnnCell<Real>>(config, direction, saves);
    case CellKind::kLstm:
      return std::make_unique<LstmCell<Real>>(config, direction, saves);
    case CellKind::kGru:
      return std::make_unique<GruCell<Real>>(config, direction, saves);
  }
  return nullptr;
}

template std::unique_ptr<Cell<float>> MakeCell(const RecurrentConfig&, int64_t, bool);
template std::unique_ptr<Cell<double>> MakeCell(const RecurrentConfig&, int64_t, bool);

}  // namespace weft
