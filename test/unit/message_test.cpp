#include "protocol/message.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "protocol/card_message.h"
#include "protocol/http_message.h"

namespace pg_ocr {
namespace {

Hello some_hello() {
    return {"1.2.3", "tesseract 5.3.0", {{"landlock", true, "ABI 7"}, {"seccomp", false, "not in this kernel"}}};
}

ReadRequest some_request() {
    ReadRequest request;
    request.languages = "deu+fra";
    request.tier = Tier::accurate;
    request.text_layer = TextLayer::only;
    request.password = std::string("nul\0inside", 10);
    request.pages = {{1, 3}, {7, 0}};
    request.done = {1, 2, 4000000000u};
    request.page_segmentation_mode = -1;
    request.dpi = 400;
    request.deskew = true;
    request.debug = true;
    request.providers = {"pg_ocr", "elsewhere"};
    request.limits = {17, 1ull << 40, 18, 1ull << 41, 19ll << 32, 20ll << 32};
    return request;
}

Page some_page() {
    Page page;
    page.page_no = 12;
    page.status = PageStatus::read;
    page.source = PageSource::text_layer;
    page.text = "Grüße\n";
    page.confidence = 93.25f;
    page.mean_confidence = 88.5f;
    page.layout = "{\"blocks\":[]}";
    page.words = 1;
    page.width = 2480;
    page.height = 3508;
    page.dpi = 300;
    page.rotation = 270;
    page.skew = -1.5f;
    page.provider = "pg_ocr";
    page.tried = R"([{"way":"as it is"}])";
    page.picture = std::string("\x89PNG\0", 5);
    page.elapsed_ms = 1234;
    return page;
}

Page failed_page() {
    Page page;
    page.page_no = 3;
    page.status = PageStatus::failed;
    page.failure = {ErrorCode::page_damaged, "the page is damaged"};
    return page;
}

HttpHello some_http_hello() { return {"1.2.3", "libcurl/7.88.1", {{"landlock", true, "ABI 7"}}}; }

HttpRequest some_http_request() {
    HttpRequest request;
    request.id = 1ull << 60;
    request.operation = HttpOperation::list;
    request.options = {{"type", "s3"}, {"secret_access_key", ""}};
    request.name = "2026/";
    request.from = "where it left off";
    request.content_type = "text/plain";
    request.body = "{}";
    request.max_size = 1ull << 33;
    request.max_attempts = 4;
    return request;
}

HttpResponse some_http_response() {
    HttpResponse response;
    response.id = 1ull << 61;
    response.failure = {ErrorCode::store_denied, "the keys are wrong"};
    response.status = 403;
    response.retry_after_s = 17;
    response.elapsed_ms = 18;
    response.etag = "d41d8cd98f00b204e9800998ecf8427e-2";
    response.size = 1ull << 34;
    response.sha256 = std::string(32, '\xfe');
    response.objects = {{"a b/ü.pdf", 1ull << 35, "etag", -5}, {"", 0, "", 0}};
    response.next = "more";
    response.excerpt = "<Error/>";
    return response;
}

TEST(Messages, HttpRequestsComeThrough) {
    HttpRequest sent = some_http_request(), came = decode_http_request(encode(sent));
    EXPECT_EQ(came.id, sent.id);
    EXPECT_EQ(came.operation, sent.operation);
    EXPECT_EQ(came.options, sent.options);
    EXPECT_EQ(came.name, sent.name);
    EXPECT_EQ(came.from, sent.from);
    EXPECT_EQ(came.content_type, sent.content_type);
    EXPECT_EQ(came.body, sent.body);
    EXPECT_EQ(came.max_size, sent.max_size);
    EXPECT_EQ(came.max_attempts, sent.max_attempts);
}

TEST(Messages, HttpResponsesComeThrough) {
    HttpResponse sent = some_http_response(), came = decode_http_response(encode(sent));
    EXPECT_EQ(came.id, sent.id);
    EXPECT_EQ(came.failure.code, sent.failure.code);
    EXPECT_EQ(came.failure.message, sent.failure.message);
    EXPECT_EQ(came.status, sent.status);
    EXPECT_EQ(came.retry_after_s, sent.retry_after_s);
    EXPECT_EQ(came.elapsed_ms, sent.elapsed_ms);
    EXPECT_EQ(came.etag, sent.etag);
    EXPECT_EQ(came.size, sent.size);
    EXPECT_EQ(came.sha256, sent.sha256);
    ASSERT_EQ(came.objects.size(), 2u);
    EXPECT_EQ(came.objects[0].key, sent.objects[0].key);
    EXPECT_EQ(came.objects[0].size, sent.objects[0].size);
    EXPECT_EQ(came.objects[0].etag, sent.objects[0].etag);
    EXPECT_EQ(came.objects[0].modified_at, sent.objects[0].modified_at);
    EXPECT_EQ(came.next, sent.next);
    EXPECT_EQ(came.excerpt, sent.excerpt);
    HttpHello hello = decode_http_hello(encode(some_http_hello()));
    EXPECT_EQ(hello.version, "1.2.3");
    EXPECT_EQ(hello.curl, "libcurl/7.88.1");
    EXPECT_EQ(hello.protections.size(), 1u);
}

TEST(Messages, HelloComesThrough) {
    Hello hello = decode_hello(encode(some_hello()));
    EXPECT_EQ(hello.version, "1.2.3");
    EXPECT_EQ(hello.tesseract, "tesseract 5.3.0");
    ASSERT_EQ(hello.protections.size(), 2u);
    EXPECT_EQ(hello.protections[0].name, "landlock");
    EXPECT_TRUE(hello.protections[0].holds);
    EXPECT_EQ(hello.protections[1].detail, "not in this kernel");
    EXPECT_FALSE(hello.protections[1].holds);
}

TEST(Messages, ARequestComesThrough) {
    ReadRequest sent = some_request(), came = decode_read(encode(sent));
    EXPECT_EQ(came.languages, sent.languages);
    EXPECT_EQ(came.tier, sent.tier);
    EXPECT_EQ(came.text_layer, sent.text_layer);
    EXPECT_EQ(came.password, sent.password);
    EXPECT_EQ(came.pages, sent.pages);
    EXPECT_EQ(came.done, sent.done);
    EXPECT_EQ(came.page_segmentation_mode, sent.page_segmentation_mode);
    EXPECT_EQ(came.dpi, sent.dpi);
    EXPECT_EQ(came.deskew, sent.deskew);
    EXPECT_EQ(came.debug, sent.debug);
    EXPECT_EQ(came.providers, sent.providers);
    EXPECT_EQ(came.limits, sent.limits);
}

TEST(Messages, APageComesThrough) {
    Page sent = some_page(), came = decode_page_done(encode(sent));
    EXPECT_EQ(came.page_no, sent.page_no);
    EXPECT_EQ(came.status, sent.status);
    EXPECT_EQ(came.source, sent.source);
    EXPECT_EQ(came.text, sent.text);
    EXPECT_EQ(came.confidence, sent.confidence);
    EXPECT_EQ(came.mean_confidence, sent.mean_confidence);
    EXPECT_EQ(came.layout, sent.layout);
    EXPECT_EQ(came.words, sent.words);
    EXPECT_EQ(came.width, sent.width);
    EXPECT_EQ(came.height, sent.height);
    EXPECT_EQ(came.dpi, sent.dpi);
    EXPECT_EQ(came.rotation, sent.rotation);
    EXPECT_EQ(came.skew, sent.skew);
    EXPECT_EQ(came.provider, sent.provider);
    EXPECT_EQ(came.tried, sent.tried);
    EXPECT_EQ(came.picture, sent.picture);
    EXPECT_EQ(came.elapsed_ms, sent.elapsed_ms);
    EXPECT_FALSE(came.failure);
}

TEST(Messages, AFailedPageComesThrough) {
    Page came = decode_page_done(encode(failed_page()));
    EXPECT_EQ(came.status, PageStatus::failed);
    EXPECT_EQ(came.failure.code, ErrorCode::page_damaged);
    EXPECT_EQ(came.failure.message, "the page is damaged");
    EXPECT_LT(came.confidence, 0);
}

TEST(Messages, TheSmallOnesComeThrough) {
    DocumentInfo info = decode_opened(encode(DocumentInfo{"PDF", 9, 4}));
    EXPECT_EQ(info.type, "PDF");
    EXPECT_EQ(info.pages, 9u);
    EXPECT_EQ(info.selected, 4u);
    EXPECT_EQ(decode_page_started(encode_page_started(77)), 77u);
    EXPECT_EQ(decode_finished(encode(Finished{1ull << 33, false, 0, ""})).peak_memory, 1ull << 33);
    EXPECT_FALSE(decode_finished(encode(Finished{1, false, 0, ""})).signature_broken);
    EXPECT_TRUE(decode_finished(encode(Finished{1, true, 0, ""})).signature_broken);
    Failure failure = decode_failed(encode(Failure{ErrorCode::document_empty, "empty"}));
    EXPECT_EQ(failure.code, ErrorCode::document_empty);
    EXPECT_EQ(failure.message, "empty");
}

const PageView some_view{3, 2480, 3508, 300, 90, 1.25f};

DrawRequest some_draw_request() {
    DrawRequest request;
    request.password = "secret";
    request.limits.page_pixels = 100000000;
    request.dpi = 150;
    request.pages = {some_view};
    return request;
}

PageLayout some_page_layout() {
    Line line{{1, 2, 30, 12}, 0, {Word{"gr\xc3\xbc\xc3\x9f", {1, 2, 15, 12}}, Word{"Gott", {18, 2, 30, 12}}}};
    return {some_view, Layout{{Block{{1, 2, 30, 12}, {line}}, Block{{5, 5, 6, 6}, {}}}, {}}};
}

TEST(Messages, WhatABackendAsksComesThrough) {
    DrawRequest draw = decode_draw(encode(some_draw_request()));
    EXPECT_EQ(draw.password, "secret");
    EXPECT_EQ(draw.limits, some_draw_request().limits);
    EXPECT_EQ(draw.dpi, 150);
    ASSERT_EQ(draw.pages.size(), 1u);
    const PageView& view = draw.pages[0];
    EXPECT_EQ(view.page_no, 3u);
    EXPECT_EQ(view.width, 2480);
    EXPECT_EQ(view.height, 3508);
    EXPECT_EQ(view.dpi, 300);
    EXPECT_EQ(view.rotation, 90);
    EXPECT_EQ(view.skew, 1.25f);
    EXPECT_EQ(decode_compose(encode(ComposeRequest{"secret", {}})).password, "secret");
    PageLayout page = decode_page_layout(encode(some_page_layout()));
    EXPECT_EQ(page.view.page_no, 3u);
    ASSERT_EQ(page.layout.blocks.size(), 2u);
    const Word& word = page.layout.blocks[0].lines.at(0).words.at(1);
    EXPECT_EQ(word.text, "Gott");
    EXPECT_EQ(word.box, (Box{18, 2, 30, 12}));
    EXPECT_EQ(page.layout.blocks[1].box, (Box{5, 5, 6, 6}));
    Drawn drawn = decode_drawn(encode(Drawn{3, "image/jpeg", 100, 200, std::string("\0x", 2), {}}));
    EXPECT_EQ(drawn.type, "image/jpeg");
    EXPECT_EQ(drawn.width, 100);
    EXPECT_EQ(drawn.height, 200);
    EXPECT_EQ(drawn.bytes, std::string("\0x", 2));
    EXPECT_EQ(decode_drawn(encode(Drawn{3, "", 0, 0, "", {ErrorCode::page_damaged, "torn"}})).failure.message, "torn");
    EXPECT_EQ(decode_piece("%PDF").bytes, "%PDF");
}

CardReport some_card_report() { return {3, 1ull << 40, 12, 5, 1ull << 41}; }
ForwardRequest some_forward() { return {7, true, "best/deu", 0xfeedfacecafebeef, {900, 3, 41}}; }

struct Kind {
    const char* name;
    std::string whole;
    std::function<void(const std::string&)> decode;
};

std::vector<Kind> all_kinds() {
    return {
        {"hello", encode(some_hello()), [](const std::string& b) { decode_hello(b); }},
        {"read", encode(some_request()), [](const std::string& b) { decode_read(b); }},
        {"opened", encode(DocumentInfo{"PDF", 9, 4}), [](const std::string& b) { decode_opened(b); }},
        {"page_started", encode_page_started(1), [](const std::string& b) { decode_page_started(b); }},
        {"page_done", encode(some_page()), [](const std::string& b) { decode_page_done(b); }},
        {"failed page", encode(failed_page()), [](const std::string& b) { decode_page_done(b); }},
        {"finished", encode(Finished{5, false, 0, ""}), [](const std::string& b) { decode_finished(b); }},
        {"failed", encode(Failure{ErrorCode::document_empty, "e"}), [](const std::string& b) { decode_failed(b); }},
        {"draw", encode(some_draw_request()), [](const std::string& b) { decode_draw(b); }},
        {"drawn", encode(Drawn{1, "image/png", 1, 1, "x", {}}), [](const std::string& b) { decode_drawn(b); }},
        {"compose", encode(ComposeRequest{"secret", {}}), [](const std::string& b) { decode_compose(b); }},
        {"page_layout", encode(some_page_layout()), [](const std::string& b) { decode_page_layout(b); }},
        {"card", encode(CardGrant{true}), [](const std::string& b) { decode_card_grant(b); }},
        {"card's ready", encode(CardReady{"1", "H200", 5}), [](const std::string& b) { decode_card_ready(b); }},
        {"card's report", encode(some_card_report()), [](const std::string& b) { decode_card_report(b); }},
        {"card's complaint", encode_complaint("no"), [](const std::string& b) { decode_complaint(b); }},
        {"card's welcome", encode(CardWelcome{"1", 5}), [](const std::string& b) { decode_card_welcome(b); }},
        {"forward", encode(some_forward()), [](const std::string& b) { decode_forward(b); }},
        {"scored", encode(ForwardAnswer{7, CardAnswer::busy}), [](const std::string& b) { decode_scored(b); }},
        {"HTTP hello", encode(some_http_hello()), [](const std::string& b) { decode_http_hello(b); }},
        {"HTTP request", encode(some_http_request()), [](const std::string& b) { decode_http_request(b); }},
        {"HTTP response", encode(some_http_response()), [](const std::string& b) { decode_http_response(b); }},
    };
}

TEST(Messages, WhatACardIsAskedAndAnswersComesThrough) {
    EXPECT_TRUE(decode_card_grant(encode(CardGrant{true})).is_interactive);
    EXPECT_FALSE(decode_card_grant(encode(CardGrant{false})).is_interactive);
    const CardReady ready = decode_card_ready(encode(CardReady{"0.2", "NVIDIA H200", 1ull << 33}));
    EXPECT_EQ(ready.version, "0.2");
    EXPECT_EQ(ready.card, "NVIDIA H200");
    EXPECT_EQ(ready.memory, 1ull << 33);
    const CardReport report = decode_card_report(encode(some_card_report()));
    EXPECT_EQ(report.engines, 3u);
    EXPECT_EQ(report.lines, 1ull << 40);
    EXPECT_EQ(report.batches, 12u);
    EXPECT_EQ(report.refused, 5u);
    EXPECT_EQ(report.busy_us, 1ull << 41);
    EXPECT_EQ(decode_card_welcome(encode(CardWelcome{"0.2", 1ull << 33})).memory, 1ull << 33);
    const ForwardRequest forward = decode_forward(encode(some_forward()));
    EXPECT_EQ(forward.id, 7u);
    EXPECT_TRUE(forward.is_interactive);
    EXPECT_EQ(forward.model, "best/deu");
    EXPECT_EQ(forward.fingerprint, 0xfeedfacecafebeef);
    EXPECT_EQ(forward.widths, (std::vector<uint32_t>{900, 3, 41}));
    const ForwardAnswer answer = decode_scored(encode(ForwardAnswer{7, CardAnswer::too_large}));
    EXPECT_EQ(answer.id, 7u);
    EXPECT_EQ(answer.answer, CardAnswer::too_large);
    EXPECT_THROW(decode_forward(encode(ForwardRequest{7, true, "eng", 1, {}})), ProtocolError);
    EXPECT_EQ(scores_begin(0), 0u);
    EXPECT_EQ(scores_begin(1), 64u);
    EXPECT_EQ(scores_begin(64), 64u);
    const Finished finished = decode_finished(encode(Finished{1, false, 1ull << 33, "gone"}));
    EXPECT_EQ(finished.card_lines, 1ull << 33);
    EXPECT_EQ(finished.card_trouble, "gone");
}

TEST(Messages, WhatAServerIsAskedAndAnswersComesThrough) {
    const Ask ask = decode_ask(encode(Ask{"desk", 3, "deu+eng", 640, 480, 1500, std::string("\x89PNG\0", 5)}));
    EXPECT_EQ(ask.server, "desk");
    EXPECT_EQ(ask.page_no, 3u);
    EXPECT_EQ(ask.languages, "deu+eng");
    EXPECT_EQ(ask.width, 640);
    EXPECT_EQ(ask.height, 480);
    EXPECT_EQ(ask.time_ms, 1500);
    EXPECT_EQ(ask.image, std::string("\x89PNG\0", 5));
    Word word;
    word.text = "Wort";
    word.box = {1, 2, 3, 4};
    word.confidence = 97.5;
    ProviderAnswer sent;
    sent.failure = {ErrorCode::provider_refused, "no"};
    sent.words.push_back(word);
    const ProviderAnswer came = decode_answer(encode(sent));
    EXPECT_EQ(came.failure.code, ErrorCode::provider_refused);
    EXPECT_EQ(came.failure.message, "no");
    ASSERT_EQ(came.words.size(), 1u);
    EXPECT_EQ(came.words[0].text, "Wort");
    EXPECT_EQ(came.words[0].box, (Box{1, 2, 3, 4}));
    EXPECT_EQ(came.words[0].confidence, 97.5f);
    EXPECT_THROW(decode_ask(encode(Ask{"desk", 3, "eng", 0, 480, 1500, ""})), ProtocolError);
    EXPECT_THROW(decode_ask(encode(Ask{"desk", 3, "eng", 1, 480, -1, ""})), ProtocolError);
    sent.words[0].confidence = 101;
    EXPECT_THROW(decode_answer(encode(sent)), ProtocolError);
}

TEST(Messages, CutOffAnywhereAreRefused) {
    for (const Kind& kind : all_kinds()) {
        EXPECT_NO_THROW(kind.decode(kind.whole)) << kind.name;
        for (size_t length = 0; length < kind.whole.size(); ++length)
            EXPECT_THROW(kind.decode(kind.whole.substr(0, length)), ProtocolError) << kind.name << " at " << length;
    }
}

TEST(Messages, WithBytesLeftOverAreRefused) {
    for (const Kind& kind : all_kinds()) EXPECT_THROW(kind.decode(kind.whole + '\0'), ProtocolError) << kind.name;
}

/// Whatever a byte is changed to, a message is either refused as such or decodes; nothing else is thrown, and nothing
/// is allocated that the message could not hold.
TEST(Messages, WithAnyByteChangedDoNoHarm) {
    for (const Kind& kind : all_kinds())
        for (size_t at = 0; at < kind.whole.size(); ++at)
            for (int value : {0, 1, 0x7f, 0x80, 0xff}) {
                std::string changed = kind.whole;
                changed[at] = static_cast<char>(value);
                try {
                    kind.decode(changed);
                } catch (const ProtocolError&) {
                }
            }
}

std::string u32(uint32_t value) {
    std::string bytes;
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(value >> shift);
    return bytes;
}

TEST(Messages, WithWildCountsAreRefusedWithoutAllocatingThem) {
    std::string empty_string = u32(0);
    EXPECT_THROW(decode_hello(empty_string + empty_string + u32(0xffffffff)), ProtocolError);
    EXPECT_THROW(decode_hello(u32(0xffffffff) + "short"), ProtocolError);
    std::string tier_and_layer(2, '\0');
    EXPECT_THROW(decode_read(empty_string + tier_and_layer + empty_string + u32(0x20000000)), ProtocolError);
}

TEST(Messages, WithValuesOutOfRangeAreRefused) {
    auto refused = [](const std::function<void(Page&)>& spoil) {
        Page page = some_page();
        spoil(page);
        EXPECT_THROW(decode_page_done(encode(page)), ProtocolError);
    };
    refused([](Page& page) { page.page_no = 0; });
    refused([](Page& page) { page.page_no = 1000001; });
    refused([](Page& page) { page.confidence = 100.5f; });
    refused([](Page& page) { page.mean_confidence = 100.5f; });
    refused([](Page& page) { page.confidence = std::numeric_limits<float>::quiet_NaN(); });
    refused([](Page& page) { page.confidence = std::numeric_limits<float>::infinity(); });
    refused([](Page& page) { page.width = -1; });
    refused([](Page& page) { page.rotation = 45; });
    refused([](Page& page) { page.skew = 90; });
    refused([](Page& page) { page.status = static_cast<PageStatus>(3); });
    refused([](Page& page) { page.source = static_cast<PageSource>(3); });
    refused([](Page& page) { page.status = PageStatus::failed; });
    refused([](Page& page) { page.failure = {ErrorCode::page_damaged, "yet read"}; });
    refused([](Page& page) { page.failure.code = static_cast<ErrorCode>(200); });
    EXPECT_THROW(decode_opened(encode(DocumentInfo{"PDF", 3, 4})), ProtocolError);
    EXPECT_THROW(decode_failed(encode(Failure{})), ProtocolError);

    DrawRequest draw = some_draw_request();
    draw.dpi = 0;
    EXPECT_THROW(decode_draw(encode(draw)), ProtocolError);
    auto view_refused = [](const std::function<void(PageView&)>& spoil) {
        PageLayout page = some_page_layout();
        spoil(page.view);
        EXPECT_THROW(decode_page_layout(encode(page)), ProtocolError);
    };
    view_refused([](PageView& view) { view.page_no = 0; });
    view_refused([](PageView& view) { view.width = 0; });
    view_refused([](PageView& view) { view.dpi = -1; });
    view_refused([](PageView& view) { view.rotation = 1; });
    view_refused([](PageView& view) { view.skew = -46; });
    EXPECT_THROW(decode_drawn(encode(Drawn{1, "image/png", 1, 1, "", {}})), ProtocolError);
    EXPECT_THROW(decode_drawn(encode(Drawn{1, "image/png", 0, 1, "x", {}})), ProtocolError);
    EXPECT_THROW(decode_piece(""), ProtocolError);

    HttpRequest request = some_http_request();
    request.max_attempts = 0;
    EXPECT_THROW(decode_http_request(encode(request)), ProtocolError);
    auto response_refused = [](const std::function<void(HttpResponse&)>& spoil) {
        HttpResponse response = some_http_response();
        spoil(response);
        EXPECT_THROW(decode_http_response(encode(response)), ProtocolError);
    };
    response_refused([](HttpResponse& response) { response.status = -1; });
    response_refused([](HttpResponse& response) { response.status = 1000; });
    response_refused([](HttpResponse& response) { response.sha256 = "short"; });
    response_refused([](HttpResponse& response) { response.size = 1ull << 63; });
}

}  // namespace
}  // namespace pg_ocr
