#include "extension/store_functions.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "extension/settings.h"
#include "extension/wait_events.h"
#include "pg/guard.h"
#include "pg/spi.h"
#include "protocol/sealed_document.h"
#include "worker/local_file.h"
#include "worker/local_listing.h"

extern "C" {
PG_FUNCTION_INFO_V1(pg_ocr_list_objects);
PG_FUNCTION_INFO_V1(pg_ocr_put_object);
PG_FUNCTION_INFO_V1(pg_ocr_fetch_object);
PG_FUNCTION_INFO_V1(pg_ocr_try_lock);
}

namespace pg_ocr {
namespace {

constexpr int64_t microseconds_to_2000 = int64_t{POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE} * USECS_PER_DAY;

constexpr int64_t latest_time = int64_t{253402300800} * 1000000;  // the year 10000

/// Kept from call to call within a transaction.
std::unique_ptr<HttpProcess> http;
uint64_t last_request = 0;
bool exit_callback_registered = false;

void end_http_with_transaction(XactEvent event, void*) {
    if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE) http.reset();
}

void end_http_with_process(int, Datum) {
    if (http) http->kill_now();
}

int sqlstate_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::store_denied:
            return ERRCODE_INSUFFICIENT_PRIVILEGE;
        case ErrorCode::document_missing:
            return ERRCODE_UNDEFINED_FILE;
        case ErrorCode::document_too_large:
            return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
        case ErrorCode::store_unavailable:
            return ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION;
        default:
            return ERRCODE_FDW_ERROR;
    }
}

[[noreturn]] void throw_failure(const Failure& failure) {
    throw pg::Error(sqlstate_of(failure.code), failure.message,
                    "The error's code is " + std::string(name_of(failure.code)) + ".");
}

[[noreturn]] void throw_unavailable(const std::string& message) {
    throw_failure({ErrorCode::store_unavailable, message});
}

HttpProcess::Answer ask_once(HttpRequest& request, int content) {
    request.id = ++last_request;
    request.max_attempts = attempts_in_one_go;
    const TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), stuck_after_ms(request.options));
    if (!http) http = std::make_unique<HttpProcess>(http_settings());
    http->send(request, content);
    for (;;) {
        if (std::optional<HttpProcess::Answer> answer = http->receive()) {
            if (answer->response.failure) throw_failure(answer->response.failure);
            return std::move(*answer);
        }
        if (http->closed()) throw_unavailable("pg_ocr_http " + http->obituary());
        const long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
        if (left <= 0) throw_unavailable("pg_ocr_http was stuck and has been killed");
        pg::protect([&] {
            int happened =
                WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_SOCKET_READABLE | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
                                  http->socket(), left, wait_event(WaitFor::http));
            if ((happened & WL_LATCH_SET) != 0) ResetLatch(MyLatch);
            CHECK_FOR_INTERRUPTS();
        });
    }
}

/// Waits for the answer; the statement can be cancelled meanwhile. Throws pg::Error.
HttpProcess::Answer ask(HttpRequest request, int content = -1) {
    if (!exit_callback_registered) {
        pg::protect([] { before_shmem_exit(end_http_with_process, 0); });
        exit_callback_registered = true;
    }
    try {
        return ask_once(request, content);
    } catch (const ProtocolError& error) {
        http.reset();
        throw_unavailable(error.what());
    } catch (const std::system_error& error) {
        http.reset();
        throw_unavailable(error.what());
    } catch (...) {
        // It may be in the middle of anything.
        http.reset();
        throw;
    }
}

std::string utf8(const char* server) {
    std::string text;
    pg::protect([&] { server = pg_server_to_any(server, static_cast<int>(strlen(server)), PG_UTF8); });
    text = server;
    return text;
}

/// Names and values by turns, as C strings of the present memory context.
struct Words {
    char** words;
    int count;
};

Words words_of(ArrayType* array) {
    Words words{};
    Datum* datums = nullptr;
    deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &datums, nullptr, &words.count);
    words.words = static_cast<char**>(palloc0(sizeof(char*) * static_cast<Size>(words.count + 1)));
    for (int i = 0; i < words.count; ++i) words.words[i] = TextDatumGetCString(datums[i]);
    return words;
}

Options options_of(const Words& words) {
    Options options;
    for (int i = 0; i + 1 < words.count; i += 2) options.emplace_back(utf8(words.words[i]), utf8(words.words[i + 1]));
    return options;
}

/// The objects of a store, one after the other; of a remote one a page is held.
class Listing {
  public:
    Listing(Options store, std::string prefix, std::string uri_prefix)
        : store_(std::move(store)), prefix_(std::move(prefix)), uri_prefix_(std::move(uri_prefix)) {
        if (option_of(store_, "type") == "file") {
            try {
                local_ = std::make_unique<LocalListing>(option_of(store_, "directory"), prefix_);
            } catch (const std::system_error& error) {
                throw_unavailable(error.what());
            }
        }
    }

    std::optional<StoredObject> next() {
        if (local_) return next_local();
        while (at_ == page_.size()) {
            if (ended_) return std::nullopt;
            read_page();
        }
        return std::move(page_[at_++]);
    }

    const std::string& uri_prefix() const { return uri_prefix_; }

  private:
    std::optional<StoredObject> next_local() {
        pg::protect([] { CHECK_FOR_INTERRUPTS(); });
        std::optional<StoredObject> object = local_->next();
        for (const std::string& complaint : local_->take_complaints()) {
            const char* text = complaint.c_str();
            pg::protect([&] { ereport(WARNING, (errmsg("%s", text))); });
        }
        return object;
    }

    void read_page() {
        HttpRequest request;
        request.operation = HttpOperation::list;
        request.options = store_;
        request.name = prefix_;
        request.from = next_;
        HttpResponse response = ask(std::move(request)).response;
        // A store that sends the same page for ever would be listed for ever.
        if (!response.next.empty() && response.next == next_)
            throw_failure({ErrorCode::store_refused, "the store's list does not go on where it should"});
        next_ = std::move(response.next);
        ended_ = next_.empty();
        page_ = std::move(response.objects);
        at_ = 0;
    }

    Options store_;
    std::string prefix_;
    std::string uri_prefix_;
    std::unique_ptr<LocalListing> local_;
    std::vector<StoredObject> page_;
    size_t at_ = 0;
    std::string next_;
    bool ended_ = false;
};

/// What ocr.listing_of() says of the server; an error where the caller may not list it.
Words ask_for_store(text* server) {
    Words words{};
    MemoryContext context = CurrentMemoryContext;
    SPI_connect();
    Oid types[1] = {TEXTOID};
    Datum values[1] = {PointerGetDatum(server)};
    const char nulls[1] = {server == nullptr ? 'n' : ' '};
    if (SPI_execute_with_args("SELECT ocr.listing_of($1)", 1, types, values, nulls, true, 1) != SPI_OK_SELECT ||
        SPI_processed != 1)
        elog(ERROR, "ocr.listing_of() returned nothing");
    bool is_null = false;
    Datum array = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
    MemoryContext inner = MemoryContextSwitchTo(context);
    words = words_of(DatumGetArrayTypePCopy(array));
    MemoryContextSwitchTo(inner);
    SPI_finish();
    return words;
}

/// A document in a store, as a sealed memfd.
UniqueFd fetch(const Options& store, const std::string& key, uint64_t max_size) {
    if (option_of(store, "type") == "file") {
        Fetched fetched = fetch_file(store, key, max_size, [] {
            pg::protect([] { CHECK_FOR_INTERRUPTS(); });
            return true;
        });
        if (fetched.failure) throw_failure(fetched.failure);
        return std::move(fetched.document);
    }
    HttpRequest request;
    request.operation = HttpOperation::fetch;
    request.options = store;
    request.name = key;
    request.max_size = max_size;
    return ask(std::move(request)).document;
}

/// All that is in a sealed memfd.
bytea* content_of(const UniqueFd& memfd) {
    struct stat status {};
    if (::fstat(memfd.get(), &status) < 0) throw std::system_error(errno, std::generic_category(), "fstat");
    const auto size = static_cast<size_t>(status.st_size);
    if (size > MaxAllocSize - VARHDRSZ)
        throw_failure({ErrorCode::document_too_large, "the object is larger than the 1 GB that a value can have"});
    bytea* content = nullptr;
    pg::protect([&] { content = static_cast<bytea*>(palloc(size + VARHDRSZ)); });
    SET_VARSIZE(content, size + VARHDRSZ);
    for (size_t done = 0; done < size;) {
        const ssize_t n = ::pread(memfd.get(), VARDATA(content) + done, size - done, static_cast<off_t>(done));
        if (n > 0) done += static_cast<size_t>(n);
        if (n == 0 || (n < 0 && errno != EINTR)) throw std::system_error(errno, std::generic_category(), "pread");
    }
    return content;
}

void drop_listing(void* listing) { delete static_cast<Listing*>(listing); }

/// The next object as a row; null: that was all.
HeapTuple next_row(Listing* listing, TupleDesc description) {
    return pg::enter([&]() -> HeapTuple {
        std::optional<StoredObject> object = listing->next();
        if (!object) return nullptr;
        const std::string uri = listing->uri_prefix() + object->key;
        HeapTuple row = nullptr;
        pg::protect([&] {
            auto value_of = [](const std::string& text) {
                return CStringGetTextDatum(pg_any_to_server(text.c_str(), static_cast<int>(text.size()), PG_UTF8));
            };
            Datum values[5] = {value_of(uri), value_of(object->key),
                               Int64GetDatum(static_cast<int64>(std::min<uint64_t>(object->size, INT64_MAX))),
                               object->etag.empty() ? Datum{0} : value_of(object->etag),
                               TimestampTzGetDatum(object->modified_at - microseconds_to_2000)};
            bool nulls[5] = {false, false, false, object->etag.empty(),
                             object->modified_at <= 0 || object->modified_at > latest_time};
            row = heap_form_tuple(description, values, nulls);
        });
        return row;
    });
}

}  // namespace

void register_http_of_backend() { RegisterXactCallback(end_http_with_transaction, nullptr); }

}  // namespace pg_ocr

using namespace pg_ocr;

Datum pg_ocr_list_objects(PG_FUNCTION_ARGS) {
    FuncCallContext* call = nullptr;
    if (SRF_IS_FIRSTCALL()) {
        call = SRF_FIRSTCALL_INIT();
        MemoryContext before = MemoryContextSwitchTo(call->multi_call_memory_ctx);
        TupleDesc description = nullptr;
        if (get_call_result_type(fcinfo, nullptr, &description) != TYPEFUNC_COMPOSITE)
            elog(ERROR, "ocr.list_objects() must return rows");
        call->tuple_desc = BlessTupleDesc(description);
        auto* cleanup = static_cast<MemoryContextCallback*>(palloc0(sizeof(MemoryContextCallback)));
        MemoryContextSwitchTo(before);
        const Words words = ask_for_store(PG_ARGISNULL(0) ? nullptr : PG_GETARG_TEXT_PP(0));
        const char* prefix = PG_ARGISNULL(1) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(1));
        Listing* listing = pg::enter([&] {
            Options store = options_of(words);
            const std::string uri_prefix = option_of(store, "uri");
            std::erase_if(store, [](const auto& option) { return option.first == "uri"; });
            return std::make_unique<Listing>(std::move(store), utf8(prefix), uri_prefix).release();
        });
        cleanup->func = drop_listing;
        cleanup->arg = listing;
        MemoryContextRegisterResetCallback(call->multi_call_memory_ctx, cleanup);
        call->user_fctx = listing;
    }
    call = SRF_PERCALL_SETUP();
    HeapTuple row = next_row(static_cast<Listing*>(call->user_fctx), call->tuple_desc);
    if (row == nullptr) SRF_RETURN_DONE(call);
    SRF_RETURN_NEXT(call, HeapTupleGetDatum(row));
}

Datum pg_ocr_put_object(PG_FUNCTION_ARGS) {
    const Words words = words_of(PG_GETARG_ARRAYTYPE_P(0));
    const char* key = text_to_cstring(PG_GETARG_TEXT_PP(1));
    const bytea* content = PG_GETARG_BYTEA_PP(2);
    const char* content_type = PG_ARGISNULL(3) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(3));
    text* etag = pg::enter([&]() -> text* {
        std::string written;
        const Options store = options_of(words);
        if (option_of(store, "type") == "file") {
            Put put = put_file(store, utf8(key), VARDATA_ANY(content), VARSIZE_ANY_EXHDR(content));
            if (put.failure) throw_failure(put.failure);
            written = std::move(put.etag);
        } else {
            SealedDocument sealed;
            sealed.append(VARDATA_ANY(content), VARSIZE_ANY_EXHDR(content));
            UniqueFd memfd = sealed.seal();
            HttpRequest request;
            request.operation = HttpOperation::put;
            request.options = store;
            request.name = utf8(key);
            request.content_type = utf8(content_type);
            written = ask(std::move(request), memfd.get()).response.etag;
        }
        text* result = nullptr;
        pg::protect([&] {
            if (!written.empty())
                result = cstring_to_text(pg_any_to_server(written.c_str(), static_cast<int>(written.size()), PG_UTF8));
        });
        return result;
    });
    if (etag == nullptr) PG_RETURN_NULL();
    PG_RETURN_TEXT_P(etag);
}

Datum pg_ocr_fetch_object(PG_FUNCTION_ARGS) {
    const Words words = words_of(PG_GETARG_ARRAYTYPE_P(0));
    const char* key = text_to_cstring(PG_GETARG_TEXT_PP(1));
    bytea* content =
        pg::enter([&] { return content_of(fetch(options_of(words), utf8(key), worker_settings().max_document_size)); });
    PG_RETURN_BYTEA_P(content);
}

/// Users can take any advisory lock that SQL knows of; this kind they cannot.
Datum pg_ocr_try_lock(PG_FUNCTION_ARGS) {
    const auto key = static_cast<uint64>(PG_GETARG_INT64(0));
    LOCKTAG tag;
    SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, static_cast<uint32>(key >> 32), static_cast<uint32>(key), 7);
    PG_RETURN_BOOL(LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL);
}
