#ifndef WEFT_TESTS_INSPECT_TESTING_GOLDEN_H_
#define WEFT_TESTS_INSPECT_TESTING_GOLDEN_H_

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "frontend/data/open.h"
#include "frontend/io/decode.h"
#include "frontend/io/png.h"
#include "frontend/train/model_data.h"
#include "graph/file/serialize.h"
#include "graph/model.h"
#include "ops/ops.h"

namespace weft {

inline std::string GoldenFolder() { return WEFT_SOURCE_DIR "/tests/golden/inspect"; }

// A network that was trained and is kept: "digits" is lenet-bn of the embedded digits,
// "cifar" a residual network of ../shared/data/cifar10-jpeg.
inline Model GoldenModel(const std::string& name) {
  absl::StatusOr<Model> model = LoadModel(GoldenFolder() + "/" + name + ".weft", StandardOps());
  EXPECT_TRUE(model.ok()) << model.status();
  return *std::move(model);
}

inline std::string SharedCifar() { return WEFT_SOURCE_DIR "/../shared/data/cifar10-jpeg"; }
inline bool HasSharedCifar() { return std::filesystem::exists(SharedCifar()); }

// The test split that the kept network is judged by: of "digits", or of "cifar", which needs
// ../shared (HasSharedCifar; else GTEST_SKIP).
inline std::shared_ptr<const Dataset> GoldenData(const std::string& name) {
  const Model model = GoldenModel(name);
  Config given;
  given["data"] = name == "digits" ? "digits:2000" : "folder:" + SharedCifar();
  absl::StatusOr<DataSource> source = DataSourceFor(model, given);
  EXPECT_TRUE(source.ok()) << source.status();
  auto data = OpenDataFor(model, *source, Split::kTest);
  EXPECT_TRUE(data.ok()) << data.status();
  return *std::move(data);
}

// The picture is that of tests/golden/inspect/NAME.png but for `tolerance` levels of 255 in the
// mean over all pixels: kernels differ between machines. WEFT_UPDATE_GOLDEN=1 in the environment
// writes the file instead.
inline void ExpectGoldenPicture(const Picture& picture, const std::string& name,
                                double tolerance = 1) {
  const std::string path = GoldenFolder() + "/" + name + ".png";
  if (std::getenv("WEFT_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(WritePng(path, picture).ok());
    return;
  }
  const absl::StatusOr<Picture> golden = LoadPicture(path);
  ASSERT_TRUE(golden.ok()) << golden.status();
  ASSERT_EQ(golden->height, picture.height) << name;
  ASSERT_EQ(golden->width, picture.width) << name;
  ASSERT_EQ(golden->channels, picture.channels) << name;
  double sum = 0;
  for (size_t i = 0; i < picture.pixels.size(); ++i) {
    sum += std::abs(static_cast<int>(picture.pixels[i]) - static_cast<int>(golden->pixels[i]));
  }
  EXPECT_LE(sum / static_cast<double>(picture.pixels.size()), tolerance) << name;
}

}  // namespace weft

#endif  // WEFT_TESTS_INSPECT_TESTING_GOLDEN_H_
