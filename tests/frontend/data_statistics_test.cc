// What `weft data` shows: statistics, duplicates, the contact sheet; and the command itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "frontend/data/contact_sheet.h"
#include "frontend/data/statistics.h"
#include "frontend/data/tensor_data.h"
#include "frontend/io/decode.h"
#include "tests/frontend/testing_cli.h"
#include "tests/frontend/testing_data.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

// Two classes; the second has a picture that cannot be read, and one that is in val too.
std::string MixedFolder(const std::string& folder) {
  AddPicture(folder + "/train/a/1.png", Plain(1, 2, {10, 20, 30}));
  AddPicture(folder + "/train/a/2.png", Plain(1, 2, {50, 60, 70}));
  AddPicture(folder + "/train/b/1.png", Plain(2, 1, {90, 20, 30}));
  AddText(folder + "/train/b/2.png", "nothing");
  AddPicture(folder + "/val/b/same.png", Plain(2, 1, {90, 20, 30}));
  return "folder:" + folder;
}

TEST(InspectDataset, CountsClassesSizesAndLevels) {
  const std::string spec = MixedFolder(TestFolder());
  const auto train = InspectDataset(*Opened(spec, Split::kTrain));
  ASSERT_TRUE(train.ok()) << train.status();
  EXPECT_EQ(train->examples, 3);
  EXPECT_THAT(train->class_counts, ElementsAre(2, 1));
  EXPECT_THAT(train->sizes, ElementsAre(Pair(Pair(1, 2), 2), Pair(Pair(2, 1), 1)));
  EXPECT_NEAR(train->sums.Mean(0), 50.0 / 255, 1e-12);
  EXPECT_NEAR(train->sums.Deviation(0), std::sqrt(3200.0 / 3) / 255, 1e-12);
  ASSERT_EQ(train->unreadable.size(), 1);
  EXPECT_THAT(train->unreadable[0], HasSubstr("/train/b/2.png: expected a PNG"));
  const auto test = InspectDataset(*Opened(spec, Split::kTest));
  EXPECT_THAT(FindDuplicates(*train, *test), ElementsAre(Pair(2, 0)));
}

TEST(InspectDataset, CountsThePixelsOfMasks) {
  const std::string folder = TestFolder();
  AddPicture(folder + "/images/one.png", Plain(1, 3, {50, 60, 70}));
  AddPicture(folder + "/masks/one.png",
             {.height = 1, .width = 3, .channels = 1, .pixels = {2, 0, 2}});
  const auto statistics = InspectDataset(*Opened("masks:" + folder, Split::kTrain));
  ASSERT_TRUE(statistics.ok()) << statistics.status();
  EXPECT_THAT(statistics->class_counts, ElementsAre(1, 0, 2));
}

TEST(InspectDataset, ReadsWhatIsNoPicture) {
  const std::vector<float> x = {1, 2, 3, 6};
  const std::vector<int64_t> y = {1, 1};
  const auto dataset = MakeTensorDataset(
      {.name = "t"}, {*Tensor::FromValues<float>({2, 2}, x), Tensor::FromInts(y)});
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  const auto statistics = InspectDataset(**dataset);
  ASSERT_TRUE(statistics.ok()) << statistics.status();
  EXPECT_EQ(statistics->examples, 2);
  EXPECT_THAT(statistics->class_counts, ElementsAre(0, 2));
  EXPECT_TRUE(statistics->sizes.empty());
  EXPECT_NEAR(statistics->sums.Mean(0), 3, 1e-12);
  EXPECT_NEAR(statistics->sums.Deviation(0), std::sqrt(3.5), 1e-12);
}

TEST(ContactSheet, ShowsPicturesAndTheirClasses) {
  const std::string folder = TestFolder();
  AddPicture(folder + "/a/1.png", Plain(4, 4, {200, 100, 50}));
  AddPicture(folder + "/b/1.png", Plain(4, 4, {0, 0, 250}));
  const auto sheet =
      ContactSheet(*Opened("folder:" + folder, Split::kTrain), {.columns = 2, .tile = 40});
  ASSERT_TRUE(sheet.ok()) << sheet.status();
  EXPECT_EQ(sheet->width, 2 * 44 + 4);
  const auto pixel = [&](int64_t y, int64_t x) {
    const auto at = static_cast<size_t>((y * sheet->width + x) * 3);
    return std::vector<int>(sheet->pixels.begin() + static_cast<std::ptrdiff_t>(at),
                            sheet->pixels.begin() + static_cast<std::ptrdiff_t>(at + 3));
  };
  EXPECT_THAT(pixel(20, 20), ElementsAre(200, 100, 50));
  EXPECT_THAT(pixel(20, 70), ElementsAre(0, 0, 250));
  EXPECT_THAT(pixel(0, 0), ElementsAre(255, 255, 255));
  // "A" is 25755: its top row has the middle square alone.
  EXPECT_THAT(pixel(46, 4), ElementsAre(255, 255, 255));
  EXPECT_THAT(pixel(46, 6), ElementsAre(0, 0, 0));
  EXPECT_THAT(
      MessageOf(ContactSheet(*Opened("folder:" + folder, Split::kTrain), {.tile = 0}).status()),
      HasSubstr("above 0"));
}

TEST(DrawText, StaysInsideThePicture) {
  Picture picture = Plain(4, 4, {255});
  DrawText(picture, -2, -3, "W?~", 2, 0);
  EXPECT_EQ(picture.pixels.size(), 16);
}

using DataCli = Cli;

TEST_F(DataCli, ShowsWhatIsThere) {
  MixedFolder(Path("pets"));
  const std::string out = Output("data folder:pets --preview sheet.png --skip-unreadable");
  EXPECT_THAT(out, HasSubstr("3 examples, read as [3,224,224]"));
  EXPECT_THAT(out, HasSubstr("height x width: 1x2 (2), 2x1 (1)"));
  EXPECT_THAT(out, HasSubstr("1 examples are in both splits:\n  pets/train/b/1.png = "
                             "pets/val/b/same.png"));
  EXPECT_THAT(out, HasSubstr("b                1            1"));
  EXPECT_TRUE(LoadPicture(Path("sheet.png")).ok());
  EXPECT_THAT(Output("data folder:pets"), HasSubstr("1 unreadable (--skip-unreadable"));
  EXPECT_THAT(Error("data folder:dogs"), HasSubstr("dogs: expected a folder"));
}

TEST_F(DataCli, SaysHowToHoldOut) {
  AddPicture(Path("whole/a/1.png"), Plain(1, 1, {1}));
  AddPicture(Path("whole/a/2.png"), Plain(1, 1, {2}));
  EXPECT_THAT(Output("data folder:whole"), HasSubstr("note: whole: has no part for validation"));
  EXPECT_THAT(Output("data folder:whole --val-split 0.5"), HasSubstr("no example is in both"));
}

}  // namespace
}  // namespace weft
