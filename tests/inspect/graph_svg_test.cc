#include "frontend/inspect/graph/graph_svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <regex>
#include <set>
#include <sstream>

#include "../frontend/testing_files.h"
#include "frontend/bench/timing.h"
#include "frontend/build/builder.h"
#include "frontend/inspect/graph/graph_layout.h"
#include "frontend/inspect/op_kind.h"
#include "frontend/session/session.h"
#include "frontend/train/training_graph.h"
#include "frontend/zoo/zoo.h"
#include "ops/ops.h"
#include "testing_golden.h"
#include "testing_xml.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using ::testing::UnorderedElementsAreArray;

Graph Network(const std::string& name) {
  return BuildNetwork(**FindNetwork(name), {}).value().graph;
}

XmlDocument Drawn(const Graph& graph, const GraphSvgOptions& options = {}) {
  const auto svg = GraphSvg(graph, options);
  EXPECT_TRUE(svg.ok()) << svg.status();
  XmlDocument document = ReadXml(svg.value_or(""));
  EXPECT_EQ(document.error, "");
  return document;
}

std::vector<std::string> NamesOf(const XmlDocument& document, const std::string& css_class,
                                 const std::string& attribute) {
  std::vector<std::string> names;
  for (const XmlElement* e : document.All(css_class)) names.push_back(e->Get(attribute));
  return names;
}

bool IsWeight(const Node& node) {
  return node.op_name() == kConstant || node.op_name() == kVariable;
}

struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
};

Box BoxOf(const XmlDocument& document, const XmlElement& group) {
  const XmlElement* rect = document.Child(group, "rect");
  EXPECT_NE(rect, nullptr);
  const double x = std::stod(rect->Get("x")), y = std::stod(rect->Get("y"));
  return {x, y, x + std::stod(rect->Get("width")), y + std::stod(rect->Get("height"))};
}

// The boxes of nodes and outputs by name; those of one name are not told apart.
std::multimap<std::string, Box> BoxesOf(const XmlDocument& document) {
  std::multimap<std::string, Box> boxes;
  for (const XmlElement* e : document.All("node")) {
    boxes.emplace(e->Get("data-node"), BoxOf(document, *e));
  }
  for (const XmlElement* e : document.All("output")) {
    boxes.emplace(e->Get("data-output"), BoxOf(document, *e));
  }
  return boxes;
}

bool IsOnBorder(const Box& b, double x, double y) {
  constexpr double kNear = 3;  // pixels: dot ends curves a little before a box
  const bool within =
      x > b.left - kNear && x < b.right + kNear && y > b.top - kNear && y < b.bottom + kNear;
  const bool deep =
      x > b.left + kNear && x < b.right - kNear && y > b.top + kNear && y < b.bottom - kNear;
  return within && !deep;
}

// Boxes that do not overlap, and edges from one to another.
void ExpectSound(const XmlDocument& document) {
  const auto boxes = BoxesOf(document);
  for (auto a = boxes.begin(); a != boxes.end(); ++a) {
    for (auto b = std::next(a); b != boxes.end(); ++b) {
      const bool apart = a->second.right <= b->second.left || b->second.right <= a->second.left ||
                         a->second.bottom <= b->second.top || b->second.bottom <= a->second.top;
      EXPECT_TRUE(apart) << a->first << " and " << b->first;
    }
  }
  for (const XmlElement* edge : document.All("edge")) {
    std::string d = document.Child(*edge, "path")->Get("d");
    for (char& c : d) c = c == 'M' || c == 'C' ? ' ' : c;
    std::istringstream numbers(d);
    std::vector<double> points;
    for (double number; numbers >> number;) points.push_back(number);
    ASSERT_GE(points.size(), 8u);
    const auto ends_at = [&](const std::string& name, double x, double y) {
      const auto [first, last] = boxes.equal_range(name);
      return std::any_of(first, last,
                         [&](const auto& box) { return IsOnBorder(box.second, x, y); });
    };
    EXPECT_TRUE(ends_at(edge->Get("data-from"), points[0], points[1])) << edge->Get("data-from");
    EXPECT_TRUE(ends_at(edge->Get("data-to"), points[points.size() - 2], points.back()))
        << edge->Get("data-to");
  }
}

TEST(GraphSvg, ShowsEveryNodeOnce) {
  for (const char* network : {"lenet-bn", "resnet20_cifar", "googlenet", "shufflenet_v2_x1_0"}) {
    SCOPED_TRACE(network);
    const Graph graph = Network(network);
    std::vector<std::string> nodes, all, outputs;
    int edges = 0;
    for (const Node& node : graph.nodes()) {
      all.push_back(node.name());
      if (!IsWeight(node)) nodes.push_back(node.name());
      for (const Value input : node.inputs()) edges += input && !IsWeight(*input.node);
    }
    for (const NamedValue& output : graph.outputs()) outputs.push_back(output.name);
    const XmlDocument document = Drawn(graph);
    EXPECT_THAT(NamesOf(document, "node", "data-node"), UnorderedElementsAreArray(nodes));
    EXPECT_THAT(NamesOf(document, "output", "data-output"), UnorderedElementsAreArray(outputs));
    EXPECT_EQ(document.All("edge").size(), static_cast<size_t>(edges) + outputs.size());
    ExpectSound(document);
    const XmlDocument whole = Drawn(graph, {.weights = true});
    EXPECT_THAT(NamesOf(whole, "node", "data-node"), UnorderedElementsAreArray(all));
  }
}

TEST(GraphSvg, SaysWhatANodeIs) {
  const Graph graph = Network("lenet-bn");
  const XmlDocument document = Drawn(graph);
  for (const XmlElement* e : document.All("node")) {
    const Node* node = graph.Find(e->Get("data-node"));
    ASSERT_NE(node, nullptr);
    EXPECT_EQ(e->Get("data-op"), node->op_name());
    EXPECT_EQ(e->Get("data-shape"), ToString(node->type()));
    EXPECT_TRUE(e->Is(std::string(OpClass(OpKindOf(node->op_name())))));
    const auto place = std::next(graph.nodes().begin(), std::stol(e->Get("data-index")));
    EXPECT_EQ(place->name(), node->name());
    EXPECT_THAT(document.Child(*e, "title")->text, HasSubstr(ToString(node->type())));
    if (node->name() == "block1.conv") {
      EXPECT_EQ(e->Get("data-parameters"), "144");  // 16*3*3
    }
    if (node->name() == "fc1") {
      EXPECT_EQ(e->Get("data-parameters"), "200832");  // 128*1568+128
    }
  }
  std::set<std::string> shapes;
  for (const XmlElement* e : document.All("shape")) shapes.insert(e->text);
  EXPECT_THAT(shapes, testing::IsSupersetOf({"N×1×28×28", "N×16×28×28", "N×1568", "N×10"}));
  std::set<std::string> lines;
  for (const XmlElement* e : document.All("line")) lines.insert(e->text);
  EXPECT_THAT(lines, testing::IsSupersetOf({"Conv 3×3 pad 1", "MaxPool 2×2 /2", "Relu"}));
}

TEST(GraphSvg, FusedNodesContainWhatTheyCameFrom) {
  for (const char* network : {"lenet-bn", "resnet20_cifar", "shufflenet_v2_x1_0"}) {
    SCOPED_TRACE(network);
    const Graph original = Network(network);
    const Graph graph = OptimizedForInference(original).value();
    const XmlDocument document = Drawn(graph, {.original = &original});
    ExpectSound(document);
    const XmlDocument names_only = Drawn(graph);
    int fused = 0;
    for (const XmlElement* e : document.All("node")) {
      const Node* node = graph.Find(e->Get("data-node"));
      std::vector<std::string> sources;
      for (const XmlElement* inner : document.Within(*e)) {
        if (!inner->Is("source")) continue;
        sources.push_back(inner->Get("data-source"));
        const Node* source = original.Find(sources.back());
        EXPECT_EQ(inner->Get("data-op"), source == nullptr ? "" : source->op_name());
        const Box in = BoxOf(document, *inner), out = BoxOf(document, *e);
        EXPECT_TRUE(in.left > out.left && in.right < out.right && in.top > out.top &&
                    in.bottom < out.bottom);
      }
      EXPECT_EQ(e->Is("fused"), !sources.empty());
      if (sources.empty()) continue;
      ++fused;
      EXPECT_THAT(sources, UnorderedElementsAreArray(node->provenance().sources));
      EXPECT_EQ(e->Get("data-rule"), node->provenance().rule);
    }
    EXPECT_GE(fused, 3);
    EXPECT_EQ(names_only.All("source").size(), document.All("source").size());
  }
}

// bn(conv(x)) + x is one node; the edge from x into it passes none of its sources by.
TEST(GraphSvg, EdgesOfSourcesAreThoseOfTheOriginalGraph) {
  Builder b;
  const Value x = b.Input("x", {"N", 4, 6, 6});
  Value h = b.BatchNorm2d(b.Conv2d(x, {.channels = 4, .kernel = 3, .padding = 1, .name = "conv"}),
                          {.name = "bn"});
  b.Output("y", b.Relu(b.Add(h, x)));
  const Model model = b.Build().value();
  const Graph graph = OptimizedForInference(model.graph).value();
  const XmlDocument document = Drawn(graph, {.original = &model.graph});
  ASSERT_EQ(document.All("fused").size(), 1u);
  const XmlElement& fused = *document.All("fused")[0];
  EXPECT_EQ(fused.Get("data-op"), "FusedConv");
  std::vector<std::string> order;
  int arrows = 0;
  for (const XmlElement* e : document.Within(fused)) {
    if (e->Is("source")) order.push_back(e->Get("data-op"));
    arrows += e->tag == "path";
  }
  EXPECT_THAT(order, testing::ElementsAre("Conv", "BatchNormalization", "Add", "Relu"));
  EXPECT_EQ(arrows, 3);
}

TEST(GraphSvg, AnyNameIsText) {
  const std::vector<std::string> names = {"a\"b<c>&d;", "\\n\\\"", "}digraph{", "ü漢字", "'", "%s"};
  Builder b;
  Value h = b.Input("x", {"N", 2});
  for (const std::string& name : names) h = b.Relu(h, {.name = name});
  b.Output("<out>", b.Add(h, b.Tanh(h)));
  const Model model = b.Build().value();
  const XmlDocument document = Drawn(model.graph);
  std::vector<std::string> shown = NamesOf(document, "node", "data-node");
  for (const std::string& name : names) EXPECT_THAT(shown, testing::Contains(name));
  EXPECT_EQ(document.All("output")[0]->Get("data-output"), "<out>");
  ExpectSound(document);
}

TEST(GraphSvg, LongNamesAreShortenedInTheMiddle) {
  Builder b;
  const std::string name = "first" + std::string(100, 'x') + "last";
  b.Output("y", b.Relu(b.Input("x", {"N", 2}), {.name = name}));
  const XmlDocument document = Drawn(b.Build().value().graph);
  std::string shown;
  for (const XmlElement* e : document.All("name")) {
    if (e->text.starts_with("first")) shown = e->text;
  }
  EXPECT_EQ(shown, "firstxxxxxxxxxxxx…xxxxxxxxxxxxxxlast");
  EXPECT_THAT(NamesOf(document, "node", "data-node"), testing::Contains(name));
}

TEST(GraphSvg, PagesGiveStyleAndSize) {
  const Graph graph = Network("lenet");
  const XmlDocument file = Drawn(graph), part = Drawn(graph, {.standalone = false});
  EXPECT_NE(file.elements[0].Get("width"), "");
  EXPECT_EQ(part.elements[0].Get("width"), "");
  EXPECT_NE(part.elements[0].Get("viewBox"), "");
  for (const XmlElement& e : part.elements) {
    EXPECT_NE(e.tag, "style");
    EXPECT_EQ(e.Get("fill") + e.Get("stroke") + e.Get("style"), "") << e.tag;
  }
}

TEST(GraphSvg, GoesDownwardsOrToTheRight) {
  for (const bool horizontal : {false, true}) {
    const XmlDocument document = Drawn(Network("resnet20_cifar"), {.horizontal = horizontal});
    ExpectSound(document);
    const auto boxes = BoxesOf(document);
    for (const XmlElement* edge : document.All("edge")) {
      if (boxes.count(edge->Get("data-from")) != 1 || boxes.count(edge->Get("data-to")) != 1) {
        continue;
      }
      const Box from = boxes.find(edge->Get("data-from"))->second;
      const Box to = boxes.find(edge->Get("data-to"))->second;
      EXPECT_LE(horizontal ? from.right : from.bottom, horizontal ? to.left : to.top);
    }
  }
}

TEST(GraphSvg, DrawsTrainingSteps) {
  // The second is too woven for `dot`.
  for (const char* network : {"lenet-bn", "resnet20_cifar"}) {
    SCOPED_TRACE(network);
    const FormedGraph step = MakeTrainingGraph(Network(network), {}, {}).value();
    const Stopwatch watch;
    const XmlDocument document = Drawn(step.graph);
    EXPECT_LT(watch.seconds(), 10);
    std::set<const Node*> updating;
    for (const Update& update : step.graph.updates()) updating.insert(update.value.node);
    EXPECT_EQ(document.All("output").size(),
              step.graph.outputs().size() + step.graph.losses().size() + updating.size());
    std::vector<std::string> nodes;
    for (const Node& node : step.graph.nodes()) {
      bool is_kept = false;
      for (int i = 0; i < node.num_outputs(); ++i) is_kept |= step.graph.IsOutput(node.output(i));
      if (!IsWeight(node) || is_kept) nodes.push_back(node.name());
    }
    EXPECT_THAT(NamesOf(document, "node", "data-node"), UnorderedElementsAreArray(nodes));
    ExpectSound(document);
  }
}

TEST(GraphSvg, DrawsWhatHasNoEdges) {
  Builder b;
  b.Input("unread", {"N", 3});
  const Value x = b.Input("x", {"N", 3});
  b.Output("y", b.Mul(x, x));
  b.Output("same", x);
  const Graph graph = b.Build().value().graph;
  const XmlDocument document = Drawn(graph);
  EXPECT_THAT(NamesOf(document, "node", "data-node"),
              UnorderedElementsAre("unread", "x", graph.outputs()[0].value.node->name()));
  EXPECT_EQ(document.All("edge").size(), 4u);
  ExpectSound(document);
  const Graph empty(StandardOps());
  EXPECT_THAT(Drawn(empty).All("node"), IsEmpty());
}

TEST(GraphLayout, CutsChainsAndLaysEqualBlocksOutOnce) {
  // 3000 blocks a -> b, a -> c, b -> d, c -> d: one tenth of a second, not minutes.
  std::vector<DrawingSize> boxes(1, {80, 40});
  std::vector<DrawingEdge> edges;
  for (int i = 0; i < 9000; i += 3) {
    boxes.resize(boxes.size() + 3, {80, 40});
    for (const auto& [from, to] : {std::pair(0, 1), {0, 2}, {1, 3}, {2, 3}}) {
      edges.push_back({i + from, i + to});
    }
  }
  const Stopwatch watch;
  const auto layout = LayOutGraph(boxes, edges, 30, 20);
  ASSERT_TRUE(layout.ok()) << layout.status();
  EXPECT_LT(watch.seconds(), 10);
  for (size_t i = 0; i + 3 < boxes.size(); i += 3) {
    EXPECT_NEAR(layout->centers[i].x, layout->centers[0].x, 1e-6);
    EXPECT_NEAR(layout->centers[i + 3].y - layout->centers[i].y, 2 * (40 + 30), 1);
    EXPECT_GE(std::abs(layout->centers[i + 1].x - layout->centers[i + 2].x), 80);
  }
}

// The golden drawing without its coordinates, which differ between versions of Graphviz.
std::string WithoutPlaces(const std::string& svg) {
  static const std::regex kPlaces(" (x|y|x1|x2|y1|y2|width|height|viewBox|d)=\"[^\"]*\"");
  return std::regex_replace(svg, kPlaces, "");
}

void ExpectGoldenDrawing(const std::string& svg, const std::string& name) {
  const std::string path = GoldenFolder() + "/" + name + ".svg";
  if (std::getenv("WEFT_UPDATE_GOLDEN") != nullptr) return WriteText(path, svg);
  std::istringstream drawn(WithoutPlaces(svg)), golden(WithoutPlaces(ReadText(path)));
  std::string line, expected;
  while (std::getline(golden, expected)) {
    ASSERT_TRUE(std::getline(drawn, line)) << name << " ends before " << expected;
    ASSERT_EQ(line, expected) << name;
  }
  EXPECT_FALSE(std::getline(drawn, line)) << name << " goes on with " << line;
}

TEST(GraphSvg, GoldenDigits) {
  const Model model = GoldenModel("digits");
  const Graph graph = OptimizedForInference(model.graph).value();
  ExpectGoldenDrawing(GraphSvg(graph, {.original = &model.graph}).value(), "graph_digits");
}

TEST(GraphSvg, GoldenCifar) {
  ExpectGoldenDrawing(GraphSvg(GoldenModel("cifar").graph).value(), "graph_cifar");
}

}  // namespace
}  // namespace weft
