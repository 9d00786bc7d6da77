#ifndef WEFT_FRONTEND_CLI_INSPECT_INSPECT_H_
#define WEFT_FRONTEND_CLI_INSPECT_INSPECT_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/data/dataset.h"
#include "frontend/inspect/example.h"
#include "frontend/io/picture.h"
#include "frontend/train/config.h"
#include "graph/model.h"
#include "graph/status.h"

namespace weft {

// What the methods of `weft inspect` have in common.
struct InspectArguments {
  std::string file;
  std::string image;  // the example's file
  int64_t index = 0;  // or its number in the data
  std::string split = "test";
  std::shared_ptr<Config> data = std::make_shared<Config>();  // the data's options
  bool resize = false;
  std::string output;
  int threads = 0;
};

// A method: its arguments, and what it does to the model of FILE once they are parsed.
struct InspectMethod {
  CLI::App* app;
  std::function<absl::Status(const Model& model)> run;
};

// One file each: adds the family's methods to `weft inspect`; `a` is shared by all.
std::vector<InspectMethod> AddAttributionMethods(CLI::App& inspect,
                                                 std::shared_ptr<InspectArguments> a);
std::vector<InspectMethod> AddExcitationMethods(CLI::App& inspect,
                                                std::shared_ptr<InspectArguments> a);
std::vector<InspectMethod> AddGraphMethods(CLI::App& inspect, std::shared_ptr<InspectArguments> a);
std::vector<InspectMethod> AddReceptiveFieldMethods(CLI::App& inspect,
                                                    std::shared_ptr<InspectArguments> a);
std::vector<InspectMethod> AddResourceMethods(CLI::App& inspect,
                                              std::shared_ptr<InspectArguments> a);
std::vector<InspectMethod> AddEmbeddingMethods(CLI::App& inspect,
                                               std::shared_ptr<InspectArguments> a);
std::vector<InspectMethod> AddJudgementMethods(CLI::App& inspect,
                                               std::shared_ptr<InspectArguments> a);
std::vector<InspectMethod> AddAdversarialMethods(CLI::App& inspect,
                                                 std::shared_ptr<InspectArguments> a);
std::vector<InspectMethod> AddLayerMethods(CLI::App& inspect, std::shared_ptr<InspectArguments> a);
std::vector<InspectMethod> AddStatisticsMethods(CLI::App& inspect,
                                                std::shared_ptr<InspectArguments> a);
std::vector<InspectMethod> AddLossSurfaceMethods(CLI::App& inspect,
                                                 std::shared_ptr<InspectArguments> a);
std::vector<InspectMethod> AddUnitMethods(CLI::App& inspect, std::shared_ptr<InspectArguments> a);
std::vector<InspectMethod> AddDreamMethods(CLI::App& inspect, std::shared_ptr<InspectArguments> a);

// --data and its options, --split, --threads.
void AddInspectData(CLI::App& app, InspectArguments& a);
// --image FILE --resize, or those of AddInspectData and --index.
void AddInspectExample(CLI::App& app, InspectArguments& a);
// -o, with what may be written for help.
void AddInspectOutput(CLI::App& app, InspectArguments& a, const std::string& help);

// What these say. Errors name the option.
absl::StatusOr<std::shared_ptr<const Dataset>> InspectData(const Model& model,
                                                           const InspectArguments& a);
absl::StatusOr<Example> InspectExample(const Model& model, const InspectArguments& a);

// An error unless `path` is empty or ends in one of these (".png") and can be made.
absl::Status CheckInspectOutput(const std::string& path, const std::vector<std::string>& endings);
// Write a file and say so; a picture as .png.
absl::Status SavePicture(const std::string& path, const Picture& picture);
// An array as .npy (WriteArray).
absl::Status SaveArray(const std::string& path, const Tensor& array, std::string_view name);
absl::Status SaveText(const std::string& path, const std::string& text);
// A map f32[H,W] in the terminal, as wide as that is at most, the darkest shade for its least
// number.
absl::Status PrintMap(const Tensor& map);
// A picture likewise, in shades of gray.
absl::Status PrintPicture(const Picture& picture);

}  // namespace weft

#endif  // WEFT_FRONTEND_CLI_INSPECT_INSPECT_H_
