#include "frontend/inspect/pca.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "frontend/data/random.h"
#include "frontend/inspect/feature_rows.h"

namespace weft {
namespace {

using PcaMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
constexpr int64_t kMostWholeSide = 512;  // of a matrix whose every eigenvector is computed

using FloatMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::Map<const FloatMatrix> MatrixOf(const Tensor& rows) {
  return {rows.values<float>().data(), rows.dims()[0], rows.dims()[1]};
}

absl::StatusOr<Tensor> TensorOf(const PcaMatrix& matrix, Dims dims) {
  WEFT_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Zeros(DType::kF32, std::move(dims)));
  const std::span<float> values = tensor.mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(matrix.data()[i]);
  return tensor;
}

absl::Status CheckPca(const Tensor& rows, int64_t k) {
  const int64_t n = rows.dims()[0], side = std::min(n, rows.dims()[1]);
  if (n < 2) return absl::InvalidArgumentError("pca: expected two examples or more, got one");
  if (k < 1 || k > side) {
    return absl::InvalidArgumentError(absl::StrCat("pca: expected 1 to ", side, " components of ",
                                                   ToString(rows.type()), ", got ", k));
  }
  if (side <= kMostWholeSide || k <= kMostWholeSide) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("pca: expected at most ", kMostWholeSide, " components, got ", k));
}

// Eigenvalues, the largest first, and their vectors as columns.
struct EigenPairs {
  Eigen::VectorXd values;
  Eigen::MatrixXd vectors;
};

EigenPairs LargestFirst(const Eigen::VectorXd& values, const Eigen::MatrixXd& vectors, int64_t k) {
  return {values.tail(k).reverse(), vectors.rightCols(k).rowwise().reverse()};
}

// The rows' products among themselves where they are fewer than columns, else the columns'.
class PcaGram {
 public:
  explicit PcaGram(const PcaMatrix& centered)
      : centered_(centered), wide_(centered.cols() > centered.rows()) {}
  bool wide() const { return wide_; }
  int64_t side() const { return wide_ ? centered_.rows() : centered_.cols(); }

  Eigen::VectorXd Times(const Eigen::VectorXd& v) const {
    return wide_ ? Eigen::VectorXd(centered_ * Eigen::VectorXd(centered_.transpose() * v))
                 : Eigen::VectorXd(centered_.transpose() * Eigen::VectorXd(centered_ * v));
  }

  absl::StatusOr<EigenPairs> Solve(int64_t k) const {
    Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(side(), side());
    if (wide_) {
      gram.selfadjointView<Eigen::Lower>().rankUpdate(centered_);
    } else {
      gram.selfadjointView<Eigen::Lower>().rankUpdate(centered_.transpose());
    }
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(gram);  // reads the lower half
    if (solver.info() != Eigen::Success) return absl::InternalError("pca: no convergence");
    return LargestFirst(solver.eigenvalues(), solver.eigenvectors(), k);
  }

 private:
  const PcaMatrix& centered_;
  const bool wide_;
};

// A direction at right angles to the first `count` columns of `basis`, of length 1.
Eigen::VectorXd NewDirection(const Eigen::MatrixXd& basis, int64_t count) {
  Eigen::VectorXd v(basis.rows());
  RandomStream random(0, RandomPurpose::kNoise, static_cast<uint64_t>(count));
  for (double& element : v) element = random.Bell();
  for (int pass = 0; pass < 2; ++pass) {
    v -= basis.leftCols(count) * (basis.leftCols(count).transpose() * v);
  }
  return v.normalized();
}

// The k largest by Lanczos' method with all vectors kept at right angles (Golub and Van Loan,
// "Matrix computations", 10.3): a few products with the rows a component instead of the whole
// matrix of products, until |A v - value v| is below 1e-9 of the largest value.
absl::StatusOr<EigenPairs> SolveByLanczos(const PcaGram& gram, int64_t k) {
  constexpr double kResidual = 1e-9, kBreakdown = 1e-12;
  constexpr int64_t kRoomStep = 64;
  int64_t look = 8;  // the next number of columns at which to see how near they are
  Eigen::MatrixXd basis(gram.side(), kRoomStep);
  basis.col(0) = NewDirection(basis, 0);
  std::vector<double> diagonal, beside;
  for (int64_t m = 1;; ++m) {  // columns of the basis
    Eigen::VectorXd next = gram.Times(basis.col(m - 1));
    diagonal.push_back(next.dot(basis.col(m - 1)));
    for (int pass = 0; pass < 2; ++pass) {
      next -= basis.leftCols(m) * (basis.leftCols(m).transpose() * next);
    }
    const double most = *std::ranges::max_element(diagonal);
    const bool ends = next.norm() <= kBreakdown * most;  // all of what the basis can reach
    // A new direction has a share in whatever is left.
    const bool nothing_left = m == gram.side() || (ends && m > 1 && beside.back() == 0 &&
                                                   diagonal.back() <= kBreakdown * most);
    beside.push_back(ends ? 0 : next.norm());
    if (m >= k && (m >= look || nothing_left)) {
      look = m + std::max<int64_t>(8, m / 8);
      Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> small;
      small.computeFromTridiagonal(Eigen::Map<Eigen::VectorXd>(diagonal.data(), m),
                                   Eigen::Map<Eigen::VectorXd>(beside.data(), m - 1));
      if (small.info() != Eigen::Success) return absl::InternalError("pca: no convergence");
      const EigenPairs pairs = LargestFirst(small.eigenvalues(), small.eigenvectors(), k);
      const double residual = beside.back() * pairs.vectors.row(m - 1).cwiseAbs().maxCoeff();
      if (nothing_left || (!ends && residual <= kResidual * pairs.values[0])) {
        return EigenPairs{pairs.values, basis.leftCols(m) * pairs.vectors};
      }
    }
    if (m == basis.cols()) {
      basis.conservativeResize(Eigen::NoChange, std::min(m + kRoomStep, gram.side()));
    }
    basis.col(m) = ends ? NewDirection(basis, m) : Eigen::VectorXd(next / next.norm());
  }
}

// The directions [k,D] of the centered rows, scaled to length 1; zeros for those without a
// variance that rounding could not have made.
PcaMatrix DirectionsOf(const PcaMatrix& centered, const EigenPairs& pairs) {
  const bool wide = PcaGram(centered).wide();
  PcaMatrix directions = PcaMatrix::Zero(pairs.values.size(), centered.cols());
  for (int64_t i = 0; i < pairs.values.size(); ++i) {
    if (pairs.values[i] <= 1e-12 * std::max(0.0, pairs.values[0])) continue;
    Eigen::VectorXd direction = pairs.vectors.col(i);
    if (wide) direction = centered.transpose() * direction;
    direction.normalize();
    Eigen::Index largest = 0;
    direction.cwiseAbs().maxCoeff(&largest);
    directions.row(i) = (direction[largest] < 0 ? -direction : direction).transpose();
  }
  return directions;
}

}  // namespace

absl::StatusOr<Pca> ComputePca(const Tensor& values, int64_t k) {
  WEFT_ASSIGN_OR_RETURN(const Tensor rows, FeatureRows(values));
  WEFT_RETURN_IF_ERROR(CheckPca(rows, k));
  const int64_t n = rows.dims()[0], width = rows.dims()[1];
  PcaMatrix centered = MatrixOf(rows).cast<double>();
  const PcaMatrix mean = centered.colwise().mean();
  centered.rowwise() -= mean.row(0);
  const PcaGram gram(centered);
  const bool whole = gram.side() <= kMostWholeSide;
  WEFT_ASSIGN_OR_RETURN(const EigenPairs pairs, whole ? gram.Solve(k) : SolveByLanczos(gram, k));
  const PcaMatrix directions = DirectionsOf(centered, pairs);
  const PcaMatrix coordinates = centered * directions.transpose();
  Pca pca;
  for (int64_t i = 0; i < k; ++i) {
    pca.variance.push_back(coordinates.col(i).squaredNorm() / static_cast<double>(n - 1));
  }
  pca.total_variance = centered.squaredNorm() / static_cast<double>(n - 1);
  WEFT_ASSIGN_OR_RETURN(pca.mean, TensorOf(mean, {width}));
  WEFT_ASSIGN_OR_RETURN(pca.components, TensorOf(directions, {k, width}));
  WEFT_ASSIGN_OR_RETURN(pca.coordinates, TensorOf(coordinates, {n, k}));
  return pca;
}

absl::StatusOr<Tensor> Project(const Pca& pca, const Tensor& values) {
  WEFT_ASSIGN_OR_RETURN(const Tensor rows, FeatureRows(values));
  if (rows.dims()[1] != pca.mean.size()) {
    return absl::InvalidArgumentError(absl::StrCat("pca: expected rows of ", pca.mean.size(),
                                                   " numbers, got ", ToString(rows.type())));
  }
  const Eigen::Map<const Eigen::RowVectorXf> mean(pca.mean.values<float>().data(), pca.mean.size());
  const PcaMatrix centered = (MatrixOf(rows).rowwise() - mean).cast<double>();
  const PcaMatrix directions = MatrixOf(pca.components).cast<double>();
  return TensorOf(centered * directions.transpose(), {rows.dims()[0], pca.components.dims()[0]});
}

}  // namespace weft
