#include "passes/combine/low_rank.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

std::vector<double> ElementsOf(const Matrix& m) { return {m.data(), m.data() + m.size()}; }

// How many of the eigenvalues, ascending, have to stay so that the others sum to at most `most`.
int64_t RankFor(const Eigen::VectorXd& eigenvalues, double most) {
  int64_t dropped = 0;
  for (double sum = 0; dropped + 1 < eigenvalues.size(); ++dropped) {
    sum += std::max(0.0, eigenvalues[dropped]);
    if (sum > most) break;
  }
  return eigenvalues.size() - dropped;
}

}  // namespace

absl::StatusOr<LowRank> FactorMatrix(std::span<const double> matrix, int64_t rows, int64_t cols,
                                     double error) {
  const Eigen::Map<const Matrix> a(matrix.data(), rows, cols);
  const double norm = a.norm();
  if (!std::isfinite(norm) || norm == 0) {
    return absl::InvalidArgumentError(absl::StrCat("the norm of the matrix is ", norm));
  }
  if (std::min(rows, cols) > kMostSingular) {
    return absl::InvalidArgumentError(absl::StrCat("expected at most ", kMostSingular,
                                                   " singular values, the matrix is [", rows, ",",
                                                   cols, "]"));
  }
  const bool wide = rows <= cols;
  const Matrix gram = wide ? Matrix(a * a.transpose()) : Matrix(a.transpose() * a);
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(gram);
  if (solver.info() != Eigen::Success) return absl::InternalError("eigenvalues do not converge");

  LowRank result;
  // Rounding in the Gram matrix can leave the error a little above: one rank more mends that.
  for (result.rank = RankFor(solver.eigenvalues(), error * error * norm * norm);; ++result.rank) {
    const Matrix vectors = solver.eigenvectors().rightCols(result.rank);
    const Matrix left = wide ? vectors : Matrix(a * vectors);
    const Matrix right = wide ? Matrix(vectors.transpose() * a) : Matrix(vectors.transpose());
    result.error = (a - left * right).norm() / norm;
    if (result.error > error && result.rank < gram.rows()) continue;
    result.left = ElementsOf(left);
    result.right = ElementsOf(right);
    return result;
  }
}

}  // namespace weft
