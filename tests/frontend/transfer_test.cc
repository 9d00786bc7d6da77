// Fine-tuning as it is meant: a network that knows the digits 0 to 4 learns 5 to 9 from few.
#include <gtest/gtest.h>

#include "frontend/build/builder.h"
#include "frontend/data/digits.h"
#include "frontend/train/finetune_weights.h"
#include "frontend/train/train_loop.h"

namespace weft {
namespace {

constexpr int64_t kClasses = 5;

// Five of the ten digits, as classes 0 to 4. Digit i of the whole set is i % 10.
class HalfOfTheDigits final : public Dataset {
 public:
  HalfOfTheDigits(std::shared_ptr<const Dataset> all, int64_t first)
      : Dataset(Info(*all)), all_(std::move(all)), first_(first) {}

 private:
  static DatasetInfo Info(const Dataset& all) {
    DatasetInfo info;
    info.name = "half of the " + all.name();
    info.size = all.size() / 2;
    info.class_names.assign(kClasses, "digit");
    info.preprocessing = all.preprocessing();
    return info;
  }
  absl::Status ReadExample(int64_t index, std::span<float> image,
                           std::span<int64_t> labels) const override {
    const int64_t label = index % kClasses;
    WEFT_RETURN_IF_ERROR(
        all_->Read(index / kClasses * 2 * kClasses + first_ + label, image, labels));
    labels[0] = label;
    return absl::OkStatus();
  }

  std::shared_ptr<const Dataset> all_;
  int64_t first_;
};

std::shared_ptr<const Dataset> Half(Split split, int64_t examples, int64_t first) {
  return std::make_shared<HalfOfTheDigits>(MakeDigits(split, 2 * examples).value(), first);
}

Model ConvNet(uint64_t seed) {
  Builder b({.seed = seed});
  Value h = b.Input("x", {"N", 1, 28, 28});
  {
    const auto scope = b.Scope("features");
    for (const int64_t channels : {8, 16}) {
      h = b.Conv2d(h, {.channels = channels, .kernel = 5, .bias = false});
      h = b.MaxPool2d(b.Relu(b.BatchNorm2d(h)), {.kernel = 2});
    }
  }
  b.Output("scores", b.Linear(b.Flatten(h), {.features = kClasses, .name = "head"}));
  return b.Build().value();
}

struct Training {
  Model model;
  double accuracy = 0;
};

Training Train(Model model, bool frozen, const std::shared_ptr<const Dataset>& train,
               const std::shared_ptr<const Dataset>& test, int64_t epochs) {
  TrainOptions options = {.optimizer = {.momentum = 0.9}};
  if (frozen) options.finetune.freeze = {"features"};
  auto trainer = Trainer::Create(std::move(model), options).value();
  const FitResult result =
      Fit(*trainer, train, test, {.epochs = epochs, .batch_size = 20, .learning_rate = 0.01})
          .value();
  return {trainer->Snapshot().value(), result.test->accuracy()};
}

TEST(Transfer, FrozenConvolutionsThatKnowOtherDigitsBeatRandomOnesAndScratch) {
  Training known =
      Train(ConvNet(1), false, Half(Split::kTrain, 2000, 0), Half(Split::kTest, 250, 0), 2);
  EXPECT_GT(known.accuracy, 0.95);
  ASSERT_TRUE(ReplaceHead(known.model, kClasses, 2).ok());
  // 100 images a class, and one pass over them.
  const auto few = Half(Split::kTrain, 100 * kClasses, 5), test = Half(Split::kTest, 500, 5);
  const double tuned = Train(std::move(known.model), true, few, test, 1).accuracy;
  const double random = Train(ConvNet(3), true, few, test, 1).accuracy;
  const double scratch = Train(ConvNet(3), false, few, test, 1).accuracy;
  RecordProperty("tuned", std::to_string(tuned));
  RecordProperty("random", std::to_string(random));
  RecordProperty("scratch", std::to_string(scratch));
  EXPECT_GT(tuned, random + 0.2) << random;
  EXPECT_GT(tuned, scratch + 0.02) << scratch;
}

}  // namespace
}  // namespace weft
