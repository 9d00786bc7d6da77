#include "frontend/inspect/data/tsne_affinities.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "runtime/exec/parallel.h"

namespace weft {
namespace {

constexpr int kBetaSteps = 200;
constexpr double kEntropyError = 1e-9;

// Fills `p` and returns its entropy in nats; distances are from the nearest on, so that no sum is
// 0.
double EntropyAt(double beta, std::span<const double> distances, std::span<double> p) {
  const double nearest = *std::ranges::min_element(distances);
  double sum = 0, weighted = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    const double d = distances[i] - nearest;
    p[i] = std::exp(-beta * d);
    sum += p[i];
    weighted += p[i] * d;
  }
  for (double& v : p) v /= sum;
  return std::log(sum) + beta * weighted / sum;
}

}  // namespace

std::vector<double> ConditionalAffinities(std::span<const double> distances, double perplexity) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<double> p(distances.size());
  const double wanted = std::log(perplexity);
  double mean = 0;
  for (const double d : distances) mean += d / static_cast<double>(distances.size());
  double low = 0, high = kInfinity, beta = mean > 0 ? 1 / mean : 1;
  for (int step = 0; step < kBetaSteps; ++step) {
    const double excess = EntropyAt(beta, distances, p) - wanted;
    if (std::abs(excess) <= kEntropyError) break;
    (excess > 0 ? low : high) = beta;  // the larger beta, the smaller is the entropy
    beta = high == kInfinity ? 2 * low : (low + high) / 2;
    if (!std::isfinite(beta)) break;  // equal distances
  }
  return p;
}

Affinities AffinitiesOf(const NearestRows& nearest, double perplexity, int threads) {
  const auto k = static_cast<size_t>(nearest.k), n = nearest.index.size() / k;
  std::vector<double> conditional(nearest.index.size());
  {
    const RunScope scope(threads == 0 ? AvailableCpus() : threads);
    ParallelFor(static_cast<int64_t>(n), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        std::ranges::copy(ConditionalAffinities(nearest.DistanceOf(i), perplexity),
                          conditional.begin() + i * nearest.k);
      }
    });
  }
  std::vector<std::vector<std::pair<uint32_t, double>>> rows(n);
  for (size_t at = 0; at < conditional.size(); ++at) {
    const auto i = static_cast<uint32_t>(at / k), j = static_cast<uint32_t>(nearest.index[at]);
    const double half = conditional[at] / (2 * static_cast<double>(n));
    rows[i].emplace_back(j, half);
    rows[j].emplace_back(i, half);
  }
  Affinities affinities{.row = {0}, .column = {}, .p = {}};
  for (auto& row : rows) {
    std::ranges::sort(row);
    for (const auto& [column, p] : row) {
      if (affinities.column.size() > affinities.row.back() && affinities.column.back() == column) {
        affinities.p.back() += p;
      } else {
        affinities.column.push_back(column);
        affinities.p.push_back(p);
      }
    }
    affinities.row.push_back(affinities.column.size());
  }
  return affinities;
}

}  // namespace weft
