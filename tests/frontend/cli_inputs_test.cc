// `weft train`, `eval` and `data` with models of several inputs, and data sets with a part for
// each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "frontend/io/npy.h"
#include "frontend/session/session.h"
#include "graph/file/serialize.h"
#include "ops/ops.h"
#include "tests/frontend/testing_cli.h"
#include "tests/frontend/testing_data.h"
#include "tests/frontend/testing_inputs.h"

namespace weft {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr int64_t kXorTrain = 160, kXorTest = 40;
constexpr char kXorCsv[] = "--data csv:xor.csv --feature-columns sign,noise ";
constexpr char kXorFit[] = "--epochs 40 --batch 20 --optimizer adam --lr 0.02 --threads 1 ";

// Somewhat brighter from row to row, so that a part of a picture tells where it is from.
std::vector<uint8_t> PixelsOf(const XorExample& x) {
  std::vector<uint8_t> pixels;
  for (int i = 0; i < 64; ++i) pixels.push_back(static_cast<uint8_t>(x.level + i / 8 * 5));
  return pixels;
}

// The same examples as pictures beside a table, xor.csv, and as arrays, npy/; models that read
// both inputs, and each alone.
class CliInputs : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    std::string csv = "image,sign,noise,kind,split\n", numbers = "sign,noise,kind,split\n";
    for (int64_t i = 0; i < kXorTrain + kXorTest; ++i) {
      const XorExample x = XorAt(i);
      AddPicture(Path(absl::StrCat("pictures/", i, ".png")),
                 {.height = 8, .width = 8, .channels = 1, .pixels = PixelsOf(x)});
      const std::string row =
          absl::StrCat(x.features[0], ",", x.features[1], ",", x.label == 0 ? "same" : "different",
                       ",", i < kXorTrain ? "train" : "val", "\n");
      absl::StrAppend(&csv, "pictures/", i, ".png,", row);
      absl::StrAppend(&numbers, row);
    }
    WriteText(Path("xor.csv"), csv);
    WriteText(Path("numbers.csv"), numbers);
    SaveArrays(0, kXorTrain, "");
    SaveArrays(kXorTrain, kXorTest, "_test");
    SaveXor("both.weft", {});
    SaveXor("image.weft", {.features = false});
    SaveXor("features.weft", {.image = false});
  }

  void SaveXor(const std::string& name, const XorInputs& inputs) const {
    const absl::Status status = SaveModel(XorModel(inputs), Path(name));
    ASSERT_TRUE(status.ok()) << status;
  }

  template <typename T>
  void SaveNpy(const std::string& name, Dims dims, const std::vector<T>& values) const {
    std::filesystem::create_directories(Path("npy"));
    const Tensor tensor = *Tensor::FromValues<T>(std::move(dims), values);
    const absl::Status status = WriteNpy(Path("npy/" + name), tensor);
    ASSERT_TRUE(status.ok()) << status;
  }

  void SaveArrays(int64_t first, int64_t count, const std::string& ending) const {
    std::vector<uint8_t> images;
    std::vector<float> features;
    std::vector<int64_t> labels;
    for (int64_t i = first; i < first + count; ++i) {
      const XorExample x = XorAt(i);
      std::ranges::copy(PixelsOf(x), std::back_inserter(images));
      features.insert(features.end(), x.features.begin(), x.features.end());
      labels.push_back(x.label);
    }
    SaveNpy("x_image" + ending + ".npy", {count, 8, 8}, images);
    SaveNpy("x_features" + ending + ".npy", {count, 2}, features);
    SaveNpy("y" + ending + ".npy", {count}, labels);
  }

  // The share of test examples that a model is right about.
  double AccuracyOf(const std::string& file, const std::string& data = "") const {
    const std::string out = Output("eval " + file + " --json " + data);
    const size_t at = out.find("\"accuracy\":");
    EXPECT_NE(at, std::string::npos) << out;
    return std::stod(out.substr(out.find(':', at) + 1));
  }
};

TEST_F(CliInputs, TogetherBeatEachAlone) {
  for (const char* data : {"--data npy:npy ", kXorCsv}) {
    Output(absl::StrCat("train --model both.weft -o a.weft ", kXorFit, data));
    EXPECT_GT(AccuracyOf("a.weft"), 0.95) << data;
  }
  // What a file was trained on, it is judged by; the columns too are in it.
  Output(absl::StrCat("train --model image.weft -o image.weft --data csv:xor.csv ", kXorFit));
  Output(absl::StrCat("train --model features.weft -o features.weft --data csv:numbers.csv ",
                      kXorFit));
  EXPECT_LT(AccuracyOf("image.weft"), 0.7);
  EXPECT_LT(AccuracyOf("features.weft"), 0.7);
}

// The picture is prepared as in training wherever it comes from.
TEST_F(CliInputs, OfAnotherKindAreJudgedTheSame) {
  WriteText(Path("npy/classes.txt"), "same\ndifferent\n");
  Output(absl::StrCat("train --model both.weft -o a.weft --epochs 6 --batch 20 --threads 1 ",
                      kXorCsv));
  EXPECT_EQ(AccuracyOf("a.weft", "--data npy:npy"), AccuracyOf("a.weft"));
  Output("train --model both.weft -o b.weft --epochs 6 --batch 20 --threads 1 --data npy:npy");
  EXPECT_EQ(AccuracyOf("b.weft", kXorCsv), AccuracyOf("b.weft"));
}

// With workers and an augmentation that is drawn anew in each epoch.
TEST_F(CliInputs, GoOnAsIfNothingHadBeen) {
  const std::string fit = absl::StrCat(
      "--batch 20 --lr 0.05 --threads 1 --workers 2 --augment \"crop(6), flip\" ", kXorCsv);
  Output("train --model both.weft -o whole.weft --epochs 4 " + fit);
  Output("train --model both.weft -o part.weft --epochs 2 " + fit);
  Output("train --resume part.weft --epochs 4");
  EXPECT_EQ(ReadText(Path("part.weft")), ReadText(Path("whole.weft")));
}

TEST_F(CliInputs, AreJudgedByEvalAsInTraining) {
  const std::string said = Output(
      absl::StrCat("train --model both.weft -o a.weft --epochs 4 --batch 20 --threads 1 --augment "
                   "flip ",
                   kXorCsv));
  const std::string judged = Output("eval a.weft --threads 1");
  const size_t at = judged.find("accuracy ");
  ASSERT_NE(at, std::string::npos) << judged;
  // "accuracy 97.50 % (39 of 40)"
  const std::string accuracy = judged.substr(at, judged.find('%') - at);
  EXPECT_THAT(said, HasSubstr("test " + accuracy)) << judged;
  // The pictures' rows are of one level each: mirrored they are the same.
  const std::string views = Output("eval a.weft --tta flip --threads 1");
  EXPECT_THAT(views, HasSubstr(accuracy));
}

TEST_F(CliInputs, AreShownPartByPart) {
  const std::string csv = Output("data csv:xor.csv --feature-columns sign,noise --preview a.png");
  EXPECT_THAT(csv, AllOf(HasSubstr("160 examples, read as image [1,8,8], features [2]\n"),
                         HasSubstr("height x width: 8x8 (160)\n"), HasSubstr("  image: mean 0."),
                         HasSubstr("  features: mean "), HasSubstr("saved a.png")));
  EXPECT_THAT(Output("data npy:npy"),
              AllOf(HasSubstr("160 examples, read as image [1,8,8], features [2]\n"),
                    HasSubstr("  image: mean 0.")));
}

// A picture and an array into one run, prepared as in training.
TEST_F(CliInputs, AreFedByNameToARun) {
  Output(absl::StrCat("train --model both.weft -o a.weft ", kXorFit, kXorCsv));
  const XorExample x = XorAt(kXorTrain);
  SaveNpy<float>("one.npy", {1, 2}, {x.features[0], x.features[1]});
  const std::string picture = absl::StrCat("pictures/", kXorTrain, ".png");
  EXPECT_THAT(Output("run a.weft --top 1 --input features=npy/one.npy --input image=" + picture),
              HasSubstr(x.label == 0 ? "same" : "different"));
}

// What is wrong, and its one line.
struct InputsErrorRow {
  const char* name;
  const char* damage;  // by the shell, in the test's folder
  const char* arguments;
  std::vector<std::string> message;
};

const InputsErrorRow kInputsErrors[] = {
    {"another name",
     "mv npy/x_image.npy npy/x_photo.npy; mv npy/x_image_test.npy npy/x_photo_test.npy",
     "train --model both.weft --data npy:npy",
     {"npy:npy (train): expected a part of the examples for each input by its name; the model's "
      "inputs are image, features, the examples have the parts photo, features"}},
    {"no parts",
     "true",
     "train --model both.weft --data csv:xor.csv",
     {"csv:xor.csv (train)", "the model's inputs are image, features, the examples have no parts"}},
    {"a part too many",
     "true",
     "train --model image.weft --data csv:xor.csv --feature-columns sign,noise",
     {"the model's inputs are image, the examples have the parts image, features"}},
    {"a network of one input",
     "true",
     "train --model lenet-bn --data npy:npy",
     {"the model's inputs are x, the examples have the parts image, features"}},
    {"a wrong size of features",
     "true",
     "train --model both.weft --data csv:xor.csv --feature-columns sign",
     {"input features, axis 1: expected 2, got 1"}},
    {"a wrong size of pictures",
     "true",
     "train --model both.weft --data csv:xor.csv --feature-columns sign,noise --image-size 10",
     {"input image, axis 2: expected 8, got 10"}},
    {"a missing file",
     "rm npy/x_features_test.npy",
     "train --model both.weft --data npy:npy",
     {"npy/x_features_test.npy"}},
    {"counts that differ",
     "cp npy/x_features_test.npy npy/x_features.npy",
     "train --model both.weft --data npy:npy",
     {"npy:npy (train): x_features: expected examples x[N,...] and labels y[N,...], got f32[40,2] "
      "and i64[160]"}},
    {"test examples of another size",
     "cp npy/x_image_test.npy npy/x_features_test.npy",
     "train --model both.weft --data npy:npy",
     {"npy:npy (test): x_features: x: expected what training has, f32[160,2], got u8[40,8,8]"}},
    {"both kinds of arrays",
     "cp npy/x_image.npy npy/x.npy",
     "train --model both.weft --data npy:npy",
     {"npy: expected x.npy, or x_NAME.npy for each of several inputs; it has both, "
      "x_features.npy"}},
    {"no such column",
     "true",
     "train --model both.weft --data csv:xor.csv --feature-columns sign,sound",
     {"xor.csv: has no column \"sound\""}},
    {"a column of labels",
     "true",
     "train --model both.weft --data csv:xor.csv --feature-columns sign,kind --label-columns kind",
     {"xor.csv: expected columns of features that are nothing else, got \"kind\""}},
    {"no number",
     "sed -i '2s/,[^,]*,/,much,/' xor.csv",
     "train --model both.weft --data csv:xor.csv --feature-columns sign,noise",
     {"xor.csv: row 1, column sign: expected a number, got \"much\""}},
    {"held out of nothing",
     "mv npy/x_features.npy npy/x_size.npy",
     "train --model both.weft --data npy:npy",
     {"npy: has x_features_test.npy, which is held out of x_features.npy, but not that"}},
    {"no column of labels",
     "cut -d, -f1-3,5 xor.csv > a.csv; mv a.csv xor.csv",
     "train --model both.weft --data csv:xor.csv --feature-columns sign,noise",
     {"xor.csv: expected a column of labels besides those of paths and features"}},
    {"an augmentation of what is no image",
     "rm npy/x_image*",
     "train --model features.weft --data npy:npy --augment flip",
     {"augment: flip wants examples that are images; those of npy:npy (train)"}},
    {"an augmentation of labels",
     "true",
     "train --model both.weft --data csv:xor.csv --feature-columns sign,noise --augment mixup",
     {"augment: mixup wants examples for one input"}},
    {"a part that is not looked at",
     "true",
     "eval image.weft --data csv:xor.csv --feature-columns sign,noise",
     {"the model's inputs are image, the examples have the parts image, features"}},
};

TEST_F(CliInputs, MistakesAreOneClearLineEach) {
  for (const InputsErrorRow& row : kInputsErrors) {
    SCOPED_TRACE(row.name);
    for (const char* data : {"npy", "xor.csv"}) {
      std::filesystem::copy(Path(data), Path(absl::StrCat("whole.", data)));
    }
    const std::string arguments = std::string(row.arguments);
    const bool trains = arguments.starts_with("train");
    ASSERT_EQ(std::system(absl::StrCat("cd ", folder_, " && ", row.damage).c_str()), 0);
    const std::string error =
        Error(arguments + (trains ? " --epochs 1 --threads 1 -o a.weft" : ""));
    for (const std::string& part : row.message) EXPECT_THAT(error, HasSubstr(part));
    EXPECT_FALSE(std::filesystem::exists(Path("a.weft")));
    for (const char* data : {"npy", "xor.csv"}) {
      std::filesystem::remove_all(Path(data));
      std::filesystem::rename(Path(absl::StrCat("whole.", data)), Path(data));
    }
  }
}

}  // namespace
}  // namespace weft
