#include "frontend/inspect/data/pca.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "frontend/data/random.h"
#include "frontend/inspect/data/feature_rows.h"

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

// Takes away what lies in the directions of the columns.
void RemoveDirections(const Eigen::Ref<const Eigen::MatrixXd>& columns, Eigen::VectorXd& v) {
  for (int pass = 0; pass < 2 && columns.cols() > 0; ++pass) {
    v -= columns * (columns.transpose() * v);
  }
}

// What a search leaves out: what others found. Each search begins elsewhere.
struct FoundPairs {
  EigenPairs pairs = {};
  uint64_t searches = 0;
  double largest() const { return pairs.values.size() > 0 ? pairs.values[0] : 0; }
};

// A direction at right angles to the first `count` columns of `basis` and to what was found, of
// length 1.
Eigen::VectorXd NewDirection(const Eigen::MatrixXd& basis, int64_t count, const FoundPairs& found) {
  Eigen::VectorXd v(basis.rows());
  RandomStream random(found.searches, RandomPurpose::kNoise, static_cast<uint64_t>(count));
  for (double& element : v) element = random.Bell();
  for (int pass = 0; pass < 2; ++pass) {
    RemoveDirections(found.pairs.vectors, v);
    RemoveDirections(basis.leftCols(count), v);
  }
  return v.normalized();
}

// The k largest besides those found by Lanczos' method with all vectors kept at right angles (Golub
// and Van Loan, "Matrix computations", 10.3): a few products with the rows a component instead of
// the whole matrix of products, until |A v - value v| is below 1e-9 of the largest value, or all
// are clearly below `least`. Of equal values it finds one.
absl::StatusOr<EigenPairs> SolveByLanczos(const PcaGram& gram, int64_t k, const FoundPairs& found,
                                          double least) {
  constexpr double kResidual = 1e-9, kBreakdown = 1e-12, kClearly = 10;
  constexpr int64_t kRoomStep = 64;
  const int64_t dimensions = gram.side() - found.pairs.vectors.cols();
  int64_t look = 8;  // the next number of columns at which to see how near they are
  Eigen::MatrixXd basis(gram.side(), kRoomStep);
  basis.col(0) = NewDirection(basis, 0, found);
  std::vector<double> diagonal, beside;
  for (int64_t m = 1;; ++m) {  // columns of the basis
    Eigen::VectorXd next = gram.Times(basis.col(m - 1));
    RemoveDirections(found.pairs.vectors, next);
    diagonal.push_back(next.dot(basis.col(m - 1)));
    RemoveDirections(basis.leftCols(m), next);
    const double most = std::max(found.largest(), *std::ranges::max_element(diagonal));
    const bool ends = next.norm() <= kBreakdown * most;  // all of what the basis can reach
    // A new direction has a share in whatever is left.
    const bool nothing_left = m == dimensions || (ends && m > 1 && beside.back() == 0 &&
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
      const bool below = pairs.values[0] + kClearly * residual < least;
      if (nothing_left || (!ends && (residual <= kResidual * most || below))) {
        return EigenPairs{pairs.values, basis.leftCols(m) * pairs.vectors};
      }
    }
    if (m == basis.cols()) {
      basis.conservativeResize(Eigen::NoChange, std::min(m + kRoomStep, gram.side()));
    }
    basis.col(m) = ends ? NewDirection(basis, m, found) : Eigen::VectorXd(next / next.norm());
  }
}

// Puts a pair where it belongs, in place of the last one.
void ReplaceLast(const EigenPairs& one, EigenPairs& pairs) {
  Eigen::Index at = pairs.values.size() - 1;
  for (; at > 0 && pairs.values[at - 1] < one.values[0]; --at) {
    pairs.values[at] = pairs.values[at - 1];
    pairs.vectors.col(at) = pairs.vectors.col(at - 1).eval();
  }
  pairs.values[at] = one.values[0];
  pairs.vectors.col(at) = one.vectors.col(0);
}

// The k largest, equal ones as often as they are there: searched for again besides those found
// until what is left is not larger.
absl::StatusOr<EigenPairs> LargestPairs(const PcaGram& gram, int64_t k) {
  constexpr double kEqual = 1e-9;
  FoundPairs found;
  WEFT_ASSIGN_OR_RETURN(EigenPairs first, SolveByLanczos(gram, k, found, 0));
  found.pairs = std::move(first);
  while (k < gram.side()) {
    ++found.searches;
    const double last = found.pairs.values[k - 1];
    WEFT_ASSIGN_OR_RETURN(const EigenPairs one, SolveByLanczos(gram, 1, found, last));
    if (one.values[0] <= last + kEqual * found.largest()) break;
    ReplaceLast(one, found.pairs);
  }
  return std::move(found.pairs);
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
  WEFT_ASSIGN_OR_RETURN(const EigenPairs pairs, whole ? gram.Solve(k) : LargestPairs(gram, k));
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
