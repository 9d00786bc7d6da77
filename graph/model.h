#ifndef WEFT_GRAPH_MODEL_H_
#define WEFT_GRAPH_MODEL_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "graph/evaluator.h"
#include "graph/graph.h"

namespace weft {

// How an image becomes the graph's input: decoded to `channels` in `channel_order`, resized to
// height x width, scaled to [0, 1], then (x - mean[c]) / std[c].
struct Preprocessing {
  int64_t channels = 1;
  int64_t height = 0;
  int64_t width = 0;
  std::string channel_order = "gray";  // "gray", "rgb", "bgr"
  std::vector<float> mean;             // one a channel
  std::vector<float> std;
  friend bool operator==(const Preprocessing&, const Preprocessing&) = default;
};

// What a bit-exact resume needs besides the graph.
struct TrainingState {
  int64_t step = 0;   // optimizer steps taken
  int64_t epoch = 0;  // whole passes over the data
  uint64_t seed = 0;
  int64_t threads = 0;
  std::map<std::string, std::string> config;          // batch, lr, momentum, data, …
  TensorMap slots;                                    // optimizer slots by variable name
  std::map<std::string, std::string> kernel_choices;  // batch/step -> kernel and layouts
};

// What one .weft file keeps.
struct Model {
  explicit Model(Graph g) : graph(std::move(g)) {}

  Graph graph;  // mode-neutral; variables hold the current weights
  std::optional<Preprocessing> preprocessing;
  std::vector<std::string> class_names;
  std::optional<TrainingState> training;
  std::map<std::string, std::string> metadata;  // free text: "name", "description", …
};

}  // namespace weft

#endif  // WEFT_GRAPH_MODEL_H_
