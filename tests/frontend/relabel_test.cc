#include "frontend/data/relabel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/frontend/testing_data.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Names = std::vector<std::string>;

TEST(WithClassesOf, GivesClassesTheModelsNumbers) {
  const std::string folder = TestFolder();
  AddPicture(folder + "/bee/1.png", Plain(1, 1, {1}));
  AddPicture(folder + "/cat/1.png", Plain(1, 1, {2}));
  const auto own = Opened("folder:" + folder, Split::kTrain);
  const auto models = WithClassesOf({"ant", "bee", "cat"}, own);
  ASSERT_TRUE(models.ok()) << models.status();
  EXPECT_THAT((*models)->class_names(), ElementsAre("ant", "bee", "cat"));
  EXPECT_THAT(LabelsOf(**models), ElementsAre(1, 2));
  EXPECT_EQ((*models)->ReadSource(1)->label, 2);
  EXPECT_EQ((*models)->ReadSource(1)->picture, own->ReadSource(1)->picture);
  EXPECT_EQ((*models)->preprocessing(), own->preprocessing());
}

TEST(WithClassesOf, LeavesWhatHasTheSameNumbersOrOtherNames) {
  const auto digits = Opened("digits:10", Split::kTest);
  Names more = digits->class_names();
  more.push_back("more");
  for (const Names& names : {digits->class_names(), more, Names{}, Names{"zero", "one"},
                             Names{"0", "1", "1"}, Names{"0", "1"}}) {
    EXPECT_EQ(*WithClassesOf(names, digits), digits);
  }
}

TEST(WithClassesOf, RefusesClassesThatTheModelLacks) {
  EXPECT_THAT(MessageOf(WithClassesOf({"1", "2"}, Opened("digits:10", Split::kTest)).status()),
              HasSubstr("expected classes that the model tells apart, 1, 2; it has "));
}

TEST(WithClassesOf, RelabelsThePixelsOfMasks) {
  const std::string folder = TestFolder();
  AddPicture(folder + "/images/one.png", Plain(1, 2, {50, 60, 70}));
  AddPicture(folder + "/masks/one.png", {.height = 1, .width = 2, .channels = 1, .pixels = {0, 1}});
  AddText(folder + "/classes.txt", "road\nsky\n");
  const auto models =
      WithClassesOf({"sky", "tree", "road"}, Opened("masks:" + folder, Split::kTrain));
  ASSERT_TRUE(models.ok()) << models.status();
  EXPECT_THAT(ReadAt(**models, 0).classes, ElementsAre(2, 0));
  EXPECT_THAT((*models)->ReadSource(0)->mask->pixels, ElementsAre(2, 0));
}

}  // namespace
}  // namespace weft
