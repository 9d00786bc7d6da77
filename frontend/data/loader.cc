#include "frontend/data/loader.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <numeric>
#include <span>
#include <system_error>
#include <thread>
#include <utility>

#include "frontend/data/random.h"
#include "frontend/io/image.h"

namespace weft {

std::vector<int64_t> ShuffledIndices(int64_t size, uint64_t seed, int64_t epoch) {
  std::vector<int64_t> order(static_cast<size_t>(std::max<int64_t>(size, 0)));
  std::iota(order.begin(), order.end(), int64_t{0});
  RandomStream random(seed, RandomPurpose::kShuffle, static_cast<uint64_t>(epoch));
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
  return order;
}

// The thread takes a job (a batch's number within an epoch) under the mutex, fills a batch without
// it, and puts the batch into `ready_` unless StartEpoch has meanwhile changed `generation_`.
class Loader::Impl {
 public:
  Impl(std::shared_ptr<const Dataset> dataset, LoaderOptions options)
      : dataset_(std::move(dataset)), options_(options) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
      ++generation_;
    }
    work_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  absl::Status StartThread() {
    if (options_.prefetch == 0) return absl::OkStatus();
    try {
      thread_ = std::thread([this] { Prefetch(); });
    } catch (const std::system_error& error) {
      return absl::ResourceExhaustedError(absl::StrCat("loader: no thread: ", error.what()));
    }
    return absl::OkStatus();
  }

  int64_t batches() const {
    const int64_t full = dataset_->size() / options_.batch_size;
    const bool rest = dataset_->size() % options_.batch_size != 0;
    return full + (rest && !options_.drop_last ? 1 : 0);
  }

  absl::Status StartEpoch(int64_t epoch, int64_t first_batch) {
    if (epoch < 0 || first_batch < 0 || first_batch > batches()) {
      return absl::InvalidArgumentError(
          absl::StrCat("loader: expected an epoch from 0 on and a batch in [0,", batches(),
                       "], got epoch ", epoch, ", batch ", first_batch));
    }
    std::shared_ptr<const std::vector<int64_t>> order;
    if (options_.shuffle) {
      order = std::make_shared<const std::vector<int64_t>>(
          ShuffledIndices(dataset_->size(), options_.seed, epoch));
    }
    {
      const std::lock_guard lock(mutex_);
      ++generation_;
      order_ = std::move(order);
      next_fill_ = next_take_ = first_batch;
      for (Result& result : ready_) spare_.push_back(std::move(result.batch));
      ready_.clear();
      failure_ = absl::OkStatus();
    }
    work_.notify_all();
    return absl::OkStatus();
  }

  absl::StatusOr<bool> Next(Batch* batch) {
    std::unique_lock lock(mutex_);
    if (!failure_.ok()) return failure_;
    if (next_take_ == batches()) return false;
    Result result;
    if (options_.prefetch == 0) {
      result.batch = std::move(*batch);
      result.status = Fill(order_.get(), next_take_, generation_, &result.batch);
    } else {
      done_.wait(lock, [this] { return !ready_.empty(); });
      result = std::move(ready_.front());
      ready_.pop_front();
      spare_.push_back(std::move(*batch));
    }
    ++next_take_;
    failure_ = result.status;
    lock.unlock();
    work_.notify_all();
    *batch = std::move(result.batch);
    if (!result.status.ok()) return result.status;
    return true;
  }

 private:
  struct Result {
    Batch batch;
    absl::Status status;
  };

  void Prefetch() {
    std::unique_lock lock(mutex_);
    for (;;) {
      work_.wait(lock, [this] {
        return stop_ || (next_fill_ < batches() && failure_.ok() &&
                         static_cast<int>(ready_.size()) < options_.prefetch);
      });
      if (stop_) return;
      const int64_t number = next_fill_++;
      const uint64_t generation = generation_;
      const std::shared_ptr<const std::vector<int64_t>> order = order_;
      Result result;
      if (!spare_.empty()) {
        result.batch = std::move(spare_.back());
        spare_.pop_back();
      }
      lock.unlock();
      result.status = Fill(order.get(), number, generation, &result.batch);
      lock.lock();
      if (generation == generation_) {
        if (!result.status.ok()) next_fill_ = batches();  // nothing comes after an error
        ready_.push_back(std::move(result));
        done_.notify_all();
      } else {
        spare_.push_back(std::move(result.batch));
      }
    }
  }

  // Makes `tensor` one of this type, keeping its memory where it already is one.
  static absl::Status Fit(DType dtype, const Dims& dims, Tensor* tensor) {
    if (!tensor->is_empty() && tensor->dtype() == dtype && tensor->dims() == dims) {
      return absl::OkStatus();
    }
    WEFT_ASSIGN_OR_RETURN(*tensor, Tensor::Zeros(dtype, dims));
    return absl::OkStatus();
  }

  // Whether the batch being filled is no longer wanted.
  bool Stale(uint64_t generation) const { return generation_ != generation; }

  // Reads batch `number` of the epoch into `batch`, whose buffers are reused where their size fits.
  absl::Status Fill(const std::vector<int64_t>* order, int64_t number, uint64_t generation,
                    Batch* batch) const {
    const Preprocessing& p = dataset_->preprocessing();
    batch->first = number * options_.batch_size;
    const int64_t count = std::min(options_.batch_size, dataset_->size() - batch->first);
    Dims dims = dataset_->example_dims(), label_dims = dataset_->label_dims();
    dims.insert(dims.begin(), count);
    label_dims.insert(label_dims.begin(), count);
    batch->indices.resize(static_cast<size_t>(count));
    WEFT_RETURN_IF_ERROR(Fit(DType::kF32, dims, &batch->images));
    WEFT_RETURN_IF_ERROR(Fit(DType::kI64, label_dims, &batch->labels));
    const std::span<float> images = batch->images.mutable_values<float>();
    const std::span<int64_t> labels = batch->labels.mutable_values<int64_t>();
    const auto label_size = static_cast<size_t>(dataset_->label_size());
    const auto example_size = static_cast<size_t>(dataset_->example_size());
    for (size_t i = 0; i < static_cast<size_t>(count) && !Stale(generation); ++i) {
      const int64_t position = batch->first + static_cast<int64_t>(i);
      const int64_t index = order == nullptr ? position : (*order)[static_cast<size_t>(position)];
      batch->indices[i] = index;
      const std::span<float> image = images.subspan(i * example_size, example_size);
      const absl::Status status =
          dataset_->Read(index, image, labels.subspan(i * label_size, label_size));
      if (!status.ok()) {
        return Annotate(status, absl::StrCat(dataset_->name(), ": example ", index));
      }
      if (!dataset_->tokens()) Normalize(p, image);
    }
    return absl::OkStatus();
  }

  const std::shared_ptr<const Dataset> dataset_;
  const LoaderOptions options_;

  std::mutex mutex_;
  std::condition_variable work_;  // for the thread: room, a new epoch, the end
  std::condition_variable done_;  // for Next: a batch is ready
  bool stop_ = false;
  // Changed under the mutex; read without it, to leave a batch that nobody wants.
  std::atomic<uint64_t> generation_ = 0;
  std::shared_ptr<const std::vector<int64_t>> order_;  // null: the data set's order
  int64_t next_fill_ = 0;                              // the thread's next batch
  int64_t next_take_ = 0;                              // the caller's next batch
  std::deque<Result> ready_;
  std::vector<Batch> spare_;  // buffers to reuse, at most prefetch + 2
  absl::Status failure_;
  std::thread thread_;
};

size_t LoaderBytes(const Dataset& dataset, const LoaderOptions& options) {
  const size_t example = static_cast<size_t>(dataset.example_size()) * sizeof(float) +
                         static_cast<size_t>(dataset.label_size()) * sizeof(int64_t);
  const int64_t batch = std::min(options.batch_size, dataset.size());
  return example * static_cast<size_t>(batch) * static_cast<size_t>(options.prefetch + 1);
}

std::vector<int64_t> BatchSizes(int64_t examples, int64_t batch_size) {
  std::vector<int64_t> sizes;
  if (examples >= batch_size) sizes.push_back(batch_size);
  if (examples % batch_size != 0) sizes.push_back(examples % batch_size);
  return sizes;
}

Loader::Loader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Loader::~Loader() = default;

absl::StatusOr<std::unique_ptr<Loader>> Loader::Create(std::shared_ptr<const Dataset> dataset,
                                                       LoaderOptions options) {
  if (dataset == nullptr)
    return absl::InvalidArgumentError("loader: expected a data set, got null");
  if (options.batch_size < 1 || (options.drop_last && options.batch_size > dataset->size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("loader: expected a batch size above 0",
                     options.drop_last ? absl::StrCat(" and up to ", dataset->size()) : "",
                     ", got ", options.batch_size));
  }
  if (options.prefetch < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("loader: expected prefetch from 0 on, got ", options.prefetch));
  }
  WEFT_RETURN_IF_ERROR(Annotate(CheckPreprocessing(dataset->preprocessing()), dataset->name()));
  auto impl = std::make_unique<Impl>(std::move(dataset), options);
  WEFT_RETURN_IF_ERROR(impl->StartEpoch(0, 0));
  WEFT_RETURN_IF_ERROR(impl->StartThread());
  return std::unique_ptr<Loader>(new Loader(std::move(impl)));
}

int64_t Loader::batches_per_epoch() const { return impl_->batches(); }

absl::Status Loader::StartEpoch(int64_t epoch, int64_t first_batch) {
  return impl_->StartEpoch(epoch, first_batch);
}

absl::StatusOr<bool> Loader::Next(Batch* batch) { return impl_->Next(batch); }

}  // namespace weft
