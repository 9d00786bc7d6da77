// Pictures of the methods of data and embedding, of both kept networks.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "frontend/data/loader.h"
#include "frontend/data/split.h"
#include "frontend/inspect/data/adversarial.h"
#include "frontend/inspect/data/calibration.h"
#include "frontend/inspect/data/neighbours.h"
#include "frontend/inspect/data/pca.h"
#include "frontend/inspect/data/predictions.h"
#include "frontend/inspect/data/scatter_plot.h"
#include "frontend/inspect/data/tsne.h"
#include "frontend/watch/confusion_plot.h"
#include "testing_golden.h"

namespace weft {
namespace {

class DataGolden : public ::testing::TestWithParam<const char*> {
 protected:
  static constexpr int64_t kExamples = 400;

  void SetUp() override {
    if (name() == "cifar" && !HasSharedCifar()) {
      GTEST_SKIP() << "needs " << SharedCifar() << " for examples of CIFAR-10";
    }
    std::vector<int64_t> indices;
    const auto all = GoldenData(name());
    for (int64_t i = 0; i < kExamples; ++i) indices.push_back(i * all->size() / kExamples);
    data_ = SubsetDataset(all, indices, name()).value();
  }
  std::string name() const { return GetParam(); }
  // Rounded, so that kernels' last bits, which a descent would make large, are the same.
  Features RoundedFeatures() const {
    Features features = ComputeFeatures(model_, data_).value();
    for (float& v : features.values.mutable_values<float>()) v = std::round(v * 8) / 8;
    return features;
  }
  Scatter ScatterOf(const Tensor& coordinates, const Features& features) const {
    const std::span<const int64_t> labels = features.labels.values<int64_t>();
    return {.coordinates = coordinates, .classes = {labels.begin(), labels.end()}};
  }

  const Model model_ = GoldenModel(GetParam());
  std::shared_ptr<const Dataset> data_;
};

TEST_P(DataGolden, Pca) {
  const Features features = RoundedFeatures();
  const Pca pca = ComputePca(features.values).value();
  ExpectGoldenPicture(ScatterPicture(ScatterOf(pca.coordinates, features), 320).value(),
                      "pca_" + name());
}

TEST_P(DataGolden, Tsne) {
  const Features features = RoundedFeatures();
  const Tsne tsne = ComputeTsne(features.values).value();
  ExpectGoldenPicture(ScatterPicture(ScatterOf(tsne.coordinates, features), 320).value(),
                      "tsne_" + name());
}

TEST_P(DataGolden, Neighbours) {
  const Example example = ExampleOf(*data_, 5).value();
  const std::vector<Neighbour> neighbours =
      NearestExamples(model_, example.x, data_, {.count = 5, .leave_out = 5}).value();
  ExpectGoldenPicture(
      NeighbourSheet(model_, example, *data_, neighbours, {.columns = 3, .tile = 64}).value(),
      "neighbours_" + name());
}

TEST_P(DataGolden, Mistakes) {
  const Predictions p = PredictAll(model_, GoldenData(name())).value();
  ExpectGoldenPicture(
      MistakeSheet(model_, *GoldenData(name()), ConfidentMistakes(p, 6), {.columns = 3, .tile = 64})
          .value(),
      "mistakes_" + name());
}

TEST_P(DataGolden, Confusion) {
  const Predictions p = PredictAll(model_, GoldenData(name())).value();
  ExpectGoldenPicture(ConfusionPicture(ConfusionOf(p)), "confusion_" + name());
}

TEST_P(DataGolden, Calibration) {
  const Predictions p = PredictAll(model_, GoldenData(name())).value();
  ExpectGoldenPicture(CalibrationPicture(Calibrate(p).value()), "calibration_" + name());
}

TEST_P(DataGolden, Adversarial) {
  const double epsilon = name() == "digits" ? 0.15 : 4.0 / 255;
  const std::vector<AdversarialExample> found =
      FindAdversarial(model_, data_, {.epsilon = epsilon}, 3).value();
  ExpectGoldenPicture(AdversarialSheet(model_, found, 64).value(), "adversarial_" + name());
}

INSTANTIATE_TEST_SUITE_P(Networks, DataGolden, ::testing::Values("digits", "cifar"));

}  // namespace
}  // namespace weft
