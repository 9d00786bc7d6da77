#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "frontend/inspect/example.h"
#include "tests/frontend/testing_cli.h"
#include "tests/inspect/testing_golden.h"
#include "tests/inspect/testing_http.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

class CliServe : public Cli {
 protected:
  // Starts it at a free port and waits until it says which.
  void StartServe(const std::string& options = "") {
    pid_ = Start("serve " + GoldenFolder() + "/digits.weft --port 0 --threads 1 " + options);
    const std::string before = "http://127.0.0.1:";
    std::string said;
    while (said.find("/ (") == std::string::npos) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      said = ReadText(Path("stdout"));
      ASSERT_EQ(kill(pid_, 0), 0) << ReadText(Path("stderr"));
    }
    const size_t at = said.find(before);
    ASSERT_NE(at, std::string::npos) << said;
    port_ = std::stoi(said.substr(at + before.size()));
  }

  // Starts it with a pipe as its stderr; the end to read.
  int StartServeWithPipe() {
    EXPECT_EQ(mkfifo(Path("stderr").c_str(), 0600), 0);
    const int reader = open(Path("stderr").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    StartServe();
    return reader;
  }
  // The exit code of one that is asked to end; -SIGKILL where it does not within seconds.
  int ExitCodeOfTerminated() const {
    kill(pid_, SIGTERM);
    int status = 0;
    for (int i = 0; i < 500 && waitpid(pid_, &status, WNOHANG) == 0; ++i) {
      if (i == 499) {
        kill(pid_, SIGKILL);
        waitpid(pid_, &status, 0);
        break;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  // The most memory that it has had, in MiB.
  int64_t PeakMemory() const {
    const std::string status = ReadText(absl::StrCat("/proc/", pid_, "/status"));
    return std::stoll(status.substr(status.find("VmHWM:") + 6)) / 1024;
  }

  std::string Picture0() const {
    const auto example = ExampleOf(*GoldenData("digits"), 0).value();
    const std::vector<std::byte> png = EncodePng(*example.picture).value();
    return std::string(reinterpret_cast<const char*>(png.data()), png.size());
  }

  pid_t pid_ = 0;
  int port_ = 0;
};

TEST_F(CliServe, ServesUntilItIsTerminated) {
  StartServe();
  const HttpAnswer answer = AnswerTo(port_, PostRequest("/api/example", Picture0()));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(nlohmann::json::parse(answer.body)["predictions"].size(), 5);
  EXPECT_EQ(AnswerTo(port_, GetRequest("/nothing")).status, 404);
  kill(pid_, SIGTERM);
  const Outcome o = Finish(pid_);
  EXPECT_EQ(o.code, 143);
  EXPECT_THAT(o.out, HasSubstr("digits.weft at http://127.0.0.1:"));
  EXPECT_THAT(o.err, HasSubstr(" POST /api/example 200 "));
  EXPECT_THAT(o.err, HasSubstr(" GET /nothing 404 "));
  EXPECT_THAT(o.err, ::testing::EndsWith("weft serve: interrupted\n"));
}

TEST_F(CliServe, StopsWhileItIsBusy) {
  StartServe();
  const std::string request = PostRequest("/api/example", Picture0());
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<HttpClient>(port_));
    clients.back()->Send(i % 4 == 0 ? request.substr(0, request.size() - 1) : request);
  }
  EXPECT_EQ(clients[1]->Receive().status, 200);
  const auto began = std::chrono::steady_clock::now();
  kill(pid_, SIGINT);
  EXPECT_EQ(Finish(pid_).code, 130);
  // A second is what it takes at most; more of them for a machine that does other things.
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
}

TEST_F(CliServe, GoesOnWhereTheReaderOfItsLogHasGone) {
  close(StartServeWithPipe());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(AnswerTo(port_, GetRequest("/nothing")).status, 404);
  EXPECT_EQ(ExitCodeOfTerminated(), 143);
}

TEST_F(CliServe, StopsWhereNobodyReadsItsLog) {
  const int reader = StartServeWithPipe();
  const int size = fcntl(reader, F_SETPIPE_SZ, 4096);
  ASSERT_GT(size, 0);
  HttpClient client(port_);
  for (int i = 0; i < 2 * size / 200; ++i) client.Send(GetRequest("/" + std::string(200, 'x')));
  int full = 0;  // bytes
  for (int i = 0; i < 1000 && full < size - 400; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ioctl(reader, FIONREAD, &full);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(ExitCodeOfTerminated(), 143);
  close(reader);
}

// Gigabytes, of which it is allowed 8 bodies of 4 MiB.
TEST_F(CliServe, TakesBoundedMemoryWhateverIsSent) {
  StartServe("--max-body 4194304");
  const std::string picture = Picture0();
  EXPECT_EQ(AnswerTo(port_, PostRequest("/api/predict", picture)).status, 200);
  const int64_t before = PeakMemory();
  const std::string garbage(4 << 20, 'x');
  std::vector<std::thread> clients;
  for (int i = 0; i < 200; ++i) {
    clients.emplace_back([&, i] {
      HttpClient client(port_);
      if (i % 2 == 0) {
        client.Send(PostRequest("/api/predict", garbage));
      } else {
        client.Send(
            "POST /api/predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
        const std::string chunk = "100000\r\n" + garbage.substr(0, 0x100000) + "\r\n";
        for (int sent = 0; sent < 2048 && !client.HasAnswer() && client.Send(chunk); ++sent) {
        }
      }
      EXPECT_THAT(client.Receive().status, ::testing::AnyOf(400, 413, 503, 0));
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(AnswerTo(port_, PostRequest("/api/predict", picture)).status, 200);
  EXPECT_LT(PeakMemory() - before, 200) << "MiB";
  kill(pid_, SIGTERM);
  EXPECT_EQ(Finish(pid_).code, 143);
}

TEST_F(CliServe, SaysWhatItCannotServe) {
  const std::string file = GoldenFolder() + "/digits.weft";
  EXPECT_THAT(Error("serve nothing.weft"), HasSubstr("nothing.weft"));
  EXPECT_THAT(Error("serve " + file + " --port 70000"),
              HasSubstr("port: expected a number from 0 to 65535, got 70000"));
  EXPECT_THAT(Error("serve " + file + " --max-body 0"), HasSubstr("max-body: expected 1 to"));
  EXPECT_THAT(Error("serve " + file + " --host nowhere.invalid"),
              HasSubstr("host: expected an address of this machine, got nowhere.invalid"));
}

}  // namespace
}  // namespace weft
