#include "frontend/serve/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "tests/inspect/testing_http.h"

namespace weft {
namespace {

// The server alone, with a handler whose work ends when the test says so.
class ServeQueue : public ::testing::Test {
 protected:
  void StartServer(HttpServerOptions options) {
    const HttpHandlers handlers = {
        .at_once = [](const HttpRequest& request) -> std::optional<HttpResponse> {
          if (request.path == "/now") return JsonResponse("1");
          return std::nullopt;
        },
        .work =
            [this](const HttpRequest& request) {
              ++begun_;
              if (request.path == "/throw") throw std::bad_alloc();
              while (!go_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
              return JsonResponse(std::string(answer_size_, 'x'));
            }};
    server_ = HttpServer::Start(ListenOn("127.0.0.1", 0).value(), options, handlers).value();
  }
  int port() const { return server_->listener().port; }
  void AwaitBegun(int count) const {
    while (begun_ < count) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  void TearDown() override { go_ = true; }

  size_t answer_size_ = 1;
  std::atomic<bool> go_ = false;
  std::atomic<int> begun_ = 0;
  std::unique_ptr<HttpServer> server_;  // first to go
};

TEST_F(ServeQueue, SaysWhenItIsFull) {
  StartServer({.queue = 1});
  HttpClient first(port()), second(port()), third(port());
  first.Send(GetRequest("/work"));
  AwaitBegun(1);
  second.Send(GetRequest("/work"));
  // The second waits once the third, which comes after it, is refused.
  HttpAnswer refused;
  while (refused.status != 503) refused = AnswerTo(port(), GetRequest("/now2"));
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  third.Send(GetRequest("/now"));
  EXPECT_EQ(third.Receive().status, 200);
  go_ = true;
  EXPECT_EQ(first.Receive().status, 200);
  EXPECT_EQ(second.Receive().status, 200);
}

TEST_F(ServeQueue, DropsTheRequestsOfClientsThatHaveLeft) {
  StartServer({.queue = 1});
  HttpClient first(port());
  first.Send(GetRequest("/work"));
  AwaitBegun(1);
  {
    HttpClient second(port());
    second.Send(GetRequest("/work"));
    const linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(second.socket(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  HttpClient third(port());
  third.Send(GetRequest("/work"));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(third.HasAnswer());  // it waits: no 503
  go_ = true;
  EXPECT_EQ(third.Receive().status, 200);
  EXPECT_EQ(begun_, 2);
}

TEST_F(ServeQueue, SurvivesWhatAHandlerThrows) {
  go_ = true;
  StartServer({});
  EXPECT_EQ(AnswerTo(port(), GetRequest("/throw")).status, 500);
  EXPECT_EQ(AnswerTo(port(), GetRequest("/work")).status, 200);
}

TEST_F(ServeQueue, MakesRoomForNewConnections) {
  go_ = true;
  StartServer({.connections = 10});
  std::vector<std::unique_ptr<HttpClient>> slow;
  for (int i = 0; i < 30; ++i) {
    slow.push_back(std::make_unique<HttpClient>(port()));
    slow.back()->Send("GET /wo");
  }
  EXPECT_EQ(AnswerTo(port(), GetRequest("/work")).status, 200);
  EXPECT_TRUE(slow[0]->IsEnded());
}

TEST_F(ServeQueue, MakesRoomWhereBodiesDoNotCome) {
  go_ = true;
  StartServer({.connections = 10});
  const std::string part = "POST /work HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nsome";
  const auto wait = [] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); };
  std::vector<std::unique_ptr<HttpClient>> slow;
  const auto add_slow = [&] {
    slow.push_back(std::make_unique<HttpClient>(port()));
    slow.back()->Send(part);
    wait();  // until it is read
  };
  while (slow.size() < 9) add_slow();
  // One without a head goes first, though it came last.
  HttpClient head(port());
  head.Send("GET /wo");
  wait();
  EXPECT_EQ(AnswerTo(port(), GetRequest("/work")).status, 200);
  EXPECT_TRUE(head.IsEnded());
  EXPECT_FALSE(slow[0]->HasAnswer());
  while (slow.size() < 30) add_slow();
  EXPECT_EQ(AnswerTo(port(), GetRequest("/work")).status, 200);
  EXPECT_TRUE(slow[0]->IsEnded());
  slow.back()->Send(" more");
  EXPECT_EQ(slow.back()->Receive().status, 200);
}

// As it does where memory ends, here in the sweep.
TEST_F(ServeQueue, SurvivesWhatAnAnswerToALateOneThrows) {
  go_ = true;
  StartServer({.timeout_seconds = 0.2, .log = [](const std::string& line) {
                 if (line.find(" 408 ") != std::string::npos) throw std::bad_alloc();
               }});
  HttpClient late(port());
  late.Send("GET /wo");
  EXPECT_TRUE(late.IsEnded());
  EXPECT_EQ(AnswerTo(port(), GetRequest("/work")).status, 200);
}

TEST_F(ServeQueue, SaysWhenItCannotWaitForConnections) {
  const auto server = HttpServer::Start(Listener{}, {}, {.at_once = {}, .work = {}});
  EXPECT_THAT(std::string(server.status().message()),
              testing::HasSubstr("cannot wait for connections: "));
}

// Its log, say, is a pipe that nobody reads.
TEST_F(ServeQueue, StopsWhileItsLogHangs) {
  std::atomic<bool> logs = false;
  StartServer({.log = [&](const std::string&) {
    logs = true;
    while (!go_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }});
  HttpClient client(port());
  client.Send(GetRequest("/now"));
  while (!logs) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::thread rescue([&] {  // of a Stop that would wait forever
    for (int i = 0; i < 1000 && !go_; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    go_ = true;
  });
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(server_->Stop(0.1));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
  go_ = true;
  rescue.join();
  EXPECT_TRUE(server_->Stop(60));
}

TEST_F(ServeQueue, EndsConnectionsAfterTheirShareOfRequests) {
  go_ = true;
  StartServer({.requests = 2});
  HttpClient client(port());
  client.Send(GetRequest("/now") + GetRequest("/now") + GetRequest("/now"));
  EXPECT_EQ(client.Receive().headers.at("connection"), "keep-alive");
  EXPECT_EQ(client.Receive().headers.at("connection"), "close");
  EXPECT_TRUE(client.IsEnded());
}

// Answers that nobody reads do not pile up.
TEST_F(ServeQueue, RestsWhileAnswersAreNotRead) {
  go_ = true;
  answer_size_ = 16 << 20;
  StartServer({.timeout_seconds = 3, .outgoing = 20 << 20});
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<HttpClient>(port()));
    clients.back()->Send(GetRequest("/work"));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(1000));
  EXPECT_LE(begun_, 4);
  std::vector<std::thread> readers;
  std::atomic<int> right = 0;
  for (const auto& client : clients) {
    readers.emplace_back([&] { right += client->Receive().body.size() == answer_size_ ? 1 : 0; });
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(right, 8);
}

TEST_F(ServeQueue, HoldsSoManyBytesOfRequests) {
  StartServer({.incoming = 4 << 20});
  HttpClient first(port());
  first.Send(GetRequest("/work"));
  AwaitBegun(1);
  const std::string request = PostRequest("/work", std::string(3 << 20, 'x'));
  std::vector<int> statuses(2);
  std::vector<std::thread> clients;
  std::atomic<int> refused = 0;
  for (int& status : statuses) {
    clients.emplace_back([&] {
      HttpClient client(port());
      client.Send(request);
      status = client.Receive().status;
      if (status == 503) ++refused;
    });
  }
  while (refused == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  go_ = true;
  for (std::thread& client : clients) client.join();
  EXPECT_THAT(statuses, testing::UnorderedElementsAre(200, 503));
}

TEST_F(ServeQueue, StopsWhileItWorks) {
  StartServer({});
  HttpClient client(port());
  client.Send(GetRequest("/work"));
  AwaitBegun(1);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(server_->Stop(0.1));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
  EXPECT_TRUE(client.IsEnded());
  go_ = true;
  EXPECT_TRUE(server_->Stop(60));
}

}  // namespace
}  // namespace weft
