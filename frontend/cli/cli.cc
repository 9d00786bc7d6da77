#include "frontend/cli/cli.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "frontend/cli/command.h"
#include "frontend/cli/interrupt.h"
#include "frontend/io/names.h"

namespace weft {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

// One line on stderr, whatever the message contains.
int Report(const std::string& who, std::string message, int code) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::fflush(stdout);
  std::fprintf(stderr, "%s: %s\n", who.c_str(), message.c_str());
  return code;
}

absl::Status UnknownCommand(const std::string& parent, const char* name,
                            const std::vector<std::string>& names) {
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string nearest(NearestName(name, views));
  return absl::InvalidArgumentError(
      absl::StrCat("unknown command ", name, nearest.empty() ? "" : ", did you mean ", nearest,
                   nearest.empty() ? "" : "?", " (see ", parent, " --help)"));
}

// How many arguments stand between a command and its own commands, as in weft inspect FILE METHOD.
int PositionalsBeforeCommands(const CLI::App& app) {
  if (app.get_subcommands([](const CLI::App*) { return true; }).empty()) return 0;
  const auto options = app.get_options([](const CLI::Option* o) { return o->get_positional(); });
  return static_cast<int>(options.size());
}

// "weft trian" -> "train" is meant, "weft weights lod" -> "load"; OK for known commands and for
// options.
absl::Status CheckCommandNames(const CLI::App& program, int argc, char** argv) {
  const CLI::App* app = &program;
  std::string parent = "weft";
  for (int i = 1; i < argc && argv[i][0] != '-'; ++i) {
    std::vector<std::string> names;
    const CLI::App* next = nullptr;
    for (const CLI::App* command : app->get_subcommands([](const CLI::App*) { return true; })) {
      names.push_back(command->get_name());
      if (names.back() == argv[i]) next = command;
    }
    if (names.empty()) break;  // the rest are arguments
    if (next == nullptr) return UnknownCommand(parent, argv[i], names);
    parent += absl::StrCat(" ", argv[i]);
    app = next;
    i += PositionalsBeforeCommands(*app);
  }
  return absl::OkStatus();
}

int RunCommand(const Command& command) {
  const std::string who = "weft " + command.app->get_name();
  const absl::Status status = command.run();
  if (!status.ok()) {
    return Report(who, std::string(status.message()),
                  status.code() == absl::StatusCode::kCancelled ? InterruptExitCode() : kFailed);
  }
  // An earlier failure leaves the mark even where the last flush works.
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  return written ? 0 : Report(who, "cannot write to standard output", kFailed);
}

// "there is no option --patience, did you mean ...? There are --a, --b, ...", where what is left
// over is such a one; else the parser's words.
std::string UnexpectedArgument(const CLI::App& app, const CLI::ParseError& e) {
  const std::vector<std::string> left = app.remaining();
  const auto option = std::ranges::find_if(
      left, [](const std::string& argument) { return argument.starts_with("--"); });
  if (option == left.end()) return e.what();
  std::vector<std::string> names;
  for (const CLI::Option* o : app.get_options()) {
    for (const std::string& name : o->get_lnames()) names.push_back("--" + name);
  }
  const std::string wrong = option->substr(0, option->find('='));
  const std::string nearest(
      NearestName(wrong, std::vector<std::string_view>(names.begin(), names.end())));
  return absl::StrCat("there is no option ", wrong,
                      nearest.empty() ? "" : absl::StrCat(", did you mean ", nearest, "?"),
                      " (there are ", absl::StrJoin(names, ", "), ")");
}

int ParseAndRun(CLI::App& program, const std::vector<Command>& commands, int argc, char** argv) {
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return program.exit(e);  // --help, --version
    std::string who = "weft";
    const CLI::App* app = &program;
    while (!app->get_subcommands().empty()) {
      app = app->get_subcommands()[0];
      who += " " + app->get_name();
    }
    return Report(who, absl::StrCat(UnexpectedArgument(*app, e), " (see ", who, " --help)"),
                  kUsage);
  }
  for (const Command& command : commands) {
    if (command.app->parsed()) return RunCommand(command);
  }
  return Report("weft", "no command (see weft --help)", kUsage);
}

}  // namespace

// The one place where exceptions of CLI11, and those of the standard library that nobody expects,
// become an exit code.
int RunCli(int argc, char** argv) {
  try {
    CLI::App program("Weft builds, trains, optimizes and runs convolutional networks on CPUs.",
                     "weft");
    program.set_version_flag("--version", "weft " WEFT_VERSION);
    program.require_subcommand(0, 1);
    program.footer(
        "Example: weft train --model lenet-bn --data digits -o a.weft && weft eval a.weft --data "
        "digits\nEvery command has --help.");
    const std::vector<Command> commands = {
        AddTrain(program),    AddEval(program),    AddRun(program),     AddShow(program),
        AddOptimize(program), AddDiff(program),    AddPlan(program),    AddImport(program),
        AddExport(program),   AddWeights(program), AddConform(program), AddZoo(program),
        AddOps(program),      AddData(program),    AddDemo(program),    AddFeatures(program),
        AddLrFind(program),   AddPlot(program),    AddBench(program),   AddProfile(program),
        AddInspect(program),  AddServe(program),   AddFilter(program),  AddReport(program)};
    if (argc < 2) {
      std::fputs(program.help().c_str(), stdout);
      return 0;
    }
    const absl::Status name = CheckCommandNames(program, argc, argv);
    if (!name.ok()) return Report("weft", std::string(name.message()), kUsage);
    return ParseAndRun(program, commands, argc, argv);
  } catch (const std::exception& e) {
    return Report("weft", e.what(), kFailed);
  }
}

}  // namespace weft
