#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/cli/interrupt.h"
#include "frontend/serve/server.h"

namespace weft {
namespace {

constexpr double kPatienceSeconds = 0.3;  // with the run at work, once the program has to end

struct ServeArguments {
  std::string file;
  int port = 8080;
  ServerOptions options;
};

// To stderr, where nobody may read it: a full pipe would hold up the end, and so would stdio's lock
// while another thread waits for that pipe.
void SayWithoutWaiting(std::string_view line) {
  pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0) {
    [[maybe_unused]] const ssize_t n = write(STDERR_FILENO, line.data(), line.size());
  }
}

absl::Status Serve(ServeArguments a) {
  std::signal(SIGPIPE, SIG_IGN);  // whoever reads the log may go, the server stays
  WEFT_ASSIGN_OR_RETURN(const OpenedModel opened, OpenModel(a.file));
  // One write a line: requests end on a thread of their own.
  a.options.log = [](const std::string& line) { std::fputs((line + "\n").c_str(), stderr); };
  a.options.name = std::filesystem::path(a.file).filename().string();
  auto server = Server::Create(opened.model, a.options);
  if (!server.ok()) return Annotate(server.status(), a.file);
  WEFT_RETURN_IF_ERROR((*server)->Start(a.port));
  const InterruptGuard guard;
  Print("serving %s at %s (Ctrl-C ends it)\n", a.file.c_str(), (*server)->url().c_str());
  std::fflush(stdout);
  while (!guard.interrupted()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  if (!(*server)->Stop(kPatienceSeconds)) {
    // A run cannot be taken back, and nobody waits for it: the program ends as it is.
    SayWithoutWaiting("weft serve: interrupted\n");
    std::_Exit(InterruptExitCode());
  }
  return absl::CancelledError("interrupted");
}

}  // namespace

Command AddServe(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "serve", "A page in the browser: drop a picture, see what a network makes of it");
  auto a = std::make_shared<ServeArguments>();
  app->add_option("file", a->file, "A .weft or .onnx file, or a network of the zoo")->required();
  app->add_option("--port", a->port, "The port; 0: a free one")->capture_default_str();
  app->add_option("--host", a->options.host,
                  "The address to listen at. On another than a loopback one, everybody who reaches "
                  "it is answered")
      ->capture_default_str();
  app->add_option("--threads", a->options.view.session.threads,
                  "Threads of a run (default: all CPUs this process may use)");
  app->add_option("--max-body", a->options.max_body, "Bytes that a picture's file may have")
      ->capture_default_str();
  app->add_option("--max-elements", a->options.most_elements,
                  "Elements that an .npy array may have where the model leaves its size open "
                  "(default: 2^22, or 4 times those of its pictures)");
  app->add_option("--timeout", a->options.timeout_seconds,
                  "Seconds for a request to come and for an answer to go")
      ->capture_default_str();
  app->add_option("--queue", a->options.queue, "Requests that may wait")->capture_default_str();
  app->footer(
      "Examples: weft serve digits.weft\n"
      "          curl --data-binary @seven.png -H 'Content-Type: image/png' "
      "'http://127.0.0.1:8080/api/predict'");
  return {app, [a] { return Serve(*a); }};
}

}  // namespace weft
