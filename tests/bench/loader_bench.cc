// What loading delivers: JPEG files in memory, decoded, augmented and normalised by one thread, in
// examples a second, beside what training consumes (items a second, 2 threads).
//
//   ./run bench --benchmark_filter=loader/
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/data/synthetic.h"
#include "frontend/io/jpeg.h"
#include "frontend/io/jpeg_encode.h"
#include "frontend/weft.h"

namespace weft {
namespace {

constexpr int64_t kPictures = 64;
constexpr int kQuality = 90;

// Waves and noise: a file of about the size that photographs have.
Picture BenchPicture(int64_t height, int64_t width, uint64_t index) {
  RandomStream random(1, RandomPurpose::kNoise, index);
  Picture picture = {.height = height, .width = width, .channels = 3, .pixels = {}};
  const double pitch = random.Uniform(0.02f, 0.2f);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const double wave = 128 + 80 * std::sin(pitch * static_cast<double>(x + 2 * y));
      for (int c = 0; c < 3; ++c) {
        const double level = wave + 15 * c + 8 * random.Bell();
        picture.pixels.push_back(static_cast<uint8_t>(std::clamp(level, 0.0, 255.0)));
      }
    }
  }
  return picture;
}

class JpegsInMemory final : public Dataset {
 public:
  JpegsInMemory(int64_t height, int64_t width)
      : Dataset({.name = "jpegs",
                 .size = 16 * kPictures,
                 .class_names = {"picture"},
                 .preprocessing = {.channels = 3,
                                   .height = height,
                                   .width = width,
                                   .channel_order = "rgb",
                                   .mean = {0.5f, 0.5f, 0.5f},
                                   .std = {0.25f, 0.25f, 0.25f}},
                 .pictures = true}) {
    for (int64_t i = 0; i < kPictures; ++i) {
      const Picture picture = BenchPicture(height, width, static_cast<uint64_t>(i));
      files_.push_back(EncodeJpeg(picture, kQuality).value());
    }
  }

 private:
  absl::Status ReadExample(int64_t, std::span<float>, std::span<int64_t>) const override {
    return absl::InternalError("read as pictures");
  }
  absl::StatusOr<PictureExample> ReadPicture(int64_t index) const override {
    PictureExample example;
    WEFT_ASSIGN_OR_RETURN(example.picture,
                          DecodeJpeg(files_[static_cast<size_t>(index % kPictures)], {}));
    return example;
  }

  std::vector<std::vector<std::byte>> files_;
};

bool Failed(benchmark::State& state, const absl::Status& status) {
  if (!status.ok()) state.SkipWithError(std::string(status.message()).c_str());
  return !status.ok();
}

// A batch of an endless training, prepared by the thread that asks for it.
void Load(benchmark::State& state, int64_t height, int64_t width, int64_t size,
          std::string_view augment) {
  const auto source = std::make_shared<JpegsInMemory>(height, width);
  Preprocessing target = source->preprocessing();
  target.height = target.width = size;
  const auto pipeline = ParsePipeline(augment);
  if (Failed(state, pipeline.status())) return;
  const auto dataset = AugmentedDataset(source, *pipeline, target);
  if (Failed(state, dataset.status())) return;
  auto loader = Loader::Create(*dataset, {.batch_size = 32, .prefetch = 0});
  if (Failed(state, loader.status())) return;
  Batch batch;
  int64_t epoch = 0;
  for (auto _ : state) {
    auto more = (*loader)->Next(&batch);
    if (more.ok() && !*more) {
      if (Failed(state, (*loader)->StartEpoch(++epoch))) return;
      more = (*loader)->Next(&batch);
    }
    if (Failed(state, more.status())) return;
  }
  state.SetItemsProcessed(state.iterations() * 32);
}

BENCHMARK_CAPTURE(Load, cifar_32, 32, 32, 32, "cifar")
    ->Name("loader/jpeg_32x32_cifar")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Load, imagenet_224, 375, 500, 224, "imagenet")
    ->Name("loader/jpeg_375x500_imagenet")
    ->Unit(benchmark::kMillisecond);

// What a training step of the same sizes consumes.
void Consume(benchmark::State& state, std::string_view network, int64_t batch) {
  const auto entry = FindNetwork(network);
  if (Failed(state, entry.status())) return;
  auto model = BuildNetwork(**entry);
  if (Failed(state, model.status())) return;
  auto options = SyntheticFor(*model);
  if (Failed(state, options.status())) return;
  options->size = batch;
  const auto dataset = MakeSynthetic(Split::kTrain, *options);
  if (Failed(state, dataset.status())) return;
  auto loader = Loader::Create(*dataset, {.batch_size = batch, .prefetch = 0});
  auto trainer = Trainer::Create(*std::move(model), {.threads = 2});
  if (Failed(state, loader.status()) || Failed(state, trainer.status())) return;
  Batch examples;
  if (Failed(state, (*loader)->Next(&examples).status())) return;
  for (auto _ : state) {
    if (Failed(state, (*trainer)->Step(examples.images, examples.labels, 0.01).status())) return;
  }
  state.SetItemsProcessed(state.iterations() * batch);
}

BENCHMARK_CAPTURE(Consume, resnet20, "resnet20_cifar", 128)
    ->Name("loader/training_resnet20_cifar")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Consume, resnet18, "resnet18", 16)
    ->Name("loader/training_resnet18")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weft
