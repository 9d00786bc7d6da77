// What is wrong with data is one clear error of `weft train`, before or at the place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "frontend/io/jpeg_encode.h"
#include "frontend/io/npy.h"
#include "testing_cli.h"
#include "testing_data.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kDamagedJpeg[] = "/pets/train/cat/2.jpg";

void AddJpegs(const std::string& folder, int64_t count, uint8_t level) {
  std::filesystem::create_directories(folder);
  for (int64_t i = 0; i < count; ++i) {
    const Picture picture = Plain(28, 28, {static_cast<uint8_t>(level + 9 * i)});
    const auto bytes = EncodeJpeg(picture, 90);
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    WriteText(absl::StrCat(folder, "/", i, ".jpg"),
              {reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  }
}

// Two classes of 28x28 pictures in pets/, and a network for two classes.
class CliDataErrors : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    AddJpegs(Path("pets/train/cat"), 6, 20);
    AddJpegs(Path("pets/train/dog"), 6, 150);
    AddJpegs(Path("pets/val/cat"), 2, 30);
    AddJpegs(Path("pets/val/dog"), 2, 160);
  }
};

// Each damages the data, or nothing, in the test's folder.
void DamageNothing(const std::string&) {}

void DamageLabels(const std::string& folder) {
  std::filesystem::create_directories(folder + "/npy");
  const Tensor x = *Tensor::Zeros(DType::kF32, {4, 1, 28, 28});
  const Tensor y = Tensor::FromInts(std::vector<int64_t>{0, 1, 7, 1});
  ASSERT_TRUE(WriteNpy(folder + "/npy/x.npy", x).ok());
  ASSERT_TRUE(WriteNpy(folder + "/npy/y.npy", y).ok());
  WriteText(folder + "/npy/classes.txt", "cat\ndog\n");
}

void DamageByEmptyClass(const std::string& folder) {
  std::filesystem::create_directories(folder + "/pets/train/fox");
}

void DamageJpeg(const std::string& folder) {
  const std::string path = folder + kDamagedJpeg;
  WriteText(path, ReadText(path).substr(0, 100));
}

void DamageVal(const std::string& folder) { AddJpegs(folder + "/pets/val/fox", 2, 90); }

void DamageByThirdClass(const std::string& folder) {
  AddJpegs(folder + "/pets/train/fox", 3, 90);
  AddJpegs(folder + "/pets/val/fox", 2, 90);
}

void DamageByPoints(const std::string& folder) {
  WriteText(folder + "/a.csv", "x,y,label\n1,2,cat\n3,4,dog\n1,3,cat\n3,5,dog\n");
}

struct DataErrorRow {
  const char* name;
  void (*damage)(const std::string& folder);
  const char* arguments;  // after `weft train --epochs 1 --threads 1 -o a.weft`
  std::vector<std::string> message;
  const char* before = "";  // the command, in the shell's line
};

const DataErrorRow kDataErrors[] = {
    {"a label out of range",
     DamageLabels,
     "--model lenet-bn --data npy:npy --val-split 0.3",
     {"npy:npy (train): expected a label in [0,2), example 2 has 7"}},
    {"an empty class folder",
     DamageByEmptyClass,
     "--model lenet-bn --data folder:pets",
     {"pets/train/fox: expected images of a class, the folder has none"}},
    {"a corrupt JPEG",
     DamageJpeg,
     "--model lenet-bn --data folder:pets",
     {"folder:pets (train)", "pets/train/cat/2.jpg"}},
    {"a class in val that train lacks",
     DamageVal,
     "--model lenet-bn --data folder:pets",
     {"pets/val/fox: training has no such class; it has cat, dog"}},
    {"a wrong size, of a network",
     DamageByPoints,
     "--model lenet-bn --data csv:a.csv --val-split 0.5",
     {"lenet-bn: expected an input such as 1x28x28, got 2"}},
    {"a wrong size, of a file",
     DamageByPoints,
     "--model two.weft --data csv:a.csv --val-split 0.5",
     {"expected f32[N,1,28,28], got dims [2,2]"}},
    {"more classes than the head",
     DamageByThirdClass,
     "--model two.weft --data folder:pets",
     {"the model's output logits has 2 classes, folder:pets (train) has 3: --replace-head 3"}},
    {"a full disk",
     DamageNothing,
     "--model lenet-bn --data folder:pets",
     {"a.weft", "File too large"},
     "ulimit -f 32 && "},
};

TEST_F(CliDataErrors, AreOneClearLineEach) {
  Output("zoo lenet-bn --classes 2 -o two.weft");
  for (const DataErrorRow& row : kDataErrors) {
    SCOPED_TRACE(row.name);
    std::filesystem::copy(Path("pets"), Path("whole"), std::filesystem::copy_options::recursive);
    row.damage(folder_);
    const Outcome o =
        Finish(Start(std::string("train --epochs 1 --threads 1 -o a.weft ") + row.arguments,
                     "stdout", row.before));
    EXPECT_EQ(o.code, 1);
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
    for (const std::string& part : row.message) EXPECT_THAT(o.err, HasSubstr(part));
    EXPECT_FALSE(std::filesystem::exists(Path("a.weft")));
    std::filesystem::remove_all(Path("pets"));
    std::filesystem::rename(Path("whole"), Path("pets"));
  }
}

TEST_F(CliDataErrors, UnreadablePicturesAreLeftOutWithTheirCountByOption) {
  DamageJpeg(folder_);
  EXPECT_THAT(Output("train --model lenet-bn --data folder:pets --epochs 1 --threads 1 "
                     "--skip-unreadable -o a.weft"),
              HasSubstr("11 images of folder:pets (train; 1 unreadable left out)"));
  EXPECT_THAT(Output("data folder:pets"), AllOf(HasSubstr("1 unreadable"), HasSubstr("cat/2.jpg")));
}

// A head for the new class, and all is well; a training that goes on keeps its own.
TEST_F(CliDataErrors, TheWayOutOfTooFewClassesWorks) {
  DamageByThirdClass(folder_);
  Output("zoo lenet-bn --classes 2 -o two.weft");
  const std::string data = " --data folder:pets --epochs 1 --threads 1 ";
  Output("train --model two.weft --replace-head 3 -o three.weft" + data);
  EXPECT_THAT(Error("train --resume three.weft --replace-head 4 --epochs 2"),
              HasSubstr("three.weft: its training goes on, which --init, --init-from, "
                        "--replace-head"));
  AddJpegs(Path("pets/train/owl"), 3, 60);
  Output("train --model three.weft --restart --replace-head 4 -o four.weft" + data);
}

}  // namespace
}  // namespace weft
