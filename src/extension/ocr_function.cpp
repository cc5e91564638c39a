// ocr(): reads a document here and now, in the backend that asks, by an engine of its own.
#include <string>

#include "extension/backend_engine.h"
#include "extension/settings.h"
#include "extension/shared_state.h"
#include "pg/guard.h"
#include "protocol/sealed_document.h"

extern "C" {
PG_FUNCTION_INFO_V1(pg_ocr_read_now);
}

namespace pg_ocr {
namespace {

constexpr size_t most_text = MaxAllocSize - VARHDRSZ;

std::string read_now(const bytea* document, const ReadRequest& request, const WorkerSettings& settings) {
    EngineProcess& engine = engine_of_backend(settings);
    {
        SealedDocument sealed;
        sealed.append(VARDATA_ANY(document), VARSIZE_ANY_EXHDR(document));
        UniqueFd memfd = sealed.seal();
        offer_card_to_engine_of_backend();
        engine.send_read(request, memfd.get());
    }
    const int64_t page_time_ms = killed_after_ms(settings.limits.page_time_ms);
    std::string text;
    bool first = true;
    uint32_t page_no = 0;
    for (;;) {
        engine.set_cpu_limit(static_cast<uint32_t>(page_time_ms / 1000 + 10));
        EngineMessage message = next_engine_message(page_time_ms, page_timed_out(settings.limits), page_no);
        if (const auto* started = std::get_if<PageStarted>(&message)) {
            page_no = started->page_no;
        } else if (const auto* page = std::get_if<Page>(&message)) {
            if (page->status == PageStatus::failed) throw_failure(page->failure, page->page_no);
            if (text.size() + page->text.size() >= most_text)
                throw_failure({ErrorCode::too_much_text, "the text is longer than the 1 GB that a value can have"},
                              page->page_no);
            if (!first) text += '\f';
            first = false;
            text += page->text;
        } else if (const auto* failure = std::get_if<Failure>(&message)) {
            throw_failure(*failure, failure->code == ErrorCode::page_timeout ? page_no : 0);
        } else if (const auto* finished = std::get_if<Finished>(&message)) {
            note_card_of_backend(*finished);
            return text;
        }
    }
}

/// One request's worth of plain values, taken from Datums before any C++ object exists.
struct Arguments {
    bytea* document;
    char* language;
    char* pages;
    char* text_layer;
    char* password;
    int32_t psm;
    int32_t dpi;
    bool deskew;
};

char* utf8_argument(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return pstrdup("");
    char* server = text_to_cstring(PG_GETARG_TEXT_PP(index));
    return pg_server_to_any(server, static_cast<int>(strlen(server)), PG_UTF8);
}

/// A query's backend has an engine, and asks no servers.
std::vector<std::string> providers_here(const WorkerSettings& settings) {
    std::vector<std::string> providers = settings.providers[static_cast<size_t>(Tier::balanced)];
    std::erase_if(providers, [](const std::string& provider) { return !recogniser_named(provider); });
    if (providers.empty())
        throw pg::Error(ERRCODE_FEATURE_NOT_SUPPORTED,
                        "ocr() asks no server, and pg_ocr.balanced_providers names nothing else", "",
                        "Submit the document with ocr_submit(), or SET pg_ocr.balanced_providers = 'pg_ocr'.");
    return providers;
}

}  // namespace

}  // namespace pg_ocr

Datum pg_ocr_read_now(PG_FUNCTION_ARGS) {
    using namespace pg_ocr;
    shared_state();
    if (PG_ARGISNULL(0)) PG_RETURN_NULL();
    Arguments arguments;
    arguments.document = PG_GETARG_BYTEA_PP(0);
    arguments.language = utf8_argument(fcinfo, 1);
    arguments.pages = utf8_argument(fcinfo, 2);
    arguments.text_layer = utf8_argument(fcinfo, 3);
    arguments.password = utf8_argument(fcinfo, 4);
    arguments.psm = PG_GETARG_INT32(5);
    arguments.dpi = PG_GETARG_INT32(6);
    arguments.deskew = PG_GETARG_BOOL(7);
    text* result = pg::enter([&]() -> text* {
        const WorkerSettings settings = worker_settings();
        ReadRequest request;
        request.languages = arguments.language;
        request.tier = Tier::balanced;
        request.text_layer = text_layer_of(arguments.text_layer);
        request.password = arguments.password;
        request.pages = parse_page_ranges(arguments.pages);
        request.page_segmentation_mode = arguments.psm;
        request.dpi = arguments.dpi;
        request.deskew = arguments.deskew;
        request.providers = providers_here(settings);
        request.limits = settings.limits;
        request.limits.document_time_ms = 0;  // a query's time is statement_timeout's to limit
        const std::string read =
            with_engine_of_backend([&] { return read_now(arguments.document, request, settings); });
        text* converted = nullptr;
        pg::protect([&] {
            char* server = pg_any_to_server(read.c_str(), static_cast<int>(read.size()), PG_UTF8);
            converted = cstring_to_text(server);
        });
        return converted;
    });
    PG_RETURN_TEXT_P(result);
}
