// Pictures in folders: class folders, masks, what is held out of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "frontend/data/folder.h"
#include "frontend/data/picture_files.h"
#include "frontend/data/split.h"
#include "tests/frontend/testing_data.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Two classes of two pictures each in train, one of one in val.
std::string SmallFolder() {
  const std::string folder = TestFolder();
  AddPicture(folder + "/train/dog/b.png", Plain(2, 3, {10, 20, 30}));
  AddPicture(folder + "/train/dog/a.png", Plain(2, 3, {40, 50, 60}));
  AddPicture(folder + "/train/cat/x.png", Plain(2, 3, {70, 80, 90}));
  AddPicture(folder + "/train/cat/deep/y.png", Plain(2, 3, {100, 110, 120}));
  AddText(folder + "/train/cat/notes.txt", "no image");
  AddText(folder + "/train/.hidden/z.png", "nobody's");
  AddPicture(folder + "/val/dog/c.png", Plain(2, 3, {1, 2, 3}));
  return folder;
}

TEST(FolderData, ListsClassesAndFilesByName) {
  const std::string folder = SmallFolder();
  const auto train = Opened("folder:" + folder, Split::kTrain);
  ASSERT_NE(train, nullptr);
  EXPECT_EQ(train->name(), "folder:" + folder + " (train; 1 other file)");
  EXPECT_THAT(train->class_names(), ElementsAre("cat", "dog"));
  EXPECT_THAT(LabelsOf(*train), ElementsAre(0, 0, 1, 1));
  EXPECT_EQ(train->example_dims(), (Dims{3, 2, 3}));
  EXPECT_EQ(ExampleName(*train, 2), folder + "/train/dog/a.png");
  const ReadBack first = ReadAt(*train, 3);
  ASSERT_TRUE(first.status.ok()) << first.status;
  EXPECT_EQ(first.values[0], 10 / 255.0f);
  EXPECT_EQ(first.values[6], 20 / 255.0f);
  EXPECT_EQ(first.values[12], 30 / 255.0f);
  EXPECT_TRUE(train->has_pictures());
  const auto source = train->ReadSource(3);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(source->picture, Plain(2, 3, {10, 20, 30}));
  EXPECT_EQ(source->label, 1);
  const auto test = Opened("folder:" + folder, Split::kTest);
  EXPECT_THAT(LabelsOf(*test), ElementsAre(1));  // as in training
  EXPECT_THAT(test->class_names(), ElementsAre("cat", "dog"));
  EXPECT_EQ(test->preprocessing(), train->preprocessing());
}

TEST(FolderData, NormalisesByThePixelsOfTraining) {
  const auto train = Opened("folder:" + SmallFolder(), Split::kTrain);
  const Preprocessing& p = train->preprocessing();
  EXPECT_EQ(p.channel_order, "rgb");
  EXPECT_NEAR(p.mean[0], (10 + 40 + 70 + 100) / 4.0 / 255, 1e-6);
  EXPECT_NEAR(p.mean[2], (30 + 60 + 90 + 120) / 4.0 / 255, 1e-6);
  EXPECT_NEAR(p.std[1], std::sqrt((45 * 45 + 15 * 15) / 2.0) / 255, 1e-6);
}

TEST(FolderData, GrayPicturesStayGrayAndOtherSizesAreResized) {
  const std::string folder = TestFolder();
  AddPicture(folder + "/a/1.png", Plain(4, 4, {100}));
  AddPicture(folder + "/b/1.png", Plain(8, 6, {200}));
  const auto resized = Opened("folder:" + folder, Split::kTrain, {.image_size = 5});
  EXPECT_EQ(resized->example_dims(), (Dims{1, 5, 5}));
  for (const float x : ReadAt(*resized, 1).values) EXPECT_NEAR(x, 200 / 255.0, 1e-6);
  EXPECT_EQ(Opened("folder:" + folder, Split::kTrain)->example_dims(), (Dims{1, 224, 224}));
  AddPicture(folder + "/camera/a/1.png", Plain(2, 1025, {1}));
  EXPECT_EQ(Opened("folder:" + folder + "/camera", Split::kTrain)->example_dims(),
            (Dims{1, 224, 224}));
  EXPECT_THAT(OpenError("folder:" + folder, Split::kTrain, {.image_size = -1}),
              HasSubstr("image_size: expected at least 0, got -1"));
}

TEST(FolderData, HoldsOutAShareOfEveryClass) {
  const std::string folder = TestFolder();
  for (int i = 0; i < 10; ++i) {
    const std::string name = "/" + std::to_string(i) + ".png";
    AddPicture(folder + "/a" + name, Plain(1, 1, {1}));
    if (i < 5) AddPicture(folder + "/b" + name, Plain(1, 1, {2}));
  }
  const DataOptions options = {.val_split = 0.2};
  const auto train = Opened("folder:" + folder, Split::kTrain, options);
  const auto test = Opened("folder:" + folder, Split::kTest, options);
  EXPECT_THAT(LabelsOf(*train), ElementsAre(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1));
  EXPECT_THAT(LabelsOf(*test), ElementsAre(0, 0, 1));
  std::set<std::string> names;
  for (const auto& dataset : {train, test}) {
    for (int64_t i = 0; i < dataset->size(); ++i) names.insert(ExampleName(*dataset, i));
  }
  EXPECT_EQ(names.size(), 15);
}

TEST(SplitIndices, AreDrawnByTheSeedAndStratified) {
  std::vector<int64_t> labels(100);
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = i % 4 == 0;
  const auto test = [&](int64_t seed) {
    return *SplitIndices(labels, Split::kTest, {.val_split = 0.2, .split_seed = seed});
  };
  EXPECT_EQ(test(1), test(1));
  EXPECT_NE(test(1), test(2));
  EXPECT_EQ(test(1).size(), 20);
  EXPECT_EQ(std::ranges::count_if(test(1), [](int64_t i) { return i % 4 == 0; }), 5);
  const std::vector<int64_t> one = {7}, two = {7, 7};
  EXPECT_TRUE(SplitIndices(one, Split::kTest, {.val_split = 0.9})->empty());
  EXPECT_EQ(SplitIndices(two, Split::kTest, {.val_split = 0.01})->size(), 1);
  EXPECT_EQ(SplitIndices(two, Split::kTest, {.val_split = 0.99})->size(), 1);
}

TEST(SplitIndices, AreNotTakenOfWhatHasItsParts) {
  for (const char* spec : {"digits", "digits:10", "mnist:none", "cifar10:none"}) {
    EXPECT_THAT(OpenError(spec, Split::kTrain, {.val_split = 0.2}),
                HasSubstr("has a part for validation already, --val-split 0.2 would hold out "
                          "another; --val-split 0 takes what is there"))
        << spec;
  }
}

TEST(SubsetDataset, HasTheSourcesExamples) {
  const auto digits = Opened("digits:10", Split::kTrain);
  const auto subset = SubsetDataset(digits, {7, 2}, "some");
  ASSERT_TRUE(subset.ok()) << subset.status();
  EXPECT_EQ((*subset)->name(), "some");
  EXPECT_EQ((*subset)->size(), 2);
  EXPECT_EQ(ReadAt(**subset, 0).values, ReadAt(*digits, 7).values);
  EXPECT_EQ(ReadAt(**subset, 1).classes, ReadAt(*digits, 2).classes);
  EXPECT_THAT(MessageOf(SubsetDataset(digits, {10}, "some").status()), HasSubstr("got 10"));
  EXPECT_THAT(MessageOf(SubsetDataset(digits, {}, "some").status()), HasSubstr("there are none"));
}

TEST(FolderData, SaysWhatIsWrong) {
  const std::string root = TestFolder();
  const auto add = [&](const std::string& name) { AddPicture(root + name, Plain(1, 1, {9})); };
  add("/flat/a.png");
  add("/empty/train/a/1.png");
  std::filesystem::create_directories(root + "/empty/train/b");
  add("/more/train/a/1.png");
  add("/more/val/zebra/1.png");
  add("/whole/a/1.png");
  add("/whole/a/2.png");
  const struct {
    const char* folder;
    Split split;
    double val_split;
    const char* error;
  } cases[] = {
      {"/none", Split::kTrain, 0, "/none: expected a folder"},
      {"/flat", Split::kTrain, 0, "/flat: expected a folder of images for each class"},
      {"/empty", Split::kTrain, 0,
       "/empty/train/b: expected images of a class, the folder has none"},
      {"/more", Split::kTest, 0, "/more/val/zebra: training has no such class; it has a"},
      {"/more", Split::kTrain, 0.5, "has a part for validation already"},
      {"/whole", Split::kTest, 0, "hold one out with --val-split 0.2"},
      {"/whole", Split::kTest, 1, "val_split: expected a share of at least 0 and below 1, got 1"}};
  for (const auto& c : cases) {
    EXPECT_THAT(OpenError("folder:" + root + c.folder, c.split, {.val_split = c.val_split}),
                HasSubstr(c.error));
  }
}

TEST(FolderData, NamesThatNoModelCanKeepAreErrors) {
  const std::string folder = TestFolder();
  AddPicture(folder + "/caf\xe9/1.png", Plain(1, 1, {9}));
  EXPECT_THAT(OpenError("folder:" + folder, Split::kTrain),
              HasSubstr("expected names in UTF-8, to keep them in a model, got \"caf\\xe9\""));
  std::filesystem::rename(folder + "/caf\xe9", folder + "/caf\u00e9");
  EXPECT_THAT(Opened("folder:" + folder, Split::kTrain)->class_names(), ElementsAre("caf\u00e9"));
}

TEST(FolderData, UnreadablePicturesAreNamedOrLeftOut) {
  const std::string folder = TestFolder();
  AddPicture(folder + "/a/1.png", Plain(1, 1, {9}));
  AddText(folder + "/a/2.jpg", "\xff\xd8\xff not much of a picture");
  const auto all = Opened("folder:" + folder, Split::kTrain);
  EXPECT_EQ(all->size(), 2);
  EXPECT_TRUE(ReadAt(*all, 0).status.ok());
  EXPECT_THAT(MessageOf(ReadAt(*all, 1).status), HasSubstr(folder + "/a/2.jpg: libjpeg: "));
  const auto readable = Opened("folder:" + folder, Split::kTrain, {.skip_unreadable = true});
  EXPECT_EQ(readable->size(), 1);
  EXPECT_THAT(readable->name(), HasSubstr("(train; 1 unreadable left out)"));
  std::filesystem::remove(folder + "/a/1.png");
  EXPECT_THAT(OpenError("folder:" + folder, Split::kTrain, {.skip_unreadable = true}),
              HasSubstr("2.jpg: libjpeg: "));
}

TEST(FolderData, LinksAreFollowedToFilesAndNamedWhereTheyLeadNowhere) {
  const std::string folder = TestFolder();
  AddPicture(folder + "/elsewhere/1.png", Plain(1, 1, {9}));
  std::filesystem::create_directories(folder + "/data/a/folder.png");
  std::filesystem::create_directory_symlink(folder + "/elsewhere", folder + "/data/b");
  std::filesystem::create_symlink(folder + "/elsewhere/1.png", folder + "/data/a/1.png");
  std::filesystem::create_symlink(folder + "/elsewhere/none.png", folder + "/data/a/2.png");
  const auto dataset = Opened("folder:" + folder + "/data", Split::kTrain);
  ASSERT_NE(dataset, nullptr);
  EXPECT_THAT(dataset->class_names(), ElementsAre("a", "b"));
  ASSERT_EQ(dataset->size(), 3);
  EXPECT_TRUE(ReadAt(*dataset, 0).status.ok());
  EXPECT_THAT(MessageOf(ReadAt(*dataset, 1).status), HasSubstr("/data/a/2.png: No such file"));
  EXPECT_TRUE(ReadAt(*dataset, 2).status.ok());
}

TEST(MasksData, PixelsHaveClasses) {
  const std::string folder = TestFolder();
  AddPicture(folder + "/images/one.png", Plain(2, 2, {50, 60, 70}));
  AddPicture(folder + "/masks/one.png",
             {.height = 2, .width = 2, .channels = 1, .pixels = {0, 1, 2, 1}});
  const auto dataset = Opened("masks:" + folder, Split::kTrain);
  ASSERT_NE(dataset, nullptr);
  EXPECT_THAT(dataset->class_names(), ElementsAre("0", "1", "2"));
  EXPECT_EQ(dataset->label_dims(), (Dims{2, 2}));
  EXPECT_THAT(ReadAt(*dataset, 0).classes, ElementsAre(0, 1, 2, 1));
  EXPECT_THAT(dataset->ReadSource(0)->mask->pixels, ElementsAre(0, 1, 2, 1));
  const auto larger = Opened("masks:" + folder, Split::kTrain, {.image_size = 4});
  EXPECT_THAT(ReadAt(*larger, 0).classes,
              ElementsAre(0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 1, 1, 2, 2, 1, 1));
}

TEST(MasksData, SaysWhatIsWrong) {
  const std::string folder = TestFolder();
  AddPicture(folder + "/images/one.png", Plain(2, 2, {50, 60, 70}));
  AddPicture(folder + "/masks/two.png", Plain(2, 2, {1}));
  EXPECT_THAT(OpenError("masks:" + folder, Split::kTrain), HasSubstr("expected its mask"));
  AddPicture(folder + "/masks/one.png", Plain(2, 2, {1}));
  AddText(folder + "/classes.txt", "sky\n");
  EXPECT_THAT(MessageOf(ReadAt(*Opened("masks:" + folder, Split::kTrain), 0).status),
              HasSubstr("one.png: expected classes in [0,1), a pixel is of 1"));
  AddPicture(folder + "/masks/one.png", Plain(2, 1, {0}));
  const auto dataset = Opened("masks:" + folder, Split::kTrain);
  for (const absl::Status& status : {dataset->ReadSource(0).status(), ReadAt(*dataset, 0).status}) {
    EXPECT_THAT(MessageOf(status), HasSubstr("expected 2x2 as its picture, the mask is 2x1"));
  }
  AddPicture(folder + "/masks/one.bmp", Plain(2, 2, {0}));
  EXPECT_THAT(OpenError("masks:" + folder, Split::kTrain),
              HasSubstr("expected images of different names, got " + folder +
                        "/masks/one.bmp and one.png"));
}

TEST(MasksData, LeavesOutWhatItCannotRead) {
  const std::string folder = TestFolder();
  for (const char* name : {"/images/a.png", "/images/b.png", "/masks/b.png"}) {
    AddPicture(folder + name, Plain(2, 2, {1}));
  }
  AddPicture(folder + "/masks/a.png", Plain(2, 2, {1, 2, 3}));  // colors are no classes
  EXPECT_THAT(OpenError("masks:" + folder, Split::kTrain), HasSubstr("expected a mask"));
  const auto dataset = Opened("masks:" + folder, Split::kTrain, {.skip_unreadable = true});
  ASSERT_NE(dataset, nullptr);
  EXPECT_EQ(dataset->size(), 1);
  EXPECT_EQ(dataset->name(), "masks:" + folder + " (train; 1 unreadable left out)");
}

TEST(SharedData, JpegFolderOfCifar) {
  const std::string folder = WEFT_SOURCE_DIR "/../shared/data/cifar10-jpeg";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "SKIPPED: no " << folder;
  const auto train = Opened("folder:" + folder, Split::kTrain);
  const auto test = Opened("folder:" + folder, Split::kTest);
  EXPECT_EQ(train->class_names().size(), 10);
  EXPECT_EQ(test->size(), 2000);
  EXPECT_EQ(train->example_dims(), (Dims{3, 32, 32}));
  EXPECT_NEAR(train->preprocessing().mean[0], 0.4914, 0.03);
  EXPECT_TRUE(ReadAt(*test, 1999).status.ok());
}

}  // namespace
}  // namespace weft
