#ifndef WEFT_FRONTEND_DATA_STATISTICS_H_
#define WEFT_FRONTEND_DATA_STATISTICS_H_

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "frontend/data/dataset.h"

namespace weft {

// Sums of values and their squares, channel by channel. Those of bytes are exact (they are kept in
// their units, 0 to 255): up to 10^11 pixels.
struct ChannelSums {
  double count = 0;  // values of a channel
  double unit = 1;   // of the values: 1 / 255 for bytes
  std::array<double, 3> sum = {}, squares = {};

  void Add(const Picture& picture);  // gray counts for each channel
  void Add(std::span<const float> planes, int64_t channels);
  void Add(const ChannelSums& other);
  double Mean(size_t channel) const;
  double Deviation(size_t channel) const;
  // Writes p.mean and p.std, no deviation below `least`.
  void SetNormalisation(Preprocessing& p, double least) const;
};

// Sets p's mean and std to those of at most `most` examples, evenly spread over `indices` or, where
// there are none, over all, leaving out unreadable ones. Not for tokens. Errors: no example can be
// read, one has a value that is no finite number.
absl::Status SetMeanAndDeviation(const Dataset& dataset, std::span<const int64_t> indices,
                                 Preprocessing& p, size_t most = 1024);

// What is there, as `weft data` shows it.
struct DatasetStatistics {
  int64_t examples = 0;               // that can be read
  std::vector<int64_t> class_counts;  // examples of a class; of masks, pixels; of targets, those
                                      // above 0.5
  std::map<std::pair<int64_t, int64_t>, int64_t> sizes;  // pictures by height and width
  ChannelSums sums;                     // of examples, or of the images that they begin with
  std::vector<ChannelSums> parts;       // of each part; nothing of such an image
  std::vector<std::string> unreadable;  // their errors
  std::vector<std::pair<uint64_t, int64_t>> hashes;  // of an example's values, and its index
};

// Reads all of a data set once, by several threads. Errors: no example can be read.
absl::StatusOr<DatasetStatistics> InspectDataset(const Dataset& dataset);

// Pairs of examples, one of each, that have the same values (by 64-bit hashes).
std::vector<std::pair<int64_t, int64_t>> FindDuplicates(const DatasetStatistics& a,
                                                        const DatasetStatistics& b);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_STATISTICS_H_
