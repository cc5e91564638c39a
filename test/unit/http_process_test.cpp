#include "worker/http_process.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <system_error>

#include "unit/rogue_http.h"

namespace pg_ocr {
namespace {

HttpSettings rogue(Mischief mischief, bool sandbox_required = false) {
    return {ROGUE_HTTP, static_cast<uint64_t>(mischief), sandbox_required};
}

HttpRequest fetch(uint64_t id, uint64_t max_size = 100) {
    HttpRequest request;
    request.id = id;
    request.max_size = max_size;
    return request;
}

/// Waits for the next answer; nothing: it has gone.
std::optional<HttpProcess::Answer> next(HttpProcess& http) {
    for (;;) {
        if (std::optional<HttpProcess::Answer> answer = http.receive()) return answer;
        if (http.closed()) return std::nullopt;
        pollfd wait{http.socket(), POLLIN, 0};
        ::poll(&wait, 1, 60000);
    }
}

TEST(HttpProcess, GivesAnswersWithTheirDocuments) {
    HttpProcess http(rogue(Mischief::none, true));
    for (uint64_t id = 1; id <= 200; ++id) http.send(fetch(id));
    EXPECT_EQ(http.open_requests(), 200u);
    for (uint64_t id = 1; id <= 200; ++id) {
        std::optional<HttpProcess::Answer> answer = next(http);
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->response.id, id);
        char content[16] = {};
        ASSERT_EQ(::pread(answer->document.get(), content, sizeof(content), 0), 7);
        EXPECT_STREQ(content, "content");
    }
    EXPECT_EQ(http.open_requests(), 0u);
    ASSERT_TRUE(http.hello());
    EXPECT_EQ(http.hello()->curl, "libcurl");
}

TEST(HttpProcess, TakesOneRequestPerNumber) {
    HttpProcess http(rogue(Mischief::none));
    http.send(fetch(1));
    EXPECT_THROW(http.send(fetch(1)), std::logic_error);
    ASSERT_TRUE(next(http));
    http.send(fetch(1));
    EXPECT_TRUE(next(http));
}

TEST(HttpProcess, FindsADeathAndItsCause) {
    HttpProcess http(rogue(Mischief::dies));
    http.send(fetch(1));
    EXPECT_FALSE(next(http));
    EXPECT_EQ(http.obituary(), "exited with code 3");
    EXPECT_NO_THROW(http.send(fetch(2))) << "receive() finds it, not whoever asks next";
}

TEST(HttpProcess, NamesTheProgramThatItCannotStart) {
    try {
        HttpProcess http({"/nowhere/pg_ocr_http", 1});
        FAIL();
    } catch (const std::system_error& error) {
        EXPECT_NE(std::string(error.what()).find("/nowhere/pg_ocr_http"), std::string::npos);
    }
}

TEST(HttpProcess, ChecksWhatItIsTold) {
    struct Case {
        Mischief mischief;
        const char* complaint;
    };
    for (const Case& each : {Case{Mischief::no_hello, "did not say hello first"},
                             {Mischief::other_version, "is of version 0"},
                             {Mischief::unasked, "answered what nobody asked"},
                             {Mischief::no_document, "mixed up which answers bring a document"},
                             {Mischief::failure_with_document, "mixed up which answers bring a document"},
                             {Mischief::not_sealed, "sent a document that is not sealed"},
                             {Mischief::wrong_size, "sent a document that is not sealed"},
                             {Mischief::not_text, "sent text that is not UTF-8"},
                             {Mischief::answers_twice, "answered what nobody asked"}}) {
        HttpProcess http(rogue(each.mischief));
        http.send(fetch(each.mischief == Mischief::unasked ? 2 : 1));
        try {
            while (next(http)) {
            }
            FAIL() << each.complaint;
        } catch (const ProtocolError& error) {
            EXPECT_NE(std::string(error.what()).find(each.complaint), std::string::npos) << error.what();
        }
    }
}

TEST(HttpProcess, RefusesDocumentsLargerThanTheyMayBe) {
    HttpProcess http(rogue(Mischief::none));
    http.send(fetch(1, 6));
    EXPECT_THROW(next(http), ProtocolError);
}

TEST(HttpProcess, RequiresTheSandboxThatIsRequired) {
    HttpProcess lax(rogue(Mischief::lacks_protection));
    lax.send(fetch(1));
    EXPECT_TRUE(next(lax));
    HttpProcess strict(rogue(Mischief::lacks_protection, true));
    strict.send(fetch(1));
    EXPECT_THROW(next(strict), ProtocolError);
}

}  // namespace
}  // namespace pg_ocr
