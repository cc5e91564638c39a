// ocr_pdf(): has this backend's engine lay the words of a job over its document.
#include <deque>
#include <string>

#include "extension/backend_engine.h"
#include "extension/settings.h"
#include "extension/shared_state.h"
#include "pg/guard.h"
#include "protocol/sealed_document.h"

extern "C" {
PG_FUNCTION_INFO_V1(pg_ocr_compose_pdf);
}

namespace pg_ocr {
namespace {

constexpr size_t most_bytes = MaxAllocSize - VARHDRSZ;

struct StoredWord {
    int32_t block, line;
    Box box;
    const char* text;  ///< UTF-8
};

/// A page that is to have text, as a plain value.
struct StoredPage {
    PageView view;
    StoredWord* words;
    uint64 count;
};

constexpr const char* next_page =
    "SELECT p.page_no, p.width, p.height, coalesce(p.dpi, 0), coalesce(p.rotation, 0), coalesce(p.skew, 0) "
    "FROM ocr.pages p WHERE p.job_id = $1 AND p.page_no > $2 AND p.status = 'read' AND p.source = 'ocr' AND p.words > "
    "0 "
    "AND p.layout IS NOT NULL ORDER BY p.page_no LIMIT 1";

constexpr const char* words_of_page =
    "SELECT b.no::int, l.no::int, (w.word->'box'->>0)::int, (w.word->'box'->>1)::int, (w.word->'box'->>2)::int, "
    "(w.word->'box'->>3)::int, w.word->>'text' FROM ocr.pages p, "
    "jsonb_array_elements(coalesce(p.corrected_layout, p.layout)->'blocks') WITH ORDINALITY AS b (block, no), "
    "jsonb_array_elements(b.block->'lines') WITH ORDINALITY AS l (line, no), "
    "jsonb_array_elements(l.line->'words') WITH ORDINALITY AS w (word, no) "
    "WHERE p.job_id = $1 AND p.page_no = $2 ORDER BY b.no, l.no, w.no";

/// In the current memory context, as is all that it gives; the table is freed.
template <typename Use>
void query(SPIPlanPtr& plan, const char* sql, int64 job_id, int32 page_no, Use use) {
    if (plan == nullptr) {
        Oid types[2] = {INT8OID, INT4OID};
        plan = SPI_prepare(sql, 2, types);
        if (plan == nullptr) elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
        SPI_keepplan(plan);
    }
    Datum values[2] = {Int64GetDatum(job_id), Int32GetDatum(page_no)};
    const int result = SPI_execute_plan(plan, values, nullptr, true, 0);
    if (result != SPI_OK_SELECT) elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
    use(SPI_tuptable, SPI_processed);
    SPI_freetuptable(SPI_tuptable);
}

Datum column_of(SPITupleTable* table, uint64 row, int column) {
    bool is_null = false;
    Datum value = SPI_getbinval(table->vals[row], table->tupdesc, column, &is_null);
    if (is_null) ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("a page's layout lacks a part of it")));
    return value;
}

int32_t integer_of(SPITupleTable* table, uint64 row, int column) {
    return DatumGetInt32(column_of(table, row, column));
}

/// False where there is none after this one.
bool fetch_page_after(int64 job_id, uint32_t page_no, StoredPage& page) {
    static SPIPlanPtr pages_plan = nullptr;
    static SPIPlanPtr words_plan = nullptr;
    bool found = false;
    query(pages_plan, next_page, job_id, static_cast<int32>(page_no), [&](SPITupleTable* table, uint64 rows) {
        found = rows > 0;
        if (!found) return;
        page.view.page_no = static_cast<uint32_t>(integer_of(table, 0, 1));
        page.view.width = integer_of(table, 0, 2);
        page.view.height = integer_of(table, 0, 3);
        page.view.dpi = integer_of(table, 0, 4);
        page.view.rotation = integer_of(table, 0, 5);
        page.view.skew = DatumGetFloat4(column_of(table, 0, 6));
    });
    if (!found) return false;
    query(words_plan, words_of_page, job_id, static_cast<int32>(page.view.page_no),
          [&](SPITupleTable* table, uint64 rows) {
              page.count = rows;
              page.words = static_cast<StoredWord*>(palloc_extended(sizeof(StoredWord) * (rows + 1), MCXT_ALLOC_HUGE));
              for (uint64 row = 0; row < rows; ++row) {
                  char* stored = TextDatumGetCString(column_of(table, row, 7));
                  page.words[row] = {integer_of(table, row, 1),
                                     integer_of(table, row, 2),
                                     {integer_of(table, row, 3), integer_of(table, row, 4), integer_of(table, row, 5),
                                      integer_of(table, row, 6)},
                                     pg_server_to_any(stored, static_cast<int>(strlen(stored)), PG_UTF8)};
              }
          });
    return true;
}

PageLayout layout_of(const StoredPage& stored) {
    PageLayout page;
    page.view = stored.view;
    int32_t block = 0, line = 0;
    for (uint64 i = 0; i < stored.count; ++i) {
        const StoredWord& word = stored.words[i];
        if (word.block != block) page.layout.blocks.emplace_back();
        if (word.block != block || word.line != line) page.layout.blocks.back().lines.emplace_back();
        block = word.block;
        line = word.line;
        page.layout.blocks.back().lines.back().words.push_back({word.text, word.box});
    }
    return page;
}

void send_layouts(EngineProcess& engine, int64 job_id) {
    MemoryContext context = nullptr;
    pg::protect(
        [&] { context = AllocSetContextCreate(CurrentMemoryContext, "page of ocr_pdf", ALLOCSET_DEFAULT_SIZES); });
    for (StoredPage page{};;) {
        bool found = false;
        pg::protect([&] {
            CHECK_FOR_INTERRUPTS();
            MemoryContext before = MemoryContextSwitchTo(context);
            found = fetch_page_after(job_id, page.view.page_no, page);
            MemoryContextSwitchTo(before);
        });
        if (!found) break;
        engine.send_layout(layout_of(page));
        MemoryContextReset(context);
    }
    engine.send_layouts_end();
    MemoryContextDelete(context);
}

/// What the engine sends, piece by piece.
struct Composed {
    std::deque<std::string> pieces;
    size_t size = 0;
    bool signature_broken = false;
};

Composed receive_pieces(EngineProcess& engine, const WorkerSettings& settings) {
    Composed composed;
    for (;;) {
        engine.set_cpu_limit(static_cast<uint32_t>(settings.limits.document_time_ms / 1000 + 60));
        EngineMessage message = next_engine_message(-1, {}, 0);
        if (auto* piece = std::get_if<Piece>(&message)) {
            composed.size += piece->bytes.size();
            if (composed.size > most_bytes)
                throw pg::Error(ERRCODE_PROGRAM_LIMIT_EXCEEDED, "the PDF is larger than the 1 GB that a value can have",
                                "", "Split the document and submit its parts.");
            composed.pieces.push_back(std::move(piece->bytes));
        } else if (const auto* failure = std::get_if<Failure>(&message)) {
            throw_failure(*failure, 0);
        } else if (const auto* finished = std::get_if<Finished>(&message)) {
            composed.signature_broken = finished->signature_broken;
            return composed;
        }
    }
}

bytea* compose(const bytea* document, int64 job_id, const char* password) {
    const WorkerSettings settings = worker_settings();
    EngineProcess& engine = engine_of_backend(settings);
    {
        SealedDocument sealed;
        sealed.append(VARDATA_ANY(document), VARSIZE_ANY_EXHDR(document));
        UniqueFd memfd = sealed.seal();
        engine.send_compose({password, settings.limits}, memfd.get());
    }
    send_layouts(engine, job_id);
    Composed composed = receive_pieces(engine, settings);
    bytea* pdf = nullptr;
    pg::protect([&] {
        if (composed.signature_broken)
            ereport(WARNING, (errmsg("the document of job " INT64_FORMAT
                                     " bears a digital signature, which does not hold in the PDF with text",
                                     job_id),
                              errhint("Keep the document as it was signed, too.")));
        pdf = static_cast<bytea*>(SPI_palloc(composed.size + VARHDRSZ));
    });
    SET_VARSIZE(pdf, composed.size + VARHDRSZ);
    for (char* to = VARDATA(pdf); !composed.pieces.empty(); composed.pieces.pop_front()) {
        memcpy(to, composed.pieces.front().data(), composed.pieces.front().size());
        to += composed.pieces.front().size();
    }
    return pdf;
}

}  // namespace
}  // namespace pg_ocr

Datum pg_ocr_compose_pdf(PG_FUNCTION_ARGS) {
    using namespace pg_ocr;
    shared_state();
    const bytea* document = PG_GETARG_BYTEA_PP(0);
    const int64 job_id = PG_GETARG_INT64(1);
    char* password = PG_ARGISNULL(2) ? pstrdup("") : text_to_cstring(PG_GETARG_TEXT_PP(2));
    password = pg_server_to_any(password, static_cast<int>(strlen(password)), PG_UTF8);
    SPI_connect();
    bytea* pdf =
        pg::enter([&] { return with_engine_of_backend([&] { return pg_ocr::compose(document, job_id, password); }); });
    SPI_finish();
    PG_RETURN_BYTEA_P(pdf);
}
