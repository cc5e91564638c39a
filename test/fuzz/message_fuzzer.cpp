// What the frames say: each decoder refuses a body, or what it makes of it survives being encoded and decoded again.
#include <algorithm>
#include <string>

#include "fuzz/promise.h"
#include "protocol/card_message.h"
#include "protocol/http_message.h"
#include "protocol/message.h"

using namespace pg_ocr;

namespace {

template <typename Decode>
void check(const std::string& body, Decode decode) {
    auto encode_any = [](const auto& value) {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, uint32_t>)
            return encode_page_started(value);
        else
            return encode(value);
    };
    std::string again = encode_any(decode(body));
    promise(again.size() == body.size(), "every byte of a body says something");
    promise(encode_any(decode(again)) == again, "what was decoded is encoded as it was");
}

/// The request's pages, of a document of any size, as the worker and the engine both reckon them.
void check_selection(const ReadRequest& request, uint32_t pages) {
    std::vector<uint32_t> selected = selected_pages(request, pages), to_read = pages_to_read(request, pages);
    auto ascends = [pages](const std::vector<uint32_t>& list) {
        return std::adjacent_find(list.begin(), list.end(), std::greater_equal<>()) == list.end() &&
               (list.empty() || (list.front() >= 1 && list.back() <= pages));
    };
    promise(ascends(selected), "the selected pages are pages of the document, ascending, each once");
    promise(ascends(to_read), "the pages to read are ascending, each once");
    promise(std::includes(selected.begin(), selected.end(), to_read.begin(), to_read.end()),
            "only selected pages are read");
    promise(request.task_pages == 0 || to_read.size() <= request.task_pages, "a task reads no more than its pages");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    std::string body(reinterpret_cast<const char*>(data + 1), size - 1);
    try {
        switch (data[0] % 22) {
            case 0:
                check(body, decode_hello);
                break;
            case 1:
                check(body, decode_read);
                check_selection(decode_read(body), data[0]);
                break;
            case 2:
                check(body, decode_opened);
                break;
            case 3:
                check(body, decode_page_started);
                break;
            case 4:
                check(body, decode_page_done);
                break;
            case 5:
                check(body, decode_finished);
                break;
            case 6:
                check(body, decode_failed);
                break;
            case 7:
                check(body, decode_http_hello);
                break;
            case 8:
                check(body, decode_http_request);
                break;
            case 9:
                check(body, decode_draw);
                break;
            case 10:
                check(body, decode_drawn);
                break;
            case 11:
                check(body, decode_compose);
                break;
            case 12:
                check(body, decode_page_layout);
                break;
            case 13:
                check(body, decode_ask);
                break;
            case 14:
                check(body, decode_answer);
                break;
            case 15:
                check(body, decode_card_grant);
                break;
            case 16:
                check(body, decode_card_ready);
                break;
            case 17:
                check(body, decode_card_report);
                break;
            case 18:
                check(body, decode_card_welcome);
                break;
            case 19:
                check(body, decode_forward);
                break;
            case 20:
                check(body, decode_scored);
                break;
            default:
                check(body, decode_http_response);
        }
    } catch (const ProtocolError&) {
    }
    return 0;
}
