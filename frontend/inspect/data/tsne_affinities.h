#ifndef WEFT_FRONTEND_INSPECT_DATA_TSNE_AFFINITIES_H_
#define WEFT_FRONTEND_INSPECT_DATA_TSNE_AFFINITIES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "frontend/inspect/data/nearest_rows.h"

namespace weft {

// exp(-beta d) / sum exp(-beta d) of squared distances, with the beta by which the perplexity,
// exp(entropy in nats), is the wanted one: to 1e-9, or as near as equal distances let it be (van
// der Maaten and Hinton 2008, section 2). `perplexity` is in [1, number of distances].
std::vector<double> ConditionalAffinities(std::span<const double> distances, double perplexity);

// How near points are to each other: p_ij = (p_j|i + p_i|j) / 2N, a sparse symmetric matrix whose
// elements add to 1. Row i has the elements [row[i], row[i+1]), their columns ascending.
struct Affinities {
  std::vector<size_t> row;
  std::vector<uint32_t> column;
  std::vector<double> p;
};
// Any number of threads gives the same bits.
Affinities AffinitiesOf(const NearestRows& nearest, double perplexity, int threads);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_DATA_TSNE_AFFINITIES_H_
