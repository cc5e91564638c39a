#include "extension/settings.h"

#include <sys/stat.h>

#include <algorithm>
#include <climits>

#include "extension/cards.h"
#include "pg/guard.h"
#include "worker/providers.h"

namespace pg_ocr {
namespace {

enum Sandbox { sandbox_prefer, sandbox_require };
const config_enum_entry sandbox_options[] = {
    {"prefer", sandbox_prefer, false}, {"require", sandbox_require, false}, {nullptr, 0, false}};

const config_enum_entry gpu_options[] = {{"auto", static_cast<int>(Gpu::automatic), false},
                                         {"off", static_cast<int>(Gpu::off), false},
                                         {"stand-in", static_cast<int>(Gpu::stand_in), true},
                                         {nullptr, 0, false}};

int workers = 2;
int memory = 0;
int min_available_memory = 256;
double max_load = 0;
int max_attempts = 3;
int page_timeout = 120;
int document_timeout = 3600;
int poll_interval = 5;
int max_document_size = 512 * 1024;
int max_pages = 10000;
int max_page_pixels = 150;
int max_page_words = 100000;
int max_page_text = 4096;
int engine_memory = 2048;
int engine_documents = 1000;
int gpu_use = static_cast<int>(Gpu::automatic);
int gpu_memory = 2048;
double approve_confidence = 90;
double review_confidence = 50;
char* providers[3] = {};  ///< by tier
int sandbox = sandbox_prefer;
char* tessdata = nullptr;
char* reserved = nullptr;
constexpr int max_memory = 1 << 30;
char* queue_look = nullptr;
char* tier_look = nullptr;

void define_int(const char* name, const char* what, const char* more, int* variable, int value, int least, int most,
                GucContext context, int flags) {
    DefineCustomIntVariable(name, what, more, variable, value, least, most, context, flags, nullptr, nullptr, nullptr);
}

bool check_reserved_workers(char** value, void**, GucSource) {
    char complaint[256] = "";  // what raises an error comes after all that has a destructor
    try {
        reserved_workers_of(*value);
    } catch (const std::exception& error) {
        snprintf(complaint, sizeof(complaint), "%s.", error.what());
    }
    if (complaint[0] == '\0') return true;
    GUC_check_errdetail("%s", complaint);
    GUC_check_errhint("Write it as in 'accurate=1, fast=2'; tiers are fast, balanced and accurate.");
    return false;
}

bool check_providers(char** value, void**, GucSource) {
    char complaint[256] = "";
    try {
        providers_of(*value);
    } catch (const std::exception& error) {
        snprintf(complaint, sizeof(complaint), "%s.", error.what());
    }
    if (complaint[0] == '\0') return true;
    GUC_check_errdetail("%s", complaint);
    GUC_check_errhint("Write it as in 'pg_ocr, tesseract'; a foreign server of ocr_provider is named as it is.");
    return false;
}

std::string beside_the_server(const std::string& program) {
    const std::string server = my_exec_path;
    return server.substr(0, server.rfind('/') + 1) + program;
}

bool is_directory(const std::string& path) {
    struct stat status;
    return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

void define_settings() {
    define_int(
        "pg_ocr.workers", "Workers that read documents, in each database that has the extension.",
        "Each takes a slot of max_worker_processes and runs one engine, which keeps one core busy. 0 pauses reading.",
        &workers, 2, 0, 1024, PGC_SIGHUP, 0);
    define_int("pg_ocr.memory", "The most memory that the engines of all workers of the server may take together.",
               "No more workers run than it has room for at pg_ocr.engine_memory each, but one in each database that "
               "has the extension. 0: no bound.",
               &memory, 0, 0, max_memory, PGC_SIGHUP, GUC_UNIT_MB);
    define_int("pg_ocr.min_available_memory",
               "While the machine has less memory to spare, one worker per database runs.",
               "The others end after their present page, and come back one by one once there is a quarter more. 0: "
               "never.",
               &min_available_memory, 256, 0, max_memory, PGC_SIGHUP, GUC_UNIT_MB);
    DefineCustomRealVariable(
        "pg_ocr.max_load", "While the machine's load average of a minute is above it, fewer workers run.",
        "Every 5 s one worker of each database ends after its present page, until there is one left; they come back "
        "one by one below 80 percent of it. Workers are part of the load. 0: never.",
        &max_load, 0, 0, 100000, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
    DefineCustomStringVariable(
        "pg_ocr.reserved_workers", "Workers of each database that read documents of one tier before all others.",
        "As in 'accurate=1, fast=1'. They read others as well, and give the rest of one back after a page when one of "
        "their own tier is due. Where there are fewer workers, the last of the list have fewer or none.",
        &reserved, "", PGC_SIGHUP, 0, check_reserved_workers, nullptr, nullptr);
    define_int("pg_ocr.max_attempts", "How often a task is tried before its page or its job fails.",
               "An attempt is counted when it starts, so that a crash is counted too.", &max_attempts, 3, 1, 100,
               PGC_SIGHUP, 0);
    define_int("pg_ocr.page_timeout", "The longest time for one page.",
               "A page that takes longer is tried again, then fails. An engine that does not stop by itself is killed.",
               &page_timeout, 120, 1, 86400, PGC_SIGHUP, GUC_UNIT_S);
    define_int("pg_ocr.document_timeout", "The longest time for one attempt at a document, after which its job fails.",
               "Each part of a document that is shared among the workers has as much. 0: no limit.", &document_timeout,
               3600, 0, 7 * 86400, PGC_SIGHUP, GUC_UNIT_S);
    define_int("pg_ocr.poll_interval", "How often an idle worker looks into the queue unasked.",
               "Committed jobs wake idle workers at once; this is the backstop.", &poll_interval, 5, 1, 3600,
               PGC_SIGHUP, GUC_UNIT_S);
    define_int("pg_ocr.max_document_size", "The largest document that can be submitted.", nullptr, &max_document_size,
               512 * 1024, 1, 1024 * 1024, PGC_SIGHUP, GUC_UNIT_KB);
    define_int("pg_ocr.max_pages", "The most pages that one job may read.", nullptr, &max_pages, 10000, 1, 1000000,
               PGC_SIGHUP, 0);
    define_int("pg_ocr.max_page_pixels", "The most pixels that a page's image may have, in millions.",
               "A PDF page is rendered at a lower resolution to fit; an image that is larger fails.", &max_page_pixels,
               150, 1, 10000, PGC_SIGHUP, 0);
    define_int("pg_ocr.max_page_words", "The most words that a page may have; a page with more fails.", nullptr,
               &max_page_words, 100000, 1, 10000000, PGC_SIGHUP, 0);
    define_int("pg_ocr.max_page_text", "The most text that a page may have; a page with more fails.",
               "Counted in UTF-8, without the boxes.", &max_page_text, 4096, 1, 64 * 1024, PGC_SIGHUP, GUC_UNIT_KB);
    define_int(
        "pg_ocr.engine_memory", "The most address space of an engine, besides the document itself.",
        "A page that needs more fails; the server and the other engines are not touched. An engine that still holds "
        "a quarter of it after a document is replaced.",
        &engine_memory, 2048, 256, 1024 * 1024, PGC_SIGHUP, GUC_UNIT_MB);
    define_int("pg_ocr.engine_documents", "After how many documents an engine is replaced by a fresh one.", nullptr,
               &engine_documents, 1000, 1, 1000000, PGC_SIGHUP, 0);
    DefineCustomEnumVariable(
        "pg_ocr.gpu", "Whether lines of text are read on the machine's GPUs.",
        "auto: on each that there is, where pg_ocr was built with CUDA. off: by the CPU. stand-in: by the CPU in the "
        "place "
        "of a GPU, to try out what is around it. A change ends the services of the GPUs and starts others.",
        &gpu_use, static_cast<int>(Gpu::automatic), gpu_options, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
    define_int("pg_ocr.gpu_memory", "The most memory that is taken of each GPU.",
               "It is taken when the GPU's service starts, and does not grow. Where it cannot be had, half of it is "
               "tried, and so on. A change starts the services again.",
               &gpu_memory, 2048, 256, 1024 * 1024, PGC_SIGHUP, GUC_UNIT_MB);
    DefineCustomRealVariable("pg_ocr.approve_confidence", "Pages at or above this confidence are approved.",
                             "From 0 to 100.", &approve_confidence, 90, 0, 100, PGC_SIGHUP, 0, nullptr, nullptr,
                             nullptr);
    DefineCustomRealVariable(
        "pg_ocr.review_confidence",
        "Pages at or above this confidence, but not approved, are for review; those below, rejected.", "From 0 to 100.",
        &review_confidence, 50, 0, 100, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
    for (const Tier tier : {Tier::fast, Tier::balanced, Tier::accurate}) {
        static const char* const names[] = {"pg_ocr.fast_providers", "pg_ocr.balanced_providers",
                                            "pg_ocr.accurate_providers"};
        static const char* const meanings[] = {"What reads pages of tier fast, in the order in which it is tried.",
                                               "What reads pages of tier balanced, in the order in which it is tried.",
                                               "What reads pages of tier accurate, in the order in which it is tried."};
        const auto index = static_cast<size_t>(tier);
        DefineCustomStringVariable(
            names[index], meanings[index],
            "A list of pg_ocr, tesseract, and names of foreign servers of ocr_provider. A session's own value of "
            "pg_ocr.balanced_providers holds for ocr(), which asks no server; workers have the server's.",
            &providers[index], "pg_ocr", PGC_USERSET, 0, check_providers, nullptr, nullptr);
    }
    DefineCustomEnumVariable(
        "pg_ocr.sandbox", "Whether an engine may run where the kernel lacks a part of its sandbox.",
        "prefer: use what the kernel has, and log what it lacks. require: refuse to run without all of it.", &sandbox,
        sandbox_prefer, sandbox_options, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
    DefineCustomStringVariable("pg_ocr.tessdata_path", "The directory of Tesseract's models (*.traineddata).",
                               "Empty: where the distribution's packages put them.", &tessdata, "", PGC_SIGHUP,
                               GUC_SUPERUSER_ONLY, nullptr, nullptr, nullptr);
    // Not for users: the memory of ocr.queue_heads(), which a transaction that is rolled back must not change.
    DefineCustomStringVariable(
        "pg_ocr.queue_look", "Internal: what this session saw of the queue.", nullptr, &queue_look, "", PGC_SUSET,
        GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE | GUC_SUPERUSER_ONLY, nullptr, nullptr, nullptr);
    DefineCustomStringVariable(
        "pg_ocr.tier_look", "Internal: what this session, which is reserved for a tier, saw of that in the queue.",
        nullptr, &tier_look, "", PGC_SUSET,
        GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE | GUC_SUPERUSER_ONLY, nullptr, nullptr, nullptr);
#if PG_VERSION_NUM >= 150000
    MarkGUCPrefixReserved("pg_ocr");
#else
    EmitWarningsOnPlaceholders("pg_ocr");
#endif
}

int worker_count() { return workers; }

int engines_in_memory() { return memory == 0 ? INT_MAX : std::max(1, memory / engine_memory); }

ThrottleLimits throttle_limits() {
    return {.load = max_load, .memory = static_cast<uint64_t>(min_available_memory) << 20};
}

std::vector<ReservedWorkers> reserved_workers() { return reserved_workers_of(reserved == nullptr ? "" : reserved); }

std::string tessdata_path() {
    if (tessdata != nullptr && tessdata[0] != '\0') return tessdata;
    for (const char* usual : {"/usr/share/tesseract-ocr/5/tessdata", "/usr/share/tesseract-ocr/4.00/tessdata",
                              "/usr/share/tesseract/tessdata", "/usr/share/tessdata", "/usr/local/share/tessdata"})
        if (is_directory(usual)) return usual;
    return "/usr/share/tesseract-ocr/5/tessdata";
}

Gpu gpu() { return static_cast<Gpu>(gpu_use); }

CardSettings card_settings(uint32_t card) {
    CardSettings now;
    now.program = beside_the_server("pg_ocr_gpu");
    now.tessdata = tessdata_path();
    now.card = card;
    now.library = gpu() == Gpu::stand_in ? "stand-in" : std::string(pkglib_path) + "/pg_ocr_cuda.so";
    now.memory = static_cast<uint64_t>(gpu_memory) << 20;
    now.engines = static_cast<uint32_t>(max_worker_processes + MaxConnections);
    now.path = card_socket_path(card);
    return now;
}

HttpSettings http_settings() {
    HttpSettings now;
    now.program = beside_the_server("pg_ocr_http");
    now.sandbox_required = sandbox == sandbox_require;
    return now;
}

WorkerSettings worker_settings() {
    WorkerSettings now;
    now.engine.program = beside_the_server("pg_ocr_engine");
    now.engine.tessdata = tessdata_path();
    // The document is mapped into the engine, so its size counts as address space as well.
    now.engine.memory = (static_cast<uint64_t>(engine_memory) << 20) + (static_cast<uint64_t>(max_document_size) << 10);
    for (size_t tier = 0; tier < now.providers.size(); ++tier)
        now.providers[tier] = providers_of(providers[tier] == nullptr ? "pg_ocr" : providers[tier]);
    for (const std::string& provider : now.providers[static_cast<size_t>(Tier::balanced)])
        if (const std::optional<Recogniser> recogniser = recogniser_named(provider)) {
            now.engine.recogniser = *recogniser;
            break;
        }
    now.limits.pages = static_cast<uint32_t>(max_pages);
    now.limits.page_pixels = static_cast<uint64_t>(max_page_pixels) * 1000000;
    now.limits.page_words = static_cast<uint32_t>(max_page_words);
    now.limits.page_text = static_cast<uint64_t>(max_page_text) << 10;
    now.limits.page_time_ms = int64_t{1000} * page_timeout;
    now.limits.document_time_ms = int64_t{1000} * document_timeout;
    now.poll_interval_ms = int64_t{1000} * poll_interval;
    now.engine_documents = static_cast<uint64_t>(engine_documents);
    now.engine_growth = static_cast<uint64_t>(engine_memory) << 18;  // a quarter of it
    now.sandbox_required = sandbox == sandbox_require;
    now.http = http_settings();
    // What is to be shared among workers or kept is stored as a value, which has at most 1 GB with its header.
    now.max_document_size = std::min<uint64_t>(static_cast<uint64_t>(max_document_size) << 10, (1u << 30) - 8192);
    return now;
}

}  // namespace pg_ocr
