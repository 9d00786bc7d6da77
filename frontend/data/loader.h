#ifndef WEFT_FRONTEND_DATA_LOADER_H_
#define WEFT_FRONTEND_DATA_LOADER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "frontend/data/dataset.h"
#include "graph/evaluator.h"
#include "graph/tensor.h"

namespace weft {

// A permutation of [0, size), always the same for (seed, epoch): Fisher-Yates on Philox.
std::vector<int64_t> ShuffledIndices(int64_t size, uint64_t seed, int64_t epoch);

struct Batch {
  // f32[B,C,H,W] (or the examples' dims), normalised as the data set's preprocessing says; nothing
  // where examples have parts.
  Tensor images = {};
  TensorMap parts = {};  // f32[B,...] each, by their names
  Tensor labels = {};  // i64[B] (and the labels' dims), f32 of a data set whose labels are targets
  std::vector<int64_t> indices = {};  // the examples' indices in the data set
  int64_t first = 0;                  // the position of the first one in the epoch's order
  int64_t size() const { return static_cast<int64_t>(indices.size()); }
};

inline constexpr int kMaxWorkers = 256;

struct LoaderOptions {
  int64_t batch_size = 128;
  bool shuffle = true;     // otherwise in the data set's order
  uint64_t seed = 0;       // of the shuffling, and of what the data set draws
  bool drop_last = false;  // leave out the last batch of an epoch when it is smaller
  // How many batches background threads, which sleep when they are ready, prepare ahead of Next.
  // 0 has no threads: Next prepares its batch itself. The batches are the same.
  int prefetch = 2;
  // The threads. They share the work on each batch; any number gives the same batches.
  int workers = 1;
};

// Bytes of the batches that a loader with these options keeps, with the caller's own.
size_t LoaderBytes(const Dataset& dataset, const LoaderOptions& options);
// The sizes of the batches of a pass over `examples`: the whole ones' and the smaller last one's.
std::vector<int64_t> BatchSizes(int64_t examples, int64_t batch_size);

// Cuts a data set into batches, epoch after epoch. Methods are for one thread at a time; destroying
// the loader at any moment stops its threads after at most the examples that they are reading.
class Loader {
 public:
  // Starts at epoch 0. Errors: a null data set, parts without a name of their own or without dims,
  // a batch size below 1 or, when the last one is dropped, above the data set's size, a negative
  // prefetch, no worker or more than kMaxWorkers, no thread to be had.
  static absl::StatusOr<std::unique_ptr<Loader>> Create(std::shared_ptr<const Dataset> dataset,
                                                        LoaderOptions options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // Batches in an epoch, the smaller last one included unless it is dropped.
  int64_t batches_per_epoch() const;

  // Goes to batch `first_batch` (resuming in the middle) of an epoch, from wherever it was. Errors:
  // a negative epoch, a batch outside [0, batches_per_epoch()].
  absl::Status StartEpoch(int64_t epoch, int64_t first_batch = 0);

  // Puts the next batch into `*batch` and returns true, or returns false at the epoch's end. What
  // `*batch` held before is reused: keeping its tensors elsewhere is safe, they are then copied.
  // An example that cannot be read is an error that names it, the first one in the batch, and so is
  // every later call until StartEpoch.
  absl::StatusOr<bool> Next(Batch* batch);

 private:
  class Impl;
  explicit Loader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_LOADER_H_
