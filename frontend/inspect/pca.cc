#include "frontend/inspect/pca.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "frontend/inspect/feature_rows.h"

namespace weft {
namespace {

using PcaMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
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
  if (side <= kMostPcaSide) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "pca: expected at most ", kMostPcaSide,
      " examples or numbers an example, whichever are fewer, got ", ToString(rows.type())));
}

// The k directions [k,D] of the centered rows, scaled to length 1; zeros for those without a
// variance that rounding could not have made.
PcaMatrix DirectionsOf(const PcaMatrix& centered, const Eigen::VectorXd& eigenvalues,
                       const PcaMatrix& eigenvectors, int64_t k) {
  const bool wide = centered.cols() > centered.rows();
  const double least = 1e-12 * std::max(0.0, eigenvalues[eigenvalues.size() - 1]);
  PcaMatrix directions = PcaMatrix::Zero(k, centered.cols());
  for (int64_t i = 0; i < k; ++i) {
    const int64_t at = eigenvalues.size() - 1 - i;  // they ascend
    if (eigenvalues[at] <= least) continue;
    Eigen::VectorXd direction = eigenvectors.col(at);
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
  PcaMatrix gram(std::min(n, width), std::min(n, width));
  gram.setZero();
  if (width > n) {
    gram.selfadjointView<Eigen::Lower>().rankUpdate(centered);
  } else {
    gram.selfadjointView<Eigen::Lower>().rankUpdate(centered.transpose());
  }
  const Eigen::SelfAdjointEigenSolver<PcaMatrix> solver(gram);  // reads the lower half
  if (solver.info() != Eigen::Success) return absl::InternalError("pca: no convergence");
  const PcaMatrix directions =
      DirectionsOf(centered, solver.eigenvalues(), solver.eigenvectors(), k);
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
