#include "frontend/train/config_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/train/train_loop.h"
#include "testing_files.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

// One option of each kind.
struct EveryKind {
  double rate = 0.1;
  int64_t count = 3;
  bool loud = false;
  std::string name = "a \"b\"\\\nc\u00e4";
  std::vector<std::string> patterns = {};
};

template <typename F>
void VisitOptions(EveryKind& o, F& f) {
  f("rate", o.rate, "A rate");
  f("count", o.count, "How many");
  f("loud", o.loud, "Whether it is heard");
  f("name", o.name, "What it is called");
  f("patterns", o.patterns, "Which ones");
}

template <typename Options>
ConfigKeys KeysOf(Options options) {
  ConfigKeys keys;
  VisitOptions(options, keys);
  return keys;
}

TEST(ConfigText, GivesWhatTheTextSaysAndNothingElse) {
  const auto config = KeysOf(EveryKind())
                          .Parse(
                              "# none\nrate: 2\nloud: true patterns: 'x'\n"
                              "patterns: \"y.*\"",
                              "f");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(*config,
              ElementsAre(Pair("loud", "1"), Pair("patterns", "x\ny.*"), Pair("rate", "2")));
  EveryKind options;
  ASSERT_TRUE(ReadOptions(*config, options).ok());
  EXPECT_EQ(options.rate, 2);
  EXPECT_EQ(options.count, 3);
  EXPECT_TRUE(options.loud);
  EXPECT_THAT(options.patterns, ElementsAre("x", "y.*"));
  EXPECT_TRUE(KeysOf(EveryKind()).Parse("", "f")->empty());
}

TEST(ConfigText, PrintedTextReadsBackExactly) {
  EveryKind options = {
      .rate = 0.1 + 0.2, .count = INT64_MIN, .loud = true, .patterns = {"a", "\""}};
  Config written;
  WriteOptions(options, written);
  const ConfigKeys keys = KeysOf(options);
  const auto read = keys.Parse(keys.Print(written), "f");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, written);
  EXPECT_THAT(keys.Print(written), HasSubstr("# A rate\nrate: 0.30000000000000004\n"));
}

TEST(ConfigText, AllOptionsOfATrainingReadBackExactly) {
  FitOptions fit = {.epochs = 7, .schedule = {.kind = "multi_step", .milestones = {"3", "5"}}};
  fit.early_stopping.min_delta = 1e-300;
  Config written;
  WriteOptions(fit, written);
  WriteOptions(TrainOptions(), written);
  ConfigKeys keys;
  TrainOptions train;
  VisitOptions(fit, keys);
  VisitOptions(train, keys);
  auto read = keys.Parse(keys.Print(written), "f");
  ASSERT_TRUE(read.ok()) << read.status();
  for (const auto& [key, value] : written) {
    EXPECT_EQ((*read)[key], value) << key;  // an empty list is as good as none
  }
  EXPECT_EQ(FitOptionsOf(*read)->schedule, fit.schedule);
}

TEST(ConfigText, ErrorsSayWhere) {
  struct Case {
    const char* text;
    const char* message;
  };
  const ConfigKeys keys = KeysOf(EveryKind());
  for (const Case& c : std::initializer_list<Case>{
           {"rate: 1\n  coumt: 3", "t.txt:2:8: there is no option coumt, did you mean count?"},
           {"zzzzzzzzzzzz: 3", "t.txt:1:13: there is no option zzzzzzzzzzzz"},
           {"count: 1.5", "t.txt:1:8: Expected integer, got: 1.5"},
           {"count: many", "t.txt:1:8: Expected integer"},
           {"rate: \"x\"", "t.txt:1:7: Expected double"},
           {"loud: 2", "t.txt:1:7: Integer out of range"},
           {"name: 3", "t.txt:1:7: Expected string, got: 3"},
           {"rate: 1 rate: 2", "\"rate\" is specified multiple times"},
           {"rate 1", "t.txt:1:6: Expected \":\""},
           {"name: \"open", "t.txt:1:"},
           {"count: 99999999999999999999", "t.txt:1:8: Integer out of range"}}) {
    EXPECT_THAT(MessageOf(keys.Parse(c.text, "t.txt").status()), HasSubstr(c.message)) << c.text;
  }
}

TEST(ConfigText, NamesWhatIsNotAsUsual) {
  const EveryKind usual;
  EveryKind options;
  options.count = 4;
  options.loud = true;
  options.patterns = {"x", "y"};
  Config a, b;
  WriteOptions(options, a);
  WriteOptions(usual, b);
  EXPECT_EQ(KeysOf(usual).Differences(a, b), "count 4, loud yes, patterns x y");
  EXPECT_EQ(KeysOf(usual).Differences(b, b), "");
}

}  // namespace
}  // namespace weft
