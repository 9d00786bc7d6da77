#include "frontend/inspect/data/nearest_rows.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <tuple>
#include <utility>

#include "frontend/build/builder.h"
#include "frontend/inspect/data/feature_rows.h"
#include "frontend/session/session.h"
#include "runtime/exec/parallel.h"

namespace weft {
namespace {

constexpr int64_t kComparedBlock = 256;  // rows at a time: all against all would not fit in memory
// Candidates beyond k: products in f32 may order neighbours by their rounding.
constexpr int64_t kSpareCandidates = 16;

constexpr double kFloatRounding = 0x1p-24;

double SquaredRowNorm(std::span<const float> a) {
  double sum = 0;
  for (const float v : a) sum += static_cast<double>(v) * v;
  return sum;
}

// By its definition, in f64.
double RowDistanceOf(std::span<const float> a, std::span<const float> b, RowDistance distance) {
  double sum = 0;
  if (distance == RowDistance::kSquared) {
    for (size_t i = 0; i < a.size(); ++i) {
      const double d = static_cast<double>(a[i]) - b[i];
      sum += d * d;
    }
    return sum;
  }
  const double of_a = std::sqrt(SquaredRowNorm(a)), of_b = std::sqrt(SquaredRowNorm(b));
  if (of_a == 0 || of_b == 0) return 1;
  // |a/|a| - b/|b||^2 / 2, which loses no digits where both point nearly the same way.
  for (size_t i = 0; i < a.size(); ++i) {
    const double d = a[i] / of_a - b[i] / of_b;
    sum += d * d;
  }
  return sum / 2;
}

// Rows of length 1; zeros stay.
void MakeUnitRows(Tensor& rows) {
  const auto width = static_cast<size_t>(rows.dims()[1]);
  const std::span<float> values = rows.mutable_values<float>();
  for (size_t at = 0; at < values.size(); at += width) {
    const std::span<float> row = values.subspan(at, width);
    const double norm = std::sqrt(SquaredRowNorm(row));
    for (float& v : row) v = norm > 0 ? static_cast<float>(v / norm) : 0;
  }
}

// Moves both so that the rows' mean is 0, where products lose the fewest digits, and scales both by
// a power of two, which it returns, so that no element is above 1.
double MoveToMean(Tensor& rows, Tensor& queries) {
  const auto width = static_cast<size_t>(rows.dims()[1]);
  std::vector<double> mean(width);
  const std::span<float> values = rows.mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i) mean[i % width] += values[i];
  for (double& m : mean) m /= static_cast<double>(rows.dims()[0]);
  double most = 0;
  for (const Tensor* t : {&rows, &queries}) {
    const std::span<const float> there = t->values<float>();
    for (size_t i = 0; i < there.size(); ++i) {
      most = std::max(most, std::abs(there[i] - mean[i % width]));
    }
  }
  int exponent = 0;
  std::frexp(most, &exponent);
  const double scale = std::ldexp(1.0, -exponent);
  for (Tensor* t : {&rows, &queries}) {
    const std::span<float> moved = t->mutable_values<float>();
    for (size_t i = 0; i < moved.size(); ++i) {
      moved[i] = static_cast<float>((moved[i] - mean[i % width]) * scale);
    }
  }
  return scale;
}

// What is compared with what.
struct RowComparison {
  Tensor rows, queries;
  int64_t k = 0;
  RowDistance distance = RowDistance::kSquared;
  bool others = false;  // row i is no neighbour of query i
  // What is multiplied: moved and scaled, or of length 1.
  Tensor near_rows = {}, near_queries = {};
  double scale = 1;
  double longest = 0;  // of near_rows
};

// A model of the closeness of x to all rows y, the larger, the nearer: x.y of rows of length 1,
// else x.y - |y|^2 / 2. One thread, so that the bits do not depend on how many there are.
absl::StatusOr<std::unique_ptr<Session>> ClosenessTo(const RowComparison& c) {
  const int64_t n = c.near_rows.dims()[0];
  WEFT_ASSIGN_OR_RETURN(Tensor bias, Tensor::Zeros(DType::kF32, {n}));
  const std::span<float> biases = bias.mutable_values<float>();
  for (int64_t i = 0; i < n && c.distance == RowDistance::kSquared; ++i) {
    biases[static_cast<size_t>(i)] = static_cast<float>(-SquaredRowNorm(RowOf(c.near_rows, i)) / 2);
  }
  Builder b;
  const Value x = b.Input("x", {"M", c.near_rows.dims()[1]});
  b.Output("y", b.Op("Gemm", {x, b.Constant(c.near_rows), b.Constant(bias)}, {{"transB", 1}}));
  WEFT_ASSIGN_OR_RETURN(const Model model, b.Build());
  return Session::Create(model, {.threads = 1});
}

// What no row is nearer than to query `row` whose closeness is `closeness` or less: the distance of
// that closeness, less what f32 may have rounded. Higham, "Accuracy and stability of numerical
// algorithms", 2002, 3.1: a sum of D products in any order is wrong by at most D u |x||y|.
double NoNearerThan(const RowComparison& c, int64_t row, double closeness) {
  const auto width = static_cast<double>(c.near_rows.dims()[1]);
  const double square = SquaredRowNorm(RowOf(c.near_queries, row)), norm = std::sqrt(square);
  const double longest = c.longest;
  // Of the products, of adding the bias and of the bias; and of numbers that are too small for f32.
  const double error =
      1.01 * (width + 4) * (kFloatRounding * longest * (norm + longest) + 0x1p-126);
  if (c.distance == RowDistance::kCosine) return 1 - closeness - error;
  const double there = std::sqrt(std::max(0.0, square - 2 * (closeness + error)));
  // Elements were rounded when they were moved.
  const double least = std::max(0.0, there - 2 * kFloatRounding * (norm + longest)) / c.scale;
  return least * least;
}

// The k nearest of query `row` among `candidates`, in order, by exact distances.
std::vector<std::pair<double, int64_t>> RankedRows(const RowComparison& c, int64_t row,
                                                   std::span<const int64_t> candidates) {
  std::vector<std::pair<double, int64_t>> ranked;
  for (const int64_t i : candidates) {
    ranked.emplace_back(RowDistanceOf(RowOf(c.queries, row), RowOf(c.rows, i), c.distance), i);
  }
  std::ranges::partial_sort(ranked, ranked.begin() + c.k);
  ranked.resize(static_cast<size_t>(c.k));
  return ranked;
}

// The k nearest of query `row`, whose closeness to all rows is known but for rounding: of the
// closest ones, unless another one might be among them.
void SelectNearest(const RowComparison& c, int64_t row, std::span<const float> closeness,
                   NearestRows& nearest) {
  std::vector<int64_t> candidates(closeness.size());
  std::iota(candidates.begin(), candidates.end(), 0);
  if (c.others) candidates.erase(candidates.begin() + row);
  const auto wanted = std::min<size_t>(candidates.size(), c.k + kSpareCandidates);
  const auto last = candidates.begin() + static_cast<ptrdiff_t>(wanted);
  std::nth_element(candidates.begin(), last - 1, candidates.end(), [&](int64_t a, int64_t b) {
    const float of_a = closeness[static_cast<size_t>(a)], of_b = closeness[static_cast<size_t>(b)];
    return of_a != of_b ? of_a > of_b : a < b;
  });
  auto ranked = RankedRows(c, row, std::span(candidates).first(wanted));
  const double least = closeness[static_cast<size_t>(candidates[wanted - 1])];
  if (wanted < candidates.size() && !(ranked.back().first < NoNearerThan(c, row, least))) {
    ranked = RankedRows(c, row, candidates);
  }
  for (size_t i = 0; i < ranked.size(); ++i) {
    const size_t to = static_cast<size_t>(row * c.k) + i;
    std::tie(nearest.distance[to], nearest.index[to]) = ranked[i];
  }
}

absl::StatusOr<NearestRows> CompareAllRows(const RowComparison& c, int threads) {
  WEFT_ASSIGN_OR_RETURN(const auto closeness, ClosenessTo(c));
  const int64_t m = c.queries.dims()[0], width = c.queries.dims()[1];
  const auto n = static_cast<size_t>(c.rows.dims()[0]);
  NearestRows nearest{.k = c.k, .index = {}, .distance = {}};
  nearest.index.resize(static_cast<size_t>(m * c.k));
  nearest.distance.resize(static_cast<size_t>(m * c.k));
  for (int64_t first = 0; first < m; first += kComparedBlock) {
    const int64_t count = std::min(kComparedBlock, m - first);
    WEFT_ASSIGN_OR_RETURN(
        const Tensor block,
        Tensor::FromValues<float>({count, width}, c.near_queries.values<float>().subspan(
                                                      static_cast<size_t>(first * width),
                                                      static_cast<size_t>(count * width))));
    WEFT_ASSIGN_OR_RETURN(const Tensor close, closeness->Run(block));
    const RunScope scope(threads == 0 ? AvailableCpus() : threads);
    ParallelFor(count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        SelectNearest(c, first + i, close.values<float>().subspan(static_cast<size_t>(i) * n, n),
                      nearest);
      }
    });
  }
  return nearest;
}

absl::StatusOr<NearestRows> CompareRows(RowComparison c, int threads) {
  WEFT_RETURN_IF_ERROR(CheckThreads(threads));
  WEFT_ASSIGN_OR_RETURN(c.rows, FeatureRows(c.rows));
  WEFT_ASSIGN_OR_RETURN(c.queries, FeatureRows(c.queries));
  const int64_t most = c.rows.dims()[0] - (c.others ? 1 : 0);
  if (c.rows.dims()[1] != c.queries.dims()[1]) {
    return absl::InvalidArgumentError(absl::StrCat("nearest rows: expected rows of ",
                                                   c.rows.dims()[1], " numbers, got ",
                                                   ToString(c.queries.type())));
  }
  if (c.k < 1 || c.k > most) {
    return absl::InvalidArgumentError(
        absl::StrCat("nearest rows: expected 1 to ", most, " neighbours, got ", c.k));
  }
  c.near_rows = c.rows;
  c.near_queries = c.queries;
  if (c.distance == RowDistance::kCosine) {
    MakeUnitRows(c.near_rows);
    MakeUnitRows(c.near_queries);
  } else {
    c.scale = MoveToMean(c.near_rows, c.near_queries);
  }
  for (int64_t i = 0; i < c.near_rows.dims()[0]; ++i) {
    c.longest = std::max(c.longest, std::sqrt(SquaredRowNorm(RowOf(c.near_rows, i))));
  }
  return CompareAllRows(c, threads);
}

// The class of most of the neighbours, of equally many the nearest one's.
int64_t MostFrequentClass(std::span<const int64_t> neighbours, std::span<const int64_t> labels) {
  std::map<int64_t, int64_t> votes;
  for (const int64_t i : neighbours) ++votes[labels[static_cast<size_t>(i)]];
  const auto most = std::ranges::max_element(votes, {}, [](const auto& v) { return v.second; });
  for (const int64_t i : neighbours) {
    const int64_t label = labels[static_cast<size_t>(i)];
    if (votes[label] == most->second) return label;
  }
  return -1;
}

}  // namespace

absl::StatusOr<NearestRows> FindNearest(const Tensor& rows, const Tensor& queries, int64_t k,
                                        RowDistance distance, int threads) {
  return CompareRows({.rows = rows, .queries = queries, .k = k, .distance = distance}, threads);
}

absl::StatusOr<NearestRows> FindNearestOthers(const Tensor& rows, int64_t k, RowDistance distance,
                                              int threads) {
  return CompareRows({.rows = rows, .queries = rows, .k = k, .distance = distance, .others = true},
                     threads);
}

absl::StatusOr<double> NeighbourAccuracy(const Tensor& rows, std::span<const int64_t> labels,
                                         int64_t k, int threads) {
  if (rows.is_empty() || rows.rank() < 1 || static_cast<int64_t>(labels.size()) != rows.dims()[0]) {
    return absl::InvalidArgumentError(
        absl::StrCat("nearest rows: expected a label a row, got ", labels.size(), " for ",
                     rows.is_empty() ? "nothing" : ToString(rows.type())));
  }
  WEFT_ASSIGN_OR_RETURN(const NearestRows nearest,
                        FindNearestOthers(rows, k, RowDistance::kSquared, threads));
  int64_t correct = 0;
  for (int64_t i = 0; i < rows.dims()[0]; ++i) {
    correct += MostFrequentClass(nearest.IndexOf(i), labels) == labels[static_cast<size_t>(i)];
  }
  return static_cast<double>(correct) / static_cast<double>(rows.dims()[0]);
}

}  // namespace weft
