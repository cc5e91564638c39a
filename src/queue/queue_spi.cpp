#include "queue/queue_spi.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "pg/guard.h"
#include "pg/spi.h"
#include "protocol/sealed_document.h"

namespace pg_ocr {
namespace {

using pg::Statement;
using pg::Value;

constexpr int32_t slice_bytes = 4 << 20;

int64_t number(const std::optional<std::string>& text) {
    int64_t value = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), value);
    return value;
}

float real(const std::optional<std::string>& text) {
    float value = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), value);
    return value;
}

bool truth(const std::optional<std::string>& text) { return text && *text == "t"; }

/// '{1,2,3}'
std::vector<uint32_t> number_array(const std::string& text) {
    std::vector<uint32_t> numbers;
    const char* end = text.data() + text.size();
    for (const char* at = text.data(); at < end;) {
        uint32_t value = 0;
        auto [next, error] = std::from_chars(at, end, value);
        if (error == std::errc()) numbers.push_back(value);
        at = next + 1;
    }
    return numbers;
}

/// The bytes of a memory file that nobody can change any more, as long as this lives.
class Mapped {
  public:
    explicit Mapped(int fd) {
        struct stat status {};
        if (::fstat(fd, &status) < 0) throw std::system_error(errno, std::generic_category(), "fstat");
        size_ = static_cast<size_t>(status.st_size);
        if (size_ == 0) return;
        bytes_ = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd, 0);
        if (bytes_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "map a document");
    }
    ~Mapped() {
        if (size_ > 0) ::munmap(bytes_, size_);
    }
    Mapped(const Mapped&) = delete;
    Mapped& operator=(const Mapped&) = delete;
    pg::Bytes bytes() const { return {static_cast<const char*>(bytes_), size_}; }

  private:
    void* bytes_ = nullptr;
    size_t size_ = 0;
};

std::string hex(const std::string& bytes) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (char byte : bytes) {
        text += digits[static_cast<uint8_t>(byte) >> 4];
        text += digits[static_cast<uint8_t>(byte) & 15];
    }
    return text;
}

Value text_or_null(std::string_view text) { return text.empty() ? Value() : Value(std::string(text)); }

class SpiQueue final : public Queue {
  public:
    explicit SpiQueue(int64_t worker) : worker_(worker) {}

    std::optional<Task> claim(std::optional<Tier> reserved_for) override {
        // In a transaction of its own, so that a claim is quick and what is made here can be claimed at once.
        in_transaction("looking for changed rows", [&] { make_attached_jobs_.rows({}); });
        std::vector<Statement::Row> rows;
        in_transaction("claiming a task", [&] {
            rows = claim_.rows({worker_, reserved_for ? Value(std::string(name_of(*reserved_for))) : Value()});
        });
        if (rows.empty()) return std::nullopt;
        Statement::Row& row = rows[0];
        Task task;
        task.id = number(row[0]);
        task.fence = number(row[1]);
        task.job_id = number(row[2]);
        task.attempt = static_cast<int32_t>(number(row[3]));
        task.request.languages = row[4].value_or("");
        task.request.tier = tier_of(row[5].value_or(""));
        task.request.text_layer = text_layer_of(row[6].value_or(""));
        task.request.password = row[7].value_or("");
        task.request.pages = parse_page_ranges(row[8].value_or(""));
        task.request.done = number_array(row[9].value_or("{}"));
        task.request.page_segmentation_mode = static_cast<int32_t>(number(row[10]));
        task.request.dpi = static_cast<int32_t>(number(row[11]));
        task.request.deskew = truth(row[12]);
        task.document_id = number(row[13]);
        task.request.task = {static_cast<uint32_t>(number(row[14])), static_cast<uint32_t>(number(row[15]))};
        task.request.task_pages = static_cast<uint32_t>(number(row[16]));
        task.uri = row[17].value_or("");
        task.keep_document = truth(row[18]);
        task.request.enough = real(row[19]);
        task.row_kind = row[20].value_or("");
        task.request.debug = truth(row[21]);
        return task;
    }

    bool tier_waits(Tier tier) override {
        return ask(tier_waits_, "looking for tasks of a tier", {std::string(name_of(tier))});
    }

    bool reuse(const Task& task) override {
        return ask(reuse_, "looking for an earlier result", {task.id, task.fence});
    }

    std::optional<int64_t> due_in_ms() override {
        std::optional<std::string> due;
        in_transaction("looking for the next task", [&] { due = due_in_ms_.value({}); });
        return due ? std::optional<int64_t>(number(due)) : std::nullopt;
    }

    std::optional<std::string> row_uri(const Task& task) override {
        std::optional<std::string> uri;
        in_transaction("looking at a row", [&] { uri = row_uri_.value({task.id, task.fence}); });
        return uri;
    }

    UniqueFd row_document(const Task& task) override {
        SealedDocument sealed;
        bool is_there = false;
        in_transaction("reading a row", [&] {
            is_there = row_document_.bytes({task.id, task.fence},
                                           [&](const char* bytes, size_t n) { sealed.append(bytes, n); });
        });
        return is_there ? sealed.seal() : UniqueFd();
    }

    std::optional<Source> source(const Task& task) override {
        std::vector<Statement::Row> rows;
        in_transaction("looking for a store", [&] { rows = store_.rows({task.id, task.fence}); });
        return source_of(rows, ErrorCode::store_undeclared);
    }

    std::optional<Source> provider(const Task& task, const std::string& server) override {
        std::vector<Statement::Row> rows;
        in_transaction("looking for a provider", [&] { rows = provider_.rows({task.id, task.fence, server}); });
        return source_of(rows, ErrorCode::provider_refused);
    }

    ProviderAnswer words_of_answer(const std::string& server, int answer, int32_t width, int32_t height) override {
        const Mapped mapped(answer);
        std::vector<Statement::Row> rows;
        in_transaction("looking for words in a provider's answer", [&] {
            rows = words_of_answer_.rows({server, mapped.bytes(), width, height});
        });
        ProviderAnswer words;
        for (const Statement::Row& row : rows) {
            if (row[6]) return {{ErrorCode::provider_refused, *row[6]}, {}};
            words.words.push_back({row[0].value_or(""),
                                   {static_cast<int32_t>(number(row[1])), static_cast<int32_t>(number(row[2])),
                                    static_cast<int32_t>(number(row[3])), static_cast<int32_t>(number(row[4]))},
                                   real(row[5]),
                                   false});
        }
        return words;
    }

    std::optional<std::vector<uint32_t>> fetched(const Task& task, const std::string& etag, uint64_t size,
                                                 const std::string& sha256) override {
        std::optional<std::string> done;
        in_transaction("recording what was fetched", [&] {
            done = record_fetched_.value({task.id, task.fence, etag, static_cast<int64_t>(size), hex(sha256)});
        });
        return done ? std::optional(number_array(*done)) : std::nullopt;
    }

    std::optional<int64_t> stage(const Task& task, int document) override {
        const Mapped mapped(document);
        std::optional<std::string> id;
        in_transaction("storing a document", [&] { id = stage_.value({task.id, task.fence, mapped.bytes()}); });
        return id ? std::optional(number(id)) : std::nullopt;
    }

    UniqueFd document(const Task& task) override {
        std::optional<std::string> size_text;
        in_transaction("fetching a document", [&] { size_text = document_size_.value({task.id, task.fence}); });
        if (!size_text) return UniqueFd();
        const int64_t size = number(size_text);
        SealedDocument sealed;
        // A slice is a transaction: a large document must not hold back vacuum while it is fetched.
        for (int64_t from = 0; from < size; from += slice_bytes) {
            bool still_ours = false;
            in_transaction("fetching a document", [&] {
                still_ours = document_slice_.bytes({task.id, task.fence, from, slice_bytes},
                                                   [&](const char* bytes, size_t n) { sealed.append(bytes, n); });
            });
            if (!still_ours) return UniqueFd();
        }
        return sealed.seal();
    }

    bool opened(const Task& task, const DocumentInfo& info) override {
        return ask(
            record_opened_, "recording a document",
            {task.id, task.fence, info.type, static_cast<int32_t>(info.pages), static_cast<int32_t>(info.selected)});
    }

    bool record_page(const Task& task, const Page& page, const std::string& engine_version) override {
        return ask(record_page_, "recording a page",
                   {task.id,
                    task.fence,
                    static_cast<int32_t>(page.page_no),
                    std::string(name_of(page.status)),
                    text_or_null(name_of(page.source)),
                    page.status == PageStatus::read ? Value(page.text) : Value(),
                    page.confidence < 0 ? Value() : Value(page.confidence),
                    text_or_null(page.layout),
                    static_cast<int32_t>(page.words),
                    page.width,
                    page.height,
                    page.dpi,
                    page.rotation,
                    static_cast<int32_t>(page.elapsed_ms),
                    engine_version,
                    text_or_null(name_of(page.failure.code)),
                    text_or_null(page.failure.message),
                    page.mean_confidence < 0 ? Value() : Value(page.mean_confidence),
                    page.skew,
                    text_or_null(page.provider),
                    text_or_null(page.tried),
                    page.picture.empty() ? Value() : Value(pg::Bytes{page.picture.data(), page.picture.size()})});
    }

    bool complete(const Task& task) override { return ask(complete_, "completing a task", {task.id, task.fence}); }

    bool fail(const Task& task, const Failure& failure, uint32_t page_no, uint32_t retry_after_s) override {
        return ask(fail_, "recording a failure",
                   {task.id, task.fence, std::string(name_of(failure.code)), failure.message,
                    static_cast<int32_t>(page_no), static_cast<int32_t>(std::min(retry_after_s, 86400u))});
    }

    void release(const Task& task) override {
        in_transaction("giving a task back", [&] { release_.rows({task.id, task.fence}); });
    }

    bool still_ours(const Task& task) override { return ask(holds_, "checking a claim", {task.id, task.fence}); }

    bool rescue() override { return ask(rescue_, "looking for tasks of dead workers", {}); }

  private:
    static std::optional<Source> source_of(const std::vector<Statement::Row>& rows, ErrorCode undeclared) {
        if (rows.empty()) return std::nullopt;
        Source source;
        for (const Statement::Row& row : rows) {
            const std::string name = row[0].value_or("");
            if (name == "undeclared")
                source.failure = {undeclared, row[1].value_or("")};
            else if (name == "key")
                source.key = row[1].value_or("");
            else
                source.store.emplace_back(name, row[1].value_or(""));
        }
        return source;
    }

    bool ask(Statement& statement, const char* activity, const std::vector<Value>& arguments) {
        bool answer = false;
        in_transaction(activity, [&] { answer = truth(statement.value(arguments)); });
        return answer;
    }

    static void in_transaction(const char* activity, const std::function<void()>& body) {
        try {
            pg::transaction(activity, body);
        } catch (const pg::Error& error) {
            std::string message = error.what();
            if (!error.detail.empty()) message += " (" + error.detail + ")";
            if (error.sqlstate == ERRCODE_LOCK_NOT_AVAILABLE) throw ClaimLocked(message);
            if (error.sqlstate == ERRCODE_DISK_FULL) throw DiskFull(message);
            throw QueueError(message);
        }
    }

    int64_t worker_;
    Statement claim_{
        "SELECT task_id, fence, job_id, attempt, language, tier, text_layer, password, pages, done, psm, dpi, deskew, "
        "document_id, first_page, last_page, task_pages, uri, keep_document, enough, row_kind, debug "
        "FROM ocr.claim_task($1, $2)",
        {INT8OID, TEXTOID}};
    Statement make_attached_jobs_{"SELECT ocr.make_attached_jobs()", {}};
    Statement row_uri_{"SELECT ocr.row_uri($1, $2)", {INT8OID, INT8OID}};
    Statement row_document_{"SELECT ocr.row_document($1, $2)", {INT8OID, INT8OID}};
    Statement tier_waits_{"SELECT ocr.tier_waits($1)", {TEXTOID}};
    Statement reuse_{"SELECT ocr.reuse_result($1, $2)", {INT8OID, INT8OID}};
    Statement due_in_ms_{"SELECT ocr.due_in_ms()", {}};
    Statement store_{"SELECT name, value FROM ocr.store_of_task($1, $2)", {INT8OID, INT8OID}};
    Statement provider_{"SELECT name, value FROM ocr.provider_of_task($1, $2, $3)", {INT8OID, INT8OID, TEXTOID}};
    Statement words_of_answer_{
        "SELECT word, left_edge, top_edge, right_edge, bottom_edge, confidence, trouble FROM ocr.words_of_answer($1, "
        "$2, $3, $4)",
        {TEXTOID, BYTEAOID, INT4OID, INT4OID}};
    Statement record_fetched_{"SELECT ocr.record_fetched($1, $2, $3, $4, pg_catalog.decode($5, 'hex'))",
                              {INT8OID, INT8OID, TEXTOID, INT8OID, TEXTOID}};
    Statement stage_{"SELECT ocr.stage_fetched($1, $2, $3)", {INT8OID, INT8OID, BYTEAOID}};
    Statement document_size_{"SELECT ocr.document_size($1, $2)", {INT8OID, INT8OID}};
    Statement document_slice_{"SELECT ocr.document_slice($1, $2, $3, $4)", {INT8OID, INT8OID, INT8OID, INT4OID}};
    Statement record_opened_{"SELECT ocr.record_opened($1, $2, $3, $4, $5)",
                             {INT8OID, INT8OID, TEXTOID, INT4OID, INT4OID}};
    Statement record_page_{
        "SELECT ocr.record_page($1, $2, $3, $4, $5, $6, $7, $8::pg_catalog.jsonb, $9, $10, $11, $12, $13, $14, $15, "
        "$16, $17, $18, $19, $20, $21::pg_catalog.jsonb, $22)",
        {INT8OID, INT8OID, INT4OID, TEXTOID, TEXTOID, TEXTOID, FLOAT4OID, TEXTOID,   INT4OID, INT4OID, INT4OID,
         INT4OID, INT4OID, INT4OID, TEXTOID, TEXTOID, TEXTOID, FLOAT4OID, FLOAT4OID, TEXTOID, TEXTOID, BYTEAOID}};
    Statement complete_{"SELECT ocr.complete_task($1, $2)", {INT8OID, INT8OID}};
    Statement fail_{"SELECT ocr.fail_task($1, $2, $3, $4, $5, $6)",
                    {INT8OID, INT8OID, TEXTOID, TEXTOID, INT4OID, INT4OID}};
    Statement release_{"SELECT ocr.release_task($1, $2)", {INT8OID, INT8OID}};
    Statement holds_{"SELECT ocr.holds_task($1, $2)", {INT8OID, INT8OID}};
    Statement rescue_{"SELECT ocr.rescue_tasks() >= 0 AND NOT EXISTS (SELECT FROM ocr.orphaned_tasks())", {}};
};

}  // namespace

std::unique_ptr<Queue> make_spi_queue(int64_t worker) { return std::make_unique<SpiQueue>(worker); }

}  // namespace pg_ocr
