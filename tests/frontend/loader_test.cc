#include "frontend/data/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "tests/frontend/testing_files.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Example i is a 1x2 image of i and i + 0.5, labelled 10 i; mean 1 and std 2 normalise it.
class Numbers : public Dataset {
 public:
  explicit Numbers(int64_t size, int64_t broken = -1)
      : Dataset({.name = "numbers",
                 .size = size,
                 .class_names = {},
                 .preprocessing = {.channels = 1,
                                   .height = 1,
                                   .width = 2,
                                   .channel_order = "gray",
                                   .mean = {1.0f},
                                   .std = {2.0f}}}),
        broken_(broken) {}

  int reads() const { return reads_; }

 private:
  absl::Status ReadExample(int64_t index, std::span<float> image,
                           std::span<int64_t> labels) const override {
    ++reads_;
    if (index == broken_) return absl::DataLossError("unreadable");
    image[0] = static_cast<float>(index);
    image[1] = static_cast<float>(index) + 0.5f;
    labels[0] = 10 * index;
    return absl::OkStatus();
  }

  int64_t broken_;
  mutable std::atomic<int> reads_ = 0;
};

std::unique_ptr<Loader> MakeLoader(int64_t size, LoaderOptions options) {
  auto loader = Loader::Create(std::make_shared<Numbers>(size), options);
  EXPECT_TRUE(loader.ok()) << loader.status();
  return *std::move(loader);
}

// What an epoch consists of, batch after batch.
std::vector<std::vector<int64_t>> Epoch(Loader& loader) {
  std::vector<std::vector<int64_t>> batches;
  Batch batch;
  for (;;) {
    const absl::StatusOr<bool> more = loader.Next(&batch);
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) return batches;
    batches.push_back(batch.indices);
  }
}

std::vector<int64_t> Flat(const std::vector<std::vector<int64_t>>& batches) {
  std::vector<int64_t> all;
  for (const auto& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  return all;
}

TEST(Shuffle, IsAPermutationThatDependsOnSeedAndEpochOnly) {
  const std::vector<int64_t> order = ShuffledIndices(1000, 7, 3);
  EXPECT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), 1000u);
  EXPECT_EQ(*std::min_element(order.begin(), order.end()), 0);
  EXPECT_EQ(*std::max_element(order.begin(), order.end()), 999);
  EXPECT_EQ(order, ShuffledIndices(1000, 7, 3));
  EXPECT_NE(order, ShuffledIndices(1000, 7, 4));
  EXPECT_NE(order, ShuffledIndices(1000, 8, 3));
  EXPECT_TRUE(ShuffledIndices(0, 7, 3).empty());
  EXPECT_THAT(ShuffledIndices(1, 7, 3), ElementsAre(0));
}

TEST(Shuffle, PutsEveryExampleEverywhereAboutEquallyOften) {
  int counts[4][4] = {};
  for (int64_t epoch = 0; epoch < 4000; ++epoch) {
    const std::vector<int64_t> order = ShuffledIndices(4, 1, epoch);
    for (size_t i = 0; i < 4; ++i) ++counts[i][order[i]];
  }
  for (const auto& row : counts) {
    for (int count : row) EXPECT_NEAR(count, 1000, 130);
  }
}

TEST(Loader, GivesNormalisedImagesLabelsAndIndicesInOrderWithoutShuffling) {
  auto loader = MakeLoader(5, {.batch_size = 2, .shuffle = false});
  EXPECT_EQ(loader->batches_per_epoch(), 3);
  Batch batch;
  ASSERT_TRUE(*loader->Next(&batch));
  EXPECT_EQ(ToString(batch.images.type()), "f32[2,1,1,2]");
  EXPECT_EQ(ToString(batch.labels.type()), "i64[2]");
  EXPECT_THAT(batch.images.values<float>(), ElementsAre(-0.5f, -0.25f, 0.0f, 0.25f));
  EXPECT_THAT(batch.labels.values<int64_t>(), ElementsAre(0, 10));
  EXPECT_THAT(batch.indices, ElementsAre(0, 1));
  EXPECT_EQ(batch.first, 0);
  ASSERT_TRUE(*loader->Next(&batch));
  EXPECT_EQ(batch.first, 2);
  ASSERT_TRUE(*loader->Next(&batch));
  EXPECT_EQ(ToString(batch.images.type()), "f32[1,1,1,2]");
  EXPECT_THAT(batch.labels.values<int64_t>(), ElementsAre(40));
  EXPECT_EQ(batch.first, 4);
  EXPECT_FALSE(*loader->Next(&batch));
  EXPECT_FALSE(*loader->Next(&batch));
}

TEST(Loader, DropsTheSmallerLastBatchWhenAsked) {
  auto loader = MakeLoader(5, {.batch_size = 2, .shuffle = false, .drop_last = true});
  EXPECT_EQ(loader->batches_per_epoch(), 2);
  EXPECT_THAT(Epoch(*loader), ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3)));
}

TEST(Loader, ShufflesEachEpochAnewAndTheSameForTheSameSeed) {
  auto loader = MakeLoader(100, {.batch_size = 7, .seed = 3});
  auto again = MakeLoader(100, {.batch_size = 7, .seed = 3});
  const auto first = Epoch(*loader);
  EXPECT_EQ(Flat(first), ShuffledIndices(100, 3, 0));
  EXPECT_EQ(first, Epoch(*again));
  ASSERT_TRUE(loader->StartEpoch(1).ok());
  EXPECT_EQ(Flat(Epoch(*loader)), ShuffledIndices(100, 3, 1));
  ASSERT_TRUE(loader->StartEpoch(0).ok());
  EXPECT_EQ(Epoch(*loader), first);
}

TEST(Loader, PrefetchingChangesNothing) {
  auto plain = MakeLoader(50, {.batch_size = 8, .seed = 2, .prefetch = 0});
  for (int prefetch : {1, 2, 5, 100}) {
    auto ahead = MakeLoader(50, {.batch_size = 8, .seed = 2, .prefetch = prefetch});
    for (int64_t epoch = 0; epoch < 3; ++epoch) {
      ASSERT_TRUE(plain->StartEpoch(epoch).ok());
      ASSERT_TRUE(ahead->StartEpoch(epoch).ok());
      Batch a, b;
      while (*plain->Next(&a)) {
        ASSERT_TRUE(*ahead->Next(&b));
        EXPECT_EQ(a.images, b.images);
        EXPECT_EQ(a.labels, b.labels);
        EXPECT_EQ(a.indices, b.indices);
        EXPECT_EQ(a.first, b.first);
      }
      EXPECT_FALSE(*ahead->Next(&b));
    }
  }
}

// Values that depend on what the loader hands on of the draw.
class Drawn final : public Dataset {
 public:
  Drawn()
      : Dataset({.name = "drawn",
                 .size = 53,
                 .class_names = {},
                 .preprocessing = {.channels = 1,
                                   .height = 1,
                                   .width = 2,
                                   .channel_order = "gray",
                                   .mean = {0.0f},
                                   .std = {1.0f}},
                 .label_dims = {3},
                 .targets = true}) {}

 private:
  absl::Status ReadExample(int64_t, std::span<float>, std::span<int64_t>) const override {
    return absl::InternalError("the labels are targets");
  }
  absl::Status ReadDrawn(int64_t index, const ExampleDraw& draw, std::span<float> image,
                         LabelBuffer labels) const override {
    image[0] = static_cast<float>(index);
    image[1] = static_cast<float>(draw.seed);
    std::ranges::fill(labels.targets, static_cast<float>(draw.epoch) + 0.25f);
    return absl::OkStatus();
  }
};

TEST(Loader, HandsSeedAndEpochOnAndTakesTargets) {
  for (int prefetch : {0, 2}) {
    auto loader =
        Loader::Create(std::make_shared<Drawn>(),
                       {.batch_size = 2, .shuffle = false, .seed = 9, .prefetch = prefetch})
            .value();
    ASSERT_TRUE(loader->StartEpoch(4).ok());
    Batch batch;
    ASSERT_TRUE(*loader->Next(&batch));
    EXPECT_THAT(batch.images.values<float>(), ElementsAre(0, 9, 1, 9));
    EXPECT_EQ(ToString(batch.labels.type()), "f32[2,3]");
    EXPECT_THAT(batch.labels.values<float>(), testing::Each(4.25f));
  }
  EXPECT_EQ(LoaderBytes(Drawn(), {.batch_size = 10, .prefetch = 2}), 3u * 10 * (8 + 12));
}

TEST(Loader, WorkersChangeNothing) {
  const auto dataset = std::make_shared<Drawn>();
  const auto plain = Loader::Create(dataset, {.batch_size = 8, .seed = 2}).value();
  for (int workers : {2, 3, 8}) {
    for (int prefetch : {1, 4}) {
      LoaderOptions options = {
          .batch_size = 8, .seed = 2, .prefetch = prefetch, .workers = workers};
      const auto several = Loader::Create(dataset, options).value();
      for (int64_t epoch = 0; epoch < 20; ++epoch) {
        ASSERT_TRUE(plain->StartEpoch(epoch).ok());
        ASSERT_TRUE(several->StartEpoch(epoch, epoch % 3).ok());
        Batch a, b;
        for (int64_t i = 0; i < epoch % 3; ++i) ASSERT_TRUE(*plain->Next(&a));
        while (*plain->Next(&a)) {
          ASSERT_TRUE(*several->Next(&b));
          EXPECT_EQ(a.images, b.images);
          EXPECT_EQ(a.labels, b.labels);
          EXPECT_EQ(a.indices, b.indices);
          if (a.first > 24 && epoch % 4 == 3) break;  // and leaves it in the middle
        }
      }
    }
  }
}

// All examples from 11 on are broken: which thread meets one first is chance, which is told is not.
class BrokenEnd final : public Dataset {
 public:
  BrokenEnd()
      : Dataset({.name = "broken",
                 .size = 40,
                 .class_names = {},
                 .preprocessing = Drawn().preprocessing()}) {}

 private:
  absl::Status ReadExample(int64_t index, std::span<float>,
                           std::span<int64_t> labels) const override {
    labels[0] = index;
    if (index < 11) return absl::OkStatus();
    if (index % 3 != 0) std::this_thread::yield();
    return absl::DataLossError("unreadable");
  }
};

TEST(Loader, WorkersReportTheFirstUnreadableExample) {
  const auto loader =
      Loader::Create(std::make_shared<BrokenEnd>(),
                     {.batch_size = 8, .shuffle = false, .prefetch = 3, .workers = 4})
          .value();
  for (int64_t round = 0; round < 50; ++round) {
    ASSERT_TRUE(loader->StartEpoch(round).ok());
    Batch batch;
    ASSERT_TRUE(*loader->Next(&batch));
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(MessageOf(loader->Next(&batch).status()), "broken: example 11: unreadable");
    }
  }
}

TEST(Loader, StartsInTheMiddleOfAnEpoch) {
  for (int prefetch : {0, 2}) {
    auto loader = MakeLoader(20, {.batch_size = 3, .seed = 1, .prefetch = prefetch});
    const auto whole = Epoch(*loader);
    ASSERT_TRUE(loader->StartEpoch(0, 4).ok());
    const auto rest = Epoch(*loader);
    EXPECT_EQ(rest, std::vector(whole.begin() + 4, whole.end()));
    ASSERT_TRUE(loader->StartEpoch(0, 7).ok());
    EXPECT_TRUE(Epoch(*loader).empty());
  }
}

TEST(Loader, LeavesAnEpochInTheMiddleForAnother) {
  auto loader = MakeLoader(40, {.batch_size = 3, .seed = 1});
  Batch batch;
  for (int64_t epoch = 0; epoch < 200; ++epoch) {
    ASSERT_TRUE(loader->StartEpoch(epoch).ok());
    ASSERT_TRUE(*loader->Next(&batch));
    const std::vector<int64_t> order = ShuffledIndices(40, 1, epoch);
    EXPECT_THAT(batch.indices, ElementsAre(order[0], order[1], order[2]));
  }
}

TEST(Loader, StopsWhenDestroyedAtAnyMoment) {
  for (int taken = 0; taken < 6; ++taken) {
    for (int round = 0; round < 20; ++round) {
      auto loader = MakeLoader(1000, {.batch_size = 10, .prefetch = 3, .workers = 1 + round % 3});
      Batch batch;
      for (int i = 0; i < taken; ++i) ASSERT_TRUE(*loader->Next(&batch));
      loader.reset();
    }
  }
}

TEST(Loader, PreparesNoMoreBatchesThanAskedFor) {
  const auto numbers = std::make_shared<Numbers>(1000);
  auto loader = *Loader::Create(numbers, {.batch_size = 10, .prefetch = 2});
  Batch batch;
  for (int taken = 1; *loader->Next(&batch); ++taken) {
    const int most = std::min(10 * (taken + 2), 1000);
    EXPECT_LE(numbers->reads(), most);
    while (numbers->reads() < most) std::this_thread::yield();  // it does go that far
  }
}

TEST(Loader, ReportsAnUnreadableExampleByItsIndexUntilTheNextEpoch) {
  for (int prefetch : {0, 1, 3}) {
    auto loader = *Loader::Create(std::make_shared<Numbers>(10, /*broken=*/5),
                                  {.batch_size = 2, .shuffle = false, .prefetch = prefetch});
    Batch batch;
    ASSERT_TRUE(*loader->Next(&batch));
    ASSERT_TRUE(*loader->Next(&batch));
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(MessageOf(loader->Next(&batch).status()), "numbers: example 5: unreadable");
    }
    ASSERT_TRUE(loader->StartEpoch(1).ok());
    EXPECT_TRUE(*loader->Next(&batch));
  }
}

TEST(Loader, ReusesTheBuffersThatItGetsBack) {
  for (int prefetch : {0, 2}) {
    auto loader = MakeLoader(1000, {.batch_size = 10, .prefetch = prefetch});
    std::set<const std::byte*> buffers;
    Batch batch;
    while (*loader->Next(&batch)) buffers.insert(batch.images.data());
    EXPECT_LE(buffers.size(), static_cast<size_t>(prefetch) + 2);
  }
}

TEST(Loader, DoesNotChangeTensorsThatTheCallerKeeps) {
  auto loader = MakeLoader(100, {.batch_size = 2, .shuffle = false});
  std::vector<Tensor> kept;
  Batch batch;
  while (*loader->Next(&batch)) kept.push_back(batch.labels);
  for (size_t i = 0; i < kept.size(); ++i) {
    EXPECT_THAT(kept[i].values<int64_t>(), ElementsAre(20 * i, 20 * i + 10));
  }
}

TEST(Loader, TakesABatchOfAnythingAsBuffer) {
  for (int prefetch : {0, 1}) {
    auto loader = MakeLoader(40, {.batch_size = 2, .shuffle = false, .prefetch = prefetch});
    for (int64_t i = 0; i < 20; ++i) {
      Batch batch;
      batch.images = *Tensor::Zeros(DType::kF64, {2, 1, 1, 2});
      batch.labels = *Tensor::Zeros(DType::kU8, {2});
      ASSERT_TRUE(*loader->Next(&batch));
      EXPECT_EQ(ToString(batch.images.type()), "f32[2,1,1,2]");
      EXPECT_THAT(batch.labels.values<int64_t>(), ElementsAre(20 * i, 20 * i + 10));
    }
  }
}

TEST(Loader, RefusesOptionsThatMakeNoSense) {
  const auto error = [](LoaderOptions options) {
    return MessageOf(Loader::Create(std::make_shared<Numbers>(5), options).status());
  };
  EXPECT_THAT(error({.batch_size = 0}), HasSubstr("expected a batch size above 0, got 0"));
  EXPECT_THAT(error({.batch_size = 6, .drop_last = true}),
              HasSubstr("expected a batch size above 0 and up to 5, got 6"));
  EXPECT_THAT(error({.prefetch = -1}), HasSubstr("expected prefetch from 0 on, got -1"));
  EXPECT_THAT(error({.workers = 0}), HasSubstr("expected 1 to 256 workers, got 0"));
  EXPECT_FALSE(Loader::Create(nullptr, {}).ok());
  auto loader = MakeLoader(5, {.batch_size = 2});
  EXPECT_FALSE(loader->StartEpoch(-1).ok());
  EXPECT_THAT(MessageOf(loader->StartEpoch(0, 4)),
              HasSubstr("a batch in [0,3], got epoch 0, batch 4"));
}

}  // namespace
}  // namespace weft
