#include "frontend/data/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "runtime/exec/parallel.h"

namespace weft {
namespace {

// FNV-1a over words of 64 bits (http://www.isthe.com/chongo/tech/comp/fnv), then over the rest.
uint64_t HashBytes(std::span<const std::byte> bytes, uint64_t hash) {
  constexpr uint64_t kPrime = 0x100000001b3;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    hash = (hash ^ word) * kPrime;
    hash ^= hash >> 32;  // words move high bits down, as bytes do by themselves
  }
  for (const std::byte b : bytes) hash = (hash ^ static_cast<uint64_t>(b)) * kPrime;
  return hash;
}

constexpr uint64_t kHashStart = 0xcbf29ce484222325;

// What one example says.
struct Inspected {
  absl::Status status;
  uint64_t hash = 0;
  int64_t height = 0, width = 0;
  ChannelSums sums;
  std::vector<ChannelSums> parts;
  std::vector<std::pair<int64_t, int64_t>> classes;  // and how often they are there
};

void CountClasses(std::span<const int64_t> labels, Inspected& result) {
  std::map<int64_t, int64_t> counts;
  for (const int64_t label : labels) ++counts[label];
  result.classes.assign(counts.begin(), counts.end());
}

// The numbers of an example's parts that are no image, one after another.
void InspectParts(const Dataset& dataset, std::span<const float> numbers, Inspected& result) {
  result.parts.resize(dataset.parts().size());
  for (size_t i = dataset.is_images() ? 1 : 0; i < result.parts.size(); ++i) {
    size_t size = 1;
    for (const int64_t n : dataset.parts()[i].dims) size *= static_cast<size_t>(n);
    result.parts[i].Add(numbers.first(size), 1);
    numbers = numbers.subspan(size);
  }
}

absl::Status InspectPicture(const Dataset& dataset, int64_t index, Inspected& result) {
  WEFT_ASSIGN_OR_RETURN(const PictureExample example, dataset.ReadSource(index));
  const Picture& picture = example.picture;
  result.height = picture.height;
  result.width = picture.width;
  result.sums.Add(picture);
  const int64_t size[] = {picture.height, picture.width, picture.channels};
  result.hash = HashBytes(std::as_bytes(std::span(picture.pixels)),
                          HashBytes(std::as_bytes(std::span(size)), kHashStart));
  result.hash = HashBytes(std::as_bytes(std::span(example.rest)), result.hash);
  InspectParts(dataset, example.rest, result);
  if (!example.mask) {
    CountClasses({&example.label, 1}, result);
    return absl::OkStatus();
  }
  std::array<int64_t, 256> counts = {};
  for (const uint8_t pixel : example.mask->pixels) ++counts[pixel];
  for (size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] > 0) result.classes.emplace_back(c, counts[c]);
  }
  return absl::OkStatus();
}

absl::Status InspectValues(const Dataset& dataset, int64_t index, Inspected& result) {
  std::vector<float> values(static_cast<size_t>(dataset.example_size()));
  const auto count = static_cast<size_t>(dataset.label_size());
  std::vector<int64_t> classes(dataset.targets() ? 0 : count);
  std::vector<float> targets(dataset.targets() ? count : 0);
  WEFT_RETURN_IF_ERROR(dataset.Read(index, values, {.classes = classes, .targets = targets}));
  for (size_t c = 0; c < targets.size(); ++c) {
    if (targets[c] > 0.5f) result.classes.emplace_back(c, 1);
  }
  if (!dataset.targets()) CountClasses(classes, result);
  if (result.sums.count > 0) return absl::OkStatus();  // the picture's
  const std::span<const float> numbers = values;
  const auto image = static_cast<size_t>(dataset.image_size());
  result.sums.Add(numbers.first(image), dataset.preprocessing().channels);
  InspectParts(dataset, numbers.subspan(image), result);
  result.hash = HashBytes(std::as_bytes(std::span(values)), kHashStart);
  return absl::OkStatus();
}

Inspected InspectExample(const Dataset& dataset, int64_t index) {
  Inspected result;
  if (dataset.has_pictures()) result.status = InspectPicture(dataset, index, result);
  if (result.status.ok() && (!dataset.has_pictures() || dataset.targets())) {
    result.classes.clear();
    result.status = InspectValues(dataset, index, result);
  }
  return result;
}

template <typename Body>
void ForEachExample(int64_t count, const Body& body) {
  const RunScope scope(AvailableCpus());
  ParallelFor(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i);
  });
}

}  // namespace

void ChannelSums::Add(const Picture& picture) {
  const auto channels = static_cast<size_t>(picture.channels);
  std::array<uint64_t, 3> levels = {}, level_squares = {};
  for (size_t i = 0; i < picture.pixels.size(); ++i) {
    const uint64_t level = picture.pixels[i];
    levels[i % channels] += level;
    level_squares[i % channels] += level * level;
  }
  unit = 1.0 / 255;
  count += static_cast<double>(picture.pixels.size() / channels);
  for (size_t c = 0; c < 3; ++c) {
    sum[c] += static_cast<double>(levels[channels == 1 ? 0 : c]);
    squares[c] += static_cast<double>(level_squares[channels == 1 ? 0 : c]);
  }
}

void ChannelSums::Add(std::span<const float> planes, int64_t channels) {
  const size_t area = planes.size() / static_cast<size_t>(channels);
  count += static_cast<double>(area);
  for (size_t i = 0; i < planes.size(); ++i) {
    sum[i / area] += planes[i];
    squares[i / area] += static_cast<double>(planes[i]) * planes[i];
  }
}

void ChannelSums::Add(const ChannelSums& other) {
  if (other.count > 0) unit = other.unit;
  count += other.count;
  for (size_t c = 0; c < 3; ++c) {
    sum[c] += other.sum[c];
    squares[c] += other.squares[c];
  }
}

double ChannelSums::Mean(size_t channel) const { return unit * sum[channel] / count; }

double ChannelSums::Deviation(size_t channel) const {
  const double mean = sum[channel] / count;
  return unit * std::sqrt(std::max(squares[channel] / count - mean * mean, 0.0));
}

void ChannelSums::SetNormalisation(Preprocessing& p, double least) const {
  p.mean.clear();
  p.std.clear();
  for (size_t c = 0; c < static_cast<size_t>(p.channels); ++c) {
    p.mean.push_back(static_cast<float>(Mean(c)));
    p.std.push_back(static_cast<float>(std::max(Deviation(c), least)));
  }
}

absl::Status SetMeanAndDeviation(const Dataset& dataset, std::span<const int64_t> indices,
                                 Preprocessing& p, size_t most) {
  constexpr double kLeast = 1e-6;
  const size_t all = indices.empty() ? static_cast<size_t>(dataset.size()) : indices.size();
  std::vector<Inspected> samples(std::min(all, most));
  ForEachExample(static_cast<int64_t>(samples.size()), [&](int64_t i) {
    const size_t at = static_cast<size_t>(i) * all / samples.size();
    samples[static_cast<size_t>(i)].status =
        InspectValues(dataset, indices.empty() ? static_cast<int64_t>(at) : indices[at],
                      samples[static_cast<size_t>(i)]);
  });
  ChannelSums total;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (!samples[i].status.ok()) continue;
    total.Add(samples[i].sums);
    const auto& squares = total.squares;
    if (std::ranges::all_of(squares, [](double x) { return std::isfinite(x); })) continue;
    const size_t at = i * all / samples.size();
    return absl::InvalidArgumentError(absl::StrCat(
        dataset.name(), ": example ", indices.empty() ? static_cast<int64_t>(at) : indices[at],
        " has a value that is NaN or infinite"));
  }
  if (total.count == 0 && !samples.empty()) return samples[0].status;
  total.SetNormalisation(p, kLeast);
  return absl::OkStatus();
}

absl::StatusOr<DatasetStatistics> InspectDataset(const Dataset& dataset) {
  std::vector<Inspected> all(static_cast<size_t>(dataset.size()));
  ForEachExample(dataset.size(),
                 [&](int64_t i) { all[static_cast<size_t>(i)] = InspectExample(dataset, i); });
  DatasetStatistics result;
  result.class_counts.resize(dataset.class_names().size());
  result.parts.resize(dataset.parts().size());
  for (size_t i = 0; i < all.size(); ++i) {
    const Inspected& example = all[i];
    if (!example.status.ok()) {
      result.unreadable.emplace_back(example.status.message());
      continue;
    }
    ++result.examples;
    result.sums.Add(example.sums);
    for (size_t part = 0; part < example.parts.size(); ++part) {
      result.parts[part].Add(example.parts[part]);
    }
    result.hashes.emplace_back(example.hash, static_cast<int64_t>(i));
    if (example.height > 0) ++result.sizes[{example.height, example.width}];
    for (const auto& [label, count] : example.classes) {
      if (label >= 0 && label < static_cast<int64_t>(result.class_counts.size())) {
        result.class_counts[static_cast<size_t>(label)] += count;
      }
    }
  }
  if (result.examples == 0 && !all.empty()) return all[0].status;
  std::ranges::sort(result.hashes);
  return result;
}

std::vector<std::pair<int64_t, int64_t>> FindDuplicates(const DatasetStatistics& a,
                                                        const DatasetStatistics& b) {
  std::vector<std::pair<int64_t, int64_t>> pairs;
  for (const auto& [hash, index] : a.hashes) {
    const auto it = std::ranges::lower_bound(b.hashes, std::pair(hash, int64_t{0}));
    if (it != b.hashes.end() && it->first == hash) pairs.emplace_back(index, it->second);
  }
  std::ranges::sort(pairs);
  return pairs;
}

}  // namespace weft
