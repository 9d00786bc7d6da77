#include "runtime/tuning/search.h"

#include <algorithm>
#include <unordered_set>

#include "runtime/exec/parallel.h"
#include "runtime/tuning/priced_kernels.h"

namespace weft {
namespace {

constexpr size_t kBeam = 48;  // ways that are followed at once
constexpr double kHandicaps[] = {0.1, 0.35};

// A value that is still to be read, with the layouts that it is there in, first the one that it
// came in.
struct Live {
  int value = 0;
  std::vector<int> layouts{};
  friend auto operator<=>(const Live&, const Live&) = default;
};

// The choices for the nodes so far, as far as they matter for what comes.
struct Path {
  double seconds = 0;
  bool is_default = true;                                        // by what the families put first
  int end = -1;                                                  // in Search::links_
  std::vector<Live> live{};                                      // by value
  std::vector<std::pair<const Node*, const Kernel*>> forward{};  // workspaces to be read
};

// One choice of a path, and the one before.
struct Link {
  int previous = -1;
  const Node* node = nullptr;
  const PricedKernel* kernel = nullptr;
};

class Search {
 public:
  Search(const Graph& graph, const SearchOptions& options, size_t weights_bytes)
      : graph_(graph),
        options_(options),
        prices_(options.threads, weights_bytes, options.max_error) {}

  absl::StatusOr<SearchResult> Run() {
    FindLastReads();
    WEFT_ASSIGN_OR_RETURN(SearchResult result, RunWithHandicap(0));
    for (const double handicap : kHandicaps) {
      WEFT_ASSIGN_OR_RETURN(SearchResult cautious, RunWithHandicap(handicap));
      result.cautious.push_back(std::move(cautious.choices));
    }
    return result;
  }

 private:
  // A kernel that is not the default costs its time and `handicap` of it.
  absl::StatusOr<SearchResult> RunWithHandicap(double handicap) {
    handicap_ = handicap;
    links_.clear();
    std::vector<Path> paths(1);
    int64_t done = 0;
    const int64_t count = std::ranges::distance(graph_.nodes());
    for (const Node& node : graph_.nodes()) {
      WEFT_RETURN_IF_ERROR(Annotate(Step(node, paths), node.Describe()));
      const bool first = handicap == 0;  // later ones time hardly anything
      if (first && options_.progress) {
        options_.progress({++done, count, prices_.kernels_timed()});
      }
    }
    for (Path& path : paths) WEFT_RETURN_IF_ERROR(PayOutputs(path));
    return Best(paths);
  }

  // Values by number, with the last node that reads each; the graph's outputs are read at the end.
  void FindLastReads() {
    for (const Node& node : graph_.nodes()) {
      if (node.forward() != nullptr) last_gradient_[node.forward()] = &node;
      for (int i = 0; i < node.num_inputs(); ++i) {
        if (node.input(i)) last_read_[node.input(i)] = &node;
      }
      for (int i = 0; i < node.num_outputs(); ++i) {
        numbers_.emplace(node.output(i), static_cast<int>(numbers_.size()));
      }
    }
    for (const NamedValue& output : graph_.outputs()) last_read_[output.value] = nullptr;
    // What goes into a variable's memory comes in the layout that the variable takes then.
    for (const Update& update : graph_.updates()) updating_.insert(update.value.node);
  }

  bool IsFree(Value value) const {
    return ConstantValue(value) != nullptr || value.node->op_name() == kVariable;
  }

  absl::Status Step(const Node& node, std::vector<Path>& paths) {
    if (node.op_name() == kConstant || node.op_name() == kVariable) return absl::OkStatus();
    std::vector<Path> next;
    for (const Path& path : paths) WEFT_RETURN_IF_ERROR(Extend(node, path, next));
    paths = Narrow(std::move(next));
    return absl::OkStatus();
  }

  // Adds to `next` what `path` may go on to at `node`.
  absl::Status Extend(const Node& node, const Path& path, std::vector<Path>& next) {
    if (node.op_name() == kInput) {
      WEFT_ASSIGN_OR_RETURN(const Layout plain, PlainLayout(node.type()));
      next.push_back(After(path, node, {prices_.layouts().Number(plain)}));
      return absl::OkStatus();
    }
    if (const std::optional<Alias> view = ViewAliasOf(node))
      return ExtendByView(node, *view, path, next);
    WEFT_ASSIGN_OR_RETURN(const KernelRequest request, RequestOn(path, node));
    WEFT_ASSIGN_OR_RETURN(const std::vector<PricedKernel>* kernels, prices_.KernelsFor(request));
    for (const PricedKernel& kernel : *kernels) {
      Path longer = path;
      for (int i = 0; i < node.num_inputs(); ++i) {
        const int wanted = kernel.inputs[Index(i)];
        if (wanted < 0) continue;
        WEFT_RETURN_IF_ERROR(Read(longer, node, i, wanted));
      }
      longer = After(longer, node, kernel.outputs);
      longer.seconds += kernel.is_default ? kernel.seconds : kernel.seconds * (1 + handicap_);
      longer.is_default &= kernel.is_default;
      longer.end = static_cast<int>(links_.size());
      if (kernel.kernel != nullptr && last_gradient_.contains(&node)) {
        longer.forward.emplace_back(&node, kernel.kernel.get());
      }
      links_.push_back({path.end, &node, &kernel});
      next.push_back(std::move(longer));
    }
    return absl::OkStatus();
  }

  // A view has the bytes of its input, row-major.
  absl::Status ExtendByView(const Node& node, const Alias& view, const Path& path,
                            std::vector<Path>& next) {
    const Value input = node.input(view.input);
    Path longer = path;
    if (!IsFree(input)) {
      WEFT_ASSIGN_OR_RETURN(const Layout plain, PlainLayout(input.type()));
      WEFT_RETURN_IF_ERROR(Convert(longer, input, prices_.layouts().Number(plain), true));
    }
    WEFT_ASSIGN_OR_RETURN(const Layout result, PlainLayout(node.type(view.output)));
    next.push_back(After(longer, node, {prices_.layouts().Number(result)}));
    return absl::OkStatus();
  }

  absl::StatusOr<KernelRequest> RequestOn(const Path& path, const Node& node) {
    const auto layout_of = [&](Value v) -> absl::StatusOr<Layout> {
      if (IsFree(v)) return PlainLayout(v.type());
      return prices_.layouts()[LayoutsOf(path, v).front()];
    };
    WEFT_ASSIGN_OR_RETURN(KernelRequest request, RequestFor(node, options_.threads, layout_of));
    request.has_gradient = last_gradient_.contains(&node);
    for (const auto& [forward, kernel] : path.forward) {
      if (forward == node.forward()) request.forward = kernel;
    }
    return request;
  }

  const std::vector<int>& LayoutsOf(const Path& path, Value value) const {
    return std::ranges::lower_bound(path.live, numbers_.at(value), {}, &Live::value)->layouts;
  }

  // Has input `i` of `node` in the wanted layout. A variable may lie so from run to run, unless its
  // elements are transformed.
  absl::Status Read(Path& path, const Node& node, int i, int wanted) {
    const Value input = node.input(i);
    const bool transformed = !prices_.layouts()[wanted].is_elementwise();
    if (!IsFree(input)) {
      return Convert(path, input, wanted, transformed || !updating_.contains(&node));
    }
    if (!transformed || ConstantValue(input) != nullptr) return absl::OkStatus();
    WEFT_ASSIGN_OR_RETURN(const Layout plain, PlainLayout(input.type()));
    WEFT_ASSIGN_OR_RETURN(const double seconds,
                          prices_.ReorderSeconds(prices_.layouts().Number(plain), wanted));
    path.seconds += seconds;
    return absl::OkStatus();
  }

  // Has `value` in the wanted layout too, for the price of a reorder where it is not.
  absl::Status Convert(Path& path, Value value, int wanted, bool pays) {
    const auto live = std::ranges::lower_bound(path.live, numbers_.at(value), {}, &Live::value);
    if (std::ranges::find(live->layouts, wanted) != live->layouts.end()) return absl::OkStatus();
    if (pays) {
      WEFT_ASSIGN_OR_RETURN(const double seconds,
                            prices_.ReorderSeconds(live->layouts.front(), wanted));
      path.seconds += seconds;
    }
    live->layouts.push_back(wanted);
    return absl::OkStatus();
  }

  // `path` when `node` has run: without what it was the last to read, with its results.
  Path After(const Path& path, const Node& node, const std::vector<int>& outputs) const {
    Path after = path;
    for (int i = 0; i < node.num_inputs(); ++i) {
      const Value input = node.input(i);
      if (!input || IsFree(input) || last_read_.at(input) != &node) continue;
      std::erase_if(after.live, [&](const Live& l) { return l.value == numbers_.at(input); });
    }
    if (node.forward() != nullptr && last_gradient_.at(node.forward()) == &node) {
      std::erase_if(after.forward, [&](const auto& f) { return f.first == node.forward(); });
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      const Value output = node.output(static_cast<int>(i));
      if (!last_read_.contains(output)) continue;
      after.live.push_back({numbers_.at(output), {outputs[i]}});
    }
    std::ranges::sort(after.live);
    return after;
  }

  // Of paths that are alike from here on the quickest; of all the best few, and the default.
  static std::vector<Path> Narrow(std::vector<Path> paths) {
    std::ranges::stable_sort(paths, {}, &Path::seconds);
    std::vector<Path> kept;
    for (Path& path : paths) {
      const bool beaten = std::ranges::any_of(kept, [&](const Path& other) {
        return other.live == path.live && other.forward == path.forward;
      });
      if (path.is_default || (!beaten && kept.size() < kBeam)) kept.push_back(std::move(path));
    }
    return kept;
  }

  absl::Status PayOutputs(Path& path) {
    for (const NamedValue& output : graph_.outputs()) {
      if (IsFree(output.value)) continue;
      WEFT_ASSIGN_OR_RETURN(const Layout plain, PlainLayout(output.value.type()));
      WEFT_RETURN_IF_ERROR(Convert(path, output.value, prices_.layouts().Number(plain), true));
    }
    return absl::OkStatus();
  }

  SearchResult Best(const std::vector<Path>& paths) const {
    const Path& best = *std::ranges::min_element(paths, {}, &Path::seconds);
    SearchResult result;
    result.seconds = best.seconds;
    result.kernels_timed = prices_.kernels_timed();
    for (const Path& path : paths) {
      if (path.is_default) result.default_seconds = path.seconds;
    }
    for (int at = best.end; at >= 0; at = links_[Index(at)].previous) {
      const Link& link = links_[Index(at)];
      if (!link.kernel->is_default) result.choices[link.node->name()] = link.kernel->text;
    }
    return result;
  }

  const Graph& graph_;
  const SearchOptions& options_;
  KernelPrices prices_;
  absl::flat_hash_map<Value, int> numbers_;
  absl::flat_hash_map<Value, const Node*> last_read_;  // null: at the end
  std::unordered_map<const Node*, const Node*> last_gradient_;
  std::unordered_set<const Node*> updating_;
  std::vector<Link> links_;
  double handicap_ = 0;
};

size_t WeightsBytes(const Graph& graph) {
  size_t bytes = 0;
  for (const Node& node : graph.nodes()) {
    if (node.op_name() != kConstant && node.op_name() != kVariable) continue;
    const absl::StatusOr<Layout> layout = PlainLayout(node.type());
    if (layout.ok()) bytes += layout->bytes();
  }
  return bytes;
}

}  // namespace

absl::StatusOr<SearchResult> SearchChoices(const Graph& graph, const SearchOptions& options) {
  const RunScope scope(options.threads);  // what a library offers depends on it
  return Search(graph, options, WeightsBytes(graph)).Run();
}

}  // namespace weft
