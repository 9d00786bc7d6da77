#include <nlohmann/json.hpp>

#include "testing_cli.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(Cli, EvalPrintsWhatAppliesToClasses) {
  Train("a.weft");
  const std::string plain = Output("eval a.weft --data digits:1000");
  for (const char* part : {"accuracy", "top5 ", "precision ", "f1 ", "auc "}) {
    EXPECT_THAT(plain, HasSubstr(part));
  }
  EXPECT_THAT(plain, Not(HasSubstr("mse")));
  const std::string more =
      Output("eval a.weft --data digits:1000 --confusion --confusion-svg c.svg --top 2 --errors 3");
  EXPECT_THAT(more, HasSubstr("precision  recall      F1     IoU\n"));
  EXPECT_THAT(more, HasSubstr("top2 "));
  const std::string top5 = Output("eval a.weft --data digits:1000 --top 5");
  EXPECT_EQ(top5.find("top5 "), top5.rfind("top5 "));  // which it prints anyway
  EXPECT_THAT(more, HasSubstr("worst examples:\n  example "));
  EXPECT_THAT(ReadText(Path("c.svg")), StartsWith("<svg "));
  EXPECT_THAT(Error("eval a.weft --errors -1"), HasSubstr("--errors"));
  EXPECT_THAT(Error("eval a.weft --confusion-svg none/c.svg"), HasSubstr("there is no folder"));
}

TEST_F(Cli, EvalAsJsonAgreesWithItself) {
  Train("a.weft");
  const auto json =
      nlohmann::json::parse(Output("eval a.weft --data digits:1000 --json --confusion --errors 2"));
  EXPECT_EQ(json["count"], 200);
  int64_t hits = 0, support = 0;
  for (const auto& entry : json["confusion"]) {
    if (entry["label"] == entry["predicted"]) hits += entry["count"].get<int64_t>();
  }
  for (const auto& c : json["classes"]) support += c["support"].get<int64_t>();
  EXPECT_EQ(support, 200);
  EXPECT_NEAR(json["accuracy"].get<double>(), static_cast<double>(hits) / 200, 1e-12);
  ASSERT_EQ(json["errors"].size(), 2u);
  EXPECT_LE(json["errors"][0]["label_probability"], json["errors"][1]["label_probability"]);
}

constexpr char kLog[] =
    "kind,epoch,step,loss,test_loss\n"
    "step,1,10,2,\nstep,1,20,1,\nepoch,1,20,1.5,1.25\nstep,2,30,0.5,\nepoch,2,40,0.75,0.5\n";

TEST_F(Cli, PlotsALog) {
  WriteText(Path("log.csv"), kLog);
  const std::string text = Output("plot log.csv");
  EXPECT_THAT(text, HasSubstr("loss 2 -> 0.5"));
  EXPECT_THAT(text, HasSubstr("test_loss 1.25 -> 0.5"));
  Output("plot log.csv --columns loss --log-y --title Run -o c.svg");
  const std::string svg = ReadText(Path("c.svg"));
  EXPECT_THAT(svg, HasSubstr("<polyline"));
  EXPECT_THAT(svg, HasSubstr(">Run</text>"));
  EXPECT_THAT(svg, Not(HasSubstr("test_loss")));
}

TEST_F(Cli, PlotsSeveralLogsTogether) {
  WriteText(Path("a.csv"), kLog);
  WriteText(Path("b.csv"), "step,loss\n10,3\n20,0.25\n");
  const std::string text = Output("plot a.csv b.csv --columns loss");
  EXPECT_THAT(text, HasSubstr(" a loss 2 -> 0.5"));
  EXPECT_THAT(text, HasSubstr(" b loss 3 -> 0.25"));
}

// Runs in folders of their own, whose logs have one name: a color a run, a dash a column.
TEST_F(Cli, PlotsRunsByTheirFolders) {
  for (const std::string run : {"slow", "fast"}) {
    std::filesystem::create_directories(Path("runs/" + run));
    WriteText(Path("runs/" + run + "/log.csv"), kLog);
  }
  Output("plot runs/slow/log.csv runs/fast/log.csv -o c.svg");
  const std::string svg = ReadText(Path("c.svg"));
  for (const std::string name : {"slow loss", "slow test_loss", "fast loss", "fast test_loss"}) {
    EXPECT_THAT(svg, HasSubstr(">" + name + "</text>"));
  }
  // Two curves and two lines of the legend are dashed, half of either color.
  size_t dashes = 0;
  for (size_t at = svg.find("dasharray"); at != std::string::npos;
       at = svg.find("dasharray", at + 1)) {
    ++dashes;
  }
  EXPECT_EQ(dashes, 4u);
}

TEST_F(Cli, PlotSaysWhatItCannotDraw) {
  WriteText(Path("log.csv"), kLog);
  EXPECT_THAT(Error("plot log.csv --columns los"), HasSubstr("no column los, did you mean loss?"));
  EXPECT_THAT(Error("plot log.csv --columns kind"), HasSubstr("kind has no numbers"));
  EXPECT_THAT(Error("plot none.csv"), HasSubstr("none.csv"));
  EXPECT_THAT(Error("plot log.csv -o none/c.svg"), HasSubstr("there is no folder"));
  WriteText(Path("empty.csv"), "step,loss\n");
  EXPECT_THAT(Error("plot empty.csv"), HasSubstr("no numbers to plot"));
}

}  // namespace
}  // namespace weft
