#include "frontend/report/report_graph_svg.h"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <vector>

#include "absl/strings/numbers.h"
#include "frontend/watch/plot_axis.h"
#include "frontend/watch/write_text.h"
#include "graph/text.h"

namespace weft {
namespace {

struct DotCloser {
  void operator()(std::FILE* file) const { pclose(file); }
};

// What `dot` makes of a file.
absl::StatusOr<std::string> DotOutput(const std::string& path) {
  std::unique_ptr<std::FILE, DotCloser> pipe(
      popen(absl::StrCat("dot -Tsvg '", path, "' 2>/dev/null").c_str(), "r"));
  std::string text;
  char buffer[1 << 16];
  while (pipe != nullptr) {
    const size_t got = std::fread(buffer, 1, sizeof(buffer), pipe.get());
    if (got == 0) break;
    text.append(buffer, got);
  }
  const size_t begin = text.find("<svg");
  if (begin != std::string::npos && text.find("</svg>") != std::string::npos) {
    return text.substr(begin);
  }
  return absl::FailedPreconditionError(
      "the graph cannot be drawn: `dot` gave no drawing; install Debian's package graphviz");
}

// `<g id="node3" class="node">\n<title>n5</title>` becomes `<g class="node" data-node="conv1">`,
// for ToDot calls a node by its place in the graph's order.
std::string WithNodeNames(const std::string& svg, const Graph& graph) {
  std::vector<const Node*> nodes;
  for (const Node& node : graph.nodes()) nodes.push_back(&node);
  constexpr std::string_view kNode = "class=\"node\">\n<title>n", kTitleEnd = "</title>";
  std::string text;
  size_t from = 0;
  for (size_t at = svg.find(kNode); at != std::string::npos; at = svg.find(kNode, from)) {
    const size_t number = at + kNode.size(), end = svg.find(kTitleEnd, number);
    size_t index = 0;
    text.append(svg, from, at - from);
    if (end == std::string::npos || !absl::SimpleAtoi(svg.substr(number, end - number), &index) ||
        index >= nodes.size()) {
      from = at + kNode.size();
      text.append(kNode);
      continue;
    }
    absl::StrAppend(&text, "class=\"node\" data-node=\"", XmlText(nodes[index]->name()), "\">");
    from = end + kTitleEnd.size();
  }
  return text.append(svg, from, std::string::npos);
}

}  // namespace

absl::StatusOr<std::string> ReportGraphSvg(const Graph& graph) {
  std::string folder = (std::filesystem::temp_directory_path() / "weft-dot-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    return absl::UnavailableError(absl::StrCat(folder, ": cannot make a temporary folder"));
  }
  const std::string path = folder + "/graph.dot";
  const absl::Status written = ReplaceByText(path, ToDot(graph));
  absl::StatusOr<std::string> svg = written.ok() ? DotOutput(path) : written;
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  WEFT_RETURN_IF_ERROR(svg.status());
  return WithNodeNames(*svg, graph);
}

}  // namespace weft
