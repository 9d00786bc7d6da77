// Data sets of tables and arrays: CSV, NumPy, CIFAR's binary files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "frontend/data/csv.h"
#include "frontend/data/tensor_data.h"
#include "frontend/io/npy.h"
#include "tests/frontend/testing_data.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Csv, ParsesQuotesAndLineEnds) {
  const auto table = ParseCsv(
      "\xef\xbb\xbf"
      "a,\"b,c\"\r\n1,\"x \"\"y\"\"\nz\"\r\n\r\n,\n",
      "t");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_THAT(table->columns, ElementsAre("a", "b,c"));
  EXPECT_THAT(table->rows, ElementsAre(ElementsAre("1", "x \"y\"\nz"), ElementsAre("", "")));
}

TEST(Csv, RefusesWhatIsMalformed) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {{"", "t: expected a line of column names"},
               {"a,b\n", "t: expected a line of column names"},
               {"a,b\n1,2\n3\n", "t: line 3: expected 2 cells, got 1"},
               {"a,a\n1,2\n", "\"a\" is there twice"},
               {"a,b\n1,\"2\n", "t: line 2: a cell in quotes does not end"},
               {"a\n\"1\"2\n", "t: line 2: expected a comma after a cell in quotes"}};
  for (const auto& c : cases) {
    EXPECT_THAT(MessageOf(ParseCsv(c.text, "t").status()), HasSubstr(c.error)) << c.text;
  }
}

std::string CsvFile(std::string_view text) {
  const std::string path = TestFolder() + "/x.csv";
  WriteText(path, text);
  return path;
}

TEST(CsvData, FeaturesAndNamedClasses) {
  const std::string path = CsvFile("length,kind,width\n1.5,rose,2\n-3,iris,4e1\n5,rose,6\n");
  const auto dataset = Opened("csv:" + path, Split::kTrain, {.label_columns = "kind"});
  ASSERT_NE(dataset, nullptr);
  EXPECT_THAT(dataset->class_names(), ElementsAre("iris", "rose"));
  EXPECT_EQ(dataset->example_dims(), (Dims{2}));
  EXPECT_THAT(ReadAt(*dataset, 1).values, ElementsAre(-3, 40));
  EXPECT_THAT(LabelsOf(*dataset), ElementsAre(1, 0, 1));
  EXPECT_NEAR(dataset->preprocessing().mean[0], (1.5 + 2 - 3 + 40 + 5 + 6) / 6, 1e-5);
}

TEST(CsvData, NumbersAreClassesOrTargets) {
  const auto classes = Opened("csv:" + CsvFile("x,label\n1,2\n2,0\n"), Split::kTrain);
  EXPECT_THAT(classes->class_names(), ElementsAre("0", "1", "2"));
  EXPECT_THAT(LabelsOf(*classes), ElementsAre(2, 0));
  const auto numbers = Opened("csv:" + CsvFile("x,y\n1,2.5\n2,0\n"), Split::kTrain);
  EXPECT_TRUE(numbers->targets());
  EXPECT_THAT(ReadAt(*numbers, 0).targets, ElementsAre(2.5f));
  const auto several = Opened("csv:" + CsvFile("x,sun,rain\n1,1,0\n2,1,1\n"), Split::kTrain,
                              {.label_columns = "sun, rain"});
  EXPECT_TRUE(several->targets());
  EXPECT_THAT(several->class_names(), ElementsAre("sun", "rain"));
  EXPECT_THAT(ReadAt(*several, 0).targets, ElementsAre(1, 0));
}

TEST(CsvData, SplitsByColumnByFilesAndByShare) {
  const std::string path = CsvFile("x,label,split\n1,a,train\n2,b,train\n3,a,val\n");
  EXPECT_EQ(Opened("csv:" + path, Split::kTrain)->size(), 2);
  const auto val = Opened("csv:" + path, Split::kTest);
  EXPECT_THAT(ReadAt(*val, 0).values, ElementsAre(3));
  EXPECT_NEAR(val->preprocessing().mean[0], 1.5, 1e-6);  // of training
  const auto last = Opened("csv:" + CsvFile("x,y,split\n1,5,train\n2,0,val\n"), Split::kTrain);
  EXPECT_THAT(ReadAt(*last, 0).values, ElementsAre(1));
  EXPECT_THAT(ReadAt(*last, 0).classes, ElementsAre(5));  // y is the last column but for "split"
  const std::string folder = TestFolder();
  WriteText(folder + "/train.csv", "x,label\n1,a\n2,b\n");
  WriteText(folder + "/test.csv", "x,label\n5,b\n");
  EXPECT_THAT(LabelsOf(*Opened("csv:" + folder, Split::kTest)), ElementsAre(1));
  WriteText(folder + "/all.csv", "x,label\n1,a\n2,a\n3,b\n4,b\n");
  EXPECT_THAT(LabelsOf(*Opened("csv:" + folder + "/all.csv", Split::kTest, {.val_split = 0.5})),
              ElementsAre(0, 1));
}

TEST(CsvData, PathsAreRelativeToTheFile) {
  const std::string folder = TestFolder();
  AddPicture(folder + "/pictures/a.png", Plain(2, 2, {7}));
  AddPicture(folder + "/pictures/b.png", Plain(2, 2, {8}));
  WriteText(folder + "/x.csv", "path,label,note\npictures/b.png,cat,-\npictures/a.png,dog,-\n");
  const auto dataset = Opened("csv:" + folder + "/x.csv", Split::kTrain);
  ASSERT_NE(dataset, nullptr);
  EXPECT_EQ(dataset->ReadSource(0)->picture, Plain(2, 2, {8}));
  EXPECT_THAT(LabelsOf(*dataset), ElementsAre(0, 1));
  WriteText(folder + "/y.csv", "path,hot,wet\npictures/b.png,0,1\n");
  const auto several =
      Opened("csv:" + folder + "/y.csv", Split::kTrain, {.label_columns = "hot,wet"});
  EXPECT_THAT(ReadAt(*several, 0).targets, ElementsAre(0, 1));
  WriteText(folder + "/z.csv", "path,hot,wet\nnone.png,1,1\npictures/b.png,0,1\n");
  const auto readable = Opened("csv:" + folder + "/z.csv", Split::kTrain,
                               {.skip_unreadable = true, .label_columns = "hot,wet"});
  ASSERT_NE(readable, nullptr);
  EXPECT_THAT(readable->name(), HasSubstr("(train; 1 unreadable left out)"));
  EXPECT_THAT(ReadAt(*readable, 0).targets, ElementsAre(0, 1));
}

TEST(CsvData, FeaturesMayBeChosenOrLieBesidePictures) {
  const auto chosen = Opened("csv:" + CsvFile("a,b,c,label\n1,x,3,0\n4,y,6,1\n"), Split::kTrain,
                             {.feature_columns = "c, a"});
  EXPECT_THAT(ReadAt(*chosen, 1).values, ElementsAre(6, 4));
  const std::string folder = TestFolder();
  AddPicture(folder + "/a.png", Plain(1, 2, {51}));
  AddPicture(folder + "/b.png", Plain(1, 2, {102}));
  WriteText(folder + "/x.csv",
            "path,age,hot,wet,weight\na.png,1,0,1,2\nnone.png,3,1,1,4\n"
            "b.png,5,1,0,6\n");
  DataOptions options = {
      .skip_unreadable = true, .label_columns = "hot,wet", .feature_columns = "age,weight"};
  const auto both = Opened("csv:" + folder + "/x.csv", Split::kTrain, options);
  ASSERT_NE(both, nullptr);
  ASSERT_EQ(both->parts().size(), 2);
  EXPECT_EQ(both->parts()[0].name, "image");
  EXPECT_EQ(both->parts()[1].name, "features");
  EXPECT_EQ(both->parts()[1].dims, Dims{2});
  EXPECT_EQ(both->size(), 2);  // the picture that is left out takes its row along
  EXPECT_THAT(ReadAt(*both, 1).values, ElementsAre(0.4f, 0.4f, 5, 6));
  EXPECT_THAT(ReadAt(*both, 1).targets, ElementsAre(1, 0));
  EXPECT_THAT(both->ReadSource(1)->rest, ElementsAre(5, 6));
  options.skip_unreadable = false;
  const auto all = Opened("csv:" + folder + "/x.csv", Split::kTrain, options);
  EXPECT_THAT(MessageOf(ReadAt(*all, 1).status), HasSubstr("none.png"));
}

TEST(CsvData, SaysWhatIsWrong) {
  const struct {
    const char* text;
    DataOptions options;
    const char* error;
  } cases[] = {{"x,label\nsix,a\n", {}, "row 1, column x: expected a number, got \"six\""},
               {"x,label\n,a\n", {}, "row 1, column x: expected a number, got \"\""},
               {"x,label\nnan,a\n", {}, "row 1, column x: expected a number, got \"nan\""},
               {"x,label\n1,a\n2,\n", {}, "row 2, column label: expected a label, got \"\""},
               {"x,y\n1,nan\n", {}, "row 1, column y: expected a number, got \"nan\""},
               {"x,y\n1,a\n", {.label_columns = "z"}, "x.csv: has no column \"z\""},
               {"x,y\n1,a\n", {.path_column = "p"}, "x.csv: has no column \"p\""},
               {"label\na\n", {}, "expected columns of features or of paths"},
               {"x,label,split\n1,a,north\n", {}, "expected train, val or test, got \"north\""}};
  for (const auto& c : cases) {
    EXPECT_THAT(OpenError("csv:" + CsvFile(c.text), Split::kTrain, c.options), HasSubstr(c.error));
  }
  EXPECT_THAT(OpenError("csv:" + CsvFile("x,label,split\n1,a,train\n2,b,val\n"), Split::kTest),
              HasSubstr("row 2, column label: expected a class that training has, got \"b\""));
  EXPECT_THAT(OpenError("csv:" + CsvFile("x,label,split\n1,2,train\n2,1.5,val\n"), Split::kTest),
              HasSubstr("expected a class that training has, got \"1.5\""));
}

template <typename T>
void SaveNpy(const std::string& path, Dims dims, const std::vector<T>& values) {
  const auto tensor = Tensor::FromValues<T>(std::move(dims), values);
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  ASSERT_TRUE(WriteNpy(path, *tensor).ok());
}

TEST(NpyData, SignalsOfAnyRank) {
  const std::string folder = TestFolder();
  SaveNpy<float>(folder + "/x.npy", {2, 3}, {1, 2, 3, 4, 5, 6});
  SaveNpy<int64_t>(folder + "/y.npy", {2}, {1, 0});
  SaveNpy<float>(folder + "/x_test.npy", {1, 3}, {7, 8, 9});
  SaveNpy<int64_t>(folder + "/y_test.npy", {1}, {1});
  const auto train = Opened("npy:" + folder, Split::kTrain);
  EXPECT_EQ(train->example_dims(), (Dims{3}));
  EXPECT_THAT(ReadAt(*train, 1).values, ElementsAre(4, 5, 6));
  EXPECT_THAT(LabelsOf(*train), ElementsAre(1, 0));
  EXPECT_NEAR(train->preprocessing().mean[0], 3.5, 1e-6);
  EXPECT_NEAR(train->preprocessing().std[0], std::sqrt(35.0 / 12), 1e-6);
  const auto test = Opened("npy:" + folder, Split::kTest);
  EXPECT_THAT(ReadAt(*test, 0).values, ElementsAre(7, 8, 9));
  EXPECT_EQ(test->preprocessing(), train->preprocessing());
  SaveNpy<int64_t>(folder + "/y_test.npy", {1}, {2});
  EXPECT_THAT(OpenError("npy:" + folder, Split::kTest),
              HasSubstr("expected a label in [0,2), example 0 has 2"));
  SaveNpy<float>(folder + "/y_test.npy", {1}, {1});
  EXPECT_THAT(OpenError("npy:" + folder, Split::kTest),
              HasSubstr("(test): y: expected what training has, i64[2], got f32[1]"));
  SaveNpy<float>(folder + "/x_test.npy", {1, 3, 1}, {7, 8, 9});
  EXPECT_THAT(OpenError("npy:" + folder, Split::kTest),
              HasSubstr("(test): x: expected what training has, f32[2,3], got f32[1,3,1]"));
  SaveNpy<uint8_t>(folder + "/x_test.npy", {1, 3}, {7, 8, 9});
  EXPECT_THAT(OpenError("npy:" + folder, Split::kTest), HasSubstr("got u8[1,3]"));
  SaveNpy<float>(folder + "/x.npy", {2, 3}, {1, 2, 3, 4, NAN, 6});
  EXPECT_THAT(OpenError("npy:" + folder, Split::kTrain),
              HasSubstr("example 1 has a value that is NaN or infinite"));
  SaveNpy<int64_t>(folder + "/y.npy", {2}, {1, -1});
  EXPECT_THAT(OpenError("npy:" + folder, Split::kTrain), HasSubstr("example 1 has -1"));
}

// With every kind of element; the only image comes first, all others stay as they are.
TEST(NpyData, APartForEachInput) {
  const std::string folder = TestFolder();
  SaveNpy<uint8_t>(folder + "/x_picture.npy", {4, 1, 2}, {0, 51, 102, 0, 0, 255, 51, 51});
  SaveNpy<int64_t>(folder + "/x_words.npy", {4, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  SaveNpy<double>(folder + "/x_age.npy", {4}, {20, 30, 40, 50});
  SaveNpy<int64_t>(folder + "/y.npy", {4}, {0, 0, 1, 1});
  const auto train = Opened("npy:" + folder, Split::kTrain);
  ASSERT_NE(train, nullptr);
  ASSERT_EQ(train->parts().size(), 3);
  EXPECT_EQ(train->parts()[0].name, "picture");
  EXPECT_EQ(train->part_dims(train->parts()[0]), (Dims{1, 1, 2}));
  EXPECT_EQ(train->parts()[1].name, "age");
  EXPECT_EQ(train->parts()[1].dims, Dims{1});
  EXPECT_EQ(train->parts()[2].name, "words");
  EXPECT_TRUE(train->is_images());
  EXPECT_TRUE(train->is_normalised());
  EXPECT_THAT(ReadAt(*train, 2).values, ElementsAre(0, 1, 40, 7, 8, 9));
  const auto test = Opened("npy:" + folder, Split::kTest, {.val_split = 0.5});
  EXPECT_EQ(test->parts().size(), 3);
  EXPECT_THAT(LabelsOf(*test), ElementsAre(0, 1));
  const float age = ReadAt(*test, 0).values[2];  // the same example of all arrays
  EXPECT_EQ(ReadAt(*test, 0).values[3], age == 20 ? 1 : 4);
}

TEST(NpyData, BytesAreImages) {
  const std::string folder = TestFolder();
  SaveNpy<uint8_t>(folder + "/x.npy", {1, 1, 2, 3}, {1, 2, 3, 4, 5, 6});
  SaveNpy<float>(folder + "/y.npy", {1, 2}, {0.5f, 2});
  const auto last = Opened("npy:" + folder, Split::kTrain);  // [N,C,H,W] where it may be
  EXPECT_EQ(last->example_dims(), (Dims{1, 2, 3}));
  EXPECT_TRUE(last->is_images());
  EXPECT_THAT(ReadAt(*last, 0).targets, ElementsAre(0.5f, 2));
  SaveNpy<uint8_t>(folder + "/x.npy", {1, 2, 1, 3}, {1, 2, 3, 4, 5, 6});
  const auto channels_last = Opened("npy:" + folder, Split::kTrain);
  EXPECT_EQ(channels_last->example_dims(), (Dims{3, 2, 1}));
  std::vector<int> levels;
  for (const float x : ReadAt(*channels_last, 0).values) {
    levels.push_back(static_cast<int>(std::lround(x * 255)));
  }
  EXPECT_THAT(levels, ElementsAre(1, 4, 2, 5, 3, 6));
}

TEST(NpyData, HoldsOutAndRefuses) {
  const std::string folder = TestFolder();
  SaveNpy<float>(folder + "/x.npy", {4, 1}, {0, 1, 2, 3});
  SaveNpy<int64_t>(folder + "/y.npy", {4}, {0, 0, 1, 1});
  EXPECT_THAT(LabelsOf(*Opened("npy:" + folder, Split::kTest, {.val_split = 0.5})),
              ElementsAre(0, 1));
  EXPECT_THAT(OpenError("npy:" + folder, Split::kTest), HasSubstr("--val-split"));
  SaveNpy<int64_t>(folder + "/y.npy", {3}, {0, 0, 1});
  EXPECT_THAT(OpenError("npy:" + folder, Split::kTrain), HasSubstr("f32[4,1] and i64[3]"));
  EXPECT_THAT(OpenError("npy:" + folder + "/none", Split::kTrain), HasSubstr("x.npy"));
}

std::string CifarRecord(std::string labels, char level) {
  return labels + std::string(1024, level) + std::string(1024, '\x40') + std::string(1024, '\x80');
}

TEST(CifarData, ReadsTheBinaryFiles) {
  const std::string folder = TestFolder();
  for (char i = 1; i <= 5; ++i) {
    WriteText(folder + "/data_batch_" + std::to_string(i) + ".bin",
              CifarRecord(std::string(1, i), i) + CifarRecord(std::string(1, '\0'), '\x20'));
  }
  const auto train = Opened("cifar10:" + folder, Split::kTrain);
  ASSERT_NE(train, nullptr);
  EXPECT_EQ(train->size(), 10);
  EXPECT_EQ(train->example_dims(), (Dims{3, 32, 32}));
  const ReadBack third = ReadAt(*train, 4);
  EXPECT_EQ(third.values[0], 3 / 255.0f);
  EXPECT_EQ(third.values[1024], 64 / 255.0f);
  EXPECT_THAT(third.classes, ElementsAre(3));
  const auto source = train->ReadSource(4);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_THAT(
      std::vector<uint8_t>(source->picture.pixels.begin(), source->picture.pixels.begin() + 3),
      ElementsAre(3, 64, 128));
  EXPECT_THAT(OpenError("cifar10:" + folder, Split::kTest), HasSubstr("test_batch.bin"));
  WriteText(folder + "/test_batch.bin", "short");
  EXPECT_THAT(OpenError("cifar10:" + folder, Split::kTest),
              HasSubstr("expected records of 3073 bytes, the file has 5 bytes"));
  WriteText(folder + "/test_batch.bin", CifarRecord("\x0a", 'x'));
  EXPECT_THAT(OpenError("cifar10:" + folder, Split::kTest),
              HasSubstr("expected a label in [0,10), record 0 has 10"));
}

TEST(CifarData, OfAHundredClassesTakesTheFineLabels) {
  const std::string folder = TestFolder();
  std::string names;
  for (int i = 0; i < 100; ++i) names += "class" + std::to_string(i) + "\n";
  AddText(folder + "/cifar-100-binary/fine_label_names.txt", names);
  AddText(folder + "/cifar-100-binary/test.bin", CifarRecord("\x07\x5d", 'x'));
  const auto test = Opened("cifar100:" + folder, Split::kTest);
  ASSERT_NE(test, nullptr);
  EXPECT_THAT(LabelsOf(*test), ElementsAre(93));
  EXPECT_EQ(test->class_names()[93], "class93");
}

}  // namespace
}  // namespace weft
