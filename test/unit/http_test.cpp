// pg_ocr_http as the process that it is, against nginx, and against servers that misbehave. Where the kernel allows it
// the tests have a network of their own, with a public address in it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/sha.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "http/digest.h"
#include "http/encoding.h"
#include "protocol/sealed_document.h"
#include "unit/own_network.h"
#include "unit/scripted_server.h"
#include "unit/web_server.h"
#include "worker/http_process.h"

namespace pg_ocr {
namespace {

constexpr uint64_t memory = uint64_t{1} << 30;
constexpr uint64_t largest = uint64_t{1} << 20;

class Network : public testing::Environment {
  public:
    void SetUp() override { enter_own_network(); }
    void TearDown() override {
        if (in_own_network()) ::unlink(hosts_file().c_str());
    }
};
[[maybe_unused]] const auto* const network = testing::AddGlobalTestEnvironment(new Network);  // NOLINT(cert-err58-cpp)

UniqueFd sealed(const std::string& bytes) {
    SealedDocument document;
    document.append(bytes.data(), bytes.size());
    return document.seal();
}

std::string content_of(const UniqueFd& file) {
    struct stat status {};
    ::fstat(file.get(), &status);
    std::string bytes(static_cast<size_t>(status.st_size), '\0');
    EXPECT_EQ(::pread(file.get(), bytes.data(), bytes.size(), 0), status.st_size);
    return bytes;
}

std::string code_of(const HttpProcess::Answer& answer) { return std::string(name_of(answer.response.failure.code)); }

bool says(const HttpProcess::Answer& answer, const std::string& words) {
    return answer.response.failure.message.find(words) != std::string::npos;
}

class Http : public testing::Test {
  protected:
    /// Of a store that may be anywhere, on this host too.
    static Options https(const std::string& endpoint, const Options& more = {{"allow_private_addresses", "true"}}) {
        Options options{{"type", "https"}, {"endpoint", endpoint}};
        options.insert(options.end(), more.begin(), more.end());
        return options;
    }

    HttpRequest request(HttpOperation operation, std::string name, Options options) {
        HttpRequest made;
        made.id = ++last_id_;
        made.operation = operation;
        made.name = std::move(name);
        made.options = std::move(options);
        made.max_size = largest;
        return made;
    }
    HttpRequest fetch(std::string name, Options options, uint32_t attempts = 1) {
        HttpRequest made = request(HttpOperation::fetch, std::move(name), std::move(options));
        made.max_attempts = attempts;
        return made;
    }

    /// The next answer; a test that waits for one in vain is ended by its own time-out.
    HttpProcess::Answer receive() {
        for (;;) {
            if (std::optional<HttpProcess::Answer> answer = process_.receive()) return std::move(*answer);
            if (process_.closed()) {
                ADD_FAILURE() << "pg_ocr_http " << process_.obituary();
                return {};
            }
            pollfd waited{process_.socket(), POLLIN, 0};
            ::poll(&waited, 1, 1000);
        }
    }
    HttpProcess::Answer ask(const HttpRequest& request, int content = -1) {
        process_.send(request, content);
        return receive();
    }

    uint64_t last_id_ = 0;
    HttpProcess process_{{HTTP_PROGRAM, memory, false}};
};

/// The same with nginx beside it.
class HttpAndNginx : public Http {
  protected:
    static void SetUpTestSuite() { web_ = std::make_unique<WebServer>(); }
    static void TearDownTestSuite() { web_.reset(); }
    static inline std::unique_ptr<WebServer> web_;
};

TEST_F(Http, LocksItselfIn) {
    while (!process_.hello() && !process_.closed()) {
        pollfd waited{process_.socket(), POLLIN, 0};
        ::poll(&waited, 1, 1000);
        process_.receive();
    }
    ASSERT_TRUE(process_.hello());
    EXPECT_EQ(process_.hello()->curl.find("libcurl/"), 0u);
    for (const Protection& protection : process_.hello()->protections)
        EXPECT_TRUE(protection.holds || protection.name == "landlock") << protection.name << ": " << protection.detail;
}

TEST_F(HttpAndNginx, FetchesBytesSealedWithTheirDigest) {
    const std::string bytes = std::string(300000, 'x') + "end";
    web_->write_file("a b.pdf", bytes);
    web_->write_file("empty", "");
    const auto answer = ask(fetch("files/a%20b.pdf", https(web_->url())));
    ASSERT_EQ(code_of(answer), "") << answer.response.failure.message;
    EXPECT_EQ(answer.response.status, 200);
    EXPECT_EQ(answer.response.size, bytes.size());
    EXPECT_EQ(answer.response.sha256, http::sha256(bytes));
    EXPECT_FALSE(answer.response.etag.empty());
    EXPECT_EQ(answer.response.etag.find('"'), std::string::npos);
    EXPECT_TRUE(content_of(answer.document) == bytes);
    EXPECT_LT(::write(answer.document.get(), "x", 1), 0) << "nobody can change it any more";
    const auto empty = ask(fetch("files/empty", https(web_->url())));
    EXPECT_EQ(code_of(empty), "");
    EXPECT_EQ(empty.response.size, 0u);
    EXPECT_EQ(empty.response.sha256, http::sha256(""));
}

TEST_F(HttpAndNginx, SaysWhatStatusesMean) {
    const std::pair<const char*, const char*> statuses[] = {{"403", "store_denied"},      {"401", "store_denied"},
                                                            {"404", "document_missing"},  {"410", "document_missing"},
                                                            {"418", "store_refused"},     {"429", "store_unavailable"},
                                                            {"500", "store_unavailable"}, {"503", "store_unavailable"}};
    ScriptedServer server(
        [](Exchange& exchange) { return exchange.answer(std::stoi(exchange.path().substr(1)), "words"); });
    for (const auto& [status, code] : statuses) {
        const auto answer = ask(fetch(status, https(server.url())));
        EXPECT_EQ(code_of(answer), code) << status;
        EXPECT_EQ(answer.response.status, std::stoi(status));
        EXPECT_FALSE(answer.document);
    }
    EXPECT_EQ(server.requests(), 8);
    const auto missing = ask(fetch("files/none?sig=geheim", https(web_->url())));
    EXPECT_EQ(missing.response.failure.message, "there is no " + web_->url() + "/files/none");
    EXPECT_EQ(code_of(ask(fetch("204", https(server.url())))), "store_refused");
}

TEST_F(Http, TriesAgainWhatMayPassAndNothingElse) {
    std::atomic<int> before_success = 2;
    ScriptedServer server([&](Exchange& exchange) {
        if (exchange.path() == "/denied") return exchange.answer(403, "");
        if (exchange.path() == "/later") return exchange.answer(503, "", "retry-after: 30\r\n");
        if (--before_success == 0) return exchange.answer(503, "", "retry-after: 1\r\n");
        return before_success < 0 ? exchange.answer(200, "bytes") : exchange.answer(500, "");
    });
    EXPECT_EQ(code_of(ask(fetch("x", https(server.url()), 3))), "");
    EXPECT_EQ(server.requests(), 3);
    before_success = 1000;
    const auto spent = ask(fetch("x", https(server.url()), 2));
    EXPECT_EQ(code_of(spent), "store_unavailable");
    EXPECT_TRUE(says(spent, "at 2 attempts")) << spent.response.failure.message;
    EXPECT_EQ(server.requests(), 5);
    EXPECT_EQ(code_of(ask(fetch("denied", https(server.url()), 5))), "store_denied");
    EXPECT_EQ(server.requests(), 6);
    const auto later = ask(fetch("later", https(server.url()), 5));
    EXPECT_EQ(code_of(later), "store_unavailable");
    EXPECT_EQ(later.response.retry_after_s, 30u);
    EXPECT_EQ(server.requests(), 7) << "a server that asks for longer than 10 s is left alone";
}

TEST_F(Http, TakesNoHalfForAWhole) {
    std::atomic<int> turn = 0;
    const std::string bytes = std::string(100000, 'a') + "b";
    ScriptedServer server([&](Exchange& exchange) {
        switch (turn++) {
            case 0:
                exchange.send("HTTP/1.1 200 OK\r\ncontent-length: 100001\r\n\r\n" + bytes.substr(0, 50000));
                return false;
            case 1:
                exchange.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n100\r\n" + std::string(100, 'c'));
                return false;
            case 2:
                return false;
            case 3:
                exchange.send("HTTP/1.1 200 OK\r\ncontent-le");
                return false;
            default:
                return exchange.answer(200, bytes);
        }
    });
    for (int i = 0; i < 4; ++i) EXPECT_EQ(code_of(ask(fetch("x", https(server.url())))), "store_unavailable") << i;
    turn = 0;
    const auto answer = ask(fetch("x", https(server.url()), 5));
    ASSERT_EQ(code_of(answer), "") << answer.response.failure.message;
    EXPECT_TRUE(content_of(answer.document) == bytes);
}

TEST_F(Http, StopsAtOnceWhereTheObjectIsTooLarge) {
    std::atomic<bool> gone = false;
    ScriptedServer server([&](Exchange& exchange) {
        const std::string chunk(65536, 'x');
        if (exchange.path() == "/announced") {
            exchange.send("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n");
            exchange.wait_for_end();
        } else {
            exchange.send("HTTP/1.1 200 OK\r\n\r\n");
            while (exchange.send(chunk)) continue;
        }
        gone = true;
        return false;
    });
    const auto announced = ask(fetch("announced", https(server.url()), 5));
    EXPECT_EQ(code_of(announced), "document_too_large");
    EXPECT_TRUE(says(announced, "more than 1 MB, which pg_ocr.max_document_size allows"))
        << announced.response.failure.message;
    gone = false;
    EXPECT_EQ(code_of(ask(fetch("endless", https(server.url()), 5))), "document_too_large");
    EXPECT_EQ(server.requests(), 2);
}

TEST_F(Http, ReadsNoMoreThanWasAnnounced) {
    for (const auto& [max_size, code] :
         {std::pair<uint64_t, const char*>{5000, ""}, {1000, ""}, {999, "document_too_large"}}) {
        // A server of its own for each: what it sends too much would be the beginning of its next answer.
        ScriptedServer lying([](Exchange& exchange) {
            exchange.answer(200, std::string(1000, 'x'));
            exchange.send(std::string(65536, 'x'));
            return false;
        });
        HttpRequest request = fetch("lying", https(lying.url()));
        request.max_size = max_size;
        const auto answer = ask(request);
        EXPECT_EQ(code_of(answer), code) << answer.response.failure.message;
        EXPECT_EQ(answer.response.size, *code == '\0' ? 1000u : 0u);
    }
}

TEST_F(Http, WaitsNoLongerThanDeclared) {
    ScriptedServer server([](Exchange& exchange) {
        if (exchange.path() == "/half") exchange.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nx");
        exchange.wait_for_end();
        return false;
    });
    const auto silent =
        ask(fetch("silent", https(server.url(), {{"allow_private_addresses", "true"}, {"timeout", "1"}}), 5));
    EXPECT_EQ(code_of(silent), "store_unavailable");
    EXPECT_TRUE(says(silent, "timeout 1 s")) << silent.response.failure.message;
    const auto stalled =
        ask(fetch("half", https(server.url(), {{"allow_private_addresses", "true"}, {"stall_timeout", "1"}})));
    EXPECT_EQ(code_of(stalled), "store_unavailable");
}

TEST_F(Http, SurvivesWhatIsNoHttp) {
    ScriptedServer server([](Exchange& exchange) {
        if (exchange.path() == "/mail") exchange.send("220 mail.example.com ESMTP\r\n");
        if (exchange.path() == "/headers") {
            exchange.send("HTTP/1.1 200 OK\r\n");
            while (exchange.send("x: " + std::string(10000, 'x') + "\r\n")) continue;
        }
        if (exchange.path() == "/continue") {
            while (exchange.send("HTTP/1.1 100 Continue\r\n\r\n")) continue;
        }
        return false;
    });
    EXPECT_EQ(code_of(ask(fetch("mail", https(server.url())))), "store_refused");
    EXPECT_NE(code_of(ask(fetch("headers", https(server.url())))), "");
    EXPECT_NE(
        code_of(ask(fetch("continue", https(server.url(), {{"allow_private_addresses", "true"}, {"timeout", "2"}})))),
        "");
}

TEST_F(HttpAndNginx, FollowsRedirectsOfWebServersOnly) {
    web_->write_file("x", "bytes");
    const Options options = https(web_->url());
    EXPECT_EQ(code_of(ask(fetch("to?" + web_->url() + "/files/x", options))), "");
    EXPECT_EQ(code_of(ask(fetch("to?/files/x", options))), "");
    const auto loop = ask(fetch("loop", options, 5));
    EXPECT_EQ(code_of(loop), "store_refused");
    EXPECT_TRUE(says(loop, "more than 5 redirects"));
    for (const char* no : {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x", "http://user:password@127.0.0.1/"})
        EXPECT_EQ(code_of(ask(fetch(std::string("to?") + no, options))), "store_refused") << no;
    Options secure =
        https(web_->tls_url(), {{"allow_private_addresses", "true"}, {"ca_certificate", web_->ca_certificate()}});
    const auto downgraded = ask(fetch("to?" + web_->url() + "/files/x?sig=geheim", secure));
    EXPECT_EQ(code_of(downgraded), "store_refused");
    EXPECT_TRUE(says(downgraded, "from https to http"));
    EXPECT_FALSE(says(downgraded, "geheim"));
    Options s3{{"type", "s3"}, {"bucket", "to"}, {"endpoint", web_->url()}, {"allow_private_addresses", "true"}};
    ScriptedServer server([&](Exchange& exchange) {
        return exchange.answer(301, "", "location: " + web_->url() + "/files/x\r\nx-amz-bucket-region: eu-west-1\r\n");
    });
    s3[2].second = server.url();
    const auto moved = ask(fetch("x", s3));
    EXPECT_EQ(code_of(moved), "store_refused");
    EXPECT_TRUE(says(moved, "region to eu-west-1")) << moved.response.failure.message;
    EXPECT_EQ(code_of(ask(request(HttpOperation::put, "x", https(server.url())), sealed("bytes").get())),
              "store_refused");
}

TEST_F(HttpAndNginx, GivesKeysToNobodyElse) {
    const Options options = https(web_->url(), {{"allow_private_addresses", "true"}, {"bearer_token", "the-token"}});
    auto shown = [&](const std::string& where) { return content_of(ask(fetch(where, options)).document); };
    EXPECT_EQ(shown("show"), "Bearer the-token");
    EXPECT_EQ(shown("to?/show"), "Bearer the-token");
    EXPECT_EQ(shown("to?" + web_->url("localhost") + "/show"), "") << "another host";
    ScriptedServer other([&](Exchange& exchange) {
        if (exchange.path() == "/back") return exchange.answer(302, "", "location: " + web_->url() + "/show\r\n");
        return exchange.answer(200, exchange.header("authorization"));
    });
    EXPECT_EQ(shown("to?" + other.url() + "/x"), "") << "another port";
    EXPECT_EQ(shown("to?" + other.url() + "/back"), "") << "nor when it leads back";
}

TEST_F(HttpAndNginx, ShowsNoSecretThatComesBack) {
    ScriptedServer server([](Exchange& exchange) {
        return exchange.answer(405, "<Error><Code>Odd</Code><Message>" + exchange.header("x-amz-security-token") + " " +
                                        exchange.header("authorization") + "</Message></Error>");
    });
    const auto answer = ask(fetch("x", {{"type", "s3"},
                                        {"bucket", "scans"},
                                        {"endpoint", server.url()},
                                        {"allow_private_addresses", "true"},
                                        {"access_key_id", "AKIAEXAMPLE"},
                                        {"secret_access_key", "very-secret"},
                                        {"session_token", "the-token"}}));
    EXPECT_EQ(code_of(answer), "store_refused");
    EXPECT_TRUE(says(answer, "*** AWS4-HMAC-SHA256 Credential=***/")) << answer.response.failure.message;
    for (const char* secret : {"the-token", "AKIAEXAMPLE", "very-secret"}) EXPECT_FALSE(says(answer, secret));
}

TEST_F(HttpAndNginx, RefusesAddressesThatAreNotPublic) {
    web_->write_file("x", "bytes");
    const std::string port = web_->url().substr(web_->url().rfind(':'));
    for (const char* host :
         {"127.0.0.1", "localhost", "0x7f.1", "2130706433", "0", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"}) {
        const auto answer = ask(fetch("files/x", https(std::string("http://") + host + port, {}), 5));
        EXPECT_EQ(code_of(answer), "store_refused") << host << ": " << answer.response.failure.message;
        EXPECT_TRUE(says(answer, "allow_private_addresses")) << host << ": " << answer.response.failure.message;
        EXPECT_EQ(answer.response.status, 0);
    }
    // Nor by the connection that a store left which may.
    EXPECT_EQ(code_of(ask(fetch("files/x", https(web_->url())))), "");
    EXPECT_EQ(code_of(ask(fetch("files/x", https(web_->url(), {})))), "store_refused");
    EXPECT_EQ(code_of(ask(fetch("files/x", https(web_->url())))), "");
}

TEST_F(HttpAndNginx, IsNotLedInsideByNamesOrRedirects) {
    if (!in_own_network()) GTEST_SKIP() << "no network of its own here";
    web_->write_file("x", "bytes");
    const Options outside = https(web_->url(public_name), {});
    ASSERT_EQ(code_of(ask(fetch("files/x", outside))), "");
    EXPECT_EQ(code_of(ask(fetch("files/x", https(web_->url(private_name), {})))), "store_refused");
    EXPECT_EQ(code_of(ask(fetch("files/x", https(web_->url(mixed_name), {})))), "") << "by its public address";
    EXPECT_EQ(code_of(ask(fetch("to?" + web_->url(other_public_name) + "/files/x", outside))), "");
    for (const std::string& inside :
         {web_->url(private_name) + "/files/x", web_->url() + "/files/x",
          std::string("http://169.254.169.254/latest/meta-data/"), std::string("http://[::1]/")}) {
        const auto answer = ask(fetch("to?" + inside, outside, 5));
        EXPECT_EQ(code_of(answer), "store_refused") << inside;
        EXPECT_TRUE(says(answer, "which is not public")) << answer.response.failure.message;
    }
}

TEST_F(HttpAndNginx, BelievesNoCertificateButThoseDeclared) {
    web_->write_file("x", "bytes");
    auto with = [&](const std::string& url, const std::string& certificate) {
        Options options = https(url, {{"allow_private_addresses", "true"}});
        if (!certificate.empty()) options.emplace_back("ca_certificate", certificate);
        return ask(fetch("files/x", options, 5));
    };
    EXPECT_EQ(code_of(with(web_->tls_url(), web_->ca_certificate())), "");
    // The connection that is left open now was not verified by these.
    const auto by_system = with(web_->tls_url(), "");
    EXPECT_EQ(code_of(by_system), "store_refused");
    EXPECT_TRUE(says(by_system, "cannot be verified")) << by_system.response.failure.message;
    EXPECT_EQ(code_of(with(web_->tls_url(), web_->elsewhere_certificate())), "store_refused");
    const auto other_name = with(web_->elsewhere_url(), web_->elsewhere_certificate());
    EXPECT_EQ(code_of(other_name), "store_refused") << "it is another host's";
    const auto no_pem = with(web_->tls_url(), "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----");
    EXPECT_EQ(code_of(no_pem), "store_refused") << no_pem.response.failure.message;
    EXPECT_NE(code_of(ask(fetch("files/x", https("https" + web_->url().substr(4))))), "") << "no TLS there";
}

TEST_F(Http, WritesObjects) {
    std::string received;
    std::string digest;
    std::string type;
    ScriptedServer server([&](Exchange& exchange) {
        if (exchange.path() == "/scans/denied") {
            exchange.answer(403, "<Error><Code>AccessDenied</Code></Error>");
            return false;
        }
        exchange.receive_body();
        received = exchange.body();
        digest = exchange.header("x-amz-content-sha256");
        type = exchange.header("content-type");
        return exchange.answer(200, "", "etag: \"new\"\r\n");
    });
    const Options s3{{"type", "s3"},
                     {"bucket", "scans"},
                     {"endpoint", server.url()},
                     {"allow_private_addresses", "true"},
                     {"access_key_id", "AKIAEXAMPLE"},
                     {"secret_access_key", "secret"}};
    for (size_t size : {size_t{0}, size_t{5}, size_t{3000000}}) {
        const std::string bytes(size, 'x');
        HttpRequest put = request(HttpOperation::put, "out/a b.json", s3);
        put.content_type = "application/json";
        const auto answer = ask(put, sealed(bytes).get());
        EXPECT_EQ(code_of(answer), "") << answer.response.failure.message;
        EXPECT_EQ(answer.response.etag, "new");
        EXPECT_TRUE(received == bytes);
        EXPECT_EQ(digest, http::hex(http::sha256(bytes)));
        EXPECT_EQ(type, "application/json");
    }
    const auto denied = ask(request(HttpOperation::put, "denied", s3), sealed(std::string(30000000, 'x')).get());
    EXPECT_EQ(code_of(denied), "store_denied") << denied.response.failure.message;
}

TEST_F(Http, DeliversWebhooks) {
    std::string signature;
    ScriptedServer server([&](Exchange& exchange) {
        exchange.receive_body();
        if (exchange.path() == "/gone") return exchange.answer(410, "go away\n");
        if (exchange.path() == "/endless") {
            exchange.send("HTTP/1.1 200 OK\r\n\r\n");
            while (exchange.send(std::string(65536, '\xff'))) continue;
            return false;
        }
        if (exchange.path() == "/moved") return exchange.answer(302, "", "location: /ok\r\n");
        signature = exchange.header("webhook-signature");
        const std::string signed_content =
            exchange.header("webhook-id") + "." + exchange.header("webhook-timestamp") + "." + exchange.body();
        const bool holds = signature == "v1," + http::base64(http::hmac_sha256(std::string(24, 'k'), signed_content));
        return exchange.answer(holds ? 204 : 400, "");
    });
    const std::string secret = "whsec_" + http::base64(std::string(24, 'k'));
    auto post = [&](const std::string& path) {
        HttpRequest delivery =
            request(HttpOperation::post, "msg_1",
                    {{"url", server.url() + path}, {"secret", secret}, {"allow_private_addresses", "true"}});
        delivery.body = R"({"type": "job.completed"})";
        return ask(delivery);
    };
    EXPECT_EQ(code_of(post("/ok")), "") << signature;
    const auto gone = post("/gone");
    EXPECT_EQ(gone.response.status, 410);
    EXPECT_EQ(gone.response.excerpt, "go away\n");
    EXPECT_EQ(code_of(gone), "store_refused");
    const auto endless = post("/endless");
    EXPECT_EQ(code_of(endless), "");
    EXPECT_EQ(endless.response.excerpt, std::string(1024, '?'));
    EXPECT_EQ(post("/moved").response.status, 302);
    EXPECT_EQ(server.requests(), 4);
}

TEST_F(Http, HasHundredsUnderWayAtOnce) {
    constexpr int together = 500;
    std::mutex lock;
    std::condition_variable all_here;
    int here = 0;
    ScriptedServer server([&](Exchange& exchange) {
        {
            std::unique_lock hold(lock);
            if (++here == together) all_here.notify_all();
            all_here.wait(hold, [&] { return here >= together; });
        }
        return exchange.answer(200, exchange.path());
    });
    std::set<uint64_t> open;
    for (int i = 0; i < together; ++i) {
        const HttpRequest one = fetch("object-" + std::to_string(i), https(server.url()));
        open.insert(one.id);
        process_.send(one);
    }
    while (!open.empty()) {
        const auto answer = receive();
        ASSERT_EQ(code_of(answer), "") << answer.response.failure.message;
        EXPECT_EQ(content_of(answer.document), "/object-" + std::to_string(answer.response.id - 1));
        EXPECT_EQ(open.erase(answer.response.id), 1u);
    }
}

TEST_F(Http, AnswersAllOfMoreThanItDoesAtOnce) {
    ScriptedServer server([](Exchange& exchange) { return exchange.answer(200, "x"); });
    constexpr int many = 2000;
    // A parent that does not listen meanwhile.
    for (int i = 0; i < many; ++i) {
        HttpRequest one = fetch("x", https(server.url()));
        one.body = std::string(20000, 'x');
        process_.send(one);
    }
    while (server.requests() < many) ::poll(nullptr, 0, 1);
    for (int i = 0; i < many; ++i) ASSERT_EQ(code_of(receive()), "") << i;
}

TEST_F(Http, HoldsNoObjectInItsMemory) {
    constexpr size_t size = size_t{300} << 20;
    ScriptedServer server([&](Exchange& exchange) {
        exchange.send("HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(size) + "\r\n\r\n");
        const std::string chunk(1 << 20, 'x');
        for (size_t sent = 0; sent < size; sent += chunk.size()) exchange.send(chunk);
        return true;
    });
    HttpRequest large = fetch("large", https(server.url()));
    large.max_size = size;
    const auto answer = ask(large);
    ASSERT_EQ(code_of(answer), "") << answer.response.failure.message;
    EXPECT_EQ(answer.response.size, size);
    std::ifstream status("/proc/" + std::to_string(process_.pid()) + "/status");
    std::string word;
    uint64_t peak_kb = 0;
    while (status >> word) {
        if (word == "VmHWM:") status >> peak_kb;
    }
    EXPECT_GT(peak_kb, 0u);
    EXPECT_LT(peak_kb, 64u << 10);
}

TEST_F(Http, DiesWithItsParent) {
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    int started[2];
    ASSERT_EQ(::pipe(started), 0);
    const pid_t parent = ::fork();
    if (parent == 0) {
        HttpProcess process({HTTP_PROGRAM, memory, false});
        while (!process.hello()) process.receive();
        const pid_t pid = process.pid();
        if (::write(started[1], &pid, sizeof(pid)) != sizeof(pid)) ::_exit(1);
        ::pause();
    }
    pid_t orphan = 0;
    ASSERT_EQ(::read(started[0], &orphan, sizeof(orphan)), static_cast<ssize_t>(sizeof(orphan)));
    ::kill(parent, SIGKILL);
    int status = 0;
    EXPECT_EQ(::waitpid(parent, &status, 0), parent);
    EXPECT_EQ(::waitpid(orphan, &status, 0), orphan);
    // It may have seen that nobody is at the socket's other end before its signal came.
    EXPECT_TRUE((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        << status;
    ::close(started[0]);
    ::close(started[1]);
}

TEST_F(Http, TakesNothingThatCouldStillChange) {
    const UniqueFd unsealed(::memfd_create("x", MFD_ALLOW_SEALING));
    process_.send(request(HttpOperation::put, "x", https("http://127.0.0.1:1")), unsealed.get());
    while (!process_.closed()) {
        pollfd waited{process_.socket(), POLLIN, 0};
        ::poll(&waited, 1, 1000);
        EXPECT_FALSE(process_.receive());
    }
    EXPECT_NE(process_.obituary().find("sealed memfd"), std::string::npos) << process_.obituary();
}

TEST_F(Http, AnswersThoughNamesDoNotResolve) {
    const auto answer = ask(fetch("x", https("http://no.such.host.invalid", {{"timeout", "5"}})));
    EXPECT_EQ(code_of(answer), "store_unavailable");
    EXPECT_TRUE(says(answer, "no.such.host.invalid")) << answer.response.failure.message;
    const auto refused = ask(fetch("x", https("http://127.0.0.1:1")));
    EXPECT_EQ(code_of(refused), "store_unavailable") << "nobody listens";
}

TEST_F(Http, MakesWayForOneThatReadsTheNewHosts) {
    if (!in_own_network()) GTEST_SKIP() << "no network of its own here";
    while (!process_.hello()) {
        pollfd waited{process_.socket(), POLLIN, 0};
        ::poll(&waited, 1, 1000);
        process_.receive();
    }
    std::ofstream(hosts_file(), std::ios::app) << "# changed\n";
    while (!process_.closed()) {
        pollfd waited{process_.socket(), POLLIN, 0};
        ::poll(&waited, 1, 1000);
        process_.receive();
    }
    EXPECT_EQ(process_.obituary().find("exited with code 0: names are resolved"), 0u) << process_.obituary();
}

}  // namespace
}  // namespace pg_ocr
