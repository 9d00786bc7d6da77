#include "frontend/watch/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "frontend/train/smoothed_loss.h"
#include "frontend/watch/confusion_plot.h"
#include "frontend/watch/plot_axis.h"
#include "frontend/watch/progress_text.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Whether every element is closed, in order, and no text has a bare '&'.
bool IsWellFormed(const std::string& xml) {
  std::vector<std::string> open;
  for (size_t at = xml.find('<'); at != std::string::npos; at = xml.find('<', at + 1)) {
    const size_t end = xml.find('>', at);
    if (end == std::string::npos) return false;
    const std::string tag = xml.substr(at + 1, end - at - 1);
    if (tag.find('<') != std::string::npos) return false;
    if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(tag.substr(0, tag.find(' ')));
    }
  }
  for (size_t at = xml.find('&'); at != std::string::npos; at = xml.find('&', at + 1)) {
    if (xml.find(';', at) > at + 5) return false;
  }
  return open.empty();
}

TEST(Plot, SvgHasTheSeriesPoints) {
  const std::vector<Series> series = {{"loss", {0, 1, 2}, {0, 1, 0}}, {"a<b&c", {0, 2}, {1, 1}}};
  const std::string svg = PlotSvg(series, {.title = "\"T\"", .x_label = "step", .y_label = "y"});
  EXPECT_TRUE(IsWellFormed(svg)) << svg;
  EXPECT_THAT(svg, HasSubstr("points=\"64.00,372.00 384.00,32.00 704.00,372.00\""));
  EXPECT_THAT(svg, HasSubstr("points=\"64.00,32.00 704.00,32.00\""));
  EXPECT_THAT(svg, HasSubstr(">a&lt;b&amp;c</text>"));
  EXPECT_THAT(svg, HasSubstr(">&quot;T&quot;</text>"));
  EXPECT_THAT(svg, HasSubstr(">1.5</text>"));
}

TEST(Plot, XmlTextIsUtf8) {
  EXPECT_EQ(XmlText("a<b>&\"\x01ä€😀"), "a&lt;b&gt;&amp;&quot; ä€😀");
  EXPECT_EQ(XmlText("ä\xff"
                    "b\xc3"),
            "ä?b?");
  EXPECT_EQ(XmlText("\xc0\xaf"), "??");            // overlong
  EXPECT_EQ(XmlText("\xed\xa0\x80"), "???");       // half of a pair
  EXPECT_EQ(XmlText("\xf4\x90\x80\x80"), "????");  // beyond U+10FFFF
}

TEST(Plot, GapsCutACurve) {
  const std::vector<Series> series = {{"a", {0, 1, 2, 3}, {1, NAN, 3, 2}}};
  const std::string svg = PlotSvg(series, {});
  EXPECT_THAT(svg, HasSubstr("<circle cx=\"64.00\" cy=\"372.00\""));
  EXPECT_THAT(svg, HasSubstr("points=\"490.67,32.00 704.00,202.00\""));
}

TEST(Plot, LogarithmicAxesLeaveOutWhatTheyCannotShow) {
  const std::vector<Series> series = {{"lr", {0, 1e-4, 1e-2}, {1, 2, 3}}};
  const PlotAxis axis = PlotAxis::Of(series, true, true);
  EXPECT_EQ(axis.low(), 1e-4);
  EXPECT_NEAR(axis.Place(1e-3), 0.5, 1e-12);
  EXPECT_FALSE(axis.Shows(0));
  const std::vector<double> ticks = axis.Ticks(8);
  ASSERT_EQ(ticks.size(), 3u);
  EXPECT_NEAR(ticks[1], 1e-3, 1e-15);
}

TEST(Plot, TicksAreRound) {
  const std::vector<Series> series = {{"a", {}, {0.13, 0.98}}};
  std::vector<std::string> ticks;
  for (const double tick : PlotAxis::Of(series, false, false).Ticks(5)) {
    ticks.push_back(TickText(tick));
  }
  EXPECT_THAT(ticks, ElementsAre("0.2", "0.4", "0.6", "0.8"));
  EXPECT_THAT((std::vector{TickText(20000), TickText(123456), TickText(1e6), TickText(-0.0)}),
              ElementsAre("20000", "123456", "1e+06", "0"));
  EXPECT_EQ(PlotAxis::Of({}, true, false).Ticks(1).size(), 2u);  // nothing: 0 to 1
  const std::vector<Series> one = {{"a", {}, {4}}};
  EXPECT_NEAR(PlotAxis::Of(one, false, false).Place(4), 0.5, 1e-12);
}

TEST(Plot, NeighbouringNumbersHaveAPlaceAndFewTicks) {
  for (const double low : {1.0, 1000.0, 5e-324, 1e299}) {
    const std::vector<Series> series = {{"a", {0, 1}, {low, std::nextafter(low, HUGE_VAL)}}};
    for (const bool logarithmic : {false, true}) {
      const PlotAxis axis = PlotAxis::Of(series, false, logarithmic);
      for (const double y : series[0].y) {
        EXPECT_GE(axis.Place(y), 0) << low;
        EXPECT_LE(axis.Place(y), 1) << low;
      }
      EXPECT_LE(axis.Ticks(5).size(), 7u) << low;
      EXPECT_THAT(PlotText(series, {.log_y = logarithmic, .columns = 4, .rows = 2}),
                  HasSubstr("a"));
    }
  }
  const std::vector<Series> one = {{"a", {0}, {5e-324}}};
  EXPECT_EQ(PlotAxis::Of(one, false, true).Place(5e-324), 0.5);
}

TEST(Plot, NumbersWithoutASpanAreGaps) {
  const std::vector<Series> series = {{"a", {0, 1, 2}, {-1.7e308, 1, 1.7e308}}};
  EXPECT_FALSE(PlotAxis::Of(series, false, false).Shows(1.7e308));
  EXPECT_THAT(PlotSvg(series, {}), HasSubstr("<circle"));
}

TEST(Plot, TextDrawsWithDots) {
  const std::vector<Series> series = {{"a", {0, 1}, {0, 1}}};
  EXPECT_EQ(PlotText(series, {.x_label = "x", .columns = 1, .rows = 1}),
            "        1 │⡜\n           0 1 x\n           ── a 0 -> 1\n");
  const std::string colored = PlotText(series, {.columns = 10, .rows = 3, .color = true});
  EXPECT_THAT(colored, HasSubstr("\x1b[34m"));
  EXPECT_THAT(PlotText({}, {}), Not(HasSubstr("\x1b")));
}

Confusion Small() {
  Confusion c;
  c.Add(0, 0, 8);
  c.Add(0, 1, 2);
  c.Add(1, 1, 5);
  return c;
}

TEST(ConfusionPlot, TextIsATableOfFewClasses) {
  EXPECT_EQ(ConfusionText(Small(), {"cat", "dog"}),
            "         cat   dog  precision  recall      F1     IoU\n"
            "   cat     8     2     1.0000  0.8000  0.8889  0.8000\n"
            "   dog     0     5     0.7143  1.0000  0.8333  0.7143\n");
}

TEST(ConfusionPlot, TextListsMistakesOfManyClasses) {
  Confusion c = Small();
  c.Add(99, 3, 7);
  const std::string text = ConfusionText(c, {"cat"});
  EXPECT_THAT(text, StartsWith("most frequent mistakes:\n       7  99 taken for 3\n"));
  EXPECT_THAT(text, HasSubstr("2  cat taken for 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("taken for 0")));
}

TEST(ConfusionPlot, SvgShadesByShareOfTheLabel) {
  const std::string svg = ConfusionSvg(Small(), {"cat & <mouse>", "ääääääääää"});
  EXPECT_TRUE(IsWellFormed(svg)) << svg;
  EXPECT_THAT(svg, HasSubstr("rgb(51,51,255)"));    // 8 of 10
  EXPECT_THAT(svg, HasSubstr("rgb(204,204,255)"));  // 2 of 10
  EXPECT_THAT(svg, HasSubstr(">8</text>"));
  EXPECT_THAT(svg, HasSubstr(">cat &amp; &lt;mouse</text>"));
  EXPECT_THAT(svg, HasSubstr(">ääääää</text>"));  // cut between characters
}

TEST(ConfusionPlot, PictureShadesLikewise) {
  const Picture p = ConfusionPicture(Small());
  ASSERT_EQ(p.width, 512);
  EXPECT_EQ(p.pixels[0], 51);
  EXPECT_EQ(p.pixels[256], 204);
  EXPECT_EQ(p.pixels[256 * 512], 255);
}

TEST(ConfusionPlot, ManyClassesTakeLittleRoom) {
  Confusion c;
  c.Add(99999, 0, 1);
  c.Add(99998, 0, 0);  // beside it, and lighter
  const Picture p = ConfusionPicture(c);
  ASSERT_EQ(p.width, 512);
  ASSERT_EQ(p.height, 512);
  EXPECT_EQ(p.pixels[511 * 512], 0);
  EXPECT_EQ(p.pixels[511], 255);
  const std::string svg = ConfusionSvg(c, {});
  EXPECT_TRUE(IsWellFormed(svg));
  EXPECT_LT(svg.size(), 1000u);
}

const StepProgress kProgress = {.epoch = 0,
                                .epochs = 3,
                                .batch = 4,
                                .batches = 8,
                                .learning_rate = 0.05,
                                .accuracy = 0.9876,
                                .waiting = 0.03,
                                .images_per_second = 1234,
                                .eta_seconds = 65};

TEST(Progress, LineHasEverythingWhereThereIsRoom) {
  EXPECT_EQ(ProgressLine(kProgress, 0.1234, 130),
            "epoch 1/3  [===============>              ]  loss 0.1234  accuracy 98.76 %  ETA 1:05  "
            "1,234 images/s  waiting 3 %  lr 0.05");
  EXPECT_EQ(ProgressRow(kProgress, 0.1234),
            "epoch 1/3  batch 4 of 8  loss 0.1234  accuracy 98.76 %  ETA 1:05  1,234 images/s  "
            "waiting 3 %  lr 0.05");
}

TEST(Progress, NarrowLinesDropTheBarAndThenTheLeastWanted) {
  EXPECT_EQ(ProgressLine(kProgress, 0.1234, 60),
            "epoch 1/3  loss 0.1234  accuracy 98.76 %  ETA 1:05");
  EXPECT_EQ(ProgressLine(kProgress, 0.1234, 50),
            "epoch 1/3  loss 0.1234  accuracy 98.76 %  ETA 1:05");
  EXPECT_EQ(ProgressLine(kProgress, 0.1234, 49), "epoch 1/3  loss 0.1234  accuracy 98.76 %");
  EXPECT_EQ(ProgressLine(kProgress, 0.1234, 10), "epoch 1/3  loss 0.1234");
  for (int columns = 23; columns < 140; ++columns) {
    EXPECT_LE(ProgressLine(kProgress, 0.1234, columns).size(), static_cast<size_t>(columns));
  }
}

TEST(Progress, SmoothedLossBeginsWithTheFirst) {
  SmoothedLoss loss;
  EXPECT_NEAR(loss.Add(2), 2, 1e-12);
  EXPECT_NEAR(loss.Add(1), (0.98 * 2 + 1) / 1.98, 1e-12);
}

TEST(Progress, EpochLineHasTheTestsMetrics) {
  EpochSummary s{.epoch = 1, .epochs = 3, .loss = 0.5, .images_per_second = 10, .seconds = 2};
  s.test.emplace(Evaluation{.count = 2, .correct = 1, .loss_sum = 1});
  s.test->metrics.AddClass(std::vector<double>{0, 1}, 1);
  s.test->metrics.AddClass(std::vector<double>{0, 2}, 0);
  EXPECT_EQ(EpochLine(s),
            "epoch 2/3  loss 0.5000  test loss 0.5000  test accuracy 50.00 % (1 of 2)  f1 0.3333  "
            "auc 0.0000  10 images/s  waiting 0 %  2.0 s");
  EXPECT_EQ(DurationText(3661), "1:01:01");
  EXPECT_EQ(DurationText(59.96), "1:00");
}

}  // namespace
}  // namespace weft
