#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "frontend/build/builder.h"
#include "frontend/inspect/map_picture.h"
#include "frontend/io/npy.h"
#include "frontend/report/report.h"
#include "frontend/serve/server.h"
#include "frontend/train/model_data.h"
#include "graph/bind.h"
#include "tests/frontend/testing_files.h"
#include "tests/inspect/testing_golden.h"
#include "tests/inspect/testing_http.h"

namespace weft {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string PngOf(const Picture& picture) {
  const std::vector<std::byte> png = EncodePng(picture).value();
  return std::string(reinterpret_cast<const char*>(png.data()), png.size());
}

std::string PngChunk(const std::string& type_and_data) {
  uint32_t crc = ~0u;
  for (const char c : type_and_data) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
  }
  return BigEndian(static_cast<uint32_t>(type_and_data.size() - 4)) + type_and_data +
         BigEndian(~crc);
}

// A small PNG file that says it is so large a gray picture.
std::string PngBomb(uint32_t width, uint32_t height) {
  return "\x89PNG\r\n\x1a\n" +
         PngChunk("IHDR" + BigEndian(width) + BigEndian(height) +
                  std::string("\x08\x00\x00\x00\x00", 5)) +
         PngChunk("IDAT" + std::string("\x78\x9c\x03\x00\x00\x00\x00\x01", 8)) + PngChunk("IEND");
}

// A server of the digits' network, and pictures of its data.
class Serve : public ::testing::Test {
 protected:
  void StartServer(ServerOptions options = {}) {
    options.view.session.threads = 1;
    server_ = Server::Create(model_, options).value();
    ASSERT_TRUE(server_->Start(0).ok());
  }
  int port() const { return server_->port(); }
  HttpAnswer Get(std::string_view target, std::string_view headers = {}) const {
    return AnswerTo(port(), GetRequest(target, headers));
  }
  HttpAnswer Post(std::string_view target, std::string_view body) const {
    return AnswerTo(port(), PostRequest(target, body));
  }
  Example ExampleAt(int64_t index) const { return ExampleOf(*data_, index).value(); }
  // It is still there and right.
  void ExpectAnswers() const {
    EXPECT_EQ(Post("/api/predict", PngOf(*ExampleAt(0).picture)).status, 200);
  }

  const Model model_ = GoldenModel("digits");
  const std::shared_ptr<const Dataset> data_ = GoldenData("digits");
  std::unique_ptr<Server> server_;
};

TEST_F(Serve, Answers200ParallelRequestsWithTheSessionsNumbers) {
  StartServer();
  constexpr size_t kClients = 200, kPictures = 20;
  auto session = Session::Create(model_, {.threads = 1}).value();
  std::vector<std::string> files;
  std::vector<Prediction> expected;
  for (size_t i = 0; i < kPictures; ++i) {
    const Example example = ExampleAt(static_cast<int64_t>(i));
    files.push_back(PngOf(*example.picture));
    const Tensor x = DecodeExample(model_, AsBytes(files.back()), "x", true).value().x;
    const Tensor scores = session->Run(x).value();
    expected.push_back(TopPredictions(scores, 0, 1, session->gives_probabilities()).value()[0]);
  }
  std::vector<HttpAnswer> answers(kClients);
  std::latch start(kClients);
  std::vector<std::thread> clients;
  for (size_t i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] {
      HttpClient client(port());
      start.arrive_and_wait();
      client.Send(PostRequest("/api/predict", files[i % kPictures]));
      answers[i] = client.Receive();
    });
  }
  for (std::thread& client : clients) client.join();
  for (size_t i = 0; i < kClients; ++i) {
    ASSERT_EQ(answers[i].status, 200) << i << ": " << answers[i].body;
    const json best = json::parse(answers[i].body)["predictions"][0];
    EXPECT_EQ(best["label"], expected[i % kPictures].label);
    EXPECT_EQ(best["probability"], expected[i % kPictures].probability);
  }
}

TEST_F(Serve, AnswersWithTheExampleView) {
  StartServer();
  const std::string file = PngOf(*ExampleAt(3).picture);
  const HttpAnswer answer = Post("/api/example?class=7&methods=gradient", file);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.headers.at("content-type"), "application/json");
  auto view = ExampleView::Create(model_, {.session = {.threads = 1}}).value();
  const Example example = DecodeExample(model_, AsBytes(file), "picture", true).value();
  EXPECT_EQ(answer.body, view->Json(example, {.target = 7, .methods = {{"gradient"}}}).value());
  const json facts = json::parse(Get("/api/model").body);
  EXPECT_EQ(facts["classes"].size(), 10);
  EXPECT_EQ(facts["methods"].size(), AttributionMethods().size());
  EXPECT_EQ(facts["nodes"], view->nodes());
  // A picture of another size is resized.
  EXPECT_EQ(Post("/api/predict", PngOf(Enlarged(*example.picture, 3))).status, 200);
}

// Pictures go through the steps that the model was trained with, as those of weft run do.
TEST_F(Serve, PreparesPicturesAsTheFileSays) {
  Model model(Clone(model_.graph));
  model.preprocessing = model_.preprocessing;
  model.class_names = model_.class_names;
  ASSERT_TRUE(SetTestSteps("resize(40), center_crop(28)", model).ok());
  server_ = Server::Create(model, {.view = {.session = {.threads = 1}}}).value();
  ASSERT_TRUE(server_->Start(0).ok());
  const std::string file = PngOf(*ExampleAt(3).picture);
  WriteText(testing::TempDir() + "/serve_steps.png", file);
  const auto cut = ReadExample(model, testing::TempDir() + "/serve_steps.png", true);
  ASSERT_TRUE(cut.ok()) << cut.status();
  auto session = Session::Create(model, {.threads = 1}).value();
  const auto top = TopPredictions(session->Run(cut->x).value(), 0, 5).value();
  const json predictions = json::parse(Post("/api/predict", file).body)["predictions"];
  ASSERT_EQ(predictions.size(), top.size());
  for (size_t i = 0; i < top.size(); ++i) {
    EXPECT_EQ(predictions[i]["label"], top[i].label);
    EXPECT_EQ(predictions[i]["probability"], top[i].probability);
  }
  const auto whole = TopPredictions(session->Run(ExampleAt(3).x).value(), 0, 1).value();
  EXPECT_NE(predictions[0]["probability"], whole[0].probability);
}

TEST_F(Serve, ServesItsPageWithHeadersThatProtectIt) {
  StartServer();
  const HttpAnswer page = Get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("<!doctype html>"));
  EXPECT_THAT(page.headers.at("content-security-policy"), HasSubstr("default-src 'none'"));
  EXPECT_THAT(page.body, HasSubstr(absl::StrCat("content=\"", PagePolicy(true), "\"")));
  EXPECT_EQ(page.headers.at("content-security-policy"),
            absl::StrCat(PagePolicy(true), "; frame-ancestors 'none'"));
  EXPECT_EQ(page.headers.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(page.headers.at("referrer-policy"), "no-referrer");
  EXPECT_FALSE(page.headers.contains("access-control-allow-origin"));
  HttpClient client(port());
  client.Send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n" + GetRequest("/favicon.ico"));
  const HttpAnswer head = client.Receive(false);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-length"), std::to_string(page.body.size()));
  EXPECT_EQ(client.Receive().status, 204);
}

TEST_F(Serve, SaysWhatIsWrongWithPictures) {
  StartServer();
  const std::string file = PngOf(*ExampleAt(0).picture);
  for (const std::string& broken :
       {std::string(), std::string("hello"), file.substr(0, file.size() / 2), PngBomb(28, 28),
        PngBomb(60000, 60000), std::string(1000, '\0'), std::string("\x93NUMPY"),
        std::string("\xff\xd8\xff\xe0 no JPEG")}) {
    for (const char* target : {"/api/example", "/api/predict"}) {
      const HttpAnswer answer = Post(target, broken);
      EXPECT_EQ(answer.status, 400) << broken.substr(0, 20);
      EXPECT_THAT(json::parse(answer.body)["error"].get<std::string>(), HasSubstr("picture: "));
    }
  }
  EXPECT_THAT(Post("/api/predict", PngBomb(60000, 60000)).body, HasSubstr("60000x60000"));
  ExpectAnswers();
}

TEST_F(Serve, SaysWhatIsWrongWithRequests) {
  StartServer();
  const auto status = [&](const std::string& request) { return AnswerTo(port(), request).status; };
  for (const std::string_view target :
       {"/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/etc/passwd", "//etc/passwd", "/api",
        "/api/", "/api/model/", "/api/./model", "/index.html", "/..%5c..%5cx", "/API/MODEL"}) {
    EXPECT_EQ(Get(target).status, 404) << target;
  }
  EXPECT_EQ(Get("/api/model%00").status, 400);
  EXPECT_EQ(status("GET http://localhost/api/model HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
  EXPECT_EQ(status("GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n"), 403);
  for (const char* host :
       {"evil.example", "127.0.0.1.evil.example", "localhost:x", "", "10.0.0.1"}) {
    EXPECT_EQ(status(absl::StrCat("GET / HTTP/1.1\r\nHost: ", host, "\r\n\r\n")),
              *host == '\0' ? 200 : 403)
        << host;
  }
  EXPECT_EQ(Get("/", "Origin: http://localhost\r\n").status, 200);
  EXPECT_EQ(Get("/", "Origin: http://evil.example\r\n").status, 403);
  EXPECT_EQ(Get("/", "Origin: null\r\n").status, 403);
  EXPECT_EQ(Get("/api/predict").status, 405);
  EXPECT_EQ(Get("/api/predict").headers.at("allow"), "POST");
  EXPECT_EQ(Post("/", "x").status, 405);
  EXPECT_EQ(status("OPTIONS /api/predict HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405);
  EXPECT_EQ(status("DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405);
  const std::string post = "POST /api/predict HTTP/1.1\r\nHost: localhost\r\n";
  EXPECT_EQ(status(post + "\r\n"), 411);
  EXPECT_EQ(status(post + "Content-Type: text/plain\r\nContent-Length: 1\r\n\r\nx"), 415);
  EXPECT_EQ(status(post + "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"), 415);
  EXPECT_EQ(Post("/api/example?class=10", "x").status, 400);
  EXPECT_EQ(Post("/api/example?class=one", "x").status, 400);
  EXPECT_EQ(Post("/api/example?methods=magic", "x").status, 400);
  EXPECT_EQ(Post("/api/example?clas=1", "x").status, 400);
  EXPECT_THAT(Post("/api/predict?class=1", "x").body, HasSubstr("expected nothing, got class"));
  EXPECT_THAT(Post("/api/example?class=1&class=2", "x").body, HasSubstr("class: given twice"));
  EXPECT_THAT(Post("/api/example?methods=gradient&methods=cam", "x").body,
              HasSubstr("methods: given twice"));
  const std::string twice = absl::StrCat("POST /api/example?methods=gradient,gradient HTTP/1.1\r\n",
                                         "Host: localhost\r\nContent-Length: 9\r\n\r\n");
  EXPECT_EQ(status(twice), 400);  // before the body
  EXPECT_THAT(AnswerTo(port(), twice).body, HasSubstr("gradient: named twice"));
  EXPECT_EQ(Get("/" + std::string(20000, 'x')).status, 414);
  EXPECT_EQ(Get("/", "X: " + std::string(20000, 'x') + "\r\n").status, 431);
  EXPECT_EQ(status("\x16\x03\x01\x02\r\n\r\n"), 400);
  ExpectAnswers();
}

TEST_F(Serve, RefusesLargeBodiesBeforeItReadsThem) {
  StartServer({.max_body = 1 << 20});
  const std::string post = "POST /api/predict HTTP/1.1\r\nHost: localhost\r\n";
  HttpClient announced(port());
  announced.Send(post + "Expect: 100-continue\r\nContent-Length: 2147483648\r\n\r\n");
  EXPECT_EQ(announced.Receive().status, 413);
  EXPECT_TRUE(announced.IsEnded());
  // As much of 2 GB as it takes until the answer comes.
  HttpClient streamed(port());
  streamed.Send(post + "Transfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  for (int i = 0; i < 32768 && !streamed.HasAnswer() && streamed.Send(chunk); ++i) {
  }
  EXPECT_EQ(streamed.Receive().status, 413);
  // The error of a head is known before a body that would fit.
  HttpClient refused(port());
  refused.Send("POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_EQ(refused.Receive().status, 404);
  ExpectAnswers();
}

// Half a head is not too much, however small bodies have to be.
TEST_F(Serve, CountsHeadsBesidesBodies) {
  StartServer({.max_body = 1});
  HttpClient client(port());
  client.Send("GET /api/model HTTP/1.1\r\nX: " + std::string(1000, 'x'));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  client.Send("\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.Receive().status, 200);
}

TEST_F(Serve, SaysWhichPicturesAreNotRead) {
  StartServer();
  std::string bmp("BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0\x04", 31);
  bmp.resize(0x36 + 4);  // of compression 4, a JPEG
  const HttpAnswer answer = Post("/api/predict", bmp);
  EXPECT_EQ(answer.status, 501);
  EXPECT_THAT(answer.body, HasSubstr("BI_JPEG"));
}

// Where the model leaves the size open, a small file of large runs would take any memory and time.
TEST(ServeOfOpenSizes, TakesArraysUpToASize) {
  Builder b;
  const Value x = b.Input("x", {"N", 1, "H", "W"});
  b.Output("y", b.Flatten(b.GlobalAvgPool(b.Relu(x))));
  auto server = Server::Create(b.Build().value(), {.most_elements = 100}).value();
  ASSERT_TRUE(server->Start(0).ok());
  const std::string path = TestFolder() + "/x.npy";
  const auto answer_of = [&](const Dims& dims) {
    EXPECT_TRUE(WriteNpy(path, Tensor::Zeros(DType::kF32, dims).value()).ok());
    return AnswerTo(server->port(), PostRequest("/api/predict", ReadText(path)));
  };
  EXPECT_EQ(answer_of({1, 1, 10, 10}).status, 200);
  EXPECT_EQ(answer_of({1, 1, 4, 25}).status, 200);
  EXPECT_EQ(answer_of({1, 1, 101, 1}).status, 400);
  EXPECT_THAT(answer_of({1, 1, 11, 10}).body,
              HasSubstr("picture: expected at most 100 elements, got f32[1,1,11,10]"));
}

TEST_F(Serve, TellsClientsThatWaitToGoOn) {
  StartServer();
  const std::string file = PngOf(*ExampleAt(0).picture);
  HttpClient client(port());
  client.Send(
      absl::StrCat("POST /api/predict HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
                   "Content-Length: ",
                   file.size(), "\r\n\r\n"));
  EXPECT_EQ(client.Receive().status, 100);
  client.Send(file);
  EXPECT_EQ(client.Receive().status, 200);
}

TEST_F(Serve, AnswersPipelinedRequestsInOrder) {
  StartServer();
  const std::string file = PngOf(*ExampleAt(0).picture);
  HttpClient client(port());
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests += PostRequest("/api/predict", file) + GetRequest("/api/model") + GetRequest("/x");
  }
  std::thread sender([&] { client.Send(requests); });
  for (int i = 0; i < 50; ++i) {
    EXPECT_THAT(client.Receive().body, HasSubstr("\"predictions\""));
    EXPECT_THAT(client.Receive().body, HasSubstr("\"parameters\""));
    EXPECT_EQ(client.Receive().status, 404);
  }
  sender.join();
}

// While slow ones hold their connections, others are answered.
TEST_F(Serve, ServesOthersWhileClientsAreSlow) {
  StartServer({.timeout_seconds = 2});
  std::vector<std::unique_ptr<HttpClient>> slow;
  const std::string post =
      "POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n";
  for (int i = 0; i < 120; ++i) {
    slow.push_back(std::make_unique<HttpClient>(port()));
    if (i % 3 == 0) slow.back()->Send("GET / HTTP/1.1\r\nHo");
    if (i % 3 == 1) slow.back()->Send(post + "some");
  }
  std::atomic<bool> stop = false;
  std::thread trickle([&] {
    while (!stop) {
      for (size_t i = 0; i < slow.size(); ++i) {
        if (i % 3 != 2 && !slow[i]->HasAnswer()) slow[i]->Send("x");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  for (int i = 0; i < 20; ++i) ExpectAnswers();
  std::this_thread::sleep_for(std::chrono::seconds(3));
  stop = true;
  trickle.join();
  for (size_t i = 0; i < slow.size(); ++i) {
    if (i % 3 != 2) {
      EXPECT_EQ(slow[i]->Receive().status, 408) << i;
    }
    EXPECT_TRUE(slow[i]->IsEnded()) << i;  // those that never said anything without a word
  }
}

TEST_F(Serve, AnswersClientsThatHaveEndedSending) {
  StartServer();
  HttpClient whole(port()), part(port()), nothing(port());
  whole.Send(PostRequest("/api/predict", PngOf(*ExampleAt(0).picture)));
  whole.EndSending();
  EXPECT_EQ(whole.Receive().status, 200);
  part.Send("GET / HTTP/1.1\r\n");
  part.EndSending();
  EXPECT_EQ(part.Receive().status, 400);
  nothing.EndSending();
  EXPECT_TRUE(nothing.IsEnded());
}

TEST_F(Serve, LogsALineForEachRequest) {
  std::mutex mutex;
  std::vector<std::string> lines;
  StartServer({.log = [&](const std::string& line) {
    const std::lock_guard lock(mutex);
    lines.push_back(line);
  }});
  EXPECT_EQ(Get("/x?y").status, 404);
  EXPECT_EQ(Post("/api/predict", "x").status, 400);
  server_->Stop();
  ASSERT_EQ(lines.size(), 2);
  EXPECT_THAT(lines[0],
              testing::MatchesRegex("127.0.0.1:[0-9]+ GET /x.y 404 [0-9]+ bytes [0-9]+ ms"));
  EXPECT_THAT(lines[1], HasSubstr(" POST /api/predict 400 "));
}

TEST_F(Serve, SaysWhatItCannotServe) {
  EXPECT_THAT(MessageOf(Server::Create(model_, {.max_body = 0}).status()),
              HasSubstr("max-body: expected 1 to"));
  EXPECT_THAT(MessageOf(Server::Create(model_, {.timeout_seconds = 0}).status()),
              HasSubstr("timeout: expected seconds above 0"));
  EXPECT_THAT(MessageOf(Server::Create(model_, {.queue = 0}).status()), HasSubstr("queue: "));
  EXPECT_THAT(MessageOf(Server::Create(model_, {.most_elements = 0}).status()),
              HasSubstr("max-elements: expected at least 1"));
  EXPECT_THAT(MessageOf(Server::Create(model_, {.host = "no such host"}).status()),
              HasSubstr("host: expected an address of this machine"));
  StartServer();
  EXPECT_FALSE(server_->Start(0).ok());
  auto second = Server::Create(model_).value();
  EXPECT_THAT(MessageOf(second->Start(port())), HasSubstr("Address already in use"));
  EXPECT_THAT(MessageOf(second->Start(65536)),
              HasSubstr("port: expected a number from 0 to 65535"));
}

}  // namespace
}  // namespace weft
