#ifndef WEFT_FRONTEND_WATCH_EVENT_FILE_H_
#define WEFT_FRONTEND_WATCH_EVENT_FILE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "frontend/io/picture.h"
#include "frontend/watch/metrics.h"
#include "graph/file/file_system.h"
#include "graph/graph.h"
#include "graph/tensor.h"

namespace weft {

// CRC-32C (Castagnoli; RFC 3720, B.4), masked as TFRecord does: rotated right by 15 bits, plus
// 0xa282ead8.
uint32_t MaskedCrc32c(std::string_view bytes);

// The distribution of finite elements in buckets of equal width, of tensors that need not be in
// memory together: all go through Widen, then all through Count.
class Distribution {
 public:
  static constexpr int kBuckets = 30;

  // The range becomes that of these elements too.
  void Widen(const Tensor& values);
  void Count(const Tensor& values);

  bool is_empty() const { return low_ > high_; }
  double low() const { return low_; }
  double high() const { return high_; }
  int buckets() const { return low_ == high_ ? 1 : kBuckets; }
  double count(int bucket) const { return counts_[static_cast<size_t>(bucket)]; }
  double num() const { return num_; }
  double sum() const { return sum_; }
  double sum_squares() const { return sum_squares_; }

 private:
  double low_ = std::numeric_limits<double>::infinity(), high_ = -low_;
  double num_ = 0, sum_ = 0, sum_squares_ = 0;
  std::array<double, kBuckets> counts_{};
};

// An event file of TensorBoard, written one whole record at a time, so that whoever reads it
// meanwhile sees only what is complete. Each record is
//   length u64 | MaskedCrc32c(length) u32 | an Event of proto/tensorboard.proto | its MaskedCrc32c
// Errors of all methods: the disk is full or gone. One thread at a time.
class EventFile {
 public:
  // A new file in `folder`, which is made where it is missing. `step` is the one after which events
  // will come: those of earlier files in the folder with later steps are then void.
  static absl::StatusOr<std::unique_ptr<EventFile>> Create(const std::string& folder, int64_t step);

  const std::string& path() const { return path_; }
  absl::Status AddScalars(std::span<const NamedMetric> scalars, int64_t step);
  absl::Status AddHistogram(std::string_view tag, const Distribution& values, int64_t step);
  absl::Status AddHistogram(std::string_view tag, const Tensor& values, int64_t step);
  absl::Status AddPicture(std::string_view tag, const Picture& picture, int64_t step);
  // Nodes with their types; parts of names become TensorBoard's scopes: a.b is a/b.
  absl::Status AddGraph(const Graph& graph);

 private:
  EventFile(std::string path, std::unique_ptr<WritableFile> file)
      : path_(std::move(path)), file_(std::move(file)) {}
  // `event` is a tensorboard::Event without its time; our headers know no protobuf.
  template <typename Event>
  absl::Status Append(Event event);

  std::string path_;
  std::unique_ptr<WritableFile> file_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_WATCH_EVENT_FILE_H_
