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

namespace {

// Makes `tensor` one of this type, keeping its memory where it already is one.
absl::Status FitTensor(DType dtype, const Dims& dims, Tensor* tensor) {
  if (!tensor->is_empty() && tensor->dtype() == dtype && tensor->dims() == dims) {
    return absl::OkStatus();
  }
  WEFT_ASSIGN_OR_RETURN(*tensor, Tensor::Zeros(dtype, dims));
  return absl::OkStatus();
}

Dims BatchDims(int64_t count, Dims dims) {
  dims.insert(dims.begin(), count);
  return dims;
}

absl::Status CheckExampleParts(const Dataset& dataset) {
  const std::vector<ExamplePart>& parts = dataset.parts();
  for (auto part = parts.begin(); part != parts.end(); ++part) {
    const bool named =
        !part->name.empty() && std::ranges::count(parts, part->name, &ExamplePart::name) == 1;
    const bool sized = part == parts.begin() || !part->dims.empty();
    const bool positive = std::ranges::all_of(part->dims, [](int64_t n) { return n > 0; });
    if (named && sized && positive) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(dataset.name(),
                     ": expected parts of different names and of dims above 0, which only the "
                     "first one can do without; got \"",
                     part->name, "\" ", ToString(part->dims)));
  }
  return absl::OkStatus();
}

}  // namespace

// The batches of `window_` are in the epoch's order. A worker takes a piece of the first one that
// has any left, or begins the next batch where there is room, and fills it without the mutex.
// StartEpoch changes `generation_` and so lets go of batches that are still being filled.
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
    for (std::thread& thread : threads_) thread.join();
  }

  absl::Status StartThreads() {
    if (options_.prefetch == 0) return absl::OkStatus();
    try {
      for (int i = 0; i < options_.workers; ++i) threads_.emplace_back([this] { Work(); });
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
    std::vector<int64_t> order;
    if (options_.shuffle) order = ShuffledIndices(dataset_->size(), options_.seed, epoch);
    {
      const std::lock_guard lock(mutex_);
      ++generation_;
      order_ = std::move(order);
      epoch_ = epoch;
      next_fill_ = next_take_ = first_batch;
      for (const std::shared_ptr<FillingBatch>& filling : window_) {
        if (filling->left == 0) spare_.push_back(std::move(filling->batch));
      }
      window_.clear();
      failure_ = absl::OkStatus();
    }
    work_.notify_all();
    return absl::OkStatus();
  }

  absl::StatusOr<bool> Next(Batch* batch) {
    std::unique_lock lock(mutex_);
    if (!failure_.ok()) return failure_;
    if (next_take_ == batches()) return false;
    spare_.push_back(std::move(*batch));
    if (options_.prefetch == 0) {
      const std::shared_ptr<FillingBatch> own = Begin();
      if (own->next < own->size()) FillPiece(*own, lock);
    } else {
      done_.wait(lock, [this] { return !window_.empty() && window_.front()->left == 0; });
    }
    const std::shared_ptr<FillingBatch> ready = std::move(window_.front());
    window_.pop_front();
    ++next_take_;
    failure_ = ready->status;
    lock.unlock();
    work_.notify_all();
    *batch = std::move(ready->batch);
    if (!ready->status.ok()) return ready->status;
    return true;
  }

 private:
  // A batch while it is being filled, piece by piece. What pieces are taken and what is left, the
  // loader's mutex guards; what a piece writes is its own.
  struct FillingBatch {
    Batch batch;
    std::vector<std::span<float>> examples;  // the images', or each part's
    std::span<int64_t> classes;
    std::span<float> targets;
    ExampleDraw draw;
    uint64_t generation = 0;
    size_t next = 0;  // the first example that nobody has taken
    size_t left = 0;  // examples that are not done
    absl::Status status;
    size_t failed = 0;  // the first example whose failure that is

    size_t size() const { return batch.indices.size(); }
  };

  void Work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      std::shared_ptr<FillingBatch> filling;
      work_.wait(lock, [&] { return stop_ || (filling = FindWork()) != nullptr; });
      if (stop_) return;
      if (filling->next < filling->size()) FillPiece(*filling, lock);
      if (filling->left != 0) continue;
      if (filling->generation == generation_) {
        done_.notify_all();
      } else {
        spare_.push_back(std::move(filling->batch));
      }
    }
  }

  // The first batch that has a piece to fill; null: there is nothing to do.
  std::shared_ptr<FillingBatch> FindWork() {
    if (!failure_.ok()) return nullptr;
    for (const std::shared_ptr<FillingBatch>& filling : window_) {
      if (!filling->status.ok()) return nullptr;  // nothing comes after an error
      if (filling->next < filling->size()) return filling;
    }
    const bool room = static_cast<int>(window_.size()) < options_.prefetch;
    return room && next_fill_ < batches() ? Begin() : nullptr;
  }

  // Puts the epoch's next batch into the window, with nothing in it yet, in buffers that are reused
  // where their size fits. A failure is its status.
  std::shared_ptr<FillingBatch> Begin() {
    auto filling = std::make_shared<FillingBatch>();
    if (!spare_.empty()) {
      filling->batch = std::move(spare_.back());
      spare_.pop_back();
    }
    filling->generation = generation_;
    filling->draw = {.seed = options_.seed, .epoch = epoch_};
    filling->status = Prepare(next_fill_++, *filling);
    filling->left = filling->status.ok() ? filling->size() : 0;
    filling->next = filling->size() - filling->left;
    window_.push_back(filling);
    return filling;
  }

  absl::Status Prepare(int64_t number, FillingBatch& filling) const {
    Batch& batch = filling.batch;
    batch.first = number * options_.batch_size;
    const int64_t count = std::min(options_.batch_size, dataset_->size() - batch.first);
    batch.indices.resize(static_cast<size_t>(count));
    for (size_t i = 0; i < batch.indices.size(); ++i) {
      const int64_t position = batch.first + static_cast<int64_t>(i);
      batch.indices[i] = order_.empty() ? position : order_[static_cast<size_t>(position)];
    }
    const DType label_type = dataset_->targets() ? DType::kF32 : DType::kI64;
    WEFT_RETURN_IF_ERROR(PrepareExamples(count, filling));
    WEFT_RETURN_IF_ERROR(
        FitTensor(label_type, BatchDims(count, dataset_->label_dims()), &batch.labels));
    if (dataset_->targets()) {
      filling.targets = batch.labels.mutable_values<float>();
    } else {
      filling.classes = batch.labels.mutable_values<int64_t>();
    }
    return absl::OkStatus();
  }

  absl::Status PrepareExamples(int64_t count, FillingBatch& filling) const {
    Batch& batch = filling.batch;
    const std::vector<ExamplePart>& parts = dataset_->parts();
    std::erase_if(batch.parts, [&](const auto& kept) {  // of another data set
      return std::ranges::find(parts, kept.first, &ExamplePart::name) == parts.end();
    });
    if (parts.empty()) {
      const Dims dims = BatchDims(count, dataset_->example_dims());
      WEFT_RETURN_IF_ERROR(FitTensor(DType::kF32, dims, &batch.images));
      filling.examples = {batch.images.mutable_values<float>()};
      return absl::OkStatus();
    }
    batch.images = Tensor();
    for (const ExamplePart& part : parts) {
      Tensor& tensor = batch.parts[part.name];
      const Dims dims = BatchDims(count, dataset_->part_dims(part));
      WEFT_RETURN_IF_ERROR(FitTensor(DType::kF32, dims, &tensor));
      filling.examples.push_back(tensor.mutable_values<float>());
    }
    return absl::OkStatus();
  }

  // Takes a piece of a batch that has one and fills it while the mutex is unlocked.
  void FillPiece(FillingBatch& filling, std::unique_lock<std::mutex>& lock) {
    const int pieces = options_.workers == 1 || options_.prefetch == 0 ? 1 : 4 * options_.workers;
    const size_t most =
        (filling.size() + static_cast<size_t>(pieces) - 1) / static_cast<size_t>(pieces);
    const size_t begin = filling.next, end = std::min(begin + most, filling.size());
    filling.next = end;
    lock.unlock();
    size_t i = begin;
    absl::Status status;
    while (i < end && status.ok() && filling.generation == generation_) {
      status = ReadInto(filling, i);
      if (status.ok()) ++i;
    }
    lock.lock();
    filling.left -= end - begin;
    if (!status.ok() && (filling.status.ok() || i < filling.failed)) {
      filling.status = status;
      filling.failed = i;
    }
    if (!filling.status.ok()) {  // the rest is not wanted, nor any batch after it
      filling.left -= filling.size() - filling.next;
      filling.next = filling.size();
    }
  }

  absl::Status ReadInto(const FillingBatch& filling, size_t i) const {
    const auto size = static_cast<size_t>(dataset_->example_size());
    const auto labels = static_cast<size_t>(dataset_->label_size());
    const bool in_parts = !dataset_->parts().empty();
    std::vector<float> parts(in_parts ? size : 0);  // before they are told apart
    const std::span<float> example =
        in_parts ? std::span(parts) : filling.examples[0].subspan(i * size, size);
    LabelBuffer buffer;
    if (dataset_->targets()) {
      buffer.targets = filling.targets.subspan(i * labels, labels);
    } else {
      buffer.classes = filling.classes.subspan(i * labels, labels);
    }
    const int64_t index = filling.batch.indices[i];
    const absl::Status status = dataset_->Read(index, example, buffer, filling.draw);
    if (!status.ok()) {
      return Annotate(status, absl::StrCat(dataset_->name(), ": example ", index));
    }
    if (dataset_->is_normalised()) {
      Normalize(dataset_->preprocessing(),
                example.first(static_cast<size_t>(dataset_->image_size())));
    }
    for (size_t part = 0, begin = 0; in_parts && part < filling.examples.size(); ++part) {
      const size_t count = filling.examples[part].size() / filling.size();
      std::ranges::copy(example.subspan(begin, count),
                        filling.examples[part].subspan(i * count, count).begin());
      begin += count;
    }
    return absl::OkStatus();
  }

  const std::shared_ptr<const Dataset> dataset_;
  const LoaderOptions options_;

  std::mutex mutex_;
  std::condition_variable work_;  // for the threads: room, a new epoch, the end
  std::condition_variable done_;  // for Next: the first batch is ready
  bool stop_ = false;
  // Changed under the mutex; read without it, to leave a batch that nobody wants.
  std::atomic<uint64_t> generation_ = 0;
  std::vector<int64_t> order_;  // empty: the data set's order
  int64_t epoch_ = 0;
  int64_t next_fill_ = 0;                             // the next batch to begin
  int64_t next_take_ = 0;                             // the caller's next batch
  std::deque<std::shared_ptr<FillingBatch>> window_;  // at most `prefetch`
  std::vector<Batch> spare_;                          // buffers to reuse, at most prefetch + 2
  absl::Status failure_;
  std::vector<std::thread> threads_;
};

size_t LoaderBytes(const Dataset& dataset, const LoaderOptions& options) {
  const size_t label = dataset.targets() ? sizeof(float) : sizeof(int64_t);
  const size_t example = static_cast<size_t>(dataset.example_size()) * sizeof(float) +
                         static_cast<size_t>(dataset.label_size()) * label;
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
  if (options.workers < 1 || options.workers > kMaxWorkers) {
    return absl::InvalidArgumentError(
        absl::StrCat("loader: expected 1 to ", kMaxWorkers, " workers, got ", options.workers));
  }
  WEFT_RETURN_IF_ERROR(CheckExampleParts(*dataset));
  if (dataset->is_normalised() || dataset->tokens()) {
    WEFT_RETURN_IF_ERROR(Annotate(CheckPreprocessing(dataset->preprocessing()), dataset->name()));
  }
  auto impl = std::make_unique<Impl>(std::move(dataset), options);
  WEFT_RETURN_IF_ERROR(impl->StartEpoch(0, 0));
  WEFT_RETURN_IF_ERROR(impl->StartThreads());
  return std::unique_ptr<Loader>(new Loader(std::move(impl)));
}

int64_t Loader::batches_per_epoch() const { return impl_->batches(); }

absl::Status Loader::StartEpoch(int64_t epoch, int64_t first_batch) {
  return impl_->StartEpoch(epoch, first_batch);
}

absl::StatusOr<bool> Loader::Next(Batch* batch) { return impl_->Next(batch); }

}  // namespace weft
