#include "frontend/serve/request_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using Stage = HttpRequestParser::Stage;

// Feeds it all, in pieces of `size` bytes; what is left over.
std::string FeedInPieces(HttpRequestParser& parser, std::string_view bytes, size_t size) {
  while (!bytes.empty() && parser.stage() != Stage::kDone && parser.stage() != Stage::kFailed) {
    bytes.remove_prefix(parser.Feed(bytes.substr(0, size)));
  }
  return std::string(bytes);
}

HttpRequestParser Parsed(std::string_view bytes, const HttpLimits& limits = {}) {
  HttpRequestParser parser(limits);
  FeedInPieces(parser, bytes, bytes.size());
  return parser;
}

TEST(RequestParser, ReadsWhatWasSentHoweverItIsCut) {
  const std::string bytes =
      "\r\nPOST /a%20b/c?x=1%262&y=a+b&z HTTP/1.1\r\nHost: localhost:80\r\nAccept: a\r\n"
      "aCCEPT:\t b \r\nContent-Length: 5\r\n\r\nhelloGET";
  for (size_t size = 1; size <= bytes.size(); ++size) {
    HttpRequestParser parser({});
    EXPECT_EQ(FeedInPieces(parser, bytes, size), "GET") << size;
    ASSERT_EQ(parser.stage(), Stage::kDone) << size << ": " << parser.error();
    const HttpRequest& request = parser.request();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/a b/c");
    EXPECT_THAT(request.query, ElementsAre(Pair("x", "1&2"), Pair("y", "a b"), Pair("z", "")));
    EXPECT_EQ(request.host, "localhost:80");
    EXPECT_EQ(request.Header("accept"), "a, b");
    EXPECT_EQ(request.body, "hello");
    EXPECT_TRUE(request.keep_alive);
  }
}

TEST(RequestParser, ReadsChunksHoweverTheyAreCut) {
  // The chunks of RFC 9112, 7.1, with an extension and a trailer.
  const std::string bytes =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "4 \t;name=\"x\"\r\nWiki\r\n5\r\npedia\r\nE\r\n in\r\n\r\nchunks.\r\n0\r\nTrailer: "
      "t\r\n\r\nrest";
  for (size_t size = 1; size <= bytes.size(); ++size) {
    HttpRequestParser parser({});
    EXPECT_EQ(FeedInPieces(parser, bytes, size), "rest") << size;
    ASSERT_EQ(parser.stage(), Stage::kDone) << size << ": " << parser.error();
    EXPECT_EQ(parser.request().body, "Wikipedia in\r\n\r\nchunks.");
  }
}

TEST(RequestParser, StopsAfterTheHeadOfABody) {
  HttpRequestParser parser({});
  const std::string head =
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
  EXPECT_FALSE(parser.has_begun());
  EXPECT_EQ(parser.Feed(head + "abc"), head.size());
  EXPECT_TRUE(parser.has_begun());
  EXPECT_EQ(parser.stage(), Stage::kBody);
  EXPECT_TRUE(parser.expects_continue());
  EXPECT_EQ(parser.Feed("abcd"), 3);
  EXPECT_EQ(parser.stage(), Stage::kDone);
}

TEST(RequestParser, KeepsConnectionsAsTheVersionAndTheHeaderSay) {
  const auto keeps = [](const std::string& version, const std::string& header) {
    return Parsed("GET / HTTP/" + version + "\r\nHost: a\r\n" + header + "\r\n")
        .request()
        .keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_FALSE(keeps("1.1", "Connection: Upgrade, Close\r\n"));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.0", "Connection: keep-alive\r\n"));
}

TEST(RequestParser, TakesAbsoluteTargetsWithTheirHost) {
  const HttpRequest request =
      Parsed("GET http://evil.example?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n").request();
  EXPECT_EQ(request.host, "evil.example");
  EXPECT_EQ(request.path, "/");
  EXPECT_THAT(request.query, ElementsAre(Pair("x", "1")));
}

struct BadRequest {
  std::string bytes;
  int status;
};

TEST(RequestParser, RefusesWhatIsNoRequest) {
  const std::string host = "Host: a\r\n";
  std::vector<BadRequest> cases = {
      {"\x16\x03\x01 hello\r\n\r\n", 400},  // TLS
      {"GET /\r\n\r\n", 400},
      {"GET  / HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET / HTTP/1.1 \r\n" + host + "\r\n", 400},
      {"G@T / HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET / HTTP/2.0\r\n" + host + "\r\n", 505},
      {"GET / FTP/1.1\r\n" + host + "\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},  // without Host
      {"GET / HTTP/1.1\r\n" + host + host + "\r\n", 400},
      {"GET / HTTP/1.1\nHost: a\n\n\r\n\r\n", 400},  // bare line feeds
      {"GET / HTTP/1.1\r\n" + host + "X : y\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n" + host + "X: y\r\n folded\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n" + host + std::string("X: a\0b\r\n\r\n", 10), 400},
      {"GET / HTTP/1.1\r\n" + host + "X: a\rb\r\n\r\n", 400},
      {"GET /%0 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /%zz HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /%00 HTTP/1.1\r\n" + host + "\r\n", 400},
      {std::string("GET /\0 HTTP/1.1\r\n", 17) + host + "\r\n", 400},
      {"GET /?a=%g0 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET x HTTP/1.1\r\n" + host + "\r\n", 400},
      {"OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 400},
      {"CONNECT a:80 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET http:/// HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET / HTTP/1.1\r\n" + host + "Expect: more\r\n\r\n", 417},
      {"POST / HTTP/1.1\r\n" + host + "\r\n", 411},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1x\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 2147483648\r\n\r\n", 413},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nx\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n80000000\r\n", 413},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n" + std::string(999, '0'),
       400},
  };
  const std::string chunks = "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n";
  for (const std::string& body :
       {std::string(" 1\r\na\r\n0\r\n\r\n"), std::string("1 \r\na\r\n0\r\n\r\n"),
        std::string("1;x\ny\r\na\r\n0\r\n\r\n"), std::string("1;x\ry\r\na\r\n0\r\n\r\n"),
        std::string("1;x\0y\r\na\r\n0\r\n\r\n", 16), std::string("1\r\na\r\n0\r\nno colon\r\n\r\n"),
        std::string("1\r\na\r\n0\r\nx: a\nb\r\n\r\n"),
        std::string("1\r\na\r\n0\r\nx y: z\r\n\r\n")}) {
    cases.push_back({chunks + body, 400});
  }
  for (const BadRequest& bad : cases) {
    for (const size_t size : {size_t{1}, size_t{7}, bad.bytes.size()}) {
      HttpRequestParser parser({});
      FeedInPieces(parser, bad.bytes, size);
      EXPECT_EQ(parser.stage(), Stage::kFailed) << bad.bytes;
      EXPECT_EQ(parser.error_status(), bad.status) << bad.bytes << parser.error();
      EXPECT_FALSE(parser.error().empty());
    }
  }
}

TEST(RequestParser, HoldsNoMoreThanItsLimits) {
  const HttpLimits limits = {.head = 200, .target = 50, .headers = 3, .body = 10};
  const auto status = [&](const std::string& bytes) {
    return Parsed(bytes, limits).error_status();
  };
  EXPECT_EQ(status("GET /" + std::string(60, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n"), 414);
  EXPECT_EQ(status("GET /" + std::string(5000, 'x')), 414);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nX: " + std::string(5000, 'x')), 431);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\r\nb:\r\nc:\r\n\r\n"), 0);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\r\nb:\r\nc:\r\nd:\r\n\r\n"), 431);
  const std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(status(chunked + "8\r\n12345678\r\n2\r\nab\r\n0\r\n\r\n"), 0);
  EXPECT_EQ(status(chunked + "8\r\n12345678\r\n3\r\n"), 413);
  std::string trailers = chunked + "0\r\n";
  for (int i = 0; i < 50; ++i) trailers += "x: 12345\r\n";
  EXPECT_EQ(status(trailers), 431);
  HttpRequestParser parser(limits);
  for (int i = 0; i < 1000; ++i) parser.Feed("GET /abc");
  EXPECT_LE(parser.held(), 201);
}

// What a head announces costs nothing until it comes.
TEST(RequestParser, KeepsMemoryForWhatHasCome) {
  constexpr size_t kLength = 30'000'000;
  HttpRequestParser parser({});
  parser.Feed(absl::StrCat("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ", kLength, "\r\n\r\n"));
  ASSERT_EQ(parser.stage(), Stage::kBody);
  const std::string piece(65536, 'x');
  parser.Feed(std::string_view(piece).substr(0, 100));
  EXPECT_EQ(parser.received(), 100);
  EXPECT_LE(parser.request().body.capacity(), 65536);
  while (parser.stage() == Stage::kBody) {
    parser.Feed(piece);
    ASSERT_GE(parser.held(), parser.request().body.capacity());
    ASSERT_LE(parser.held(), 2 * parser.received());
  }
  EXPECT_EQ(parser.request().body.size(), kLength);
  EXPECT_EQ(parser.held(), kLength);
}

TEST(Http, DecodesAndNamesHosts) {
  EXPECT_EQ(PercentDecoded("%2e%2E/+", false), "../+");
  EXPECT_EQ(PercentDecoded("a+b", true), "a b");
  EXPECT_EQ(PercentDecoded("%4", true), std::nullopt);
  EXPECT_EQ(HostName("localhost:80"), "localhost");
  EXPECT_EQ(HostName("[::1]:80"), "[::1]");
  EXPECT_EQ(HostName("[::1]"), "[::1]");
  for (const std::string_view bad : {"a:b", "a:", "[::1", "[::1]x", ":80"}) {
    EXPECT_EQ(HostName(bad), "") << bad;
  }
  for (const std::string_view own : {"localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "[::1]"}) {
    EXPECT_TRUE(IsLoopbackName(own)) << own;
  }
  for (const std::string_view other : {"", "evil.example", "127.evil.example",
                                       "localhost.evil.example", "128.0.0.1", "127.1", "0.0.0.0"}) {
    EXPECT_FALSE(IsLoopbackName(other)) << other;
  }
}

TEST(Http, EscapesErrorsAndSaysWhatAnswersAre) {
  const HttpResponse response = ErrorResponse(404, "no \"x\" \xff");
  EXPECT_EQ(*response.body, "{\"error\":\"no \\\"x\\\" \xef\xbf\xbd\"}");
  const std::string head = HttpHead(response, false);
  EXPECT_THAT(head, HasSubstr("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Length: 24\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
  EXPECT_THAT(head, HasSubstr("Connection: close\r\n\r\n"));
}

}  // namespace
}  // namespace weft
