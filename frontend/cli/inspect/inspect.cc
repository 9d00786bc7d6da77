#include "frontend/cli/inspect/inspect.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

#include "absl/strings/str_join.h"
#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/cli/option_flags.h"
#include "frontend/inspect/map_picture.h"
#include "frontend/io/draw.h"
#include "frontend/io/png.h"
#include "frontend/train/model_data.h"
#include "frontend/watch/write_text.h"

namespace weft {
namespace {

// "Usage: weft inspect FILE grad-cam": what is looked at stands before the method.
class MethodFormatter : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string name) const override {
    const size_t method = name.rfind(' ');
    if (method != std::string::npos) name.insert(method, " FILE");
    return CLI::Formatter::make_usage(app, std::move(name));
  }
};

// Nothing that the method reads, which its options name, is what it writes.
absl::Status CheckInspectInputs(const CLI::App& method, const InspectArguments& a) {
  std::error_code ignored;
  if (a.output.empty() || std::filesystem::is_directory(a.output, ignored)) {
    return absl::OkStatus();
  }
  WEFT_RETURN_IF_ERROR(CheckOtherFile(a.file, a.output));
  for (const CLI::Option* option : method.get_options()) {
    if (option->check_lname("output")) continue;
    for (const std::string& value : option->results()) {
      WEFT_RETURN_IF_ERROR(CheckOtherFile(value, a.output));
    }
  }
  return absl::OkStatus();
}

}  // namespace

void AddInspectData(CLI::App& app, InspectArguments& a) {
  AddFlagsOf<DataSource>(app, a.data);
  app.add_option("--split", a.split, "Which part of the data: train or test")
      ->capture_default_str();
  app.add_option("--threads", a.threads, "Threads (default: all CPUs this process may use)");
}

void AddInspectExample(CLI::App& app, InspectArguments& a) {
  app.add_option("--image", a.image,
                 "The example: a picture, prepared as the file says, or an .npy array");
  app.add_flag("--resize", a.resize, "Resize the picture to what the model takes");
  app.add_option("--index", a.index, "Without --image: the example's number in the data")
      ->capture_default_str();
  AddInspectData(app, a);
}

void AddInspectOutput(CLI::App& app, InspectArguments& a, const std::string& help) {
  app.add_option("-o,--output", a.output, help);
}

absl::StatusOr<std::shared_ptr<const Dataset>> InspectData(const Model& model,
                                                           const InspectArguments& a) {
  if (a.split != "train" && a.split != "test") {
    return absl::InvalidArgumentError(
        absl::StrCat("--split: expected train or test, got ", a.split));
  }
  WEFT_ASSIGN_OR_RETURN(const DataSource source, DataSourceFor(model, *a.data));
  return OpenDataFor(model, source, a.split == "train" ? Split::kTrain : Split::kTest);
}

absl::StatusOr<Example> InspectExample(const Model& model, const InspectArguments& a) {
  if (!a.image.empty()) return ReadExample(model, a.image, a.resize);
  WEFT_ASSIGN_OR_RETURN(const auto dataset, InspectData(model, a));
  return ExampleOf(*dataset, a.index);
}

absl::Status CheckInspectOutput(const std::string& path, const std::vector<std::string>& endings) {
  if (path.empty()) return absl::OkStatus();
  if (std::ranges::none_of(endings, [&](const std::string& e) { return path.ends_with(e); })) {
    return absl::InvalidArgumentError(absl::StrCat("--output: expected a file that ends in ",
                                                   absl::StrJoin(endings, " or "), ", got ", path));
  }
  return Annotate(CheckOutputPath(path), "--output");
}

absl::Status SavePicture(const std::string& path, const Picture& picture) {
  WEFT_RETURN_IF_ERROR(WritePng(path, picture));
  Print("saved %s (%lldx%lld)\n", path.c_str(), static_cast<long long>(picture.width),
        static_cast<long long>(picture.height));
  return absl::OkStatus();
}

absl::Status SaveArray(const std::string& path, const Tensor& array, std::string_view name) {
  WEFT_RETURN_IF_ERROR(WriteArray(path, array, name));
  Print("saved %s (%s)\n", path.c_str(), ToString(array.type()).c_str());
  return absl::OkStatus();
}

absl::Status SaveText(const std::string& path, const std::string& text) {
  WEFT_RETURN_IF_ERROR(ReplaceByText(path, text));
  Print("saved %s\n", path.c_str());
  return absl::OkStatus();
}

absl::Status PrintMap(const Tensor& map) {
  const int64_t step =
      std::max<int64_t>(1, (map.dims()[1] + TerminalColumns() - 1) / TerminalColumns());
  const int64_t height = (map.dims()[0] + step - 1) / step,
                width = (map.dims()[1] + step - 1) / step;
  const ValueRange range = RangeOf(map.values<float>(), false);
  WEFT_ASSIGN_OR_RETURN(Tensor shades, Tensor::Zeros(DType::kF32, {height, width}));
  const std::span<float> shade = shades.mutable_values<float>();
  for (int64_t i = 0; i < height * width; ++i) {
    const int64_t from = i / width * step * map.dims()[1] + i % width * step;
    shade[static_cast<size_t>(i)] =
        static_cast<float>(range.Place(map.values<float>()[static_cast<size_t>(from)]));
  }
  WEFT_ASSIGN_OR_RETURN(const std::string text, DrawImage(shades, DrawStyle::kAscii));
  Print("%s", text.c_str());
  return absl::OkStatus();
}

absl::Status PrintPicture(const Picture& picture) {
  WEFT_ASSIGN_OR_RETURN(Tensor map, Tensor::Zeros(DType::kF32, {picture.height, picture.width}));
  const std::span<float> levels = map.mutable_values<float>();
  for (size_t i = 0; i < levels.size(); ++i) {
    levels[i] = picture.channels == 1 ? picture.pixels[i] : LumaOf(&picture.pixels[i * 3]);
  }
  return PrintMap(map);
}

Command AddInspect(CLI::App& program) {
  CLI::App* app =
      program.add_subcommand("inspect", "Look inside a network: pictures of what it does");
  auto a = std::make_shared<InspectArguments>();
  app->add_option("file", a->file, "A .weft or .onnx file, or a network of the zoo")->required();
  std::vector<InspectMethod> methods;
  for (const auto add :
       {AddAttributionMethods, AddExcitationMethods, AddGraphMethods, AddReceptiveFieldMethods,
        AddResourceMethods, AddEmbeddingMethods, AddJudgementMethods, AddAdversarialMethods,
        AddLayerMethods, AddStatisticsMethods, AddLossSurfaceMethods, AddUnitMethods,
        AddDreamMethods}) {
    std::ranges::move(add(*app, a), std::back_inserter(methods));
  }
  for (const InspectMethod& method : methods) {
    method.app->formatter(std::make_shared<MethodFormatter>());
  }
  app->require_subcommand(1);
  app->footer(
      "Example: weft inspect digits.weft grad-cam --index 3 -o why.png\nEvery method has --help.");
  return {app, [a, methods]() -> absl::Status {
            WEFT_ASSIGN_OR_RETURN(const OpenedModel opened, OpenModel(a->file));
            for (const InspectMethod& method : methods) {
              if (!method.app->parsed()) continue;
              WEFT_RETURN_IF_ERROR(Annotate(CheckInspectInputs(*method.app, *a), "--output"));
              return Annotate(method.run(opened.model), a->file);
            }
            return absl::InternalError("inspect: no method");
          }};
}

}  // namespace weft
