#include "frontend/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "frontend/build/builder.h"
#include "frontend/report/page.h"
#include "tests/frontend/testing_cli.h"
#include "tests/inspect/testing_golden.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

using Json = nlohmann::json;

// The text of a section's data, "" where the page has none.
std::string SectionText(const std::string& html, const std::string& name) {
  const std::string begin = "<script type=\"application/json\" id=\"json-" + name + "\">";
  const size_t at = html.find(begin);
  if (at == std::string::npos) return {};
  const size_t from = at + begin.size();
  return html.substr(from, html.find("</script>", from) - from);
}

Json Section(const std::string& html, const std::string& name) {
  return Json::parse(SectionText(html, name));
}

std::set<std::string> SectionNames(const std::string& html) {
  std::set<std::string> names;
  const std::string begin = "id=\"json-";
  for (size_t at = html.find(begin); at != std::string::npos; at = html.find(begin, at + 1)) {
    const size_t from = at + begin.size();
    names.insert(html.substr(from, html.find('"', from) - from));
  }
  return names;
}

size_t Occurrences(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

ReportOptions QuickOptions(const std::string& name = "net") {
  return {.name = name, .seconds = 0.01, .session = {.threads = 1}};
}

Model ReportNet() {
  Builder b({.seed = 5});
  Value h = b.Input("image", {"N", 1, 8, 8});
  h = b.Relu(b.BatchNorm2d(b.Conv2d(h, {.channels = 3, .kernel = 3, .name = "conv1"})));
  b.Output("scores", b.Linear(b.Flatten(h), {.features = 4, .name = "fc"}));
  return b.Build().value();
}

TEST(Report, FilesAreEmbeddedAsTheyAre) {
  const std::string folder = WEFT_SOURCE_DIR "/frontend/report/page/";
  EXPECT_EQ(kPageHtml, ReadText(folder + "page.html"));
  EXPECT_EQ(kPageCss, ReadText(folder + "page.css"));
  EXPECT_EQ(kPageJs, ReadText(folder + "page.js"));
  EXPECT_EQ(kChartsJs, ReadText(folder + "charts.js"));
  EXPECT_EQ(kPanelJs, ReadText(folder + "panel.js"));
  EXPECT_EQ(kGraphJs, ReadText(folder + "graph.js"));
  EXPECT_EQ(kExampleJs, ReadText(folder + "example.js"));
  EXPECT_EQ(kSectionsJs, ReadText(folder + "sections.js"));
}

TEST(Report, SaysWhatTheModelIs) {
  const auto html = ReportHtml(ReportNet(), QuickOptions());
  ASSERT_TRUE(html.ok()) << html.status();
  EXPECT_THAT(SectionNames(*html), ElementsAre("graph-built", "graph-run", "memory", "page",
                                               "passes", "summary", "time"));
  EXPECT_THAT(*html, Not(HasSubstr("{{")));
  const Json summary = Section(*html, "summary");
  // 3 kernels of 3x3 at 6x6 places, 4 rows of 108; with batch normalization's two of 3.
  EXPECT_EQ(summary["macs"], 3 * 9 * 36 + 4 * 108);
  EXPECT_EQ(summary["parameters"], 3 * 9 + 3 + 2 * 3 + 4 * 108 + 4);
  EXPECT_EQ(summary["inputs"][0]["type"], "f32[N,1,8,8]");
  EXPECT_EQ(summary["layers"].size(), 5);
}

TEST(Report, GraphTellsWhereFusedNodesComeFrom) {
  const auto html = ReportHtml(ReportNet(), QuickOptions());
  ASSERT_TRUE(html.ok()) << html.status();
  const Json run = Section(*html, "graph-run"), built = Section(*html, "graph-built");
  const auto find = [](const Json& view, const std::string& name) {
    for (const Json& node : view["nodes"]) {
      if (node["name"] == name) return node;
    }
    return Json();
  };
  const Json fused = find(run, "conv1");
  EXPECT_EQ(fused["op"], "FusedConv");
  EXPECT_EQ(fused["rule"], "fuse_conv_activation");
  EXPECT_EQ(fused["sources"][0], "conv1");
  EXPECT_EQ(fused["sources"].size(), 3);
  const Json conv = find(built, "conv1");
  EXPECT_EQ(conv["op"], "Conv");
  EXPECT_FALSE(conv.contains("rule"));
  const Json weight = built["weights"][conv["weights"][0].get<size_t>()];
  EXPECT_EQ(weight["type"], "f32[3,1,3,3]");
  const auto counts = weight["counts"].get<std::vector<int64_t>>();
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), int64_t{0}), 27);
  const Json steps = Section(*html, "time")["steps"];
  EXPECT_TRUE(std::ranges::any_of(steps, [](const Json& s) { return s["name"] == "conv1"; }));
  EXPECT_EQ(Section(*html, "passes")["after"]["nodes"].get<size_t>() + 1, run["nodes"].size());
}

TEST(Report, DrawingsHaveEveryNodeOnce) {
  const auto html = ReportHtml(GoldenModel("digits"), QuickOptions());
  ASSERT_TRUE(html.ok()) << html.status();
  for (const std::string view : {"graph-run", "graph-built"}) {
    const Json graph = Section(*html, view);
    const std::string svg = graph["svg"];
    for (const Json& node : graph["nodes"]) {
      const std::string name = node["name"], index = node["index"].dump();
      EXPECT_EQ(Occurrences(svg, " data-node=\"" + name + "\" data-index=\"" + index + "\""), 1)
          << name;
    }
    EXPECT_THAT(svg, Not(HasSubstr("<!--")));
    EXPECT_THAT(svg.substr(svg.find("<defs>")), Not(HasSubstr(">\n<")));
    EXPECT_THAT(svg, Not(HasSubstr("data-to=\"fc\"><title>")));
  }
}

// Names that a drawing and JSON do not write alike.
TEST(Report, DrawingsHaveNodesOfAnyName) {
  Model model = ReportNet();
  ASSERT_TRUE(model.graph.Rename(model.graph.Find("conv1"), "a\xff\nb").ok());
  const auto html = ReportHtml(model, QuickOptions());
  ASSERT_TRUE(html.ok()) << html.status();
  const Json graph = Section(*html, "graph-built");
  const std::string svg = graph["svg"];
  EXPECT_EQ(Occurrences(svg, "<g class=\"node "), graph["nodes"].size());
  std::set<std::string> ops;
  for (const Json& node : graph["nodes"]) {
    const size_t at = svg.find(" data-index=\"" + node["index"].dump() + "\"");
    ASSERT_NE(at, std::string::npos) << node["name"];
    const std::string op = " data-op=\"" + node["op"].get<std::string>() + "\"";
    EXPECT_EQ(svg.substr(svg.find(" data-op=", at), op.size()), op) << node["name"];
    ops.insert(node["op"]);
  }
  EXPECT_TRUE(ops.contains("Conv"));
}

TEST(Report, ShowsTheGraphThatRunsUnoptimized) {
  ReportOptions options = QuickOptions();
  options.session.optimize = false;
  const auto html = ReportHtml(ReportNet(), options);
  ASSERT_TRUE(html.ok()) << html.status();
  const auto ops = [&](const std::string& view) {
    std::vector<std::string> names;
    const Json graph = Section(*html, view);
    for (const Json& node : graph["nodes"]) names.push_back(node["op"]);
    return names;
  };
  EXPECT_EQ(ops("graph-run"), ops("graph-built"));
  EXPECT_THAT(Section(*html, "passes")["error"].get<std::string>(), HasSubstr("switched off"));
}

TEST(Report, BuffersFillTheArenaAndDoNotOverlap) {
  const auto html = ReportHtml(GoldenModel("digits"), QuickOptions());
  ASSERT_TRUE(html.ok()) << html.status();
  const Json memory = Section(*html, "memory");
  const Json& buffers = memory["buffers"];
  ASSERT_GT(buffers.size(), 1);
  int64_t top = 0;
  for (size_t i = 0; i < buffers.size(); ++i) {
    const auto a = buffers[i];
    top = std::max(top, a[0].get<int64_t>() + a[1].get<int64_t>());
    EXPECT_LT(a[3].get<size_t>(), memory["steps"].size());
    for (size_t j = 0; j < i; ++j) {
      const auto b = buffers[j];
      const bool at_once = a[2] <= b[3] && b[2] <= a[3];
      const bool apart = a[0].get<int64_t>() + a[1].get<int64_t>() <= b[0].get<int64_t>() ||
                         b[0].get<int64_t>() + b[1].get<int64_t>() <= a[0].get<int64_t>();
      EXPECT_TRUE(!at_once || apart) << a << b;
    }
  }
  EXPECT_EQ(top, memory["arena_bytes"].get<int64_t>());
}

struct JudgedExample {
  int64_t index, label, predicted;
  double probability, label_probability;
  bool is_right() const { return label == predicted; }
};

// One example after another by a session of its own.
std::vector<JudgedExample> JudgedBySession(const Model& model, const Dataset& data) {
  const auto session = *Session::Create(model, {.threads = 1});
  std::vector<JudgedExample> judged;
  for (int64_t i = 0; i < data.size(); ++i) {
    const Example example = *ExampleOf(data, i);
    const auto ranked = *TopPredictions(*session->Run(example.x), 0, 10);
    const auto own = std::ranges::find(ranked, *example.label, &Prediction::label);
    judged.push_back({i, *example.label, ranked[0].label, ranked[0].probability, own->probability});
  }
  return judged;
}

TEST(Report, JudgesByTheDefinitions) {
  const Model model = GoldenModel("digits");
  ReportOptions options = QuickOptions();
  options.data = GoldenData("digits");
  options.mistakes = 3;
  const auto html = ReportHtml(model, options);
  ASSERT_TRUE(html.ok()) << html.status();
  const Json e = Section(*html, "evaluation");
  int64_t all = 0, right = 0;
  for (const Json& cell : e["confusion"]) {
    all += cell[2].get<int64_t>();
    right += cell[0] == cell[1] ? cell[2].get<int64_t>() : 0;
  }
  EXPECT_EQ(all, options.data->size());
  const std::vector<JudgedExample> judged = JudgedBySession(model, *options.data);
  EXPECT_EQ(right, std::ranges::count_if(judged, &JudgedExample::is_right));
  const double accuracy = static_cast<double>(right) / static_cast<double>(all);
  EXPECT_DOUBLE_EQ(e["accuracy"].get<double>(), accuracy);
  std::vector<JudgedExample> surest = judged;
  std::erase_if(surest, &JudgedExample::is_right);
  std::ranges::stable_sort(surest, std::ranges::greater(), &JudgedExample::probability);
  ASSERT_GE(surest.size(), 3);
  const Json& mistakes = e["mistakes"];
  ASSERT_EQ(mistakes.size(), 3);
  for (size_t i = 0; i < 3; ++i) {
    const Json& m = mistakes[i];
    EXPECT_EQ(m["index"], surest[i].index);
    EXPECT_EQ(m["label"], surest[i].label);
    EXPECT_EQ(m["predicted"], surest[i].predicted);
    EXPECT_NEAR(m["probability"].get<double>(), surest[i].probability, 1e-4);
    EXPECT_NEAR(m["label_probability"].get<double>(), surest[i].label_probability, 1e-4);
  }
  // The surest one is explained.
  const Json example = Section(*html, "example");
  EXPECT_EQ(example["label"]["label"], mistakes[0]["label"]);
  EXPECT_EQ(example["predictions"][0]["label"], mistakes[0]["predicted"]);
  EXPECT_THAT(example["picture"].get<std::string>(), HasSubstr("data:image/png;base64,"));
  EXPECT_FALSE(example["attributions"].empty());
  EXPECT_FALSE(example["activations"].empty());
}

TEST(Report, NamesCannotLeaveTheirPlace) {
  const std::string hostile = "</script><script>alert(1)</script>\"'&<!--{{js}}]]>\xff";
  Model model = ReportNet();
  for (const std::string name : {"image", "conv1", "fc"}) {
    ASSERT_TRUE(model.graph.Rename(model.graph.Find(name), hostile + name).ok());
  }
  model.class_names = {hostile, "b", "c", "d"};
  model.metadata[hostile] = hostile;
  const auto html = ReportHtml(model, QuickOptions(hostile));
  ASSERT_TRUE(html.ok()) << html.status();
  const auto plain = ReportHtml(ReportNet(), QuickOptions());
  ASSERT_TRUE(plain.ok()) << plain.status();
  for (const std::string tag : {"<script", "</script", "<!--", "<title", "</title"}) {
    EXPECT_EQ(Occurrences(*html, tag), Occurrences(*plain, tag)) << tag;
  }
  for (const std::string& name : SectionNames(*html)) {
    EXPECT_THAT(SectionText(*html, name), Not(HasSubstr("<"))) << name;
    EXPECT_TRUE(Json::accept(SectionText(*html, name))) << name;
  }
  const std::string shown = hostile.substr(0, hostile.size() - 1) + "\xef\xbf\xbd";  // U+FFFD
  EXPECT_EQ(Section(*html, "summary")["classes"][0], shown);
  EXPECT_EQ(Section(*html, "summary")["inputs"][0]["name"], shown + "image");
}

TEST(Report, PolicyLetsOnlyTheServedPageAskItsServer) {
  ReportOptions options = QuickOptions();
  const auto page = ReportHtml(ReportNet(), options);
  options.serve = true;
  const auto served = ReportHtml(ReportNet(), options);
  ASSERT_TRUE(page.ok() && served.ok());
  const std::string policy =
      "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src "
      "'unsafe-inline'; base-uri 'none'; form-action 'none'";
  EXPECT_THAT(*page, HasSubstr(policy + "\">"));
  EXPECT_THAT(*served, HasSubstr(policy + "; connect-src 'self'\">"));
  EXPECT_EQ(Section(*page, "page")["serve"], false);
  EXPECT_EQ(Section(*served, "page")["serve"], true);
}

TEST(Report, RefusesOptionsOutOfRange) {
  const Model model = ReportNet();
  const auto message = [&](auto change) {
    ReportOptions options = QuickOptions();
    change(options);
    return std::string(ReportHtml(model, options).status().message());
  };
  EXPECT_EQ(message([](auto& o) { o.batch = 0; }), "report: batch: expected at least 1, got 0");
  EXPECT_EQ(message([](auto& o) { o.seconds = 0; }),
            "report: seconds: expected a number above 0, got 0");
  EXPECT_EQ(message([](auto& o) { o.mistakes = 0; }),
            "report: mistakes: expected at least 1, got 0");
  EXPECT_THAT(message([](auto& o) { o.log = "/nowhere.csv"; }), HasSubstr("/nowhere.csv"));
  EXPECT_THAT(message([](auto& o) { o.session.threads = 1 << 30; }), HasSubstr("threads"));
}

using ReportCli = Cli;

TEST_F(ReportCli, WritesAPage) {
  WriteText(Path("log.csv"),
            "kind,epoch,step,loss,accuracy,test_loss\nstep,1,1,2.5,0.1,\nstep,1,2,1.5,0.5,\n"
            "epoch,1,2,2,0.5,1.25\n");
  const std::string model = GoldenFolder() + "/digits.weft";
  EXPECT_THAT(Output("report '" + model +
                     "' --data digits:300 --index 3 --log log.csv --seconds "
                     "0.01 --threads 1 -o page.html"),
              HasSubstr("saved page.html ("));
  const std::string html = ReadText(Path("page.html"));
  EXPECT_THAT(SectionNames(html),
              ElementsAre("evaluation", "example", "graph-built", "graph-run", "memory", "page",
                          "passes", "summary", "time", "training"));
  const Json columns = Section(html, "training")["columns"];
  EXPECT_EQ(columns["loss"]["steps"], Json::parse("[[1,2.5],[2,1.5]]"));
  EXPECT_EQ(columns["test_loss"]["epochs"], Json::parse("[[2,1.25]]"));
  EXPECT_TRUE(columns["test_loss"]["steps"].empty());
}

TEST_F(ReportCli, SaysWhatIsWrong) {
  EXPECT_THAT(Error("report lenet"), HasSubstr("--output is required"));
  EXPECT_THAT(Error("report lenet -o page.txt"),
              HasSubstr("--output: expected a file that ends in .html or .htm, got page.txt"));
  EXPECT_THAT(Error("report lenet -o no/page.html"), HasSubstr("there is no folder no"));
  EXPECT_THAT(Error("report lenet --index 3 -o page.html"),
              HasSubstr("--index: an example's number needs --data"));
  EXPECT_THAT(Error("report lenet --data digits:300 --index 60 -o page.html"),
              HasSubstr("expected an index in [0,60), got 60"));
  EXPECT_THAT(Error("report lenet --image no.png -o page.html"), HasSubstr("no.png"));
  EXPECT_THAT(Error("report lenet --log no.csv -o page.html"), HasSubstr("no.csv"));
  WriteText(Path("words.csv"), "a,b\nx,y\n");
  EXPECT_THAT(Error("report lenet --log words.csv -o page.html"),
              HasSubstr("words.csv: there are no numbers to draw"));
  EXPECT_THAT(Leftovers(), Not(IsSupersetOf({std::string("page.html")})));
}

}  // namespace
}  // namespace weft
